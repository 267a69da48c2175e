// SPDX-License-Identifier: GPL-2.0
#include "doctor/self_test.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/host.h"
#include "kernel/btf_file.h"
#include "kernel/kallsyms.h"
#include "kernel/libbpf_setup.h"
#include "probe/kprobe.h"
#include "selftest_bpf.skel.h"

#define FUNCTION "__set_task_comm"
#define PATIENCE_MS 1000

struct run {
	const struct vs_facts *facts;
	struct vs_self_test *test;
	struct selftest_bpf *skel;
	struct ring_buffer *ring;
	struct bpf_link *links[VS_TEST_END];
	uint64_t function;	/* address, 0: not found */
	int kprobe_type;
	char name[16];		/* the thread's new name */
	uint64_t comm;		/* where the kernel keeps it, 0: not known yet */
	uint64_t since_ns;	/* when it was renamed */
	unsigned int seen;	/* bit for each kind */
	cpu_set_t cpus;		/* the thread's own */
	bool pinned;
};

const char *vs_test__name(enum vs_test_kind kind)
{
	static const char *const names[VS_TEST_END] = {
		"tracepoint", "tp_btf", "fentry", "fexit", "kprobe at entry", "kprobe inside",
		"watchpoint",
	};

	return names[kind];
}

static void say(struct run *run, enum vs_test_kind kind, enum vs_test_outcome outcome,
		const char *words)
{
	struct vs_test_result *r = &run->test->results[kind];

	r->outcome = outcome;
	snprintf(r->words, sizeof(r->words), "%s", words);
}

/* -- loading -- */

static struct bpf_program *program_of(const struct selftest_bpf *skel, enum vs_test_kind kind)
{
	switch (kind) {
	case VS_TEST_TRACEPOINT: return skel->progs.on_tracepoint;
	case VS_TEST_TP_BTF: return skel->progs.on_tp_btf;
	case VS_TEST_FENTRY: return skel->progs.on_fentry;
	case VS_TEST_FEXIT: return skel->progs.on_fexit;
	case VS_TEST_KPROBE_ENTRY: return skel->progs.on_kprobe_entry;
	case VS_TEST_KPROBE_INSIDE: return skel->progs.on_kprobe_inside;
	case VS_TEST_WATCHPOINT: return skel->progs.on_watchpoint;
	case VS_TEST_END: break;
	}
	return NULL;
}

static int take_event(void *ctx, void *data, size_t len)
{
	const struct vs_test_event *e = data;
	struct run *run = ctx;

	if (len < sizeof(*e) || e->kind >= VS_TEST_END || run->seen & (1u << e->kind))
		return 0;
	run->seen |= 1u << e->kind;
	run->comm = e->comm;
	run->test->results[e->kind].latency_ns = vs_host__mono_ns() - run->since_ns;
	return 0;
}

static void unload(struct run *run)
{
	for (size_t i = 0; i < VS_TEST_END; i++) {
		bpf_link__destroy(run->links[i]);
		run->links[i] = NULL;
	}
	ring_buffer__free(run->ring);
	selftest_bpf__destroy(run->skel);
	run->ring = NULL;
	run->skel = NULL;
}

static int load(struct run *run, unsigned int kinds)
{
	struct bpf_object_open_opts opts;
	int err;

	vs_btf_file__open_opts(&opts);
	run->skel = selftest_bpf__open_opts(&opts);
	if (!run->skel)
		return -errno;
	memcpy((void *)&run->skel->rodata->token, run->name, VS_TEST_TOKEN);
	for (enum vs_test_kind kind = 0; kind < VS_TEST_END; kind++)
		bpf_program__set_autoload(program_of(run->skel, kind), kinds & (1u << kind));
	err = selftest_bpf__load(run->skel);
	if (err)
		return err;
	run->ring = ring_buffer__new(bpf_map__fd(run->skel->maps.fired), take_event, run, NULL);
	return run->ring ? 0 : -errno;
}

/* -- arming -- */

static struct bpf_link *arm_watchpoint(struct run *run)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT,
		.size = sizeof(attr),
		.sample_period = 1,
		.bp_type = HW_BREAKPOINT_W,
		.bp_addr = run->comm,
		.bp_len = HW_BREAKPOINT_LEN_4,
	};
	int fd = syscall(SYS_perf_event_open, &attr, -1, sched_getcpu(), -1, PERF_FLAG_FD_CLOEXEC);
	struct bpf_link *link;
	int err;

	if (fd < 0)
		return NULL;
	run->skel->bss->watched = run->comm;
	link = bpf_program__attach_perf_event(run->skel->progs.on_watchpoint, fd);
	err = errno;
	if (!link)
		close(fd);
	errno = err;
	return link;
}

/*
 * An instruction follows the five bytes of ftrace (and the four of an endbr64); the kernel refuses
 * an address inside of one.
 */
static struct bpf_link *arm_inside(struct run *run)
{
	struct bpf_program *prog = run->skel->progs.on_kprobe_inside;
	struct bpf_link *link = vs_kprobe__attach(prog, NULL, run->kprobe_type, run->function + 5);

	return link ? link : vs_kprobe__attach(prog, NULL, run->kprobe_type, run->function + 9);
}

static struct bpf_link *arm(struct run *run, enum vs_test_kind kind)
{
	switch (kind) {
	case VS_TEST_KPROBE_ENTRY:
		return vs_kprobe__attach(run->skel->progs.on_kprobe_entry, NULL, run->kprobe_type,
					 run->function);
	case VS_TEST_KPROBE_INSIDE:
		return arm_inside(run);
	case VS_TEST_WATCHPOINT:
		return arm_watchpoint(run);
	default:
		return bpf_program__attach(program_of(run->skel, kind));
	}
}

/* Returns why a kind need not be tried; NULL: it can be. */
static const char *obstacle(const struct run *run, enum vs_test_kind kind)
{
	bool needs_btf = kind == VS_TEST_TP_BTF || kind == VS_TEST_FENTRY || kind == VS_TEST_FEXIT;
	bool at_entry = kind == VS_TEST_FENTRY || kind == VS_TEST_FEXIT ||
			kind == VS_TEST_KPROBE_ENTRY;
	bool is_kprobe = kind == VS_TEST_KPROBE_ENTRY || kind == VS_TEST_KPROBE_INSIDE;

	if (vs_facts__ring_may_sleep(run->facts))
		return VS_RING_MAY_SLEEP;
	if (needs_btf && !run->facts->vmlinux_btf)
		return "this kernel has no BTF";
	if (kind == VS_TEST_FEXIT && !run->facts->tramp_image)
		return "this kernel frees a fexit's trampoline too early (before e21aa341785c)";
	/* Seen on 5.10: a fentry that is armed then makes ftrace give up until the next boot. */
	if (at_entry && run->facts->ftrace_enabled == 0)
		return "kernel.ftrace_enabled is 0, it could not fire, and trying could do harm";
	if (is_kprobe && run->kprobe_type < 0)
		return "this kernel offers no kprobes to perf";
	if (is_kprobe && !run->function)
		return "addresses of kernel functions are hidden";
#ifndef __x86_64__
	if (kind == VS_TEST_KPROBE_INSIDE)
		return "on x86-64 only";
#endif
	if (kind == VS_TEST_WATCHPOINT && !run->comm)
		return "the address to watch comes from one of the others, and none fired";
	return NULL;
}

/* -- provoking -- */

static void rename_thread(struct run *run)
{
	run->since_ns = vs_host__mono_ns();
	prctl(PR_SET_NAME, run->name, 0, 0, 0);
}

static void await(struct run *run, unsigned int kinds)
{
	uint64_t give_up = vs_host__mono_ns() + PATIENCE_MS * 1000000ull;

	while ((run->seen & kinds) != kinds && vs_host__mono_ns() < give_up)
		ring_buffer__poll(run->ring, 50);
}

static void try_one(struct run *run, enum vs_test_kind kind)
{
	const char *why = obstacle(run, kind);

	if (why) {
		say(run, kind, VS_TEST_LEFT_OUT, why);
		return;
	}
	run->links[kind] = arm(run, kind);
	if (!run->links[kind]) {
		say(run, kind, errno == ENOSPC ? VS_TEST_LEFT_OUT : VS_TEST_REFUSED,
		    errno == ENOSPC ? "no debug register is free" : strerror(errno));
		return;
	}
	rename_thread(run);
	await(run, 1u << kind);
	say(run, kind, run->seen & (1u << kind) ? VS_TEST_FIRED : VS_TEST_SILENT, "");
	bpf_link__destroy(run->links[kind]);
	run->links[kind] = NULL;
}

/* One program that is refused must not take the others along. */
static void try_alone(struct run *run, enum vs_test_kind kind)
{
	const char *why = obstacle(run, kind);
	int err = why ? 0 : load(run, 1u << kind);

	if (why)
		say(run, kind, VS_TEST_LEFT_OUT, why);
	else if (err)
		say(run, kind, VS_TEST_REFUSED, strerror(-err));
	else
		try_one(run, kind);
	unload(run);
}

static unsigned int worth_loading(const struct run *run)
{
	unsigned int kinds = 1u << VS_TEST_WATCHPOINT;

	for (enum vs_test_kind kind = 0; kind < VS_TEST_WATCHPOINT; kind++)
		if (!obstacle(run, kind))
			kinds |= 1u << kind;
	return kinds;
}

static void try_all(struct run *run)
{
	int err = load(run, worth_loading(run));

	if (err)
		unload(run);
	for (enum vs_test_kind kind = 0; kind < VS_TEST_END; kind++) {
		if (err)
			try_alone(run, kind);
		else
			try_one(run, kind);
	}
	unload(run);
}

/* -- setting up -- */

static int find_function(void *ctx, const struct vs_symbol *symbol)
{
	struct run *run = ctx;

	if (strcmp(symbol->name, FUNCTION) || symbol->module[0])
		return 0;
	run->function = symbol->addr;
	return 1;
}

static void learn_function(struct run *run)
{
	FILE *file = fopen("/proc/kallsyms", "re");

	if (!file)
		return;
	vs_kallsyms__each(file, find_function, run);
	fclose(file);
}

/* We arm the watchpoint on one CPU only, so the thread has to stay there. */
static void pin(struct run *run)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	run->pinned = !sched_getaffinity(0, sizeof(run->cpus), &run->cpus) &&
		      !sched_setaffinity(0, sizeof(one), &one);
}

void vs_self_test__run(const struct vs_facts *facts, struct vs_self_test *test)
{
	struct run run = { .facts = facts, .test = test, .kprobe_type = vs_kprobe__type() };
	libbpf_print_fn_t before = vs_libbpf__quiet(false);
	char old_name[16] = "";

	memset(test, 0, sizeof(*test));
	vs_libbpf__raise_limits();
	prctl(PR_GET_NAME, old_name, 0, 0, 0);
	snprintf(run.name, sizeof(run.name), "vt%06x", (unsigned int)getpid() & 0xffffff);
	learn_function(&run);
	pin(&run);
	try_all(&run);
	if (run.pinned)
		sched_setaffinity(0, sizeof(run.cpus), &run.cpus);
	prctl(PR_SET_NAME, old_name, 0, 0, 0);
	libbpf_set_print(before);
}

bool vs_self_test__passed(const struct vs_self_test *test)
{
	for (size_t i = 0; i < VS_TEST_END; i++)
		if (test->results[i].outcome == VS_TEST_SILENT ||
		    test->results[i].outcome == VS_TEST_REFUSED)
			return false;
	return true;
}

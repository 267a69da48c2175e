// SPDX-License-Identifier: GPL-2.0
/* doctor's checks: recorded hosts where all is well, and each knob turned on them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/exit_codes.h"
#include "base/text_file.h"
#include "doctor/bundle.h"
#include "doctor/checks.h"
#include "doctor/print_checks.h"
#include "doctor/recorded.h"

struct host {
	struct vs_facts facts;
	struct vs_env env;
	struct vs_diags checks;
};

/* Facts of a kernel, and what was gathered beside them when nothing was in the way. */
static void recorded(struct host *h, const char *facts, const char *host)
{
	json_t *root = json_load_file(facts, 0, NULL), *more = json_load_file(host, 0, NULL);
	char *text, error[200] = "";

	assert_non_null(root);
	assert_non_null(more);
	assert_int_equal(json_object_update(root, more), 0);
	text = json_dumps(root, 0);
	if (vs_recorded__from_text(text, &h->facts, &h->env, error, sizeof(error)))
		fail_msg("%s: %s", host, error);
	free(text);
	json_decref(more);
	json_decref(root);
}

static int set_up(void **state)
{
	struct host *h = calloc(1, sizeof(*h));

	recorded(h, "tests/facts/fixed.json", "tests/facts/host-fixed.json");
	*state = h;
	return 0;
}

static int tear_down(void **state)
{
	struct host *h = *state;

	vs_facts__free(&h->facts);
	free(h);
	return 0;
}

static const struct vs_diag_result *run(struct host *h, const char *id)
{
	const struct vs_diag_result *r;

	vs_diags__run(&h->facts, &h->env, &h->checks);
	r = vs_diags__get(&h->checks, id);
	assert_non_null(r);
	return r;
}

/* Its status, and that whoever reads it learns what is wrong, what it costs, what to do. */
static void is(struct host *h, const char *id, enum vs_diag_status status, const char *command)
{
	const struct vs_diag_result *r = run(h, id);

	if (r->status != status)
		fail_msg("%s is %s", id, vs_diag_status__name(r->status));
	if (status == VS_DIAG_OK || status == VS_DIAG_UNKNOWN) {
		assert_true(r->value[0]);
		return;
	}
	assert_true(r->what[0] && r->cost[0]);
	if (!strstr(r->command, command))
		fail_msg("%s: \"%s\" is not in \"%s\"", id, command, r->command);
}

static void drop(struct host *h, int cap)
{
	h->env.caps &= ~VS_CAP_BIT(cap);
}

static void a_healthy_host_has_nothing(void **state)
{
	static const char *const paths[][2] = {
		{ "tests/facts/fixed.json", "tests/facts/host-fixed.json" },
		{ "tests/facts/6.12.json", "tests/facts/host-6.12.json" },
	};

	(void)state;
	for (size_t p = 0; p < 2; p++) {
		struct host h;

		recorded(&h, paths[p][0], paths[p][1]);
		vs_diags__run(&h.facts, &h.env, &h.checks);
		assert_true(h.checks.nr > 20);
		for (size_t i = 0; i < h.checks.nr; i++)
			if (h.checks.results[i].status != VS_DIAG_OK)
				fail_msg("%s: %s", paths[p][1], h.checks.results[i].id);
		assert_int_equal(vs_diags__exit_status(&h.checks), VS_EXIT_OK);
		vs_facts__free(&h.facts);
	}
}

static void ids_are_unique(void **state)
{
	struct host *h = *state;

	run(h, "user");
	for (size_t i = 0; i < h->checks.nr; i++)
		assert_ptr_equal(vs_diags__get(&h->checks, h->checks.results[i].id),
				 &h->checks.results[i]);
	assert_null(vs_diags__get(&h->checks, "nonsense"));
}

static void each_capability_is_missed_alone(void **state)
{
	static const struct {
		int cap;
		const char *id;
		enum vs_diag_status status;
	} rows[] = {
		{ CAP_BPF, "cap-bpf", VS_DIAG_BLOCKS },
		{ CAP_PERFMON, "cap-perfmon", VS_DIAG_BLOCKS },
		{ CAP_SYSLOG, "cap-syslog", VS_DIAG_BLOCKS },
		{ CAP_SYS_PTRACE, "cap-sys-ptrace", VS_DIAG_WEAKER },
	};
	struct host *h = *state;
	uint64_t all;

	h->env.uid = 1000;
	drop(h, CAP_SYS_ADMIN);
	all = h->env.caps;
	is(h, "cap-sys-admin", VS_DIAG_WEAKER, "sudo");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		h->env.caps = all;
		is(h, rows[i].id, VS_DIAG_OK, "");
		drop(h, rows[i].cap);
		is(h, rows[i].id, rows[i].status, "sudo vfioscope doctor");
		assert_null(run(h, rows[i].id)->covered_by);
	}
}

static void sys_admin_covers_bpf_and_perfmon_not_syslog(void **state)
{
	struct host *h = *state;

	h->env.caps = VS_CAP_BIT(CAP_SYS_ADMIN);
	is(h, "cap-bpf", VS_DIAG_OK, "");
	assert_string_equal(run(h, "cap-bpf")->value, "covered by CAP_SYS_ADMIN");
	is(h, "cap-perfmon", VS_DIAG_OK, "");
	is(h, "cap-syslog", VS_DIAG_BLOCKS, "docker run --cap-add SYSLOG");
}

static void before_v5_8_sys_admin_is_what_counts(void **state)
{
	struct host *h = *state;

	h->env.cap_last = CAP_AUDIT_READ;
	h->env.uid = 1000;
	is(h, "cap-bpf", VS_DIAG_UNKNOWN, "");
	is(h, "cap-sys-admin", VS_DIAG_OK, "");
	drop(h, CAP_SYS_ADMIN);
	is(h, "cap-sys-admin", VS_DIAG_BLOCKS, "sudo");
	assert_ptr_equal(vs_diags__blocker(&h->checks, VS_WORK_TRACE),
			 vs_diags__get(&h->checks, "cap-sys-admin"));
}

static void addresses_may_be_everybodys(void **state)
{
	struct host *h = *state;

	drop(h, CAP_SYSLOG);
	h->facts.kptr_restrict = 0;
	h->facts.perf_event_paranoid = 1;
	is(h, "cap-syslog", VS_DIAG_OK, "");
	h->facts.perf_event_paranoid = 2;
	is(h, "cap-syslog", VS_DIAG_BLOCKS, "docker");
	h->facts.perf_event_paranoid = 1;
	h->facts.kptr_restrict = 1;
	is(h, "cap-syslog", VS_DIAG_BLOCKS, "docker");
}

static void an_ordinary_user_is_one_cause(void **state)
{
	struct host *h = *state;

	h->env.caps = 0;
	is(h, "cap-bpf", VS_DIAG_BLOCKS, "docker");	/* root without any */
	h->env.uid = 1000;
	is(h, "user", VS_DIAG_BLOCKS, "sudo vfioscope doctor");
	assert_string_equal(run(h, "cap-bpf")->covered_by, "user");
	assert_string_equal(run(h, "cap-syslog")->covered_by, "user");
	assert_int_equal(vs_diags__exit_status(&h->checks), VS_EXIT_PERMISSION);
	assert_string_equal(vs_diags__blocker(&h->checks, VS_WORK_REFS)->id, "user");
}

static void namespaces(void **state)
{
	struct host *h = *state;

	h->env.pid_ns_initial = 0;
	is(h, "pid-namespace", VS_DIAG_WEAKER, "--pid=host");
	is(h, "user-namespace", VS_DIAG_OK, "");
	h->env.user_ns_initial = 0;
	is(h, "user-namespace", VS_DIAG_BLOCKS, "sudo vfioscope doctor");
	/* All capabilities are held, and none counts. */
	assert_int_equal(run(h, "cap-bpf")->status, VS_DIAG_BLOCKS);
	assert_string_equal(run(h, "cap-bpf")->covered_by, "user-namespace");
	h->env.user_ns_initial = VS_UNKNOWN;
	is(h, "user-namespace", VS_DIAG_UNKNOWN, "");
	is(h, "cap-bpf", VS_DIAG_OK, "");
}

static void seccomp_is_a_refusal_nothing_else_explains(void **state)
{
	struct host *h = *state;

	h->env.seccomp = 2;
	is(h, "seccomp", VS_DIAG_OK, "");
	h->env.bpf_call = -EPERM;
	is(h, "seccomp", VS_DIAG_BLOCKS, "seccomp=unconfined");
	drop(h, CAP_SYS_ADMIN);
	drop(h, CAP_BPF);
	is(h, "seccomp", VS_DIAG_OK, "");
	h->env.perf_call = -EPERM;
	is(h, "seccomp", VS_DIAG_BLOCKS, "seccomp=unconfined");
	h->env.perf_call = -EACCES;	/* that is perf_event_paranoid */
	is(h, "seccomp", VS_DIAG_OK, "");
	h->env.perf_call = -EPERM;
	h->env.seccomp = 0;
	is(h, "seccomp", VS_DIAG_OK, "");
}

static void paranoid_three_binds_who_is_refused(void **state)
{
	struct host *h = *state;

	h->facts.perf_event_paranoid = 3;
	is(h, "perf-event-paranoid", VS_DIAG_OK, "");
	h->env.perf_call = -EACCES;
	is(h, "perf-event-paranoid", VS_DIAG_BLOCKS, "sysctl kernel.perf_event_paranoid=2");
	h->facts.perf_event_paranoid = 2;
	is(h, "perf-event-paranoid", VS_DIAG_OK, "");
	h->facts.perf_event_paranoid = VS_UNKNOWN;
	is(h, "perf-event-paranoid", VS_DIAG_UNKNOWN, "");
}

static void memlock_counts_where_the_kernel_counts(void **state)
{
	struct host *h = *state;

	is(h, "memlock", VS_DIAG_OK, "");
	h->env.memlock_raised = 0;
	is(h, "memlock", VS_DIAG_BLOCKS, "prlimit --memlock=unlimited:unlimited --pid $$");
	h->env.memlock_hard = h->env.ring_bytes;
	is(h, "memlock", VS_DIAG_OK, "");
	h->env.memlock_hard = VS_UNKNOWN;
	is(h, "memlock", VS_DIAG_OK, "");
	h->env.memlock_hard = 16384;
	h->env.memlock_charged = 0;
	is(h, "memlock", VS_DIAG_OK, "");
	h->env.memlock_charged = VS_UNKNOWN;
	is(h, "memlock", VS_DIAG_UNKNOWN, "");
	h->env.tracing_program = -EPERM;
	is(h, "memlock", VS_DIAG_BLOCKS, "prlimit");
	assert_string_equal(run(h, "bpf-program")->covered_by, "memlock");
}

static void a_refusal_without_reason_is_told(void **state)
{
	struct host *h = *state;

	h->env.tracing_program = -EACCES;
	is(h, "bpf-program", VS_DIAG_BLOCKS, "dmesg");
	drop(h, CAP_SYS_ADMIN);
	drop(h, CAP_BPF);
	is(h, "bpf-program", VS_DIAG_UNKNOWN, "");
}

static void mounts(void **state)
{
	struct host *h = *state;

	h->env.tracefs_mounted = 0;
	is(h, "tracefs", VS_DIAG_NOTE, "mount -t tracefs");
	h->env.debugfs_mounted = 0;
	is(h, "debugfs", VS_DIAG_NOTE, "mount -t debugfs");
	assert_int_equal(vs_diags__exit_status(&h->checks), VS_EXIT_OK);
	h->env.proc_mounted = 0;
	is(h, "proc", VS_DIAG_BLOCKS, "mount -t proc proc /proc");
	assert_null(vs_diags__blocker(&h->checks, VS_WORK_TRACE));
	assert_string_equal(vs_diags__blocker(&h->checks, VS_WORK_LATENCY)->id, "proc");
	h->env.sys_mounted = 0;
	h->facts.vmlinux_btf = h->facts.kprobe_pmu = false;
	is(h, "sysfs", VS_DIAG_BLOCKS, "mount -t sysfs sysfs /sys");
	assert_string_equal(run(h, "btf")->covered_by, "sysfs");
	assert_string_equal(run(h, "kprobes")->covered_by, "sysfs");
	assert_string_equal(run(h, "tracefs")->covered_by, "sysfs");
	assert_string_equal(vs_diags__blocker(&h->checks, VS_WORK_TRACE)->id, "sysfs");
}

static void settings(void **state)
{
	struct host *h = *state;

	h->facts.kptr_restrict = 1;
	is(h, "kptr-restrict", VS_DIAG_OK, "");
	h->facts.kptr_restrict = 2;
	is(h, "kptr-restrict", VS_DIAG_BLOCKS, "sysctl kernel.kptr_restrict=1");
	h->facts.kptr_restrict = VS_UNKNOWN;
	is(h, "kptr-restrict", VS_DIAG_UNKNOWN, "");
	h->facts.ftrace_enabled = 0;
	is(h, "ftrace-enabled", VS_DIAG_BLOCKS, "sysctl kernel.ftrace_enabled=1");
	h->facts.ftrace_enabled = VS_UNKNOWN;
	is(h, "ftrace-enabled", VS_DIAG_UNKNOWN, "");
	h->env.kprobes_enabled = 0;
	is(h, "kprobes", VS_DIAG_BLOCKS, "echo 1 | tee /sys/kernel/debug/kprobes/enabled");
	h->env.kprobes_enabled = VS_UNKNOWN;
	is(h, "kprobes", VS_DIAG_OK, "");
	h->facts.kprobe_pmu = false;
	is(h, "kprobes", VS_DIAG_BLOCKS, "/boot/config");
	assert_int_equal(vs_diags__exit_status(&h->checks), VS_EXIT_UNAVAILABLE);
}

/* A kernel that takes the program, and has no way to run it. */
static void fentry_is_tried_before_ready_is_said(void **state)
{
	struct host *h = *state;

	h->env.fentry = VS_NOT_TRIED;
	is(h, "fentry", VS_DIAG_UNKNOWN, "");
	h->env.fentry = 0;
	is(h, "fentry", VS_DIAG_OK, "");
	assert_int_equal(vs_diags__exit_status(&h->checks), VS_EXIT_OK);
	h->env.fentry = -524;
	is(h, "fentry", VS_DIAG_BLOCKS, "WITH_DIRECT_CALLS");
	assert_non_null(strstr(run(h, "fentry")->what, "ENOTSUPP"));
	assert_int_equal(vs_diags__exit_status(&h->checks), VS_EXIT_UNAVAILABLE);
	assert_string_equal(vs_diags__blocker(&h->checks, VS_WORK_TRACE)->id, "fentry");
	assert_null(vs_diags__blocker(&h->checks, VS_WORK_WHY));
	/* EPERM is a refusal: the kernel's configuration has no part in it. */
	h->env.fentry = -EPERM;
	is(h, "fentry", VS_DIAG_BLOCKS, "dmesg");
	assert_null(strstr(run(h, "fentry")->remedy, "CONFIG_"));
}

static void lockdown_is_seen_without_securityfs(void **state)
{
	struct host *h = *state;

	strcpy(h->facts.lockdown, "integrity");
	is(h, "lockdown", VS_DIAG_NOTE, "");
	strcpy(h->facts.lockdown, "confidentiality");
	is(h, "lockdown", VS_DIAG_BLOCKS, "lockdown");
	h->facts.lockdown[0] = '\0';
	is(h, "lockdown", VS_DIAG_OK, "");
	h->env.reading_program = -EINVAL;
	is(h, "lockdown", VS_DIAG_BLOCKS, "lockdown");
	h->env.tracing_program = -EPERM;	/* no program is taken: that says nothing */
	is(h, "lockdown", VS_DIAG_OK, "");
}

static void btf_and_a_file_for_it(void **state)
{
	struct host *h = *state;

	h->facts.vmlinux_btf = false;
	is(h, "btf", VS_DIAG_BLOCKS, "vfioscope --btf FILE");
	strcpy(h->env.btf_file, "/tmp/btf");
	is(h, "btf", VS_DIAG_WEAKER, "");
	h->facts.vmlinux_btf = true;
	is(h, "btf", VS_DIAG_OK, "");
}

static void a_kernel_whose_fexit_is_not_safe(void **state)
{
	struct host *h = *state;

	is(h, "fexit", VS_DIAG_OK, "");
	h->facts.tramp_image = false;
	is(h, "fexit", VS_DIAG_BLOCKS, "");
	assert_non_null(strstr(run(h, "fexit")->remedy, "e21aa341785c"));
	assert_string_equal(vs_diags__blocker(&h->checks, VS_WORK_TRACE)->id, "fexit");
	assert_true(vs_diags__blocker(&h->checks, VS_WORK_TRACE)->starts);
	assert_null(vs_diags__blocker(&h->checks, VS_WORK_LATENCY));
	h->facts.vmlinux_btf = false;
	is(h, "fexit", VS_DIAG_UNKNOWN, "");
}

static void a_realtime_kernel_whose_ring_sleeps(void **state)
{
	static const enum vs_work refused[] = {
		VS_WORK_TRACE, VS_WORK_REFS, VS_WORK_REFS_EXACT, VS_WORK_LATENCY, VS_WORK_VALIDATE,
	};
	struct host *h = *state;

	h->facts.ring_lock_spins = 0;	/* which sleeps only there */
	is(h, "ring-lock", VS_DIAG_OK, "");
	h->facts.realtime = 1;
	h->facts.tramp_image = false;	/* starts nevertheless: not the reason then */
	is(h, "ring-lock", VS_DIAG_BLOCKS, "");
	assert_non_null(strstr(run(h, "ring-lock")->remedy, "8b62645b09f8"));
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_string_equal(vs_diags__blocker(&h->checks, refused[i])->id, "ring-lock");
	assert_null(vs_diags__blocker(&h->checks, VS_WORK_WHY));
	assert_null(vs_diags__blocker(&h->checks, VS_WORK_INSPECT));
	assert_int_equal(vs_diags__exit_status(&h->checks), VS_EXIT_UNAVAILABLE);
	h->facts.ring_lock_spins = 1;
	is(h, "ring-lock", VS_DIAG_OK, "");
	h->facts.ring_lock_spins = VS_UNKNOWN;
	is(h, "ring-lock", VS_DIAG_UNKNOWN, "");
}

static void debug_registers(void **state)
{
	struct host *h = *state;

	h->env.debug_registers = 3;
	is(h, "debug-registers", VS_DIAG_NOTE, "perf_event");
	h->env.debug_registers = 0;
	is(h, "debug-registers", VS_DIAG_WEAKER, "perf_event");
	h->env.debug_registers = -EPERM;
	is(h, "debug-registers", VS_DIAG_UNKNOWN, "");
	h->env.debug_registers = -EOPNOTSUPP;
	is(h, "debug-registers", VS_DIAG_UNKNOWN, "");
}

/* Which package it is, with each distribution's own kernel and with others. */
static void a_missing_file_by_distribution(void **state)
{
	static const char *const cases[][4] = {
		{ "debian", "", "6.1.0-56-amd64",
		  "apt-get install --reinstall linux-image-6.1.0-56-amd64" },
		{ "ubuntu", "debian", "6.8.0-45-generic",
		  "apt-get install --reinstall linux-modules-6.8.0-45-generic" },
		{ "linuxmint", "ubuntu debian", "6.8.0-45-generic",
		  "apt-get install --reinstall linux-modules-6.8.0-45-generic" },
		{ "fedora", "", "6.11.4-301.fc41.x86_64",
		  "dnf reinstall kernel-modules-core-6.11.4-301.fc41.x86_64 "
		  "kernel-modules-6.11.4-301.fc41.x86_64" },
		{ "rocky", "rhel centos fedora", "5.14.0-503.el9_5.x86_64",
		  "dnf reinstall kernel-modules-core-5.14.0-503.el9_5.x86_64 "
		  "kernel-modules-5.14.0-503.el9_5.x86_64" },
		{ "rhel", "fedora", "4.18.0-553.el8_10.x86_64",
		  "dnf reinstall kernel-core-4.18.0-553.el8_10.x86_64 "
		  "kernel-modules-4.18.0-553.el8_10.x86_64" },
		{ "ol", "fedora", "5.15.0-300.el9uek.x86_64", "" },
		{ "debian", "", "6.8.4-2-pve", "" },
		{ "debian", "", "6.11.4-301.fc41.x86_64", "" },	/* a container on Fedora */
		{ "arch", "", "6.11.4-arch1-1", "" },
		{ "notdebian", "xdebian", "6.1.0", "" },
		{ "", "", "6.1.0", "" },
	};
	struct host *h = *state;

	h->facts.vfio_file = false;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		strcpy(h->env.os_id, cases[i][0]);
		strcpy(h->env.os_like, cases[i][1]);
		strcpy(h->facts.release, cases[i][2]);
		assert_string_equal(run(h, "vfio-module")->command, cases[i][3]);
		assert_int_equal(run(h, "vfio-module")->status, VS_DIAG_WEAKER);
	}
}

static void the_file_of_another_build(void **state)
{
	struct host *h = *state;

	h->facts.vfio_file = false;
	strcpy(h->facts.vfio_error, "no vfio.ko in /lib/modules/5.10.0-46-amd64");
	strcpy(h->env.os_id, "debian");
	is(h, "vfio-module", VS_DIAG_WEAKER, "linux-image-5.10.0-46-amd64");
	strcpy(h->env.file_build_id, "0123456789abcdef");
	is(h, "vfio-module", VS_DIAG_WEAKER, "");
	assert_string_equal(run(h, "vfio-module")->command, "");
	assert_non_null(strstr(run(h, "vfio-module")->remedy, "reboot into the installed kernel"));
	assert_non_null(strstr(run(h, "vfio-module")->what, "build-id 0123456789ab"));
	/* Without build-ids srcversions tell. */
	h->facts.vfio_file = true;
	h->env.file_build_id[0] = '\0';
	is(h, "vfio-module", VS_DIAG_OK, "");
	strcpy(h->env.file_srcversion, "ABCDEF");
	is(h, "vfio-module", VS_DIAG_WEAKER, "");
	assert_non_null(strstr(run(h, "vfio-module")->what, "srcversion ABCDEF"));
	h->facts.vfio_state = VS_KMOD_ON_DISK;
	is(h, "vfio-module", VS_DIAG_OK, "");
}

static void text_that_was_written_over_is_told(void **state)
{
	struct host *h = *state;

	is(h, "vfio-text", VS_DIAG_OK, "");
	assert_non_null(strstr(run(h, "vfio-text")->value, "as in its file"));
	h->env.text_as_file = VS_UNKNOWN;
	strcpy(h->env.text_words, "/proc/kcore needs CAP_SYS_RAWIO");
	is(h, "vfio-text", VS_DIAG_UNKNOWN, "");
	assert_string_equal(run(h, "vfio-text")->value,
			    "not compared: /proc/kcore needs CAP_SYS_RAWIO");
	h->env.text_as_file = 0;
	strcpy(h->env.text_words, "text of f in memory is not that of F (+0x1, 2 bytes)");
	is(h, "vfio-text", VS_DIAG_WEAKER, "taint");
	assert_non_null(strstr(run(h, "vfio-text")->what, "+0x1, 2 bytes"));
}

static void what_is_built_in_is_read_from_kcore(void **state)
{
	struct host *h = *state;

	h->facts.vfio_state = VS_KMOD_BUILTIN;
	is(h, "kcore", VS_DIAG_OK, "");
	is(h, "vfio-module", VS_DIAG_UNKNOWN, "");
	h->facts.vfio_state = VS_KMOD_ABSENT;
	is(h, "kcore", VS_DIAG_UNKNOWN, "");
	assert_null(strstr(run(h, "kcore")->value, "module"));
	h->facts.vfio_state = VS_KMOD_BUILTIN;
	h->env.kcore_readable = 0;
	is(h, "kcore", VS_DIAG_WEAKER, "vfioscope inspect /boot/vmlinuz-");
}

static void livepatches_and_iommu(void **state)
{
	struct host *h = *state;

	assert_int_equal(vs_names__add(&h->facts.livepatches, "kpatch_1"), 0);
	is(h, "livepatch", VS_DIAG_NOTE, "livepatch");
	h->facts.iommu_groups = 0;
	is(h, "iommu", VS_DIAG_NOTE, "dmesg");
}

static void privileges_come_first(void **state)
{
	struct host *h = *state;

	h->facts.kptr_restrict = 2;
	run(h, "user");
	assert_int_equal(vs_diags__exit_status(&h->checks), VS_EXIT_UNAVAILABLE);
	drop(h, CAP_SYS_ADMIN);
	drop(h, CAP_BPF);
	run(h, "user");
	assert_int_equal(vs_diags__exit_status(&h->checks), VS_EXIT_PERMISSION);
	assert_string_equal(vs_diags__blocker(&h->checks, VS_WORK_TRACE)->id, "cap-bpf");
}

static void root_need_not_type_sudo(void **state)
{
	struct host *h = *state;

	h->facts.kptr_restrict = 2;
	assert_string_equal(run(h, "kptr-restrict")->command, "sysctl kernel.kptr_restrict=1");
	h->env.uid = 1000;
	assert_string_equal(run(h, "kptr-restrict")->command, "sudo sysctl kernel.kptr_restrict=1");
}

/* -- saved and read again -- */

static void both_ways(void **state)
{
	struct host *h = *state, again;
	json_t *root = vs_recorded__to_json(&h->facts, &h->env);
	char *text = json_dumps(root, 0), error[200];

	assert_int_equal(vs_recorded__from_text(text, &again.facts, &again.env, error, sizeof(error)), 0);
	assert_memory_equal(&again.env, &h->env, sizeof(h->env));
	vs_facts__free(&again.facts);
	json_decref(root);
	free(text);
}

static void damaged_and_missing_parts(void **state)
{
	struct host *h = *state, other;
	json_t *root = vs_recorded__to_json(&h->facts, &h->env);
	json_t *host = json_object_get(root, "host");
	char *text, error[200];

	json_object_set_new(host, "caps", json_string("xyz"));
	text = json_dumps(root, 0);
	assert_int_equal(vs_recorded__from_text(text, &other.facts, &other.env, error,
						sizeof(error)), -EINVAL);
	assert_non_null(strstr(error, "host"));
	free(text);
	/* Facts of an older vfioscope: what is not known is no fault. */
	json_object_del(root, "host");
	text = json_dumps(root, 0);
	assert_int_equal(vs_recorded__from_text(text, &other.facts, &other.env, error,
						sizeof(error)), 0);
	vs_diags__run(&other.facts, &other.env, &other.checks);
	assert_int_equal(vs_diags__exit_status(&other.checks), VS_EXIT_OK);
	assert_int_equal(vs_diags__get(&other.checks, "cap-bpf")->status, VS_DIAG_OK);
	assert_int_equal(vs_diags__get(&other.checks, "cap-sys-ptrace")->status, VS_DIAG_UNKNOWN);
	vs_facts__free(&other.facts);
	free(text);
	json_decref(root);
}

/* -- bundle -- */

static void the_command_line_loses_what_is_private(void **state)
{
	char *kept = vs_bundle__cmdline("root=/dev/disk/by-uuid/1234 intel_iommu=on ip=10.0.0.1 "
					"lockdown=integrity quiet vfio-pci.ids=10de:1234\n");

	(void)state;
	assert_string_equal(kept, "intel_iommu=on lockdown=integrity vfio-pci.ids=10de:1234");
	free(kept);
	kept = vs_bundle__cmdline("");
	assert_string_equal(kept, "");
	free(kept);
}

static void a_bundle_is_whole_private_and_never_replaces(void **state)
{
	char dir[] = "/tmp/bundle.XXXXXX", path[64], *text;
	json_t *bundle = json_pack("{s:s}", "type", "bundle");
	struct stat st;
	size_t bytes;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/b.json", dir);
	assert_int_equal(vs_bundle__write(path, bundle, &bytes), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, bytes);
	json_object_set_new(bundle, "type", json_string("other"));
	assert_int_equal(vs_bundle__write(path, bundle, &bytes), -EEXIST);
	text = vs_text_file__read(path);
	assert_non_null(strstr(text, "bundle"));
	free(text);
	unlink(path);
	/* A link that leads nowhere is somebody's, too. */
	assert_int_equal(symlink("/nowhere/x", path), 0);
	assert_int_equal(vs_bundle__write(path, bundle, &bytes), -EEXIST);
	unlink(path);
	/* Nothing else was left: the folder is empty. */
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(vs_bundle__write("/nowhere/b.json", bundle, &bytes), -ENOENT);
	json_decref(bundle);
}

static void a_bundle_has_no_addresses(void **state)
{
	struct host *h = *state;
	json_t *facts, *bundle, *funcs;

	free(h->facts.vfio.funcs[0].section);
	h->facts.vfio.funcs[0].section = strdup("");
	h->facts.vfio.funcs[0].section_off = 0xffffffffc0011f90;
	facts = vs_recorded__to_json(&h->facts, &h->env);
	bundle = vs_bundle__make("/nowhere", json_object(), facts);
	funcs = json_object_get(json_object_get(facts, "vfio"), "funcs");
	assert_int_equal(json_integer_value(json_object_get(json_array_get(funcs, 0), "offset")), 0);
	assert_int_not_equal(json_integer_value(json_object_get(json_array_get(funcs, 1), "offset")),
			     0);
	json_decref(bundle);
}

/* -- the page -- */

static size_t widest_line(const char *text)
{
	size_t widest = 0;

	for (; *text; text += strcspn(text, "\n") + 1) {
		size_t len = strcspn(text, "\n");

		widest = len > widest ? len : widest;
		if (!text[len])
			break;
	}
	return widest;
}

/* Everything wrong at once; commands are not broken, and still fit. */
static void the_page_fits_80_and_120_columns(void **state)
{
	struct host *h = *state;
	struct vs_out out;
	struct vs_page page = { &out, 80 };
	const char *text;

	h->env.uid = 1000;
	h->env.caps = VS_CAP_BIT(CAP_SYSLOG);
	h->env.perf_call = -EACCES;
	h->env.seccomp = 2;
	h->env.pid_ns_initial = h->env.debug_registers = h->env.kprobes_enabled = 0;
	h->env.proc_mounted = h->env.sys_mounted = h->env.debugfs_mounted = 0;
	h->env.memlock_raised = 0;
	h->facts.kptr_restrict = 2;
	h->facts.ftrace_enabled = 0;
	h->facts.vfio_file = h->facts.vmlinux_btf = false;
	strcpy(h->facts.lockdown, "confidentiality");
	strcpy(h->env.file_build_id, "0123456789abcdef");
	run(h, "user");
	for (size_t i = 0; i < h->checks.nr; i++)
		h->checks.results[i].covered_by = NULL;
	for (page.width = 80; page.width <= 120; page.width += 40) {
		vs_out__init(&out, -1);
		vs_doctor__put_checks(&page, &h->checks);
		vs_out__raw(&out, "", 1);
		text = out.buf;
		if (widest_line(text) > page.width || widest_line(text) + 12 < page.width)
			fail_msg("%s", text);
		assert_non_null(strstr(text, "In the way\n"));
		assert_non_null(strstr(text, "          sudo sysctl kernel.kptr_restrict=1\n"));
		vs_out__fini(&out);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_healthy_host_has_nothing), TEST(ids_are_unique),
		TEST(each_capability_is_missed_alone),
		TEST(sys_admin_covers_bpf_and_perfmon_not_syslog),
		TEST(before_v5_8_sys_admin_is_what_counts), TEST(addresses_may_be_everybodys),
		TEST(an_ordinary_user_is_one_cause), TEST(namespaces),
		TEST(seccomp_is_a_refusal_nothing_else_explains),
		TEST(paranoid_three_binds_who_is_refused),
		TEST(memlock_counts_where_the_kernel_counts), TEST(a_refusal_without_reason_is_told),
		TEST(mounts), TEST(settings), TEST(lockdown_is_seen_without_securityfs),
		TEST(btf_and_a_file_for_it), TEST(a_kernel_whose_fexit_is_not_safe),
		TEST(a_realtime_kernel_whose_ring_sleeps), TEST(debug_registers),
		TEST(the_file_of_another_build), TEST(a_missing_file_by_distribution),
		TEST(text_that_was_written_over_is_told),
		TEST(fentry_is_tried_before_ready_is_said), TEST(what_is_built_in_is_read_from_kcore), TEST(livepatches_and_iommu),
		TEST(privileges_come_first), TEST(root_need_not_type_sudo), TEST(both_ways),
		TEST(damaged_and_missing_parts), TEST(the_command_line_loses_what_is_private),
		TEST(a_bundle_has_no_addresses),
		TEST(a_bundle_is_whole_private_and_never_replaces), TEST(the_page_fits_80_and_120_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

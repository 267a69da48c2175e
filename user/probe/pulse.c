// SPDX-License-Identifier: GPL-2.0
#include "probe/pulse.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/host.h"
#include "kernel/kallsyms.h"
#include "probe/kprobe.h"

#define SWITCH "/sys/kernel/debug/kprobes/enabled"
#define TRIES 4
#define TRY_AGAIN_US 500
#define STEADY_NS 1000000000ull
#define PARTS (VS_BEATS + 2)

/* An instruction follows the five bytes of ftrace, and the four of an endbr64. */
static const unsigned int insides[] = { 5, 9 };

struct vs_pulse {
	unsigned int wanted, armed;
	struct bpf_link *links[PARTS];
	int written;		/* inotify of writes to SWITCH, -1: none */
	struct vs_pulse_counts *counts;
	char name[16];		/* of the thread: it stays what it is */
	pthread_t finder;
	bool finding;
	uint64_t function;	/* its address, 0: not found */
	uint64_t well_ns;	/* when all fired last */
	uint64_t since_ns;	/* since when not, 0: all is well */
	uint64_t trouble_ns;	/* the last sign of it */
	bool switching;		/* kprobes were touched in that time */
	bool untold;		/* vs_pulse__is_well() found it first */
};

static const char *const programs[PARTS] = {
	[VS_BEAT_TRACEPOINT] = "beat_tracepoint",
	[VS_BEAT_FENTRY] = "beat_fentry",
	[VS_BEAT_KPROBE_ENTRY] = "beat_kprobe_entry",
	[VS_BEAT_KPROBE_INSIDE] = "beat_kprobe_inside",
	[VS_BEATS] = "switch_touched",
	[VS_BEATS + 1] = "switch_left",
};

static unsigned int fentry_parts(const struct vs_facts *facts)
{
	unsigned int parts = 0;

	if (vs_names__has(&facts->btf_funcs, VS_PULSE_FUNCTION))
		parts |= VS_BEAT_BIT(VS_BEAT_FENTRY);
	if (facts->kprobe_pmu && vs_names__has(&facts->btf_funcs, VS_PULSE_SWITCH))
		parts |= VS_PULSE_TOUCHED | (facts->tramp_image ? VS_PULSE_LEFT : 0);
	return parts;
}

unsigned int vs_pulse__parts(const struct vs_facts *facts)
{
	/* A fentry that is armed while ftrace is off makes ftrace give up (seen on 5.10). */
	bool ftrace = facts->ftrace_enabled != 0;
	unsigned int parts = 0;

	if (facts->vmlinux_btf && vs_names__has(&facts->tracepoints, VS_PULSE_TRACEPOINT))
		parts |= VS_BEAT_BIT(VS_BEAT_TRACEPOINT);
	if (facts->vmlinux_btf && ftrace)
		parts |= fentry_parts(facts);
	if (facts->kprobe_pmu && ftrace)
		parts |= VS_BEAT_BIT(VS_BEAT_KPROBE_ENTRY);
	if (facts->kprobe_pmu && !strcmp(facts->machine, "x86_64"))
		parts |= VS_BEAT_BIT(VS_BEAT_KPROBE_INSIDE);
	return parts;
}

/* -- setting up -- */

static int note_function(void *ctx, const struct vs_symbol *symbol)
{
	struct vs_pulse *p = ctx;

	if (strcmp(symbol->name, VS_PULSE_FUNCTION) || symbol->module[0])
		return 0;
	p->function = symbol->addr;
	return 1;
}

static void *find_function(void *arg)
{
	FILE *file = fopen("/proc/kallsyms", "re");

	if (file) {
		vs_kallsyms__each(file, note_function, arg);
		fclose(file);
	}
	return NULL;
}

static void finish_finding(struct vs_pulse *p)
{
	if (p->finding)
		pthread_join(p->finder, NULL);
	p->finding = false;
}

struct vs_pulse *vs_pulse__new(unsigned int parts)
{
	struct vs_pulse *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->wanted = parts;
	p->written = -1;
	if (parts & VS_BEATS_KPROBES)
		p->finding = !pthread_create(&p->finder, NULL, find_function, p);
	return p;
}

void vs_pulse__choose(const struct vs_pulse *p, struct bpf_object *object)
{
	for (unsigned int part = 0; part < PARTS; part++) {
		struct bpf_program *prog = bpf_object__find_program_by_name(object, programs[part]);

		if (prog)
			bpf_program__set_autoload(prog, p && p->wanted & VS_BEAT_BIT(part));
	}
}

bool vs_pulse__has(const struct bpf_program *prog)
{
	for (unsigned int part = 0; part < PARTS; part++)
		if (!strcmp(bpf_program__name(prog), programs[part]))
			return true;
	return false;
}

static struct bpf_link *attach_inside(const struct vs_pulse *p, struct bpf_program *prog, int type)
{
	struct bpf_link *link = NULL;

	for (size_t i = 0; i < sizeof(insides) / sizeof(insides[0]) && !link; i++)
		link = vs_kprobe__attach(prog, NULL, type, p->function + insides[i]);
	return link;
}

static struct bpf_link *attach(const struct vs_pulse *p, struct bpf_program *prog,
			       unsigned int part, int type)
{
	if (!(VS_BEATS_KPROBES & VS_BEAT_BIT(part)))
		return bpf_program__attach(prog);
	if (!p->function || type < 0)
		return NULL;
	return part == VS_BEAT_KPROBE_INSIDE ? attach_inside(p, prog, type) :
	       vs_kprobe__attach(prog, NULL, type, p->function);
}

/*
 * vfs_write() tells who watches the file, on debugfs, too. It does so when all is switched: that is later than
 * a fentry on the function, and has no time, but needs neither BTF nor ftrace.
 */
static void watch_switch(struct vs_pulse *p)
{
	p->written = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (p->written < 0 || inotify_add_watch(p->written, SWITCH, IN_MODIFY) >= 0)
		return;
	close(p->written);
	p->written = -1;
}

void vs_pulse__arm(struct vs_pulse *p, struct bpf_object *object, struct vs_pulse_counts *counts)
{
	int type = vs_kprobe__type();

	finish_finding(p);
	p->counts = counts;
	prctl(PR_GET_NAME, p->name, 0, 0, 0);
	for (unsigned int part = 0; part < PARTS; part++) {
		struct bpf_program *prog = bpf_object__find_program_by_name(object, programs[part]);

		if (!prog || bpf_program__fd(prog) < 0)
			continue;
		p->links[part] = attach(p, prog, part, type);
		if (p->links[part])
			p->armed |= VS_BEAT_BIT(part);
	}
	if (p->armed & VS_BEATS_KPROBES && !(p->armed & VS_PULSE_TOUCHED))
		watch_switch(p);
	p->well_ns = vs_host__mono_ns();
}

bool vs_pulse__asks_kprobes(const struct vs_pulse *p)
{
	return p->armed & VS_BEATS_KPROBES;
}

bool vs_pulse__sees_switch(const struct vs_pulse *p)
{
	return p->armed & VS_PULSE_TOUCHED || p->written >= 0;
}

/* -- asking -- */

static uint64_t runs_of(const struct vs_pulse *p, enum vs_beat beat)
{
	return __atomic_load_n(&p->counts->runs[beat], __ATOMIC_ACQUIRE);
}

static unsigned int beat_once(const struct vs_pulse *p, unsigned int kinds)
{
	uint64_t before[VS_BEATS];
	unsigned int silent = 0;

	for (enum vs_beat beat = 0; beat < VS_BEATS; beat++)
		before[beat] = runs_of(p, beat);
	prctl(PR_SET_NAME, p->name, 0, 0, 0);
	for (enum vs_beat beat = 0; beat < VS_BEATS; beat++)
		if (kinds & VS_BEAT_BIT(beat) && runs_of(p, beat) == before[beat])
			silent |= VS_BEAT_BIT(beat);
	return silent;
}

static unsigned int find_silent(const struct vs_pulse *p)
{
	unsigned int silent = beat_once(p, p->armed);

	for (int i = 1; silent && i < TRIES; i++) {
		usleep(TRY_AGAIN_US);
		silent = beat_once(p, silent);
	}
	return silent;
}

/* Returns true if the switch was written to since the last call, by what inotify says. */
static bool was_written(const struct vs_pulse *p)
{
	char events[512];
	bool written = false;

	while (p->written >= 0 && read(p->written, events, sizeof(events)) > 0)
		written = true;
	return written;
}

/*
 * Returns when the switch was first touched since the last call, 0: it was not. Lets programs note
 * the next touch.
 */
static uint64_t take_touch(struct vs_pulse *p)
{
	uint64_t touched = __atomic_exchange_n(&p->counts->switched_ns, 0, __ATOMIC_ACQ_REL);

	if (touched || !(p->armed & VS_PULSE_LEFT))
		return touched;
	/* The switching has not ended. */
	return __atomic_load_n(&p->counts->switch_begun, __ATOMIC_ACQUIRE) !=
	       __atomic_load_n(&p->counts->switch_ended, __ATOMIC_ACQUIRE) ? p->trouble_ns : 0;
}

/*
 * The kernel switches kprobes one by one, ours maybe first and maybe last: if we cannot see the
 * end, we wait.
 */
static bool is_over(const struct vs_pulse *p, uint64_t now)
{
	return p->armed & VS_PULSE_LEFT || now - p->trouble_ns >= STEADY_NS;
}

static uint64_t begin_of_trouble(const struct vs_pulse *p, uint64_t touched)
{
	return touched ? touched : p->armed & VS_PULSE_TOUCHED || p->well_ns < STEADY_NS ? p->well_ns :
	       p->well_ns - STEADY_NS;
}

static unsigned int look(struct vs_pulse *p, uint64_t now)
{
	uint64_t touched = take_touch(p);
	unsigned int silent = find_silent(p);
	bool written = was_written(p);

	/* If it was touched meanwhile, a probe that fires now may have been silent until then. */
	if (!touched)
		touched = take_touch(p);
	if (!touched && !written && !silent)
		return 0;
	if (!p->since_ns)
		p->since_ns = begin_of_trouble(p, touched);
	p->switching |= touched || written;
	p->trouble_ns = now;
	return silent;
}

bool vs_pulse__is_well(struct vs_pulse *p)
{
	bool was_well = !p->since_ns;

	look(p, vs_host__mono_ns());
	p->untold |= was_well && p->since_ns;
	return !p->since_ns;
}

struct vs_beat_answer vs_pulse__beat(struct vs_pulse *p)
{
	uint64_t now = vs_host__mono_ns();
	struct vs_beat_answer answer = { .silent = look(p, now) };

	if (!p->untold && p->trouble_ns != now && (!p->since_ns || is_over(p, now))) {
		p->since_ns = 0;
		p->switching = false;
		p->well_ns = now;
	}
	p->untold = false;
	answer.switching = p->switching;
	answer.since_ns = p->since_ns;
	return answer;
}

bool vs_pulse__was_touched(const struct vs_pulse *p)
{
	return __atomic_load_n(&p->counts->switched_ns, __ATOMIC_ACQUIRE);
}

/* -- words -- */

/* If ftrace is at fault, kprobes inside of functions fire; if all kprobes are off, fentry does. */
static bool is_switched_off(unsigned int silent)
{
	return silent & VS_BEAT_BIT(VS_BEAT_KPROBE_INSIDE) && !(silent & VS_BEAT_BIT(VS_BEAT_FENTRY));
}

static bool is_ftrace(unsigned int silent)
{
	return !(silent & VS_BEAT_BIT(VS_BEAT_KPROBE_INSIDE)) &&
	       silent & (VS_BEAT_BIT(VS_BEAT_KPROBE_ENTRY) | VS_BEAT_BIT(VS_BEAT_FENTRY));
}

const char *vs_beat__words(const struct vs_beat_answer *answer)
{
	if (answer->switching)
		return "somebody switched all kprobes of the host by " SWITCH;
	if (is_switched_off(answer->silent))
		return "armed kprobes do not fire: they are switched off for the whole host";
	if (is_ftrace(answer->silent))
		return "armed probes at the entry of functions do not fire: ftrace is off, or has given up";
	return answer->silent == VS_BEAT_BIT(VS_BEAT_TRACEPOINT) ?
	       "armed probes at tracepoints do not fire" : "armed probes do not fire";
}

const char *vs_beat__remedy(const struct vs_beat_answer *answer)
{
	if (is_switched_off(answer->silent))
		return "echo 1 | sudo tee " SWITCH;
	return is_ftrace(answer->silent) ? "sudo sysctl kernel.ftrace_enabled=1" : "";
}

void vs_pulse__free(struct vs_pulse *p)
{
	if (!p)
		return;
	finish_finding(p);
	if (p->written >= 0)
		close(p->written);
	for (unsigned int part = 0; part < PARTS; part++)
		bpf_link__destroy(p->links[part]);
	free(p);
}

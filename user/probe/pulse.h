/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tests if armed probes fire. Kprobes can be switched off for the whole host, ftrace can give up,
 * and no probe says so: it is silent, as if nothing happened. So a probe of each kind sits on
 * something that we do ourselves (bpf/pulse.h), and we test each kind by doing it. The answer does
 * not depend on time: the programs run before the system call returns, however long the machine
 * stands still. We also see a write to the switch of all kprobes: before they are off where the
 * kernel lets its function be followed, else when all is done, if we may read the switch.
 */
#ifndef VFIOSCOPE_PULSE_USER_H
#define VFIOSCOPE_PULSE_USER_H

#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/pulse.h"
#include "probe/facts.h"

#define VS_PULSE_FUNCTION "__set_task_comm"
#define VS_PULSE_TRACEPOINT "task_rename"
#define VS_PULSE_SWITCH "write_enabled_file_bool"

/* The parts of a pulse, as bits: enum vs_beat, then the two ends of VS_PULSE_SWITCH. */
#define VS_BEAT_BIT(beat) (1u << (beat))
#define VS_BEATS_KPROBES (VS_BEAT_BIT(VS_BEAT_KPROBE_ENTRY) | VS_BEAT_BIT(VS_BEAT_KPROBE_INSIDE))
#define VS_PULSE_TOUCHED VS_BEAT_BIT(VS_BEATS)
#define VS_PULSE_LEFT VS_BEAT_BIT(VS_BEATS + 1)

struct vs_pulse;

/* Returns the parts that it can have on the host of these facts. Pure. */
unsigned int vs_pulse__parts(const struct vs_facts *facts);

/* Starts a thread that looks for the function, which takes some 20 ms. NULL with errno set. */
struct vs_pulse *vs_pulse__new(unsigned int parts);

/* Selects the programs of its parts, before `object` is loaded: the others of the heartbeat stay out. */
void vs_pulse__choose(const struct vs_pulse *p, struct bpf_object *object);

/* Returns true if this is one of its programs. */
bool vs_pulse__has(const struct bpf_program *prog);

/*
 * Attaches them, before privileges are given away. `counts` is where the programs of `object`
 * count. A kind that cannot be attached is not asked.
 */
void vs_pulse__arm(struct vs_pulse *p, struct bpf_object *object, struct vs_pulse_counts *counts);

/* Returns true if there is a way to ask if kprobes fire. */
bool vs_pulse__asks_kprobes(const struct vs_pulse *p);

/* Returns true if a write to the switch of all kprobes is noticed, however short they are off. */
bool vs_pulse__sees_switch(const struct vs_pulse *p);

struct vs_beat_answer {
	unsigned int silent;	/* kinds that do not fire, as bits of enum vs_beat; 0: all do */
	bool switching;		/* kprobes were switched in this time */
	uint64_t since_ns;	/* when that began, or when all was well last; 0: all is well */
};

/*
 * Asks. Takes microseconds, and some milliseconds where a kind is silent: then it is asked again, because
 * a program may be skipped when another one was interrupted on that CPU. `since_ns` stays until all
 * is well, which it is 1 s after the last sign of trouble where the end of switching is not seen.
 */
struct vs_beat_answer vs_pulse__beat(struct vs_pulse *p);

/*
 * Asks before the caller draws conclusions from what probes saw. The next vs_pulse__beat() reports
 * trouble that is found here, even if it is over by then.
 */
bool vs_pulse__is_well(struct vs_pulse *p);

/* The same, without asking, for each look: kprobes were touched since the last vs_pulse__beat(). */
bool vs_pulse__was_touched(const struct vs_pulse *p);

/* "armed kprobes do not fire: ...", of a time that is not well. */
const char *vs_beat__words(const struct vs_beat_answer *answer);

/* The command that lets them fire again, "" where none is known. */
const char *vs_beat__remedy(const struct vs_beat_answer *answer);

/* Detaches. NULL is fine. */
void vs_pulse__free(struct vs_pulse *p);

#endif

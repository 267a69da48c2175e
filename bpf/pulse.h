/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The heartbeat: a probe of each kind on what a thread of ours does on request (it gives itself
 * the name that it has, PR_SET_NAME). A kind whose count stands still then does not fire, for
 * nobody on this host. Others rename threads, too: a count that grows by one of them shows the same.
 * Included by BPF programs (pulse_programs.h) and by user/probe/pulse.c.
 */
#ifndef VFIOSCOPE_PULSE_H
#define VFIOSCOPE_PULSE_H

#ifndef __bpf__
#include <linux/types.h>
#endif

enum vs_beat {
	VS_BEAT_TRACEPOINT,
	VS_BEAT_FENTRY,
	VS_BEAT_KPROBE_ENTRY,	/* may be ftrace's */
	VS_BEAT_KPROBE_INSIDE,	/* a breakpoint, or a jump that stands in for it */
	VS_BEATS,
};

/* Kprobes are switched one by one: from the first one on until the last the host sees a part. */
struct vs_pulse_counts {
	__u64 runs[VS_BEATS];
	__u64 switched_ns;	/* when the switch of all kprobes was first touched, CLOCK_MONOTONIC; user
				 * space sets it to 0 once it has seen it */
	__u64 switch_begun, switch_ended;
};

#endif

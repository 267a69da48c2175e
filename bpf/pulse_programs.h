/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The programs of the heartbeat, for one file of each object that has probes in VFIO. It defines
 * stop_telling(): from then on until user space says so, programs tell nothing.
 */
#ifndef VFIOSCOPE_PULSE_PROGRAMS_H
#define VFIOSCOPE_PULSE_PROGRAMS_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "pulse.h"

struct vs_pulse_counts pulse = {};

static __always_inline int beat(__u32 kind)
{
	__sync_fetch_and_add(&pulse.runs[kind], 1);
	return 0;
}

SEC("tp_btf/task_rename")
int beat_tracepoint(void *ctx)
{
	return beat(VS_BEAT_TRACEPOINT);
}

SEC("fentry/__set_task_comm")
int beat_fentry(void *ctx)
{
	return beat(VS_BEAT_FENTRY);
}

SEC("kprobe")
int beat_kprobe_entry(void *ctx)
{
	return beat(VS_BEAT_KPROBE_ENTRY);
}

SEC("kprobe")
int beat_kprobe_inside(void *ctx)
{
	return beat(VS_BEAT_KPROBE_INSIDE);
}

/* /sys/kernel/debug/kprobes/enabled; kernel/kprobes.c. Before any of them is switched. */
SEC("fentry/write_enabled_file_bool")
int switch_touched(void *ctx)
{
	stop_telling();
	if (!pulse.switched_ns)
		pulse.switched_ns = bpf_ktime_get_ns();
	__sync_fetch_and_add(&pulse.switch_begun, 1);
	return 0;
}

SEC("fexit/write_enabled_file_bool")
int switch_left(void *ctx)
{
	__sync_fetch_and_add(&pulse.switch_ended, 1);
	return 0;
}

#endif

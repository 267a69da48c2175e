/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hits that a kprobe missed, because another one was being handled on that CPU: the kernel counts them in
 * struct kprobe, and tells of those of perf events since v6.7 only (3acf8ace6823). Hooks nothing: it runs
 * when user space asks (BPF_PROG_TEST_RUN, raw_tp since v5.10), as the task that has the descriptor.
 */
#ifndef VFIOSCOPE_MISSED_PROGRAMS_H
#define VFIOSCOPE_MISSED_PROGRAMS_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#include "missed.h"

struct vs_missed_ask missed_ask = {};

static __always_inline void *event_of(__u32 fd)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct file **files = BPF_CORE_READ(task, files, fdt, fd);
	struct file *file = 0;

	bpf_probe_read_kernel(&file, sizeof(file), files + fd);
	return BPF_CORE_READ(file, private_data);
}

/* Takes the first probe of an event that has several; ours have one. */
static __always_inline struct trace_kprobe *probe_of(struct perf_event *event)
{
	char *call = (char *)BPF_CORE_READ(event, tp_event);
	struct trace_probe_event *probes =
		(void *)(call - bpf_core_field_offset(struct trace_probe_event, call));
	char *probe = (char *)BPF_CORE_READ(probes, probes.next) -
		      bpf_core_field_offset(struct trace_probe, list);

	return (void *)(probe - bpf_core_field_offset(struct trace_kprobe, tp));
}

SEC("raw_tp")
int kprobe_missed(void *ctx)
{
	struct trace_kprobe *probe;

	missed_ask.known = 0;
	if (!bpf_core_field_exists(struct trace_kprobe, tp) ||
	    !bpf_core_field_exists(struct trace_probe_event, probes))
		return 0;
	probe = probe_of(event_of(missed_ask.fd));
	missed_ask.nmissed = BPF_CORE_READ(probe, rp.kp.nmissed);
	missed_ask.known = (__u64)BPF_CORE_READ(probe, rp.kp.addr) == missed_ask.addr;
	return 0;
}

#endif

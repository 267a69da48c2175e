// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that do nothing, where `latency` has its own: what the kernel takes to get to
 * a program at all. Nothing that measures there can be cheaper.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

SEC("tp_btf/workqueue_queue_work")
int BPF_PROG(empty_queue, int cpu, struct pool_workqueue *pwq, struct work_struct *work)
{
	return 0;
}

SEC("tp_btf/workqueue_activate_work")
int BPF_PROG(empty_activate, struct work_struct *work)
{
	return 0;
}

SEC("tp_btf/workqueue_execute_start")
int BPF_PROG(empty_start, struct work_struct *work)
{
	return 0;
}

SEC("raw_tp/workqueue_execute_end")
int empty_end(struct bpf_raw_tracepoint_args *ctx)
{
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(empty_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";

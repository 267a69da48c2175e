// SPDX-License-Identifier: GPL-2.0
/* Who had a CPU while a followed work waited for it. */
#include "log.h"

SEC("tp_btf/sched_switch")
int BPF_PROG(task_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	struct worker_info info;
	struct vs_lat_log *entry;

	if (!is_logging())
		return 0;
	entry = log_next(VS_LAT_SWITCH);
	if (!entry)
		return 0;
	read_worker(&info, prev);
	entry->func = info.func;
	entry->pwq = info.pwq;
	entry->pool = info.pool;
	entry->tid = prev->pid;
	entry->next_tid = next->pid;
	bpf_probe_read_kernel_str(entry->comm, sizeof(entry->comm), prev->comm);
	return 0;
}

/* Starts and ends of all works, when those of the followed ones are seen by kprobes. */
SEC("tp_btf/workqueue_execute_start")
int BPF_PROG(log_start, struct work_struct *work)
{
	__u64 number = 0;

	if (!is_logging())
		return 0;
	/* As bytes it is a number. */
	bpf_probe_read_kernel(&number, sizeof(number), &ctx[0]);
	log_work(VS_LAT_START, (__u64)work->func, number);
	return 0;
}

/* See work_end. */
SEC("raw_tp/workqueue_execute_end")
int log_end(struct bpf_raw_tracepoint_args *ctx)
{
	if (is_logging())
		log_work(VS_LAT_END, ctx->args[1], ctx->args[0]);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0 */
/* From a task to its worker, and what that does. */
#ifndef VFIOSCOPE_LATENCY_WORKER_H
#define VFIOSCOPE_LATENCY_WORKER_H

#include "state.h"

#define PF_WQ_WORKER 0x00000020	/* since v3.7, ABI of nothing but never moved */

/* Before e32cf5dfbe22 (v5.17) the kthread was kept in a member made for clone(). */
struct task_struct___before_5_17 {
	void *set_child_tid;
} __attribute__((preserve_access_index));

struct worker_info {
	__u64 func;
	__u64 pwq;
	__s32 pool;
};

/* NULL when the task is no worker. */
static __always_inline struct worker *worker_of(struct task_struct *task)
{
	struct task_struct___before_5_17 *old = (void *)task;
	struct kthread *kthread;

	if (!(BPF_CORE_READ(task, flags) & PF_WQ_WORKER))
		return 0;
	if (bpf_core_field_exists(task->worker_private))
		kthread = BPF_CORE_READ(task, worker_private);
	else
		kthread = BPF_CORE_READ(old, set_child_tid);
	return BPF_CORE_READ(kthread, data);
}

static __always_inline void read_worker(struct worker_info *info, struct task_struct *task)
{
	struct worker *worker = worker_of(task);

	info->func = info->pwq = 0;
	info->pool = -1;
	if (!worker)
		return;
	info->func = (__u64)BPF_CORE_READ(worker, current_func);
	info->pwq = (__u64)BPF_CORE_READ(worker, current_pwq);
	info->pool = BPF_CORE_READ(worker, pool, id);
}

static __always_inline struct task_struct *current_task(void)
{
	return (struct task_struct *)bpf_get_current_task();
}

/*
 * The worker that runs `work`, NULL where none does: the works of BH workqueues (4cb1ef64609f, v6.9) run in a
 * softirq, over whatever task that interrupts.
 */
static __always_inline struct worker *worker_at(__u64 work)
{
	struct worker *worker = worker_of(current_task());

	return worker && (__u64)BPF_CORE_READ(worker, current_work) == work ? worker : 0;
}

#endif

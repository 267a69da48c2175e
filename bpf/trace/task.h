/* SPDX-License-Identifier: GPL-2.0 */
/* What a task is inside of: notifier chains, vfio's notifier, the deferred put's worker. */
#ifndef VFIOSCOPE_TASK_H
#define VFIOSCOPE_TASK_H

#include "state.h"

static const struct task_state empty_task;

static __always_inline __u32 current_tid(void)
{
	return (__u32)bpf_get_current_pid_tgid();
}

static __always_inline struct task_state *task_get(void)
{
	__u32 tid = current_tid();

	return bpf_map_lookup_elem(&tasks, &tid);
}

static __always_inline struct task_state *task_get_or_add(void)
{
	struct task_state *task = task_get();
	__u32 tid = current_tid();

	if (task)
		return task;
	if (bpf_map_update_elem(&tasks, &tid, &empty_task, BPF_NOEXIST)) {
		count_loss(VS_LOSS_TASK_MAP_FULL);
		return 0;
	}
	return bpf_map_lookup_elem(&tasks, &tid);
}

static __always_inline void task_put_if_idle(struct task_state *task)
{
	__u32 tid = current_tid();

	if (!task->depth && !task->work && !task->opening)
		bpf_map_delete_elem(&tasks, &tid);
}

/* Bounded in a way that the compiler cannot move or drop: for the verifier of 5.10. */
static __always_inline struct chain_frame *task_frame(struct task_state *task, __u32 i)
{
	barrier_var(i);
	return &task->frames[i % VS_CHAIN_DEPTH];
}

/* The innermost chain, or NULL. */
static __always_inline struct chain_frame *task_top(struct task_state *task)
{
	__u32 depth = task->depth;

	return depth ? task_frame(task, depth - 1) : 0;
}

/* The innermost frame in which vfio's notifier runs, or NULL. */
static __always_inline struct chain_frame *task_notifier(struct task_state *task)
{
	__u32 notifier = task->notifier;

	return notifier ? task_frame(task, notifier - 1) : 0;
}

/* The innermost chain is left. */
static __always_inline void task_pop(struct task_state *task, struct chain_frame *top)
{
	if (top->in_vfio)
		task->notifier = top->outer_notifier;
	task->depth--;
}

/*
 * The innermost frame of that chain, or NULL. The result is kept in the map until
 * the end: in a register it would make the verifier walk all that follows once for
 * each frame.
 */
static __always_inline struct chain_frame *task_find_chain(struct task_state *task, __u64 chain)
{
	volatile __u32 *found = &task->found;

	*found = 0;
	for (__u32 i = 0; i < VS_CHAIN_DEPTH; i++)
		if (task->frames[i].chain == chain && i < task->depth)
			*found = i + 1;
	return *found ? task_frame(task, *found - 1) : 0;
}

#endif

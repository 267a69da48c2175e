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

	if (!task->depth && !task->work)
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

/* 1 when equal, without a branch: the verifier walks every one of them. */
static __always_inline __u64 is_equal(__u64 a, __u64 b)
{
	__u64 x = a ^ b;

	return ((x | -x) >> 63) ^ 1;
}

/* The innermost frame of that chain, or NULL. */
static __always_inline struct chain_frame *task_find_chain(struct task_state *task, __u64 chain)
{
	__u64 depth = task->depth, found = 0;	/* 1 + index */

	barrier_var(depth);	/* or clang makes branches of what follows */
	for (__u64 i = 0; i < VS_CHAIN_DEPTH; i++) {
		__u64 hit = -(is_equal(task->frames[i].chain, chain) & ((i - depth) >> 63));

		barrier_var(hit);
		found = (found & ~hit) | ((i + 1) & hit);
	}
	return found ? task_frame(task, found - 1) : 0;
}

#endif

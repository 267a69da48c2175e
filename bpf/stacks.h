/* SPDX-License-Identifier: GPL-2.0 */
/* What the program of bpf/snapshot/ tells user space: one row for each task. */
#ifndef VFIOSCOPE_STACKS_H
#define VFIOSCOPE_STACKS_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#include "events.h"

struct vs_stack_row {
	__u64 task;		/* struct task_struct * */
	__u64 mm;
	__u64 stack;		/* the lowest address of its kernel stack */
	__u64 blocker;		/* task_struct.blocker (v6.15), 0 if there is none */
	__u64 arrival_ns;	/* scheduler's clock: when it last got a CPU; 0 not known */
	__u64 now_ns;		/* the same clock, a moment ago */
	__u64 start_ns;		/* CLOCK_MONOTONIC */
	__u64 user_ns;		/* what it has spent in user space */
	__u32 tid;
	__u32 tgid;
	__u32 parent;		/* tgid */
	__u32 state;		/* TASK_RUNNING 0, ... as in include/linux/sched.h */
	__u32 flags;		/* PF_* */
	__s32 nr_frames;	/* negative errno: no stack to be had */
	__u32 stack_pages;	/* of the kernel stack; 0: it is not mapped, so not known */
	__u32 pad;
	char comm[VS_COMM_LEN];
	__u64 frames[VS_STACK_LEN]; /* innermost first */
};
_Static_assert(sizeof(struct vs_stack_row) == 112 + 8 * VS_STACK_LEN, "struct vs_stack_row is ABI");

#endif

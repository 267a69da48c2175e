// SPDX-License-Identifier: GPL-2.0
/*
 * What every task of the host does: its state and kernel stack. Hooks nothing and runs only
 * when user space reads. No lock of the task is taken, so one that is stuck does no harm.
 */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#include "stacks.h"

char LICENSE[] SEC("license") = "GPL";

/* v5.14 renamed it and made it an int (2f064a59a11f). */
struct task_struct___to_v5_13 {
	long state;
} __attribute__((preserve_access_index));

/* Who a task waits for (v6.15, e711faaafbe5), with CONFIG_DETECT_HUNG_TASK_BLOCKER. */
struct task_struct___blocker {
	unsigned long blocker;
} __attribute__((preserve_access_index));

/* With CONFIG_VMAP_STACK: how a stack is mapped, without its guard page. */
struct vm_struct___stack {
	unsigned int nr_pages;
} __attribute__((preserve_access_index));

struct task_struct___mapped {
	struct vm_struct___stack *stack_vm_area;
} __attribute__((preserve_access_index));

/* Larger than a BPF stack may be; one reader runs it, so one is enough. */
struct vs_stack_row row;

static __always_inline __u32 state_of(struct task_struct *task)
{
	struct task_struct___to_v5_13 *old = (void *)task;

	if (bpf_core_field_exists(old->state))
		return BPF_CORE_READ(old, state);
	return BPF_CORE_READ(task, __state);
}

static __always_inline __u64 blocker_of(struct task_struct *task)
{
	struct task_struct___blocker *t = (void *)task;

	return bpf_core_field_exists(t->blocker) ? BPF_CORE_READ(t, blocker) : 0;
}

static __always_inline __u32 stack_pages_of(struct task_struct *task)
{
	struct task_struct___mapped *t = (void *)task;

	return bpf_core_field_exists(t->stack_vm_area) ? BPF_CORE_READ(t, stack_vm_area, nr_pages) : 0;
}

/* Neither CLOCK_MONOTONIC nor comparable with it: so that of the reader comes along. */
static __always_inline __u64 arrival_of(struct task_struct *task)
{
	if (!bpf_core_field_exists(task->sched_info.last_arrival))
		return 0;
	return BPF_CORE_READ(task, sched_info.last_arrival);
}

static __always_inline void fill_names(struct task_struct *task)
{
	row.tid = task->pid;
	row.tgid = task->tgid;
	row.parent = BPF_CORE_READ(task, real_parent, tgid);
	row.state = state_of(task);
	row.flags = task->flags;
	bpf_probe_read_kernel(row.comm, sizeof(row.comm), task->comm);
}

static __always_inline void fill_addresses(struct task_struct *task)
{
	row.task = (__u64)task;
	row.mm = (__u64)task->mm;
	row.stack = (__u64)BPF_CORE_READ(task, stack);
	row.stack_pages = stack_pages_of(task);
	row.blocker = blocker_of(task);
}

static __always_inline void fill_times(struct task_struct *task)
{
	row.arrival_ns = arrival_of(task);
	row.now_ns = arrival_of((void *)bpf_get_current_task());
	row.start_ns = task->start_time;
	row.user_ns = task->utime;
}

SEC("iter/task")
int stacks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	long bytes;

	if (!task)
		return 0;
	fill_names(task);
	fill_addresses(task);
	fill_times(task);
	__builtin_memset(row.frames, 0, sizeof(row.frames));
	bytes = bpf_get_task_stack(task, row.frames, sizeof(row.frames), 0);
	row.nr_frames = bytes < 0 ? bytes : (long)((__u64)bytes / sizeof(row.frames[0]));
	bpf_seq_write(ctx->meta->seq, &row, sizeof(row));
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The tasks of the host, and where their descriptors and address spaces are.
 *
 * iter/task_file would show the files themselves, but it takes a reference on each:
 * when the owner closes the file meanwhile, the release runs in our process, and
 * that of a VFIO device can wait for ever. So only tasks are held, and user space
 * reads the tables.
 */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>

#include "peek.h"

#define PF_KTHREAD 0x00200000	/* include/linux/sched.h, the same since v3.0 */

/* Threads of a process share both with its leader, unless the leader has exited. */
static __always_inline bool adds_nothing(struct task_struct *task)
{
	struct task_struct *leader = task->group_leader;

	return task->tgid != task->pid && task->files == leader->files &&
	       task->mm == leader->mm;
}

SEC("iter/task")
int tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct vs_task_row row = {};

	if (!task || adds_nothing(task))
		return 0;
	row.files = (__u64)task->files;
	row.mm = (__u64)task->mm;
	if (!row.files && !row.mm)
		return 0;
	row.tgid = task->tgid;
	row.tid = task->pid;
	row.is_reader = row.tgid == bpf_get_current_pid_tgid() >> 32;
	row.kernel_thread = !!(task->flags & PF_KTHREAD);
	bpf_probe_read_kernel(row.comm, sizeof(row.comm), task->comm);
	bpf_seq_write(ctx->meta->seq, &row, sizeof(row));
	return 0;
}

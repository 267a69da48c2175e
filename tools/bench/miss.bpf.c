// SPDX-License-Identifier: GPL-2.0
/*
 * What `latency` does for a work that is not followed, on the tracepoint of a cheap
 * system call (renames.c): the same test on a value read from memory, the same look whether logs
 * are kept.
 */
#include "latency/state.h"

SEC("tp_btf/task_rename")
int BPF_PROG(miss, struct task_struct *task, const char *comm)
{
	if (is_logging())
		count_total(queued);
	if (is_wanted(task->start_time))
		count_total(started);
	return 0;
}

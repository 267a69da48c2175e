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

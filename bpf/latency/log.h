/* SPDX-License-Identifier: GPL-2.0 */
/* What this CPU did: user space tells from it what a slow work waited for. */
#ifndef VFIOSCOPE_LATENCY_LOG_H
#define VFIOSCOPE_LATENCY_LOG_H

#include "state.h"
#include "worker.h"

/* The next entry of this CPU's log, zeroed but for its kind and time; NULL never happens. */
static __always_inline struct vs_lat_log *log_next(__u32 what)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct vs_lat_cpu_log *log = bpf_map_lookup_elem(&logs, &cpu);
	struct vs_lat_log *entry;
	__u64 position;

	if (!log)
		return 0;
	position = log->position;
	entry = &log->entries[position % VS_LAT_LOG];
	__builtin_memset(entry, 0, sizeof(*entry));
	entry->time_ns = bpf_ktime_get_ns();
	entry->what = what;
	log->position = position + 1;
	return entry;
}

/* Works in a softirq are not logged: like other interrupts they are the time of whom they interrupt. */
static __always_inline void log_work(__u32 what, __u64 func, __u64 work)
{
	struct vs_lat_log *entry = worker_at(work) ? log_next(what) : 0;
	struct worker_info info;

	if (!entry)
		return;
	read_worker(&info, current_task());
	entry->func = func;
	entry->pwq = info.pwq;
	entry->pool = info.pool;
	entry->tid = current_tid();
}

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* The table of queued works: sets of VS_LAT_WAYS, without locks. See struct vs_lat_work. */
#ifndef VFIOSCOPE_LATENCY_TABLE_H
#define VFIOSCOPE_LATENCY_TABLE_H

#include "state.h"

#define WORK_STRUCT_PENDING 1	/* the lowest bit of work_struct.data, on every kernel */
#define WORK_STRUCT_PWQ 4	/* the rest is where it is queued */

/*
 * Whether `work` is on a queue, to run `func`. PENDING alone is a delayed work whose timer runs: taken off
 * by mod_delayed_work(), say. One comparison, since the verifier walks what follows once for each.
 */
int table_is_queued(__u64 work, __u64 func);

/*
 * Which of the ways is the work's, VS_LAT_WAYS when none is. Functions of their own,
 * because the verifier then knows nothing of the number: else it walks all that follows
 * once for each way.
 */
int table_way(__u64 work);

/*
 * A place in its set whose work was cancelled, which no tracepoint tells; it is counted, and free
 * then. A work whose start is told of at this very moment looks the same: it will be one that was not
 * seen to be queued, where else the new one would be lost for certain.
 */
int table_way_cancelled(__u64 work);

/*
 * The place of a work that is being queued. If it has no place it gets one: one never
 * used, else the one whose work waits for nothing and was not seen for the longest time,
 * else one that was cancelled.
 */
int table_way_or_new(__u64 work);

static __always_inline struct vs_lat_set *table_set(__u64 work)
{
	__u32 number = (work * 0x9e3779b97f4a7c15ull) >> (64 - set_bits);

	return bpf_map_lookup_elem(&works, &number);
}

static __always_inline struct vs_lat_work *table_entry(__u64 work, __u32 way)
{
	struct vs_lat_set *set = table_set(work);

	if (!set)
		return 0;
	barrier_var(way);	/* or the compiler computes with the pointer before the test */
	if (way >= VS_LAT_WAYS)
		return 0;
	return &set->way[way];
}

static __always_inline struct vs_lat_work *table_get(__u64 work)
{
	return table_entry(work, table_way(work));
}

static __always_inline struct vs_lat_work *table_get_or_new(__u64 work)
{
	return table_entry(work, table_way_or_new(work));
}

#endif

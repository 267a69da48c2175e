// SPDX-License-Identifier: GPL-2.0
/* Finding a work's place in the table. */
#include "table.h"

__noinline int table_way(__u64 work)
{
	struct vs_lat_set *set = table_set(work);

	for (int i = 0; set && i < VS_LAT_WAYS; i++)
		if (set->way[i].work == work)
			return i;
	return VS_LAT_WAYS;
}

static __always_inline __u64 last_queued(const struct vs_lat_work *w)
{
	if (is_lean())
		return w->queue_ns[0] > w->queue_ns[1] ? w->queue_ns[0] : w->queue_ns[1];
	return w->q[0].queue_ns > w->q[1].queue_ns ? w->q[0].queue_ns : w->q[1].queue_ns;
}

static __always_inline __u32 idle_way(struct vs_lat_set *set)
{
	__u64 oldest = ~0ull, queued;
	__u32 best = VS_LAT_WAYS;

	for (int i = 0; i < VS_LAT_WAYS; i++) {
		queued = last_queued(&set->way[i]);
		if ((set->way[i].head != set->way[i].tail && !is_stale(queued)) || queued >= oldest)
			continue;
		oldest = queued;
		best = i;
	}
	return best;
}

__noinline int table_way_or_new(__u64 work)
{
	struct vs_lat_set *set = table_set(work);
	__u32 way = table_way(work);

	if (way < VS_LAT_WAYS || !set)
		return way;
	way = idle_way(set);
	/* A number and not a pointer: the compiler would mix one with NULL, which is refused. */
	barrier_var(way);
	if (way >= VS_LAT_WAYS)
		return VS_LAT_WAYS;
	set->way[way].work = work;
	set->way[way].func = 0;
	return way;
}

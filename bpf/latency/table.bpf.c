// SPDX-License-Identifier: GPL-2.0
/* Finding a work's place in the table. */
#include "table.h"

#define MOST_START_NS 2000000ull	/* after so long, what waits no more was cancelled, mostly */

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

__noinline int table_is_queued(__u64 work, __u64 func)
{
	struct work_struct *w = (void *)work;
	__u64 data = 0, now_func = 0;

	bpf_core_read(&data, sizeof(data), &w->data);
	bpf_core_read(&now_func, sizeof(now_func), &w->func);
	return !((func ^ now_func) | (~data & (WORK_STRUCT_PENDING | WORK_STRUCT_PWQ)));
}

static __always_inline bool is_cancelled(const struct vs_lat_work *w, __u64 now)
{
	if (w->func == cfg.deferred_func || now - last_queued(w) < MOST_START_NS)
		return false;
	return !table_is_queued(w->work, w->func);
}

static __always_inline void write_off(struct vs_lat_work *w, struct vs_lat_totals *t)
{
	__u32 left = w->head - w->tail;

	w->tail = w->head;
	t->cancelled += left;
	if (!is_lean())
		__sync_fetch_and_add(&waiting, -(__s64)left);
}

__noinline int table_way_cancelled(__u64 work)
{
	struct vs_lat_set *set = table_set(work);
	struct vs_lat_totals *t = get_totals();
	__u64 now = bpf_ktime_get_ns();

	for (int i = 0; set && t && i < VS_LAT_WAYS; i++) {
		if (!is_cancelled(&set->way[i], now))
			continue;
		write_off(&set->way[i], t);
		return i;
	}
	return VS_LAT_WAYS;
}

__noinline int table_way_or_new(__u64 work)
{
	struct vs_lat_set *set = table_set(work);
	__u32 way = table_way(work);

	if (way < VS_LAT_WAYS || !set)
		return way;
	way = idle_way(set);
	if (way >= VS_LAT_WAYS)
		way = table_way_cancelled(work);
	/* A number and not a pointer: the compiler would mix one with NULL, which is refused. */
	barrier_var(way);
	if (way >= VS_LAT_WAYS)
		return VS_LAT_WAYS;
	set->way[way].work = work;
	set->way[way].func = 0;
	return way;
}

/* SPDX-License-Identifier: GPL-2.0 */
/* Which row of histograms a work belongs to. */
#ifndef VFIOSCOPE_LATENCY_ROWS_H
#define VFIOSCOPE_LATENCY_ROWS_H

#include "table.h"

/* The number of a row, made when there is none; negative, and counted, when there is no room. */
int row_number(__u64 func, __s32 pool, __u32 released);

/* With --all, the work's place in the table remembers its row. */
static __always_inline __u32 row_remember(const struct vs_lat_run *run)
{
	struct vs_lat_work *w = table_get(run->work);
	__u32 number = row_number(run->func, -1, 0);

	if (w && w->func == run->func)
		w->row = 1 + number;
	return number;
}

static __always_inline __u32 row_choose(const struct vs_lat_run *run)
{
	if (!all_works)
		return row_number(run->func, run->q.pool, run->released);
	return run->row ? run->row - 1 : row_remember(run);
}

/* NULL when there is no room for another row. */
static __always_inline struct vs_lat_row *row_of(const struct vs_lat_run *run)
{
	__u32 number = row_choose(run);

	return bpf_map_lookup_elem(&rows, &number);
}

#endif

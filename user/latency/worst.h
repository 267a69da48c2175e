/* SPDX-License-Identifier: GPL-2.0 */
/* The slowest works of a run, with what delayed each. Pure. */
#ifndef VFIOSCOPE_LATENCY_WORST_H
#define VFIOSCOPE_LATENCY_WORST_H

#include <stdbool.h>
#include <stddef.h>

#include "latency/blame.h"

struct vs_worst_row {
	struct vs_lat_event work;
	struct vs_blame blame;
};

struct vs_worst {
	struct vs_worst_row rows[VS_LAT_WORST];	/* the longest delay first */
	size_t nr;
	size_t room;		/* how many are kept, at most VS_LAT_WORST */
};

/* Returns true if a delay of that many ns would be among them. */
bool vs_worst__wants(const struct vs_worst *worst, uint64_t delay_ns);

/* Copies `row` if it is among them. If delays are equal, the earlier one stays. */
void vs_worst__offer(struct vs_worst *worst, const struct vs_worst_row *row);

#endif

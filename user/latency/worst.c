// SPDX-License-Identifier: GPL-2.0
#include "latency/worst.h"

#include <string.h>

bool vs_worst__wants(const struct vs_worst *worst, uint64_t delay_ns)
{
	return worst->nr < worst->room ||
	       (worst->nr && worst->rows[worst->nr - 1].blame.delay_ns < delay_ns);
}

void vs_worst__offer(struct vs_worst *worst, const struct vs_worst_row *row)
{
	size_t at = worst->nr;

	if (!vs_worst__wants(worst, row->blame.delay_ns))
		return;
	while (at && worst->rows[at - 1].blame.delay_ns < row->blame.delay_ns)
		at--;
	if (worst->nr < worst->room)
		worst->nr++;
	memmove(&worst->rows[at + 1], &worst->rows[at],
		(worst->nr - at - 1) * sizeof(worst->rows[0]));
	worst->rows[at] = *row;
}

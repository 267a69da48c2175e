/* SPDX-License-Identifier: GPL-2.0 */
/* Fills a report with what the programs have counted so far. */
#ifndef VFIOSCOPE_LATENCY_GATHER_H
#define VFIOSCOPE_LATENCY_GATHER_H

#include "latency/chain.h"
#include "latency/loader.h"
#include "latency/print.h"
#include "latency/report.h"

/* Fills the splits anew; sets r->incomplete when memory is short. */
void vs_gather__rows(struct vs_report *r, struct vs_lat *lat);

/* Fills totals, groups, losses and cost. `chain` may be NULL. */
void vs_gather__numbers(struct vs_report *r, struct vs_lat *lat, const struct vs_chain *chain);

/* The numbers at the end of the last interval; time_ns is when the first begins. */
struct vs_gather_before {
	uint64_t time_ns;
	struct vs_lat_totals totals;
	struct vs_hist wait;
	uint64_t overdue;
};

/* Computes the changes since `before`, and advances it. i->time_ns is now. Changes r's splits. */
void vs_gather__interval(struct vs_interval *i, struct vs_gather_before *before,
			 struct vs_report *r, struct vs_lat *lat);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* Attaches and detaches, during a run, the programs that are needed only at times: see lazy.h, sampler.h. */
#ifndef VFIOSCOPE_LATENCY_DUTY_H
#define VFIOSCOPE_LATENCY_DUTY_H

#include "latency/lazy.h"
#include "latency/loader.h"
#include "latency/report.h"
#include "latency/sampler.h"

struct vs_duty {
	enum vs_lat_blame blame;
	struct vs_lazy lazy;
	uint64_t times, ns;	/* blame was attached, in late mode */
	uint64_t attached_ns;	/* when it was attached last */
	struct vs_sampler sampler;
};

/* A followed work was queued (VS_LAT_WAITS). */
void vs_duty__woken(struct vs_duty *d, uint64_t now_ns);

/* Attaches or detaches if it is time to. 0 or negative errno. */
int vs_duty__look(struct vs_duty *d, struct vs_lat *lat, uint64_t now_ns);

uint64_t vs_duty__next(const struct vs_duty *d, uint64_t now_ns);	/* ns until the next look */

/* Fills its part of a report; r->time_ns is now. */
void vs_duty__fill(const struct vs_duty *d, struct vs_report *r);

/* Says what cannot be known because of it; "" when all can. */
void vs_duty__words(const struct vs_duty *d, char *words, size_t size);

#endif

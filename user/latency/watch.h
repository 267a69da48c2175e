/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Works that are late: still queued or still running for too long. Decides what is worth a finding,
 * and reports each once. Pure.
 */
#ifndef VFIOSCOPE_LATENCY_WATCH_H
#define VFIOSCOPE_LATENCY_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/latency.h"

enum vs_late_kind {
	VS_LATE_NOT = 0,
	VS_LATE_OVERDUE,	/* not ended within the time given */
	VS_LATE_LOST,		/* not even started within a longer time */
	VS_LATE_FREED,		/* the group is gone before the work that holds it */
	VS_LATE_KINDS
};

const char *vs_late__name(enum vs_late_kind kind);	/* "overdue", "lost", "freed-first" */

/* One late work, or, for VS_LATE_FREED, a group. */
struct vs_late {
	enum vs_late_kind kind;
	bool bug;		/* nobody cancels deferred puts: a lost one leaks its group */
	uint64_t time_ns;	/* when it was noticed */
	uint64_t age_ns;	/* since it was queued */
	uint64_t work;
	uint64_t func;
	uint64_t start_ns;	/* 0: not started */
	uint64_t end_ns;	/* 0: not ended */
	uint64_t group;
	int32_t number;		/* of the iommu group, -1 */
	int32_t pool, pool_cpu;
	uint32_t tid;		/* the worker, or the task that freed the group; 0: none */
};

struct vs_lru;

struct vs_watch {
	uint64_t overdue_ns;	/* 0: no such finding */
	uint64_t lost_ns;	/* 0: no such finding */
	uint64_t deferred_func;	/* vfio_group_put_bg, 0: not followed */
	uint64_t counts[VS_LATE_KINDS];
	struct vs_lru *told;	/* what was reported, by work and queueing; NULL: nothing yet */
};

/* Frees what it remembers. */
void vs_watch__fini(struct vs_watch *w);

/* Judges a queued work, generation `q` of it. Returns true if `late` is to be reported. */
bool vs_watch__queued(struct vs_watch *w, const struct vs_lat_work *work,
		      const struct vs_lat_queued *q, uint64_t now_ns, struct vs_late *late);

/* Judges a work that runs. */
bool vs_watch__running(struct vs_watch *w, const struct vs_lat_run *run, uint64_t now_ns,
		       struct vs_late *late);

/* Judges a record VS_LAT_DONE, of a work that ended late, between two looks; or VS_LAT_FREED. */
bool vs_watch__record(struct vs_watch *w, const struct vs_lat_event *e, struct vs_late *late);

#endif

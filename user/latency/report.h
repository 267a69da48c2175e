/* SPDX-License-Identifier: GPL-2.0 */
/* The results of a run of `latency`, before they are printed. Pure. */
#ifndef VFIOSCOPE_LATENCY_REPORT_H
#define VFIOSCOPE_LATENCY_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "latency/backlog.h"
#include "latency/hist.h"
#include "latency/sampler.h"
#include "latency/watch.h"
#include "latency/worst.h"
#include "ledger/gaps.h"

enum vs_split_kind { VS_SPLIT_FUNC, VS_SPLIT_CPU, VS_SPLIT_POOL, VS_SPLIT_RELEASED };

/* The times of one function, of one CPU (that ended the works), of one pool ... */
struct vs_split {
	enum vs_split_kind kind;
	uint64_t func;
	int64_t value;		/* CPU, pool, released; 0 for a function as a whole */
	struct vs_hist kinds[VS_LAT_KINDS];
	uint64_t overdue;
};

/* Causes of loss: those of the programs (enum vs_lat_loss), then these. */
enum vs_lat_user_loss {
	VS_LAT_LOSS_RECURSION = VS_LAT_LOSS_KERNEL_END, /* a program was skipped */
	VS_LAT_LOSS_PROBE_MISSED,	/* a kprobe was skipped */
	VS_LAT_LOSS_UNNAMED,		/* symbols with one name, more than can be followed */
	VS_LAT_LOSS_END,
};

const char *vs_lat_loss__name(unsigned int cause);
const char *vs_lat_loss__words(unsigned int cause);

struct vs_report_cost {
	bool wanted;
	bool measured;
	uint64_t programs, runs, own_runs, run_ns, map_bytes;
	uint64_t cpu_ns;	/* of this process, user and system */
	uint64_t rss_bytes;	/* most so far */
};

/* The programs for blame: when, how often and how long they were attached. */
struct vs_report_blame {
	const char *when;	/* "full", "late", "off" */
	uint64_t times, ns;	/* late */
};

struct vs_report {
	bool all;
	bool deferred;		/* followed: vfio_group_put_bg */
	uint64_t time_ns;	/* CLOCK_MONOTONIC, now */
	uint64_t armed_ns;	/* when counting began */
	uint64_t start_up_ns;	/* the time it took until then */
	struct vs_lat_totals totals;
	uint64_t waiting, running; /* now */
	struct vs_backlog backlog;
	struct vs_split *splits;
	size_t nr_splits, room;
	bool incomplete;	/* out of memory: some splits are missing */
	struct vs_worst worst;
	uint64_t late[VS_LATE_KINDS];
	uint64_t bugs;		/* of those findings */
	int64_t group_peak;	/* references on one group that only queued works held */
	int64_t group_number;	/* of that group, -1 */
	uint64_t losses[VS_LAT_LOSS_END];
	bool not_reported[VS_LAT_LOSS_END]; /* by this kernel */
	struct vs_gaps gaps;	/* times in which works may not have been seen */
	struct vs_report_cost cost;
	struct vs_report_blame blame;
	struct vs_sampler sampler; /* its n is 0: all works were followed */
};

/* Forgets the splits, for filling them anew. */
void vs_report__clear(struct vs_report *r);
void vs_report__free(struct vs_report *r);	/* what it owns */

/* Adds one row of the programs, to the function and each of its splits. */
void vs_report__add_row(struct vs_report *r, const struct vs_lat_key *key,
			const struct vs_lat_row *cpus, unsigned int nr_cpus);

/* Functions first, by time waited in all, the most first; then by kind and value. */
void vs_report__sort(struct vs_report *r);

/* All functions together. */
void vs_report__sum(const struct vs_report *r, struct vs_hist kinds[VS_LAT_KINDS]);

uint64_t vs_report__lost(const struct vs_report *r);	/* all causes */

#endif

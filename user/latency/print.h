/* SPDX-License-Identifier: GPL-2.0 */
/* The output of `latency`: text for people, or NDJSON as docs/latency.md describes it. */
#ifndef VFIOSCOPE_SINK_LATENCY_H
#define VFIOSCOPE_SINK_LATENCY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/out.h"
#include "latency/report.h"

struct vs_latency_sink_opts {
	int fd;
	bool json;
	bool color;
	size_t width;		/* columns of the terminal, 0: no terminal */
	size_t top;		/* how many functions and slowest works are shown */
	/* Writes the name of a kernel address; false when unknown. */
	bool (*resolve)(void *ctx, uint64_t addr, char *buf, size_t size);
	void *ctx;
};

/* One line of the interval mode: the counts of that interval. */
struct vs_interval {
	uint64_t time_ns;
	uint64_t start_ns;	/* CLOCK_MONOTONIC at the start of counting */
	uint64_t length_ns;
	uint64_t queued, started, ended, waiting;
	struct vs_hist wait;
	uint64_t overdue;
};

struct vs_latency_start {
	const char *version, *kernel;
	uint64_t mono_ns, wall_ns, start_up_ns;
	uint64_t programs;
	const char *const *names;	/* the works that are followed; none: every work */
	size_t nr_names;
	const char *followed_by;	/* "kprobes", "tracepoints" */
	const char *blame;		/* "full", "late", "off" */
};

struct vs_latency_sink;

struct vs_latency_sink_ops {
	void (*start)(struct vs_latency_sink *s, const struct vs_latency_start *start);
	void (*notice)(struct vs_latency_sink *s, uint64_t time_ns, const char *words);
	void (*gap)(struct vs_latency_sink *s, const struct vs_gap_row *row);
	void (*work)(struct vs_latency_sink *s, const struct vs_lat_event *e);
	void (*late)(struct vs_latency_sink *s, const struct vs_late *late);
	void (*interval)(struct vs_latency_sink *s, const struct vs_interval *i);
	void (*report)(struct vs_latency_sink *s, const struct vs_report *r);
};

struct vs_latency_sink {
	struct vs_latency_sink_opts opts;
	struct vs_out out;
	const struct vs_latency_sink_ops *ops;
	uint64_t start_ns;	/* times are shown relative to this */
	uint64_t nr_intervals;
};

extern const struct vs_latency_sink_ops vs_latency_text, vs_latency_json;

void vs_latency_sink__init(struct vs_latency_sink *s, const struct vs_latency_sink_opts *opts);
void vs_latency_sink__fini(struct vs_latency_sink *s);
int vs_latency_sink__flush(struct vs_latency_sink *s);	/* 0 or the first write error */

/* -- words that both kinds use -- */

/* Writes "wqload_burn", or its address. */
void vs_latency_words__func(const struct vs_latency_sink *s, uint64_t func, char *buf, size_t size);

/* Writes "behind wqload_burn on pool 2 (cpu 1)", without the time. */
void vs_latency_words__part(const struct vs_latency_sink *s, const struct vs_lat_event *work,
			    const struct vs_blame_part *part, char *buf, size_t size);

/* Writes "delayed 41.0 ms: 38.0 ms behind ..., 3.0 ms worker wakeup". */
void vs_latency_words__blame(const struct vs_latency_sink *s, const struct vs_worst_row *row,
			     char *buf, size_t size);

/* Writes "overdue: vfio_group_put_bg of group 1 was queued 120.0 ms ago, not started ...". */
void vs_latency_words__late(const struct vs_latency_sink *s, const struct vs_late *late,
			    char *buf, size_t size);

#endif

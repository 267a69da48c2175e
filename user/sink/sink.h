/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sinks write the results. A session hands the same data to every sink; text and
 * NDJSON are two of them. Only sinks print.
 *
 * Ordinary lines are collected in a buffer and written when it is full or
 * vs_sink__flush() is called. A finding is written at once, in one write(2),
 * together with the lines before it. The session serves findings in this order:
 * write to the durable sinks (files: page cache, does not wait), write to the
 * other sinks that can take it, fdatasync(2) of the durable ones when the grade
 * is bug, and last the sinks that are full. So neither a slow disk nor a reader
 * that has stopped delays a finding for the other sinks.
 * Writes still block: a reader that stops reading in the end stops the draining
 * of events, and events that do not fit into the ring buffer then are counted as
 * lost.
 */
#ifndef VFIOSCOPE_SINK_H
#define VFIOSCOPE_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/names.h"
#include "event/view.h"
#include "ledger/deferred.h"
#include "ledger/finding.h"
#include "ledger/gaps.h"
#include "ledger/refs_report.h"

/* The state of one hook; strings belong to the caller. */
struct vs_probe_row {
	const char *hook;	/* "put" */
	const char *status;	/* "armed", "missing" ... */
	const char *how;	/* in words, may be NULL */
	unsigned int nr_probes;
};

struct vs_start {
	const char *version;	/* version of vfioscope */
	const char *kernel;	/* release of the kernel */
	uint64_t mono_ns;	/* the same moment on both clocks */
	uint64_t wall_ns;
	const struct vs_probe_row *probes;
	size_t nr_probes;
};

struct vs_loss_row {
	unsigned int cause;	/* enum vs_loss or enum vs_user_loss */
	bool reported;		/* false: this kernel does not report it */
	uint64_t total;
	uint64_t grown;		/* since the last row of this cause */
	uint64_t since_ns;	/* the time of the previous look: it grew after this; 0: not known */
	uint64_t time_ns;
};

struct vs_group_row {
	struct vs_group_view group;	/* generation: lives seen */
	uint64_t creates, releases, gets, puts;
	uint64_t found, not_found;	/* notifier events that did (not) find the group */
	uint64_t queued, started, ended;
	bool alive;		/* not released as of its last event */
	bool deadlocked;
};

struct vs_summary {
	uint64_t time_ns;
	uint64_t duration_ns;
	uint64_t events;
	uint64_t by_type[VS_TYPE_END];
	uint64_t shown;		/* events that passed the filter */
	const struct vs_group_row *groups;	/* sorted by number */
	size_t nr_groups;
	const struct vs_deferred_stats *deferred;
	size_t outstanding;	/* deferred puts that have not ended yet */
	size_t overdue;		/* those of them that no worker has started for VS_OVERDUE_NS */
	uint64_t found, not_found;
	uint64_t findings[VS_FINDING_KINDS];
	const struct vs_finding *const *bugs;	/* each finding of grade bug, without picture */
	size_t nr_bugs;
	const struct vs_loss_row *losses;	/* every cause, VS_LOSS_END of them */
	uint64_t lost;		/* sum over causes */
	const struct vs_gap_row *gaps;
	size_t nr_gaps;
	uint64_t blind_gaps;	/* gaps in which we may have missed something, unlisted ones included */
	const struct vs_probe_row *probes;
	size_t nr_probes;
};

struct vs_sink;

struct vs_sink_ops {
	void (*start)(struct vs_sink *s, const struct vs_start *start);
	void (*event)(struct vs_sink *s, const struct vs_view *v);
	void (*deferred)(struct vs_sink *s, const struct vs_deferred *d,
			 const struct vs_group_view *group);
	void (*finding)(struct vs_sink *s, const struct vs_finding *f);
	void (*loss)(struct vs_sink *s, const struct vs_loss_row *l);
	void (*gap)(struct vs_sink *s, const struct vs_gap_row *g);
	void (*notice)(struct vs_sink *s, uint64_t time_ns, const char *words);
	void (*summary)(struct vs_sink *s, const struct vs_summary *sum);
	/* Called when an unregister continues that had to wait for users of its device. NULL: not shown. */
	void (*waited)(struct vs_sink *s, const struct vs_registration_book *b,
		       const struct vs_group_view *group, struct vs_sites *sites);
	void (*ledger)(struct vs_sink *s, const struct vs_refs_report *r);	/* NULL: not shown */
	int (*flush)(struct vs_sink *s);	/* 0 or the first write error, negative */
	bool (*ready)(struct vs_sink *s);	/* can it take more now? NULL: always */
	void (*sync)(struct vs_sink *s);	/* fdatasync(2). NULL: nothing to do */
	void (*free)(struct vs_sink *s);
};

/* Base of every sink; a sink embeds it first and fills all of it. */
struct vs_sink {
	const struct vs_sink_ops *ops;
	bool durable;		/* served first, sync()ed after bugs */
	bool no_events;		/* gets neither events nor deferred puts */
};

struct vs_sink_opts {
	int fd;			/* stays the caller's; written with write(2) */
	bool durable;		/* fdatasync after each finding and the summary */
	unsigned int width;	/* text: columns of the terminal, 0: not a terminal */
	bool color;		/* text */
	bool no_events;		/* gets neither events nor deferred puts */
};

/* Return NULL with errno set. The caller frees them, after the session. */
struct vs_sink *vs_text_sink__new(const struct vs_sink_opts *opts);
struct vs_sink *vs_json_sink__new(const struct vs_sink_opts *opts);

/* Writes the buffer. Returns 0, or the first error any write of this sink had. */
int vs_sink__flush(struct vs_sink *s);
void vs_sink__free(struct vs_sink *s);	/* NULL is fine; flushes */


#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A gap is a time in which we did not see everything, apart from single lost events. Each has a start,
 * an end and a reason. Nothing that we report about a gap can be a proof. Pure.
 */
#ifndef VFIOSCOPE_LEDGER_GAPS_H
#define VFIOSCOPE_LEDGER_GAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VS_GAPS_KEPT 64		/* listed one by one */
#define VS_GAP_WORDS 320	/* room for vs_gap__words() */

enum vs_gap_why {
	VS_GAP_LOADED,	/* vfio.ko had been loaded, its probes were not armed yet */
	VS_GAP_BLIND,	/* vfio.ko is loaded, its probes cannot be armed */
	VS_GAP_PATCHED,	/* a livepatch replaces functions that we probe */
	VS_GAP_CHANGED,	/* the text of vfio.ko in memory is not that of its file */
	VS_GAP_SILENT,	/* armed probes do not fire */
	VS_GAP_REASONS,
};

/* "loaded", "blind", "patched", "changed", "silent" */
const char *vs_gap_why__name(enum vs_gap_why why);

struct vs_gap_row {
	enum vs_gap_why why;
	uint64_t from_ns;	/* CLOCK_MONOTONIC */
	uint64_t to_ns;		/* 0: it has not ended */
	uint64_t to_seq;	/* LOADED: the newest record begun before it ended */
	/* LOADED: the number of groups created during the gap, -1 if not known. With 0 nothing was missed. */
	int64_t groups;
	char words[240];	/* cause; SILENT: which; CHANGED: where; LOADED: module, "": vfio.ko */
};

/* Returns true if we know that the gap hid nothing. */
bool vs_gap__is_empty(const struct vs_gap_row *row);

/* Writes one sentence, without the times. */
void vs_gap__words(const struct vs_gap_row *row, char *buf, size_t size);

struct vs_gaps {
	struct vs_gap_row rows[VS_GAPS_KEPT];
	size_t nr;
	uint64_t total;		/* includes gaps that are not listed */
	uint64_t blind;		/* gaps that are not empty */
	struct vs_gap_row open[VS_GAP_REASONS];
	bool is_open[VS_GAP_REASONS];
};

/* Adds a gap that is over. */
void vs_gaps__add(struct vs_gaps *g, const struct vs_gap_row *row);

/* Begins a gap. Returns NULL when one of its kind, with the same words, is open. */
const struct vs_gap_row *vs_gaps__begin(struct vs_gaps *g, enum vs_gap_why why, uint64_t from_ns,
					const char *words);

/* Returns true if a gap of that kind is open, with these words unless they are NULL. */
bool vs_gaps__is_open(const struct vs_gaps *g, enum vs_gap_why why, const char *words);

/* Ends the open gap of that kind. Returns NULL when there was none; else valid until the next call. */
const struct vs_gap_row *vs_gaps__end(struct vs_gaps *g, enum vs_gap_why why, uint64_t to_ns);

#endif

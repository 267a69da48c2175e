/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A recorded run once more: what its session was told and answered goes into a new session, which serves
 * other sinks. The same sinks get the same bytes.
 */
#ifndef VFIOSCOPE_RECORD_REPLAY_H
#define VFIOSCOPE_RECORD_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "record/kinds.h"
#include "record/reader.h"
#include "run/session.h"

/* What is known of one run before it is repeated. */
struct vs_run_row {
	uint16_t session;
	struct vs_record_run run;
	struct vs_record_clock clock;	/* when it began, or where its recording begins */
	uint64_t first_ns, last_ns;	/* of its units, CLOCK_MONOTONIC */
	uint64_t events, units;
	uint64_t not_recorded;	/* inputs */
	uint64_t bugs;		/* units in which a finding of grade bug was made */
	bool begun;		/* its start is there: it was not overwritten */
	bool ended;		/* well, with `status` */
	int status;
	uint64_t unknown;	/* records of kinds that this version does not know */
};

#define VS_RUNS_MOST 4096

/* Lists the runs of a recording, in order. Free *@rows. Returns their number or -ENOMEM. */
int vs_replay__list(struct vs_reader *reader, struct vs_run_row **rows);

struct vs_replay_opts {
	struct vs_session_opts session;	/* the display: calls, limits and ledger are the recording's */
	uint16_t number;	/* which run */
	uint64_t at_ns;		/* show the ledger of this time, and end; 0: all, CLOCK_MONOTONIC */
	/* Called ahead of each input, with its time. May be NULL. */
	void (*before)(void *ctx, uint64_t time_ns);
	void *ctx;
};

struct vs_replay_result {
	struct vs_session_result session;
	uint64_t unanswered;	/* questions of the session that the recording has no answer to */
	uint64_t bad;		/* inputs that say nothing sensible */
	bool whole;		/* nothing is missing from start to end */
	bool ended;
	int status;		/* if it ended well */
};

/* Returns 0, -ENOENT: no such run, or -ENOMEM. */
int vs_replay__run(struct vs_reader *reader, const struct vs_replay_opts *opts,
		   struct vs_replay_result *result);

#endif

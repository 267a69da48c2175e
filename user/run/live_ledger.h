/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ledger of references in a live run: it begins with a snapshot, and is compared with another one
 * each second. `refs` and `record` share it.
 */
#ifndef VFIOSCOPE_RUN_LIVE_LEDGER_H
#define VFIOSCOPE_RUN_LIVE_LEDGER_H

#include "run/live_watch.h"
#include "snapshot/snapshot.h"

#define VS_LOOK_WORDS 200

struct vs_live_ledger {
	/* The caller fills these in; pointers are borrowed. */
	struct vs_live *live;
	struct vs_snapper *snapper;
	bool traced;		/* false: a snapshot is all there is */
	bool silent;		/* the ledger is kept, and shown at the end only */
	bool spare;		/* look once a minute while there are no events */
	bool exact;		/* with watchpoints, on the groups of this filter */
	bool stacks;		/* show the stack of each get */

	struct vs_live_watch watch;	/* the caller sets its live and filter */
	uint64_t shown_ns;	/* when the ledger was last shown */

	/* Private. */
	uint64_t checked_ns, checked_events;	/* when, and how many there were */
	bool differs;		/* the last check found another number than the kernel has */
	uint64_t failed_looks;
	char failed_words[VS_LOOK_WORDS];	/* the error of the last failed look that was reported */
};

/*
 * The functions that look return 0, or a negative errno with words in @error, which has VS_LOOK_WORDS.
 *
 * Begins, and shows, the ledger: once probes are armed, and again whenever vfio.ko was loaded anew.
 */
int vs_live_ledger__begin(struct vs_live_ledger *l, char *error);

/* Takes a fresh look at the host, checks the ledger against it, and shows it if wanted. */
int vs_live_ledger__look(struct vs_live_ledger *l, bool show, bool last, char *error);

/* Looks if it is time to, or if @show; what fails is reported in the stream. */
void vs_live_ledger__each(struct vs_live_ledger *l, uint64_t now_ns, bool show);

/* Shows the ledger with a snapshot of the caller's. */
int vs_live_ledger__show(struct vs_live_ledger *l, const struct vs_snapshot *s, bool last, char *error);

/*
 * Begins again after vfio.ko was loaded anew: its groups were created before its probes were armed. Tracing
 * continues without a look that failed: each cause is reported once, and all are counted.
 */
void vs_live_ledger__begin_again(struct vs_live_ledger *l);

/*
 * Looks for the last time, unless @status says that the run failed, and ends the session. Whatever went wrong,
 * the events seen are judged and summed up. Returns the exit status: a bug counts more than a failure.
 */
int vs_live_ledger__conclude(struct vs_live_ledger *l, const struct vs_command *command, int status);

/* Returns the exit status of the run that ended with this result. */
int vs_live_ledger__verdict(const struct vs_live_ledger *l, const struct vs_session_result *result);

#endif

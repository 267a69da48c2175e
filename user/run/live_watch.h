/* SPDX-License-Identifier: GPL-2.0 */
/* Hardware watchpoints on the counters of groups, as groups come and go (`refs --exact`). */
#ifndef VFIOSCOPE_LIVE_WATCH_H
#define VFIOSCOPE_LIVE_WATCH_H

#include "run/live.h"

#define VS_WATCHES_SAID 8	/* reported one by one; later lives of groups are watched silently */

struct vs_live_watch {
	/* The caller fills these in; both are borrowed. */
	struct vs_live *live;
	const struct vs_filter *filter;	/* the wanted groups; NULL: all */

	/* Private. */
	bool none;		/* this machine has none, and we have said so */
	size_t nr_said;
	uint64_t refused[VS_WATCHES_SAID];	/* addresses of groups whose refusal we reported */
	size_t nr_refused;
};

/*
 * Arms a watchpoint on a created group as soon as its event is here. This works up to v5.18 only: later
 * the event comes before the group has an address, and a look finds the group.
 */
void vs_live_watch__event(struct vs_live_watch *w, const struct vs_event *e);

/*
 * Ends the watches of groups that do not exist in the snapshot, and gives wanted groups without a watch
 * one, if there is room. Call it after the ledger has had the snapshot.
 */
void vs_live_watch__look(struct vs_live_watch *w, const struct vs_snapshot *s);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* Hardware watchpoints on the counters of groups, as groups come and go (`refs --exact`). */
#ifndef VFIOSCOPE_LIVE_WATCH_H
#define VFIOSCOPE_LIVE_WATCH_H

#include "live.h"

#define VS_WATCHES_SAID 8	/* one by one; later lives of groups are watched silently */

struct vs_live_watch {
	/* Filled in by the caller; both borrowed. */
	struct vs_live *live;
	const struct vs_filter *filter;	/* which groups are wanted; NULL: all */

	/* Private. */
	bool none;		/* this machine has none, and that is said */
	size_t nr_said;
	uint64_t refused[VS_WATCHES_SAID];	/* addresses of groups it was said of */
	size_t nr_refused;
};

/*
 * A group that is created: armed as soon as its event is here. Up to v5.18 only: later
 * the event comes before the group has an address, and a look finds it.
 */
void vs_live_watch__event(struct vs_live_watch *w, const struct vs_event *e);

/*
 * What exists: watches of what does not end, wanted groups without one get theirs, if there is room.
 * After the ledger has had the snapshot.
 */
void vs_live_watch__look(struct vs_live_watch *w, const struct vs_snapshot *s);

#endif

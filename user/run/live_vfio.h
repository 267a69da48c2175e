/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Follows vfio.ko during a live run: it is loaded, unloaded, loaded again, livepatched, or its text is
 * overwritten. A part of live.c; each time that we did not see is a gap of the session.
 */
#ifndef VFIOSCOPE_LIVE_VFIO_H
#define VFIOSCOPE_LIVE_VFIO_H

#include "run/live.h"

/* Notes what an event says about vfio.ko; it takes no action yet. */
void vs_live__vfio_event(struct vs_live *l, const struct vs_event *e);

/* Acts on the noted events: arms probes, or says that they are gone. */
void vs_live__follow_vfio(struct vs_live *l);

/* Looks each second for changes that no event reported. `now` is CLOCK_MONOTONIC. */
void vs_live__check_vfio(struct vs_live *l, uint64_t now);

/* Looks for livepatches: a gap begins with the last look that found none, or ends. */
void vs_live__check_patches(struct vs_live *l, uint64_t now);

/*
 * Reports the last comparison of vfio.ko's text with its file: a gap begins or ends. `from` is the
 * earliest time of a change.
 */
void vs_live__tell_text(struct vs_live *l, uint64_t from, uint64_t now);

/* Returns true if every required hook is armed, and sees all that it is for. */
bool vs_live__sees_all(const struct vs_live *l);

/* Fills in the plan's rows for the summary. Returns 0 or -ENOMEM. Defined in live.c. */
int vs_live__fill_rows(struct vs_live *l);

#endif

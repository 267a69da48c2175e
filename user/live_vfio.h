/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What becomes of vfio.ko during a live run: it comes, goes, comes back, is
 * livepatched, or written over.
 * A part of live.c; each time that was not seen is a gap of the session.
 */
#ifndef VFIOSCOPE_LIVE_VFIO_H
#define VFIOSCOPE_LIVE_VFIO_H

#include "live.h"

/* Notes what an event says about vfio.ko; nothing is done yet. */
void vs_live__vfio_event(struct vs_live *l, const struct vs_event *e);

/* Does what the noted events ask for: arms probes, or says that they are gone. */
void vs_live__follow_vfio(struct vs_live *l);

/* Looks for what no event told: each second. `now` CLOCK_MONOTONIC. */
void vs_live__check_vfio(struct vs_live *l, uint64_t now);

/* Looks for livepatches: a gap begins with the last look that found none, or ends. */
void vs_live__check_patches(struct vs_live *l, uint64_t now);

/*
 * Tells what the last comparison of vfio.ko's text with its file found: a gap begins or ends.
 * `from`: since when that may be so.
 */
void vs_live__tell_text(struct vs_live *l, uint64_t from, uint64_t now);

/* Every hook that is required is there, and sees all it is for. */
bool vs_live__sees_all(const struct vs_live *l);

/* The rows of the plan for the summary. 0 or -ENOMEM. Defined in live.c. */
int vs_live__fill_rows(struct vs_live *l);

#endif

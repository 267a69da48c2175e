/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whether the probes of a live run fire: asked some times a second, and with each batch of events. While
 * one kind of them does not, nothing of VFIO is told and nothing is concluded: that time is a gap.
 * A part of live.c.
 */
#ifndef VFIOSCOPE_LIVE_PULSE_H
#define VFIOSCOPE_LIVE_PULSE_H

#include "live.h"

/* At the start: VS_EXIT_OK, or VS_EXIT_UNAVAILABLE after one line that says what to do. */
int vs_live__pulse_begins(struct vs_live *l);

/* Says at the start what cannot be asked. */
void vs_live__pulse_notice(struct vs_live *l, uint64_t now);

/* `now` CLOCK_MONOTONIC; `busy`: there were events just now. */
void vs_live__pulse(struct vs_live *l, uint64_t now, bool busy);

/*
 * What probes saw is no ground to accuse somebody: puts are not all seen here, some kind of probe does not
 * fire at this moment, or may not have fired since the last look.
 */
bool vs_live__is_blind(struct vs_live *l);

#endif

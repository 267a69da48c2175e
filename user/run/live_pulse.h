/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Checks that the probes of a live run fire: some times a second, and with each batch of events. While
 * one kind of them does not, we report and conclude nothing about VFIO: that time is a gap. A part of
 * live.c.
 */
#ifndef VFIOSCOPE_LIVE_PULSE_H
#define VFIOSCOPE_LIVE_PULSE_H

#include "run/live.h"

/* Checks the probes at the start: VS_EXIT_OK, or VS_EXIT_UNAVAILABLE after one line that says what to do. */
int vs_live__pulse_begins(struct vs_live *l);

/* Says at the start which probes cannot be checked. */
void vs_live__pulse_notice(struct vs_live *l, uint64_t now);

/* `now` is CLOCK_MONOTONIC; `busy` is true if there were events just now. */
void vs_live__pulse(struct vs_live *l, uint64_t now, bool busy);

/*
 * Returns true if the probes' view cannot support an accusation: puts are not all seen here, some kind
 * of probe does not fire now, or may not have fired since the last look.
 */
bool vs_live__is_blind(struct vs_live *l);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* One run of `latency`: finds, attaches, follows, reports. */
#ifndef VFIOSCOPE_LATENCY_SESSION_H
#define VFIOSCOPE_LATENCY_SESSION_H

#include "latency/options.h"

/*
 * Runs until the duration is over or vs_stop__asked(); the report goes to stdout. Returns an exit
 * status; errors go to stderr.
 */
int vs_lat_session__run(const struct vs_latency_options *opts);

#endif

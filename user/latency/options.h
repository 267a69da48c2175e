/* SPDX-License-Identifier: GPL-2.0 */
/* The options of `latency`. */
#ifndef VFIOSCOPE_LATENCY_OPTIONS_H
#define VFIOSCOPE_LATENCY_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/opts.h"
#include "latency/loader.h"
#include "latency/targets.h"

struct vs_latency_options {
	const struct vs_command *command;	/* for its messages */
	struct vs_targets targets;
	uint64_t top, functions;
	uint64_t duration, interval, overdue, lost;	/* ns */
	uint64_t sample;	/* one of so many windows, 0: all the time */
	uint64_t ring_size;
	enum vs_lat_blame blame;
	bool blame_chosen;
	const char *color_word;	/* of --color, NULL: not given */
	bool all, events, json, cost, debug, color;
};

#endif

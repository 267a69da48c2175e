/* SPDX-License-Identifier: GPL-2.0 */
/* The options of `latency`. */
#ifndef VFIOSCOPE_LATENCY_OPTIONS_H
#define VFIOSCOPE_LATENCY_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "latency/loader.h"
#include "latency/targets.h"
#include "opts.h"

struct vs_latency_options {
	struct vs_targets targets;
	uint64_t top, functions;
	uint64_t duration, interval, overdue, lost;	/* ns */
	uint64_t sample;	/* one of so many windows, 0: all the time */
	uint64_t ring_size;
	enum vs_lat_blame blame;
	bool blame_chosen;
	bool all, events, json, cost, debug;
};

/* The table, for vs_cmd_latency. */
extern const struct vs_opt vs_latency_opts[];

/* Fills `opts`, which is zero. 0; -1 after help was printed; an exit status after one line. */
int vs_latency_options__parse(struct vs_latency_options *opts, int argc, char **argv);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef STRESS_OPTIONS_H
#define STRESS_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "state.h"
#include "strategy.h"

enum st_exit {
	ST_EXIT_OK = 0,
	ST_EXIT_FAILURE = 1,
	ST_EXIT_USAGE = 2,
	ST_EXIT_STUCK = 3,
	ST_EXIT_REFUSED = 4,
	/* 128 + N: ended by signal N, everything put back */
};

#define ST_STRATEGIES 8

struct st_options {
	char bdfs[ST_DEVICES][ST_BDF];
	size_t nr;
	bool confirmed;
	bool any_driver;
	bool allow_remove;
	bool restore;
	bool kmsg;
	uint64_t cycles;	/* of all steps together, 0: no limit */
	uint64_t duration_ns;	/* 0: no limit */
	uint64_t burst;		/* cycles of a step */
	uint64_t stuck_ns;
	uint64_t seed;
	const struct st_strategy *strategies[ST_STRATEGIES];
	size_t nr_strategies;	/* 0: all that are possible */
	const char *state;	/* NULL: ROOT/run/vfio-stress.state */
	const char *root;
};

/* 0, or an exit status plus 1 after what had to be said. */
int st_options__parse(struct st_options *o, int argc, char **argv);

#endif

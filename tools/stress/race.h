/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Children that do what may hang for ever, and a parent that never does: it only
 * looks, and leaves behind what cannot be killed.
 */
#ifndef STRESS_RACE_H
#define STRESS_RACE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "strategy.h"

struct st_race {
	uint64_t stuck_ns;	/* no progress for so long: it is given up and killed */
	bool (*interrupted)(void);
	/*
	 * One task that was given up: its process, and its state letter and what it did in the
	 * kernel before it was killed. @ended: it died of that; otherwise it hangs.
	 */
	void (*say_late)(pid_t pid, char state, const char *stack, bool ended);
};

/* What the functions below return, beside 0 and a negative errno of the work itself. */
enum st_race_late {
	ST_RACE_SLOW = 1,	/* given up, and nothing of it is left (but see st_work.outlives) */
	ST_RACE_STUCK,		/* given up, killed, and a child is there still */
};

struct st_work {
	int (*run)(void *ctx);	/* 0, or a negative errno */
	void *ctx;
	uint64_t limit_ns;
	bool outlives;		/* never killed: left behind, with its work, when it is late */
};

struct st_track *st_track__new(void);	/* NULL with errno set */

/* Runs both lanes. 0, -EINTR when interrupted, or enum st_race_late. */
int st_race__run(const struct st_race *r, const struct st_step *step);

/* Runs @w in a child: its result, or enum st_race_late. -ECHILD: it was killed by another. */
int st_race__guarded(const struct st_race *r, const struct st_work *w);

#endif

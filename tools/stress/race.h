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
	uint64_t stuck_ns;	/* no progress for so long: stuck */
	bool (*interrupted)(void);
	/* One task that hangs: its process, state letter and what it does in the kernel. */
	void (*say_stuck)(pid_t pid, char state, const char *stack);
};

struct st_track *st_track__new(void);	/* NULL with errno set */

/* Runs both lanes. 0, -EINTR when interrupted, -EDEADLK when a lane is stuck. */
int st_race__run(const struct st_race *r, const struct st_step *step);

/* Runs `work` in a child: its result, or -EDEADLK. */
int st_race__guarded(const struct st_race *r, int (*work)(void *ctx), void *ctx);

#endif

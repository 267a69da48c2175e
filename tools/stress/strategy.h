/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What races against the unbind of a VFIO device, so that the put of the notifier
 * becomes the last one of its group. Two lanes, each a process of its own: one in D
 * state can be left behind.
 */
#ifndef STRESS_STRATEGY_H
#define STRESS_STRATEGY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "device.h"

/* Shared by parent and lanes. */
struct st_lane {
	_Atomic uint64_t done;		/* cycles */
	_Atomic uint64_t failed;	/* writes and opens that the kernel refused */
	_Atomic uint64_t met;		/* times at the meeting point */
};

struct st_track {
	_Atomic bool stop;
	struct st_lane lanes[2];
};

/* One step: that many cycles of one strategy in one group. */
struct st_step {
	const char *root;
	const struct st_strategy *strategy;
	const char *device;	/* bound to vfio-pci; lane 0 unbinds and binds it */
	const char *mate;	/* bound to pci-stub; "" when the strategy needs none */
	int group;
	uint64_t cycles;
	uint64_t seed;
	struct st_track *track;
};

struct st_strategy {
	const char *name;
	const char *words;	/* what lane 1 does, for people: "%s" is the mate or the group */
	bool needs_mate;
	bool removes;		/* only where it is allowed */
	unsigned int shorter;	/* its cycles take so much longer: that part of a step */
	void (*lanes[2])(const struct st_step *step, uint64_t *random);
};

/* Ended by an entry without a name. */
extern const struct st_strategy st_strategies[];

/* NULL when there is none of that name. */
const struct st_strategy *st_strategy__find(const char *name, size_t len);

/* Devices as the step needs them. 0 or negative errno. */
int st_step__prepare(const struct st_step *step);

#endif

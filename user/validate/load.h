/* SPDX-License-Identifier: GPL-2.0 */
/* Runs the program vfio-stress as a child, and follows it without ever waiting for it. */
#ifndef VFIOSCOPE_LOAD_H
#define VFIOSCOPE_LOAD_H

#include "validate/validation.h"

struct vs_load;

struct vs_load_opts {
	const char *path;	/* of vfio-stress; NULL: beside this program */
	const char *devices;	/* "BDF,BDF" */
	uint64_t cycles;	/* 0: no limit */
	uint64_t seconds;	/* 0: no limit */
	const char *seed;	/* NULL: its own */
	const char *strategies;	/* NULL: all that are possible */
	bool allow_remove;
	bool any_driver;
};

/* NULL with errno set. */
struct vs_load *vs_load__start(const struct vs_load_opts *opts);

/* Takes one line of its output. */
void vs_load__take_line(const char *line, struct vs_stress_result *result);

/* Takes its output; returns true once it has ended and everything is read. */
bool vs_load__follow(struct vs_load *l, struct vs_stress_result *result);

/*
 * Asks it to rest for some time before its next step, so that the groups are quiet. It sends SIGURG, which
 * an older vfio-stress ignores. Does not wait.
 */
void vs_load__rest(struct vs_load *l);

/* Asks it to put everything back and to end. Does not wait. */
void vs_load__stop(struct vs_load *l);

/* Does not stop a running program: that ends by itself, if it can, once its parent has ended. */
void vs_load__free(struct vs_load *l);

#endif

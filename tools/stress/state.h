/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the devices were before vfio-stress touched them, in a file that outlives it:
 * after SIGKILL the next start, or --restore, puts things back. The file is written
 * and on disk before the first change, and removed after the last.
 */
#ifndef STRESS_STATE_H
#define STRESS_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "device.h"

#define ST_DEVICES 16

struct st_state {
	pid_t pid;			/* whose it is */
	unsigned long long started;	/* its start time, clock ticks since boot */
	struct st_device devices[ST_DEVICES];	/* bdf, group, driver, override */
	size_t nr;
};

/* Makes the file for this process. -EEXIST when there is one. */
int st_state__save(const char *path, struct st_state *s);

/* -ENOENT when there is none, -EINVAL when it cannot be understood. */
int st_state__load(const char *path, struct st_state *s);

/* The process that wrote it still runs. */
bool st_state__is_owned(const struct st_state *s);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What vfio-stress refuses to touch: devices that are in use, have a driver that is
 * not a stub, are bridges, or share a group with such.
 */
#ifndef STRESS_GUARD_H
#define STRESS_GUARD_H

#include <stdbool.h>
#include <stddef.h>

#include "device.h"

struct st_guard_opts {
	const char *root;
	bool any_driver;	/* a driver that is not a stub may be unbound */
};

/*
 * 0, or -EBUSY with one sentence: what stands against it. `nr` devices, each read
 * before. Opens and closes /dev/vfio/N of their groups: the kernel allows one file a
 * group, so EBUSY means a user, even one with only a device or a mapping left.
 */
int st_guard__check(const struct st_guard_opts *opts, const struct st_device *devices, size_t nr,
		    char *words, size_t size);

#endif

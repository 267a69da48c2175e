/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finds what the host itself uses through its own drivers: mounted file systems, swap, what is built on disks,
 * and network interfaces that are up. What other drivers are used for is not known here.
 */
#ifndef VFIOSCOPE_DEVICES_HOST_USE_H
#define VFIOSCOPE_DEVICES_HOST_USE_H

#include <stdbool.h>
#include <stddef.h>

#include "evidence/inventory.h"

enum vs_host_state {
	VS_HOST_USED,
	VS_HOST_IDLE,		/* a network interface that is down */
	VS_HOST_OPAQUE,		/* RDMA: who uses it is not seen */
};

struct vs_host_row {
	enum vs_host_state state;
	char path[400];		/* in sysfs: it has the names of the devices that it hangs on */
	char says[160];		/* of VS_HOST_USED: "nvme0n1p2 is mounted on /"; names are quoted */
};

struct vs_host_use {
	struct vs_host_row *rows;
	size_t nr_rows;
};

/* Reads @root/proc/self/mountinfo, @root/proc/swaps and sysfs. 0 or -ENOMEM. Free with vs_host_use__free(). */
int vs_host_use__collect(const char *root, struct vs_host_use *use);
void vs_host_use__free(struct vs_host_use *use);

/* Lists what hangs on the device: @at is 0 at first, and the caller's to keep. NULL after the last. */
const struct vs_host_row *vs_host_use__of(const struct vs_host_use *use, const struct vs_device *d, size_t *at);

/*
 * Returns true if nothing else can use it: a network device, all interfaces of which are seen to be down. One
 * without an interface may have it in another network namespace.
 */
bool vs_host_use__is_idle(const struct vs_host_use *use, const struct vs_device *d);

#endif

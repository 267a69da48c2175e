/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tells what keeps a virtual machine from starting with a device: from facts to blockers with the words for
 * them. What is not known blocks nothing.
 */
#ifndef VFIOSCOPE_WHY_START_H
#define VFIOSCOPE_WHY_START_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "evidence/start.h"

enum vs_start_kind {
	VS_START_GONE,		/* the device does not answer */
	VS_START_BRIDGE,
	VS_START_NO_IOMMU,	/* the host has none, or it is off */
	VS_START_NO_GROUP,	/* this device has none, others have */
	VS_START_NOIOMMU,
	VS_START_NO_DRIVER,
	VS_START_OVERRIDE,	/* no driver has it, and driver_override keeps VFIO's away */
	VS_START_WRONG_DRIVER,
	VS_START_NOT_VIABLE,
	VS_START_BUSY,
	VS_START_NO_NODE,
	VS_START_PERMISSION,
	VS_START_INTERRUPTS,
	VS_START_MEMLOCK,
	VS_START_NO_RESET,	/* from here on: worth to know, and no hindrance */
	VS_START_POWER,
	VS_START_KINDS,
};

const char *vs_start_kind__name(enum vs_start_kind kind);	/* "not-viable" */

struct vs_start_blocker {
	enum vs_start_kind kind;
	bool blocks;		/* false: it is worth to know, a start does not fail by it */
	char says[400], next[440];
};

struct vs_start_report {
	struct vs_start_blocker rows[VS_START_KINDS];
	size_t nr;
	size_t nr_blocks;	/* these come first */
};

/* What a program said when it failed to start a machine: recognised, as far as it tells. */
struct vs_start_said {
	enum vs_start_kind kind;	/* VS_START_KINDS: it may have several reasons */
	char device[VS_DEVICE_LEN];	/* "" if the message has none */
	int group;			/* -1 */
	char line[200];			/* as it was printed, cut; "" if nothing was recognised */
	const char *means;		/* in words; says nothing of whether it is still so */
};

/*
 * Finds the first message of QEMU, libvirt, DPDK or Cloud Hypervisor about VFIO in what a program printed.
 * Returns false if there is none.
 */
bool vs_start__recognise(const char *text, struct vs_start_said *said);

/* Who keeps a second user out; the caller knows it from elsewhere. */
struct vs_start_use {
	enum vs_start_busy {
		VS_START_FREE,
		VS_START_GROUP_OPEN,
		VS_START_IN_CONTAINER,	/* its group file is closed, but the group is in a container still */
		VS_START_CDEV_OPEN,	/* open by its own node, /dev/vfio/devices/vfioN */
	} busy;
	char who[200];		/* "" not found */
};

/*
 * Finds all blockers, the one that comes first on the way of a start first. @said is a kind that the
 * program's message named, VS_START_KINDS: none; some facts matter only with it.
 */
void vs_start__judge(const struct vs_start_facts *f, const struct vs_start_use *use, enum vs_start_kind said,
		     struct vs_start_report *s);

/*
 * Looks at the host below @root ("" is the running one). @device: NULL asks about @group. @pid: whose limit of
 * locked memory it reads, 0 for none. @quiet: nobody is known to wait for a device. Only then attributes are read
 * for which the kernel takes the device's lock; else the reader would join those who wait for it, and could not be
 * killed. A child reads them all the same, and they stay unknown if it does not come back. 0 or -ENOMEM.
 */
int vs_start__collect(const char *root, const char *device, int group, uint32_t pid, bool quiet,
		      struct vs_start_facts *f);

#endif

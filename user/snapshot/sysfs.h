/* SPDX-License-Identifier: GPL-2.0 */
/* The part of a snapshot that everybody may read. */
#ifndef VFIOSCOPE_SNAPSHOT_SYSFS_H
#define VFIOSCOPE_SNAPSHOT_SYSFS_H

#include "snapshot/snapshot.h"

/* Returns true if VFIO is loaded, or built in. @root is prefixed to /sys; "" is the host. */
bool vs_sysfs__has_vfio(const char *root);

/*
 * Adds the groups of /sys/class/vfio that are not there yet (of a VFIO without groups those of the IOMMU that have its
 * devices), the other devices of each group's IOMMU group, and the drivers of all. Takes no device lock. -ENOMEM.
 */
int vs_sysfs__complete(const char *root, struct vs_snapshot *snapshot);

#endif

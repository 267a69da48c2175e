/* SPDX-License-Identifier: GPL-2.0 */
/* The part of a snapshot that everybody may read. */
#ifndef VFIOSCOPE_SNAPSHOT_SYSFS_H
#define VFIOSCOPE_SNAPSHOT_SYSFS_H

#include "snapshot/snapshot.h"

/*
 * Adds the groups of /sys/class/vfio that are not there yet, the other devices of each
 * group's IOMMU group, and the drivers of all. Takes no device lock. -ENOMEM.
 */
int vs_sysfs__complete(const char *root, struct vs_snapshot *snapshot);

#endif

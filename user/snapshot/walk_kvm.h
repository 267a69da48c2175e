/* SPDX-License-Identifier: GPL-2.0 */
/* Finds what a KVM device that stands for VFIO holds (virt/kvm/vfio.c). */
#ifndef VFIOSCOPE_SNAPSHOT_WALK_KVM_H
#define VFIOSCOPE_SNAPSHOT_WALK_KVM_H

#include "snapshot/walk.h"

#define VS_KVM_MAX_GROUPS 256	/* of one virtual machine */

/* One file that KVM holds, or up to v5.19 one group. */
struct vs_kvm_use {
	uint64_t group;		/* one of the snapshot's own, or 0 */
	uint64_t device;	/* struct vfio_device * of a device's file (v6.6), or 0 */
};

/*
 * Finds what a KVM device file holds of VFIO; at most VS_KVM_MAX_GROUPS. Returns their number, or
 * -ENOENT if the file is of another kind of KVM device (an interrupt controller).
 */
int vs_walk__kvm_uses(const struct vs_walk *walk, struct vs_file_kinds *kinds, uint64_t file,
		      const struct vs_snapshot *snapshot, struct vs_kvm_use *uses);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* What a KVM device that stands for VFIO holds (virt/kvm/vfio.c). */
#ifndef VFIOSCOPE_SNAPSHOT_WALK_KVM_H
#define VFIOSCOPE_SNAPSHOT_WALK_KVM_H

#include "snapshot/walk.h"

#define VS_KVM_MAX_GROUPS 256	/* of one virtual machine */

/*
 * The groups that a KVM device file holds, each one of the snapshot's own. Their number,
 * or -ENOENT when the file is of another kind of KVM device (an interrupt controller).
 */
int vs_walk__kvm_groups(const struct vs_walk *walk, struct vs_file_kinds *kinds, uint64_t file,
			const struct vs_snapshot *snapshot, uint64_t *groups);

#endif

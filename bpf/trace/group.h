/* SPDX-License-Identifier: GPL-2.0 */
/* Reading struct vfio_group and struct vfio_device, whose layout is in cfg. */
#ifndef VFIOSCOPE_GROUP_H
#define VFIOSCOPE_GROUP_H

#include "state.h"

/* 0 where the offset is not known: what lies beside the structure would be read else. */
static __always_inline __u64 read_pointer(__u64 base, __s32 offset)
{
	__u64 value = 0;

	if (offset != VS_NO_OFFSET)
		bpf_probe_read_kernel(&value, sizeof(value), (void *)(base + offset));
	return value;
}

/* -1 when it cannot be read, of a NULL group too. */
static __always_inline __s32 iommu_group_number(__u64 iommu_group)
{
	struct iommu_group *g = (void *)iommu_group;
	__s32 number;

	if (bpf_core_read(&number, sizeof(number), &g->id))
		number = -1;
	return number;
}

/* Only for a group that is still referenced. */
static __always_inline __s32 group_number(__u64 group)
{
	return iommu_group_number(read_pointer(group, cfg.layout.group_iommu_group));
}

static __always_inline __s32 device_number(__u64 dev)
{
	struct device *d = (void *)dev;

	return iommu_group_number((__u64)BPF_CORE_READ(d, iommu_group));
}

static __always_inline void read_counter(struct vs_event *e, __u64 group)
{
	long err;

	if (cfg.layout.group_counter == VS_NO_OFFSET)
		return;
	err = bpf_probe_read_kernel(&e->refs, sizeof(e->refs),
				    (void *)(group + cfg.layout.group_counter));
	if (err)
		count_loss(VS_LOSS_READ_FAULT);
	else
		e->flags |= VS_F_REFS;
}

static __always_inline void read_device_name(char *name, __u64 dev)
{
	struct device *d = (void *)dev;

	bpf_probe_read_kernel_str(name, VS_DEVICE_LEN, BPF_CORE_READ(d, kobj.name));
}

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* Events that are about a struct vfio_device and nothing else. */
#ifndef VFIOSCOPE_DEVICE_H
#define VFIOSCOPE_DEVICE_H

#include "emit.h"
#include "group.h"

/* Returns 0. @group and @iommufd may be 0: not known, or none. */
static __always_inline int emit_device(__u64 ip, __u8 type, __u64 device, __u64 group,
				       __u64 iommufd)
{
	__u64 dev = read_pointer(device, cfg.layout.device_dev);
	__u64 wakeup;
	struct vs_device_event *d = emit_begin(type, struct vs_device_event, &wakeup);

	if (!d)
		return 0;
	d->e.ip = ip;
	d->e.object = device;
	d->e.group = group;
	d->e.iommu_group = device_number(dev);
	read_device_name(d->device, dev);
	emit_context(&d->e);
	if (iommufd)
		d->e.ctx_object = iommufd;
	emit_end(d, wakeup);
	return 0;
}

#endif

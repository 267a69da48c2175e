// SPDX-License-Identifier: GPL-2.0
/*
 * A device and its iommufd, v6.2 and later, by the functions that its driver's operations lead to: those of a
 * physical device and of an emulated one. Both ways come through here, that of the device's own node and that of
 * a group with an iommufd in the place of its container. A bind and an attach may still be refused.
 */
#include "state.h"
#include "task.h"
#include "emit.h"
#include "group.h"
#include "device.h"
#include "probe.h"

static __always_inline int emit_iommufd(struct pt_regs *ctx, __u8 type, __u64 device, __u64 iommufd)
{
	if (!cfg.vfio_ready)
		return 0;
	return emit_device(probe_ip(ctx), type, device, read_pointer(device, cfg.layout.device_group),
			   iommufd);
}

/* vfio_iommufd_physical_bind(device, context, id) */
SEC("kprobe")
int BPF_KPROBE(iommufd_bind, __u64 device, __u64 iommufd)
{
	return emit_iommufd(ctx, VS_IOMMUFD_BIND, device, iommufd);
}

/* vfio_iommufd_physical_unbind(device) */
SEC("kprobe")
int BPF_KPROBE(iommufd_unbind, __u64 device)
{
	return emit_iommufd(ctx, VS_IOMMUFD_UNBIND, device, 0);
}

/* vfio_iommufd_physical_attach_ioas(device, id) */
SEC("kprobe")
int BPF_KPROBE(iommufd_attach, __u64 device)
{
	return emit_iommufd(ctx, VS_IOMMUFD_ATTACH, device, 0);
}

/* vfio_iommufd_physical_detach_ioas(device); v6.6 */
SEC("kprobe")
int BPF_KPROBE(iommufd_detach, __u64 device)
{
	return emit_iommufd(ctx, VS_IOMMUFD_DETACH, device, 0);
}

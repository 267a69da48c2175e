// SPDX-License-Identifier: GPL-2.0
/*
 * Users of a group's container, v6.1 and later. Callers hold the group's lock, so the count
 * read at the entry is that from before; but vfio_device_unassign_container() of v6.1 takes
 * the lock itself, after this. A use may still be refused.
 */
#include "state.h"
#include "task.h"
#include "emit.h"
#include "group.h"
#include "probe.h"

static __always_inline int emit_container(struct pt_regs *ctx, __u8 type, __u64 group)
{
	__u64 wakeup;
	struct vs_event *e;

	if (!cfg.vfio_ready)
		return 0;
	e = emit_begin(type, struct vs_event, &wakeup);
	if (!e)
		return 0;
	e->ip = probe_ip(ctx);
	e->group = group;
	e->iommu_group = group_number(group);
	if (bpf_probe_read_kernel(&e->refs, sizeof(e->refs),
				  (void *)(group + cfg.layout.group_container_users)))
		count_loss(VS_LOSS_READ_FAULT);
	else
		e->flags = VS_F_REFS;
	emit_context(e);
	emit_end(e, wakeup);
	return 0;
}

static __always_inline __u64 group_of(__u64 device)
{
	return read_pointer(device, cfg.layout.device_group);
}

/* vfio_container_attach_group(container, group): the group's file is the first user */
SEC("kprobe")
int BPF_KPROBE(container_attach, __u64 container, __u64 group)
{
	return emit_container(ctx, VS_CONTAINER_USE, group);
}

/* vfio_group_use_container(group), v6.2 */
SEC("kprobe")
int BPF_KPROBE(container_use, __u64 group)
{
	return emit_container(ctx, VS_CONTAINER_USE, group);
}

/* vfio_device_assign_container(device), v6.1 */
SEC("kprobe")
int BPF_KPROBE(container_use_device, __u64 device)
{
	return emit_container(ctx, VS_CONTAINER_USE, group_of(device));
}

/* vfio_group_unuse_container(group), v6.2; vfio_group_detach_container(group) */
SEC("kprobe")
int BPF_KPROBE(container_unuse, __u64 group)
{
	return emit_container(ctx, VS_CONTAINER_UNUSE, group);
}

/* vfio_device_unassign_container(device), v6.1 */
SEC("kprobe")
int BPF_KPROBE(container_unuse_device, __u64 device)
{
	return emit_container(ctx, VS_CONTAINER_UNUSE, group_of(device));
}

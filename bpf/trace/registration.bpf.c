// SPDX-License-Identifier: GPL-2.0
/*
 * Registrations of devices: the references that vfio_unregister_group_dev() waits for
 * (v5.13, 5.10.137). Seen behind the instruction that changes the counter, so that the
 * count after it is exact.
 */
#include "state.h"
#include "task.h"
#include "emit.h"
#include "group.h"
#include "probe.h"

#define ZERO_FLAG (1 << 6)

/* What is at the offset of the counter is not a device: the layout is not that. */
static __always_inline bool fill(struct vs_registration_event *r, struct pt_regs *ctx, __u64 device)
{
	__u64 dev = read_pointer(device, cfg.layout.device_dev);

	r->e.ip = probe_ip(ctx);
	r->e.object = device;
	r->e.group = read_pointer(device, cfg.layout.device_group);
	r->e.iommu_group = device_number(dev);
	read_device_name(r->device, dev);
	emit_context(&r->e);
	emit_stack((struct vs_stack_event *)r, ctx);
	return r->device[0];
}

static __always_inline int emit_registration(struct pt_regs *ctx, __u8 type, __u64 device,
					     __s32 refs, __u32 flags)
{
	__u64 wakeup;
	struct vs_registration_event *r = emit_begin(type, struct vs_registration_event, &wakeup);

	if (!r)
		return 0;
	r->e.refs = refs;
	r->e.flags = flags;
	if (!fill(r, ctx, device)) {
		count_loss(VS_LOSS_LAYOUT);
		bpf_ringbuf_discard(r, BPF_RB_NO_WAKEUP);
		return 0;
	}
	emit_end(r, wakeup);
	return 0;
}

static __always_inline __u64 device_at(struct pt_regs *ctx, const struct vs_site_action *site)
{
	return read_register(ctx, site->base_offset) + site->disp - cfg.layout.device_refcount;
}

/* Behind the compare-and-exchange of refcount_inc_not_zero(); it has failed without the flag. */
SEC("kprobe")
int BPF_KPROBE(registration_get)
{
	__u64 ip = probe_ip(ctx);
	struct vs_site_action *site;

	if (!cfg.vfio_ready || !(ctx->flags & ZERO_FLAG))
		return 0;
	site = bpf_map_lookup_elem(&sites, &ip);
	if (!site)
		return 0;
	return emit_registration(ctx, VS_REG_GET, device_at(ctx, site),
				 (__s32)read_register(ctx, site->value_offset),
				 VS_F_REFS | VS_F_EXACT);
}

/* Behind the locked add of -1: the register has the value from before. */
SEC("kprobe")
int BPF_KPROBE(registration_put)
{
	__u64 ip = probe_ip(ctx);
	struct vs_site_action *site;

	if (!cfg.vfio_ready)
		return 0;
	site = bpf_map_lookup_elem(&sites, &ip);
	if (!site)
		return 0;
	return emit_registration(ctx, VS_REG_PUT, device_at(ctx, site),
				 (__s32)read_register(ctx, site->value_offset) - 1,
				 VS_F_REFS | VS_F_EXACT);
}

/* vfio_device_put_registration(device): another CPU may put between this reading and the put. */
SEC("kprobe")
int BPF_KPROBE(registration_put_entry, __u64 device)
{
	__u32 flags = VS_F_REFS;
	__s32 refs = 0;

	if (!cfg.vfio_ready)
		return 0;
	if (bpf_probe_read_kernel(&refs, sizeof(refs),
				  (void *)(device + cfg.layout.device_refcount))) {
		count_loss(VS_LOSS_READ_FAULT);
		flags = 0;
	}
	return emit_registration(ctx, VS_REG_PUT, device, refs - 1, flags);
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What user space tells the BPF programs about the running kernel. It lives in
 * .bss so that it can change while loaded: vfio.ko may come, go and come back
 * at another address.
 */
#ifndef VFIOSCOPE_CONFIG_H
#define VFIOSCOPE_CONFIG_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#define VS_NO_OFFSET (-1)

/* Byte offsets in vfio's own structures, which vmlinux BTF may not describe. */
struct vs_layout {
	__s32 group_counter;	/* vfio_group.kref, .users or .drivers */
	__s32 group_iommu_group;
	__s32 group_nb;		/* vfio_group.nb; gone in 5.19 */
	__s32 group_cdev;	/* vfio_group.cdev; 5.16 and later */
	__s32 device_dev;	/* vfio_device.dev */
	__s32 device_group;	/* vfio_device.group */
	__s32 device_refcount;	/* vfio_device.refcount: 5.13 and 5.10.137 and later */
	__s32 group_container_users;	/* vfio_group.container_users */
};

/* Functions of VFIO that have a fentry program; before v5.15 it cannot ask where it is. */
enum vs_entry {
	VS_ENTRY_NOTIFIER,
	VS_ENTRY_RELEASE,
	VS_ENTRY_REGISTER,
	VS_ENTRY_UNREGISTER,
	VS_ENTRY_CLOSE,
	VS_ENTRY_MAX,
};

struct vs_config {
	__u32 ready;		/* programs do nothing until this is set */
	__u32 vfio_ready;	/* those about VFIO: all of its probes are armed */
	__u32 release_is_free;	/* vfio_group_release means "memory freed" (5.16+) */
	__u64 deferred_func;	/* address of vfio_group_put_bg, 0 when absent */
	struct vs_layout layout;
	__u32 stacks;		/* gets and puts carry their stack */
	__u32 open_returns;	/* the end of an open is seen, so one that fails is not reported */
	__u64 entry[VS_ENTRY_MAX]; /* addresses, VFIO built in only */
};

/*
 * What to read at the instruction after a locked add; key: its address.
 * Registers are named by their offset in struct pt_regs.
 */
struct vs_site_action {
	__u16 base_offset;	/* the counter is at this register + disp */
	__u16 value_offset;	/* the value from before the add */
	__s32 disp;
	__u32 opens_file;	/* this get belongs to an open of /dev/vfio/N */
};

/*
 * Records begun so far. On a cache line of its own: every record changes it, and what lies
 * beside it is read by programs that run for each work of the host.
 */
struct vs_sequence {
	__u64 begun;
	__u64 pad[7];
} __attribute__((aligned(64)));

#define VS_WATCHES 4	/* debug registers of x86 */

#define VS_ENDED 64

/*
 * Groups that ended last: a release that user space has not read yet. One that had the same place has
 * taken it.
 */
struct vs_ended {
	struct {
		__u64 group, seq;
	} last[VS_ENDED];
};

/* The low bits of addresses are alike. */
static inline __attribute__((always_inline)) __u32 vs_ended__place(__u64 group)
{
	return (group >> 8 ^ group >> 14) % VS_ENDED;
}

/* A counter under a hardware watchpoint; key: its address. */
struct vs_watched {
	__u64 group;
	__s32 iommu_group;	/* its number, -1 if not known */
	__u32 on;		/* 0: not yet armed on all CPUs, or released */
};

#endif

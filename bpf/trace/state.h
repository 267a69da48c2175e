/* SPDX-License-Identifier: GPL-2.0 */
/* State shared by the BPF programs: maps, configuration, losses. Defined in state.bpf.c. */
#ifndef VFIOSCOPE_STATE_H
#define VFIOSCOPE_STATE_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "events.h"
#include "config.h"

/* One blocking notifier chain that a task is inside. */
struct chain_frame {
	__u64 chain;		/* struct blocking_notifier_head * */
	/*
	 * Where the trampoline keeps the arguments of this call, on the task's
	 * stack: the same at entry and exit, and lower for a nested call. A frame
	 * that is not above the current one belongs to a call whose return was
	 * missed.
	 */
	__u64 stack;
	__u64 entered_ns;
	__u64 block;		/* vfio's notifier_block, while its callback runs */
	__u64 group;
	__s32 iommu_group;
	__u8 in_vfio;
	__u8 action;
	__u8 outer_notifier;	/* task_state.notifier before this one */
	__u8 pad;
};

struct task_state {
	__u32 depth;
	__u32 notifier;		/* 1 + index of the innermost frame inside vfio's notifier */
	__s32 work_iommu_group;
	__u32 found;		/* see task_find_chain() */
	__u64 here;		/* see stack_position() */
	__u64 work;		/* the deferred put that this worker runs */
	__u64 work_group;
	__u64 opening;		/* the group whose file this task opens */
	__u64 opening_ip;
	struct chain_frame frames[VS_CHAIN_DEPTH];
};

#ifndef VS_STATE_EXTERN
#define VS_STATE_EXTERN extern
#endif

/* Sizes are defaults: user space sets them before load. */
struct event_ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
};

/*
 * A ring for each CPU, because a kprobe on an instruction inside a function is an
 * int3, and that counts as NMI context since v5.8: bpf_ringbuf_reserve() then
 * gives up when another CPU holds the ring's lock, instead of waiting for it.
 */
VS_STATE_EXTERN struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct event_ring);
} rings SEC(".maps");

VS_STATE_EXTERN struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, struct task_state);
	__uint(max_entries, 1024);
} tasks SEC(".maps");

VS_STATE_EXTERN struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u64);
	__type(value, struct vs_site_action);
	__uint(max_entries, 64);
} sites SEC(".maps");

VS_STATE_EXTERN struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u64);
	__type(value, struct vs_watched);
	__uint(max_entries, VS_WATCHES);
} watches SEC(".maps");

extern struct vs_sequence sequence;
extern struct vs_config cfg;
/* Groups created since vfio.ko was loaded, while its probes were not armed yet. */
extern __u32 unseen_groups;
extern __u32 module_changes;	/* times that vfio.ko came or went */
extern struct vs_ended ended;
extern __u64 watch_runs;	/* of the program behind the watchpoints */
extern __u64 losses[VS_LOSS_KERNEL_END];
extern const volatile __u32 ring_bytes;	/* of each */
extern const volatile __u64 skew_ns;	/* 0 but in tests: the verifier takes it out */

#define count_loss(cause) __sync_fetch_and_add(&losses[cause], 1)

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* Records for user space. */
#ifndef VFIOSCOPE_LATENCY_RING_H
#define VFIOSCOPE_LATENCY_RING_H

#include "state.h"

#define EVENT_VERSION 1

/* Zeroed, with its header; NULL: counted as lost. Then ring_send(). */
static __always_inline struct vs_lat_event *ring_event(__u8 type, __u64 now)
{
	__u32 cpu = bpf_get_smp_processor_id();
	void *ring = bpf_map_lookup_elem(&rings, &cpu);
	struct vs_lat_event *e = ring ? bpf_ringbuf_reserve(ring, sizeof(*e), 0) : 0;

	if (!e) {
		count_loss(VS_LAT_LOSS_RING_FULL);
		return 0;
	}
	__builtin_memset(e, 0, sizeof(*e));
	e->size = sizeof(*e);
	e->version = EVENT_VERSION;
	e->type = type;
	e->cpu = cpu;
	e->time_ns = now;
	return e;
}

/* A wakeup costs ten times the record: only for what cannot wait for the next look. */
static __always_inline void ring_send(struct vs_lat_event *e, bool urgent)
{
	bpf_ringbuf_submit(e, urgent ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
}

static __always_inline void fill_run(struct vs_lat_event *e, const struct vs_lat_run *run)
{
	e->work = run->work;
	e->func = run->func;
	e->start_ns = run->start_ns;
	e->put_ns = run->put_ns;
	e->q = run->q;
	e->tid = run->tid;
	e->released = run->released;
	bpf_get_current_comm(e->comm, sizeof(e->comm));
}

#endif

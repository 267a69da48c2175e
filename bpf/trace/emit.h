/* SPDX-License-Identifier: GPL-2.0 */
/* Making and sending one record. */
#ifndef VFIOSCOPE_EMIT_H
#define VFIOSCOPE_EMIT_H

#include "state.h"
#include "task.h"

/*
 * Waking the reader costs ten times the record itself, so it drains on a timer;
 * it is woken only when half of a ring is full and for alarms.
 */
static __always_inline __u64 wakeup_flags(void *ring)
{
	if (bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) > ring_bytes / 2)
		return BPF_RB_FORCE_WAKEUP;
	return BPF_RB_NO_WAKEUP;
}

static __always_inline void emit_context(struct vs_event *e)
{
	struct task_state *task = task_get();
	struct chain_frame *frame;

	if (!task)
		return;
	frame = task_notifier(task);
	if (frame) {
		e->context = VS_CTX_NOTIFIER;
		e->action = frame->action;
		e->ctx_object = frame->chain;
		e->ctx_group = frame->group;
	} else if (task->work) {
		e->context = VS_CTX_WORKER;
		e->ctx_object = task->work;
		e->ctx_group = task->work_group;
	} else if ((frame = task_top(task))) {
		e->context = VS_CTX_CHAIN;
		e->ctx_object = frame->chain;
	}
}

/*
 * A number that grows from record to record of a task, and from one record to any that begins
 * after it has ended, on whatever CPU: the clock does not (it steps back when the timekeeper is
 * updated, and CPUs may differ). Two that are written at the same time may have the same. Added and
 * read apart, because an add that returns the value needs v5.12: what is read is never less than
 * what was added.
 */
static __always_inline __u64 next_seq(void)
{
	__sync_fetch_and_add(&sequence.begun, 1);
	return *(volatile __u64 *)&sequence.begun;
}

/* With the faults that tests give it: CPUs whose clocks differ, and that step back. */
static __always_inline __u64 clock_ns(__u32 cpu)
{
	__u64 now = bpf_ktime_get_ns();

	if (!skew_ns)
		return now;
	return now + skew_ns * (cpu % 3) / 2 - (now >> 22 & 1) * (skew_ns / 4);
}

static __always_inline void emit_init(struct vs_event *e, __u8 type, __u16 size)
{
	__u64 id = bpf_get_current_pid_tgid();

	e->size = size;
	e->version = VS_ABI_VERSION;
	e->type = type;
	e->cpu = bpf_get_smp_processor_id();
	e->seq = next_seq();
	e->time_ns = clock_ns(e->cpu);
	e->tgid = id >> 32;
	e->tid = (__u32)id;
	e->iommu_group = -1;
	bpf_get_current_comm(e->comm, sizeof(e->comm));
}

static __always_inline void *reserve(__u64 size, __u64 *wakeup)
{
	__u32 cpu = bpf_get_smp_processor_id();
	void *ring = bpf_map_lookup_elem(&rings, &cpu);
	void *record = 0;

	if (ring) {
		*wakeup = wakeup_flags(ring);
		record = bpf_ringbuf_reserve(ring, size, 0);
	}
	if (!record)
		count_loss(VS_LOSS_RING_FULL);
	return record;
}

/*
 * A zeroed record with its header filled, or NULL (and the loss is counted).
 * `wakeup` goes to emit_end().
 */
#define emit_begin(ev_type, record, wakeup)                                             \
	({                                                                              \
		typeof(record) *__r = reserve(sizeof(record), wakeup);                  \
		if (__r) {                                                              \
			__builtin_memset(__r, 0, sizeof(*__r));                         \
			emit_init((struct vs_event *)__r, ev_type, sizeof(*__r));       \
		}                                                                       \
		__r;                                                                    \
	})

/*
 * The first frame is e.ip: of a kprobe the kernel gives the byte after the
 * breakpoint, which is inside the probed instruction.
 */
static __always_inline void emit_stack(struct vs_stack_event *s, void *ctx)
{
	long len = bpf_get_stack(ctx, s->stack, sizeof(s->stack), 0);

	if (len < (long)sizeof(s->stack[0]))
		return;
	s->nr_stack = len / sizeof(s->stack[0]);
	s->stack[0] = s->e.ip;
}

static __always_inline void emit_end(void *record, __u64 wakeup)
{
	bpf_ringbuf_submit(record, wakeup);
}

static __always_inline void emit_end_now(void *record)
{
	bpf_ringbuf_submit(record, BPF_RB_FORCE_WAKEUP);
}

/* The callback that runs in this frame has returned: its chain goes on, or has returned, too. */
static __always_inline void notifier_exit(struct chain_frame *frame)
{
	__u64 wakeup;
	struct vs_event *e = emit_begin(VS_NOTIFIER_EXIT, struct vs_event, &wakeup);

	if (!e)
		return;
	e->object = frame->block;
	e->group = frame->group;
	e->iommu_group = frame->iommu_group;
	e->context = VS_CTX_NOTIFIER;
	e->action = frame->action;
	e->ctx_object = frame->chain;
	e->ctx_group = frame->group;
	emit_end(e, wakeup);
}

#endif

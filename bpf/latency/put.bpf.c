// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a deferred put by kprobes in vfio.ko alone: the works of everybody else
 * cost nothing then. The places are found by user/latency/places.c.
 */
#include "life.h"

/* Since v3.7 (pool_workqueue) or before, up to 5.15, which is the last to defer puts. */
#define WORK_STRUCT_INACTIVE 2	/* DELAYED before 5.15: waits for max_active */
#define WORK_STRUCT_FLAG_MASK 0xffull	/* the rest, with WORK_STRUCT_PWQ, is a pool_workqueue */

static __always_inline struct work_struct *as_work(__u64 work)
{
	return (struct work_struct *)work;
}

static __always_inline bool is_deferred_put(__u64 work)
{
	__u64 func = 0;

	bpf_core_read(&func, sizeof(func), &as_work(work)->func);
	return cfg.ready && func && func == cfg.deferred_func;
}

/* -- queued -- */

static __always_inline void begin_put(struct vs_lat_work *w, struct vs_lat_totals *t)
{
	struct vs_lat_queued *q = &w->q[w->head & 1];

	w->func = cfg.deferred_func;
	q->activate_ns = q->pwq = 0;
	q->pool = q->pool_cpu = q->nr_active = q->max_active = q->nr_idle = -1;
	q->tid = current_tid();
	note_group(q, w->work);
	count_waiting(q, t);
	q->queue_ns = bpf_ktime_get_ns();
	w->head++;
	tell_waits(q);
}

/* The notifier's call of queue_work_on(cpu, wq, work). */
SEC("kprobe/queue_work_on")
int put_queue(struct pt_regs *ctx)
{
	__u64 work = PT_REGS_PARM3(ctx);
	struct vs_lat_totals *t = get_totals();
	struct vs_lat_work *w;
	__u32 tid = current_tid();

	if (!is_deferred_put(work))
		return 0;
	w = table_get_or_new(work);
	if (!w || !t) {
		count_loss(VS_LAT_LOSS_WORKS_FULL);
		return 0;
	}
	t->queued++;
	begin_put(w, t);
	bpf_map_update_elem(&queueing, &tid, &work, BPF_ANY);
	return 0;
}

/* nr_active counts this work, too, unless it waits for a place. */
static __always_inline void note_place(struct vs_lat_queued *q, __u64 data)
{
	struct pool_workqueue *pwq = (void *)(data & ~WORK_STRUCT_FLAG_MASK);
	bool held = data & WORK_STRUCT_INACTIVE;

	note_pwq(q, pwq);
	q->nr_active = BPF_CORE_READ(pwq, nr_active) - !held;
	if (!held && !q->activate_ns)
		q->activate_ns = q->queue_ns;
}

static __always_inline __u64 take_queueing(void)
{
	__u32 tid = current_tid();
	__u64 *kept = bpf_map_lookup_elem(&queueing, &tid), work = kept ? *kept : 0;

	if (work)
		bpf_map_delete_elem(&queueing, &tid);
	return work;
}

/*
 * Behind that call: the work knows its pool now, if it has not started yet. When it has,
 * its memory may be freed, so that is asked after the reading.
 */
SEC("kprobe/queue_work_on_returned")
int put_queued(struct pt_regs *ctx)
{
	__u64 work = take_queueing(), data = 0;
	struct vs_lat_work *w;

	if (!work)
		return 0;
	bpf_core_read(&data, sizeof(data), &as_work(work)->data.counter);
	w = table_get(work);
	if (w && w->head != w->tail && data & WORK_STRUCT_PWQ)
		note_place(&w->q[(w->head - 1) & 1], data);
	return 0;
}

/* -- started and ended -- */

SEC("kprobe/vfio_group_put_bg")
int put_start(struct pt_regs *ctx)
{
	struct vs_lat_totals *t = get_totals();

	if (cfg.ready && t)
		start_wanted(t, 0, PT_REGS_PARM1(ctx));
	return 0;
}

/* Its kfree(work), the last thing it does. */
SEC("kprobe/vfio_group_put_bg_kfree")
int put_end(struct pt_regs *ctx)
{
	struct vs_lat_run *run = run_of_work(PT_REGS_PARM1(ctx));

	if (run)
		end_wanted(run);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0 */
/* The life of a followed work, whatever kind of probe tells of it: a tracepoint, or a kprobe. */
#ifndef VFIOSCOPE_LATENCY_LIFE_H
#define VFIOSCOPE_LATENCY_LIFE_H

#include "groups.h"
#include "hist.h"
#include "rows.h"
#include "slow.h"
#include "table.h"

static __always_inline __u64 read_at(__u64 address)
{
	__u64 value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), (void *)address);
	return value;
}

/* -- queued -- */

/* The notifier queues right after its get, in the same task. */
static __always_inline __u64 take_get(void)
{
	__u32 tid = current_tid();
	__u64 *get = bpf_map_lookup_elem(&gets, &tid), time = 0;

	if (get) {
		time = *get;
		bpf_map_delete_elem(&gets, &tid);
	}
	return time;
}

/* struct vfio_group_put_work { struct work_struct work; struct vfio_group *group; } */
static __always_inline void note_group(struct vs_lat_queued *q, __u64 work)
{
	struct iommu_group *iommu_group;

	q->get_ns = take_get();
	q->group = read_at(work + bpf_core_type_size(struct work_struct));
	if (cfg.group_iommu_group != VS_NO_OFFSET && q->group) {
		iommu_group = (void *)read_at(q->group + cfg.group_iommu_group);
		bpf_core_read(&q->number, sizeof(q->number), &iommu_group->id);
	}
	reference_queued(q->group, q->number);
}

static __always_inline void count_waiting(struct vs_lat_queued *q, struct vs_lat_totals *t)
{
	q->backlog = waiting > 0 ? waiting : 0;
	__sync_fetch_and_add(&waiting, 1);
	if (q->backlog + 1 > t->peak)
		t->peak = q->backlog + 1;
}

/*
 * In late mode user space begins to look when a work waits, and goes on for longer than
 * WAKE_EVERY_NS: so that is how seldom it has to be woken.
 */
static __always_inline void tell_waits(const struct vs_lat_queued *q)
{
	__u32 zero = 0;
	struct vs_lat_floor *f = want_wakeups ? bpf_map_lookup_elem(&floors, &zero) : 0;
	struct vs_lat_event *e;

	if (!f || q->queue_ns - f->woke_ns < VS_LAT_WAKE_EVERY_NS)
		return;
	f->woke_ns = q->queue_ns;
	e = ring_event(VS_LAT_WAITS, q->queue_ns);
	if (e)
		ring_send(e, true);
}

/* -- started -- */

/* The rest of it is zero: nobody writes it. */
static __always_inline void copy_lean(struct vs_lat_queued *q, const struct vs_lat_work *w,
				      __u32 which)
{
	q->queue_ns = w->queue_ns[which];
	q->pool = w->pool[which];
	q->pool_cpu = -1;
}

/*
 * Which of the last two queueings this start belongs to. PENDING is cleared before the
 * start is reported: when it is set, the work was queued again in between. When it is
 * not, earlier queueings came to nothing, as cancel_work() has no tracepoint. Without
 * `work` (NULL) the last one is meant: a deferred put is queued once.
 */
static __always_inline void take_queued(struct vs_lat_run *run, struct vs_lat_work *w,
					struct work_struct *work)
{
	/* Read before PENDING: see struct vs_lat_work. */
	__u32 head = *(volatile __u32 *)&w->head, first = w->tail;
	bool again = work && head - first > 1 && (work->data.counter & WORK_STRUCT_PENDING);
	__u32 mine = again ? head - 2 : head - 1;

	if (is_lean())
		copy_lean(&run->q, w, mine & 1);
	else
		run->q = w->q[mine & 1];
	run->row = w->row;
	run->queued_again = mine - first;
	w->tail = mine + 1;
}

/* False: not seen to be queued. */
static __always_inline bool begin_run(struct vs_lat_run *run, struct work_struct *work,
				      __u64 number, struct vs_lat_totals *t)
{
	struct vs_lat_work *w = table_get(number);

	if (w && is_stale(w->queue_ns[(w->head - 1) & 1]))
		w->tail = w->head;
	if (!w || w->head == w->tail) {
		t->unknown_start++;
		return false;
	}
	take_queued(run, w, work);
	run->func = w->func;
	run->released = 0;
	run->put_ns = 0;
	t->started++;
	t->cancelled += run->queued_again;
	if (!is_lean())
		__sync_fetch_and_add(&waiting, -1 - (__s64)run->queued_again);
	return true;
}

/* a045a272d887 (v6.9) moved max_active to the workqueue. */
struct pool_workqueue___before_6_9 {
	int max_active;
} __attribute__((preserve_access_index));

static __always_inline void note_pwq(struct vs_lat_queued *q, struct pool_workqueue *pwq)
{
	struct pool_workqueue___before_6_9 *old = (void *)pwq;

	q->pwq = (__u64)pwq;
	q->nr_idle = BPF_CORE_READ(pwq, pool, nr_idle);
	q->pool_cpu = BPF_CORE_READ(pwq, pool, cpu);
	if (bpf_core_field_exists(old->max_active))
		q->max_active = BPF_CORE_READ(old, max_active);
	q->pool = BPF_CORE_READ(pwq, pool, id);
}

/* Where the queueing did not tell of the pool, the worker does. */
static __always_inline void note_worker(struct vs_lat_run *run)
{
	struct worker *worker = run->q.pool < 0 ? worker_of(current_task()) : 0;

	if (worker)
		note_pwq(&run->q, BPF_CORE_READ(worker, current_pwq));
}

static __always_inline struct vs_lat_run *run_of(__u32 tid)
{
	__u32 place = tid % VS_LAT_RUNNING;

	return bpf_map_lookup_elem(&running, &place);
}

static __always_inline struct vs_lat_run *run_of_softirq(void)
{
	__u32 place = VS_LAT_RUNNING + bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&running, &place);
}

/* Softirqs do not interrupt each other: what is there has ended, and the end was not seen. */
static __always_inline struct vs_lat_run *free_run_of_softirq(void)
{
	struct vs_lat_run *run = run_of_softirq();

	if (run)
		run->work = 0;
	return run;
}

static __always_inline bool has_bh(void)
{
	return bpf_core_enum_value_exists(enum worker_pool_flags, POOL_BH);
}

/*
 * Where to keep what starts now. What a task has running is asked first, since telling a softirq takes
 * some reading: a worker that has nothing running may as well be interrupted.
 */
static __always_inline struct vs_lat_run *run_to_start(__u64 work, __u32 tid)
{
	struct vs_lat_run *run = run_of(tid);

	if (!has_bh() || (bpf_get_current_task_btf()->flags & PF_WQ_WORKER &&
			  !(run && run->work && run->tid == tid)))
		return run;
	return worker_at(work) ? run : free_run_of_softirq();
}

/* What this worker, or the softirq on this CPU, runs, if it is `work`. */
static __always_inline struct vs_lat_run *run_of_work(__u64 work)
{
	__u32 tid = current_tid();
	struct vs_lat_run *run = run_of(tid);

	if (run && run->work && run->work == work && run->tid == tid)
		return run;
	run = has_bh() ? run_of_softirq() : 0;
	return run && run->work && run->work == work ? run : 0;
}

static __always_inline void start_wanted(struct vs_lat_totals *t, struct work_struct *work,
					 __u64 number)
{
	__u64 now = bpf_ktime_get_ns();
	__u32 tid = current_tid();
	struct vs_lat_run *run = run_to_start(number, tid);

	if (!run)
		return;
	if (run->work && run->tid != tid && !is_stale(run->start_ns)) {
		count_loss(VS_LAT_LOSS_RUNNING_FULL);
		return;
	}
	run->work = 0;
	run->tid = tid;
	if (!begin_run(run, work, number, t))
		return;
	if (!work)
		note_worker(run);
	run->start_ns = now;
	run->work = number;
	tell_slow(run);
}

/* -- ended -- */

static __always_inline void count_run(struct vs_lat_row *row, const struct vs_lat_run *run,
				      __u64 now)
{
	const struct vs_lat_queued *q = &run->q;
	__u64 dropped = run->put_ns ? run->put_ns : now;

	if (q->activate_ns)
		hist_add(&row->kinds[VS_LAT_HELD], q->activate_ns - q->queue_ns);
	hist_add(&row->kinds[VS_LAT_WAIT], run->start_ns - q->queue_ns);
	hist_add(&row->kinds[VS_LAT_RUN], now - run->start_ns);
	hist_add(&row->kinds[VS_LAT_TOTAL], now - q->queue_ns);
	if (q->get_ns)
		hist_add(&row->kinds[VS_LAT_CHAIN], dropped - q->get_ns);
}

static __always_inline void tell_done(const struct vs_lat_run *run, __u64 now, bool overdue)
{
	struct vs_lat_event *e = ring_event(VS_LAT_DONE, now);

	if (!e)
		return;
	fill_run(e, run);
	e->end_ns = now;
	ring_send(e, overdue);
}

/* The histograms come first: the verifier walks them once for each branch before them. */
static __always_inline void end_wanted(struct vs_lat_run *run)
{
	__u64 now = bpf_ktime_get_ns();
	struct vs_lat_row *row = row_of(run);
	bool overdue;

	if (row)
		count_run(row, run, now);
	count_total(ended);
	if (!run->put_ns)
		reference_dropped(run->q.group);
	overdue = cfg.overdue_ns && now - run->q.queue_ns > cfg.overdue_ns;
	if (row && overdue)
		row->overdue++;
	if (want_events || overdue)
		tell_done(run, now, overdue);
	run->work = 0;
}

#endif

// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a work: queued, activated, started, ended. These tracepoints fire for
 * every work item of the host, so what is not followed leaves at once.
 */
#include "life.h"
#include "log.h"

/*
 * Read as a member it has a type, and some kernels (6.18) then let nobody compute with
 * it; as bytes it is a number, but that takes a helper's time.
 */
static __always_inline __u64 work_func(struct work_struct *work)
{
	__u64 func = 0;

	if (!many_targets)
		return (__u64)work->func;
	bpf_core_read(&func, sizeof(func), &work->func);
	return func;
}

/* -- queued -- */

static __always_inline __s32 max_active(struct pool_workqueue *pwq)
{
	struct pool_workqueue___before_6_9 *old = (void *)pwq;

	if (bpf_core_field_exists(old->max_active))
		return old->max_active;
	return pwq->pool->cpu < 0 ? -1 : pwq->wq->max_active;
}

/* Followed pointers of a BTF-typed argument are plain loads: no helper reads for us. */
static __always_inline void note_pool(struct vs_lat_queued *q, struct pool_workqueue *pwq)
{
	q->pool = pwq->pool->id;
	q->pool_cpu = pwq->pool->cpu;
	q->pwq = (__u64)pwq;
	q->nr_active = pwq->nr_active;
	q->max_active = max_active(pwq);
	q->nr_idle = pwq->pool->nr_idle;
	q->tid = current_tid();
}

/*
 * Only the queueing before this one can be a work whose start is not told yet (take_queued()); those
 * before it were cancelled.
 */
static __always_inline void forget_cancelled(struct vs_lat_work *w, struct vs_lat_totals *t)
{
	__u32 left = w->head - w->tail;

	if (left < 2)
		return;
	w->tail = w->head - 1;
	t->cancelled += left - 1;
	if (!is_lean())
		__sync_fetch_and_add(&waiting, 1 - (__s64)left);
}

static __always_inline void begin_lean(struct vs_lat_work *w, struct pool_workqueue *pwq)
{
	__u32 which = w->head & 1;

	if (is_stale(w->queue_ns[!which]))
		w->tail = w->head;
	w->pool[which] = pwq->pool->id;
	w->queue_ns[which] = bpf_ktime_get_ns();
	w->head++;
}

static __always_inline void begin_queued(struct vs_lat_work *w, __u64 func,
					 struct pool_workqueue *pwq, struct vs_lat_totals *t)
{
	struct vs_lat_queued *q = &w->q[w->head & 1];

	if (w->func != func)
		w->row = 0;
	w->func = func;
	forget_cancelled(w, t);
	if (is_lean()) {
		begin_lean(w, pwq);
		return;
	}
	q->activate_ns = q->get_ns = q->group = 0;
	q->number = -1;
	note_pool(q, pwq);
	if (func == cfg.deferred_func)
		note_group(q, w->work);
	count_waiting(q, t);
	/* Last, since the clock of this work starts now. */
	q->queue_ns = bpf_ktime_get_ns();
	if (q->nr_active < q->max_active)
		q->activate_ns = q->queue_ns;
	w->head++;
	tell_waits(q);
}

static __always_inline void note_queued(struct work_struct *work, __u64 func,
					struct pool_workqueue *pwq)
{
	struct vs_lat_totals *t = get_totals();
	struct vs_lat_work *w = t ? table_get_or_new(as_number(t, 0, work)) : 0;

	if (!w) {
		count_loss(VS_LAT_LOSS_WORKS_FULL);
		return;
	}
	t->queued++;
	begin_queued(w, func, pwq, t);
}

SEC("tp_btf/workqueue_queue_work")
int BPF_PROG(work_queue, int cpu, struct pool_workqueue *pwq, struct work_struct *work)
{
	__u64 func = work_func(work);

	if (is_wanted(func))
		note_queued(work, func, pwq);
	return 0;
}

/* -- activated -- */

SEC("tp_btf/workqueue_activate_work")
int BPF_PROG(work_activate, struct work_struct *work)
{
	struct vs_lat_work *w;
	__u64 number = 0;

	if (!is_wanted(work_func(work)))
		return 0;
	/* As bytes it is a number. */
	bpf_probe_read_kernel(&number, sizeof(number), &ctx[0]);
	w = table_get(number);
	if (w && w->head != w->tail)
		w->q[(w->head - 1) & 1].activate_ns = bpf_ktime_get_ns();
	return 0;
}

/* -- started -- */

SEC("tp_btf/workqueue_execute_start")
int BPF_PROG(work_start, struct work_struct *work)
{
	__u64 func = work_func(work);
	bool wanted = is_wanted(func);
	bool logging = is_logging();
	struct vs_lat_totals *t = wanted || logging ? get_totals() : 0;
	__u64 number;

	if (!t)
		return 0;
	number = as_number(t, 1, work);
	/* Before it counts as started: then nothing may be waiting any more. */
	if (logging)
		log_work(VS_LAT_START, func, number);
	if (wanted)
		start_wanted(t, work, number);
	return 0;
}

/* -- ended -- */

/*
 * A raw tracepoint, because the function pointer cannot be read in a BTF-typed one;
 * it is an argument since 1c5da0ec7f20 (v5.6). The work may be freed: only its address
 * is used.
 */
SEC("raw_tp/workqueue_execute_end")
int work_end(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 func = ctx->args[1];
	bool wanted = is_wanted(func);
	struct vs_lat_run *run;

	if (is_logging())
		log_work(VS_LAT_END, func, ctx->args[0]);
	run = wanted ? run_of_work(ctx->args[0]) : 0;
	if (run && is_stale(run->start_ns))
		run->work = 0;
	else if (run)
		end_wanted(run);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a work: queued, activated, started, ended. These tracepoints fire for
 * every work item of the host, so what is not followed leaves at once.
 */
#include "groups.h"
#include "hist.h"
#include "log.h"
#include "rows.h"
#include "slow.h"
#include "table.h"

#define WORK_STRUCT_PENDING 1	/* the lowest bit of work_struct.data, on every kernel */

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

/* a045a272d887 (v6.9) moved max_active to the workqueue. */
struct pool_workqueue___before_6_9 {
	int max_active;
} __attribute__((preserve_access_index));

static __always_inline __s32 max_active(struct pool_workqueue *pwq)
{
	struct pool_workqueue___before_6_9 *old = (void *)pwq;

	if (bpf_core_field_exists(old->max_active))
		return old->max_active;
	return pwq->pool->cpu < 0 ? -1 : pwq->wq->max_active;
}

static __always_inline __u64 read_at(__u64 address)
{
	__u64 value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), (void *)address);
	return value;
}

/*
 * An argument as a number: the verifier allows no arithmetic on a pointer, and a table
 * needs some.
 */
#define argument_number(i) ({						\
		__u64 __n = 0;						\
		bpf_probe_read_kernel(&__n, sizeof(__n), &ctx[i]);	\
		__n;							\
	})

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

/* Followed pointers of a BTF-typed argument are plain loads: no helper reads for us. */
static __always_inline void note_pool(struct vs_lat_queued *q, struct pool_workqueue *pwq)
{
	q->pool = pwq->pool->id;
	q->pool_cpu = pwq->pool->cpu;
	if (!want_blame)
		return;
	q->pwq = (__u64)pwq;
	q->nr_active = pwq->nr_active;
	q->max_active = max_active(pwq);
	q->nr_idle = pwq->pool->nr_idle;
	q->tid = current_tid();
}

static __always_inline void count_waiting(struct vs_lat_queued *q, struct vs_lat_totals *t)
{
	q->backlog = waiting > 0 ? waiting : 0;
	__sync_fetch_and_add(&waiting, 1);
	if (q->backlog + 1 > t->peak)
		t->peak = q->backlog + 1;
}

static __always_inline void begin_queued(struct vs_lat_work *w, __u64 func,
					 struct pool_workqueue *pwq, struct vs_lat_totals *t)
{
	struct vs_lat_queued *q = &w->q[w->head & 1];

	if (w->func != func)
		w->row = 0;
	w->func = func;
	q->activate_ns = q->get_ns = q->group = 0;
	q->number = -1;
	note_pool(q, pwq);
	if (func == cfg.deferred_func)
		note_group(q, w->work);
	count_waiting(q, t);
	/* Last, since the clock of this work starts now. */
	q->queue_ns = bpf_ktime_get_ns();
	w->head++;
}

static __always_inline void note_queued(__u64 work, __u64 func, struct pool_workqueue *pwq)
{
	struct vs_lat_work *w = table_get_or_new(work);
	struct vs_lat_totals *t = get_totals();

	if (!w || !t) {
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
		note_queued(argument_number(2), func, pwq);
	return 0;
}

/* -- activated -- */

SEC("tp_btf/workqueue_activate_work")
int BPF_PROG(work_activate, struct work_struct *work)
{
	struct vs_lat_work *w;

	if (!is_wanted(work_func(work)))
		return 0;
	w = table_get(argument_number(0));
	if (w && w->head != w->tail)
		w->q[(w->head - 1) & 1].activate_ns = bpf_ktime_get_ns();
	return 0;
}

/* -- started -- */

/*
 * Which of the last two queueings this start belongs to. PENDING is cleared before the
 * start is reported: when it is set, the work was queued again in between. When it is
 * not, earlier queueings came to nothing, as cancel_work() has no tracepoint.
 */
static __always_inline void take_queued(struct vs_lat_run *run, struct vs_lat_work *w,
					struct work_struct *work)
{
	/* Read before PENDING: see struct vs_lat_work. */
	__u32 head = *(volatile __u32 *)&w->head, first = w->tail;
	bool again = head - first > 1 && (work->data.counter & WORK_STRUCT_PENDING);
	__u32 mine = again ? head - 2 : head - 1;

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

	if (!w || w->head == w->tail) {
		t->unknown_start++;
		return false;
	}
	take_queued(run, w, work);
	run->func = w->func;
	run->released = 0;
	run->put_ns = 0;
	run->tid = current_tid();
	t->started++;
	t->cancelled += run->queued_again;
	__sync_fetch_and_add(&waiting, -1 - (__s64)run->queued_again);
	return true;
}

static __always_inline struct vs_lat_run *my_run(void)
{
	__u32 place = current_tid() % VS_LAT_RUNNING;

	return bpf_map_lookup_elem(&running, &place);
}

static __always_inline void start_wanted(struct work_struct *work, __u64 number)
{
	struct vs_lat_totals *t = get_totals();
	struct vs_lat_run *run = my_run();
	__u64 now = bpf_ktime_get_ns();

	if (!run || !t)
		return;
	if (run->work && run->tid != current_tid()) {
		count_loss(VS_LAT_LOSS_RUNNING_FULL);
		return;
	}
	run->work = 0;
	if (!begin_run(run, work, number, t))
		return;
	run->start_ns = now;
	run->work = number;
	tell_slow(run);
}

SEC("tp_btf/workqueue_execute_start")
int BPF_PROG(work_start, struct work_struct *work)
{
	__u64 func = work_func(work);
	bool wanted = is_wanted(func);

	/* Before it counts as started: then nothing may be waiting any more. */
	if (is_logging())
		log_work(VS_LAT_START, func);
	if (wanted)
		start_wanted(work, argument_number(0));
	return 0;
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
		log_work(VS_LAT_END, func);
	if (!wanted)
		return 0;
	run = my_run();
	if (run && run->work == ctx->args[0] && run->tid == current_tid())
		end_wanted(run);
	return 0;
}

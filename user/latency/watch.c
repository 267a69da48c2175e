// SPDX-License-Identifier: GPL-2.0
#include "latency/watch.h"

const char *vs_late__name(enum vs_late_kind kind)
{
	static const char *const names[] = {
		[VS_LATE_OVERDUE] = "overdue",
		[VS_LATE_LOST] = "lost",
		[VS_LATE_FREED] = "freed-first",
	};

	return names[kind];
}

static bool was_told(const struct vs_watch *w, const struct vs_late *late, uint64_t queue_ns)
{
	size_t nr = w->nr_told < VS_WATCH_TOLD ? w->nr_told : VS_WATCH_TOLD;

	for (size_t i = 0; i < nr; i++)
		if (w->told[i].work == late->work && w->told[i].queue_ns == queue_ns &&
		    w->told[i].kind >= late->kind)
			return true;
	return false;
}

static bool tell(struct vs_watch *w, const struct vs_late *late, uint64_t queue_ns)
{
	size_t at = w->nr_told % VS_WATCH_TOLD;

	if (was_told(w, late, queue_ns))
		return false;
	w->told[at].work = late->work;
	w->told[at].queue_ns = queue_ns;
	w->told[at].kind = late->kind;
	w->nr_told++;
	w->counts[late->kind]++;
	return true;
}

static void fill(struct vs_late *late, const struct vs_lat_queued *q, uint64_t now_ns)
{
	late->time_ns = now_ns;
	late->age_ns = now_ns > q->queue_ns ? now_ns - q->queue_ns : 0;
	late->group = q->group;
	late->number = q->number;
	late->pool = q->pool;
	late->pool_cpu = q->pool_cpu;
}

static enum vs_late_kind judge(const struct vs_watch *w, uint64_t age_ns, bool started)
{
	if (!started && w->lost_ns && age_ns > w->lost_ns)
		return VS_LATE_LOST;
	return w->overdue_ns && age_ns > w->overdue_ns ? VS_LATE_OVERDUE : VS_LATE_NOT;
}

bool vs_watch__queued(struct vs_watch *w, const struct vs_lat_work *work,
		      const struct vs_lat_queued *q, uint64_t now_ns, struct vs_late *late)
{
	*late = (struct vs_late){ .work = work->work, .func = work->func };
	fill(late, q, now_ns);
	late->kind = judge(w, late->age_ns, false);
	late->bug = late->kind == VS_LATE_LOST && work->func == w->deferred_func;
	return late->kind && tell(w, late, q->queue_ns);
}

bool vs_watch__running(struct vs_watch *w, const struct vs_lat_run *run, uint64_t now_ns,
		       struct vs_late *late)
{
	*late = (struct vs_late){ .work = run->work, .func = run->func, .tid = run->tid,
				  .start_ns = run->start_ns };
	fill(late, &run->q, now_ns);
	late->kind = judge(w, late->age_ns, true);
	return late->kind && tell(w, late, run->q.queue_ns);
}

static bool done(struct vs_watch *w, const struct vs_lat_event *e, struct vs_late *late)
{
	*late = (struct vs_late){ .work = e->work, .func = e->func, .tid = e->tid,
				  .start_ns = e->start_ns, .end_ns = e->end_ns };
	fill(late, &e->q, e->end_ns);
	late->kind = judge(w, late->age_ns, true);
	return late->kind && tell(w, late, e->q.queue_ns);
}

bool vs_watch__record(struct vs_watch *w, const struct vs_lat_event *e, struct vs_late *late)
{
	if (e->type == VS_LAT_DONE)
		return done(w, e, late);
	if (e->type != VS_LAT_FREED)
		return false;
	*late = (struct vs_late){ .kind = VS_LATE_FREED, .bug = true, .time_ns = e->time_ns,
				  .group = e->q.group, .number = e->q.number, .tid = e->tid,
				  .func = w->deferred_func, .pool = -1, .pool_cpu = -1 };
	w->counts[VS_LATE_FREED]++;
	return true;
}

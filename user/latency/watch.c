// SPDX-License-Identifier: GPL-2.0
#include "latency/watch.h"

#include "base/lru.h"

const char *vs_late__name(enum vs_late_kind kind)
{
	static const char *const names[] = {
		[VS_LATE_OVERDUE] = "overdue",
		[VS_LATE_LOST] = "lost",
		[VS_LATE_FREED] = "freed-first",
	};

	return names[kind];
}

/* The works that can be late at once: those of a full table and of all workers. */
#define MAX_TOLD 32768

struct told {
	uint64_t work, queue_ns;
	enum vs_late_kind kind;
};

void vs_watch__fini(struct vs_watch *w)
{
	vs_lru__free(w->told);
	w->told = NULL;
}

/* The key of one queueing of a work, whose memory is used again and again. */
static uint64_t key_of(uint64_t work, uint64_t queue_ns)
{
	return work ^ queue_ns * 0x9e3779b97f4a7c15ull;
}

/* Returns what was reported of it before; NULL without memory. */
static struct told *told_of(struct vs_watch *w, uint64_t work, uint64_t queue_ns)
{
	uint64_t key = key_of(work, queue_ns);
	struct told *told;

	if (!w->told)
		w->told = vs_lru__new(MAX_TOLD, sizeof(*told), NULL, NULL);
	if (!w->told)
		return NULL;
	told = vs_lru__find(w->told, key);
	if (!told)
		told = vs_lru__add(w->told, key);
	if (told && (told->work != work || told->queue_ns != queue_ns))
		*told = (struct told){ .work = work, .queue_ns = queue_ns };
	return told;
}

static bool tell(struct vs_watch *w, const struct vs_late *late, uint64_t queue_ns)
{
	struct told *told = told_of(w, late->work, queue_ns);

	if (!told || told->kind >= late->kind)
		return false;
	told->kind = late->kind;
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

// SPDX-License-Identifier: GPL-2.0
/* The works that are queued or running now, and which of them only seem to be. */
#include <errno.h>

#include "latency/loader_priv.h"

#define SURE_NS 100000000ull	/* one that was queued since then is not asked about */

typedef void (*queued_fn)(void *ctx, const struct vs_lat_work *work,
			  const struct vs_lat_queued *q);

/* A walk over the table. Works to ask about gather until a call is full. */
struct walk {
	struct vs_lat *lat;
	uint64_t now_ns;
	queued_fn queued;
	void *ctx;
	struct vs_lat_work asked[VS_LAT_ASKED];
	uint32_t places[VS_LAT_ASKED];
	uint32_t nr;
};

static struct vs_lat_work *work_at(const struct vs_lat *lat, uint32_t place)
{
	return &lat->works[place / VS_LAT_WAYS].way[place % VS_LAT_WAYS];
}

static void fill_lean(struct vs_lat_work *work)
{
	for (int i = 0; i < 2; i++) {
		work->q[i].queue_ns = work->queue_ns[i];
		work->q[i].pool = work->pool[i];
		work->q[i].pool_cpu = work->q[i].number = -1;
	}
}

static const struct vs_lat_queued *last_of(const struct vs_lat_work *work)
{
	return &work->q[(work->head - 1) & 1];
}

/* With samples, returns true if it is of an earlier window, whose end may not have been seen. */
static bool is_stale(const struct vs_lat *lat, uint64_t time_ns)
{
	return lat->opts.samples && time_ns < lat->skel->bss->cfg.since_ns;
}

/* Does what a start would have done. A start that happens just now wins: then there is nothing to do. */
static void write_off(struct vs_lat *lat, uint32_t place, const struct vs_lat_work *copy)
{
	uint32_t tail = copy->tail;

	if (!__atomic_compare_exchange_n(&work_at(lat, place)->tail, &tail, copy->head, false,
					 __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		return;
	lat->cancelled += copy->head - copy->tail;
	if (!vs_lat__is_lean(lat))
		__atomic_sub_fetch(&lat->skel->bss->waiting, copy->head - copy->tail,
				   __ATOMIC_RELAXED);
}

/*
 * The kernel clears PENDING some instructions before the tracepoint of the start. So a work without
 * it counts as cancelled only if it is still without it at the next look.
 */
static void take_answer(struct walk *w, uint32_t i)
{
	uint64_t *doubt = &w->lat->doubts[w->places[i]], queue_ns = last_of(&w->asked[i])->queue_ns;

	if (w->lat->skel->bss->ask.waits[i])
		w->queued(w->ctx, &w->asked[i], last_of(&w->asked[i]));
	else if (*doubt == queue_ns)
		write_off(w->lat, w->places[i], &w->asked[i]);
	else
		*doubt = queue_ns;
}

/* If the kernel cannot be asked, they count as queued. */
static void ask(struct walk *w)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	struct vs_lat_ask *ask = &w->lat->skel->bss->ask;

	for (uint32_t i = 0; i < w->nr; i++) {
		ask->works[i] = w->asked[i].work;
		ask->funcs[i] = w->asked[i].func;
		ask->waits[i] = true;
	}
	ask->nr = w->nr;
	if (w->nr)
		bpf_prog_test_run_opts(bpf_program__fd(w->lat->skel->progs.work_ask), &opts);
	for (uint32_t i = 0; i < w->nr; i++)
		take_answer(w, i);
	w->nr = 0;
}

static void take_queued(struct walk *w, uint32_t place, const struct vs_lat_work *copy)
{
	uint64_t queue_ns = last_of(copy)->queue_ns;

	if (queue_ns + SURE_NS > w->now_ns || !vs_lat__may_be_cancelled(w->lat, copy)) {
		w->queued(w->ctx, copy, last_of(copy));
		return;
	}
	w->places[w->nr] = place;
	w->asked[w->nr++] = *copy;
	if (w->nr == VS_LAT_ASKED)
		ask(w);
}

/* Programs change a work while we read it: we skip an inconsistent copy. */
static void each_queued(struct walk *w, uint32_t place)
{
	const struct vs_lat_work *work = work_at(w->lat, place);
	struct vs_lat_work copy;

	if (work->head == work->tail)
		return;
	copy = *work;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (vs_lat__is_lean(w->lat))
		fill_lean(&copy);
	if (copy.work && copy.head != copy.tail && copy.head == work->head &&
	    copy.tail == work->tail && !is_stale(w->lat, last_of(&copy)->queue_ns))
		take_queued(w, place, &copy);
}

static void each_running(const struct vs_lat *lat, const struct vs_lat_run *run,
			 void (*running)(void *ctx, const struct vs_lat_run *run), void *ctx)
{
	struct vs_lat_run copy;

	if (!run->work)
		return;
	copy = *run;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (copy.work && copy.work == run->work && copy.start_ns == run->start_ns &&
	    !is_stale(lat, copy.start_ns))
		running(ctx, &copy);
}

void vs_lat__forget_works(struct vs_lat *lat)
{
	struct vs_lat_work copy;

	for (uint32_t i = 0; i < lat->opts.max_works; i++) {
		copy = *work_at(lat, i);
		if (copy.head != copy.tail)
			write_off(lat, i, &copy);
	}
	for (uint32_t i = 0; i < VS_LAT_RUNNING + lat->nr_cpus; i++)
		lat->running[i].work = 0;
}

void vs_lat__works(struct vs_lat *lat, uint64_t now_ns, queued_fn queued,
		   void (*running)(void *ctx, const struct vs_lat_run *run), void *ctx)
{
	struct walk w = { .lat = lat, .now_ns = now_ns, .queued = queued, .ctx = ctx };

	for (uint32_t i = 0; i < lat->opts.max_works; i++)
		each_queued(&w, i);
	ask(&w);
	for (uint32_t i = 0; i < VS_LAT_RUNNING + lat->nr_cpus; i++)
		each_running(lat, &lat->running[i], running, ctx);
}

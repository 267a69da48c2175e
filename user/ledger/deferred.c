// SPDX-License-Identifier: GPL-2.0
#include "ledger/deferred.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/lru.h"

struct vs_deferreds {
	struct vs_lru *works;		/* struct vs_deferred by work address */
	struct vs_deferred_stats stats;
	struct vs_deferred done;	/* the one returned last */
};

struct vs_deferreds *vs_deferreds__new(size_t max)
{
	struct vs_deferreds *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->works = vs_lru__new(max, sizeof(struct vs_deferred), NULL, NULL);
	if (d->works)
		return d;
	free(d);
	errno = ENOMEM;
	return NULL;
}

void vs_deferreds__free(struct vs_deferreds *d)
{
	if (!d)
		return;
	vs_lru__free(d->works);
	free(d);
}

static uint64_t since(uint64_t from, uint64_t to)
{
	return to > from ? to - from : 0;
}

void vs_latency__add(struct vs_latency *l, uint64_t ns)
{
	if (!l->count || ns < l->min_ns)
		l->min_ns = ns;
	if (ns > l->max_ns)
		l->max_ns = ns;
	l->sum_ns += ns;
	l->count++;
}

uint64_t vs_latency__avg(const struct vs_latency *l)
{
	return l->count ? l->sum_ns / l->count : 0;
}

static struct vs_deferred *begin(struct vs_deferreds *d, uint64_t work)
{
	struct vs_deferred *p = vs_lru__add(d->works, work);

	d->stats.evicted = vs_lru__evicted(d->works);
	if (p) {
		p->work = work;
		p->iommu_group = -1;
	}
	return p;
}

static void name_group(struct vs_deferred *p, const struct vs_event *e, int iommu_group,
		       uint32_t generation)
{
	uint64_t address = e->group ? e->group : e->ctx_group;

	if (!p->group)
		p->group = address;
	if (p->iommu_group < 0)
		p->iommu_group = iommu_group;
	if (!p->generation)
		p->generation = generation;
}

static struct vs_deferred *queued(struct vs_deferreds *d, const struct vs_event *e,
				  uint64_t get_ns)
{
	struct vs_deferred *p;

	if (vs_lru__find(d->works, e->object)) {
		vs_lru__del(d->works, e->object);
		d->stats.unended++;
	}
	p = begin(d, e->object);
	d->stats.queued++;
	d->stats.near_misses += !!(e->flags & VS_F_LAST_SURE);
	if (!p)
		return NULL;
	p->queue_ns = e->time_ns;
	p->get_ns = get_ns;
	p->tid = e->tid;
	memcpy(p->comm, e->comm, VS_COMM_LEN);
	p->action = e->action;
	p->last_sure = e->flags & VS_F_LAST_SURE;
	return p;
}

static struct vs_deferred *started(struct vs_deferreds *d, const struct vs_event *e)
{
	struct vs_deferred *p = vs_lru__find(d->works, e->object);

	d->stats.started++;
	if (!p) {
		d->stats.unpaired++;
		p = begin(d, e->object);
	}
	if (!p)
		return NULL;
	p->start_ns = e->time_ns;
	p->worker_tid = e->tid;
	memcpy(p->worker_comm, e->comm, VS_COMM_LEN);
	if (p->queue_ns)
		vs_latency__add(&d->stats.wait, since(p->queue_ns, p->start_ns));
	return p;
}

static const struct vs_deferred *ended(struct vs_deferreds *d, const struct vs_event *e)
{
	struct vs_deferred *p = vs_lru__find(d->works, e->object);

	d->stats.ended++;
	if (!p) {
		d->stats.unpaired++;
		return NULL;
	}
	p->end_ns = e->time_ns;
	if (p->queue_ns)
		vs_latency__add(&d->stats.total, since(p->queue_ns, p->end_ns));
	d->done = *p;
	vs_lru__del(d->works, e->object);
	return &d->done;
}

/* A put or release made by the worker: ctx_object is its work. */
static struct vs_deferred *of_worker(struct vs_deferreds *d, const struct vs_event *e)
{
	return e->context == VS_CTX_WORKER ? vs_lru__find(d->works, e->ctx_object) : NULL;
}

static struct vs_deferred *note_put(struct vs_deferreds *d, const struct vs_event *e)
{
	struct vs_deferred *p = of_worker(d, e);

	if (p && !p->put_ns)
		p->put_ns = e->time_ns;
	return p;
}

static struct vs_deferred *note_release(struct vs_deferreds *d, const struct vs_event *e)
{
	struct vs_deferred *p = of_worker(d, e);

	if (p && !p->release_ns) {
		p->release_ns = e->time_ns;
		d->stats.released++;
	}
	return p;
}

const struct vs_deferred *vs_deferreds__feed(struct vs_deferreds *d, const struct vs_event *e,
					     int iommu_group, uint32_t generation,
					     uint64_t get_ns)
{
	struct vs_deferred *p = NULL;

	if (e->type == VS_QUEUE)
		p = queued(d, e, get_ns);
	else if (e->type == VS_START)
		p = started(d, e);
	else if (e->type == VS_PUT)
		p = note_put(d, e);
	else if (e->type == VS_RELEASE)
		p = note_release(d, e);
	else if (e->type == VS_END)
		return ended(d, e);
	if (p)
		name_group(p, e, iommu_group, generation);
	return NULL;
}

uint64_t vs_deferreds__group(struct vs_deferreds *d, uint64_t work)
{
	const struct vs_deferred *p = vs_lru__find(d->works, work);

	return p ? p->group : 0;
}

const struct vs_deferred_stats *vs_deferreds__stats(const struct vs_deferreds *d)
{
	return &d->stats;
}

size_t vs_deferreds__outstanding(const struct vs_deferreds *d)
{
	return vs_lru__count(d->works);
}

size_t vs_deferreds__overdue(const struct vs_deferreds *d, uint64_t now_ns)
{
	const struct vs_deferred *p = NULL;
	size_t nr = 0;

	while ((p = vs_lru__next(d->works, p)))
		nr += !p->start_ns && p->queue_ns && now_ns >= p->queue_ns + VS_OVERDUE_NS;
	return nr;
}

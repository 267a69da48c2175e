// SPDX-License-Identifier: GPL-2.0
#include <sys/resource.h>

#include "latency/gather.h"

#define SECOND 1000000000ull

static void add_row(void *ctx, const struct vs_lat_key *key, const struct vs_lat_row *cpus,
		    unsigned int nr_cpus)
{
	vs_report__add_row(ctx, key, cpus, nr_cpus);
}

void vs_gather__rows(struct vs_report *r, struct vs_lat *lat)
{
	vs_report__clear(r);
	if (vs_lat__rows(lat, add_row, r))
		r->incomplete = true;
}

static void add_group(void *ctx, uint64_t group, const struct vs_lat_group *g)
{
	struct vs_report *r = ctx;

	(void)group;
	if (g->peak <= r->group_peak)
		return;
	r->group_peak = g->peak;
	r->group_number = g->number;
}

static void set_loss(struct vs_report *r, unsigned int cause, int err, uint64_t total)
{
	r->not_reported[cause] = err;
	r->losses[cause] = err ? 0 : total;
}

static void fill_losses(struct vs_report *r, struct vs_lat *lat, const struct vs_chain *chain)
{
	uint64_t missed = 0;
	int err;

	for (unsigned int i = 0; i < VS_LAT_LOSS_KERNEL_END; i++)
		r->losses[i] = vs_lat__loss(lat, i);
	err = vs_lat__missed(lat, &missed);
	set_loss(r, VS_LAT_LOSS_RECURSION, err, missed);
	err = chain ? vs_chain__missed(chain, &missed) : 0;
	set_loss(r, VS_LAT_LOSS_PROBE_MISSED, err, chain ? missed : 0);
}

static void fill_cost(struct vs_report_cost *to, struct vs_lat *lat, const struct vs_chain *chain)
{
	struct vs_lat_cost cost;
	struct rusage usage;

	vs_lat__cost(lat, &cost);
	getrusage(RUSAGE_SELF, &usage);
	to->measured = cost.measured;
	to->programs = cost.programs + (chain ? vs_chain__nr(chain) : 0);
	to->runs = cost.runs;
	to->own_runs = cost.own_runs;
	to->run_ns = cost.run_ns;
	to->map_bytes = cost.map_bytes;
	to->cpu_ns = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * SECOND +
		     (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000ull;
	to->rss_bytes = usage.ru_maxrss * 1024ull;
}

static uint64_t waiting(struct vs_lat *lat)
{
	int64_t nr = vs_lat__waiting(lat);

	return nr > 0 ? nr : 0;
}

void vs_gather__numbers(struct vs_report *r, struct vs_lat *lat, const struct vs_chain *chain)
{
	vs_lat__totals(lat, &r->totals);
	r->waiting = waiting(lat);
	/* --all alone counts no peak: use the highest of the samples. */
	if (!r->totals.peak)
		r->totals.peak = vs_backlog__peak(&r->backlog);
	vs_lat__groups(lat, add_group, r);
	fill_losses(r, lat, chain);
	fill_cost(&r->cost, lat, chain);
}

static uint64_t sum_overdue(const struct vs_report *r)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < r->nr_splits; i++)
		if (r->splits[i].kind == VS_SPLIT_FUNC)
			sum += r->splits[i].overdue;
	return sum;
}

void vs_gather__interval(struct vs_interval *i, struct vs_gather_before *before,
			 struct vs_report *r, struct vs_lat *lat)
{
	struct vs_hist kinds[VS_LAT_KINDS];
	struct vs_lat_totals totals;

	vs_gather__rows(r, lat);
	vs_report__sum(r, kinds);
	vs_lat__totals(lat, &totals);
	i->start_ns = r->armed_ns;
	i->length_ns = i->time_ns - before->time_ns;
	i->waiting = waiting(lat);
	vs_hist__since(&i->wait, &kinds[VS_LAT_WAIT], &before->wait);
	i->queued = totals.queued - before->totals.queued;
	i->started = totals.started - before->totals.started;
	i->ended = totals.ended - before->totals.ended;
	i->overdue = sum_overdue(r) - before->overdue;
	*before = (struct vs_gather_before){ .time_ns = i->time_ns, .totals = totals,
					     .wait = kinds[VS_LAT_WAIT],
					     .overdue = before->overdue + i->overdue };
}

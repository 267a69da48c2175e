// SPDX-License-Identifier: GPL-2.0
#include "latency/report.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	const char *words;
} losses[VS_LAT_LOSS_END] = {
	[VS_LAT_LOSS_WORKS_FULL] = { "works-full", "works not followed: no room in the table" },
	[VS_LAT_LOSS_RUNNING_FULL] = { "running-full", "works not followed: two workers' numbers "
				       "are too much alike" },
	[VS_LAT_LOSS_ROWS_FULL] = { "rows-full", "works in no histogram: too many functions or "
				    "pools" },
	[VS_LAT_LOSS_RING_FULL] = { "ring-full", "records dropped: a ring was full" },
	[VS_LAT_LOSS_GROUPS_FULL] = { "groups-full", "works not counted for their group" },
	[VS_LAT_LOSS_RECURSION] = { "recursion", "times a program was skipped: it was running "
				    "on that CPU" },
	[VS_LAT_LOSS_PROBE_MISSED] = { "probe-missed", "times the kernel skipped a kprobe" },
	[VS_LAT_LOSS_UNNAMED] = { "too-many-symbols", "functions of a wanted name not followed" },
};

const char *vs_lat_loss__name(unsigned int cause)
{
	return losses[cause].name;
}

const char *vs_lat_loss__words(unsigned int cause)
{
	return losses[cause].words;
}

void vs_report__clear(struct vs_report *r)
{
	r->nr_splits = 0;
	r->incomplete = false;
}

void vs_report__free(struct vs_report *r)
{
	free(r->splits);
	r->splits = NULL;
	r->nr_splits = r->room = 0;
}

static struct vs_split *new_split(struct vs_report *r)
{
	size_t room = r->room ? 2 * r->room : 16;
	struct vs_split *grown;

	if (r->nr_splits < r->room)
		return &r->splits[r->nr_splits++];
	grown = realloc(r->splits, room * sizeof(*grown));
	if (!grown) {
		r->incomplete = true;
		return NULL;
	}
	r->splits = grown;
	r->room = room;
	return &r->splits[r->nr_splits++];
}

static struct vs_split *get_split(struct vs_report *r, enum vs_split_kind kind, uint64_t func,
				  int64_t value)
{
	struct vs_split *s = r->splits;

	for (size_t i = 0; i < r->nr_splits; i++, s++)
		if (s->kind == kind && s->func == func && s->value == value)
			return s;
	s = new_split(r);
	if (s)
		*s = (struct vs_split){ .kind = kind, .func = func, .value = value };
	return s;
}

static void add(struct vs_split *s, const struct vs_lat_row *row)
{
	if (!s)
		return;
	for (int i = 0; i < VS_LAT_KINDS; i++)
		vs_hist__merge_raw(&s->kinds[i], &row->kinds[i]);
	s->overdue += row->overdue;
}

void vs_report__add_row(struct vs_report *r, const struct vs_lat_key *key,
			const struct vs_lat_row *cpus, unsigned int nr_cpus)
{
	for (unsigned int cpu = 0; cpu < nr_cpus; cpu++) {
		if (!cpus[cpu].kinds[VS_LAT_TOTAL].count)
			continue;
		add(get_split(r, VS_SPLIT_FUNC, key->func, 0), &cpus[cpu]);
		if (r->all)
			continue;
		add(get_split(r, VS_SPLIT_CPU, key->func, cpu), &cpus[cpu]);
		add(get_split(r, VS_SPLIT_POOL, key->func, key->pool), &cpus[cpu]);
		if (r->deferred)
			add(get_split(r, VS_SPLIT_RELEASED, key->func, key->released), &cpus[cpu]);
	}
}

static uint64_t waited(const struct vs_split *s)
{
	return s->kinds[VS_LAT_WAIT].sum_ns;
}

static int compare(const void *a, const void *b)
{
	const struct vs_split *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->kind == VS_SPLIT_FUNC && waited(x) != waited(y))
		return waited(x) > waited(y) ? -1 : 1;
	if (x->func != y->func)
		return x->func < y->func ? -1 : 1;
	return x->value < y->value ? -1 : x->value > y->value;
}

void vs_report__sort(struct vs_report *r)
{
	if (r->nr_splits)
		qsort(r->splits, r->nr_splits, sizeof(*r->splits), compare);
}

void vs_report__sum(const struct vs_report *r, struct vs_hist kinds[VS_LAT_KINDS])
{
	memset(kinds, 0, VS_LAT_KINDS * sizeof(kinds[0]));
	for (size_t i = 0; i < r->nr_splits; i++)
		for (int kind = 0; kind < VS_LAT_KINDS; kind++)
			if (r->splits[i].kind == VS_SPLIT_FUNC)
				vs_hist__merge(&kinds[kind], &r->splits[i].kinds[kind]);
}

uint64_t vs_report__lost(const struct vs_report *r)
{
	uint64_t sum = r->incomplete;

	for (unsigned int i = 0; i < VS_LAT_LOSS_END; i++)
		sum += r->losses[i];
	return sum;
}

// SPDX-License-Identifier: GPL-2.0
/* The summary at the end of a session. */
#include "run/session_priv.h"

#include <stdlib.h>
#include <string.h>

static int by_number(const void *a, const void *b)
{
	const struct vs_group_row *x = a, *y = b;

	if (x->group.number != y->group.number)
		return x->group.number < y->group.number ? -1 : 1;
	return x->group.address < y->group.address ? -1 : x->group.address > y->group.address;
}

static void fill_group_row(struct vs_group_row *row, const struct vs_group *group)
{
	const struct vs_group_counts *c = &group->counts;

	vs_group__view(group, &row->group);
	row->creates = c->creates;
	row->releases = c->releases;
	row->gets = c->gets;
	row->puts = c->puts;
	row->found = c->found;
	row->not_found = c->not_found;
	row->queued = c->queued;
	row->started = c->started;
	row->ended = c->ended;
	row->alive = group->alive;
	row->deadlocked = group->deadlocked;
}

static struct vs_group_row *make_group_rows(struct vs_session *s, size_t *nr)
{
	size_t count = vs_groups__count(s->groups), i = 0;
	struct vs_group_row *rows = calloc(count + 1, sizeof(*rows));
	const struct vs_group *group = NULL;

	*nr = 0;
	if (!rows)
		return NULL;
	while (i < count && (group = vs_groups__next(s->groups, group)))
		fill_group_row(&rows[i++], group);
	qsort(rows, i, sizeof(*rows), by_number);
	*nr = i;
	return rows;
}

static void fill_losses(const struct vs_session *s, struct vs_loss_row *rows)
{
	for (unsigned int i = 0; i < VS_LOSS_END; i++)
		rows[i] = (struct vs_loss_row){
			.cause = i,
			.reported = !s->losses[i].not_reported,
			.total = s->losses[i].total,
			.time_ns = s->last_ns,
		};
}

static size_t list_bugs(const struct vs_session *s, const struct vs_finding **bugs, size_t max)
{
	size_t nr = 0;

	while (nr < max && (bugs[nr] = vs_detect__bug(s->detect, nr)))
		nr++;
	return nr;
}

void vs_session__summarize(struct vs_session *s, uint64_t now_ns, struct vs_sink *sink)
{
	struct vs_loss_row losses[VS_LOSS_END];
	const struct vs_finding *bugs[VS_BUGS_KEPT];
	struct vs_session_result result;
	struct vs_summary sum = {
		.time_ns = now_ns,
		.duration_ns = now_ns > s->first_ns && s->first_ns ? now_ns - s->first_ns : 0,
		.events = s->events,
		.shown = s->shown,
		.deferred = vs_deferreds__stats(s->deferreds),
		.overdue = vs_deferreds__overdue(s->deferreds, now_ns),
		.found = s->found,
		.not_found = s->not_found,
		.bugs = bugs,
		.nr_bugs = list_bugs(s, bugs, VS_BUGS_KEPT),
		.losses = losses,
		.gaps = s->gaps.rows,
		.nr_gaps = s->gaps.nr,
		.blind_gaps = s->gaps.blind,
		.probes = s->probes,
		.nr_probes = s->nr_probes,
	};
	struct vs_group_row *groups = make_group_rows(s, &sum.nr_groups);

	vs_session__result(s, &result);
	sum.groups = groups;
	sum.lost = result.lost;
	sum.outstanding = result.outstanding;
	memcpy(sum.by_type, s->by_type, sizeof(sum.by_type));
	memcpy(sum.findings, result.findings, sizeof(sum.findings));
	fill_losses(s, losses);
	sink->ops->summary(sink, &sum);
	free(groups);
}

void vs_session__result(const struct vs_session *s, struct vs_session_result *result)
{
	const uint64_t *counts = vs_detect__counts(s->detect);
	const uint64_t *refs = s->refs ? vs_refs__counts(s->refs) : NULL;

	memset(result, 0, sizeof(*result));
	result->events = s->events;
	result->write_error = s->write_error;
	result->blind_gaps = s->gaps.blind;
	result->outstanding = vs_deferreds__outstanding(s->deferreds);
	for (int i = 0; i < VS_FINDING_KINDS; i++) {
		result->findings[i] = counts[i];
		if (refs)
			result->findings[i] += refs[i];
		if (i == VS_UNREGISTER_WAITS)
			result->findings[i] = vs_registrations__said(s->registrations);
		result->by_grade[vs_finding__grade(i)] += result->findings[i];
	}
	for (int i = 0; i < VS_LOSS_END; i++)
		result->lost += s->losses[i].total;
}

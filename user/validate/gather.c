// SPDX-License-Identifier: GPL-2.0
#include "validate/gather.h"

#include <stdio.h>
#include <string.h>

#include "base/name.h"
#include "base/words.h"
#include "sink/event_words.h"

static struct vs_gather *of(struct vs_sink *s)
{
	return (struct vs_gather *)s;
}

static void on_start(struct vs_sink *s, const struct vs_start *start)
{
	(void)s, (void)start;
}

static void on_event(struct vs_sink *s, const struct vs_view *v)
{
	(void)s, (void)v;
}

static void on_deferred(struct vs_sink *s, const struct vs_deferred *d,
			const struct vs_group_view *group)
{
	(void)s, (void)d, (void)group;
}

static void describe(struct vs_finding_said *said, const struct vs_finding *f)
{
	char task[VS_TASK_LEN], comm[VS_COMM_LEN + 1] = "";

	memcpy(comm, f->comm, VS_COMM_LEN);
	*said = (struct vs_finding_said){ .kind = f->kind, .grade = f->grade };
	if (f->said_ns > f->time_ns)
		said->after_ns = f->said_ns - f->time_ns;
	vs_finding__words(f, said->words, sizeof(said->words));
	vs_words__group(said->group, sizeof(said->group), &f->group, true);
	vs_name__task(task, comm, f->tid, 0);
	snprintf(said->task, sizeof(said->task), "%.47s", task);
	snprintf(said->stack, sizeof(said->stack), "%.*s", VS_STACK_SAID - 1, f->stack_text);
}

/* Bugs before hazards, and the deadlock first of all. */
static bool is_before(const struct vs_finding_said *said, const struct vs_finding *f)
{
	return said->grade >= f->grade &&
	       (f->kind != VS_NOTIFIER_DEADLOCK || said->kind == VS_NOTIFIER_DEADLOCK);
}

/* The last ones go when there is no room. */
static void keep(struct vs_validation *v, const struct vs_finding *f)
{
	size_t at = 0;

	while (at < v->nr_said && is_before(&v->said[at], f))
		at++;
	if (at == VS_FINDINGS_SAID)
		return;
	if (v->nr_said < VS_FINDINGS_SAID)
		v->nr_said++;
	memmove(&v->said[at + 1], &v->said[at], (v->nr_said - at - 1) * sizeof(v->said[0]));
	describe(&v->said[at], f);
}

static void on_finding(struct vs_sink *s, const struct vs_finding *f)
{
	struct vs_gather *g = of(s);

	if (f->grade == VS_GRADE_INFO)
		return;
	keep(g->v, f);
	if (f->kind == VS_NOTIFIER_DEADLOCK && !g->deadlock) {
		g->deadlock = true;
		g->deadlock_tid = f->tid;
	}
	g->bug |= f->grade == VS_GRADE_BUG;
	g->news = true;
	g->certain[f->kind] |= f->grade == vs_finding__grade(f->kind);
}

static void on_loss(struct vs_sink *s, const struct vs_loss_row *l)
{
	(void)s, (void)l;
}

static void on_gap(struct vs_sink *s, const struct vs_gap_row *gap)
{
	struct vs_validation *v = of(s)->v;

	/* The end of one that has begun, or one in which nothing can have been missed. */
	if ((gap->to_ns && gap->why != VS_GAP_LOADED) || vs_gap__is_empty(gap))
		return;
	v->text_changed |= gap->why == VS_GAP_CHANGED;
	if (!v->gaps++)
		vs_gap__words(gap, v->gap, sizeof(v->gap));
}

static void on_notice(struct vs_sink *s, uint64_t time_ns, const char *words)
{
	(void)s, (void)time_ns, (void)words;
}

static void take_path(struct vs_path_counts *p, const struct vs_summary *sum)
{
	const struct vs_deferred_stats *d = sum->deferred;

	p->found = sum->found;
	p->not_found = sum->not_found;
	p->left = sum->by_type[VS_NOTIFIER_EXIT];
	p->queued = d->queued;
	p->started = d->started;
	p->ended = d->ended;
	p->unpaired = d->unpaired + d->unended;
	p->near_misses = d->near_misses;
	p->outstanding = sum->outstanding;
}

static void on_summary(struct vs_sink *s, const struct vs_summary *sum)
{
	struct vs_validation *v = of(s)->v;

	take_path(&v->path, sum);
	v->lost = sum->lost;
	for (unsigned int i = 0; i < VS_LOSS_END; i++)
		v->losses[i] =
			(struct vs_loss_count){ sum->losses[i].total, sum->losses[i].reported };
}

static int on_flush(struct vs_sink *s)
{
	(void)s;
	return 0;
}

static void on_free(struct vs_sink *s)
{
	(void)s;
}

static const struct vs_sink_ops ops = {
	.start = on_start,
	.event = on_event,
	.deferred = on_deferred,
	.finding = on_finding,
	.loss = on_loss,
	.gap = on_gap,
	.notice = on_notice,
	.summary = on_summary,
	.flush = on_flush,
	.free = on_free,
};

void vs_gather__init(struct vs_gather *g, struct vs_validation *v)
{
	*g = (struct vs_gather){ .sink = { .ops = &ops, .no_events = true }, .v = v };
}

void vs_gather__event(struct vs_gather *g, const struct vs_event *e)
{
	struct vs_path_counts *p = &g->v->path;

	if (e->type == VS_NOTIFIER_ENTER)
		p->entered[e->action < VS_ACTIONS ? e->action : VS_ACT_NONE]++;
	/* From 5.16 on release means that memory is freed. */
	if (e->type != VS_RELEASE || e->flags & VS_F_FREED || e->context == VS_CTX_NOTIFIER)
		return;
	if (e->context == VS_CTX_WORKER)
		p->last_puts++;
	else
		p->other_releases++;
}

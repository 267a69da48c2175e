// SPDX-License-Identifier: GPL-2.0
/* The parts that a session did not see: lost events, and times without probes. */
#include "run/session_priv.h"

static uint64_t now_ns(const struct vs_session *s)
{
	return s->opts.calls.now_ns ? s->opts.calls.now_ns(s->opts.ctx) : s->last_ns;
}

static void say_loss(struct vs_session *s, unsigned int cause)
{
	struct loss *l = &s->losses[cause];
	struct vs_loss_row row = {
		.cause = cause,
		.reported = true,
		.total = l->total,
		.grown = l->total - l->said,
		.since_ns = l->looked_ns,
		.time_ns = now_ns(s),
	};

	l->said = l->total;
	if (s->refs)
		vs_refs__lossy(s->refs);
	EACH_SINK(s, loss, &row);
}

static void count_evictions(struct vs_session *s)
{
	s->losses[VS_LOSS_GROUP_EVICTED].total = vs_groups__evicted(s->groups);
	s->losses[VS_LOSS_TASK_EVICTED].total = vs_tasks__evicted(s->tasks);
	s->losses[VS_LOSS_WORK_EVICTED].total = vs_deferreds__stats(s->deferreds)->evicted;
	if (s->refs)
		s->losses[VS_LOSS_REF_REFUSED].total = vs_refs__refused(s->refs);
}

void session_say_losses(struct vs_session *s)
{
	count_evictions(s);
	for (unsigned int i = 0; i < VS_LOSS_END; i++)
		if (s->losses[i].total > s->losses[i].said)
			say_loss(s, i);
}

void vs_session__loss(struct vs_session *s, unsigned int cause, uint64_t total)
{
	struct loss *l;

	if (cause >= VS_LOSS_END)
		return;
	l = &s->losses[cause];
	l->not_reported = false;
	if (!l->looked_ns)
		l->looked_ns = s->first_ns;
	if (total > l->total) {
		l->total = total;
		say_loss(s, cause);
	}
	l->looked_ns = now_ns(s);
}

void vs_session__loss_not_reported(struct vs_session *s, unsigned int cause)
{
	if (cause < VS_LOSS_END)
		s->losses[cause].not_reported = true;
}

/* After a time without probes the ledgers have forgotten what they knew, and findings may be wrong. */
static void blind(struct vs_session *s, bool begins)
{
	s->blind = begins;
	if (!begins)
		return;
	if (s->refs)
		vs_refs__blind(s->refs);
	vs_registrations__blind(s->registrations);
}

static void say_gap(struct vs_session *s, const struct vs_gap_row *row)
{
	if (!row)
		return;
	if (row->why == VS_GAP_SILENT)
		blind(s, !row->to_ns);
	if (s->refs && (row->why == VS_GAP_PATCHED || row->why == VS_GAP_CHANGED))
		vs_refs__lossy(s->refs);
	if (s->refs && row->why == VS_GAP_LOADED)
		vs_refs__unseen(s->refs, row->to_seq);
	EACH_SINK(s, gap, row);
}

void vs_session__gap(struct vs_session *s, const struct vs_gap_row *row)
{
	vs_sites__forget(s->sites);
	vs_gaps__add(&s->gaps, row);
	say_gap(s, row);
}

void vs_session__gap_begins(struct vs_session *s, enum vs_gap_why why, uint64_t from_ns,
			    const char *words)
{
	say_gap(s, vs_gaps__begin(&s->gaps, why, from_ns, words));
}

void vs_session__gap_ends(struct vs_session *s, enum vs_gap_why why, uint64_t to_ns)
{
	say_gap(s, vs_gaps__end(&s->gaps, why, to_ns));
}

void vs_session__notice(struct vs_session *s, uint64_t time_ns, const char *words)
{
	EACH_SINK(s, notice, time_ns, words);
}

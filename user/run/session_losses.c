// SPDX-License-Identifier: GPL-2.0
/* The parts that a session did not see: lost events, and times without probes. */
#include "run/session_priv.h"

#include <errno.h>

static uint64_t now_ns(const struct vs_session *s)
{
	return s->opts.calls.now_ns ? s->opts.calls.now_ns(s->opts.ctx) : s->last_ns;
}

static void say_loss(struct vs_session *s, unsigned int cause, uint64_t time_ns)
{
	struct loss *l = &s->losses[cause];
	struct vs_loss_row row = {
		.cause = cause,
		.reported = true,
		.total = l->total,
		.grown = l->total - l->said,
		.since_ns = l->looked_ns,
		.time_ns = time_ns,
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

bool session_say_losses(struct vs_session *s)
{
	bool any = false;

	count_evictions(s);
	for (unsigned int i = 0; i < VS_LOSS_END; i++)
		if (s->losses[i].total > s->losses[i].said) {
			say_loss(s, i, now_ns(s));
			any = true;
		}
	return any;
}

static void take_loss(struct vs_session *s, const struct vs_input *in)
{
	struct loss *l = &s->losses[in->what];

	l->not_reported = false;
	l->looked_ns = in->since_ns;
	if (in->total > l->total) {
		l->total = in->total;
		say_loss(s, in->what, in->time_ns);
	}
	l->looked_ns = in->time_ns;
}

/* A look that finds nothing new is no input: it only moves the time since which a loss has grown. */
void vs_session__loss(struct vs_session *s, unsigned int cause, uint64_t total)
{
	struct vs_input in = { .kind = VS_IN_LOSS, .what = cause, .total = total, .time_ns = now_ns(s) };
	struct loss *l;

	if (cause >= VS_LOSS_END)
		return;
	l = &s->losses[cause];
	in.since_ns = l->looked_ns ? l->looked_ns : s->first_ns;
	if (total > l->total || l->not_reported)
		vs_session__take(s, &in);
	l->looked_ns = in.time_ns;
}

void vs_session__loss_not_reported(struct vs_session *s, unsigned int cause)
{
	if (cause < VS_LOSS_END && !s->losses[cause].not_reported)
		vs_session__take(s, &(struct vs_input){ .kind = VS_IN_LOSS_NOT_REPORTED, .what = cause });
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

static void take_gap(struct vs_session *s, const struct vs_gap_row *row)
{
	vs_sites__forget(s->sites);
	vs_gaps__add(&s->gaps, row);
	say_gap(s, row);
}

int session_take_unseen(struct vs_session *s, const struct vs_input *in)
{
	bool is_loss = in->kind == VS_IN_LOSS || in->kind == VS_IN_LOSS_NOT_REPORTED;

	if (in->what >= (is_loss ? (unsigned int)VS_LOSS_END : (unsigned int)VS_GAP_REASONS))
		return -EINVAL;
	switch (in->kind) {
	case VS_IN_LOSS:
		take_loss(s, in);
		return 0;
	case VS_IN_LOSS_NOT_REPORTED:
		s->losses[in->what].not_reported = true;
		return 0;
	case VS_IN_GAP:
		take_gap(s, in->gap);
		return 0;
	case VS_IN_GAP_BEGINS:
		say_gap(s, vs_gaps__begin(&s->gaps, in->what, in->time_ns, in->words));
		return 0;
	case VS_IN_GAP_ENDS:
		say_gap(s, vs_gaps__end(&s->gaps, in->what, in->time_ns));
		return 0;
	case VS_IN_NOTICE:
		EACH_SINK(s, notice, in->time_ns, in->words);
		return 0;
	default:
		return -EINVAL;
	}
}

void vs_session__gap(struct vs_session *s, const struct vs_gap_row *row)
{
	vs_session__take(s, &(struct vs_input){ .kind = VS_IN_GAP, .gap = row });
}

void vs_session__gap_begins(struct vs_session *s, enum vs_gap_why why, uint64_t from_ns,
			    const char *words)
{
	if (!vs_gaps__is_open(&s->gaps, why, words))
		vs_session__take(s, &(struct vs_input){
			.kind = VS_IN_GAP_BEGINS, .what = why, .time_ns = from_ns, .words = words,
		});
}

void vs_session__gap_ends(struct vs_session *s, enum vs_gap_why why, uint64_t to_ns)
{
	if (vs_gaps__is_open(&s->gaps, why, NULL))
		vs_session__take(s, &(struct vs_input){
			.kind = VS_IN_GAP_ENDS, .what = why, .time_ns = to_ns,
		});
}

void vs_session__notice(struct vs_session *s, uint64_t time_ns, const char *words)
{
	vs_session__take(s, &(struct vs_input){ .kind = VS_IN_NOTICE, .time_ns = time_ns, .words = words });
}

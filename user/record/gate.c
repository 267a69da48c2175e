// SPDX-License-Identifier: GPL-2.0
#include "record/gate.h"

static struct vs_gate *gate_of(struct vs_sink *s)
{
	return (struct vs_gate *)s;
}

/* Returns the sink behind it while it is open. */
static struct vs_sink *open_to(struct vs_sink *s)
{
	struct vs_gate *g = gate_of(s);

	return g->now_ns < g->from_ns || (g->to_ns && g->now_ns > g->to_ns) ? NULL : g->inner;
}

#define PASS(call, ...) \
	do { \
		struct vs_sink *to_ = open_to(s); \
		if (to_ && to_->ops->call) \
			to_->ops->call(to_, ##__VA_ARGS__); \
	} while (0)

static void start(struct vs_sink *s, const struct vs_start *begin)
{
	gate_of(s)->inner->ops->start(gate_of(s)->inner, begin);
}

static void event(struct vs_sink *s, const struct vs_view *v)
{
	PASS(event, v);
}

static void deferred(struct vs_sink *s, const struct vs_deferred *d, const struct vs_group_view *group)
{
	PASS(deferred, d, group);
}

static void finding(struct vs_sink *s, const struct vs_finding *f)
{
	PASS(finding, f);
}

static void loss(struct vs_sink *s, const struct vs_loss_row *l)
{
	PASS(loss, l);
}

static void gap(struct vs_sink *s, const struct vs_gap_row *row)
{
	PASS(gap, row);
}

static void notice(struct vs_sink *s, uint64_t time_ns, const char *words)
{
	PASS(notice, time_ns, words);
}

static void summary(struct vs_sink *s, const struct vs_summary *sum)
{
	gate_of(s)->inner->ops->summary(gate_of(s)->inner, sum);
}

static void waited(struct vs_sink *s, const struct vs_registration_book *b,
		   const struct vs_group_view *group, struct vs_sites *sites)
{
	PASS(waited, b, group, sites);
}

static void ledger(struct vs_sink *s, const struct vs_refs_report *r)
{
	PASS(ledger, r);
}

static int flush(struct vs_sink *s)
{
	return vs_sink__flush(gate_of(s)->inner);
}

static void done(struct vs_sink *s)
{
	(void)s;
}

static const struct vs_sink_ops ops = {
	.start = start, .event = event, .deferred = deferred, .finding = finding, .loss = loss, .gap = gap,
	.notice = notice, .summary = summary, .waited = waited, .ledger = ledger, .flush = flush,
	.free = done,
};

struct vs_sink *const *vs_gate__sinks(struct vs_gate *gate)
{
	gate->sink.ops = &ops;
	gate->sink.no_events = gate->inner->no_events;
	gate->sinks[0] = &gate->sink;
	return gate->sinks;
}

void vs_gate__time(void *gate, uint64_t time_ns)
{
	((struct vs_gate *)gate)->now_ns = time_ns;
}

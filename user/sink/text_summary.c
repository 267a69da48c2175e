// SPDX-License-Identifier: GPL-2.0
#include "sink/text.h"

#include <stdio.h>
#include <string.h>

#include "base/name.h"
#include "base/plural.h"
#include "base/words.h"
#include "sink/event_words.h"

#define LABEL 12
#define MAX_GROUPS 50	/* NDJSON has all of them */

typedef unsigned long long ull;

static void field(struct vs_text *t, const char *label, const char *value)
{
	vs_out__printf(&t->out, "%-*s", LABEL, label);
	vs_words__wrap(&t->out, value, LABEL, LABEL + 2, vs_text__page(t));
}

static void say_events(struct vs_text *t, const struct vs_summary *sum)
{
	char buf[1024], took[32];

	vs_words__duration(took, sizeof(took), sum->duration_ns);
	snprintf(buf, sizeof(buf), "%s, %llu event%s", took, (ull)sum->events,
		 vs_plural(sum->events));
	if (sum->shown && sum->shown < sum->events)
		vs_words__append(buf, sizeof(buf), ", %llu shown", (ull)sum->shown);
	field(t, "traced", buf);
	*buf = '\0';
	for (unsigned int i = 0; i < VS_TYPE_END; i++)
		if (sum->by_type[i])
			vs_words__append(buf, sizeof(buf), "%s%s %llu", *buf ? ", " : "",
			       vs_type__name(i), (ull)sum->by_type[i]);
	field(t, "events", *buf ? buf : "none");
}

static const char *state_of(const struct vs_group_row *g)
{
	if (g->deadlocked)
		return "DEADLOCKED";
	if (!g->group.generation)
		return "only its devices were seen";
	return g->alive ? "alive" : "released";
}

static void say_group(struct vs_text *t, const struct vs_group_row *g, const char *label)
{
	char buf[640];

	vs_words__group(buf, 200, &g->group, true);
	vs_words__append(buf, sizeof(buf), ": %s%s", state_of(g),
	       g->group.seen_before ? " (existed before tracing)" : "");
	if (g->group.generation > 1)
		vs_words__append(buf, sizeof(buf), ", lives %u", g->group.generation);
	vs_words__append(buf, sizeof(buf), ", gets %llu, puts %llu", (ull)g->gets, (ull)g->puts);
	if (g->found || g->not_found)
		vs_words__append(buf, sizeof(buf), ", notifier events %llu found it, %llu did not",
		       (ull)g->found, (ull)g->not_found);
	if (g->queued || g->started || g->ended)
		vs_words__append(buf, sizeof(buf), ", deferred puts queued %llu started %llu ended %llu",
		       (ull)g->queued, (ull)g->started, (ull)g->ended);
	field(t, label, buf);
}

static void say_groups(struct vs_text *t, const struct vs_summary *sum)
{
	char buf[64];

	if (!sum->nr_groups)
		field(t, "groups", "none seen");
	for (size_t i = 0; i < sum->nr_groups && i < MAX_GROUPS; i++)
		say_group(t, &sum->groups[i], i ? "" : "groups");
	if (sum->nr_groups > MAX_GROUPS) {
		snprintf(buf, sizeof(buf), "and %zu more", sum->nr_groups - MAX_GROUPS);
		field(t, "", buf);
	}
}

static void say_notifier(struct vs_text *t, const struct vs_summary *sum)
{
	char buf[128];

	if (!sum->found && !sum->not_found)
		return;
	snprintf(buf, sizeof(buf), "events that found their group: %llu, that did not and were ignored: %llu",
		 (ull)sum->found, (ull)sum->not_found);
	field(t, "notifier", buf);
}

static void latency_words(char *buf, size_t size, const char *what, const struct vs_latency *l)
{
	char min[32], avg[32], max[32];

	vs_words__duration(min, sizeof(min), l->min_ns);
	vs_words__duration(avg, sizeof(avg), vs_latency__avg(l));
	vs_words__duration(max, sizeof(max), l->max_ns);
	snprintf(buf, size, "%s: min %s, avg %s, max %s", what, min, avg, max);
}

/* Every deferred put that was queued must be started and must end. */
static void say_conservation(struct vs_text *t, const struct vs_summary *sum)
{
	const struct vs_deferred_stats *d = sum->deferred;
	bool even = d->queued == d->started && d->started == d->ended;
	char buf[256];

	snprintf(buf, sizeof(buf), even ? "queued %llu = started %llu = ended %llu" :
					  "queued %llu, started %llu, ended %llu",
		 (ull)d->queued, (ull)d->started, (ull)d->ended);
	if (sum->outstanding)
		vs_words__append(buf, sizeof(buf), ", %zu still outstanding", sum->outstanding);
	if (d->unpaired)
		vs_words__append(buf, sizeof(buf), ", %llu not seen when queued", (ull)d->unpaired);
	if (d->unended)
		vs_words__append(buf, sizeof(buf), ", %llu whose end was not seen", (ull)d->unended);
	field(t, "deferred", buf);
}

static void say_deferred(struct vs_text *t, const struct vs_summary *sum)
{
	const struct vs_deferred_stats *d = sum->deferred;
	char buf[160];

	if (!d->queued && !d->started && !d->ended)
		return;
	say_conservation(t, sum);
	if (d->wait.count) {
		latency_words(buf, sizeof(buf), "queued to started", &d->wait);
		field(t, "", buf);
	}
	if (d->total.count) {
		latency_words(buf, sizeof(buf), "queued to ended", &d->total);
		field(t, "", buf);
	}
	snprintf(buf, sizeof(buf), "dropped the last reference: %llu; queued while the count was 1 (near-miss): %llu",
		 (ull)d->released, (ull)d->near_misses);
	field(t, "", buf);
}

static void say_bug(struct vs_text *t, const struct vs_finding *f)
{
	char task[VS_TASK_LEN], group[200], words[200], buf[512];

	vs_name__task(task, f->comm, f->tid, 0);
	vs_words__group(group, sizeof(group), &f->group, true);
	vs_finding__words(f, words, sizeof(words));
	snprintf(buf, sizeof(buf), "  #%llu %s%s%s: %s", (ull)f->number, task,
		 *group ? ", " : "", group, words);
	field(t, "", buf);
}

static void say_kind(struct vs_text *t, const struct vs_summary *sum, int kind, bool first)
{
	char buf[96];

	snprintf(buf, sizeof(buf), "%s %s: %llu", vs_grade__name(vs_finding__grade(kind)),
		 vs_finding__name(kind), (ull)sum->findings[kind]);
	field(t, first ? "findings" : "", buf);
	for (size_t i = 0; i < sum->nr_bugs; i++)
		if ((int)sum->bugs[i]->kind == kind)
			say_bug(t, sum->bugs[i]);
}

static void say_findings(struct vs_text *t, const struct vs_summary *sum)
{
	bool first = true;

	for (int kind = VS_FINDING_KINDS - 1; kind >= 0; kind--) {
		if (!sum->findings[kind])
			continue;
		say_kind(t, sum, kind, first);
		first = false;
	}
	if (first)
		field(t, "findings", "none");
}

static bool all_reported(const struct vs_summary *sum)
{
	for (unsigned int i = 0; i < VS_LOSS_END; i++)
		if (!sum->losses[i].reported)
			return false;
	return true;
}

static void say_not_reported(struct vs_text *t, const struct vs_summary *sum)
{
	char buf[256];

	for (unsigned int i = 0; i < VS_LOSS_END; i++) {
		if (sum->losses[i].reported)
			continue;
		snprintf(buf, sizeof(buf), "not reported by this kernel: %s", vs_loss__words(i));
		field(t, "", buf);
	}
}

static void say_losses(struct vs_text *t, const struct vs_summary *sum)
{
	bool first = true;
	char buf[256];

	for (unsigned int i = 0; i < VS_LOSS_END; i++) {
		if (!sum->losses[i].total)
			continue;
		vs_text__loss_words(buf, sizeof(buf), i, sum->losses[i].total, 0);
		field(t, first ? "losses:" : "", buf);
		first = false;
	}
	if (first && all_reported(sum))
		vs_out__puts(&t->out, "losses: none\n");
	else if (first)
		vs_out__puts(&t->out, "losses: none counted\n");
	say_not_reported(t, sum);
}

static void say_gaps(struct vs_text *t, const struct vs_summary *sum)
{
	char words[VS_GAP_WORDS], buf[VS_GAP_WORDS + 96], to[32] = "the end";

	for (size_t i = 0; i < sum->nr_gaps; i++) {
		const struct vs_gap_row *g = &sum->gaps[i];

		vs_gap__words(g, words, sizeof(words));
		if (g->to_ns)
			snprintf(to, sizeof(to), "%.3f s", vs_text__seconds(t, g->to_ns));
		snprintf(buf, sizeof(buf), "%.3f s to %s: %s",
			 vs_text__seconds(t, g->from_ns), g->to_ns ? to : "the end", words);
		field(t, i ? "" : "gaps:", buf);
	}
	if (sum->blind_gaps)
		field(t, "", "what is said above is no proof for these times");
}

static bool is_armed(const struct vs_probe_row *p)
{
	return !strcmp(p->status, "armed");
}

static bool same_reason(const struct vs_probe_row *a, const struct vs_probe_row *b)
{
	return !strcmp(a->status, b->status) && !strcmp(a->how ? a->how : "", b->how ? b->how : "");
}

/* Prints the reason of row i with all hooks that share it, unless an earlier row did so. */
static void say_unarmed(struct vs_text *t, const struct vs_summary *sum, size_t i)
{
	const struct vs_probe_row *p = &sum->probes[i];
	char buf[1024];

	for (size_t k = 0; k < i; k++)
		if (same_reason(&sum->probes[k], p))
			return;
	snprintf(buf, sizeof(buf), "%s: %s", p->status, p->hook);
	for (size_t k = i + 1; k < sum->nr_probes; k++)
		if (same_reason(&sum->probes[k], p))
			vs_words__append(buf, sizeof(buf), ", %s", sum->probes[k].hook);
	if (p->how && *p->how)
		vs_words__append(buf, sizeof(buf), ": %s", p->how);
	field(t, "", buf);
}

/* Armed hooks are a list; every other hook gets its reason. */
static void say_probes(struct vs_text *t, const struct vs_summary *sum)
{
	char buf[1024] = "armed:";

	for (size_t i = 0; i < sum->nr_probes; i++)
		if (is_armed(&sum->probes[i]))
			vs_words__append(buf, sizeof(buf), " %s %u,", sum->probes[i].hook,
			       sum->probes[i].nr_probes);
	buf[strlen(buf) - 1] = '\0';
	field(t, "probes", *buf && strcmp(buf, "armed") ? buf : "none armed");
	for (size_t i = 0; i < sum->nr_probes; i++)
		if (!is_armed(&sum->probes[i]))
			say_unarmed(t, sum, i);
}

/* What matters comes last: that is what stands above the prompt. */
void vs_text__summary(struct vs_text *t, const struct vs_summary *sum)
{
	vs_out__puts(&t->out, "---- summary ");
	vs_out__fill(&t->out, '-', vs_text__page(t) - 13);
	vs_out__puts(&t->out, "\n");
	say_events(t, sum);
	say_probes(t, sum);
	say_groups(t, sum);
	say_notifier(t, sum);
	say_deferred(t, sum);
	say_gaps(t, sum);
	say_losses(t, sum);
	say_findings(t, sum);
	vs_out__flush(&t->out);
}

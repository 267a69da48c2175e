// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/plural.h"
#include "base/words.h"
#include "latency/print.h"
#include "sink/event_words.h"

#define PAGE 100		/* columns if there is no terminal */
#define MIN_PAGE 60
#define LABEL 18
#define COLUMN 9
#define HEADER_EVERY 20		/* lines of the interval mode between two headers */
#define MAX_SPLITS 40		/* splits of one kind; NDJSON has all */

static const char *const kind_labels[VS_LAT_KINDS] = {
	[VS_LAT_HELD] = "queued>activated",
	[VS_LAT_WAIT] = "queued>started",
	[VS_LAT_RUN] = "started>ended",
	[VS_LAT_TOTAL] = "queued>ended",
	[VS_LAT_CHAIN] = "get>dropped",
};

/* A narrower terminal breaks the lines itself. */
static size_t page(const struct vs_latency_sink *s)
{
	if (!s->opts.width)
		return PAGE;
	return s->opts.width < MIN_PAGE ? MIN_PAGE : s->opts.width;
}

static void time_column(struct vs_latency_sink *s, uint64_t ns)
{
	char buf[32];

	vs_words__duration(buf, sizeof(buf), ns);
	vs_out__printf(&s->out, "%*s", COLUMN, buf);
}

static void since_start(struct vs_latency_sink *s, uint64_t time_ns)
{
	vs_out__printf(&s->out, "%11.6f  ", time_ns > s->start_ns
		       ? (double)(time_ns - s->start_ns) / 1e9 : 0.0);
}

static void field(struct vs_latency_sink *s, const char *label, const char *value)
{
	vs_out__printf(&s->out, "%-12s", label);
	vs_words__wrap(&s->out, value, 12, 12, page(s));
}

static void text_start(struct vs_latency_sink *s, const struct vs_latency_start *start)
{
	char line[1024] = "";

	vs_words__append(line, sizeof(line), "vfioscope %s on %.80s: ", start->version, start->kernel);
	for (size_t i = 0; i < start->nr_names; i++)
		vs_words__append(line, sizeof(line), "%s%.64s", i ? ", " : "", start->names[i]);
	vs_words__append(line, sizeof(line), "%s, %" PRIu64 " probe%s armed in %.2f s",
		 start->nr_names ? "" : "every work", start->programs, vs_plural(start->programs),
		 (double)start->start_up_ns / 1e9);
	vs_words__wrap(&s->out, line, 0, 2, s->opts.width);
	s->start_ns = start->mono_ns;
}

static void text_notice(struct vs_latency_sink *s, uint64_t time_ns, const char *words)
{
	since_start(s, time_ns);
	vs_words__wrap(&s->out, words, 13, 13, s->opts.width);
}

static void text_gap(struct vs_latency_sink *s, const struct vs_gap_row *row)
{
	char line[VS_GAP_LINE];

	vs_words__gap(line, sizeof(line), row);
	text_notice(s, row->to_ns ? row->to_ns : row->from_ns, line);
}

static void text_work(struct vs_latency_sink *s, const struct vs_lat_event *e)
{
	char wait[32], run[32], func[128], group[40] = "";

	vs_words__duration(wait, sizeof(wait), e->start_ns - e->q.queue_ns);
	vs_words__duration(run, sizeof(run), e->end_ns - e->start_ns);
	vs_latency_words__func(s, e->func, func, sizeof(func));
	if (e->q.group && e->q.number >= 0)
		snprintf(group, sizeof(group), "  group %d%s", e->q.number,
			 e->released ? " released" : "");
	since_start(s, e->end_ns);
	vs_out__printf(&s->out, "cpu %-3u %-32s waited %8s  ran %8s  pool %d%s\n", e->cpu, func,
		       wait, run, e->q.pool, group);
	vs_out__relax(&s->out);
}

static void text_late(struct vs_latency_sink *s, const struct vs_late *late)
{
	char words[400], line[440];

	vs_latency_words__late(s, late, words, sizeof(words));
	snprintf(line, sizeof(line), "%s %s", late->bug ? "FINDING bug" : "FINDING hazard", words);
	text_notice(s, late->time_ns, line);
}

static void text_interval(struct vs_latency_sink *s, const struct vs_interval *i)
{
	double seconds = (double)(i->time_ns - i->start_ns) / 1e9;

	if (s->nr_intervals++ % HEADER_EVERY == 0)
		vs_out__puts(&s->out, "    time   queued  started    ended  waiting      p50      "
			     "p99      max  overdue\n");
	vs_out__printf(&s->out, "%8.1f%9" PRIu64 "%9" PRIu64 "%9" PRIu64 "%9" PRIu64, seconds,
		       i->queued, i->started, i->ended, i->waiting);
	time_column(s, vs_hist__percentile(&i->wait, 500));
	time_column(s, vs_hist__percentile(&i->wait, 990));
	time_column(s, i->wait.max_ns);
	vs_out__printf(&s->out, "%9" PRIu64 "\n", i->overdue);
}

/* -- the report -- */

static void percentile_header(struct vs_latency_sink *s, const char *label)
{
	static const char *const names[] = { "p50", "p90", "p99", "p99.9", "max", "mean" };

	vs_out__printf(&s->out, "\n%-*s%*s", LABEL, label, COLUMN - 1, "count");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		vs_out__printf(&s->out, "%*s", COLUMN, names[i]);
	vs_out__puts(&s->out, "\n");
}

static void percentiles(struct vs_latency_sink *s, const char *label, const struct vs_hist *h)
{
	static const unsigned int permille[] = { 500, 900, 990, 999 };

	vs_out__printf(&s->out, "%-*s%*" PRIu64, LABEL, label, COLUMN - 1, h->count);
	for (size_t i = 0; i < sizeof(permille) / sizeof(permille[0]); i++)
		time_column(s, vs_hist__percentile(h, permille[i]));
	time_column(s, h->max_ns);
	time_column(s, vs_hist__mean(h));
	vs_out__puts(&s->out, "\n");
}

static void all_percentiles(struct vs_latency_sink *s, const struct vs_report *r,
			    const struct vs_hist kinds[VS_LAT_KINDS])
{
	percentile_header(s, "");
	for (int i = 0; i < VS_LAT_KINDS; i++)
		if (kinds[i].count && (i != VS_LAT_CHAIN || r->deferred))
			percentiles(s, kind_labels[i], &kinds[i]);
}

static uint64_t in_octave(const struct vs_hist *h, unsigned int octave)
{
	unsigned int first = octave << VS_HIST_SUB_BITS;
	uint64_t sum = 0;

	for (unsigned int i = 0; i < 1u << VS_HIST_SUB_BITS; i++)
		sum += h->buckets[first + i];
	return sum;
}

static void bar(struct vs_latency_sink *s, uint64_t count, uint64_t most)
{
	size_t width = page(s) - 26, length = (count * width + most - 1) / most;

	vs_out__puts(&s->out, " |");
	vs_out__fill(&s->out, '@', length);
	vs_out__fill(&s->out, ' ', width - length);
	vs_out__printf(&s->out, "|%9" PRIu64 "\n", count);
}

/* Draws a bar for each power of two. */
static void histogram(struct vs_latency_sink *s, const char *label, const struct vs_hist *h)
{
	unsigned int octaves = VS_HIST_BUCKETS >> VS_HIST_SUB_BITS, first = octaves, last = 0;
	uint64_t most = 1;
	char from[32];

	for (unsigned int i = 0; i < octaves; i++) {
		if (!in_octave(h, i))
			continue;
		first = i < first ? i : first;
		last = i;
		most = in_octave(h, i) > most ? in_octave(h, i) : most;
	}
	vs_out__printf(&s->out, "\n%s, from ... on\n", label);
	for (unsigned int i = first; i <= last && first < octaves; i++) {
		vs_words__duration(from, sizeof(from), vs_hist__floor(i << VS_HIST_SUB_BITS));
		vs_out__printf(&s->out, "%14s", from);
		bar(s, in_octave(h, i), most);
	}
}

static void split_label(const struct vs_split *split, char *buf, size_t size)
{
	switch (split->kind) {
	case VS_SPLIT_CPU:
		snprintf(buf, size, "cpu %" PRId64, split->value);
		break;
	case VS_SPLIT_POOL:
		snprintf(buf, size, "pool %" PRId64, split->value);
		break;
	default:
		snprintf(buf, size, "%s", split->value ? "released" : "not released");
	}
}

static bool has_many(const struct vs_report *r, enum vs_split_kind kind)
{
	size_t nr = 0;

	for (size_t i = 0; i < r->nr_splits; i++)
		nr += r->splits[i].kind == kind;
	return nr > 1;
}

/* A single split would only repeat the whole: it is left out. */
static void splits(struct vs_latency_sink *s, const struct vs_report *r, enum vs_split_kind kind)
{
	char label[64], func[128];
	uint64_t last = 0;
	size_t shown = 0;

	if (!has_many(r, kind))
		return;
	for (size_t i = 0; i < r->nr_splits && shown < MAX_SPLITS; i++) {
		const struct vs_split *split = &r->splits[i];

		if (split->kind != kind)
			continue;
		if (split->func != last) {
			vs_latency_words__func(s, split->func, func, sizeof(func));
			vs_out__printf(&s->out, "%s%s, queued>started", "\n", func);
			percentile_header(s, "");
		}
		last = split->func;
		split_label(split, label, sizeof(label));
		percentiles(s, label, &split->kinds[VS_LAT_WAIT]);
		shown++;
	}
}

static void functions_header(struct vs_latency_sink *s)
{
	vs_out__printf(&s->out, "\n%-32s%9s%9s%9s%9s%9s\n%-32s%9s%9s%9s%9s%9s\n",
		       "", "", "waited", "waited", "waited", "ran", "function", "count", "p50",
		       "p99", "max", "mean");
}

static void functions(struct vs_latency_sink *s, const struct vs_report *r)
{
	char func[128];
	size_t nr = 0, shown = 0;

	functions_header(s);
	for (size_t i = 0; i < r->nr_splits; i++) {
		const struct vs_split *split = &r->splits[i];

		if (split->kind != VS_SPLIT_FUNC || nr++ >= s->opts.top)
			continue;
		vs_latency_words__func(s, split->func, func, sizeof(func));
		vs_out__printf(&s->out, "%-32.31s%9" PRIu64, func,
			       split->kinds[VS_LAT_TOTAL].count);
		time_column(s, vs_hist__percentile(&split->kinds[VS_LAT_WAIT], 500));
		time_column(s, vs_hist__percentile(&split->kinds[VS_LAT_WAIT], 990));
		time_column(s, split->kinds[VS_LAT_WAIT].max_ns);
		time_column(s, vs_hist__mean(&split->kinds[VS_LAT_RUN]));
		vs_out__puts(&s->out, "\n");
		shown++;
	}
	if (shown < nr)
		vs_out__printf(&s->out, "and %zu more (--top)\n", nr - shown);
}

static void worst(struct vs_latency_sink *s, const struct vs_report *r)
{
	char words[800], func[128];

	if (r->worst.nr)
		vs_out__puts(&s->out, "\nslowest to start, and why\n");
	for (size_t i = 0; i < r->worst.nr && i < s->opts.top; i++) {
		const struct vs_worst_row *row = &r->worst.rows[i];

		vs_latency_words__func(s, row->work.func, func, sizeof(func));
		vs_out__printf(&s->out, "%3zu ", i + 1);
		since_start(s, row->work.start_ns);
		vs_latency_words__blame(s, row, words, sizeof(words));
		vs_out__printf(&s->out, "%s ", func);
		vs_words__wrap(&s->out, words, 18 + strlen(func), 17, page(s));
	}
}

/* Draws eight heights with nothing but ASCII. */
static void backlog(struct vs_latency_sink *s, const struct vs_report *r)
{
	static const char heights[] = " .:-=+*#@";
	const struct vs_backlog *b = &r->backlog;
	char line[VS_BACKLOG_CELLS + 1], value[200], cell[32];
	uint64_t most = 1;

	for (size_t i = 0; i < b->nr; i++)
		most = b->cells[i] > most ? b->cells[i] : most;
	for (size_t i = 0; i < b->nr; i++)
		line[i] = heights[(b->cells[i] * 8 + most - 1) / most];
	line[b->nr] = '\0';
	vs_words__duration(cell, sizeof(cell), b->cell_ns);
	snprintf(value, sizeof(value), "peak %" PRIu64 ", now %" PRIu64 " queued and %" PRIu64
		 " running", (uint64_t)r->totals.peak, r->waiting, r->running);
	field(s, "backlog", value);
	vs_out__printf(&s->out, "%12s[%s]  a column: %s\n", "", line, cell);
}

static void groups(struct vs_latency_sink *s, const struct vs_report *r)
{
	char value[120];

	if (!r->deferred || !r->group_peak)
		return;
	snprintf(value, sizeof(value), "%" PRId64 " at once, on group %" PRId64
		 ", were held only by queued works", r->group_peak, r->group_number);
	field(s, "references", value);
}

static void counts(struct vs_latency_sink *s, const struct vs_report *r)
{
	const struct vs_lat_totals *t = &r->totals;
	char value[300], took[32];

	vs_words__duration(took, sizeof(took), r->time_ns - r->armed_ns);
	snprintf(value, sizeof(value), "queued %" PRIu64 ", started %" PRIu64 ", ended %" PRIu64
		 " in %s", (uint64_t)t->queued, (uint64_t)t->started, (uint64_t)t->ended, took);
	field(s, "works", value);
	if (t->unknown_start) {
		snprintf(value, sizeof(value), "%" PRIu64 " more started, not seen to be queued: "
			 "before this, or flush barriers, which no tracepoint reports",
			 (uint64_t)t->unknown_start);
		field(s, "", value);
	}
	if (t->cancelled) {
		snprintf(value, sizeof(value), "%" PRIu64 " were taken off the queue again",
			 (uint64_t)t->cancelled);
		field(s, "", value);
	}
}

static void sample(struct vs_latency_sink *s, const struct vs_report *r)
{
	const struct vs_sampler *sampler = &r->sampler;
	uint64_t open_ns = vs_sampler__open_ns(sampler, r->time_ns);
	char value[240], open[32];

	if (!sampler->n)
		return;
	vs_words__duration(open, sizeof(open), open_ns);
	snprintf(value, sizeof(value), "%" PRIu64 " window%s, %s in all: these works are about one of "
		 "%.1f; in %" PRIu64 " window%s some had not ended after another 250 ms, and are left "
		 "out", sampler->windows, vs_plural(sampler->windows), open, open_ns
		 ? (double)(r->time_ns - r->armed_ns) / (double)open_ns : 0.0,
		 sampler->cut, vs_plural(sampler->cut));
	field(s, "sample", value);
}

/* In late mode: the part of the time in which the blame programs were attached. */
static void blame(struct vs_latency_sink *s, const struct vs_report *r)
{
	char value[200], took[32];

	if (strcmp(r->blame.when, "late"))
		return;
	vs_words__duration(took, sizeof(took), r->blame.ns);
	snprintf(value, sizeof(value), "attached %" PRIu64 " time%s, for %s, because works waited "
		 "for more than 2 ms", r->blame.times, vs_plural(r->blame.times), took);
	field(s, "blame", r->blame.times ? value : "never attached: no work waited for long");
}

static void late_counts(struct vs_latency_sink *s, const struct vs_report *r)
{
	char value[200];

	snprintf(value, sizeof(value), "overdue %" PRIu64 ", lost %" PRIu64 ", freed-first %"
		 PRIu64, r->late[VS_LATE_OVERDUE], r->late[VS_LATE_LOST], r->late[VS_LATE_FREED]);
	if (s->opts.color && (r->late[VS_LATE_OVERDUE] || r->late[VS_LATE_LOST] || r->late[VS_LATE_FREED]))
		vs_out__style(&s->out, "\033[1;33m");
	field(s, "findings", value);
	vs_out__style(&s->out, s->opts.color ? VS_STYLE_OFF : "");
}

static void losses(struct vs_latency_sink *s, const struct vs_report *r)
{
	char value[160];

	if (!vs_report__lost(r))
		field(s, "losses", r->not_reported[VS_LAT_LOSS_RECURSION] ? "none counted" : "none");
	for (unsigned int i = 0; i < VS_LAT_LOSS_END; i++) {
		if (!r->losses[i])
			continue;
		snprintf(value, sizeof(value), "%" PRIu64 " %s: these figures are incomplete",
			 r->losses[i], vs_lat_loss__words(i));
		field(s, "LOSSES", value);
	}
	if (r->incomplete)
		field(s, "LOSSES", "out of memory: these figures are incomplete");
	if (r->not_reported[VS_LAT_LOSS_RECURSION])
		field(s, "", "skipped programs are not reported by this kernel");
}

static void gaps(struct vs_latency_sink *s, const struct vs_report *r)
{
	char words[VS_GAP_WORDS], value[VS_GAP_WORDS + 96], to[32] = "";

	for (size_t i = 0; i < r->gaps.nr; i++) {
		const struct vs_gap_row *g = &r->gaps.rows[i];

		vs_gap__words(g, words, sizeof(words));
		if (g->to_ns)
			snprintf(to, sizeof(to), "%.3f s",
				 (double)(int64_t)(g->to_ns - s->start_ns) / 1e9);
		snprintf(value, sizeof(value), "%.3f s to %s: %s",
			 (double)(int64_t)(g->from_ns - s->start_ns) / 1e9,
			 g->to_ns ? to : "the end", words);
		field(s, i ? "" : "gaps", value);
	}
	if (r->gaps.blind)
		field(s, "", "these figures are incomplete");
}

static void cost(struct vs_latency_sink *s, const struct vs_report *r)
{
	const struct vs_report_cost *c = &r->cost;
	char value[200], cpu[32], run[32];
	double seconds = (double)(r->time_ns - r->armed_ns) / 1e9;

	if (!c->wanted)
		return;
	vs_words__duration(cpu, sizeof(cpu), c->cpu_ns);
	vs_words__duration(run, sizeof(run), c->run_ns);
	if (c->measured)
		snprintf(value, sizeof(value), "%" PRIu64 " run%s of %" PRIu64 " program%s took %s: "
			 "%.0f ns each with the clock that measures them, %.3f %% of one CPU",
			 c->runs, vs_plural(c->runs), c->programs, vs_plural(c->programs), run,
			 c->runs ? (double)c->run_ns / (double)c->runs : 0.0,
			 seconds > 0 ? (double)c->run_ns / seconds / 1e7 : 0.0);
	else
		snprintf(value, sizeof(value), "of the programs not measured: the kernel gave no "
			 "statistics");
	field(s, "cost", value);
	snprintf(value, sizeof(value), "loader: %s of CPU, %.1f MiB resident at most; maps: %.1f "
		 "MiB", cpu, (double)c->rss_bytes / 1048576, (double)c->map_bytes / 1048576);
	field(s, "", value);
}

static void details(struct vs_latency_sink *s, const struct vs_report *r,
		    const struct vs_hist kinds[VS_LAT_KINDS])
{
	all_percentiles(s, r, kinds);
	histogram(s, "queued>started", &kinds[VS_LAT_WAIT]);
	if (r->deferred && kinds[VS_LAT_CHAIN].count)
		histogram(s, "get>dropped", &kinds[VS_LAT_CHAIN]);
	splits(s, r, VS_SPLIT_CPU);
	splits(s, r, VS_SPLIT_POOL);
	splits(s, r, VS_SPLIT_RELEASED);
}

static void text_report(struct vs_latency_sink *s, const struct vs_report *r)
{
	struct vs_hist kinds[VS_LAT_KINDS];

	vs_report__sum(r, kinds);
	if (kinds[VS_LAT_TOTAL].count) {
		if (r->all || has_many(r, VS_SPLIT_FUNC))
			functions(s, r);
		details(s, r, kinds);
	}
	worst(s, r);
	vs_out__puts(&s->out, "\n");
	counts(s, r);
	backlog(s, r);
	groups(s, r);
	sample(s, r);
	blame(s, r);
	late_counts(s, r);
	losses(s, r);
	gaps(s, r);
	cost(s, r);
}

const struct vs_latency_sink_ops vs_latency_text = {
	.start = text_start,
	.notice = text_notice,
	.gap = text_gap,
	.work = text_work,
	.late = text_late,
	.interval = text_interval,
	.report = text_report,
};

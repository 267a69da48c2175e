// SPDX-License-Identifier: GPL-2.0
/* NDJSON, as docs/latency.md describes it. */
#include <jansson.h>
#include <stdio.h>

#include "base/json_text.h"
#include "latency/print.h"
#include "sink/json_gap.h"
#include "sink/json_out.h"

#define SCHEMA 1

typedef json_int_t jint;

static const char *const kind_names[VS_LAT_KINDS] = {
	[VS_LAT_HELD] = "queued_to_activated",
	[VS_LAT_WAIT] = "queued_to_started",
	[VS_LAT_RUN] = "started_to_ended",
	[VS_LAT_TOTAL] = "queued_to_ended",
	[VS_LAT_CHAIN] = "get_to_dropped",
};

/* Takes `o`; NULL means that memory was short, which is a write error. */
static void emit(struct vs_latency_sink *s, json_t *o)
{
	vs_json_out__put(&s->out, o, JSON_COMPACT);
	vs_out__relax(&s->out);
}

static json_t *text(const char *words)
{
	return vs_json_text__new(words, SIZE_MAX);
}

static json_t *func_json(const struct vs_latency_sink *s, uint64_t func)
{
	char buf[128];

	vs_latency_words__func(s, func, buf, sizeof(buf));
	return text(buf);
}

static json_t *hex(uint64_t value)
{
	return value ? json_sprintf("0x%llx", (unsigned long long)value) : json_null();
}

/* Returns a time, which may be unknown. */
static json_t *time_json(uint64_t ns)
{
	return ns ? json_integer((jint)ns) : json_null();
}

/* Returns [[from_ns, count], ...] for the buckets that are not empty. */
static json_t *buckets_json(const struct vs_hist *h)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < VS_HIST_BUCKETS; i++)
		if (h->buckets[i])
			json_array_append_new(array, json_pack("[I, I]", (jint)vs_hist__floor(i),
							       (jint)h->buckets[i]));
	return array;
}

static json_t *hist_json(const struct vs_hist *h)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}",
			 "count", (jint)h->count, "mean_ns", (jint)vs_hist__mean(h),
			 "p50_ns", (jint)vs_hist__percentile(h, 500),
			 "p90_ns", (jint)vs_hist__percentile(h, 900),
			 "p99_ns", (jint)vs_hist__percentile(h, 990),
			 "p999_ns", (jint)vs_hist__percentile(h, 999),
			 "max_ns", (jint)h->max_ns, "buckets", buckets_json(h));
}

static void set_hists(json_t *o, const struct vs_hist kinds[VS_LAT_KINDS])
{
	for (int i = 0; i < VS_LAT_KINDS; i++)
		json_object_set_new(o, kind_names[i], hist_json(&kinds[i]));
}

static void start_json(struct vs_latency_sink *s, const struct vs_latency_start *start)
{
	json_t *names = json_array();

	for (size_t i = 0; i < start->nr_names; i++)
		json_array_append_new(names, text(start->names[i]));
	emit(s, json_pack("{s:s, s:i, s:s, s:o, s:I, s:I, s:I, s:I, s:o, s:s, s:s}", "type",
			  "start",
			  "schema", SCHEMA, "version", start->version, "kernel", text(start->kernel),
			  "time_ns", (jint)start->mono_ns, "wall_ns", (jint)start->wall_ns,
			  "start_up_ns", (jint)start->start_up_ns,
			  "probes", (jint)start->programs, "works", names,
			  "followed_by", start->followed_by, "blame", start->blame));
}

static void notice_json(struct vs_latency_sink *s, uint64_t time_ns, const char *words)
{
	emit(s, json_pack("{s:s, s:i, s:I, s:o}", "type", "notice", "schema", SCHEMA,
			  "time_ns", (jint)time_ns, "words", text(words)));
}

static void gap_json(struct vs_latency_sink *s, const struct vs_gap_row *row)
{
	json_t *o = json_pack("{s:s, s:i}", "type", "gap", "schema", SCHEMA);
	json_t *fields = vs_json__gap(row);

	json_object_update(o, fields);
	json_decref(fields);
	emit(s, o);
}

/* Returns the known part of the life of one work. */
static json_t *life_json(const struct vs_latency_sink *s, const struct vs_lat_event *e,
			 const char *type)
{
	json_t *o = json_pack("{s:s, s:i, s:o, s:o, s:I, s:o, s:I, s:o, s:o, s:o}", "type", type,
			      "schema", SCHEMA, "function", func_json(s, e->func),
			      "work", hex(e->work), "queue_ns", (jint)e->q.queue_ns,
			      "activate_ns", time_json(e->q.activate_ns),
			      "start_ns", (jint)e->start_ns, "put_ns", time_json(e->put_ns),
			      "end_ns", time_json(e->end_ns), "get_ns", time_json(e->q.get_ns));

	json_object_update_new(o, json_pack("{s:i, s:i, s:i, s:i, s:o, s:b, s:i, s:i}",
			       "cpu", (int)e->cpu, "pool", (int)e->q.pool,
			       "pool_cpu", (int)e->q.pool_cpu, "worker_tid", (int)e->tid,
			       "group", e->q.group ? json_integer(e->q.number) : json_null(),
			       "released", (int)e->released, "backlog", (int)e->q.backlog,
			       "queued_by_tid", (int)e->q.tid));
	return o;
}

static void work_json(struct vs_latency_sink *s, const struct vs_lat_event *e)
{
	emit(s, life_json(s, e, "work"));
}

static void late_json(struct vs_latency_sink *s, const struct vs_late *late)
{
	char words[400];

	vs_latency_words__late(s, late, words, sizeof(words));
	emit(s, json_pack("{s:s, s:i, s:s, s:s, s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:i, s:i}",
			  "type", "finding", "schema", SCHEMA,
			  "name", vs_late__name(late->kind), "grade", late->bug ? "bug" : "hazard",
			  "words", text(words), "time_ns", (jint)late->time_ns,
			  "age_ns", (jint)late->age_ns, "function", func_json(s, late->func),
			  "work", hex(late->work), "start_ns", time_json(late->start_ns),
			  "end_ns", time_json(late->end_ns),
			  "group", late->group ? json_integer(late->number) : json_null(),
			  "pool", (int)late->pool, "tid", (int)late->tid));
	vs_out__flush(&s->out);
}

static void interval_json(struct vs_latency_sink *s, const struct vs_interval *i)
{
	emit(s, json_pack("{s:s, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "type", "interval",
			  "schema", SCHEMA, "time_ns", (jint)i->time_ns,
			  "length_ns", (jint)i->length_ns, "queued", (jint)i->queued,
			  "started", (jint)i->started, "ended", (jint)i->ended,
			  "waiting", (jint)i->waiting, "overdue", (jint)i->overdue,
			  "queued_to_started", hist_json(&i->wait)));
	vs_out__flush(&s->out);
}

/* -- the report -- */

static json_t *split_json(const struct vs_latency_sink *s, const struct vs_split *split)
{
	static const char *const names[] = {
		[VS_SPLIT_FUNC] = "function", [VS_SPLIT_CPU] = "cpu",
		[VS_SPLIT_POOL] = "pool", [VS_SPLIT_RELEASED] = "released",
	};
	json_t *o = json_pack("{s:s, s:o, s:o, s:I}", "by", names[split->kind],
			      "function", func_json(s, split->func),
			      "value", split->kind == VS_SPLIT_FUNC ? json_null()
								    : json_integer(split->value),
			      "overdue", (jint)split->overdue);

	set_hists(o, split->kinds);
	return o;
}

static json_t *splits_json(const struct vs_latency_sink *s, const struct vs_report *r)
{
	json_t *array = json_array();

	for (size_t i = 0; i < r->nr_splits; i++)
		json_array_append_new(array, split_json(s, &r->splits[i]));
	return array;
}

static json_t *part_json(const struct vs_latency_sink *s, const struct vs_lat_event *work,
			 const struct vs_blame_part *part)
{
	char words[256];

	vs_latency_words__part(s, work, part, words, sizeof(words));
	return json_pack("{s:s, s:I, s:o, s:i, s:o, s:o}", "why", vs_blame__name(part->why),
			 "ns", (jint)part->ns,
			 "function", part->func ? func_json(s, part->func) : json_null(),
			 "pool", (int)part->pool,
			 "tid", part->why == VS_BLAME_TASK ? json_integer(part->tid) : json_null(),
			 "words", text(words));
}

static json_t *worst_row_json(const struct vs_latency_sink *s, const struct vs_worst_row *row)
{
	json_t *o = life_json(s, &row->work, "slow"), *parts = json_array();
	char words[800];

	for (size_t i = 0; i < row->blame.nr; i++)
		json_array_append_new(parts, part_json(s, &row->work, &row->blame.parts[i]));
	vs_latency_words__blame(s, row, words, sizeof(words));
	json_object_update_new(o, json_pack("{s:I, s:o, s:b, s:i, s:o, s:i, s:i, s:i, s:o}",
			       "delay_ns", (jint)row->blame.delay_ns, "parts", parts,
			       "at_max_active", (int)row->blame.at_max_active,
			       "ahead", (int)row->blame.ahead, "workqueue", vs_json_text__new(row->work.name, sizeof(row->work.name)),
			       "nr_active", (int)row->work.q.nr_active,
			       "max_active", (int)row->work.q.max_active,
			       "nr_idle", (int)row->work.q.nr_idle, "words", text(words)));
	return o;
}

static json_t *worst_json(const struct vs_latency_sink *s, const struct vs_report *r)
{
	json_t *array = json_array();

	for (size_t i = 0; i < r->worst.nr && i < s->opts.top; i++)
		json_array_append_new(array, worst_row_json(s, &r->worst.rows[i]));
	return array;
}

static json_t *backlog_json(const struct vs_report *r)
{
	json_t *cells = json_array();

	for (size_t i = 0; i < r->backlog.nr; i++)
		json_array_append_new(cells, json_integer((jint)r->backlog.cells[i]));
	return json_pack("{s:I, s:I, s:I, s:I, s:o}", "peak", (jint)r->totals.peak,
			 "waiting", (jint)r->waiting,
			 "running", (jint)r->running, "cell_ns", (jint)r->backlog.cell_ns,
			 "cells", cells);
}

static json_t *losses_json(const struct vs_report *r)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < VS_LAT_LOSS_END; i++)
		json_array_append_new(array, json_pack("{s:s, s:s, s:o}",
			"cause", vs_lat_loss__name(i), "words", vs_lat_loss__words(i),
			"total", r->not_reported[i] ? json_null()
						    : json_integer((jint)r->losses[i])));
	return array;
}

static json_t *cost_json(const struct vs_report *r)
{
	const struct vs_report_cost *c = &r->cost;

	if (!c->wanted)
		return json_null();
	return json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "measured", (int)c->measured,
			 "programs", (jint)c->programs, "runs", (jint)c->runs,
			 "own_runs", (jint)c->own_runs,
			 "run_ns", (jint)c->run_ns, "cpu_ns", (jint)c->cpu_ns,
			 "rss_bytes", (jint)c->rss_bytes, "map_bytes", (jint)c->map_bytes);
}

static json_t *counts_json(const struct vs_report *r)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "queued", (jint)r->totals.queued,
			 "started", (jint)r->totals.started, "ended", (jint)r->totals.ended,
			 "queue_not_seen", (jint)r->totals.unknown_start,
			 "cancelled", (jint)r->totals.cancelled);
}

static json_t *findings_json(const struct vs_report *r)
{
	json_t *o = json_object();

	for (int i = VS_LATE_OVERDUE; i < VS_LATE_KINDS; i++)
		json_object_set_new(o, vs_late__name(i), json_integer((jint)r->late[i]));
	return o;
}

static json_t *group_peak_json(const struct vs_report *r)
{
	if (!r->deferred)
		return json_null();
	return json_pack("{s:I, s:o}", "peak", (jint)r->group_peak, "group",
			 r->group_number >= 0 ? json_integer(r->group_number) : json_null());
}

static json_t *sample_json(const struct vs_report *r)
{
	const struct vs_sampler *s = &r->sampler;

	if (!s->n)
		return json_null();
	return json_pack("{s:I, s:I, s:I, s:I}", "one_of", (jint)s->n, "windows",
			 (jint)s->windows, "open_ns",
			 (jint)vs_sampler__open_ns(s, r->time_ns), "cut", (jint)s->cut);
}

static void report_json(struct vs_latency_sink *s, const struct vs_report *r)
{
	struct vs_hist kinds[VS_LAT_KINDS];
	json_t *o = json_pack("{s:s, s:i, s:I, s:I, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:I, "
			      "s:o, s:o, s:I, s:o}", "type", "report", "schema", SCHEMA,
			      "time_ns", (jint)r->time_ns,
			      "duration_ns", (jint)(r->time_ns - r->armed_ns),
			      "all", (int)r->all, "deferred", (int)r->deferred,
			      "works", counts_json(r), "splits", splits_json(s, r),
			      "slowest", worst_json(s, r), "backlog", backlog_json(r),
			      "references", group_peak_json(r), "findings", findings_json(r),
			      "lost", (jint)vs_report__lost(r), "losses", losses_json(r),
			      "gaps", vs_json__gaps(r->gaps.rows, r->gaps.nr),
			      "blind_gaps", (jint)r->gaps.blind, "cost", cost_json(r));

	json_object_set_new(o, "blame", json_pack("{s:s, s:I, s:I}", "when", r->blame.when,
						  "attached", (jint)r->blame.times,
						  "attached_ns", (jint)r->blame.ns));
	json_object_set_new(o, "sample", sample_json(r));
	vs_report__sum(r, kinds);
	set_hists(o, kinds);
	emit(s, o);
}

const struct vs_latency_sink_ops vs_latency_json = {
	.start = start_json,
	.notice = notice_json,
	.gap = gap_json,
	.work = work_json,
	.late = late_json,
	.interval = interval_json,
	.report = report_json,
};

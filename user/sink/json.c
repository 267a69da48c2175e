// SPDX-License-Identifier: GPL-2.0
/* NDJSON, as docs/events.md describes it. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sink/json.h"
#include "sink/json_gap.h"
#include "sink/json_out.h"
#include "sink/sink.h"

struct json_sink {
	struct vs_sink base;
	struct vs_out out;
};

static void emit(struct vs_sink *s, json_t *o)
{
	struct json_sink *j = (struct json_sink *)s;

	vs_json_out__put(&j->out, o, JSON_COMPACT);
	vs_out__relax(&j->out);
}

static void emit_now(struct vs_sink *s, json_t *o)
{
	emit(s, o);
	vs_sink__flush(s);
}

static json_t *context_json(const struct vs_event *e)
{
	return json_string(vs_context__name(e->context));
}

static void set_refs(json_t *o, const struct vs_event *e)
{
	bool exact = e->type == VS_GET || e->type == VS_CHANGE ||
		     e->flags & (VS_F_LAST_SURE | VS_F_EXACT);

	if (!(e->flags & VS_F_REFS))
		return;
	set(o, "refs", json_integer(e->refs));
	set(o, "refs_exact", json_boolean(exact));
}

static void set_flags(json_t *o, const struct vs_event *e)
{
	if (e->flags & VS_F_LAST_SURE)
		set(o, "last_sure", json_true());
	if (e->flags & VS_F_REGISTERING)
		set(o, "registering", json_true());
	if (e->flags & VS_F_FREED)
		set(o, "freed", json_true());
	if (e->flags & VS_F_TAKEN)
		set(o, "taken", json_true());
	if (e->flags & VS_F_DROPPED)
		set(o, "dropped", json_true());
}

static void set_task(json_t *o, uint32_t tgid, uint32_t tid, const char *comm, uint32_t cpu)
{
	set_int(o, "pid", tgid);
	set_int(o, "tid", tid);
	set(o, "comm", text(comm, VS_COMM_LEN));
	set_int(o, "cpu", cpu);
}

static void set_alarm(json_t *o, const struct vs_alarm_event *a)
{
	json_t *stack = json_array();

	set(o, "callback_address", hex(a->callback));
	set(o, "entered_ns", time_or_null(a->entered_ns));
	set_int(o, "depth", a->depth);
	for (uint32_t i = 0; i < a->nr_stack && i < VS_STACK_LEN; i++)
		json_array_append_new(stack, hex(a->stack[i]));
	set(o, "stack_addresses", stack);
}

static json_t *frames_json(const struct vs_view *v)
{
	json_t *array = json_array();

	for (size_t i = 0; i < v->nr_stack; i++)
		json_array_append_new(array, text(v->stack[i], VS_SITE_LEN));
	return array;
}

static void json_event(struct vs_sink *s, const struct vs_view *v)
{
	const struct vs_event *e = v->e;
	json_t *o = record("event");

	set(o, "event", json_string(vs_type__name(e->type)));
	set_int(o, "time_ns", e->time_ns);
	set_task(o, e->tgid, e->tid, e->comm, e->cpu);
	set(o, "group", group_json(&v->group));
	set(o, "context", context_json(e));
	if (e->action)
		set(o, "action", json_string(vs_action__name(e->action)));
	set_refs(o, e);
	set_flags(o, e);
	if (v->device[0])
		set(o, "device", text(v->device, VS_DEVICE_LEN));
	set(o, "site", string_or_null(v->site));
	set(o, "ip", hex(e->ip));
	set(o, "object", hex(e->object));
	set(o, "context_object", hex(e->ctx_object));
	set(o, "context_group", hex(e->ctx_group));
	if (v->alarm)
		set_alarm(o, v->alarm);
	if (v->nr_stack)
		set(o, "stack", frames_json(v));
	emit(s, o);
}

static json_t *probes_json(const struct vs_probe_row *rows, size_t nr)
{
	json_t *array = json_array();

	for (size_t i = 0; i < nr; i++) {
		json_t *o = json_object();

		set(o, "hook", string_or_null(rows[i].hook));
		set(o, "status", string_or_null(rows[i].status));
		set(o, "how", string_or_null(rows[i].how));
		set_int(o, "probes", rows[i].nr_probes);
		json_array_append_new(array, o);
	}
	return array;
}

static void json_start(struct vs_sink *s, const struct vs_start *start)
{
	json_t *o = record("start");

	set(o, "version", string_or_null(start->version));
	set(o, "kernel", string_or_null(start->kernel));
	set_int(o, "time_ns", start->mono_ns);
	set_int(o, "wall_ns", start->wall_ns);
	set(o, "probes", probes_json(start->probes, start->nr_probes));
	emit_now(s, o);
}

static void json_deferred(struct vs_sink *s, const struct vs_deferred *d,
			  const struct vs_group_view *group)
{
	json_t *o = record("deferred");

	set_int(o, "time_ns", d->end_ns);
	set(o, "group", group_json(group));
	set(o, "work", hex(d->work));
	if (d->action)
		set(o, "action", json_string(vs_action__name(d->action)));
	set(o, "tid", d->queue_ns ? json_integer(d->tid) : json_null());
	set(o, "comm", d->queue_ns ? text(d->comm, VS_COMM_LEN) : json_null());
	set(o, "worker_tid", json_integer(d->worker_tid));
	set(o, "worker_comm", text(d->worker_comm, VS_COMM_LEN));
	set(o, "last_sure", json_boolean(d->last_sure));
	set(o, "get_ns", time_or_null(d->get_ns));
	set(o, "queue_ns", time_or_null(d->queue_ns));
	set(o, "start_ns", time_or_null(d->start_ns));
	set(o, "put_ns", time_or_null(d->put_ns));
	set(o, "release_ns", time_or_null(d->release_ns));
	set(o, "end_ns", time_or_null(d->end_ns));
	emit(s, o);
}

static json_t *row_json(const struct vs_picture_row *r)
{
	json_t *o = json_object();

	set_int(o, "time_ns", r->time_ns);
	set(o, "event", json_string(r->pairs ? "get-put-pairs" : vs_type__name(r->type)));
	set(o, "other", json_boolean(r->other));
	set_int(o, "tid", r->tid);
	set(o, "comm", text(r->comm, VS_COMM_LEN));
	set_int(o, "cpu", r->cpu);
	if (r->action)
		set(o, "action", json_string(vs_action__name(r->action)));
	if (r->pairs)
		set_int(o, "pairs", r->pairs);
	else if (r->has_refs)
		set(o, "refs", json_integer(r->refs));
	if (r->type == VS_PUT)
		set(o, "last", json_boolean(r->last));
	set(o, "site", string_or_null(r->site));
	return o;
}

static json_t *picture_json(const struct vs_picture *p)
{
	json_t *o = json_object(), *rows = json_array();

	for (size_t i = 0; i < p->nr; i++)
		json_array_append_new(rows, row_json(&p->rows[i]));
	set(o, "rows", rows);
	set_int(o, "rows_cut", p->cut);
	set_int(o, "other_puts", p->other_puts);
	set(o, "complete", json_boolean(p->complete));
	set(o, "reordered", json_boolean(p->reordered));
	return o;
}

static void set_deadlock(json_t *o, const struct vs_finding *f)
{
	set(o, "registering", json_boolean(f->registering));
	set(o, "release_seen", json_boolean(f->release_seen));
	set(o, "unregister_seen", json_boolean(f->unregister_seen));
	set(o, "proven", json_boolean(f->proven));
	set(o, "chain", hex(f->chain));
	set(o, "chain_name", string_or_null(f->chain_name));
	set(o, "block", hex(f->block));
	set(o, "callback", string_or_null(f->callback));
	set(o, "call_place", string_or_null(f->call_place));
	set(o, "change_place", string_or_null(f->change_place));
	set(o, "entered_ns", time_or_null(f->entered_ns));
	set(o, "stack", split(f->stack_text, "\n"));
}

static void set_reference(json_t *o, const struct vs_finding *f)
{
	set(o, "class", f->has_ref ? json_string(vs_ref_class__name(f->ref.class)) : json_null());
	set(o, "get_ns", time_or_null(f->has_ref ? f->ref.get_ns : 0));
	set(o, "object", hex(f->has_ref ? f->ref.object : 0));
	set(o, "uncertain", json_boolean(f->uncertain));
	set(o, "doubt", f->doubt[0] ? json_string(f->doubt) : json_null());
	set(o, "stack", split(f->stack_text, "\n"));
}

static void set_wait(json_t *o, const struct vs_finding *f)
{
	set(o, "class", json_string("registration"));
	set(o, "stack", split(f->stack_text, "\n"));
}

static json_t *finding_json(const struct vs_finding *f)
{
	json_t *o = record("finding");
	char words[400];

	vs_finding__words(f, words, sizeof(words));
	set(o, "name", json_string(vs_finding__name(f->kind)));
	set(o, "grade", json_string(vs_grade__name(f->grade)));
	set_int(o, "number", f->number);
	set(o, "words", text(words, sizeof(words)));
	set_int(o, "time_ns", f->time_ns);
	set(o, "said_ns", time_or_null(f->said_ns));
	set_task(o, f->tgid, f->tid, f->comm, f->cpu);
	set(o, "group", group_json(&f->group));
	if (f->action)
		set(o, "action", json_string(vs_action__name(f->action)));
	set(o, "site", string_or_null(f->site));
	if (f->last_said)
		set(o, "last_said", json_true());
	if (vs_finding__is_deadlock(f->kind))
		set_deadlock(o, f);
	else if (f->kind == VS_UNREGISTER_WAITS)
		set_wait(o, f);
	else if (f->words[0])
		set_reference(o, f);
	return o;
}

static void json_finding(struct vs_sink *s, const struct vs_finding *f)
{
	json_t *o = finding_json(f);

	if (f->kind == VS_NOTIFIER_DEADLOCK)
		set(o, "picture", picture_json(&f->picture));
	emit_now(s, o);
}

static void set_loss(json_t *o, const struct vs_loss_row *l)
{
	set(o, "cause", json_string(vs_loss__name(l->cause)));
	set(o, "words", json_string(vs_loss__words(l->cause)));
	set(o, "unit", json_string(vs_loss__unit(l->cause)));
	set(o, "total", l->reported ? json_integer((jint)l->total) : json_null());
}

static void json_loss(struct vs_sink *s, const struct vs_loss_row *l)
{
	json_t *o = record("loss");

	set_int(o, "time_ns", l->time_ns);
	set_loss(o, l);
	set(o, "since_ns", l->since_ns ? json_integer((jint)l->since_ns) : json_null());
	set_int(o, "grown", l->grown);
	emit(s, o);
}

static void json_gap(struct vs_sink *s, const struct vs_gap_row *g)
{
	json_t *o = record("gap"), *fields = vs_json__gap(g);

	json_object_update(o, fields);
	json_decref(fields);
	emit(s, o);
}

static void json_notice(struct vs_sink *s, uint64_t time_ns, const char *words)
{
	json_t *o = record("notice");

	set_int(o, "time_ns", time_ns);
	set(o, "words", text(words, VS_STACK_TEXT_LEN));
	emit(s, o);
}

static json_t *group_row_json(const struct vs_group_row *g)
{
	json_t *o = group_json(&g->group);

	set_int(o, "creates", g->creates);
	set_int(o, "releases", g->releases);
	set_int(o, "gets", g->gets);
	set_int(o, "puts", g->puts);
	set_int(o, "notifier_found", g->found);
	set_int(o, "notifier_not_found", g->not_found);
	set_int(o, "queued", g->queued);
	set_int(o, "started", g->started);
	set_int(o, "ended", g->ended);
	set(o, "alive", json_boolean(g->alive));
	set(o, "deadlocked", json_boolean(g->deadlocked));
	return o;
}

static json_t *latency_json(const struct vs_latency *l)
{
	json_t *o = json_object();

	set_int(o, "count", l->count);
	set_int(o, "min_ns", l->min_ns);
	set_int(o, "avg_ns", vs_latency__avg(l));
	set_int(o, "max_ns", l->max_ns);
	return o;
}

static json_t *deferred_stats_json(const struct vs_summary *sum)
{
	const struct vs_deferred_stats *d = sum->deferred;
	json_t *o = json_object();

	set_int(o, "queued", d->queued);
	set_int(o, "started", d->started);
	set_int(o, "ended", d->ended);
	set_int(o, "outstanding", sum->outstanding);
	set_int(o, "unpaired", d->unpaired);
	set_int(o, "unended", d->unended);
	set_int(o, "released", d->released);
	set_int(o, "near_misses", d->near_misses);
	set(o, "queue_to_start", latency_json(&d->wait));
	set(o, "queue_to_end", latency_json(&d->total));
	return o;
}

static json_t *counts_json(const struct vs_summary *sum)
{
	json_t *o = json_object();

	for (unsigned int i = 0; i < VS_TYPE_END; i++)
		if (vs_type__name(i))
			set_int(o, vs_type__name(i), sum->by_type[i]);
	return o;
}

static json_t *findings_json(const struct vs_summary *sum)
{
	json_t *o = json_object();

	for (int i = 0; i < VS_FINDING_KINDS; i++)
		set_int(o, vs_finding__name(i), sum->findings[i]);
	return o;
}

static json_t *bugs_json(const struct vs_summary *sum)
{
	json_t *array = json_array();

	for (size_t i = 0; i < sum->nr_bugs; i++)
		json_array_append_new(array, finding_json(sum->bugs[i]));
	return array;
}

static json_t *losses_json(const struct vs_summary *sum)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < VS_LOSS_END; i++) {
		json_t *o = json_object();

		set_loss(o, &sum->losses[i]);
		json_array_append_new(array, o);
	}
	return array;
}

static json_t *groups_json(const struct vs_summary *sum)
{
	json_t *array = json_array();

	for (size_t i = 0; i < sum->nr_groups; i++)
		json_array_append_new(array, group_row_json(&sum->groups[i]));
	return array;
}

static void json_summary(struct vs_sink *s, const struct vs_summary *sum)
{
	json_t *o = record("summary");

	set_int(o, "time_ns", sum->time_ns);
	set_int(o, "duration_ns", sum->duration_ns);
	set_int(o, "events", sum->events);
	set_int(o, "events_shown", sum->shown);
	set(o, "events_by_type", counts_json(sum));
	set_int(o, "notifier_found", sum->found);
	set_int(o, "notifier_not_found", sum->not_found);
	set(o, "groups", groups_json(sum));
	set(o, "deferred", deferred_stats_json(sum));
	set(o, "findings", findings_json(sum));
	set(o, "bugs", bugs_json(sum));
	set_int(o, "lost", sum->lost);
	set(o, "losses", losses_json(sum));
	set(o, "gaps", vs_json__gaps(sum->gaps, sum->nr_gaps));
	set_int(o, "blind_gaps", sum->blind_gaps);
	set(o, "probes", probes_json(sum->probes, sum->nr_probes));
	emit_now(s, o);
}

static void json_ledger(struct vs_sink *s, const struct vs_refs_report *r)
{
	emit_now(s, vs_json__ledger(r));
}

static void json_waited(struct vs_sink *s, const struct vs_registration_book *b,
			const struct vs_group_view *group, struct vs_sites *sites)
{
	emit_now(s, vs_json__wait(b, group, sites));
}

static int json_flush(struct vs_sink *s)
{
	return vs_out__flush(&((struct json_sink *)s)->out);
}

static bool json_ready(struct vs_sink *s)
{
	return vs_out__ready(&((struct json_sink *)s)->out);
}

static void json_sync(struct vs_sink *s)
{
	vs_out__sync(&((struct json_sink *)s)->out);
}

static void json_free_sink(struct vs_sink *s)
{
	vs_out__fini(&((struct json_sink *)s)->out);
	free(s);
}

static const struct vs_sink_ops json_ops = {
	.start = json_start,
	.event = json_event,
	.deferred = json_deferred,
	.finding = json_finding,
	.loss = json_loss,
	.gap = json_gap,
	.notice = json_notice,
	.summary = json_summary,
	.ledger = json_ledger,
	.waited = json_waited,
	.flush = json_flush,
	.ready = json_ready,
	.sync = json_sync,
	.free = json_free_sink,
};

struct vs_sink *vs_json_sink__new(const struct vs_sink_opts *opts)
{
	struct json_sink *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->base.ops = &json_ops;
	j->base.durable = opts->durable;
	j->base.no_events = opts->no_events;
	vs_out__init(&j->out, opts->fd);
	return &j->base;
}

// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "base/version.h"
#include "event/names.h"
#include "sink/json.h"
#include "sink/json_out.h"
#include "validate/print.h"
#include "validate/strength.h"

static void set_text(json_t *o, const char *key, const char *value)
{
	set(o, key, text(value, VS_STACK_SAID));
}

static json_t *identity(const struct vs_validation *v)
{
	const struct vs_identity *id = &v->identity;
	json_t *o = json_object();
	char when[32];

	vs_validate__time(when, sizeof(when), id->started_wall_ns);
	set_text(o, "release", id->release);
	set_text(o, "version", id->version);
	set_text(o, "machine", id->machine);
	set(o, "srcversion", string_or_null(id->srcversion));
	set(o, "build_id", string_or_null(id->build_id));
	set(o, "livepatches", split(id->livepatches, " "));
	set_int(o, "taint_before", v->kernel.taint_before);
	set_int(o, "taint_after", v->kernel.taint_after);
	set_text(o, "started", when);
	set_int(o, "duration_ns", id->duration_ns);
	return o;
}

static json_t *checks(const struct vs_ruling *r)
{
	json_t *list = json_array();

	for (int i = 0; i < VS_CHECKS; i++) {
		json_t *o = json_object();

		set_text(o, "name", vs_check__name(i));
		set_text(o, "what", vs_check__what(i));
		set_text(o, "status", vs_check_status__name(r->checks[i].status));
		set_text(o, "words", r->checks[i].words);
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *code(const struct vs_validation *v)
{
	const struct vs_inspection *in = v->inspection;
	json_t *o = json_object(), *list = json_array();

	set_text(o, "verdict", in ? vs_verdict__name(in->verdict) : "INCONCLUSIVE");
	set_text(o, "fix", vs_fix__name(in ? in->fix : VS_FIX_UNKNOWN));
	set_text(o, "reason", in ? in->reason : v->inspection_error);
	set(o, "path", in ? string_or_null(in->path) : json_null());
	for (size_t i = 0; in && i < in->nr_evidence; i++) {
		json_t *e = json_object();

		set_text(e, "where", in->evidence[i].place.where);
		set_text(e, "what", in->evidence[i].what);
		set_text(e, "why", in->evidence[i].why);
		json_array_append_new(list, e);
	}
	set(o, "evidence", list);
	return o;
}

static json_t *path(const struct vs_validation *v, const struct vs_ruling *r)
{
	const struct vs_path_counts *c = &v->path;
	json_t *o = json_object(), *kinds = json_object();

	for (int i = 0; i < VS_ACTIONS; i++)
		set_int(kinds, i ? vs_action__name(i) : "other", c->entered[i]);
	set(o, "notifier_events", kinds);
	set_int(o, "notifier_exits", c->left);
	set_int(o, "found", c->found);
	set_int(o, "not_found", c->not_found);
	set_int(o, "queued", c->queued);
	set_int(o, "started", c->started);
	set_int(o, "ended", c->ended);
	set_int(o, "outstanding", c->outstanding);
	set_int(o, "near_misses", c->near_misses);
	set_int(o, "last_puts_by_worker", c->last_puts);
	set_int(o, "last_puts_elsewhere", c->other_releases);
	set_int(o, "min_last_puts", v->min_last_puts);
	set(o, "not_ruled_out_share", r->verdict == VS_VERDICT_FIXED ?
	    json_real(vs_strength__bound(c->last_puts)) : json_null());
	return o;
}

static json_t *counts(const struct vs_validation *v)
{
	json_t *o = json_object();

	for (int kind = 0; kind < VS_FINDING_KINDS; kind++) {
		uint64_t nr = 0;

		for (int grade = 0; grade < VS_GRADES; grade++)
			nr += v->findings[kind][grade];
		set_int(o, vs_finding__name(kind), nr);
	}
	return o;
}

static json_t *findings(const struct vs_validation *v)
{
	json_t *list = json_array();

	for (size_t i = 0; i < v->nr_said; i++) {
		const struct vs_finding_said *f = &v->said[i];
		json_t *o = json_object();

		set_text(o, "name", vs_finding__name(f->kind));
		set_text(o, "grade", vs_grade__name(f->grade));
		set_text(o, "words", f->words);
		set_text(o, "group", f->group);
		set_text(o, "task", f->task);
		set(o, "said_after_ns", time_or_null(f->after_ns));
		set(o, "stack", split(f->stack, "\n"));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *losses(const struct vs_validation *v)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < VS_LOSS_END; i++) {
		json_t *o = json_object();

		set_text(o, "cause", vs_loss__name(i));
		set(o, "total", v->losses[i].reported || v->losses[i].total ?
		    json_integer((jint)v->losses[i].total) : json_null());
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *probes(const struct vs_validation *v)
{
	json_t *list = json_array();

	for (size_t i = 0; v->plan && i < v->plan->nr_rows; i++) {
		const struct vs_plan_row *row = &v->plan->rows[i];
		json_t *o = json_object();

		set_text(o, "hook", row->hook->name);
		set_text(o, "status", row->status == VS_HOOK_READY ? "armed" :
			 vs_hook_status__name(row->status));
		set_text(o, "how", row->how);
		set_int(o, "probes", row->nr_probes);
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *stress(const struct vs_validation *v)
{
	static const char *const modes[] = { "observed", "driven", "not-started" };
	static const char *const ends[] = { "running", "done", "stuck", "refused", "failed" };
	const struct vs_stress_result *s = &v->stress;
	json_t *o = json_object();

	set_text(o, "mode", modes[s->mode]);
	if (s->mode != VS_STRESS_DRIVEN)
		return o;
	set_text(o, "end", ends[s->end]);
	set(o, "status", s->status < 0 ? json_null() : json_integer(s->status));
	set(o, "devices", split(s->devices, ","));
	set_int(o, "steps", s->steps);
	set(o, "last_step", string_or_null(s->step));
	set(o, "said", string_or_null(s->said));
	return o;
}

static json_t *warnings(const struct vs_validation *v)
{
	json_t *list = json_array();

	for (size_t i = 0; i < v->kernel.warnings && i < VS_WARNINGS_KEPT; i++)
		json_array_append_new(list,
				      text(v->kernel.warning[i], sizeof(v->kernel.warning[i])));
	return list;
}

void vs_validate__json(struct vs_out *o, const struct vs_validate_page *p)
{
	json_t *root = record("validate");

	set_text(root, "vfioscope", VS_VERSION);
	set_text(root, "verdict", vs_verdict__name(p->r->verdict));
	set_text(root, "reason", p->r->reason);
	set(root, "failed", json_boolean(p->r->failed));
	set_int(root, "exit_status", (uint64_t)p->exit_status);
	set(root, "identity", identity(p->v));
	set(root, "checks", checks(p->r));
	set(root, "code", code(p->v));
	set(root, "path", path(p->v, p->r));
	set(root, "finding_counts", counts(p->v));
	set(root, "findings", findings(p->v));
	set_int(root, "lost", p->v->lost);
	set(root, "losses", losses(p->v));
	set(root, "probes", probes(p->v));
	set(root, "stress", stress(p->v));
	set(root, "kernel_warnings", warnings(p->v));
	vs_json_out__put(o, root, JSON_INDENT(1));
}

// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/words.h"
#include "validate/print.h"
#include "validate/strength.h"

#define LABEL 13

void vs_validate__time(char *buf, size_t size, uint64_t wall_ns)
{
	time_t seconds = (time_t)(wall_ns / 1000000000);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(buf, size, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

__attribute__((format(printf, 4, 5)))
static void put(struct vs_out *o, const struct vs_validate_page *p, const char *label,
		const char *fmt, ...)
{
	char text[800];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	vs_out__printf(o, "  %-*s", LABEL, label);
	vs_words__wrap(o, text, LABEL + 2, LABEL + 2, p->width);
}

static void put_verdict(struct vs_out *o, const struct vs_validate_page *p)
{
	const char *name = vs_verdict__name(p->r->verdict);

	vs_out__style(o, p->color ? vs_verdict__style(p->r->verdict) : "");
	vs_out__text(o, name);
	vs_out__style(o, p->color ? VS_STYLE_OFF : "");
	vs_out__puts(o, "  ");
	vs_words__wrap(o, p->r->reason, strlen(name) + 2, strlen(name) + 2, p->width);
	if (p->r->failed && p->r->verdict != VS_VERDICT_VULNERABLE)
		vs_out__puts(o, "FAILED  a check failed: see below\n");
}

static void put_identity(struct vs_out *o, const struct vs_validate_page *p)
{
	const struct vs_identity *id = &p->v->identity;
	char when[32], took[32];

	vs_validate__time(when, sizeof(when), id->started_wall_ns);
	vs_words__duration(took, sizeof(took), id->duration_ns);
	vs_out__puts(o, "\nIdentity\n");
	put(o, p, "kernel", "%s %s %s", id->release, id->version, id->machine);
	put(o, p, "vfio", "srcversion %s, build-id %s",
	    id->srcversion[0] ? id->srcversion : "not known",
	    id->build_id[0] ? id->build_id : "not known");
	put(o, p, "livepatches", "%s", id->livepatches[0] ? id->livepatches : "none");
	put(o, p, "taint", "0x%" PRIx64 " before, 0x%" PRIx64 " after", p->v->kernel.taint_before,
	    p->v->kernel.taint_after);
	put(o, p, "observed", "%s, for %s", when, took);
}

static void put_checks(struct vs_out *o, const struct vs_validate_page *p)
{
	vs_out__puts(o, "\nChecks\n");
	for (int i = 0; i < VS_CHECKS; i++) {
		const struct vs_check *c = &p->r->checks[i];

		vs_out__printf(o, "  %-*s%-9s", LABEL, vs_check__name(i),
			       vs_check_status__name(c->status));
		vs_words__wrap(o, c->words, LABEL + 11, LABEL + 11, p->width);
	}
}

static void put_code(struct vs_out *o, const struct vs_validate_page *p)
{
	const struct vs_inspection *in = p->v->inspection;

	vs_out__puts(o, "\nCode\n");
	if (!in) {
		put(o, p, "", "%s", p->v->inspection_error);
		return;
	}
	put(o, p, "file", "%s", in->path[0] ? in->path : "the kernel's memory");
	for (size_t i = 0; i < in->nr_evidence; i++)
		put(o, p, i ? "" : "evidence", "%s %s: %s", in->evidence[i].place.where,
		    in->evidence[i].what, in->evidence[i].why);
	for (size_t i = 0; i < in->nr_notes; i++)
		put(o, p, i ? "" : "note", "%s", in->notes[i]);
}

static void put_path(struct vs_out *o, const struct vs_validate_page *p)
{
	const struct vs_path_counts *c = &p->v->path;

	vs_out__puts(o, "\nPath\n");
	for (int i = 0; i < VS_ACTIONS; i++)
		if (c->entered[i])
			put(o, p, "notifier", "%s: %" PRIu64, i ? vs_action__name(i) : "other",
			    c->entered[i]);
	put(o, p, "events", "%" PRIu64 " found their group, %" PRIu64 " did not", c->found,
	    c->not_found);
	put(o, p, "deferred",
	    "queued %" PRIu64 ", started %" PRIu64 ", ended %" PRIu64
	    "; queued while the count was 1: %" PRIu64,
	    c->queued, c->started, c->ended, c->near_misses);
	put(o, p, "last puts", "%" PRIu64 " by the worker, %" PRIu64 " elsewhere", c->last_puts,
	    c->other_releases);
	if (p->r->verdict == VS_VERDICT_FIXED) {
		char words[200];

		vs_strength__words(words, sizeof(words), c->last_puts);
		put(o, p, "rules out", "%s", words);
	}
}

static void put_losses(struct vs_out *o, const struct vs_validate_page *p)
{
	const struct vs_validation *v = p->v;

	put(o, p, "losses", "%" PRIu64, v->lost);
	for (unsigned int i = 0; i < VS_LOSS_END; i++) {
		if (v->losses[i].total)
			put(o, p, "", "%s: %" PRIu64 " %s", vs_loss__words(i), v->losses[i].total,
			    vs_loss__unit(i));
		else if (!v->losses[i].reported)
			put(o, p, "", "not told by this kernel: %s", vs_loss__words(i));
	}
}

static void put_stack(struct vs_out *o, const char *stack)
{
	while (*stack) {
		size_t len = strcspn(stack, "\n");

		vs_out__fill(o, ' ', LABEL + 6);
		vs_out__add(o, stack, len);
		vs_out__puts(o, "\n");
		stack += len + !!stack[len];
	}
}

static void put_findings(struct vs_out *o, const struct vs_validate_page *p)
{
	for (size_t i = 0; i < p->v->nr_said; i++) {
		const struct vs_finding_said *f = &p->v->said[i];

		put(o, p, "finding", "%s (%s), %s, %s: %s", vs_finding__name(f->kind),
		    vs_grade__name(f->grade), f->group, f->task, f->words);
		put_stack(o, f->stack);
	}
}

static void put_load(struct vs_out *o, const struct vs_validate_page *p)
{
	const struct vs_stress_result *s = &p->v->stress;

	if (s->mode != VS_STRESS_DRIVEN)
		return;
	put(o, p, "devices", "%s", s->devices);
	put(o, p, "last step", "%s", s->step[0] ? s->step : "none");
}

static void put_plan(struct vs_out *o, const struct vs_validate_page *p)
{
	const struct vs_plan *plan = p->v->plan;

	if (!plan)
		return;
	vs_out__puts(o, "\nProbes\n");
	for (size_t i = 0; i < plan->nr_rows; i++)
		vs_out__printf(o, "  %-18s%-16s%u\n", plan->rows[i].hook->name,
			       plan->rows[i].status == VS_HOOK_READY ? "armed" :
			       vs_hook_status__name(plan->rows[i].status), plan->rows[i].nr_probes);
}

void vs_validate__text(struct vs_out *o, const struct vs_validate_page *p)
{
	put_verdict(o, p);
	put_identity(o, p);
	put_checks(o, p);
	put_code(o, p);
	if (p->v->plan)
		put_path(o, p);
	if (p->v->plan)
		put_losses(o, p);
	put_load(o, p);
	put_findings(o, p);
	put_plan(o, p);
}

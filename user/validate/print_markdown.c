// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/plural.h"
#include "base/version.h"
#include "validate/print.h"
#include "validate/strength.h"

/* Escapes characters that would end a table's cell or a sentence, or begin markup. */
static void put_cell(struct vs_out *o, const char *text)
{
	for (; *text; text++) {
		if (strchr("|<*_`\\[~&$", *text))
			vs_out__puts(o, "\\");
		vs_out__add(o, text, 1);
	}
}

/* Writes a block of code by its indent: no line in it can end it, as one could end a fence. */
static void put_block(struct vs_out *o, const char *lines)
{
	while (*lines) {
		size_t len = strcspn(lines, "\n");

		vs_out__puts(o, "    ");
		vs_out__add(o, lines, len);
		vs_out__puts(o, "\n");
		lines += len + !!lines[len];
	}
	vs_out__puts(o, "\n");
}

static void put_row(struct vs_out *o, const char *a, const char *b, const char *c)
{
	vs_out__puts(o, "| ");
	put_cell(o, a);
	vs_out__puts(o, " | ");
	put_cell(o, b);
	if (c) {
		vs_out__puts(o, " | ");
		put_cell(o, c);
	}
	vs_out__puts(o, " |\n");
}

static void put_impact(struct vs_out *o)
{
	vs_out__puts(o, "## Impact\n\n"
		"`vfio_iommu_group_notifier()` runs with the rwsem of the IOMMU group's\n"
		"notifier chain held for read. When it drops the last reference of a VFIO group,\n"
		"`vfio_group_release()` wants the same rwsem for write, and the task waits for\n"
		"itself: device bind, unbind and hot-plug in that group hang until the host is\n"
		"rebooted. The fix (811642d8d8a8, v4.13) hands that put to a worker.\n\n");
}

static void put_item(struct vs_out *o, const char *what, const char *words)
{
	vs_out__puts(o, "- ");
	put_cell(o, what);
	vs_out__puts(o, ": ");
	put_cell(o, words);
	vs_out__puts(o, "\n");
}

/* Lists the steps that vfio-stress announced, not those that it was asked for. */
static void put_strategies(struct vs_out *o, const struct vs_stress_result *s)
{
	char words[300];

	put_item(o, "vfio-stress was run on spare devices", s->devices);
	for (size_t i = 0; i < s->nr_ran; i++) {
		snprintf(words, sizeof(words), "%" PRIu64 " step%s, the last: %s", s->ran[i].steps,
			 vs_plural(s->ran[i].steps), s->ran[i].last);
		put_item(o, s->ran[i].name, words);
	}
	if (!s->nr_ran)
		put_item(o, "it began no step", s->said[0] ? s->said : "it said nothing");
}

static void put_load(struct vs_out *o, const struct vs_stress_result *s)
{
	if (s->mode == VS_STRESS_DRIVEN)
		put_strategies(o, s);
	else if (s->mode == VS_STRESS_OBSERVED)
		vs_out__puts(o,
			     "- the host was observed under its own load; nothing was provoked\n");
	else
		vs_out__puts(o,
			     "- the code was read; there is nothing to provoke on this kernel\n");
}

/* Lists the hooks of that status and their number of probes; without probes the name alone. */
static void put_hooks(struct vs_out *o, const struct vs_plan *plan, enum vs_hook_status status)
{
	bool any = false;

	for (size_t i = 0; i < plan->nr_rows; i++) {
		const struct vs_plan_row *row = &plan->rows[i];

		if (row->status != status)
			continue;
		vs_out__printf(o, "%s%s", any ? ", " : "", row->hook->name);
		if (row->nr_probes)
			vs_out__printf(o, " %u", row->nr_probes);
		any = true;
	}
	if (!any)
		vs_out__puts(o, "none");
	vs_out__puts(o, "\n");
}

/* Lists the hooks that see nothing, or not all, each with its reason. */
static void put_blind(struct vs_out *o, const struct vs_plan *plan)
{
	for (size_t i = 0; i < plan->nr_rows; i++) {
		const struct vs_plan_row *row = &plan->rows[i];

		if (row->status == VS_HOOK_READY || row->status == VS_HOOK_NOT_APPLICABLE)
			continue;
		vs_out__printf(o, "- **%s**: ", vs_hook_status__name(row->status));
		put_cell(o, row->hook->name);
		vs_out__puts(o, ": ");
		put_cell(o, row->how);
		vs_out__puts(o, "\n");
	}
}

static void put_probes(struct vs_out *o, const struct vs_validate_page *p)
{
	const struct vs_plan *plan = p->v->plan;

	vs_out__printf(o, "- %zu probe%s armed: ", p->v->probes, vs_plural(p->v->probes));
	put_hooks(o, plan, VS_HOOK_READY);
	put_blind(o, plan);
	vs_out__puts(o, "- this kernel has nothing to probe for: ");
	put_hooks(o, plan, VS_HOOK_NOT_APPLICABLE);
	vs_out__printf(o, "- FIXED needs %" PRIu64 " last put%s made by the worker, no loss, no "
		       "finding, no kernel warning\n", p->v->min_last_puts,
		       vs_plural(p->v->min_last_puts));
}

static void put_plan(struct vs_out *o, const struct vs_validate_page *p)
{
	vs_out__puts(o, "## Test plan\n\n");
	put_load(o, &p->v->stress);
	if (p->v->plan)
		put_probes(o, p);
	else
		vs_out__puts(o, "- no probe was armed\n");
	vs_out__puts(o, "\n");
}

static void put_result(struct vs_out *o, const struct vs_validate_page *p)
{
	vs_out__puts(o, "## Result\n\n| check | result | seen |\n|---|---|---|\n");
	for (int i = 0; i < VS_CHECKS; i++)
		put_row(o, vs_check__what(i), vs_check_status__name(p->r->checks[i].status),
			p->r->checks[i].words);
	vs_out__puts(o, "\n");
	if (p->r->verdict == VS_VERDICT_FIXED) {
		char words[200];

		vs_strength__words(words, sizeof(words), p->v->path.last_puts);
		vs_out__puts(o, "The last puts of this run rule out ");
		put_cell(o, words);
		vs_out__puts(o, ".\n\n");
	}
}

static void put_identity(struct vs_out *o, const struct vs_validate_page *p)
{
	const struct vs_identity *id = &p->v->identity;
	char text[200];

	vs_out__puts(o, "## Kernel\n\n| | |\n|---|---|\n");
	snprintf(text, sizeof(text), "%s %s %s", id->release, id->version, id->machine);
	put_row(o, "kernel", text, NULL);
	put_row(o, "vfio srcversion", id->srcversion[0] ? id->srcversion : "not known", NULL);
	put_row(o, "vfio build-id", id->build_id[0] ? id->build_id : "not known", NULL);
	put_row(o, "livepatches", id->livepatches[0] ? id->livepatches : "none", NULL);
	snprintf(text, sizeof(text), "0x%" PRIx64 " before, 0x%" PRIx64 " after",
		 p->v->kernel.taint_before, p->v->kernel.taint_after);
	put_row(o, "taint", text, NULL);
	vs_validate__time(text, sizeof(text), id->started_wall_ns);
	put_row(o, "tested", text, NULL);
	put_row(o, "by", "vfioscope " VS_VERSION, NULL);
	vs_out__puts(o, "\n");
}

static void put_code(struct vs_out *o, const struct vs_inspection *in)
{
	if (!in)
		return;
	vs_out__puts(o, "Code of vfio:\n\n");
	for (size_t i = 0; i < in->nr_evidence; i++) {
		vs_out__puts(o, "- ");
		put_cell(o, in->evidence[i].place.where);
		vs_out__puts(o, " ");
		put_cell(o, in->evidence[i].what);
		vs_out__puts(o, ": ");
		put_cell(o, in->evidence[i].why);
		vs_out__puts(o, "\n");
	}
	vs_out__puts(o, "\n");
}

static void put_path(struct vs_out *o, const struct vs_path_counts *c)
{
	char number[24];

	vs_out__puts(o, "| event | number |\n|---|---|\n");
	for (int i = 1; i < VS_ACTIONS; i++) {
		snprintf(number, sizeof(number), "%" PRIu64, c->entered[i]);
		put_row(o, vs_action__name(i), number, NULL);
	}
	vs_out__printf(o,
		       "| found their group | %" PRIu64
		       " |\n| deferred puts queued, started, ended | "
		       "%" PRIu64 ", %" PRIu64 ", %" PRIu64
		       " |\n| last puts by the worker | %" PRIu64 " |\n\n",
		       c->found, c->queued, c->started, c->ended, c->last_puts);
}

static void put_findings(struct vs_out *o, const struct vs_validation *v)
{
	for (size_t i = 0; i < v->nr_said; i++) {
		const struct vs_finding_said *f = &v->said[i];

		vs_out__printf(o, "**%s** (%s), ", vs_finding__name(f->kind),
			       vs_grade__name(f->grade));
		put_cell(o, f->group);
		vs_out__puts(o, ", task ");
		put_cell(o, f->task);
		vs_out__puts(o, ": ");
		put_cell(o, f->words);
		vs_out__puts(o, "\n\n");
		if (f->stack[0])
			put_block(o, f->stack);
	}
	for (size_t i = 0; i < v->kernel.warnings && i < VS_WARNINGS_KEPT; i++)
		vs_out__printf(o, "    %s\n\n", v->kernel.warning[i]);
}

void vs_validate__markdown(struct vs_out *o, const struct vs_validate_page *p)
{
	vs_out__printf(o, "# VFIO notifier deadlock: %s\n\n", vs_verdict__name(p->r->verdict));
	put_cell(o, p->r->reason);
	vs_out__puts(o, "\n\n");
	put_impact(o);
	put_identity(o, p);
	put_plan(o, p);
	put_result(o, p);
	vs_out__puts(o, "## Evidence\n\n");
	put_code(o, p->v->inspection);
	if (p->v->plan)
		put_path(o, &p->v->path);
	put_findings(o, p->v);
}

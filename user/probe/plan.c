// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probe/plan_priv.h"
#include "vfio/functions.h"

const char *vs_hook_status__name(enum vs_hook_status status)
{
	static const char *const names[] = {
		[VS_HOOK_READY] = "ready",
		[VS_HOOK_PARTIAL] = "partial",
		[VS_HOOK_WAITING] = "waiting",
		[VS_HOOK_NOT_APPLICABLE] = "not-applicable",
		[VS_HOOK_MISSING] = "missing",
	};

	return names[status];
}

static bool is_in_vfio(const struct vs_rung *rung)
{
	return rung->kind != VS_RUNG_FENTRY && rung->kind != VS_RUNG_TRACEPOINT;
}

/* Reasons why no kprobe in VFIO can work, whatever its symbols. */
static bool vfio_refused(const struct vs_facts *facts, struct vs_plan_row *row)
{
	if (!facts->kprobe_pmu)
		plan_settle(row, VS_HOOK_MISSING, "this kernel offers no kprobes to perf",
			    "needs CONFIG_KPROBE_EVENTS=y and CONFIG_PERF_EVENTS=y");
	else if (facts->vfio_state == VS_KMOD_ABSENT)
		plan_settle(row, VS_HOOK_MISSING, "this system has no vfio module",
			    "install the kernel's modules (vfio, vfio-pci)");
	else if (!plan_vfio_known(facts))
		plan_settle(row, VS_HOOK_MISSING, facts->vfio_error[0] ? facts->vfio_error
			    : "VFIO's symbols cannot be read", "run as root; install the kernel's modules");
	else if (facts->vfio_state != VS_KMOD_ON_DISK && !facts->addresses)
		plan_settle(row, VS_HOOK_MISSING, "the kernel hides its addresses from this process",
			    facts->kptr_restrict == 2
			    ? "sysctl kernel.kptr_restrict=1, and run as root or with CAP_SYSLOG"
			    : "run as root or with CAP_SYSLOG");
	else
		return false;
	return true;
}

static bool kernel_refused(const struct vs_facts *facts, struct vs_plan_row *row,
			   const struct vs_rung *rung)
{
	if (!strcmp(facts->lockdown, "confidentiality")) {
		plan_settle(row, VS_HOOK_MISSING, "kernel lockdown is \"confidentiality\"",
			    "BPF may not read kernel memory: boot with lockdown=integrity");
		return true;
	}
	return is_in_vfio(rung) && vfio_refused(facts, row);
}

static enum vs_hook_status status_of(const struct vs_facts *facts, const struct vs_rung *rung)
{
	if (is_in_vfio(rung) && facts->vfio_state == VS_KMOD_ON_DISK)
		return VS_HOOK_WAITING;
	return rung->remainder ? VS_HOOK_PARTIAL : VS_HOOK_READY;
}

static void plan_together(struct planner *p, struct vs_plan_row *row, const struct vs_rung *rung)
{
	for (; rung->kind && rung->together; rung++) {
		struct vs_plan_row before = *row;

		if (plan_rung(p, row, rung))
			plan_say_how(row, "%.80s, %.70s", before.how, rung->target);
		else
			*row = before;
	}
}

static void note_remainder(struct vs_plan_row *row)
{
	char how[sizeof(row->how)];

	memcpy(how, row->how, sizeof(how));
	plan_say_how(row, "%.90s only: %.60s", how, row->hook->lost);
}

static void plan_hook(struct planner *p, struct vs_plan_row *row)
{
	const struct vs_hook *hook = row->hook;

	if (!plan_applies(p, hook->applies)) {
		plan_settle(row, VS_HOOK_NOT_APPLICABLE, plan_not_applicable_words(p->plan, hook->applies), "");
		return;
	}
	row->status = VS_HOOK_MISSING;
	for (const struct vs_rung *rung = hook->rungs; rung->kind; rung++) {
		if (rung->together)
			continue;	/* goes with the one before, which is not there */
		if (kernel_refused(p->facts, row, rung))
			return;
		if (!plan_rung(p, row, rung))
			continue;
		row->rung = rung;
		row->status = status_of(p->facts, rung);
		if (row->status == VS_HOOK_PARTIAL)
			note_remainder(row);
		else
			row->advice[0] = '\0';
		plan_together(p, row, rung + 1);
		return;
	}
}

int vs_plan__make(const struct vs_facts *facts, struct vs_plan *plan)
{
	struct planner p = { .facts = facts, .plan = plan };

	memset(plan, 0, sizeof(*plan));
	plan->fix = vs_plan__fix(facts);
	plan->deferred_func = vs_kmod__func(&facts->vfio, VS_VFIO_DEFERRED);
	/* vfio_group_release became the embedded device's callback: 9cef73918e15. */
	plan->release_is_free = plan->fix == VS_FIX_NO_REFERENCE || plan->fix == VS_FIX_NO_NOTIFIER;
	plan->no_groups = plan_has_no_groups(facts);
	plan_find_layout(&p);
	while (vs_hooks[plan->nr_rows].name)
		plan->nr_rows++;
	plan->rows = calloc(plan->nr_rows, sizeof(*plan->rows));
	if (!plan->rows)
		return -ENOMEM;
	for (size_t i = 0; i < plan->nr_rows; i++) {
		plan->rows[i].hook = &vs_hooks[i];
		plan_hook(&p, &plan->rows[i]);
	}
	if (p.out_of_memory)
		vs_plan__free(plan);
	return p.out_of_memory ? -ENOMEM : 0;
}

void vs_plan__free(struct vs_plan *plan)
{
	free(plan->rows);
	free(plan->probes);
	memset(plan, 0, sizeof(*plan));
}

static void drop_probes(struct vs_plan *plan, const struct vs_hook *hook)
{
	size_t kept = 0;

	for (size_t i = 0; i < plan->nr_probes; i++)
		if (plan->probes[i].hook != hook)
			plan->probes[kept++] = plan->probes[i];
	plan->nr_probes = kept;
}

int vs_plan__leave_out(struct vs_plan *plan, const char *hook)
{
	struct vs_plan_row *row = (struct vs_plan_row *)vs_plan__row(plan, hook);

	if (!row)
		return -ENOENT;
	if (row->status == VS_HOOK_NOT_APPLICABLE)
		return 0;
	drop_probes(plan, row->hook);
	row->status = VS_HOOK_MISSING;
	row->rung = NULL;
	row->nr_probes = 0;
	snprintf(row->how, sizeof(row->how), "left out, as was asked for");
	row->advice[0] = '\0';
	return 0;
}

const struct vs_plan_row *vs_plan__row(const struct vs_plan *plan, const char *hook)
{
	for (size_t i = 0; i < plan->nr_rows; i++)
		if (!strcmp(plan->rows[i].hook->name, hook))
			return &plan->rows[i];
	return NULL;
}

bool vs_plan__complete(const struct vs_plan *plan)
{
	for (size_t i = 0; i < plan->nr_rows; i++)
		if (plan->rows[i].hook->required && plan->rows[i].status == VS_HOOK_MISSING)
			return false;
	return true;
}

bool vs_plan__waits(const struct vs_plan *plan)
{
	for (size_t i = 0; i < plan->nr_rows; i++)
		if (plan->rows[i].status == VS_HOOK_WAITING)
			return true;
	return false;
}

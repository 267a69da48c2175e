// SPDX-License-Identifier: GPL-2.0
#include "why/classify_priv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rows.h"
#include "why/ways.h"

#define MAX_PROOF 40

static const char *const verdict_names[VS_VERDICTS] = {
	[VS_WHY_NOTIFIER_DEADLOCK] = "notifier-deadlock",
	[VS_WHY_CHAIN_DEADLOCK] = "chain-deadlock",
	[VS_WHY_DEAD_OWNER] = "dead-owner",
	[VS_WHY_LEAK_SUSPECT] = "leak-suspect",
	[VS_WHY_CONTAINER_STALL] = "container-stall",
	[VS_WHY_IN_USE] = "in-use",
	[VS_WHY_DEFERRED_LATE] = "deferred-late",
	[VS_WHY_NOT_VFIO] = "not-vfio",
	[VS_WHY_UNEXPLAINED] = "unexplained",
	[VS_WHY_COLLATERAL] = "collateral",
	[VS_WHY_CANNOT_START] = "cannot-start",
	[VS_WHY_NOT_SEEN] = "not-seen",
	[VS_WHY_IDLE] = "idle",
	[VS_WHY_NOT_APPLICABLE] = "not-applicable",
	[VS_WHY_NOT_SHOWN] = "not-shown",
};

const char *vs_why_verdict__name(enum vs_why_verdict verdict)
{
	return verdict_names[verdict];
}

const char *vs_confidence__name(enum vs_confidence confidence)
{
	static const char *const names[] = { "low", "medium", "high" };

	return names[confidence];
}

struct vs_why_case *why_case__add(struct vs_why *why, enum vs_why_verdict verdict,
				  const struct vs_ev_task *t)
{
	struct vs_why_case *c = vs_rows__add(&why->cases, &why->nr_cases, sizeof(*c));

	if (!c)
		return NULL;
	c->verdict = verdict;
	c->task = t;
	c->group = -1;
	c->since_ns = t ? t->waited_ns : VS_EV_UNKNOWN;
	c->at_most_ns = VS_EV_UNKNOWN;
	if (t)
		vs_ways__of(t, c->way, sizeof(c->way));
	return c;
}

int why_case__prove(struct vs_why_case *c, const char *format, ...)
{
	char (*line)[VS_WHY_PROOF_LEN];
	va_list args;

	if (c->nr_proof == MAX_PROOF)
		return 0;
	line = vs_rows__add(&c->proof, &c->nr_proof, sizeof(*line));
	if (!line)
		return -ENOMEM;
	va_start(args, format);
	vsnprintf(*line, sizeof(*line), format, args);
	va_end(args);
	return 0;
}

int why_case__prove_stack_of(struct vs_why_case *c, const struct vs_ev_task *t, size_t last)
{
	char name[VS_TASK_LEN];
	int err;

	vs_name__task(name, t->comm, t->tid, 0);
	err = why_case__prove(c, "kernel stack of %s:", name);
	for (size_t i = 0; !err && i <= last && i < t->nr_frames; i++)
		err = why_case__prove(c, "  %s", t->frames[i]);
	return err;
}

int why_case__prove_stack(struct vs_why_case *c, size_t last)
{
	return why_case__prove_stack_of(c, c->task, last);
}

void why_case__free(struct vs_why_case *c)
{
	free(c->holders);
	free(c->victims);
	free(c->proof);
	free(c->start);
}

/* -- devices and groups -- */

const struct vs_snap_device *why_device__named(const struct vs_evidence *e, const char *name)
{
	for (size_t i = 0; i < e->snapshot.nr_devices; i++)
		if (!strcmp(e->snapshot.devices[i].name, name))
			return &e->snapshot.devices[i];
	return NULL;
}

const struct vs_snap_group *why_group__numbered(const struct vs_evidence *e, int number)
{
	for (size_t i = 0; number >= 0 && i < e->snapshot.nr_groups; i++)
		if (e->snapshot.groups[i].number == number)
			return &e->snapshot.groups[i];
	return NULL;
}

int why_group__devices(const struct vs_evidence *e, const struct vs_snap_group *g)
{
	int nr = 0;

	for (size_t i = 0; i < e->snapshot.nr_devices; i++)
		nr += e->snapshot.devices[i].address && e->snapshot.devices[i].group == g->address;
	return nr;
}

void why_case__take_device(struct vs_why_case *c, const struct vs_evidence *e,
			   const struct vs_ev_locked *l)
{
	const struct vs_snap_device *d = why_device__named(e, l->name);

	memcpy(c->device, l->name, sizeof(c->device));
	memcpy(c->driver, l->driver, sizeof(c->driver));
	if (d && c->group < 0)
		c->group = d->number;
	if (d && !c->driver[0])
		memcpy(c->driver, d->driver, sizeof(c->driver));
}

static const struct vs_snap_device *locked_by(const struct vs_evidence *e,
					      const struct vs_ev_task *t)
{
	const struct vs_snap_device *found = NULL;

	for (size_t i = 0; i < t->nr_locked; i++) {
		const struct vs_snap_device *d = why_device__named(e, t->locked[i].name);

		if (d && (!found || d->leaving || (d->address && !found->address)))
			found = d;
	}
	return found;
}

static const struct vs_snap_device *awaited_by(const struct vs_evidence *e,
					       const struct vs_ev_task *t)
{
	for (size_t i = 0; t->address && i < e->snapshot.nr_devices; i++)
		if (e->snapshot.devices[i].waiter == t->address)
			return &e->snapshot.devices[i];
	return NULL;
}

bool why_device__names(const struct vs_evidence *e, const struct vs_ev_task *t)
{
	return awaited_by(e, t);
}

bool why_device__is_leaving(const struct vs_snap_device *d)
{
	return d->waiter || (d->leaving && d->refs > 0);
}

static bool is_unregistering(const struct vs_ev_task *t)
{
	return why_frames__unregister(t) < t->nr_frames;
}

/* If there is one such device and one such task, they belong together. */
static const struct vs_snap_device *only_leaving(const struct vs_evidence *e,
						 const struct vs_ev_task *t)
{
	const struct vs_snap_device *found = NULL;

	for (size_t i = 0; i < e->nr_tasks; i++)
		if (&e->tasks[i] != t && is_unregistering(&e->tasks[i]))
			return NULL;
	for (size_t i = 0; i < e->snapshot.nr_devices; i++) {
		const struct vs_snap_device *d = &e->snapshot.devices[i];

		if (why_device__is_leaving(d) && found)
			return NULL;
		if (why_device__is_leaving(d))
			found = d;
	}
	return found && !found->waiter ? found : NULL;
}

const struct vs_snap_device *why_device__left_by(const struct vs_evidence *e,
						 const struct vs_ev_task *t)
{
	const struct vs_snap_device *d = awaited_by(e, t);

	if (d || !is_unregistering(t))
		return d;
	d = locked_by(e, t);
	return d ? d : only_leaving(e, t);
}

const struct vs_snap_group *why_group__left_by(const struct vs_evidence *e,
					       const struct vs_ev_task *t)
{
	for (size_t i = 0; t->address && i < e->snapshot.nr_groups; i++)
		if (e->snapshot.groups[i].waiter == t->address)
			return &e->snapshot.groups[i];
	return NULL;
}

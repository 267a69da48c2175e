// SPDX-License-Identifier: GPL-2.0
#include "why/classify_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "why/holders.h"

static int group_asked(const struct vs_evidence *e, const struct vs_why_subject *s)
{
	const struct vs_snap_device *d = s->device ? why_device__named(e, s->device) : NULL;

	return d ? d->number : s->device ? -1 : s->group;
}

static bool task_is(const struct vs_ev_task *t, uint32_t pid)
{
	return t && (t->tid == pid || t->tgid == pid);
}

static bool concerns_pid(const struct vs_why_case *c, uint32_t pid)
{
	bool found = task_is(c->task, pid);

	for (size_t i = 0; i < c->nr_victims; i++)
		found |= task_is(c->victims[i].task, pid);
	for (size_t i = 0; i < c->nr_holders; i++)
		found |= c->holders[i].tgid == pid;
	return found;
}

static bool is_about(const struct vs_ev_task *t, const char *device)
{
	size_t len = strlen(device);

	for (const char *at = t->about; (at = strstr(at, device)); at += len)
		if ((at == t->about || at[-1] == ' ') && (!at[len] || at[len] == ' '))
			return true;
	return false;
}

static bool has_locked(const struct vs_ev_task *t, const char *device)
{
	for (size_t i = 0; t && i < t->nr_locked; i++)
		if (!strcmp(t->locked[i].name, device))
			return true;
	return t && (strstr(t->lock_name, device) || is_about(t, device));
}

/* Some device of the group is about to be removed by the task. */
static bool is_about_group(const struct vs_evidence *e, const struct vs_ev_task *t, int group)
{
	for (size_t i = 0; group >= 0 && i < e->snapshot.nr_devices; i++)
		if (e->snapshot.devices[i].number == group &&
		    is_about(t, e->snapshot.devices[i].name))
			return true;
	return false;
}

static bool concerns_group(const struct vs_why_case *c, const struct vs_evidence *e, int group)
{
	bool found = c->group == group;

	for (size_t i = 0; i < c->nr_victims; i++)
		found |= is_about_group(e, c->victims[i].task, group);
	return found;
}

static bool concerns_device(const struct vs_why_case *c, const char *device)
{
	bool found = !strcmp(c->device, device) || has_locked(c->task, device);

	for (size_t i = 0; i < c->nr_victims; i++)
		found |= has_locked(c->victims[i].task, device);
	return found;
}

static bool is_of_vfio(const struct vs_evidence *e, const struct vs_why_subject *s)
{
	const struct vs_snap_device *d = s->device ? why_device__named(e, s->device) : NULL;

	return d ? d->address : !s->device && why_group__numbered(e, s->group);
}

/* A case whose device is not known. */
static bool may_concern(const struct vs_why_case *c, const struct vs_evidence *e,
			const struct vs_why_subject *s)
{
	bool leaves = c->verdict == VS_WHY_IN_USE || c->verdict == VS_WHY_CONTAINER_STALL;

	if (c->device[0] || c->group >= 0)
		return false;
	return e->weaker || (leaves && is_of_vfio(e, s));
}

/* Another device of the group may be used, and leave, meanwhile. */
static bool is_of_a_device(const struct vs_why_case *c)
{
	return c->verdict == VS_WHY_IN_USE && c->device[0];
}

static bool is_certain(const struct vs_why_case *c, const struct vs_evidence *e,
		       const struct vs_why_subject *s)
{
	int group = group_asked(e, s);

	if (s->pid)
		return concerns_pid(c, s->pid);
	if (s->device && concerns_device(c, s->device))
		return true;
	if (!s->device && s->group < 0)
		return true;
	if (s->device)
		return group >= 0 && c->group == group && !is_of_a_device(c);
	return concerns_group(c, e, group);
}

enum vs_concern vs_why_case__concerns(const struct vs_why_case *c, const struct vs_evidence *e,
				      const struct vs_why_subject *s)
{
	if (is_certain(c, e, s))
		return VS_CONCERNS;
	return !s->pid && may_concern(c, e, s) ? VS_MAYBE : VS_CONCERNS_NOT;
}

/* Also a waiter that is out of sight counts. */
static size_t nr_waiting(const struct vs_why_case *c)
{
	bool leaves = c->verdict == VS_WHY_IN_USE || c->verdict == VS_WHY_CONTAINER_STALL;

	return c->nr_victims + (c->task || leaves);
}

void why_asked__keep(struct vs_why *why, const struct vs_evidence *e,
		     const struct vs_why_subject *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < why->nr_cases; i++) {
		if (vs_why_case__concerns(&why->cases[i], e, s)) { /* nothing says that it does not */
			why->cases[kept++] = why->cases[i];
			continue;
		}
		why->nr_elsewhere += nr_waiting(&why->cases[i]);
		why_case__free(&why->cases[i]);
	}
	why->nr_cases = kept;
}

/* Nothing waits, but before an unbind it is worth to know who uses the device. */
static int add_holders_anyway(struct vs_why_case *c, const struct vs_evidence *e,
			      const struct vs_why_subject *s)
{
	const struct vs_snap_group *g = why_group__numbered(e, c->group);
	int err = g ? vs_holders__of_group(e, g, c) : 0;

	for (size_t i = 0; !err && i < e->snapshot.nr_devices; i++) {
		const struct vs_snap_device *d = &e->snapshot.devices[i];

		if (d->number == c->group && (!s->device || !strcmp(d->name, s->device)))
			err = vs_holders__of_device(e, d->address, c);
	}
	c->nr_now = c->nr_holders;
	return err;
}

static bool is_vfio_there(const struct vs_evidence *e, const struct vs_why_subject *s)
{
	if (s->pid || (!s->device && s->group < 0))
		return e->has_vfio;
	return why_group__numbered(e, group_asked(e, s));
}

int why_asked__add_nothing(struct vs_why *why, const struct vs_evidence *e,
			   const struct vs_why_subject *s)
{
	bool there = is_vfio_there(e, s);
	enum vs_why_verdict verdict = e->snapshot.hidden_tasks ? VS_WHY_NOT_SEEN :
				      there ? VS_WHY_IDLE : VS_WHY_NOT_APPLICABLE;
	struct vs_why_case *c = why_case__add(why, verdict, NULL);
	int err = 0;

	if (!c)
		return -ENOMEM;
	c->nr_elsewhere = why->nr_elsewhere;
	c->reboot = verdict == VS_WHY_NOT_SEEN ? VS_REBOOT_UNKNOWN : VS_REBOOT_NO;
	c->confidence = e->snapshot.hidden_tasks ? VS_LOW :
			e->incomplete || (e->from_core && why->blind) ? VS_LOW :
			e->weaker || vs_evidence__is_partial(e) ? VS_MEDIUM : VS_HIGH;
	c->group = s->pid ? -1 : group_asked(e, s);
	if (s->device)
		snprintf(c->device, sizeof(c->device), "%s", s->device);
	for (size_t i = 0; s->pid && i < e->nr_tasks; i++)
		if (task_is(&e->tasks[i], s->pid) && !c->task)
			c->task = &e->tasks[i];
	if (there && c->group >= 0)
		err = add_holders_anyway(c, e, s);
	if (!err && c->task)
		err = why_case__prove_stack(c, 15);
	return err ?: why_start__add(e, s, c);
}

/* For a device or a group it is the task that removes it, unless that is the case itself. */
static bool is_asked(const struct vs_evidence *e, const struct vs_why_case *c,
		     const struct vs_ev_task *t, const struct vs_why_subject *s)
{
	if (s->pid)
		return task_is(t, s->pid);
	if (s->group >= 0)
		return c->group != s->group && is_about_group(e, t, s->group);
	return s->device && strcmp(c->device, s->device) && is_about(t, s->device);
}

void why_asked__find(struct vs_why *why, const struct vs_evidence *e,
		     const struct vs_why_subject *s)
{
	for (size_t i = 0; i < why->nr_cases; i++)
		for (size_t j = 0; j < why->cases[i].nr_victims; j++)
			if (is_asked(e, &why->cases[i], why->cases[i].victims[j].task, s))
				why->asked = why->cases[i].victims[j].task;
}

// SPDX-License-Identifier: GPL-2.0
#include "why/classify_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "snapshot/rows.h"
#include "why/names.h"

#define MAX_VICTIMS 4096

static bool is_victim_of(const struct vs_ev_task *t, const struct vs_ev_task *of, bool *likely)
{
	*likely = false;
	if (t == of || t->lock_kind == VS_EV_NO_LOCK || !t->lock)
		return false;
	if (t->owner && t->owner == of->address) {
		*likely = t->owner_reads && t->lock != of->lock && !why_frames__reads(of, t);
		return true;
	}
	return false;
}

/* A culprit that reads a lock and waits to write it: everybody at that lock waits for it. */
static bool is_at_lock_of(const struct vs_why_case *c, const struct vs_ev_task *t)
{
	return (c->verdict == VS_WHY_NOTIFIER_DEADLOCK || c->verdict == VS_WHY_CHAIN_DEADLOCK ||
		c->verdict == VS_WHY_DEAD_OWNER) &&
	       t != c->task && t->lock && t->lock == c->task->lock;
}

static bool is_in_tree(const struct vs_why_case *c, const struct vs_ev_task *t)
{
	for (size_t i = 0; i < c->nr_victims; i++)
		if (c->victims[i].task == t)
			return true;
	return c->task == t;
}

static int add_victim(struct vs_why_case *c, size_t at, const struct vs_ev_task *t,
		      unsigned int depth, bool likely)
{
	struct vs_why_victim v = { .task = t, .depth = depth, .likely = likely };

	if (c->nr_victims == MAX_VICTIMS)
		return 0;
	if (!vs_rows__add(&c->victims, &c->nr_victims, sizeof(v)))
		return -ENOMEM;
	snprintf(v.lock, sizeof(v.lock), "%s",
		 t->lock_name[0]	       ? t->lock_name
		 : t->lock_kind == VS_EV_MUTEX ? "mutex"
		 : t->lock_kind == VS_EV_RWSEM ? "rwsem"
					       : "lock that is not known without BPF");
	memmove(&c->victims[at + 1], &c->victims[at], (c->nr_victims - 1 - at) * sizeof(v));
	c->victims[at] = v;
	return 0;
}

/* Those who wait for c->victims[@below - 1], or for the culprit when that is 0. */
static int add_level(struct vs_why_case *c, const struct vs_evidence *e, size_t below)
{
	const struct vs_ev_task *of = below ? c->victims[below - 1].task : c->task;
	unsigned int depth = below ? c->victims[below - 1].depth + 1 : 1;
	bool likely;
	int err = 0;

	for (size_t i = e->nr_tasks; !err && i-- > 0;) {
		const struct vs_ev_task *t = &e->tasks[i];

		if ((is_victim_of(t, of, &likely) || (!below && is_at_lock_of(c, t))) &&
		    !is_in_tree(c, t))
			err = add_victim(c, below, t, depth, likely);
	}
	return err;
}

int why_victims__add(struct vs_why_case *c, const struct vs_evidence *e)
{
	int err = c->task ? add_level(c, e, 0) : 0;

	for (size_t i = 1; !err && i <= c->nr_victims; i++)
		err = add_level(c, e, i);
	return err;
}

static bool is_explained(const struct vs_why *why, const struct vs_ev_task *t)
{
	for (size_t i = 0; i < why->nr_cases; i++)
		if (is_in_tree(&why->cases[i], t))
			return true;
	return false;
}

/* Who is at the top of its own chain of owners, so that the tree begins there. */
static const struct vs_ev_task *top_of(const struct vs_evidence *e, const struct vs_ev_task *t)
{
	for (int i = 0; i < 32; i++) {
		const struct vs_ev_task *owner = vs_evidence__task_at(e, t->owner);

		if (!owner || owner == t)
			break;
		t = owner;
	}
	return t;
}

/* It is in VFIO, in the driver core, or changes a chain inside of one. */
static bool is_ours(const struct vs_ev_task *t)
{
	unsigned int flags = 0;

	for (size_t i = 0; i < t->nr_frames; i++)
		flags |= vs_frame__flags(t->frames[i]);
	return flags & (VS_FRAME_VFIO | VS_FRAME_DRIVER) ||
	       ((flags & VS_FRAME_CHAIN) && (flags & VS_FRAME_CALL));
}

/* Waits there, and no case has it. */
static bool is_open_question(const struct vs_evidence *e, const struct vs_ev_task *t)
{
	return t->state == 'D' && is_ours(t) &&
	       (why_frames__is_long(t, 5) || why_cycles__has(e, top_of(e, t)));
}

/* The lock's other waiters are behind the first one, so each lock is one case. */
int why_victims__add_dead_owners(struct vs_why *why, const struct vs_evidence *e)
{
	int err = 0;

	for (size_t i = 0; !err && i < e->nr_tasks; i++) {
		const struct vs_ev_task *t = &e->tasks[i];

		if (!is_ours(t) || !why_frames__owner_is_dead(e, t) || is_explained(why, t))
			continue;
		err = why_roots__add_dead_owner(why, e, t) ?:
		      why_victims__add(&why->cases[why->nr_cases - 1], e);
	}
	return err;
}

/* Its owner is no such waiter itself: the tree begins there. Nor does it wait for this one. */
static bool is_first_driver_lock(const struct vs_evidence *e, const struct vs_ev_task *t)
{
	const struct vs_ev_task *owner = vs_evidence__task_at(e, t->owner);

	return why_frames__driver_lock(t) &&
	       (why_frames__is_long(t, 1) || why_frames__in_rounds(t)) &&
	       !(owner && why_frames__driver_lock(owner)) &&
	       !vs_evidence__task_at(e, top_of(e, t)->owner);
}

int why_victims__add_driver_locks(struct vs_why *why, const struct vs_evidence *e)
{
	int err = 0;

	for (size_t i = 0; !err && i < e->nr_tasks; i++) {
		const struct vs_ev_task *t = &e->tasks[i];

		if (is_explained(why, t) || !is_first_driver_lock(e, t))
			continue;
		err = why_roots__add_driver_lock(why, e, t);
		err = err ?: why_victims__add(&why->cases[why->nr_cases - 1], e);
	}
	return err;
}

static int add_unexplained_one(struct vs_why *why, const struct vs_evidence *e,
			       const struct vs_ev_task *t)
{
	struct vs_why_case *c;
	int err;

	if (e->weaker && why->nr_cases)
		return add_victim(&why->cases[0], why->cases[0].nr_victims, t, 1, true);
	err = why_roots__add_unexplained(why, e, top_of(e, t));
	c = err ? NULL : &why->cases[why->nr_cases - 1];
	if (c && why_cycles__has(e, c->task)) {
		c->cycle = true;
		c->confidence = VS_HIGH;
		err = why_cycles__prove(c, e);
	}
	return err ?: why_victims__add(c, e);
}

/* Where locks are not known: behind the first one that is explained, likely. */
int why_victims__add_unexplained(struct vs_why *why, const struct vs_evidence *e)
{
	int err = 0;

	for (size_t i = 0; !err && i < e->nr_tasks; i++)
		if (is_open_question(e, &e->tasks[i]) && !is_explained(why, &e->tasks[i]))
			err = add_unexplained_one(why, e, &e->tasks[i]);
	return err;
}

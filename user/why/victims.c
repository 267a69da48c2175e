// SPDX-License-Identifier: GPL-2.0
#include "why/classify_priv.h"

#include "evidence/names.h"

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

/* If a culprit reads a lock and waits to write it, every task at that lock waits for it. */
static bool is_at_lock_of(const struct vs_why_case *c, const struct vs_ev_task *t)
{
	return (c->verdict == VS_WHY_NOTIFIER_DEADLOCK || c->verdict == VS_WHY_CHAIN_DEADLOCK ||
		c->verdict == VS_WHY_DEAD_OWNER) &&
	       t != c->task && t->lock && t->lock == c->task->lock;
}

static bool waits_for(const struct vs_why_case *c, const struct vs_evidence *e, const struct vs_ev_task *t,
		      const struct vs_ev_task *of, bool *likely)
{
	(void)e;
	return is_victim_of(t, of, likely) || (of == c->task && is_at_lock_of(c, t));
}

int why_victims__add(struct vs_why_case *c, const struct vs_evidence *e)
{
	struct why_tree tree = { e->tasks, e->nr_tasks, waits_for };

	return why_tree__grow(c, e, &tree);
}

/* Returns true if it is in VFIO, in the driver core, or changes a chain inside of one. */
static bool is_ours(const struct vs_ev_task *t)
{
	unsigned int flags = 0;

	for (size_t i = 0; i < t->nr_frames; i++)
		flags |= vs_frame__flags(t->frames[i]);
	return flags & (VS_FRAME_VFIO | VS_FRAME_DRIVER) ||
	       ((flags & VS_FRAME_CHAIN) && (flags & VS_FRAME_CALL));
}

/* Returns true if it sleeps there uninterruptibly, for long or because of a cycle of locks. */
static bool is_open_question(const struct vs_evidence *e, const struct vs_ev_task *t)
{
	return t->state == 'D' && is_ours(t) &&
	       (why_frames__is_long(t, 5) || why_cycles__has(e, why_tree__top(e, t)));
}

/* The lock's other waiters become victims of the first one, so each lock is one case. */
int why_victims__add_dead_owners(struct vs_why *why, const struct vs_evidence *e)
{
	int err = 0;

	for (size_t i = 0; !err && i < e->nr_tasks; i++) {
		const struct vs_ev_task *t = &e->tasks[i];

		if (!is_ours(t) || !why_frames__owner_is_dead(e, t) || why_tree__explains(why, t))
			continue;
		err = why_roots__add_dead_owner(why, e, t) ?:
		      why_victims__add(&why->cases[why->nr_cases - 1], e);
	}
	return err;
}

/* The tree begins at a waiter whose owner is no such waiter itself. Its chain of owners must have an end. */
static bool is_first_driver_lock(const struct vs_evidence *e, const struct vs_ev_task *t)
{
	const struct vs_ev_task *owner = vs_evidence__task_at(e, t->owner);

	return why_frames__driver_lock(t) &&
	       (why_frames__is_long(t, 1) || why_frames__in_rounds(t)) &&
	       !(owner && why_frames__driver_lock(owner)) &&
	       !vs_evidence__task_at(e, why_tree__top(e, t)->owner);
}

int why_victims__add_driver_locks(struct vs_why *why, const struct vs_evidence *e)
{
	int err = 0;

	for (size_t i = 0; !err && i < e->nr_tasks; i++) {
		const struct vs_ev_task *t = &e->tasks[i];

		if (why_tree__explains(why, t) || !is_first_driver_lock(e, t))
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
		return why_tree__add(&why->cases[0], why->cases[0].nr_victims, t, 1, true);
	err = why_roots__add_unexplained(why, e, why_tree__top(e, t));
	c = err ? NULL : &why->cases[why->nr_cases - 1];
	if (c && why_cycles__has(e, c->task)) {
		c->cycle = true;
		c->confidence = VS_HIGH;
		err = why_cycles__prove(c, e);
	}
	return err ?: why_victims__add(c, e);
}

/* If locks are not known, such a task becomes a likely victim of the first case. */
int why_victims__add_unexplained(struct vs_why *why, const struct vs_evidence *e)
{
	int err = 0;

	for (size_t i = 0; !err && i < e->nr_tasks; i++)
		if (is_open_question(e, &e->tasks[i]) && !why_tree__explains(why, &e->tasks[i]))
			err = add_unexplained_one(why, e, &e->tasks[i]);
	return err;
}

// SPDX-License-Identifier: GPL-2.0
/* Finds tasks that wait for each other: for locks, or a holder for the task that waits for it. */
#include "why/classify_priv.h"

#define MAX_CYCLE 64	/* tasks in a chain of owners */

/* A mutex, or an rwsem that is held for writing, has only one owner. */
static const struct vs_ev_task *sure_owner(const struct vs_evidence *e, const struct vs_ev_task *t)
{
	if (!t->lock || !t->owner || t->owner_reads || t->state != 'D' ||
	    !why_frames__is_long(t, 1))
		return NULL;
	return vs_evidence__task_at(e, t->owner);
}

bool why_cycles__has(const struct vs_evidence *e, const struct vs_ev_task *t)
{
	const struct vs_ev_task *at = sure_owner(e, t);

	for (int i = 0; at && at != t && i < MAX_CYCLE; i++)
		at = sure_owner(e, at);
	return at == t;
}

/* Returns true if neither it nor a victim between it and the culprit is a guess. */
static bool is_sure(const struct vs_why_case *c, size_t i)
{
	unsigned int depth = c->victims[i].depth;

	for (size_t j = i + 1; depth && j-- > 0;) {
		if (c->victims[j].depth != depth)
			continue;
		if (c->victims[j].likely)
			return false;
		depth--;
	}
	return true;
}

static bool is_holder(const struct vs_why_case *c, uint32_t tgid)
{
	for (size_t i = 0; i < c->nr_holders; i++)
		if (c->holders[i].tgid == tgid && !c->holders[i].likely)
			return true;
	return false;
}

/* It has closed the device, and no other task can get through the release. */
static bool is_releasing(const struct vs_why_case *c, const struct vs_ev_task *t)
{
	for (size_t i = 0; i < c->nr_holders; i++)
		if (c->holders[i].how == VS_HOLD_RELEASE && c->holders[i].tid == t->tid &&
		    !c->holders[i].likely)
			return true;
	return false;
}

/* From the holder to the waiter: each waits for the nearest shallower one before it. */
static int prove_circle(struct vs_why_case *c)
{
	char waits[VS_TASK_LEN], has[VS_TASK_LEN];
	size_t i = 0;
	int err = 0;

	while (i < c->nr_victims && c->victims[i].task != c->waits_back)
		i++;
	while (!err && i < c->nr_victims) {
		const struct vs_why_victim *v = &c->victims[i];
		size_t up = i;

		while (up > 0 && c->victims[up].depth >= v->depth)
			up--;
		if (c->victims[up].depth >= v->depth)
			up = c->nr_victims;
		vs_name__task(waits, v->task->comm, v->task->tid, 0);
		vs_name__task(has, up < c->nr_victims ? c->victims[up].task->comm : c->task->comm,
			      up < c->nr_victims ? c->victims[up].task->tid : c->task->tid, 0);
		err = why_case__prove(c, "%s waits for the %s, which %s has", waits, v->lock, has);
		i = up;
	}
	vs_name__task(waits, c->task->comm, c->task->tid, 0);
	vs_name__task(has, c->waits_back->comm, c->waits_back->tid, 0);
	return err ?: why_case__prove(c, "%s waits until %s is through with the release of %s", waits, has,
				      c->device[0] ? c->device : "the device");
}

int why_cycles__find_back(struct vs_why_case *c)
{
	char back[VS_TASK_LEN], first[VS_TASK_LEN];

	for (size_t i = 0; i < c->nr_victims && !c->waits_back; i++) {
		const struct vs_why_victim *v = &c->victims[i];

		if (v->task->state == 'D' && is_sure(c, i) && is_holder(c, v->task->tgid))
			c->waits_back = v->task;
	}
	if (!c->waits_back)
		return 0;
	if (is_releasing(c, c->waits_back)) {
		c->cycle = true;
		c->reboot = VS_REBOOT_YES;
		return prove_circle(c);
	}
	c->reboot = VS_REBOOT_UNKNOWN;
	vs_name__task(back, c->waits_back->comm, c->waits_back->tid, 0);
	vs_name__task(first, c->task->comm, c->task->tid, 0);
	return why_case__prove(c, "holder %u: its task %s waits for the %s, behind %s",
			       c->waits_back->tgid, back,
			       c->waits_back->lock_name[0] ? c->waits_back->lock_name : "lock", first);
}

/*
 * An owner that is hardly older than the wait may be the heir of a dead owner's memory, where nothing but the
 * lock's word names it: no name tells which lock that is. Twice the wait is a guess that only lowers confidence.
 */
static bool may_be_heir(const struct vs_ev_task *owner, const struct vs_ev_task *t)
{
	return !t->lock_name[0] && owner->age_ns && owner->age_ns / 2 < t->waited_ns;
}

static int doubt(struct vs_why_case *c, const struct vs_ev_task *owner, const struct vs_ev_task *t)
{
	char name[VS_TASK_LEN];

	if (!may_be_heir(owner, t))
		return 0;
	c->confidence = VS_LOW;
	vs_name__task(name, owner->comm, owner->tid, 0);
	return why_case__prove(c, "in doubt: %s is hardly older than that wait, so its memory may have been that of a task "
			       "which ended with the lock", name);
}

int why_cycles__prove(struct vs_why_case *c, const struct vs_evidence *e)
{
	char waits[VS_TASK_LEN], holds[VS_TASK_LEN];
	const struct vs_ev_task *t = c->task;
	int err = 0;

	for (int i = 0; !err && i < MAX_CYCLE; i++) {
		const struct vs_ev_task *owner = sure_owner(e, t);

		if (!owner)
			break;
		vs_name__task(waits, t->comm, t->tid, 0);
		vs_name__task(holds, owner->comm, owner->tid, 0);
		err = why_case__prove(c, "%s waits for the %s, which %s holds", waits,
				      t->lock_name[0] ? t->lock_name : "lock", holds);
		err = err ?: doubt(c, owner, t);
		if (owner == c->task)
			break;
		t = owner;
	}
	return err;
}

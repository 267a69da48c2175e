// SPDX-License-Identifier: GPL-2.0
#include "why/classify_priv.h"

#include <errno.h>
#include <string.h>

#include "base/plural.h"
#include "evidence/names.h"
#include "vfio/functions.h"
#include "why/holders.h"

static int deadlock_case(struct vs_why *why, const struct vs_evidence *e,
			 const struct vs_ev_task *t, size_t change, size_t call)
{
	bool ours = vs_ev_task__find(t, 0, VS_VFIO_NOTIFIER) < call;
	enum vs_why_verdict verdict = ours ? VS_WHY_NOTIFIER_DEADLOCK : VS_WHY_CHAIN_DEADLOCK;
	struct vs_why_case *c = why_case__add(why, verdict, t);
	int err;

	if (!c)
		return -ENOMEM;
	c->reboot = VS_REBOOT_YES;
	c->confidence = t->lock ? VS_HIGH : VS_MEDIUM;
	c->group = t->lock_group;
	if (t->nr_locked)
		why_case__take_device(c, e, &t->locked[0]);
	memcpy(c->place, t->frames[change], sizeof(c->place));
	err = why_case__prove_stack(c, call);
	if (!err && t->lock_outside)
		err = why_case__prove(c, "it waits to write the very lock of the chain that it is "
				      "called by (0x%llx)", (unsigned long long)t->lock);
	if (!err && t->owner && t->owner == t->address)
		err = why_case__prove(c, "the lock names it as its reader: it waits for itself");
	return err;
}

static int prove_counters(struct vs_why_case *c, const struct vs_evidence *e,
			  const struct vs_snap_device *d)
{
	const struct vs_snap_group *g = why_group__numbered(e, c->group);
	int err = 0;

	if (d && d->refs != VS_SNAP_UNKNOWN)
		err = why_case__prove(c, "%s: %d user%s left%s", d->name, d->refs,
				      vs_plural(d->refs),
				      d->leaving ? ", already off the group's list" : "");
	if (!err && g && g->refs != VS_SNAP_UNKNOWN)
		err = why_case__prove(c, "group %d: counter %d, container users %d, %s container",
				      g->number, g->refs, g->container_users,
				      g->container ? "in a" : "no");
	return err;
}

static enum vs_confidence holders_confidence(const struct vs_why_case *c)
{
	for (size_t i = 0; i < c->nr_holders; i++)
		if (!c->holders[i].likely && c->holders[i].tgid)
			return VS_HIGH;
	return c->nr_holders ? VS_MEDIUM : VS_LOW;
}

/* Up to v5.19 the wait for the container follows, if this is the group's last device. */
static bool stalls_later(const struct vs_evidence *e, const struct vs_why_case *c)
{
	const struct vs_snap_group *g = why_group__numbered(e, c->group);

	return e->snapshot.files_counted && g && g->container && why_group__devices(e, g) == 1;
}

static void take_subject(struct vs_why_case *c, const struct vs_evidence *e,
			 const struct vs_snap_device *d, const struct vs_snap_group *g)
{
	if (c->task && c->task->nr_locked)
		why_case__take_device(c, e, &c->task->locked[0]);
	if (d) {
		memcpy(c->device, d->name, sizeof(c->device));
		memcpy(c->driver, d->driver, sizeof(c->driver));
		c->group = d->number;
	} else if (g) {
		c->group = g->number;
	}
}

/* If the device is not known, any process that has one of them open may be its user. */
static int find_users(struct vs_why_case *c, const struct vs_evidence *e,
		      const struct vs_snap_device *d)
{
	if (d && d->address)
		return vs_holders__of_device(e, d->address, c);
	return vs_holders__of_any(e, c);
}

/* Finds the holders of the device and, on kernels where a wait for the container follows, of its group. */
static int find_holders(struct vs_why_case *c, const struct vs_evidence *e,
			const struct vs_snap_device *d)
{
	const struct vs_snap_group *g = why_group__numbered(e, c->group);
	bool users = c->verdict == VS_WHY_IN_USE;
	int err = users ? find_users(c, e, d) : 0;

	c->confidence = holders_confidence(c);
	c->nr_now = c->nr_holders;
	if (!err && g && (!users || stalls_later(e, c)))
		err = vs_holders__of_group(e, g, c);
	if (!users) {
		c->confidence = holders_confidence(c);
		c->nr_now = c->nr_holders;
	}
	return err;
}

static int prove_waiter(struct vs_why_case *c, const struct vs_snap_device *d,
			const struct vs_snap_group *g)
{
	if (d && d->waiter && d->waiter == c->task->address)
		return why_case__prove(c, "%s names it as the one who waits for its users", d->name);
	if (g)
		return why_case__prove(c, "group %d names it as the one who waits until it has left its "
				       "container", g->number);
	return 0;
}

/*
 * Others have to release what this task waits for: its wait begins anew every 10 s. @frame is
 * nr_frames if the stack does not show the wait; then the device or the group does.
 */
static int unregister_case(struct vs_why *why, const struct vs_evidence *e,
			   const struct vs_ev_task *t, size_t frame)
{
	const struct vs_snap_device *d = why_device__left_by(e, t);
	const struct vs_snap_group *g = why_group__left_by(e, t);
	bool users = !g && why_frames__waits_for_users(t, d);
	struct vs_why_case *c =
		why_case__add(why, users ? VS_WHY_IN_USE : VS_WHY_CONTAINER_STALL, t);
	int err;

	if (!c)
		return -ENOMEM;
	if (frame == t->nr_frames)
		frame = 0;
	if (t->nr_frames)
		memcpy(c->place, t->frames[frame], sizeof(c->place));
	if (users)
		c->at_most_ns = t->age_ns;
	take_subject(c, e, d, g);
	err = find_holders(c, e, d);
	return err ?: why_case__prove_stack(c, frame) ?: prove_waiter(c, d, g) ?:
	       prove_counters(c, e, d);
}

/* The waiting task is out of sight: in another PID namespace, or just not in the list. */
static int unseen_case(struct vs_why *why, const struct vs_evidence *e,
		       const struct vs_snap_device *d, const struct vs_snap_group *g)
{
	const struct vs_ev_task *t = vs_evidence__task_at(e, d ? d->waiter : g->waiter);
	struct vs_why_case *c =
		why_case__add(why, d ? VS_WHY_IN_USE : VS_WHY_CONTAINER_STALL, t);
	int err;

	if (!c)
		return -ENOMEM;
	if (!t)
		c->reboot = VS_REBOOT_UNKNOWN;
	take_subject(c, e, d, g);
	err = find_holders(c, e, d);
	if (c->confidence == VS_HIGH)
		c->confidence = VS_MEDIUM;
	if (!err && t)
		err = prove_waiter(c, d, g);
	return err ?: prove_counters(c, e, d);
}

static bool has_case(const struct vs_why *why, const struct vs_snap_device *d, int group)
{
	for (size_t i = 0; i < why->nr_cases; i++) {
		const struct vs_why_case *c = &why->cases[i];

		if (d ? !strcmp(c->device, d->name) : c->group == group)
			return true;
	}
	return false;
}

int why_roots__add_unseen(struct vs_why *why, const struct vs_evidence *e)
{
	const struct vs_snapshot *s = &e->snapshot;
	int err = 0;

	for (size_t i = 0; !err && i < s->nr_devices; i++)
		if (why_device__is_leaving(&s->devices[i]) && !has_case(why, &s->devices[i], -1))
			err = unseen_case(why, e, &s->devices[i], NULL);
	for (size_t i = 0; !err && i < s->nr_groups; i++)
		if (s->groups[i].waiter && !has_case(why, NULL, s->groups[i].number))
			err = unseen_case(why, e, NULL, &s->groups[i]);
	return err;
}

static int driver_case(struct vs_why *why, const struct vs_evidence *e, const struct vs_ev_task *t,
		       size_t frame)
{
	struct vs_why_case *c = why_case__add(why, VS_WHY_NOT_VFIO, t);

	if (!c)
		return -ENOMEM;
	c->confidence = t->waited_ns == VS_EV_UNKNOWN ? VS_MEDIUM : VS_HIGH;
	if (why_frames__in_rounds(t)) {
		c->confidence = VS_MEDIUM;
		c->since_ns = t->stayed_ns;
		c->at_most_ns = t->age_ns;
	}
	memcpy(c->place, t->frames[frame], sizeof(c->place));
	if (t->nr_locked)
		why_case__take_device(c, e, &t->locked[0]);
	return why_case__prove_stack(c, frame + 1);
}

int why_roots__add_dead_owner(struct vs_why *why, const struct vs_evidence *e,
			      const struct vs_ev_task *t)
{
	struct vs_why_case *c = why_case__add(why, VS_WHY_DEAD_OWNER, t);
	const struct vs_ev_task *there = vs_evidence__task_at(e, t->dead_owner);
	const char *lock = t->lock_name[0] ? t->lock_name : "lock";
	int err;

	if (!c)
		return -ENOMEM;
	c->reboot = VS_REBOOT_YES;
	c->confidence = VS_HIGH;
	c->owner = vs_evidence__task_at(e, t->owner);
	if (t->nr_locked)
		why_case__take_device(c, e, &t->locked[0]);
	if (t->nr_frames)
		memcpy(c->place, t->frames[0], sizeof(c->place));
	err = why_case__prove_stack(c, 15);
	if (!err && c->owner)
		err = why_case__prove(c, "the %s names task %u as its owner, which has ended (state "
				      "%c)", lock, c->owner->tid, c->owner->state);
	else if (!err && there)
		err = why_case__prove(c, "the %s names 0x%llx as its owner; task %u is there, and was "
				      "created after this wait began", lock,
				      (unsigned long long)t->dead_owner, there->tid);
	else if (!err)
		err = why_case__prove(c, "the %s names 0x%llx as its owner, and no task is there", lock,
				      (unsigned long long)t->dead_owner);
	return err;
}

/* A task that runs in VFIO may have much to do or never end: nothing tells which. */
static int running_case(struct vs_why *why, const struct vs_evidence *e, const struct vs_ev_task *t)
{
	size_t frame = why_frames__driver(t);
	bool driver = frame < t->nr_frames && !why_frames__has(t, frame, VS_FRAME_VFIO);
	struct vs_why_case *c =
		why_case__add(why, driver ? VS_WHY_NOT_VFIO : VS_WHY_UNEXPLAINED, t);

	if (!c)
		return -ENOMEM;
	if (!driver)
		frame = why_frames__first(t, 0, VS_FRAME_VFIO);
	c->runs = true;
	c->confidence = t->from_memory || e->from_core ? VS_LOW : VS_MEDIUM;
	c->reboot = VS_REBOOT_UNKNOWN;
	c->since_ns = t->stayed_ns;
	if (t->from_memory && !strchr(t->frames[frame < t->nr_frames ? frame : 0], '['))
		frame++;	/* of no module, so of no driver: left from an earlier call */
	memcpy(c->place, t->frames[frame < t->nr_frames ? frame : 0], sizeof(c->place));
	if (t->nr_locked)
		why_case__take_device(c, e, &t->locked[0]);
	if (t->from_memory && why_case__prove(c, "it has had its CPU all the time, and was not in user "
					      "space; from the memory of its stack:"))
		return -ENOMEM;
	if (e->from_core && why_case__prove(c, "it has had its CPU all the time; whether it was in user space meanwhile "
					    "is not known"))
		return -ENOMEM;
	return why_case__prove_stack(c, frame + 1);
}

int why_roots__add_driver_lock(struct vs_why *why, const struct vs_evidence *e,
			       const struct vs_ev_task *t)
{
	int err = driver_case(why, e, t, why_frames__driver(t));
	struct vs_why_case *c = err ? NULL : &why->cases[why->nr_cases - 1];
	char name[VS_TASK_LEN];

	if (!c)
		return err;
	c->driver_lock = true;
	c->owner = vs_evidence__task_at(e, t->owner);
	if (!c->owner)
		return 0;
	if (t->owner_reads)
		c->confidence = VS_MEDIUM;
	vs_name__task(name, c->owner->comm, c->owner->tid, 0);
	return why_case__prove(c, "%s has %s", name,
			       t->owner_reads ? "the lock, with other readers maybe" : "the lock") ?:
	       why_case__prove_stack_of(c, c->owner, 7);
}

int why_roots__add_unexplained(struct vs_why *why, const struct vs_evidence *e,
			       const struct vs_ev_task *t)
{
	struct vs_why_case *c = why_case__add(why, VS_WHY_UNEXPLAINED, t);

	if (!c)
		return -ENOMEM;
	c->reboot = VS_REBOOT_UNKNOWN;
	if (t->nr_locked)
		why_case__take_device(c, e, &t->locked[0]);
	if (t->nr_frames)
		memcpy(c->place, t->frames[0], sizeof(c->place));
	return why_case__prove_stack(c, 15);
}

int why_roots__add(struct vs_why *why, const struct vs_evidence *e, const struct vs_ev_task *t)
{
	size_t change, call, frame;

	if (why_frames__keeps_running(t))
		return running_case(why, e, t);
	if (!why_frames__waiting(t))
		return 0;
	if (why_frames__chain_deadlock(t, &change, &call))
		return deadlock_case(why, e, t, change, call);
	frame = why_frames__unregister(t);
	if (why_device__names(e, t) || why_group__left_by(e, t))
		return unregister_case(why, e, t, frame);
	if (t->lock_kind != VS_EV_NO_LOCK)
		return 0;
	if (frame < t->nr_frames)
		return unregister_case(why, e, t, frame);
	if (t->state == 'D' && why_frames__iommufd(t) < t->nr_frames)
		return why_iommufd__add(why, e, t);
	frame = why_frames__driver(t);
	if (frame < t->nr_frames && !why_frames__has(t, frame, VS_FRAME_VFIO) &&
	    (why_frames__is_long(t, 1) || why_frames__in_rounds(t)))
		return driver_case(why, e, t, frame);
	return 0;
}

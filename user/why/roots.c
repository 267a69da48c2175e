// SPDX-License-Identifier: GPL-2.0
#include "why/classify_priv.h"

#include <errno.h>
#include <string.h>

#include "why/holders.h"
#include "why/names.h"

static int deadlock_case(struct vs_why *why, const struct vs_evidence *e,
			 const struct vs_ev_task *t, size_t change, size_t call)
{
	bool ours = vs_ev_task__find(t, 0, "vfio_iommu_group_notifier") < call;
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
				      d->refs == 1 ? "" : "s",
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

/* What this waiter waits for is released by others: its wait begins anew every 10 s. */
static int unregister_case(struct vs_why *why, const struct vs_evidence *e,
			   const struct vs_ev_task *t, size_t frame)
{
	const struct vs_snap_device *d = why_device__locked_by(e, t);
	bool users = why_frames__waits_for_users(t, d);
	struct vs_why_case *c =
		why_case__add(why, users ? VS_WHY_IN_USE : VS_WHY_CONTAINER_STALL, t);
	int err = 0;

	if (!c)
		return -ENOMEM;
	memcpy(c->place, t->frames[frame], sizeof(c->place));
	if (users)
		c->at_most_ns = t->age_ns;
	if (t->nr_locked)
		why_case__take_device(c, e, &t->locked[0]);
	if (d) {
		memcpy(c->device, d->name, sizeof(c->device));
		memcpy(c->driver, d->driver, sizeof(c->driver));
		c->group = d->number;
	}
	if (users)
		err = vs_holders__of_device(e, d ? d->address : 0, c);
	c->confidence = holders_confidence(c);
	c->nr_now = c->nr_holders;
	if (!err && (!users || stalls_later(e, c)) && why_group__numbered(e, c->group))
		err = vs_holders__of_group(e, why_group__numbered(e, c->group), c);
	if (!users) {
		c->confidence = holders_confidence(c);
		c->nr_now = c->nr_holders;
	}
	return err ?: why_case__prove_stack(c, frame) ?: prove_counters(c, e, d);
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

	if (!why_frames__waiting(t))
		return 0;
	if (why_frames__chain_deadlock(t, &change, &call))
		return deadlock_case(why, e, t, change, call);
	if (t->lock_kind != VS_EV_NO_LOCK)
		return 0;
	frame = why_frames__unregister(t);
	if (frame < t->nr_frames)
		return unregister_case(why, e, t, frame);
	frame = why_frames__driver(t);
	if (frame < t->nr_frames && !why_frames__has(t, frame, VS_FRAME_VFIO) &&
	    (why_frames__is_long(t, 1) || why_frames__in_rounds(t)))
		return driver_case(why, e, t, frame);
	return 0;
}

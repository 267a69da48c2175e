// SPDX-License-Identifier: GPL-2.0
#include "devices/usage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "why/holders.h"

#define DEVICE_FILE "anon_inode:[vfio-device]"

const char *vs_usage__state_name(enum vs_usage_state state)
{
	static const char *const names[VS_USAGE_STATES] = {
		[VS_USAGE_STUCK] = "stuck",
		[VS_USAGE_LEAVING] = "leaving",
		[VS_USAGE_IN_USE] = "in use",
		[VS_USAGE_HELD] = "held",
		[VS_USAGE_FREE] = "free",
		[VS_USAGE_UNUSED] = "unbound",
		[VS_USAGE_HOST] = "host",
	};

	return names[state];
}

/* What the snapshot has of a device and its group: looked up once, for a host may have thousands. */
struct asked {
	const struct vs_inventory *inv;
	const struct vs_evidence *e;
	const struct vs_device *d;
	const struct vs_snap_device *seen;	/* NULL: not in it */
	const struct vs_snap_group *group;	/* the same */
};

static const struct vs_snap_device *seen_device(const struct vs_evidence *e, const char *name)
{
	for (size_t i = 0; i < e->snapshot.nr_devices; i++)
		if (!strcmp(e->snapshot.devices[i].name, name))
			return &e->snapshot.devices[i];
	return NULL;
}

static const struct vs_snap_group *seen_group(const struct vs_evidence *e, int number)
{
	for (size_t i = 0; number >= 0 && i < e->snapshot.nr_groups; i++)
		if (e->snapshot.groups[i].number == number)
			return &e->snapshot.groups[i];
	return NULL;
}

/* -- where memory was not to be read: by names of files and by arguments -- */

static int add_group_files(const struct vs_evidence *e, const struct vs_device *d, struct vs_why_case *c)
{
	char path[40];

	snprintf(path, sizeof(path), "/dev/vfio/%s%d", d->noiommu ? "noiommu-" : "", d->group);
	return d->group < 0 ? 0 : vs_holders__with_open(e, path, VS_SNAP_GROUP_FILE, c);
}

static bool has_group(const struct vs_why_case *groups, uint32_t tgid)
{
	for (size_t i = 0; i < groups->nr_holders; i++)
		if (groups->holders[i].tgid == tgid)
			return true;
	return false;
}

static bool is_only(const struct vs_inventory *inv, const struct vs_device *d)
{
	const struct vs_device *other;
	size_t at = 0;

	while ((other = vs_inventory__member(inv, d->group, &at)))
		if (other != d && vs_device__is_vfio(other))
			return false;
	return true;
}

/* QEMU's arguments tell which devices of a group it has. 1: this one, -1: another one, 0: they name none. */
static int named_by(const struct vs_inventory *inv, const struct vs_evidence *e, const struct vs_device *d,
		    uint32_t tgid)
{
	const struct vs_ev_process *p = vs_evidence__process(e, tgid);
	const struct vs_device *other;
	int found = 0;
	size_t at = 0;

	if (p && vs_holders__names(p->vfio_args, d->name))
		return 1;
	while (p && !found && (other = vs_inventory__member(inv, d->group, &at)))
		found = vs_holders__names(p->vfio_args, other->name) ? -1 : 0;
	return found;
}

/*
 * All device files have the same name. One of a process that has the group open, too, is of this group; of
 * which of its devices, only arguments tell where there are several.
 */
static int add_device_files(const struct vs_inventory *inv, const struct vs_evidence *e, const struct vs_device *d,
			    const struct vs_why_case *groups, struct vs_why_case *c)
{
	size_t from = c->nr_holders, kept = from;
	int err = vs_holders__with_open(e, DEVICE_FILE, VS_SNAP_DEVICE_FILE, c);
	bool only = is_only(inv, d);

	for (size_t i = from; !err && i < c->nr_holders; i++) {
		int named = named_by(inv, e, d, c->holders[i].tgid);

		if (named < 0 || !has_group(groups, c->holders[i].tgid))
			continue;
		c->holders[i].likely = !only && !named;
		if (kept > from && c->holders[kept - 1].tgid == c->holders[i].tgid)
			c->holders[kept - 1].fd = -1; /* nothing tells which */
		else
			c->holders[kept++] = c->holders[i];
	}
	c->nr_holders = err ? c->nr_holders : kept;
	return err;
}

/* A process whose files were seen needs no guess from its arguments. */
static void drop_known(struct vs_why_case *c, size_t from)
{
	size_t kept = from;

	for (size_t i = from; i < c->nr_holders; i++) {
		bool known = false;

		for (size_t j = 0; j < from; j++)
			known |= c->holders[j].tgid == c->holders[i].tgid;
		if (!known)
			c->holders[kept++] = c->holders[i];
	}
	c->nr_holders = kept;
}

static int add_by_name(const struct vs_inventory *inv, const struct vs_evidence *e, const struct vs_device *d,
		       struct vs_why_case *c, size_t *nr_own)
{
	struct vs_why_case groups = {};
	char node[48];
	int err = add_group_files(e, d, &groups);
	size_t from;

	snprintf(node, sizeof(node), "/dev/vfio/devices/%s", d->node);
	if (!err && d->node[0])
		err = vs_holders__with_open(e, node, VS_SNAP_CDEV_FILE, c);
	err = err ?: add_device_files(inv, e, d, &groups, c);
	from = c->nr_holders;
	err = err ?: vs_holders__by_arguments(e, c);
	if (!err)
		drop_known(c, from);
	*nr_own = c->nr_holders;
	free(groups.holders);
	return err ?: add_group_files(e, d, c);
}

/* -- all holders -- */

static int add_holders(const struct asked *a, struct vs_why_case *c, size_t *nr_own)
{
	int err;

	if (a->e->weaker)
		return add_by_name(a->inv, a->e, a->d, c, nr_own);
	err = a->seen ? vs_holders__of_device(a->e, a->seen->address, c) : 0;
	*nr_own = c->nr_holders;
	return err ?: a->group ? vs_holders__of_group(a->e, a->group, c) : 0;
}

static void take_members(const struct vs_inventory *inv, struct vs_usage *u)
{
	const struct vs_device *other;
	size_t at = 0;

	while ((other = vs_inventory__member(inv, u->device->group, &at))) {
		if (!u->spoiler && vs_device__spoils_group(other))
			u->spoiler = other;
		u->nr_mates += other != u->device;
	}
}

/* The kernel counts a user that was not found. While it leaves, its registration has dropped its reference. */
static bool has_hidden_user(const struct vs_snap_device *seen, size_t nr_own)
{
	return seen && seen->address && !nr_own && !seen->leaving && !seen->waiter &&
	       (seen->open_count > 0 || seen->refs > 1);
}

/* A device at a driver of the host has no users through VFIO, whatever was not to be seen. */
static bool is_unseen(const struct asked *a, size_t nr_own)
{
	const struct vs_snapshot *s = &a->e->snapshot;

	if (has_hidden_user(a->seen, nr_own))
		return true;
	if (a->d->driver[0] && !vs_device__is_vfio(a->d) && !(a->seen && a->seen->address))
		return false;
	return a->e->has_vfio && (a->e->weaker || s->hidden_tasks || !s->scope.fds || !s->scope.maps);
}

static bool by_iommufd(const struct vs_evidence *e, const struct vs_why_holder *h)
{
	for (size_t i = 0; i < e->snapshot.nr_fds; i++) {
		const struct vs_snap_fd *f = &e->snapshot.fds[i];

		if (f->tgid == h->tgid && ((f->file == h->file && f->iommufd) || f->kind == VS_SNAP_IOMMUFD_FILE))
			return true;
	}
	return h->kind == VS_SNAP_CDEV_FILE && h->how == VS_HOLD_FD;
}

static enum vs_usage_through find_through(const struct asked *a, const struct vs_usage *u)
{
	if (!u->nr_holders)
		return VS_THROUGH_UNKNOWN;
	if (u->device->noiommu)
		return VS_THROUGH_NOIOMMU;
	if (a->group && a->group->container)
		return VS_THROUGH_CONTAINER;
	for (size_t i = 0; i < u->nr_own; i++)
		if (by_iommufd(a->e, &u->holders[i]))
			return VS_THROUGH_IOMMUFD;
	return VS_THROUGH_UNKNOWN;
}

/* -- trouble -- */

static bool is_trouble(enum vs_why_verdict verdict)
{
	return verdict < VS_WHY_COLLATERAL;
}

/*
 * A device that leaves its driver may be missing in the snapshot, and its group is known from sysfs alone. A
 * case of one device of the group says nothing of the others.
 */
static enum vs_concern concern_of(const struct vs_evidence *e, const struct vs_why_case *c, const struct vs_device *d)
{
	const struct vs_why_subject device = { .device = d->name, .group = -1 }, group = { .group = d->group };
	enum vs_concern concern = is_trouble(c->verdict) ? vs_why_case__concerns(c, e, &device) : VS_CONCERNS_NOT;

	if (concern != VS_CONCERNS && is_trouble(c->verdict) && d->group >= 0 &&
	    (c->verdict != VS_WHY_IN_USE || !c->device[0]) && c->group >= 0)
		concern = vs_why_case__concerns(c, e, &group);
	return concern;
}

static void find_trouble(const struct vs_evidence *e, const struct vs_why *why, struct vs_usage *u)
{
	for (size_t i = 0; why && i < why->nr_cases; i++) {
		const struct vs_why_case *c = &why->cases[i];
		enum vs_concern concern = concern_of(e, c, u->device);

		if (concern == VS_CONCERNS && !u->trouble)
			u->trouble = c;
		if (concern == VS_MAYBE && !u->suspected)
			u->suspected = c;
	}
}

static enum vs_usage_state find_state(const struct vs_snap_device *seen, const struct vs_usage *u)
{
	if (u->trouble && u->trouble->verdict != VS_WHY_IN_USE && u->trouble->verdict != VS_WHY_CONTAINER_STALL)
		return VS_USAGE_STUCK;
	if (u->trouble || (seen && (seen->leaving || seen->waiter)))
		return VS_USAGE_LEAVING;
	if (u->nr_own)
		return VS_USAGE_IN_USE;
	if (!u->device->driver[0])
		return VS_USAGE_UNUSED;
	if (!vs_device__is_vfio(u->device) && !(seen && seen->address))
		return VS_USAGE_HOST;
	return u->nr_holders ? VS_USAGE_HELD : VS_USAGE_FREE;
}

int vs_usage__of(const struct vs_inventory *inv, const struct vs_evidence *e, const struct vs_why *why,
		 const struct vs_device *d, struct vs_usage *u)
{
	const struct asked a = { inv, e, d, seen_device(e, d->name), seen_group(e, d->group) };
	struct vs_why_case c = { .group = d->group };
	int err;

	*u = (struct vs_usage){ .device = d, .driver = d->driver };
	if (a.seen && !d->driver[0])
		u->driver = a.seen->driver;
	memcpy(c.device, d->name, sizeof(c.device));
	err = add_holders(&a, &c, &u->nr_own);
	u->holders = c.holders;
	u->nr_holders = c.nr_holders;
	if (err) {
		vs_usage__free(u);
		return err;
	}
	u->unseen = is_unseen(&a, u->nr_own);
	take_members(inv, u);
	u->through = find_through(&a, u);
	find_trouble(e, why, u);
	u->state = find_state(a.seen, u);
	return 0;
}

void vs_usage__free(struct vs_usage *u)
{
	free(u->holders);
	memset(u, 0, sizeof(*u));
}

uint64_t vs_usage__age(const struct vs_evidence *e, const struct vs_why_holder *h)
{
	const struct vs_ev_process *p = h->tgid ? vs_evidence__process(e, h->tgid) : NULL;

	return p && p->age_ns ? p->age_ns : VS_EV_UNKNOWN;
}

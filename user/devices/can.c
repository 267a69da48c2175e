// SPDX-License-Identifier: GPL-2.0
#include "devices/can.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/exit_codes.h"
#include "base/name.h"
#include "base/plural.h"
#include "base/rows.h"
#include "base/words.h"
#include "why/advice.h"
#include "why/holders.h"

struct deciding {
	const struct vs_devices_facts *facts;
	const struct vs_can_question *q;
	struct vs_can *can;
	struct vs_why_case holders;	/* all that have to let go */
	bool no_memory;
};

const char *vs_can__way_name(enum vs_can_way way)
{
	static const char *const names[VS_CAN_WAYS] = { "unbind", "detach", "rmmod" };

	return names[way];
}

const char *vs_can__kind_name(enum vs_can_kind kind)
{
	static const char *const names[VS_CAN_KINDS] = {
		[VS_CAN_STUCK] = "stuck",
		[VS_CAN_LEAVING] = "leaving",
		[VS_CAN_IN_USE] = "in-use",
		[VS_CAN_GROUP_OPEN] = "group-open",
		[VS_CAN_FUNCTION_IN_USE] = "function-in-use",
		[VS_CAN_HOST_USES] = "host-uses",
		[VS_CAN_NO_GROUP] = "no-group",
		[VS_CAN_BRIDGE] = "bridge",
		[VS_CAN_NO_PCI] = "no-pci",
		[VS_CAN_BUILT_IN] = "built-in",
		[VS_CAN_NEEDED] = "needed",
		[VS_CAN_COUNTED] = "counted",
		[VS_CAN_LIKELY] = "likely",
		[VS_CAN_SUSPECTED] = "suspected",
		[VS_CAN_UNSEEN] = "unseen",
		[VS_CAN_HOST_UNKNOWN] = "host-unknown",
		[VS_CAN_NOTHING] = "nothing",
		[VS_CAN_TAKES] = "takes",
		[VS_CAN_FUNCTIONS] = "functions",
		[VS_CAN_GROUP_LIVE] = "group-live",
		[VS_CAN_GROUP_SPOILED] = "group-spoiled",
		[VS_CAN_NO_FIX] = "no-fix",
	};

	return names[kind];
}

__attribute__((format(printf, 4, 5)))
static void add(struct deciding *g, enum vs_can_kind kind, const struct vs_device *d, const char *format, ...)
{
	struct vs_can_ground *row = vs_rows__add(&g->can->grounds, &g->can->nr_grounds, sizeof(*row));
	va_list args;

	if (!row) {
		g->no_memory = true;
		return;
	}
	row->kind = kind;
	if (d)
		memcpy(row->device, d->name, sizeof(row->device));
	va_start(args, format);
	vsnprintf(row->says, sizeof(row->says), format, args);
	va_end(args);
}

static bool has(const struct vs_can *can, enum vs_can_kind first, enum vs_can_kind last)
{
	for (size_t i = 0; i < can->nr_grounds; i++)
		if (can->grounds[i].kind >= first && can->grounds[i].kind <= last)
			return true;
	return false;
}

/* The usage is kept; it stays valid until the next call. NULL: no memory. */
static const struct vs_usage *use_of(struct deciding *g, const struct vs_device *d)
{
	const struct vs_devices_facts *f = g->facts;
	struct vs_usage *u = vs_rows__add(&g->can->usages, &g->can->nr_usages, sizeof(*u));

	if (u && vs_usage__of(&f->inventory, &f->evidence, &f->why, d, u))
		g->can->nr_usages--;
	else if (u)
		return u;
	g->no_memory = true;
	return NULL;
}

static void must_let_go(struct deciding *g, const struct vs_why_holder *h)
{
	struct vs_why_holder *row = vs_rows__add(&g->holders.holders, &g->holders.nr_holders, sizeof(*row));

	if (row)
		*row = *h;
	else
		g->no_memory = true;
	g->holders.nr_now = g->holders.nr_holders;
}

/* -- one device -- */

static bool is_named_before(const struct vs_usage *u, size_t from, size_t i)
{
	for (size_t j = from; j < i; j++)
		if (u->holders[j].tgid == u->holders[i].tgid)
			return true;
	return false;
}

static void mind_users(struct deciding *g, const struct vs_usage *u, enum vs_can_kind kind)
{
	const struct vs_device *d = u->device;
	char who[VS_HOLDER_LEN];

	for (size_t i = 0; i < u->nr_own; i++) {
		const struct vs_why_holder *h = &u->holders[i];

		must_let_go(g, h);
		if (is_named_before(u, 0, i))
			continue;
		vs_holders__title(h, who, sizeof(who));
		if (h->likely)
			add(g, VS_CAN_LIKELY, d, "%s likely uses %s: it is not proven", who, d->name);
		else if (kind == VS_CAN_FUNCTION_IN_USE)
			add(g, kind, d, "%s uses %s, a virtual function of %s, which goes with it", who, d->name, d->physical);
		else
			add(g, kind, d, "%s uses %s", who, d->name);
	}
}

/* The process may use another device of the group, and loses nothing then. */
static bool is_group_live(struct deciding *g, const struct vs_device *d)
{
	const struct vs_devices_facts *f = g->facts;
	const struct vs_device *other;
	bool live = false;
	size_t at = 0;

	while ((other = vs_inventory__member(&f->inventory, d->group, &at))) {
		struct vs_usage u;

		if (other == d || vs_usage__of(&f->inventory, &f->evidence, NULL, other, &u))
			continue;
		if (u.nr_own && !live)
			add(g, VS_CAN_GROUP_LIVE, other, "%s of the same group %d is in use: bind %s to no driver of the host meanwhile",
			    other->name, d->group, d->name);
		live |= u.nr_own > 0;
		vs_usage__free(&u);
	}
	return live;
}

static void mind_group_users(struct deciding *g, const struct vs_usage *u)
{
	char who[VS_HOLDER_LEN];

	if (is_group_live(g, u->device))
		return;
	for (size_t i = u->nr_own; !u->nr_own && i < u->nr_holders; i++) {
		must_let_go(g, &u->holders[i]);
		if (is_named_before(u, u->nr_own, i))
			continue;
		vs_holders__title(&u->holders[i], who, sizeof(who));
		add(g, VS_CAN_GROUP_OPEN, u->device, "%s has group %d open, of which %s is", who, u->device->group,
		    u->device->name);
	}
}

static void mind_trouble(struct deciding *g, const struct vs_usage *u)
{
	const struct vs_why_case *c = u->trouble;
	const char *name = u->device->name;
	char who[VS_TASK_LEN] = "somebody";

	if (u->state == VS_USAGE_STUCK) {
		add(g, VS_CAN_STUCK, u->device, "%s is stuck (%s): it would wait, too%s", name,
		    vs_why_verdict__name(c->verdict), c->reboot == VS_REBOOT_YES ? "; only a reset helps" : "");
	} else if (u->state == VS_USAGE_LEAVING) {
		if (c && c->task)
			vs_name__task(who, c->task->comm, c->task->tid, 0);
		add(g, VS_CAN_LEAVING, u->device, "%s is leaving already: %s waits for its release, and you would wait behind", name,
		    who);
	}
	if (!u->trouble && u->suspected && u->state != VS_USAGE_HOST && u->state != VS_USAGE_UNUSED)
		add(g, VS_CAN_SUSPECTED, u->device, "something waits for a device that is not known: it may be %s (vfioscope why)", name);
}

static void mind_unseen(struct deciding *g, const struct vs_usage *u)
{
	const struct vs_evidence *e = &g->facts->evidence;

	if (!u->unseen)
		return;
	if (e->snapshot.hidden_tasks)
		add(g, VS_CAN_UNSEEN, u->device, "only processes of this PID namespace are seen: run it on the host");
	else if (g->facts->unprivileged)
		add(g, VS_CAN_UNSEEN, u->device, "who uses %s is not for this user to see: run it as root", u->device->name);
	else
		add(g, VS_CAN_UNSEEN, u->device, "not all that may use %s could be seen", u->device->name);
}

/* What the host uses through a driver of its own. */
static void mind_host(struct deciding *g, const struct vs_usage *u)
{
	const struct vs_device *d = u->device;
	const struct vs_host_row *row;
	char driver[VS_NAME_BYTE * VS_DRIVER_LEN];
	bool any = false;
	size_t at = 0;

	while ((row = vs_host_use__of(g->q->host, d, &at))) {
		if (row->state != VS_HOST_USED)
			continue;
		add(g, VS_CAN_HOST_USES, d, "the host uses %s: %s", d->name, row->says);
		any = true;
	}
	vs_name__quote(driver, sizeof(driver), d->driver, sizeof(d->driver));
	if (u->state == VS_USAGE_HOST && strcmp(d->driver, "pci-stub") && !any && !vs_host_use__is_idle(g->q->host, d))
		add(g, VS_CAN_HOST_UNKNOWN, d, "driver %s of the host has %s: its users are not known", driver, d->name);
}

static void mind_functions(struct deciding *g, const struct vs_device *d)
{
	const struct vs_device *vf;
	size_t at = 0, nr = 0;

	while ((vf = vs_inventory__function(&g->facts->inventory, d, &at))) {
		const struct vs_usage *u = use_of(g, vf);

		nr++;
		if (!u)
			return;
		mind_trouble(g, u);
		mind_users(g, u, VS_CAN_FUNCTION_IN_USE);
		mind_host(g, u);
	}
	if (nr)
		add(g, VS_CAN_FUNCTIONS, d, "%zu virtual function%s of %s %s with it", nr, vs_plural(nr), d->name,
		    nr == 1 ? "goes" : "go");
}

/* One after the other there is no second CPU that drops the reference under the notifier's feet. */
static void mind_fix(struct deciding *g, const struct vs_usage *u)
{
	bool may_race = u->driver[0] && (u->nr_mates || u->nr_holders);

	if (g->facts->evidence.fix == VS_FIX_ABSENT && (may_race || u->state == VS_USAGE_STUCK))
		add(g, VS_CAN_NO_FIX, u->device, "this kernel lacks the fix of the notifier deadlock (811642d8d8a8): bind and unbind "
		    "the devices of group %d one after the other, never at the same time", u->device->group);
}

/* All that speaks against taking the device from the driver that has it. */
static const struct vs_usage *mind_device(struct deciding *g, const struct vs_device *d)
{
	const struct vs_usage *u = use_of(g, d);

	if (!u)
		return NULL;
	mind_trouble(g, u);
	mind_users(g, u, VS_CAN_IN_USE);
	mind_group_users(g, u);
	mind_host(g, u);
	mind_unseen(g, u);
	mind_fix(g, u);
	return u;
}

/* -- the ways -- */

static void decide_unbind(struct deciding *g)
{
	const struct vs_device *d = g->q->device;

	if (!mind_device(g, d))
		return;
	if (!d->driver[0] && !has(g->can, 0, VS_CAN_LAST_HIDDEN))
		add(g, VS_CAN_NOTHING, d, "no driver has %s: there is nothing to unbind", d->name);
	mind_functions(g, d);
}

/* libvirt and DPDK do the same to all functions of a group, one after the other. */
static void mind_mates(struct deciding *g, const struct vs_device *d)
{
	const struct vs_device *other;
	char list[200] = "", driver[VS_NAME_BYTE * VS_DRIVER_LEN];
	size_t at = 0, nr = 0;

	while ((other = vs_inventory__member(&g->facts->inventory, d->group, &at))) {
		if (other == d || !vs_device__spoils_group(other))
			continue;
		vs_name__quote(driver, sizeof(driver), other->driver, sizeof(other->driver));
		vs_words__append(list, sizeof(list), "%s%s (%s)", nr++ ? ", " : "", other->name, driver);
	}
	if (nr)
		add(g, VS_CAN_GROUP_SPOILED, d, "no VM can open group %d before %s %s off the host's driver%s: %s", d->group,
		    nr == 1 ? "this one is" : "these are", "taken", vs_plural(nr), list);
}

static void decide_detach(struct deciding *g)
{
	const struct vs_device *d = g->q->device;
	bool has_it = vs_device__is_vfio(d);

	if (d->bus != VS_BUS_PCI)
		add(g, VS_CAN_NO_PCI, d, "%s is no PCI device: vfio-pci takes none other", d->name);
	else if (vs_device__is_bridge(d))
		add(g, VS_CAN_BRIDGE, d, "%s is a bridge: VFIO takes none", d->name);
	else if (d->group < 0)
		add(g, VS_CAN_NO_GROUP, d, "%s has no IOMMU group%s: VFIO cannot take it (vfioscope why %s)", d->name,
		    g->facts->inventory.nr_groups ? "" : ", for the host has no IOMMU switched on", d->name);
	if (!mind_device(g, d))
		return;
	mind_functions(g, d);
	mind_mates(g, d);
	if (has_it && !has(g->can, 0, VS_CAN_LAST_HIDDEN))
		add(g, VS_CAN_NOTHING, d, "VFIO has %s already", d->name);
}

static void mind_module(struct deciding *g, const struct vs_module *m)
{
	char list[200] = "";

	for (size_t i = 0; i < m->nr_holders; i++)
		vs_words__append(list, sizeof(list), "%s%s", i ? ", " : "", m->holders[i]);
	if (m->built_in)
		add(g, VS_CAN_BUILT_IN, NULL, "%s is built into this kernel", m->name);
	else if (m->nr_holders)
		add(g, VS_CAN_NEEDED, NULL, "%s is needed by %s: remove %s first", m->name, list,
		    m->nr_holders == 1 ? "that" : "those");
	else if (m->refs > 0 && !has(g->can, VS_CAN_STUCK, VS_CAN_LAST_NO))
		add(g, VS_CAN_COUNTED, NULL, "%s counts %d use%s, so rmmod refuses it", m->name, m->refs,
		    vs_plural((uint64_t)m->refs));
	else if (m->refs < 0)
		add(g, VS_CAN_UNSEEN, NULL, "the use counter of %s cannot be read", m->name);
}

/*
 * Who is stuck in VFIO runs its code, also where sysfs says that the device has left its driver already: the
 * notifier deadlock comes after that.
 */
static bool is_stuck_in(struct deciding *g, const struct vs_device *d)
{
	const struct vs_usage *u = use_of(g, d);

	return u && u->state == VS_USAGE_STUCK && !d->driver[0] && !strncmp(g->q->module->name, "vfio", 4);
}

static void decide_rmmod(struct deciding *g)
{
	const struct vs_inventory *inv = &g->facts->inventory;
	char list[200] = "";
	size_t nr = 0;

	for (size_t i = 0; !g->no_memory && i < inv->nr_devices; i++)
		if (is_stuck_in(g, &inv->devices[i]))
			mind_device(g, &inv->devices[i]);
	for (size_t i = 0; !g->no_memory && i < inv->nr_devices; i++) {
		const struct vs_device *d = &inv->devices[i];

		if (!vs_module__drives(g->q->module, d) || !mind_device(g, d))
			continue;
		mind_functions(g, d);
		vs_words__append(list, sizeof(list), "%s%s", nr++ ? ", " : "", d->name);
	}
	mind_module(g, g->q->module);
	if (nr)
		add(g, VS_CAN_TAKES, NULL, "%zu device%s lose%s the driver: %s", nr, vs_plural(nr), nr == 1 ? "s" : "", list);
}

/* -- the answer -- */

static int by_kind(const void *a, const void *b)
{
	const struct vs_can_ground *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return strcmp(x->says, y->says);
}

/* The same may be said of several devices. */
static void drop_repeated(struct vs_can *can)
{
	size_t kept = 0;

	for (size_t i = 0; i < can->nr_grounds; i++)
		if (!kept || by_kind(&can->grounds[kept - 1], &can->grounds[i]))
			can->grounds[kept++] = can->grounds[i];
	can->nr_grounds = kept;
}

static void say_first(struct deciding *g)
{
	struct vs_can *can = g->can;

	if (g->holders.nr_holders && !has(can, VS_CAN_STUCK, VS_CAN_STUCK))
		vs_advice__release(&g->holders);
	snprintf(can->first, sizeof(can->first), "%s", g->holders.next);
}

int vs_can__decide(const struct vs_devices_facts *facts, const struct vs_can_question *q, struct vs_can *can)
{
	struct deciding g = { .facts = facts, .q = q, .can = can, .holders = { .group = -1 } };

	memset(can, 0, sizeof(*can));
	can->way = q->way;
	snprintf(can->subject, sizeof(can->subject), "%s", q->way == VS_CAN_RMMOD ? q->module->name : q->device->name);
	if (q->device)
		memcpy(g.holders.device, q->device->name, sizeof(g.holders.device));
	if (q->way == VS_CAN_UNBIND)
		decide_unbind(&g);
	else if (q->way == VS_CAN_DETACH)
		decide_detach(&g);
	else
		decide_rmmod(&g);
	if (can->nr_grounds)
		qsort(can->grounds, can->nr_grounds, sizeof(*can->grounds), by_kind);
	drop_repeated(can);
	can->answer = has(can, 0, VS_CAN_LAST_NO) ? VS_CAN_NO :
		      has(can, 0, VS_CAN_LAST_HIDDEN) ? VS_CAN_NOT_TOLD : VS_CAN_YES;
	say_first(&g);
	free(g.holders.holders);
	if (g.no_memory)
		vs_can__free(can);
	return g.no_memory ? -ENOMEM : 0;
}

void vs_can__free(struct vs_can *can)
{
	for (size_t i = 0; i < can->nr_usages; i++)
		vs_usage__free(&can->usages[i]);
	free(can->usages);
	free(can->grounds);
	memset(can, 0, sizeof(*can));
}

int vs_can__status(const struct vs_can *can)
{
	return can->answer == VS_CAN_YES ? VS_EXIT_OK : can->answer == VS_CAN_NO ? VS_EXIT_WAITS : VS_EXIT_INCONCLUSIVE;
}

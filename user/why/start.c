// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "why/start_priv.h"

static const char *const kind_names[VS_START_KINDS] = {
	[VS_START_GONE] = "gone",
	[VS_START_BRIDGE] = "bridge",
	[VS_START_NO_IOMMU] = "no-iommu",
	[VS_START_NO_GROUP] = "no-group",
	[VS_START_NOIOMMU] = "noiommu",
	[VS_START_NO_DRIVER] = "no-driver",
	[VS_START_OVERRIDE] = "driver-override",
	[VS_START_WRONG_DRIVER] = "wrong-driver",
	[VS_START_NOT_VIABLE] = "not-viable",
	[VS_START_BUSY] = "busy",
	[VS_START_NO_NODE] = "no-node",
	[VS_START_PERMISSION] = "permission",
	[VS_START_INTERRUPTS] = "unsafe-interrupts",
	[VS_START_MEMLOCK] = "memlock",
	[VS_START_NO_RESET] = "no-reset",
	[VS_START_POWER] = "power",
};

const char *vs_start_kind__name(enum vs_start_kind kind)
{
	return kind_names[kind];
}

struct vs_start_blocker *start__add(struct vs_start_report *s, enum vs_start_kind kind, bool blocks)
{
	struct vs_start_blocker *b = &s->rows[s->nr++];

	memset(b, 0, sizeof(*b));
	b->kind = kind;
	b->blocks = blocks;
	s->nr_blocks += blocks;
	return b;
}

const struct vs_start_member *start__asked(const struct vs_start_facts *f)
{
	for (size_t i = 0; i < f->nr_members; i++)
		if (!strcmp(f->members[i].device.name, f->device))
			return &f->members[i];
	return NULL;
}

const struct vs_start_member *start__next_spoiler(const struct vs_start_facts *f, size_t *at)
{
	while (*at < f->nr_members) {
		const struct vs_start_member *m = &f->members[(*at)++];

		if (vs_device__spoils_group(&m->device) && strcmp(m->device.name, f->device))
			return m;
	}
	return NULL;
}

/* Each step of a start needs those before it, so that a later blocker is said only where it stands alone. */
static bool judge_device(const struct vs_start_facts *f, const struct vs_start_member *m, struct vs_start_report *s)
{
	if (m && m->dead == VS_START_YES)
		start__say_gone(start__add(s, VS_START_GONE, true), m);
	else if (m && vs_device__is_bridge(&m->device))
		start__say_bridge(start__add(s, VS_START_BRIDGE, true), m);
	else
		return false;
	return f->device[0];
}

static bool judge_group(const struct vs_start_facts *f, struct vs_start_report *s)
{
	if (f->group < 0 && !f->nr_groups)
		start__say_no_iommu(start__add(s, VS_START_NO_IOMMU, true), f);
	else if (f->group < 0)
		start__say_no_group(start__add(s, VS_START_NO_GROUP, true), f);
	else if (f->noiommu)
		start__say_noiommu(start__add(s, VS_START_NOIOMMU, true), f);
	else
		return false;
	return true;
}

static bool has_vfio(const struct vs_start_facts *f)
{
	for (size_t i = 0; i < f->nr_members; i++)
		if (vs_device__is_vfio(&f->members[i].device))
			return true;
	return false;
}

static void judge_driver(const struct vs_start_facts *f, const struct vs_start_member *m, struct vs_start_report *s)
{
	bool other = m && m->override_read && m->override[0] && !strstr(m->override, "vfio");

	if (!f->device[0] && f->nr_members && !has_vfio(f))
		start__say_no_driver(start__add(s, VS_START_NO_DRIVER, true), f, NULL);
	if (!m || m->device.bus != VS_BUS_PCI || vs_device__is_vfio(&m->device))
		return;
	if (!m->device.driver[0] && other)
		start__say_override(start__add(s, VS_START_OVERRIDE, true), m);
	else if (!m->device.driver[0])
		start__say_no_driver(start__add(s, VS_START_NO_DRIVER, true), f, m);
	else
		start__say_wrong_driver(start__add(s, VS_START_WRONG_DRIVER, true), f, m);
}

/* VFIO makes the node with the first device of the group: without one there is none to miss. */
static void judge_node(const struct vs_start_facts *f, struct vs_start_report *s)
{
	if (!has_vfio(f))
		return;
	if (f->node == VS_START_NO)
		start__say_no_node(start__add(s, VS_START_NO_NODE, true), f);
	else if (f->node == VS_START_YES && f->may_open == VS_START_NO)
		start__say_permission(start__add(s, VS_START_PERMISSION, true), f);
}

/* With either module, its switch decides; one that is not loaded may get its switch when it is. */
static void judge_interrupts(const struct vs_start_facts *f, struct vs_start_report *s)
{
	if (f->remaps != VS_START_NO || f->unsafe_type1 != VS_START_NO || f->unsafe_iommufd == VS_START_YES)
		return;
	start__say_interrupts(start__add(s, VS_START_INTERRUPTS, true), f);
}

/* How much a VM needs is not known here, but its RAM has to fit: only its own message proves that it did not. */
static void judge_memlock(const struct vs_start_facts *f, enum vs_start_kind said, struct vs_start_report *s)
{
	if (!f->pid || f->memlock == VS_START_NO_LIMIT || f->ipc_lock == VS_START_YES)
		return;
	start__say_memlock(start__add(s, VS_START_MEMLOCK, said == VS_START_MEMLOCK), f);
}

static void judge_notes(const struct vs_start_member *m, struct vs_start_report *s)
{
	if (!m || m->dead == VS_START_YES || !vs_device__is_vfio(&m->device))
		return;
	if (m->resets == VS_START_NO)
		start__say_no_reset(start__add(s, VS_START_NO_RESET, false), m);
	if (!strcmp(m->power, "D3cold") && m->dead != VS_START_NO)
		start__say_power(start__add(s, VS_START_POWER, false), m);
}

void vs_start__judge(const struct vs_start_facts *f, const struct vs_start_use *use, enum vs_start_kind said,
		     struct vs_start_report *s)
{
	const struct vs_start_member *m = start__asked(f);
	size_t at = 0;

	memset(s, 0, sizeof(*s));
	if (!f->device[0] && f->group < 0) {	/* only a process was asked about */
		judge_memlock(f, said, s);
		return;
	}
	if (judge_device(f, m, s) || judge_group(f, s))
		return;
	judge_driver(f, m, s);
	if (start__next_spoiler(f, &at))
		start__say_not_viable(start__add(s, VS_START_NOT_VIABLE, true), f);
	if (use->busy != VS_START_FREE)
		start__say_busy(start__add(s, VS_START_BUSY, true), f, use);
	judge_node(f, s);
	judge_interrupts(f, s);
	judge_memlock(f, said, s);
	judge_notes(m, s);
}

// SPDX-License-Identifier: GPL-2.0
#include <bpf/btf.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "probe/facts_btf.h"
#include "probe/hooks.h"

#define MODULE_BTF "/sys/kernel/btf/vfio"
#define TRACEPOINT_TYPEDEF "btf_trace_"

/* BTF of vmlinux has over 100,000 types: it is walked once, not once a name. */
struct walk {
	struct vs_facts *facts;
	const struct btf *btf;
	int error;
};

static const struct vs_rung *find_rung(enum vs_rung_kind kind, const char *target)
{
	for (const struct vs_hook *hook = vs_hooks; hook->name; hook++)
		for (const struct vs_rung *rung = hook->rungs; rung->kind; rung++)
			if (rung->kind == kind && !strcmp(rung->target, target))
				return rung;
	return NULL;
}

static void note_name(struct walk *walk, struct vs_names *set, const char *name)
{
	if (!vs_names__has(set, name) && vs_names__add(set, name))
		walk->error = -ENOMEM;
}

static void note_func(struct walk *walk, const char *name)
{
	if (find_rung(VS_RUNG_FENTRY, name))
		note_name(walk, &walk->facts->btf_funcs, name);
}

static void note_typedef(struct walk *walk, const char *name)
{
	if (strncmp(name, TRACEPOINT_TYPEDEF, strlen(TRACEPOINT_TYPEDEF)))
		return;
	name += strlen(TRACEPOINT_TYPEDEF);
	if (find_rung(VS_RUNG_TRACEPOINT, name))
		note_name(walk, &walk->facts->tracepoints, name);
}

/* Bytes from the start of the structure, or VS_NO_OFFSET. */
static int member_offset(const struct btf *btf, const struct btf_type *type, const char *name)
{
	const struct btf_member *member = btf_members(type);

	for (int i = 0; i < btf_vlen(type); i++, member++)
		if (!strcmp(btf__name_by_offset(btf, member->name_off), name))
			return btf_member_bit_offset(type, i) / 8;
	return VS_NO_OFFSET;
}

static int first_member(const struct btf *btf, const struct btf_type *type,
			const char *const *names)
{
	int offset = VS_NO_OFFSET;

	for (; *names && offset == VS_NO_OFFSET; names++)
		offset = member_offset(btf, type, *names);
	return offset;
}

static void note_vfio_group(struct walk *walk, const struct btf_type *type)
{
	/* drivers: v6.1 and later; users: 5.16 to 6.0; kref before. */
	static const char *const counters[] = { "drivers", "users", "kref", NULL };
	struct vs_layout *layout = &walk->facts->btf_layout;

	layout->group_counter = first_member(walk->btf, type, counters);
	layout->group_iommu_group = member_offset(walk->btf, type, "iommu_group");
	layout->group_nb = member_offset(walk->btf, type, "nb");
	layout->group_cdev = member_offset(walk->btf, type, "cdev");
}

static void note_vfio_device(struct walk *walk, const struct btf_type *type)
{
	struct vs_layout *layout = &walk->facts->btf_layout;

	layout->device_dev = member_offset(walk->btf, type, "dev");
	layout->device_group = member_offset(walk->btf, type, "group");
}

static void note_struct(struct walk *walk, const struct btf_type *type, const char *name)
{
	if (!btf_vlen(type))
		return;
	if (!strcmp(name, "mutex"))
		walk->facts->mutex_size = type->size;
	else if (!strcmp(name, "work_struct"))
		walk->facts->work_size = type->size;
	else if (!strcmp(name, "vfio_group"))
		note_vfio_group(walk, type);
	else if (!strcmp(name, "vfio_device"))
		note_vfio_device(walk, type);
}

static int walk_types(struct vs_facts *facts, const struct btf *btf, __u32 from)
{
	struct walk walk = { .facts = facts, .btf = btf };

	for (__u32 id = from; id < btf__type_cnt(btf); id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);
		const char *name = btf__name_by_offset(btf, type->name_off);

		if (!name)
			continue;
		if (btf_is_func(type))
			note_func(&walk, name);
		else if (btf_is_typedef(type))
			note_typedef(&walk, name);
		else if (btf_is_struct(type))
			note_struct(&walk, type, name);
	}
	return walk.error;
}

static int walk_module(struct vs_facts *facts, struct btf *vmlinux)
{
	struct btf *btf = btf__load_module_btf("vfio", vmlinux);
	int err;

	if (!btf)
		return 0;
	err = walk_types(facts, btf, btf__type_cnt(vmlinux));
	if (facts->btf_layout.group_counter != VS_NO_OFFSET)
		facts->layout_source = VS_LAYOUT_MODULE_BTF;
	btf__free(btf);
	return err;
}

static void clear_layout(struct vs_layout *layout)
{
	*layout = (struct vs_layout){ VS_NO_OFFSET, VS_NO_OFFSET, VS_NO_OFFSET,
				      VS_NO_OFFSET, VS_NO_OFFSET, VS_NO_OFFSET };
}

int vs_facts__collect_module_btf(struct vs_facts *facts)
{
	struct btf *btf;
	int err;

	if (facts->layout_source != VS_LAYOUT_VMLINUX_BTF) {
		clear_layout(&facts->btf_layout);
		facts->layout_source = VS_LAYOUT_NONE;
	}
	if (facts->vfio_state != VS_KMOD_LOADED || access(MODULE_BTF, R_OK))
		return 0;
	btf = btf__load_vmlinux_btf();
	if (!btf)
		return errno == ENOMEM ? -ENOMEM : 0;
	err = walk_module(facts, btf);
	btf__free(btf);
	return err;
}

int vs_facts__collect_btf(struct vs_facts *facts)
{
	struct btf *btf;
	int err;

	clear_layout(&facts->btf_layout);
	facts->mutex_size = facts->work_size = VS_UNKNOWN;
	btf = btf__load_vmlinux_btf();
	if (!btf)
		return errno == ENOMEM ? -ENOMEM : 0;
	facts->vmlinux_btf = true;
	err = walk_types(facts, btf, 1);
	if (facts->btf_layout.group_counter != VS_NO_OFFSET)
		facts->layout_source = VS_LAYOUT_VMLINUX_BTF;
	if (!err && facts->vfio_state == VS_KMOD_LOADED && !access(MODULE_BTF, R_OK))
		err = walk_module(facts, btf);
	btf__free(btf);
	return err;
}

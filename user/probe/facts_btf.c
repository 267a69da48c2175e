// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/btf.h"
#include "kernel/btf_file.h"
#include "probe/facts_btf.h"
#include "probe/pulse.h"
#include "vfio/hooks.h"

#define MODULE_BTF "/sys/kernel/btf/vfio"
#define TRACEPOINT_TYPEDEF "btf_trace_"

struct walk {
	struct vs_facts *facts;
	const struct vs_btf *btf;
	int error;
};

static bool wanted(enum vs_rung_kind kind, const char *target)
{
	if (kind == VS_RUNG_FENTRY ? !strcmp(target, VS_PULSE_FUNCTION) || !strcmp(target, VS_PULSE_SWITCH)
	    : !strcmp(target, VS_PULSE_TRACEPOINT))
		return true;
	for (const struct vs_hook *hook = vs_hooks; hook->name; hook++)
		for (const struct vs_rung *rung = hook->rungs; rung->kind; rung++)
			if (rung->kind == kind && !strcmp(rung->target, target))
				return true;
	return false;
}

static void note_name(struct walk *walk, struct vs_names *set, const char *name)
{
	if (!vs_names__has(set, name) && vs_names__add(set, name))
		walk->error = -ENOMEM;
}

/* The wanted names begin with a few letters only: most of 36,000 functions end here. */
static void note_func(struct walk *walk, const char *name)
{
	if (walk->facts->vmlinux_btf && strchr("bcivw_", *name) &&
	    wanted(VS_RUNG_FENTRY, name))
		note_name(walk, &walk->facts->btf_funcs, name);
}

static void note_typedef(struct walk *walk, const char *name)
{
	if (!walk->facts->vmlinux_btf ||
	    strncmp(name, TRACEPOINT_TYPEDEF, strlen(TRACEPOINT_TYPEDEF)))
		return;
	name += strlen(TRACEPOINT_TYPEDEF);
	if (wanted(VS_RUNG_TRACEPOINT, name))
		note_name(walk, &walk->facts->tracepoints, name);
}

/* Bytes from the start of the structure, or VS_NO_OFFSET. */
static int member_offset(const struct walk *walk, const struct btf_type *type, const char *name)
{
	const struct btf_member *member = (const void *)(type + 1);
	unsigned int nr = BTF_INFO_VLEN(type->info);

	for (; nr; nr--, member++)
		if (!strcmp(vs_btf__name(walk->btf, member->name_off), name))
			return (BTF_INFO_KFLAG(type->info) ? BTF_MEMBER_BIT_OFFSET(member->offset)
				: member->offset) / 8;
	return VS_NO_OFFSET;
}

static void note_vfio_group(struct walk *walk, const struct btf_type *type)
{
	/* drivers: v6.1 and later; users: 5.16 to 6.0; kref before. */
	static const char *const counters[] = { "drivers", "users", "kref", NULL };
	struct vs_layout *layout = &walk->facts->btf_layout;
	int counter = VS_NO_OFFSET;

	for (const char *const *c = counters; *c && counter == VS_NO_OFFSET; c++)
		counter = member_offset(walk, type, *c);
	/* vmlinux has two of this name: up to 5.15 vfio_iommu_type1.c has one of its own. */
	if (counter == VS_NO_OFFSET)
		return;
	layout->group_counter = counter;
	layout->group_iommu_group = member_offset(walk, type, "iommu_group");
	layout->group_nb = member_offset(walk, type, "nb");
	layout->group_cdev = member_offset(walk, type, "cdev");
	layout->group_container_users = member_offset(walk, type, "container_users");
}

static void note_vfio_device(struct walk *walk, const struct btf_type *type)
{
	walk->facts->btf_layout.device_dev = member_offset(walk, type, "dev");
	walk->facts->btf_layout.device_group = member_offset(walk, type, "group");
	/* A kref before 5.13, which keeps the group, too. */
	walk->facts->btf_layout.device_refcount = member_offset(walk, type, "refcount");
}

/* A typedef, except for struct rqspinlock, which has both names. */
static void note_ringbuf(struct walk *walk, const struct btf_type *type)
{
	static const char *const spins[] = {
		"raw_spinlock_t", "rqspinlock_t", "rqspinlock", "raw_spinlock", NULL
	};
	const char *lock = vs_btf__member_type(walk->btf, type, "spinlock");

	if (!lock)
		return;
	walk->facts->ring_lock_spins = 0;
	for (const char *const *s = spins; *s; s++)
		if (!strcmp(lock, *s))
			walk->facts->ring_lock_spins = 1;
}

static void note_struct(struct walk *walk, const struct btf_type *type, const char *name)
{
	if (*name == 'm' && !strcmp(name, "mutex"))
		walk->facts->mutex_size = type->size;
	else if (*name == 'w' && !strcmp(name, "work_struct"))
		walk->facts->work_size = type->size;
	else if (*name == 'b' && !strcmp(name, "bpf_tramp_image"))
		walk->facts->tramp_image = true;
	else if (*name == 'b' && !strcmp(name, "bpf_ringbuf"))
		note_ringbuf(walk, type);
	else if (*name == 'v' && !strcmp(name, "vfio_group"))
		note_vfio_group(walk, type);
	else if (*name == 'v' && !strcmp(name, "vfio_device"))
		note_vfio_device(walk, type);
}

static int note_type(void *ctx, const struct btf_type *type, const char *name)
{
	struct walk *walk = ctx;

	switch (BTF_INFO_KIND(type->info)) {
	case BTF_KIND_FUNC:
		note_func(walk, name);
		break;
	case BTF_KIND_TYPEDEF:
		note_typedef(walk, name);
		break;
	case BTF_KIND_STRUCT:
		note_struct(walk, type, name);
		break;
	}
	return walk->error;
}

static int walk_types(struct vs_facts *facts, const struct vs_btf *btf)
{
	struct walk walk = { .facts = facts, .btf = btf };

	return vs_btf__each(btf, note_type, &walk);
}

static int walk_module(struct vs_facts *facts, const struct vs_btf *vmlinux)
{
	struct vs_btf *module = vs_btf__read(MODULE_BTF, vmlinux);
	int err;

	if (!module)
		return errno == ENOMEM ? -ENOMEM : 0;
	err = walk_types(facts, module);
	if (facts->btf_layout.group_counter != VS_NO_OFFSET)
		facts->layout_source = VS_LAYOUT_MODULE_BTF;
	vs_btf__free(module);
	return err;
}

/* It continues the kernel's own BTF, so next to a given file it means nothing. */
static bool module_has_btf(const struct vs_facts *facts)
{
	return facts->vfio_state == VS_KMOD_LOADED && !vs_btf_file__given() &&
	       !access(MODULE_BTF, R_OK);
}

static void clear_layout(struct vs_layout *layout)
{
	*layout = (struct vs_layout){ VS_NO_OFFSET, VS_NO_OFFSET, VS_NO_OFFSET,
				      VS_NO_OFFSET, VS_NO_OFFSET, VS_NO_OFFSET,
				      VS_NO_OFFSET, VS_NO_OFFSET };
}

int vs_facts__collect_module_btf(struct vs_facts *facts)
{
	struct vs_btf *vmlinux;
	int err;

	if (facts->layout_source != VS_LAYOUT_VMLINUX_BTF) {
		clear_layout(&facts->btf_layout);
		facts->layout_source = VS_LAYOUT_NONE;
	}
	if (!module_has_btf(facts))
		return 0;
	vmlinux = vs_btf__read(VS_BTF_VMLINUX, NULL);
	if (!vmlinux)
		return errno == ENOMEM ? -ENOMEM : 0;
	err = walk_module(facts, vmlinux);
	vs_btf__free(vmlinux);
	return err;
}

int vs_facts__collect_btf(struct vs_facts *facts)
{
	char path[PATH_MAX];
	struct vs_btf *vmlinux;
	int err;

	clear_layout(&facts->btf_layout);
	facts->mutex_size = facts->work_size = facts->ring_lock_spins = VS_UNKNOWN;
	vmlinux = vs_btf__read(vs_btf_file__path("", path), NULL);
	if (!vmlinux)
		return errno == ENOMEM ? -ENOMEM : 0;
	facts->vmlinux_btf = vs_btf_file__in_kernel("");
	err = walk_types(facts, vmlinux);
	if (facts->btf_layout.group_counter != VS_NO_OFFSET)
		facts->layout_source = VS_LAYOUT_VMLINUX_BTF;
	if (!err && module_has_btf(facts))
		err = walk_module(facts, vmlinux);
	vs_btf__free(vmlinux);
	return err;
}

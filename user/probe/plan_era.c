// SPDX-License-Identifier: GPL-2.0
/* Tells this kernel's era from the facts. */
#include <string.h>

#include "code/code.h"
#include "probe/plan_priv.h"
#include "vfio/functions.h"

#define PUT_CALLEE "refcount_dec_and_mutex_lock"
#define VS_X86_RDI 7	/* the first argument */

bool plan_vfio_known(const struct vs_facts *facts)
{
	return facts->vfio.nr_funcs;
}

static bool is_site_in(const struct vs_kmod *kmod, const struct vs_kmod_site *site,
		       const char *func)
{
	return !strcmp(kmod->funcs[site->func].name, func);
}

static bool has_site(const struct vs_kmod *kmod, enum vs_site_kind kind, const char *func,
		     const char *callee)
{
	for (size_t i = 0; i < kmod->nr_sites; i++) {
		const struct vs_kmod_site *site = &kmod->sites[i];

		if (site->kind == kind &&
		    vs_code__is_part_of(kmod->funcs[site->func].name, func) &&
		    (!callee || (site->callee && !strcmp(site->callee, callee))))
			return true;
	}
	return false;
}

/* Who has groups has their files, too, and that function in their operations. */
bool plan_has_no_groups(const struct vs_facts *facts)
{
	return vs_kmod__func(&facts->vfio, "vfio_device_fops_cdev_open") &&
	       !vs_kmod__func(&facts->vfio, VS_VFIO_GROUP_OPEN);
}

/* Without VFIO's functions, the kernel's tell whether there can be one. */
static enum vs_known has_notifier(const struct vs_facts *facts)
{
	if (vs_kmod__func(&facts->vfio, VS_VFIO_NOTIFIER))
		return VS_YES;
	if (facts->vmlinux_btf)
		return vs_names__has(&facts->btf_funcs, "iommu_group_register_notifier") ?
		       VS_NOT_KNOWN : VS_NO;
	return plan_vfio_known(facts) ? VS_NO : VS_NOT_KNOWN;
}

static enum vs_known known(const struct vs_facts *facts, bool holds)
{
	return holds ? VS_YES : facts->vfio_file ? VS_NO : VS_NOT_KNOWN;
}

/*
 * Uses functions and sites, for facts whose code was not followed as a whole (VFIO is built in, or
 * an older version saved them). A put that is out of line is not seen in the notifier.
 */
static void find_by_sites(const struct vs_facts *facts, struct vs_fix_facts *f)
{
	const struct vs_kmod *vfio = &facts->vfio;
	bool outlined = vs_kmod__func(vfio, "vfio_group_put");

	f->notifier = has_notifier(facts);
	f->puts = known(facts, has_site(vfio, VS_SITE_CALL, VS_VFIO_NOTIFIER, PUT_CALLEE));
	f->defers = known(facts, vs_kmod__func(vfio, VS_VFIO_DEFERRED));
	f->takes = known(facts, has_site(vfio, VS_SITE_LOCKED_ADD, VS_VFIO_NOTIFIER, NULL));
	if (outlined && f->puts == VS_NO && f->defers == VS_NO)
		f->puts = VS_NOT_KNOWN;
}

enum vs_fix vs_plan__fix(const struct vs_facts *facts)
{
	struct vs_fix_facts by_sites;

	if (facts->vfio.followed)
		return vs_fix__of(&facts->vfio.code);
	find_by_sites(facts, &by_sites);
	return vs_fix__of(&by_sites);
}

/*
 * The offsets that matter are the same on every x86-64 build from 4.15 to 5.15
 * that was read; lock debugging moves them and changes these two sizes.
 */
static bool layout_is_classic(const struct vs_facts *facts, const struct vs_plan *plan)
{
	return (plan->deferred_func || plan->fix == VS_FIX_PRESENT || plan->fix == VS_FIX_BOTH ||
		plan->fix == VS_FIX_ABSENT) &&
	       !strcmp(facts->machine, "x86_64") &&
	       facts->mutex_size == 32 && facts->work_size == 32;
}

/* Returns the offset in its first argument where vfio_device_put() drops a reference: since 5.10.137. */
static int told_refcount(const struct vs_kmod *vfio)
{
	for (size_t i = 0; i < vfio->nr_sites; i++) {
		const struct vs_kmod_site *site = &vfio->sites[i];

		if (site->kind == VS_SITE_LOCKED_SUB && site->base_reg == VS_X86_RDI &&
		    is_site_in(vfio, site, "vfio_device_put"))
			return site->disp;
	}
	return VS_NO_OFFSET;
}

void plan_find_layout(struct planner *p)
{
	static const struct vs_layout classic = {
		.group_counter = 0, .group_iommu_group = 0x10, .group_nb = 0x58,
		.group_cdev = VS_NO_OFFSET, .device_dev = 0, .device_group = 0x10,
		.group_container_users = 0x8,
	};
	struct vs_plan *plan = p->plan;

	plan->layout = p->facts->btf_layout;
	if (p->facts->layout_source != VS_LAYOUT_NONE ||
	    !layout_is_classic(p->facts, plan))
		return;
	plan->layout = classic;
	plan->layout.device_refcount = told_refcount(&p->facts->vfio);
	plan->layout_assumed = true;
	/* Before 5.13 (5.10.137) a kref comes first in struct vfio_device. */
	if (!vs_kmod__func(&p->facts->vfio, VS_VFIO_REGISTER))
		plan->layout.device_dev = plan->layout.device_group = VS_NO_OFFSET;
}

const char *plan_not_applicable_words(const struct vs_plan *plan, enum vs_applies applies)
{
	if (applies == VS_APPLIES_MODULE)
		return "VFIO is built in";
	if (applies == VS_APPLIES_GROUP || (plan->no_groups && applies == VS_APPLIES_CONTAINER_LOCKED))
		return VS_NO_GROUPS;
	if (applies == VS_APPLIES_REGISTRATION)
		return "an open device keeps its group instead on this kernel (before v5.13)";
	if (applies == VS_APPLIES_CONTAINER_LOCKED)
		return "counted inline on this kernel (up to v6.0)";
	if (applies == VS_APPLIES_IOMMUFD)
		return VS_NO_IOMMUFD;
	if (plan->fix == VS_FIX_NO_NOTIFIER)
		return "IOMMU groups of this kernel have no notifier (gone in v5.19)";
	if (plan->fix == VS_FIX_NO_REFERENCE)
		return "the notifier of this kernel takes no reference (v5.16)";
	return "this vfio.ko does not defer puts: it lacks the fix (811642d8d8a8)";
}

/* Returns true also without the file: then we do not know what a put of a device does. */
static bool counts_registrations(const struct planner *p)
{
	return !p->facts->vfio_file || p->plan->layout.device_refcount != VS_NO_OFFSET ||
	       vs_kmod__func(&p->facts->vfio, "vfio_device_put_registration") ||
	       told_refcount(&p->facts->vfio) != VS_NO_OFFSET;
}

bool plan_applies(const struct planner *p, enum vs_applies which)
{
	switch (which) {
	case VS_APPLIES_ALWAYS:
		return true;
	case VS_APPLIES_NOTIFIER:
		return p->plan->fix != VS_FIX_NO_NOTIFIER;
	case VS_APPLIES_DEFERRED:
		return p->plan->fix == VS_FIX_PRESENT || p->plan->fix == VS_FIX_BOTH ||
		       p->plan->fix == VS_FIX_UNKNOWN;
	case VS_APPLIES_GROUP:
		return !p->plan->no_groups;
	case VS_APPLIES_MODULE:
		return p->facts->vfio_state != VS_KMOD_BUILTIN;
	case VS_APPLIES_REGISTRATION:
		return counts_registrations(p);
	case VS_APPLIES_CONTAINER_LOCKED:
		return !plan_vfio_known(p->facts) ||
		       vs_kmod__func(&p->facts->vfio, "vfio_container_attach_group");
	case VS_APPLIES_IOMMUFD:
		return !plan_vfio_known(p->facts) ||
		       vs_kmod__func(&p->facts->vfio, "vfio_iommufd_physical_bind");
	}
	return true;
}

// SPDX-License-Identifier: GPL-2.0
/* Lists where references of groups are taken and dropped: we show these sites, and do not judge them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vfio/verdict_priv.h"

/* Out of line helpers whose callers put, or get, by calling them. */
static const char *const put_helpers[] = {
	"vfio_group_put", "vfio_group_put_external_user", "vfio_device_remove_group", NULL
};

static const char *const get_helpers[] = {
	"vfio_group_get", "vfio_group_try_get", "vfio_group_get_from_iommu",
	"__vfio_group_get_from_iommu", "vfio_group_get_from_minor", "vfio_group_get_from_dev",
	"vfio_group_find_or_alloc", "vfio_group_get_external_user",
	"vfio_group_get_external_user_from_dev", "vfio_device_set_group", NULL
};

static int add_site(struct vs_judge *j, const struct vs_code_ref *ref, enum vs_site_class class,
		    bool inlined)
{
	struct vs_judgement *out = j->out;

	if (!out->sites) {
		out->sites = calloc(j->code->nr_refs + 1, sizeof(*out->sites));
		if (!out->sites)
			return -ENOMEM;
	}
	out->sites[out->nr_sites++] = (struct vs_code_site){
		.class = class, .inlined = inlined, .func = ref->func, .off = ref->off,
		.callee = ref->kind == VS_REF_LOCKED_ADD ? NULL :
			  vs_code__target_name(j->code, ref),
	};
	return 0;
}

/* Modules that use VFIO have counts, and puts, of their own. */
static bool may_hold_groups(const struct vs_code *code, uint32_t func)
{
	static const char *const others[] = {
		"vfio_pci", "vfio_iommu_type1", "vfio_spapr", "vfio_platform", "vfio_mdev",
		"vfio_fsl", "vfio_ap", "vfio_ccw", "vfio_virqfd", NULL
	};

	for (size_t i = 0; code->linked && others[i]; i++)
		if (!strncmp(code->funcs[func].name, others[i], strlen(others[i])))
			return false;
	return true;
}

int vs_judge__list_sites(struct vs_judge *j)
{
	static const char *const inlined[] = { "refcount_dec_and_mutex_lock", NULL };
	const struct vs_code *code = j->code;
	int err = 0;

	for (size_t i = 0; i < code->nr_refs && !err; i++) {
		const struct vs_code_ref *ref = &code->refs[i];

		if (!may_hold_groups(code, ref->func))
			continue;
		if (vs_code__is_branch_to(code, ref, inlined))
			err = add_site(j, ref, VS_SITE_PUT, true);
		else if (vs_code__is_branch_to(code, ref, put_helpers))
			err = add_site(j, ref, VS_SITE_PUT, false);
		else if (vs_code__is_branch_to(code, ref, get_helpers))
			err = add_site(j, ref, VS_SITE_GET, false);
		else if (ref->kind == VS_REF_LOCKED_ADD)
			err = add_site(j, ref, VS_SITE_GET, true);
	}
	return err;
}

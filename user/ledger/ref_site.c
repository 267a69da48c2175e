// SPDX-License-Identifier: GPL-2.0
#include "ledger/ref_site.h"

#include <stddef.h>
#include <string.h>

static const struct {
	const char *function;
	enum vs_role role;
} roles[] = {
	{ "vfio_group_get", VS_ROLE_HELPER },
	{ "vfio_group_put", VS_ROLE_HELPER },
	{ "vfio_group_try_get", VS_ROLE_HELPER },
	{ "vfio_group_get_from_iommu", VS_ROLE_HELPER },
	{ "vfio_group_get_from_dev", VS_ROLE_HELPER },
	{ "vfio_group_get_from_minor", VS_ROLE_HELPER },
	{ "vfio_iommu_group_notifier", VS_ROLE_NOTIFIER },
	{ "vfio_group_schedule_put", VS_ROLE_NOTIFIER },
	{ "vfio_register_group_dev", VS_ROLE_REGISTER },
	{ "vfio_add_group_dev", VS_ROLE_REGISTER },
	{ "vfio_create_group", VS_ROLE_REGISTER },
	{ "__vfio_register_dev", VS_ROLE_REGISTER },	/* v5.16 */
	{ "vfio_group_find_or_alloc", VS_ROLE_REGISTER }, /* v5.16 */
	{ "vfio_device_set_group", VS_ROLE_REGISTER },	/* v6.2 */
	{ "vfio_unregister_group_dev", VS_ROLE_UNREGISTER },
	{ "vfio_del_group_dev", VS_ROLE_UNREGISTER },
	{ "vfio_device_remove_group", VS_ROLE_UNREGISTER }, /* v6.1 */
	{ "vfio_group_fops_open", VS_ROLE_OPEN },
	{ "vfio_group_fops_release", VS_ROLE_CLOSE },
	{ "vfio_group_get_external_user", VS_ROLE_EXTERNAL_GET },
	{ "vfio_group_get_external_user_from_dev", VS_ROLE_EXTERNAL_GET }, /* v5.7 */
	{ "vfio_group_put_external_user", VS_ROLE_EXTERNAL_PUT },
	{ "vfio_group_put_bg", VS_ROLE_DEFERRED },	/* v4.13 */
	{ "vfio_device_get_from_dev", VS_ROLE_LOOKUP },
	{ "vfio_pin_pages", VS_ROLE_LOOKUP },
	{ "vfio_unpin_pages", VS_ROLE_LOOKUP },
	{ "vfio_register_notifier", VS_ROLE_LOOKUP },
	{ "vfio_unregister_notifier", VS_ROLE_LOOKUP },
};

enum vs_role vs_role__of(const char *site)
{
	/* The compiler's copies (.part.0, .isra.0, .cold) are the same function. */
	size_t len = strcspn(site, ".+ ");

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (strlen(roles[i].function) == len && !strncmp(roles[i].function, site, len))
			return roles[i].role;
	return VS_ROLE_UNKNOWN;
}

// SPDX-License-Identifier: GPL-2.0
#include "vfio/functions.h"

#include <stddef.h>
#include <string.h>

static const struct vs_vfio_function functions[] = {
	{ "vfio_group_get", VS_ROLE_HELPER, VS_REG_ROLE_OTHER },
	{ "vfio_group_put", VS_ROLE_HELPER, VS_REG_ROLE_OTHER },
	{ "vfio_group_try_get", VS_ROLE_HELPER, VS_REG_ROLE_OTHER },
	{ "vfio_group_get_from_iommu", VS_ROLE_HELPER, VS_REG_ROLE_OTHER },
	{ "vfio_group_get_from_dev", VS_ROLE_HELPER, VS_REG_ROLE_OTHER },
	{ "vfio_group_get_from_minor", VS_ROLE_HELPER, VS_REG_ROLE_OTHER },
	{ VS_VFIO_NOTIFIER, VS_ROLE_NOTIFIER, VS_REG_ROLE_LOOKUP },
	{ "vfio_group_schedule_put", VS_ROLE_NOTIFIER, VS_REG_ROLE_OTHER },
	{ VS_VFIO_REGISTER, VS_ROLE_REGISTER, VS_REG_ROLE_LOOKUP },
	{ "vfio_add_group_dev", VS_ROLE_REGISTER, VS_REG_ROLE_OTHER },
	{ "vfio_create_group", VS_ROLE_REGISTER, VS_REG_ROLE_OTHER },
	{ "__vfio_register_dev", VS_ROLE_REGISTER, VS_REG_ROLE_LOOKUP }, /* v5.16 */
	{ "vfio_group_find_or_alloc", VS_ROLE_REGISTER, VS_REG_ROLE_OTHER }, /* v5.16 */
	{ "vfio_device_set_group", VS_ROLE_REGISTER, VS_REG_ROLE_OTHER }, /* v6.2 */
	{ VS_VFIO_UNREGISTER, VS_ROLE_UNREGISTER, VS_REG_ROLE_UNREGISTER },
	{ VS_VFIO_DELETE, VS_ROLE_UNREGISTER, VS_REG_ROLE_UNREGISTER },
	{ "vfio_device_remove_group", VS_ROLE_UNREGISTER, VS_REG_ROLE_OTHER }, /* v6.1 */
	{ VS_VFIO_GROUP_OPEN, VS_ROLE_OPEN, VS_REG_ROLE_OTHER },
	{ VS_VFIO_GROUP_CLOSE, VS_ROLE_CLOSE, VS_REG_ROLE_OTHER },
	{ "vfio_group_get_external_user", VS_ROLE_EXTERNAL_GET, VS_REG_ROLE_OTHER },
	{ "vfio_group_get_external_user_from_dev", VS_ROLE_EXTERNAL_GET, VS_REG_ROLE_OTHER }, /* v5.7 */
	{ "vfio_group_put_external_user", VS_ROLE_EXTERNAL_PUT, VS_REG_ROLE_OTHER },
	{ VS_VFIO_DEFERRED, VS_ROLE_DEFERRED, VS_REG_ROLE_OTHER }, /* v4.13 */
	{ "vfio_device_get_from_dev", VS_ROLE_LOOKUP, VS_REG_ROLE_HELPER }, /* exported, up to v5.18 */
	{ "vfio_pin_pages", VS_ROLE_LOOKUP, VS_REG_ROLE_OTHER },
	{ "vfio_unpin_pages", VS_ROLE_LOOKUP, VS_REG_ROLE_OTHER },
	{ "vfio_register_notifier", VS_ROLE_LOOKUP, VS_REG_ROLE_OTHER },
	{ "vfio_unregister_notifier", VS_ROLE_LOOKUP, VS_REG_ROLE_OTHER },
	{ "vfio_device_try_get_registration", VS_ROLE_UNKNOWN, VS_REG_ROLE_HELPER }, /* v6.1 */
	{ "vfio_device_put_registration", VS_ROLE_UNKNOWN, VS_REG_ROLE_HELPER },
	{ "vfio_device_try_get", VS_ROLE_UNKNOWN, VS_REG_ROLE_HELPER },
	{ "vfio_device_put", VS_ROLE_UNKNOWN, VS_REG_ROLE_HELPER },
	{ "vfio_group_get_device", VS_ROLE_UNKNOWN, VS_REG_ROLE_HELPER },
	{ "vfio_device_get_from_name", VS_ROLE_UNKNOWN, VS_REG_ROLE_OPEN },
	{ "vfio_group_fops_unl_ioctl", VS_ROLE_UNKNOWN, VS_REG_ROLE_OPEN },
	{ "vfio_group_get_device_fd", VS_ROLE_UNKNOWN, VS_REG_ROLE_OPEN },
	{ "vfio_group_ioctl_get_device_fd", VS_ROLE_UNKNOWN, VS_REG_ROLE_OPEN },
	{ "vfio_device_fops_cdev_open", VS_ROLE_UNKNOWN, VS_REG_ROLE_OPEN }, /* v6.6 */
	{ VS_VFIO_DEVICE_CLOSE, VS_ROLE_UNKNOWN, VS_REG_ROLE_CLOSE },
	{ "vfio_pci_core_feature_dma_buf", VS_ROLE_UNKNOWN, VS_REG_ROLE_DMABUF }, /* v6.19 */
	{ "vfio_pci_dma_buf_release", VS_ROLE_UNKNOWN, VS_REG_ROLE_DMABUF },
	{ "vfio_pci_dma_buf_cleanup", VS_ROLE_UNKNOWN, VS_REG_ROLE_DMABUF },
	{ "vfio_dev_viable", VS_ROLE_UNKNOWN, VS_REG_ROLE_LOOKUP },
};

bool vs_vfio__is_in(const char *site, const char *name)
{
	size_t len = strcspn(site, ".+ ");

	return strlen(name) == len && !strncmp(name, site, len);
}

const struct vs_vfio_function *vs_vfio__function(const char *site)
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		if (vs_vfio__is_in(site, functions[i].name))
			return &functions[i];
	return NULL;
}

enum vs_role vs_role__of(const char *site)
{
	const struct vs_vfio_function *function = vs_vfio__function(site);

	return function ? function->group : VS_ROLE_UNKNOWN;
}

enum vs_registration_role vs_registration_role__of(const char *site)
{
	const struct vs_vfio_function *function = vs_vfio__function(site);

	return function ? function->device : VS_REG_ROLE_OTHER;
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The table of VFIO's functions: what each does with the counter of a group and with that of a device's
 * registration. A kernel that renames one gets a row here. Names are those of drivers/vfio, v4.4 to v7.3.
 */
#ifndef VFIOSCOPE_VFIO_FUNCTIONS_H
#define VFIOSCOPE_VFIO_FUNCTIONS_H

#include <stdbool.h>

#define VS_VFIO_NOTIFIER "vfio_iommu_group_notifier"
#define VS_VFIO_DEFERRED "vfio_group_put_bg"		/* the work of the deferred put, v4.13 */
#define VS_VFIO_RELEASE "vfio_group_release"
#define VS_VFIO_REGISTER "vfio_register_group_dev"	/* v5.13; vfio_add_group_dev before */
#define VS_VFIO_UNREGISTER "vfio_unregister_group_dev"	/* v5.13 */
#define VS_VFIO_DELETE "vfio_del_group_dev"		/* the same before v5.13 */
#define VS_VFIO_GROUP_OPEN "vfio_group_fops_open"
#define VS_VFIO_GROUP_CLOSE "vfio_group_fops_release"
#define VS_VFIO_DEVICE_CLOSE "vfio_device_fops_release"

/* The role of the reference to a group that a function takes or drops. */
enum vs_role {
	VS_ROLE_UNKNOWN,	/* not a function of this table */
	VS_ROLE_HELPER,		/* the caller decides */
	VS_ROLE_NOTIFIER,
	VS_ROLE_REGISTER,	/* a device joins; a put there is its error path */
	VS_ROLE_UNREGISTER,
	VS_ROLE_OPEN,		/* /dev/vfio/N is opened; a put there is its error path */
	VS_ROLE_CLOSE,
	VS_ROLE_EXTERNAL_GET,	/* a put there is its error path */
	VS_ROLE_EXTERNAL_PUT,
	VS_ROLE_DEFERRED,	/* the worker of the deferred put */
	VS_ROLE_LOOKUP,		/* gets and puts in pairs, within one call */
};

/* The same of the reference to a device's registration. */
enum vs_registration_role {
	VS_REG_ROLE_OTHER,
	VS_REG_ROLE_HELPER,	/* the caller decides */
	VS_REG_ROLE_OPEN,	/* a file is made; a put there is its error path */
	VS_REG_ROLE_CLOSE,
	VS_REG_ROLE_UNREGISTER,
	VS_REG_ROLE_DMABUF,
	VS_REG_ROLE_LOOKUP,	/* a get and its put within one call */
};

struct vs_vfio_function {
	const char *name;
	enum vs_role group;
	enum vs_registration_role device;
};

/*
 * Returns the row of the function that a place or a symbol belongs to, NULL if the table has none.
 * @site: "vfio_group_fops_open+0x47", "vfio_group_put.part.0" or "vfio_pin_pages". The compiler's copies
 * and parts (.part.0, .isra.0, .cold, .llvm.N) are the same function.
 */
const struct vs_vfio_function *vs_vfio__function(const char *site);

/* The same, one column of the row. */
enum vs_role vs_role__of(const char *site);
enum vs_registration_role vs_registration_role__of(const char *site);

/* Returns true if the place is in the function called `name`, or in one of its copies and parts. */
bool vs_vfio__is_in(const char *site, const char *name);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* A kernel module as sysfs shows it: what needs it, and whose driver it is. */
#ifndef VFIOSCOPE_DEVICES_MODULE_H
#define VFIOSCOPE_DEVICES_MODULE_H

#include <stdbool.h>
#include <stddef.h>

#include "evidence/inventory.h"

#define VS_MODULE_LEN 56	/* MODULE_NAME_LEN of 64-bit kernels */

struct vs_module {
	char name[VS_MODULE_LEN];	/* with "_", as sysfs has it */
	bool built_in;		/* it cannot be removed */
	int refs;		/* those of the modules that need it among them; -1: not known */
	char (*holders)[VS_MODULE_LEN];	/* modules that need it */
	size_t nr_holders;
	char (*drivers)[VS_DRIVER_LEN];	/* of any bus */
	size_t nr_drivers;
};

/*
 * Reads a module, as people write it: "vfio-pci" is "vfio_pci". 0; -ENOENT: there is none of this name, or it is built
 * in and has nothing to show for it; -ENOMEM. Free with vs_module__free().
 */
int vs_module__collect(const char *root, const char *name, struct vs_module *m);
void vs_module__free(struct vs_module *m);

/* Copies the name of the module that has the driver of a device; false if no module has it. */
bool vs_module__of_device(const char *root, const struct vs_device *d, char name[VS_MODULE_LEN]);

/* Returns true if one of its drivers has the device. */
bool vs_module__drives(const struct vs_module *m, const struct vs_device *d);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* Chooses the devices that a page shows, and puts trouble on top: pure. */
#ifndef VFIOSCOPE_DEVICES_LIST_H
#define VFIOSCOPE_DEVICES_LIST_H

#include "devices/collect.h"
#include "devices/usage.h"

struct vs_list_subject {
	const char *device;	/* NULL: not by device */
	int group;		/* -1: not by group */
	const char *user;	/* name of a VM, pod, container or unit; NULL: not by user */
	bool all;		/* devices that VFIO has nothing to do with, too */
};

struct vs_device_list {
	struct vs_usage *rows;	/* the worst first */
	size_t nr_rows;
	size_t nr_elsewhere;	/* cases of trouble that are about none of the host's devices */
};

/* 0 or -ENOMEM. The result points into @facts. Free with vs_device_list__free(). */
int vs_device_list__make(const struct vs_devices_facts *facts, const struct vs_list_subject *subject,
			 struct vs_device_list *list);
void vs_device_list__free(struct vs_device_list *list);

/* Returns true if a holder is known by this name: of its VM, pod, container or unit. */
bool vs_device_list__is_user(const struct vs_why_holder *h, const char *name);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Answers if a device may be taken away: who would be hurt, what has to stop first, what else it touches. A pure
 * function of what was collected.
 */
#ifndef VFIOSCOPE_DEVICES_CAN_H
#define VFIOSCOPE_DEVICES_CAN_H

#include "devices/collect.h"
#include "devices/host_use.h"
#include "devices/module.h"
#include "devices/usage.h"

enum vs_can_way {
	VS_CAN_UNBIND,		/* from the driver that has it */
	VS_CAN_DETACH,		/* from the host's driver, and give it to vfio-pci */
	VS_CAN_RMMOD,		/* remove a module */
	VS_CAN_WAYS,
};

const char *vs_can__way_name(enum vs_can_way way);	/* "unbind" */

enum vs_can_answer { VS_CAN_YES, VS_CAN_NO, VS_CAN_NOT_TOLD };

/* Grounds for a "no" come first, then those for "cannot be told", then what should be known with a "yes". */
enum vs_can_kind {
	VS_CAN_STUCK,		/* nothing of it gets on */
	VS_CAN_LEAVING,		/* somebody waits for its release already */
	VS_CAN_IN_USE,
	VS_CAN_GROUP_OPEN,	/* nobody has a device of the group, but somebody has the group */
	VS_CAN_FUNCTION_IN_USE,	/* a virtual function of it is in use */
	VS_CAN_HOST_USES,	/* a mounted file system, a network interface that is up */
	VS_CAN_NO_GROUP,	/* detach: VFIO wants an IOMMU group */
	VS_CAN_BRIDGE,		/* detach: VFIO takes no bridge */
	VS_CAN_NO_PCI,		/* detach: it is no PCI device */
	VS_CAN_BUILT_IN,	/* rmmod: it is no module */
	VS_CAN_NEEDED,		/* rmmod: other modules need it */
	VS_CAN_COUNTED,		/* rmmod: its counter says that something uses it */
	VS_CAN_LAST_NO = VS_CAN_COUNTED,
	VS_CAN_LIKELY,		/* somebody likely has it: it is not proven */
	VS_CAN_SUSPECTED,	/* something waits for a device that is not known */
	VS_CAN_UNSEEN,		/* not all holders could be seen */
	VS_CAN_HOST_UNKNOWN,	/* a driver of the host has it, and what uses that is not known */
	VS_CAN_LAST_HIDDEN = VS_CAN_HOST_UNKNOWN,
	VS_CAN_NOTHING,		/* there is nothing to do */
	VS_CAN_TAKES,		/* rmmod: these devices lose their driver */
	VS_CAN_FUNCTIONS,	/* its virtual functions go with it */
	VS_CAN_GROUP_LIVE,	/* another device of the group is in use */
	VS_CAN_GROUP_SPOILED,	/* VFIO refuses the group as long as these have host drivers */
	VS_CAN_NO_FIX,		/* this kernel can deadlock on that way */
	VS_CAN_KINDS,
};

const char *vs_can__kind_name(enum vs_can_kind kind);	/* "in-use" */

struct vs_can_ground {
	enum vs_can_kind kind;
	char device[VS_DEVICE_LEN];	/* that it is about, "" if none */
	char says[300];		/* names in it are quoted already */
};

struct vs_can {
	enum vs_can_way way;
	enum vs_can_answer answer;
	char subject[VS_MODULE_LEN];	/* the device or the module */
	struct vs_can_ground *grounds;	/* in order of their kinds; for a "yes" there may be none */
	size_t nr_grounds;
	struct vs_usage *usages;	/* of the devices that are concerned */
	size_t nr_usages;
	char first[2400];	/* what has to stop first, "" if nothing */
};

struct vs_can_question {
	enum vs_can_way way;
	const struct vs_device *device;	/* of unbind and detach */
	const struct vs_module *module;	/* of rmmod */
	const struct vs_host_use *host;
};

/* 0 or -ENOMEM. The result points into @facts and @q. Free with vs_can__free(). */
int vs_can__decide(const struct vs_devices_facts *facts, const struct vs_can_question *q, struct vs_can *can);
void vs_can__free(struct vs_can *can);

/* Exit status, enum vs_exit. */
int vs_can__status(const struct vs_can *can);

#endif

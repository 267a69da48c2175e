/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tells who has a device and what else concerns it, from the inventory and the evidence: a pure function.
 * `devices`, `can` and `why` ask here.
 */
#ifndef VFIOSCOPE_DEVICES_USAGE_H
#define VFIOSCOPE_DEVICES_USAGE_H

#include "evidence/inventory.h"
#include "why/classify.h"

/* In order of trouble. */
enum vs_usage_state {
	VS_USAGE_STUCK,		/* nothing of it gets on: a deadlock, a dead owner, a leak */
	VS_USAGE_LEAVING,	/* somebody waits for it to be released */
	VS_USAGE_IN_USE,
	VS_USAGE_HELD,		/* nobody has it, but somebody has its group or container */
	VS_USAGE_FREE,		/* VFIO has it, and nobody uses it */
	VS_USAGE_UNUSED,	/* no driver has it */
	VS_USAGE_HOST,		/* a driver has it that is not VFIO's */
	VS_USAGE_STATES,
};

const char *vs_usage__state_name(enum vs_usage_state state);	/* "in use" */

enum vs_usage_through {
	VS_THROUGH_UNKNOWN,
	VS_THROUGH_CONTAINER,
	VS_THROUGH_IOMMUFD,
	VS_THROUGH_NOIOMMU,
};

struct vs_usage {
	const struct vs_device *device;
	const char *driver;	/* that has it, also while it lets it go, when sysfs does not show it; "" if none */
	enum vs_usage_state state;
	bool unseen;		/* there may be holders that were not seen: "free" is not certain */
	struct vs_why_holder *holders;	/* those of the device itself first */
	size_t nr_holders;
	size_t nr_own;		/* so many have the device; the others have its group or container */
	enum vs_usage_through through;
	const struct vs_why_case *trouble; /* the heaviest that concerns it, NULL: none */
	const struct vs_why_case *suspected; /* its device is not known: it may be this one; NULL: none */
	const struct vs_device *spoiler; /* a member for which VFIO refuses the group, NULL: none */
	size_t nr_mates;	/* other members of the group */
};

/*
 * @why: cases of the whole host (vs_classify() without a subject), NULL: no trouble is looked for.
 * Returns 0 or -ENOMEM. The result points into its arguments. Free with vs_usage__free().
 */
int vs_usage__of(const struct vs_inventory *inv, const struct vs_evidence *e, const struct vs_why *why,
		 const struct vs_device *d, struct vs_usage *u);
void vs_usage__free(struct vs_usage *u);

/* Age of a holder's process in ns, VS_EV_UNKNOWN if not known: it has the device for no longer. */
uint64_t vs_usage__age(const struct vs_evidence *e, const struct vs_why_holder *h);

#endif

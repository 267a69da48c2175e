/* SPDX-License-Identifier: GPL-2.0 */
/* Collects what `devices` and `can` rest on, with whatever privileges there are. */
#ifndef VFIOSCOPE_DEVICES_COLLECT_H
#define VFIOSCOPE_DEVICES_COLLECT_H

#include "evidence/inventory.h"
#include "why/classify.h"

struct vs_devices_opts {
	const char *root;	/* a host's /sys and /proc are below it; NULL: the running host */
	bool no_bpf;		/* look at /proc and sysfs only */
	bool want_fix;		/* find out if the kernel has the fix */
};

struct vs_devices_facts {
	struct vs_inventory inventory;
	struct vs_evidence evidence;
	struct vs_why why;	/* of the whole host */
	bool unprivileged;	/* root would have seen more */
	uint64_t took_ns;
};

/*
 * Hooks nothing, opens no file of VFIO, and does not wait where tasks are stuck. Without the privileges that
 * `why` needs it reads what everybody may, and evidence.words says what was not to be seen. 0, or a
 * negative errno with words in @error. Free with vs_devices__free().
 */
int vs_devices__collect(const struct vs_devices_opts *opts, struct vs_devices_facts *facts, char *error, size_t size);

void vs_devices__free(struct vs_devices_facts *facts);

#endif

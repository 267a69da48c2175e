/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Display filters. Values of one kind are alternatives, kinds are combined:
 * "--group 1,2 --event get" shows the gets of groups 1 and 2.
 */
#ifndef VFIOSCOPE_EVENT_FILTER_H
#define VFIOSCOPE_EVENT_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "event/view.h"

enum vs_filter_kind {
	VS_FILTER_GROUP,	/* iommu group numbers */
	VS_FILTER_DEVICE,	/* PCI addresses (domain optional) or mdev UUIDs */
	VS_FILTER_PID,		/* process or thread ids */
	VS_FILTER_COMM,		/* task names, shell patterns allowed */
	VS_FILTER_EVENT,	/* names of types */
	VS_FILTER_KINDS,
};

struct vs_filter;

/* An empty filter, which lets everything through. NULL with errno set. Caller frees. */
struct vs_filter *vs_filter__new(void);
void vs_filter__free(struct vs_filter *f);	/* NULL is fine */

/*
 * Adds the comma-separated values of one option. Returns 0, -ENOMEM, or
 * -EINVAL with a sentence for the user in @words.
 */
int vs_filter__add(struct vs_filter *f, enum vs_filter_kind kind, const char *values,
		   char *words, size_t size);

bool vs_filter__is_empty(const struct vs_filter *f);	/* NULL is empty */

/*
 * Names the first wanted group or device that is not on this host, or has no group, in @words.
 * Returns false, with "", when all are there. They may appear later. `root` is prefixed to /sys.
 */
bool vs_filter__absent(const struct vs_filter *f, const char *root, char *words, size_t size);

/*
 * Returns true if the event passes the filter. Reads only e, device and group of @v.
 * A NULL @f passes all events.
 */
bool vs_filter__match(const struct vs_filter *f, const struct vs_view *v);

/* Returns true if the group passes the filter, by its number and devices alone. */
bool vs_filter__match_group(const struct vs_filter *f, const struct vs_group_view *group);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* One event together with what the ledger knows about it. */
#ifndef VFIOSCOPE_EVENT_VIEW_H
#define VFIOSCOPE_EVENT_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "bpf/events.h"

#define VS_SITE_LEN 96		/* "symbol+0x123" and its NUL */
#define VS_DEVICES_LEN 512	/* space-separated device names of a group */

struct vs_group_view {
	bool known;		/* false: the event is about no known group */
	bool seen_before;	/* existed before tracing began */
	int number;		/* iommu group number, -1 if not known */
	__u32 generation;	/* counts the lives of this group, from 1 */
	__u64 address;		/* struct vfio_group * of this life, 0 if not known */
	const char *devices;	/* space-separated names, never NULL */
};

struct vs_view {
	const struct vs_event *e;
	const struct vs_alarm_event *alarm;	/* NULL unless chain-deadlock */
	const char (*stack)[VS_SITE_LEN]; /* frames of a get, put, change, innermost first */
	size_t nr_stack;	/* 0 when there is no stack */
	const char *device;	/* device of this event, "" if none */
	/*
	 * "symbol+0x12" or "0xffff..." of e->ip, "" if 0. For a change it is the caller of the
	 * helper in lib/refcount.c that made it.
	 */
	const char *site;
	struct vs_group_view group;
};

#endif

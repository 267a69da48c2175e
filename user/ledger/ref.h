/* SPDX-License-Identifier: GPL-2.0 */
/* A reference on a group, as plain data. */
#ifndef VFIOSCOPE_LEDGER_REF_H
#define VFIOSCOPE_LEDGER_REF_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/events.h"

/* The kind of its holder. */
enum vs_ref_class {
	VS_REF_DEVICE,		/* a device that is registered with the group */
	VS_REF_FILE,		/* an open /dev/vfio/N */
	VS_REF_NOTIFIER,	/* a task inside vfio_iommu_group_notifier */
	VS_REF_DEFERRED,	/* a queued work that will put it */
	VS_REF_EXTERNAL,	/* the external-user API: KVM and others */
	VS_REF_LOOKUP,		/* a task between an internal get and its put */
	VS_REF_CLASSES,
};

enum vs_ref_origin {
	VS_REF_SEEN,		/* its get was seen */
	VS_REF_FOUND,		/* it existed when tracing began: found by the snapshot */
};

struct vs_ref {
	uint8_t class;		/* enum vs_ref_class */
	uint8_t origin;		/* enum vs_ref_origin */
	bool leaked;		/* a finding says that nobody will put it */
	bool old_said;		/* a finding says how old it is */
	bool recalled;		/* found, and another ledger has told its get */
	uint8_t snapshot;	/* private: enum in_snapshot in refs_priv.h */
	uint32_t stack;		/* of the get: vs_stacks__frames(), 0: none */
	uint64_t group;		/* struct vfio_group * */
	uint64_t object;	/* struct vfio_device *, struct file *, struct work_struct *; 0 */
	uint64_t get_ns;	/* CLOCK_MONOTONIC; for found ones the time when they were found */
	uint64_t get_ip;	/* 0 when not seen, or the reference a group is born with */
	uint64_t get_seq, queue_seq;	/* records of its get and of its queueing; 0: none */
	uint64_t put_ns;	/* 0 while it lives */
	uint64_t put_ip;
	uint32_t tid, tgid;	/* the task that took it; 0 when not known */
	char comm[VS_COMM_LEN];
	char device[VS_DEVICE_LEN];	/* class device: its name, "" if not known */
};

/* Returns true if get_ns, get_ip, stack and task are those of the get. */
bool vs_ref__knows_get(const struct vs_ref *ref);

const char *vs_ref_class__name(unsigned int class);	/* "device" ... */

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The holders that keep each device registered, and the unbinds that wait for them. From 5.13
 * (5.10.137) a device has a counter of its own: 1 for its driver, 1 for each open file of it, and
 * others. vfio_unregister_group_dev() drops the driver's reference and waits, without a limit, until
 * the counter is 0.
 *
 * Pure: the one stream of events feeds it, live or recorded.
 */
#ifndef VFIOSCOPE_LEDGER_REGISTRATIONS_H
#define VFIOSCOPE_LEDGER_REGISTRATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/events.h"
#include "ledger/finding.h"
#include "ledger/sites.h"
#include "ledger/stacks.h"
#include "snapshot/snapshot.h"

#define VS_UNREGISTER_PATIENCE_NS 10000000000ull /* the kernel's own first round of waiting */

enum vs_registration_class {
	VS_REGISTRATION_DRIVER,	/* from vfio_register_group_dev() to its opposite */
	VS_REGISTRATION_FILE,	/* an open file of the device */
	VS_REGISTRATION_DMABUF,	/* memory of the device given away as a dma-buf (7.x) */
	VS_REGISTRATION_LOOKUP,	/* a task that looks at the device, within one call */
	VS_REGISTRATION_OTHER,	/* another caller: see its place */
	VS_REGISTRATION_CLASSES,
};

/* One reference. */
struct vs_registration {
	uint8_t class;		/* enum vs_registration_class */
	bool found;		/* it existed when tracing began: get_ns is the time of the snapshot */
	int fd;			/* last known one of the file; -1: not known, or only mapped */
	uint32_t tid, tgid;	/* the task that took it; found ones: the one that has it; 0: not known */
	uint32_t stack;		/* of the get: vs_stacks__frames(), 0: none */
	char comm[VS_COMM_LEN];
	uint64_t get_ns;	/* CLOCK_MONOTONIC */
	uint64_t place;		/* the place of the get, not in a helper; 0: not known */
	uint64_t file;		/* struct file *, 0: not known (yet) */
	struct vs_registration *older;
};

/* One call of vfio_unregister_group_dev(). All times CLOCK_MONOTONIC, 0: not (yet). */
struct vs_unregister {
	uint32_t tid, tgid;	/* the task that waits; 0: it began before tracing */
	char comm[VS_COMM_LEN];
	uint64_t start_ns;	/* entered */
	uint64_t put_ns;	/* the driver's reference was dropped: the wait begins */
	uint64_t done_ns;	/* the last reference was dropped */
	uint64_t end_ns;	/* the task went on: the device has left its group */
	int32_t refs;		/* references left when the wait began */
	uint32_t last_tid, last_tgid;	/* the task that dropped the last one */
	char last_comm[VS_COMM_LEN];
	uint64_t last_place;
	bool said;		/* a finding says that it waits */
};

/* One life of a device. */
struct vs_registration_book {
	uint64_t address;	/* struct vfio_device * */
	uint64_t group;		/* struct vfio_group *, 0 if not known */
	int number;		/* iommu group, -1 if not known */
	char device[VS_DEVICE_LEN];	/* dev_name(), "" if not known */
	bool seen_before;	/* it existed when tracing began */
	int32_t refs;		/* the counter as last seen; or VS_SNAP_UNKNOWN */
	int32_t kernel_refs;	/* the counter as of the last check; or VS_SNAP_UNKNOWN */
	bool differs;		/* the last check found another number than the ledger has */
	uint64_t births, gets, puts;
	uint64_t before;	/* puts of references in `unknown` */
	uint64_t unattributed;	/* puts that fit no reference */
	uint64_t guessed;	/* puts that more than one process could have made */
	uint64_t unknown;	/* references whose holder is not known */
	size_t nr;		/* references with a holder */
	struct vs_registration *newest;
	struct vs_unregister wait;	/* start_ns and tid 0: none */
	bool waiting;		/* an unregister is under way */
	/* Private. */
	uint64_t last_seq;	/* of the last event */
	bool uncounted;		/* the number of earlier references is not known yet */
};

struct vs_registrations_totals {
	uint64_t births, gets, puts, before, unattributed, guessed;
	uint64_t waits;		/* unregisters that had to wait */
	uint64_t refused;	/* references and devices for which there was no room */
	size_t live, devices;
	size_t differ;		/* devices whose last check differed */
};

struct vs_registrations_opts {
	size_t max_devices;	/* 0: 4096 */
	size_t max_refs;	/* live ones, 0: 16384, some 100 bytes each */
	uint64_t patience_ns;	/* report an unregister that waits longer; 0: the default */
	struct vs_sites *sites;	/* borrowed */
	void *ctx;
	void (*say)(void *ctx, struct vs_finding *f);	/* may be NULL */
	/* An unregister that had to wait has gone on. May be NULL. */
	void (*waited)(void *ctx, const struct vs_registration_book *b);
};

struct vs_registrations;

/* NULL with errno set. */
struct vs_registrations *vs_registrations__new(const struct vs_registrations_opts *opts);
void vs_registrations__free(struct vs_registrations *r);	/* NULL is fine */

/* Starts from the snapshot: probes are armed, and none of their events has been fed yet. */
void vs_registrations__seed(struct vs_registrations *r, const struct vs_snapshot *s);

/* Probes have fallen silent: forgets all that is known. Feed nothing while they are silent. */
void vs_registrations__blind(struct vs_registrations *r);

void vs_registrations__feed(struct vs_registrations *r, const struct vs_event *e);

/* @seen is true if we can see gets, which is the default. If not, each check starts anew. */
void vs_registrations__gets_seen(struct vs_registrations *r, bool seen);

/* Compares with a snapshot that was taken after every event fed so far; learns descriptors. */
void vs_registrations__check(struct vs_registrations *r, const struct vs_snapshot *s);

/* Reports unregisters that wait for too long. */
void vs_registrations__tick(struct vs_registrations *r, uint64_t now_ns);

/* Reports, at the end, all unregisters that still wait, however short. */
void vs_registrations__finish(struct vs_registrations *r, uint64_t now_ns);

/* Returns the place of a registration-get or -put: the caller's if it is in a helper. */
uint64_t vs_registrations__place(const struct vs_registrations *r, const struct vs_event *e);

/* Live devices; @book NULL: the first; NULL at the end. */
const struct vs_registration_book *vs_registrations__next(const struct vs_registrations *r,
							   const struct vs_registration_book *book);

/* An unregister of this device waits for references now. */
bool vs_registration_book__waits(const struct vs_registration_book *b);

const struct vs_stacks *vs_registrations__stacks(const struct vs_registrations *r);
void vs_registrations__totals(const struct vs_registrations *r, struct vs_registrations_totals *t);

/* Findings of kind VS_UNREGISTER_WAITS so far. */
uint64_t vs_registrations__said(const struct vs_registrations *r);

const char *vs_registration_class__name(unsigned int class);	/* "driver", "device-file" ... */

#endif

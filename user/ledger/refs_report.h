/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ledger prepared for display: groups sorted by suspicion, similar references merged, and from a
 * fresh snapshot the processes that have the files open or mapped now. Pure. It points into the ledger
 * and the snapshot: valid until either changes.
 */
#ifndef VFIOSCOPE_LEDGER_REFS_REPORT_H
#define VFIOSCOPE_LEDGER_REFS_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/view.h"
#include "ledger/refs.h"
#include "ledger/registrations.h"
#include "snapshot/snapshot.h"

#define VS_REFS_REPORT_USERS 8	/* named per reference; the others are counted */

/* Sorted by this, worst first. */
enum vs_suspicion {
	VS_FINE,
	VS_SUSPECT_OLD,		/* held longer than --older */
	VS_SUSPECT_UNKNOWN,	/* the kernel counts references that nobody accounts for */
	VS_SUSPECT_LEAK,	/* a finding says so */
	VS_SUSPECT_BROKEN,	/* put too often, or used after its release */
};

const char *vs_suspicion__name(enum vs_suspicion suspicion);	/* "fine", "old" ... */

/* Returns the worst of its references, at @now_ns; @older_ns 0: none is too old. */
enum vs_suspicion vs_book__suspicion(const struct vs_book *b, uint64_t older_ns, uint64_t now_ns);

/* A process that has it open or mapped. */
struct vs_refs_report_user {
	const char *comm;	/* VS_COMM_LEN bytes */
	uint32_t tgid;		/* 0: no process, something in the kernel keeps the memory */
	bool hidden;		/* with tgid 0: it may be a process of another PID namespace */
	int fd;			/* -1: mapped */
	uint64_t start, end;	/* mapped: user addresses */
};

struct vs_refs_report_users {
	struct vs_refs_report_user named[VS_REFS_REPORT_USERS];
	size_t nr, more;
};

struct vs_refs_report_row {
	const struct vs_ref *ref;	/* the oldest of them; NULL: holder not known */
	size_t first;		/* counts the references of the group, from 1 */
	size_t nr;		/* alike: same holder, same stack */
	const char *driver;	/* class device: bound driver, "" if not known */
	uint64_t place;		/* the place of its get, or of the caller if that is a helper; 0 */
	uint64_t caller;	/* the first frame outside vfio, 0 */
	enum vs_suspicion suspicion;
	struct vs_refs_report_users users;
};

struct vs_refs_report_group {
	const struct vs_book *book;	/* NULL: only what sysfs knows */
	struct vs_group_view view;
	enum vs_suspicion suspicion;
	size_t nr_refs;		/* live ones, with those whose holder is not known */
	const struct vs_refs_report_row *rows;
	size_t nr_rows;
	/* The processes that have the group open where that is no reference (v6.1 and later). */
	struct vs_refs_report_users open;
	const struct vs_snap_group *now;	/* its entry in the snapshot, NULL: none */
	struct vs_refs_report_users container;	/* the processes that have its container open */
};

struct vs_refs_report {
	uint64_t time_ns;	/* CLOCK_MONOTONIC: the end of all ages */
	bool traced;		/* false: from the snapshot alone */
	bool last;		/* the run is over: lifetimes are shown */
	bool all_stacks;	/* show the stack of each get, not only of suspects */
	const struct vs_snapshot *snapshot;
	const struct vs_registrations *registrations;	/* NULL: not kept */
	struct vs_refs_totals totals;
	const struct vs_lifetimes *lifetimes;
	const struct vs_stacks *stacks;
	struct vs_sites *sites;	/* to name addresses */
	const struct vs_refs_report_group *groups;
	size_t nr_groups;
};

struct vs_refs_report_opts {
	const struct vs_refs *refs;
	const struct vs_registrations *registrations;	/* may be NULL */
	const struct vs_snapshot *snapshot;
	struct vs_sites *sites;
	uint64_t now_ns;
	uint64_t older_ns;	/* 0: none is too old */
	bool traced, last, stacks;
	/* Selects the groups to show; NULL: all. */
	bool (*wanted)(void *ctx, const struct vs_group_view *view);
	/* Returns "0000:00:05.0 0000:00:05.1", "" when not known. */
	const char *(*devices)(void *ctx, int number);
	void *ctx;
};

/* Returns true if the device belongs to that group. */
bool vs_refs_report__is_of(const struct vs_registration_book *b, const struct vs_group_view *g);

/* NULL with errno set. */
struct vs_refs_report *vs_refs_report__new(const struct vs_refs_report_opts *opts);
void vs_refs_report__free(struct vs_refs_report *r);	/* NULL is fine */

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ledger: every live reference of every group with its holder, and what
 * became of the others. Each put is matched to its get by who held the reference:
 * the device, the file, the work, the task. What cannot be matched is counted as
 * unattributed and, if nothing was lost, said as a finding.
 *
 * Pure: fed by the one stream of events, live or recorded. No clock of its own:
 * what must wait for late records is settled by vs_refs__tick().
 */
#ifndef VFIOSCOPE_LEDGER_REFS_H
#define VFIOSCOPE_LEDGER_REFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/events.h"
#include "ledger/finding.h"
#include "ledger/groups.h"
#include "ledger/lifetimes.h"
#include "ledger/ref.h"
#include "ledger/ref_pool.h"
#include "ledger/sites.h"
#include "ledger/stacks.h"
#include "snapshot/snapshot.h"

#define VS_SETTLE_NS 100000000ull	/* how long a record may come late */

struct vs_refs_opts {
	size_t max_refs;	/* live references, 0: 16384, some 200 bytes each */
	size_t max_groups;	/* 0: 4096 */
	size_t max_stacks;	/* different ones, 0: 4096, 176 bytes each */
	uint64_t older_ns;	/* say references older than this; 0: none */
	void *ctx;
	void (*say)(void *ctx, struct vs_finding *f);	/* may be NULL */
	/* Whether a process exists. NULL: all do. */
	bool (*task_alive)(void *ctx, uint32_t tgid);
	/* Whether events were lost so far: asked before a finding. NULL: vs_refs__lossy() only. */
	bool (*was_lost)(void *ctx);
	/* Whether probes are silent just now: a finding of grade bug is not made then. May be NULL. */
	bool (*is_blind)(void *ctx);
	struct vs_sites *sites;	/* borrowed */
};

/* What hardware watchpoints saw of a group, against what the probes saw. */
struct vs_ref_exact {
	uint64_t since_ns;	/* armed; 0: not watched */
	uint64_t since_seq;	/* the record begun last before that */
	uint64_t changes;
	uint64_t gets, puts;	/* seen by probes since then */
	uint64_t paired;	/* a change and the get or put that made it */
	uint64_t differences;	/* one without the other, or another value */
	int32_t last_refs;	/* the counter after the last change */
};

/* One life of a group. */
struct vs_book {
	uint64_t key;		/* private */
	uint64_t address;	/* struct vfio_group *, 0 if not known */
	int number;		/* iommu group, -1 if not known */
	uint32_t generation;
	bool seen_before;	/* it existed when tracing began */
	bool released;
	bool broken;		/* a finding of grade bug says so: what follows from it is not said */
	uint64_t gets, puts;	/* events; the reference it is born with is neither */
	uint64_t births;
	uint64_t found;		/* references without a get: from the snapshot, or only queued */
	uint64_t forgotten;	/* references given up without a put: no room, a creator that lost */
	uint64_t before;	/* puts of references in `unknown`, or from before tracing began */
	uint64_t unattributed;	/* puts without a get */
	uint64_t guessed;	/* puts that more than one holder could have made */
	uint64_t adrift;	/* puts that were not judged: after a bug, or with their book */
	uint64_t after_bug;	/* events that follow from the bug that was said */
	uint64_t unknown;	/* references whose holder is not known: from before, or no room */
	int32_t refs;		/* the counter as last read exactly; VS_SNAP_UNKNOWN */
	int32_t kernel_refs;	/* the counter as of the last check; VS_SNAP_UNKNOWN */
	uint64_t kernel_ns, kernel_seq;	/* when that was */
	bool differs;		/* the last check found another number than the ledger has */
	uint64_t last_ns, last_seq;	/* of the last event */
	uint64_t released_ns, released_seq;
	uint32_t released_tid;	/* who put last */
	struct vs_ref_list live;
	struct vs_ref_exact exact;
	/* Private. */
	bool unsettled;		/* what it began with is an estimate, until a look finds it quiet */
	uint64_t beyond;	/* at most so many may exist that neither `live` nor `unknown` has */
	bool went_beyond;	/* puts were taken for those of such */
	uint64_t mistaken;	/* puts of devices that were not known, perhaps taken for another one's */
	unsigned int unlisted;	/* looks that did not find it while it is unsettled */
	uint64_t closed_ns;	/* when a file was last closed */
	uint64_t overputs;	/* puts without a get that were found: the counter is too low by that */
	uint64_t pending;	/* findings that wait for a look at its counter */
	uint64_t held_at_release;	/* references that were left when its last one was put, but leaked ones */
	bool lost_race;		/* its creator lost, and frees it */
	bool uncounted;		/* how many references it had at the start is not known */
};

/*
 * For each book, and in total:
 *	live = births + gets + found - forgotten
 *	       - (puts - before - unattributed - adrift - waiting)
 */
struct vs_refs_totals {
	uint64_t gets, puts, births, before, unattributed, guessed, after_bug;
	uint64_t found, forgotten, adrift;
	uint64_t waiting;	/* puts that wait for a get that comes late */
	uint64_t changes, paired, differences;	/* of all watched groups */
	uint64_t uncertain;	/* findings that may be wrong */
	size_t live;		/* references now */
	size_t groups;		/* alive now */
	uint64_t refused_refs;	/* no room for them */
	uint64_t refused_stacks;
	uint64_t evicted_groups;
};

struct vs_refs;

/* NULL with errno set. */
struct vs_refs *vs_refs__new(const struct vs_refs_opts *opts);
void vs_refs__free(struct vs_refs *r);	/* NULL is fine */

/*
 * Begins with what exists, once probes are armed and before what they saw is fed. Again
 * when vfio.ko was loaded anew: all groups that were known before are gone with it.
 * A snapshot is not of one moment: how many references a group has is settled by the first
 * vs_refs__check() that finds it quiet, and until then nobody is accused of what may have been before.
 */
void vs_refs__seed(struct vs_refs *r, const struct vs_snapshot *s);

/* @group: what vs_groups__take() gave for @e, may be NULL. */
void vs_refs__feed(struct vs_refs *r, const struct vs_event *e, const struct vs_group *group);

/*
 * Watchpoints on this group are armed from @since_ns on, after the record @since_seq. @number: its
 * iommu group, -1 if not known; the life that is known by that only has its address now.
 */
void vs_refs__watched(struct vs_refs *r, uint64_t address, int number, uint64_t since_ns,
		      uint64_t since_seq);

/*
 * Whether gets can be seen on this kernel at all; true until told. When not, a put that
 * fits nobody is that of a get that was not seen.
 */
void vs_refs__gets_seen(struct vs_refs *r, bool seen);

/*
 * Up to the record @until_seq nothing but the birth of groups was seen, because vfio.ko had just
 * come: its groups are taken from the next vs_refs__seed(), and those births are ignored.
 */
void vs_refs__unseen(struct vs_refs *r, uint64_t until_seq);

/*
 * Probes have fallen silent: what is known and what waits is forgotten, and findings from now on say
 * that they may be wrong. Nothing is to be fed while they are; after that, vs_refs__seed(), and what was
 * recorded before that snapshot is ignored: something that belongs to it may not have been seen.
 */
void vs_refs__blind(struct vs_refs *r);

/* Events were lost: from now on findings say that they may be wrong, and are hazards. */
void vs_refs__lossy(struct vs_refs *r);

/* Settles what had to wait. @now_ns CLOCK_MONOTONIC, UINT64_MAX: all of it. */
void vs_refs__tick(struct vs_refs *r, uint64_t now_ns);

/*
 * Compares with a snapshot that was taken after every event fed so far: counters,
 * open files, holders that are gone. Groups with events during it are left out.
 */
void vs_refs__check(struct vs_refs *r, const struct vs_snapshot *s);

/*
 * A leak, or a put without a get, was found, and waits for vs_refs__check() to read the kernel's
 * counter: it is a bug if that agrees. Else, after some looks or at the end, it is said as uncertain.
 */
bool vs_refs__wants_look(const struct vs_refs *r);

/* Live groups whose counter no vs_refs__check() could hold against the ledger. */
struct vs_refs_uncompared {
	size_t nr;
	int number;		/* of one of them, -1 if not known */
	const char *why;	/* for that one, in words; NULL if there is none */
};

/* Since @since_ns, CLOCK_MONOTONIC: the start of the first of some looks. Each went to vs_refs__check(). */
void vs_refs__uncompared(const struct vs_refs *r, uint64_t since_ns, struct vs_refs_uncompared *u);

/*
 * A counter of the kernel was not what the ledger says when they were compared last, of a group that
 * has been quiet since. Of others the next comparison tells: a probe is in front of the instruction
 * that it tells of, and a virtual CPU may stand still between the two.
 */
bool vs_refs__any_differs(const struct vs_refs *r);

/* Books, in no order; @book NULL: the first; NULL at the end. Released ones last a while. */
const struct vs_book *vs_refs__next(const struct vs_refs *r, const struct vs_book *book);
const struct vs_book *vs_refs__numbered(const struct vs_refs *r, int number);

const struct vs_stacks *vs_refs__stacks(const struct vs_refs *r);
const struct vs_lifetimes *vs_refs__lifetimes(const struct vs_refs *r);
void vs_refs__totals(const struct vs_refs *r, struct vs_refs_totals *t);

/* References, stacks and groups for which there was no room. */
uint64_t vs_refs__refused(const struct vs_refs *r);

/* Findings so far, by kind; array of VS_FINDING_KINDS. */
const uint64_t *vs_refs__counts(const struct vs_refs *r);

#endif

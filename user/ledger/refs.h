/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ledger has every live reference of every group with its holder, and counts the ended ones. It
 * matches each put to its get by the holder of the reference: the device, the file, the work, the task.
 * It counts a put that it cannot match as unattributed and, if nothing was lost, reports a finding.
 *
 * Pure: the one stream of events feeds it, live or recorded. It has no clock of its own:
 * vs_refs__tick() settles what must wait for late records.
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

#define VS_SETTLE_NS 100000000ull	/* a record may be this late */

struct vs_refs_opts {
	size_t max_refs;	/* live references, 0: 16384, some 200 bytes each */
	size_t max_groups;	/* 0: 4096 */
	size_t max_stacks;	/* different ones, 0: 4096, 176 bytes each */
	uint64_t older_ns;	/* report references older than this; 0: none */
	void *ctx;
	void (*say)(void *ctx, struct vs_finding *f);	/* may be NULL */
	/* True if the process exists. NULL: all do. */
	bool (*task_alive)(void *ctx, uint32_t tgid);
	/* True if events have been lost so far; called before each finding. NULL: vs_refs__lossy() only. */
	bool (*was_lost)(void *ctx);
	/* True if probes are silent now: then no finding of grade bug is made. May be NULL. */
	bool (*is_blind)(void *ctx);
	struct vs_sites *sites;	/* borrowed */
};

/* Compares the changes that hardware watchpoints saw with the gets and puts that the probes saw. */
struct vs_ref_exact {
	uint64_t since_ns;	/* armed; 0: not watched */
	uint64_t since_seq;	/* the newest record begun before that */
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
	bool broken;		/* a finding of grade bug was made: its consequences are not reported */
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
	int32_t refs;		/* the counter as last read exactly; or VS_SNAP_UNKNOWN */
	int32_t kernel_refs;	/* the counter as of the last check; or VS_SNAP_UNKNOWN */
	uint64_t kernel_ns, kernel_seq;	/* when that was */
	bool differs;		/* the last check found another number than the ledger has */
	uint64_t last_ns, last_seq;	/* of the last event */
	uint64_t created_seq;	/* the record of its birth, 0: not seen */
	uint64_t released_ns, released_seq;
	uint32_t released_tid;	/* the task that put the last reference */
	struct vs_ref_list live;
	struct vs_ref_exact exact;
	/* Private. */
	bool unsettled;		/* its initial count is an estimate, until a look finds it quiet */
	uint64_t beyond;	/* at most this many may exist beside `live` and `unknown` */
	bool went_beyond;	/* puts were attributed to these */
	uint64_t mistaken;	/* puts of unknown devices, perhaps attributed to the wrong one */
	unsigned int unlisted;	/* looks that did not list it while it was unsettled */
	uint64_t closed_ns;	/* the time of the last close of a file */
	uint64_t overputs;	/* puts without a get: the counter is too low by this many */
	uint64_t pending;	/* findings that wait for a look at its counter */
	uint64_t held_at_release;	/* references left when its last one was put, without leaked ones */
	bool lost_race;		/* its creator lost, and frees it */
	bool uncounted;		/* its initial number of references is not known */
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
	uint64_t changes, paired, differences;	/* in all watched groups */
	uint64_t uncertain;	/* findings that may be wrong */
	size_t live;		/* references now */
	size_t groups;		/* alive now */
	uint64_t refused_refs;	/* references for which there was no room */
	uint64_t refused_stacks;
	uint64_t evicted_groups;
};

struct vs_refs;

/* NULL with errno set. */
struct vs_refs *vs_refs__new(const struct vs_refs_opts *opts);
void vs_refs__free(struct vs_refs *r);	/* NULL is fine */

/*
 * Starts from the snapshot, once probes are armed and before their events are fed. Call it again when
 * vfio.ko was loaded anew: all groups known until then are gone. A snapshot is not atomic: the first
 * vs_refs__check() that finds a group quiet settles how many references it has, and until then no
 * finding accuses a put that may drop an earlier reference.
 */
void vs_refs__seed(struct vs_refs *r, const struct vs_snapshot *s);

/*
 * Tells the get of a reference that the last snapshot found, if it is of the same device or file as
 * @known, whose stack has these frames. Returns false if there is none.
 */
bool vs_refs__recall(struct vs_refs *r, const struct vs_ref *known, const __u64 *frames, size_t nr);

/* @group is the result of vs_groups__take() for @e, may be NULL. */
void vs_refs__feed(struct vs_refs *r, const struct vs_event *e, const struct vs_group *group);

/*
 * Watchpoints on this group are armed from @since_ns on, after the record @since_seq. @number is its
 * iommu group, -1 if not known; a life that was known by its number only gets its address now.
 */
void vs_refs__watched(struct vs_refs *r, uint64_t address, int number, uint64_t since_ns,
		      uint64_t since_seq);

/*
 * @seen is true if this kernel lets us see gets at all, which is the default. If not, a put that
 * matches no reference belongs to a get that was not seen.
 */
void vs_refs__gets_seen(struct vs_refs *r, bool seen);

/*
 * Up to the record @until_seq we saw only the birth of groups, because vfio.ko had just been loaded:
 * the next vs_refs__seed() brings its groups, and those births are ignored.
 */
void vs_refs__unseen(struct vs_refs *r, uint64_t until_seq);

/*
 * Probes have fallen silent: forgets all that is known or waits, and marks findings from now on as
 * uncertain. Feed nothing while probes are silent; then call vs_refs__seed(). Records made before that
 * snapshot are ignored: we may not have seen the events that go with them.
 */
void vs_refs__blind(struct vs_refs *r);

/* Events were lost: findings from now on are marked as uncertain, and are hazards. */
void vs_refs__lossy(struct vs_refs *r);

/* Settles everything that had to wait until @now_ns, CLOCK_MONOTONIC; UINT64_MAX settles all. */
void vs_refs__tick(struct vs_refs *r, uint64_t now_ns);

/* What a tick does: the two halves of vs_refs__tick(), for callers that repeat a run. */
enum vs_refs_due {
	VS_REFS_WALK = 1 << 0,	/* walk over all books */
	VS_REFS_OLD = 1 << 1,	/* look for references that are older than older_ns, too */
};

/* Returns what is due at @now_ns, and notes that it is done; 0: nothing. */
unsigned int vs_refs__due(struct vs_refs *r, uint64_t now_ns);

/* Does what @due says, whenever that was last. Returns true if the ledger has changed. */
bool vs_refs__settle(struct vs_refs *r, uint64_t now_ns, unsigned int due);

/*
 * Compares with a snapshot that was taken after every event fed so far: counters,
 * open files, holders that are gone. Groups with events during it are left out.
 */
void vs_refs__check(struct vs_refs *r, const struct vs_snapshot *s);

/*
 * Returns true if a leak, or a put without a get, waits for vs_refs__check() to read the kernel's
 * counter: it is a bug if that agrees. Else it is reported as uncertain, after some looks or at the
 * end.
 */
bool vs_refs__wants_look(const struct vs_refs *r);

/* Live groups whose counter no vs_refs__check() could compare with the ledger. */
struct vs_refs_uncompared {
	size_t nr;
	int number;		/* of one of them, -1 if not known */
	const char *why;	/* the reason for that one, in words; NULL if there is none */
};

/* @since_ns, CLOCK_MONOTONIC, is the start of the first of some looks. Each went to vs_refs__check(). */
void vs_refs__uncompared(const struct vs_refs *r, uint64_t since_ns, struct vs_refs_uncompared *u);

/*
 * Returns true if the last comparison found a kernel counter that differs from the ledger, in a group
 * that has been quiet since. For a busy group the next comparison decides: a probe fires ahead of the
 * instruction that it reports, and a virtual CPU may be preempted between the two.
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

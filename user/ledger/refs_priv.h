/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by the files of the ledger of references only. */
#ifndef VFIOSCOPE_LEDGER_REFS_PRIV_H
#define VFIOSCOPE_LEDGER_REFS_PRIV_H

#include "ledger/lru.h"
#include "ledger/ref_site.h"
#include "ledger/refs.h"
#include "ledger/said.h"

#define ORPHANS 256	/* puts that wait for a get that comes late */
#define SITE_CACHE 256	/* places in vfio: tens */

/* vs_ref.snapshot: what a reference replaced that was taken before the snapshot's end. */
enum in_snapshot {
	SNAP_NOTHING,
	SNAP_UNKNOWN,	/* one of vs_book.unknown */
	SNAP_FOUND,	/* a found reference of the same holder */
};

/* What a task is doing that a get or put of it belongs to. */
struct ref_task {
	uint64_t registering;	/* struct vfio_device *, 0 */
	bool registered;	/* it has its reference */
	uint64_t unregistering;
	char device[VS_DEVICE_LEN];
	uint64_t file;		/* that it closes, or closed last */
	bool leaving;		/* unregistering, and the put of it is yet to come */
	bool closing;		/* the same for file */
	/* Watchpoints: the get's change comes before it, the put's after it. */
	uint64_t change_group;
	int32_t change_refs;
	bool change_open;	/* a change up that waits for its get */
	uint64_t put_group;
	bool put_open;		/* a put that waits for its change */
	bool put_counted;	/* made after the watchpoints were armed */
	uint64_t work_seq;	/* the record of the start of the work that it runs, 0 */
};

struct orphan {
	struct vs_event e;	/* a put, or a queue whose get is missing */
	struct vs_book *book;
	uint64_t key;
	uint32_t stack;
	uint8_t class;
};

/* A put's probe is hit before the put, and a virtual CPU may stand still between the two. */
#define VS_QUIET_NS 20000000ull

#define PENDING 256	/* findings that wait for the kernel's counter */

struct pending {
	enum vs_finding_kind kind;	/* a leak, or a put without a get */
	struct vs_book *book;
	struct vs_event e;
	uint32_t stack;		/* of e */
	bool has_ref;
	struct vs_ref ref;
	uint64_t more;		/* further ones of the same place */
	unsigned int looks;	/* that did not bear it out */
	char words[120];
	char doubt[VS_DOUBT_LEN];	/* what the last of them found */
};

struct site_role {
	uint64_t ip;
	enum vs_role role;
};

struct vs_refs {
	struct vs_refs_opts opts;
	size_t max_groups;
	struct vs_ref_pool *pool;
	struct vs_lru *books;	/* struct vs_book */
	struct vs_lru *tasks;	/* struct ref_task by tid */
	struct vs_stacks *stacks;
	struct vs_lifetimes lifetimes;
	struct vs_refs_totals past;	/* of books that are gone */
	struct orphan orphans[ORPHANS];
	size_t nr_orphans;
	struct pending pending[PENDING];
	size_t nr_pending;
	struct site_role roles[SITE_CACHE];
	struct vs_said said;
	uint64_t counts[VS_FINDING_KINDS];
	uint64_t uncertain;	/* findings after a loss */
	bool seeded;
	uint64_t seed_start_seq, seeded_seq;	/* the snapshot was taken between these records */
	uint64_t seeded_ns;
	bool was_blind;		/* since the last snapshot */
	uint64_t ignored_seq;	/* what was recorded up to here was before a snapshot that ended a gap */
	uint64_t unseen_seq;	/* up to then only births were seen: a snapshot tells the rest */
	uint64_t next_walk_ns;
	uint64_t old_check_ns;
	bool lossy;
	bool no_gets;		/* this kernel does not show them */
	struct vs_finding finding;	/* built here */
};

/* -- refs.c -- */
struct ref_task *refs_task(struct vs_refs *r, uint32_t tid);	/* NULL: not known */
struct ref_task *refs_task_or_new(struct vs_refs *r, uint32_t tid);	/* NULL: no memory */
void refs_forget_all(struct vs_refs *r);	/* every group, every task */
struct vs_book *refs_book_at(struct vs_refs *r, uint64_t address);
/* A life whose create told the number only, and whose address is not known yet (6.1 and later). */
struct vs_book *refs_book_numbered(struct vs_refs *r, int number);
/* Of a group that somebody found there, before or after an event told it. NULL: no memory. */
struct vs_book *refs_book_found_at(struct vs_refs *r, uint64_t address, int number);

/* -- refs_role.c -- */
enum vs_role refs_role_at(struct vs_refs *r, uint64_t ip);
enum vs_role refs_role_of(struct vs_refs *r, const struct vs_event *e);
/* By the place or its callers, not only by what the task does. */
bool refs_is_told_by_place(struct vs_refs *r, const struct vs_event *e);
unsigned int refs_class_of(enum vs_role role);

/* -- refs_settle.c -- */
/* Nobody told how many references @b had: that is settled by a look that finds it quiet. */
void refs_unsettle(struct vs_book *b);
/* A put or a queue that nobody holds a reference for may be of one that @b had before. */
bool refs_may_be_from_before(struct vs_refs *r, struct vs_book *b, const struct vs_event *e);
/* Whether @e was recorded while the snapshot was taken that @b began with. */
bool refs_was_meanwhile(const struct vs_refs *r, const struct vs_book *b, const struct vs_event *e);
/* @refs: its counter in @s. Nothing where it is settled, or was not quiet. */
void refs_settle_book(struct vs_refs *r, struct vs_book *b, const struct vs_snapshot *s, int32_t refs);
/* Those that began with a snapshot, and are not there any more. */
void refs_settle_unlisted(struct vs_refs *r, const struct vs_snapshot *s);

/* -- refs_late.c -- */
/* @e: a put, or a queue, of a reference of @class with @key whose get is missing. */
void refs_keep_orphan(struct vs_refs *r, struct vs_book *b, const struct vs_event *e,
		      unsigned int class, uint64_t key);
/* @b NULL: those of all groups. */
void refs_settle_orphans(struct vs_refs *r, uint64_t now_ns, struct vs_book *b);
void refs_drop_orphans(struct vs_refs *r, struct vs_book *b);

/* -- refs_match.c -- */
void refs_on_birth(struct vs_refs *r, struct vs_book *b, const struct vs_event *e);
void refs_on_get(struct vs_refs *r, struct vs_book *b, const struct vs_event *e);
void refs_on_put(struct vs_refs *r, struct vs_book *b, const struct vs_event *e);
void refs_on_open(struct vs_refs *r, struct vs_book *b, const struct vs_event *e);
void refs_on_queue(struct vs_refs *r, struct vs_book *b, const struct vs_event *e);
void refs_on_end(struct vs_refs *r, const struct vs_event *e);
void refs_on_notifier_exit(struct vs_refs *r, const struct vs_event *e);
uint64_t refs_key(unsigned int class, uint64_t group, uint64_t object);
void refs_forget(struct vs_refs *r, struct vs_book *b, struct vs_ref *ref);
void refs_on_start(struct vs_refs *r, const struct vs_event *e);

/* -- refs_exact.c -- */
void refs_on_change(struct vs_refs *r, struct vs_book *b, const struct vs_event *e);
void refs_pair_get(struct vs_refs *r, struct vs_book *b, const struct vs_event *e);
void refs_pair_put(struct vs_refs *r, struct vs_book *b, const struct vs_event *e);
void refs_settle_pairs(struct vs_refs *r);

/* -- refs_pending.c -- */
/* As refs_say(), once the kernel's counter agrees; what does not agree is said as uncertain. */
void refs_pend(struct vs_refs *r, enum vs_finding_kind kind, struct vs_book *b,
	       const struct vs_ref *ref, const struct vs_event *e, const char *words);
/* @ref, which a finding calls leaked, is put. */
void refs_was_put(struct vs_refs *r, struct vs_book *b, const struct vs_ref *ref);
/* @refs: the counter of @b in @s, VS_SNAP_UNKNOWN. */
void refs_confirm(struct vs_refs *r, struct vs_book *b, const struct vs_snapshot *s, int32_t refs);
/* Nothing more will be known of @b. */
void refs_settle_pending(struct vs_refs *r, struct vs_book *b);
void refs_settle_all_pending(struct vs_refs *r);

/* -- refs_say.c -- */
/* @s becomes @e with the frames of @stack, if there are any. */
void refs_with_stack(struct vs_refs *r, const struct vs_event *e, uint32_t stack,
		     struct vs_stack_event *s);
/* @doubt: why it may be wrong, which makes it a hazard; "": nothing speaks against it. */
void refs_say_now(struct vs_refs *r, enum vs_finding_kind kind, struct vs_book *b,
		  const struct vs_ref *ref, const struct vs_event *e, const char *words,
		  const char *doubt);
uint32_t refs_stack_of(struct vs_refs *r, const struct vs_event *e);	/* 0: none */
/* A finding about @ref (may be NULL) of @b, made at @e; stacks and places from them. */
void refs_say(struct vs_refs *r, enum vs_finding_kind kind, struct vs_book *b,
	      const struct vs_ref *ref, const struct vs_event *e, const char *words);
void refs_say_leak(struct vs_refs *r, struct vs_book *b, struct vs_ref *ref,
		   const struct vs_event *e, const char *words);

#endif

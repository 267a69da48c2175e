/* SPDX-License-Identifier: GPL-2.0 */
/* Only the files of the ledger of references share this header. */
#ifndef VFIOSCOPE_LEDGER_REFS_PRIV_H
#define VFIOSCOPE_LEDGER_REFS_PRIV_H

#include "base/lru.h"
#include "ledger/refs.h"
#include "ledger/said.h"
#include "vfio/functions.h"

#define ORPHANS 256	/* puts that wait for a get that comes late */
#define SITE_CACHE 256	/* places in vfio: tens */

/* vs_ref.snapshot: the entry of the snapshot that a reference taken before its end replaced. */
enum in_snapshot {
	SNAP_NOTHING,
	SNAP_UNKNOWN,	/* one of vs_book.unknown */
	SNAP_FOUND,	/* a found reference of the same holder */
};

/* The operation of a task that its gets and puts belong to. */
struct ref_task {
	uint64_t registering;	/* struct vfio_device *, 0 */
	bool registered;	/* it has its reference */
	uint64_t unregistering;
	char device[VS_DEVICE_LEN];
	uint64_t file;		/* the file that it closes, or closed last */
	bool leaving;		/* unregistering, and its put is still to come */
	bool closing;		/* the same for file */
	/* Watchpoints: the get's change comes before it, the put's after it. */
	uint64_t change_group;
	int32_t change_refs;
	bool change_open;	/* a change up that waits for its get */
	uint64_t put_group;
	bool put_open;		/* a put that waits for its change */
	bool put_counted;	/* made after the watchpoints were armed */
	uint64_t work_seq;	/* the start record of the work that it runs, 0 */
};

struct orphan {
	struct vs_event e;	/* a put, or a queue whose get is missing */
	struct vs_book *book;
	uint64_t key;
	uint32_t stack;
	uint8_t class;
};

/* A put's probe fires before the put, and a virtual CPU may be preempted between the two. */
#define VS_QUIET_NS 20000000ull

#define PENDING 256	/* findings that wait for the kernel's counter */

struct pending {
	enum vs_finding_kind kind;	/* a leak, or a put without a get */
	struct vs_book *book;
	struct vs_event e;
	uint32_t stack;		/* of e */
	bool has_ref;
	struct vs_ref ref;
	uint64_t more;		/* further findings of the same place */
	unsigned int looks;	/* looks that did not confirm it */
	char words[120];
	char doubt[VS_DOUBT_LEN];	/* the result of the last of them */
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
	uint64_t ignored_seq;	/* records up to here precede a snapshot that ended a gap */
	uint64_t unseen_seq;	/* until then only births were seen: a snapshot has the rest */
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
/*
 * Returns a life whose create reported the number only, and whose address is not known yet (6.1 and
 * later).
 */
struct vs_book *refs_book_numbered(struct vs_refs *r, int number);
/*
 * Returns the book of a group that a look listed, NULL if there is none. The look began after the record
 * @start_seq: a life created before that, whose address was not known, is the one that is listed.
 */
struct vs_book *refs_book_listed(struct vs_refs *r, uint64_t address, int number, uint64_t start_seq);
/* Returns the book of a group that was found there, before or after an event reported it. NULL: no memory. */
struct vs_book *refs_book_found_at(struct vs_refs *r, uint64_t address, int number);

/* -- refs_role.c -- */
enum vs_role refs_role_at(struct vs_refs *r, uint64_t ip);
enum vs_role refs_role_of(struct vs_refs *r, const struct vs_event *e);
/* Returns true if the place or its callers show the role, not only what the task does. */
bool refs_is_told_by_place(struct vs_refs *r, const struct vs_event *e);
unsigned int refs_class_of(enum vs_role role);

/* -- refs_settle.c -- */
/* We do not know how many references @b had: the first look that finds it quiet settles that. */
void refs_unsettle(struct vs_book *b);
/* Returns true if a put or queue without a holder may be of a reference that @b had before. */
bool refs_may_be_from_before(struct vs_refs *r, struct vs_book *b, const struct vs_event *e);
/* Returns true if @e was recorded while the snapshot that @b began with was taken. */
bool refs_was_meanwhile(const struct vs_refs *r, const struct vs_book *b, const struct vs_event *e);
/* @refs is its counter in @s. Does nothing if @b is settled, or was not quiet. */
void refs_settle_book(struct vs_refs *r, struct vs_book *b, const struct vs_snapshot *s, int32_t refs);
/* Drops groups that began with a snapshot and are no longer listed. */
void refs_settle_unlisted(struct vs_refs *r, const struct vs_snapshot *s);

/* -- refs_late.c -- */
/* @e is a put, or a queue, of a reference of @class with @key whose get is missing. */
void refs_keep_orphan(struct vs_refs *r, struct vs_book *b, const struct vs_event *e,
		      unsigned int class, uint64_t key);
/* @b NULL: settles the orphans of all groups. */
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
/*
 * Works like refs_say(), once the kernel's counter agrees; a finding that it refutes is reported as
 * uncertain.
 */
void refs_pend(struct vs_refs *r, enum vs_finding_kind kind, struct vs_book *b,
	       const struct vs_ref *ref, const struct vs_event *e, const char *words);
/* @ref, which a finding calls leaked, has been put. */
void refs_was_put(struct vs_refs *r, struct vs_book *b, const struct vs_ref *ref);
/* @refs is the counter of @b in @s, or VS_SNAP_UNKNOWN. */
void refs_confirm(struct vs_refs *r, struct vs_book *b, const struct vs_snapshot *s, int32_t refs);
/* Resolves the findings of @b: no more will become known. */
void refs_settle_pending(struct vs_refs *r, struct vs_book *b);
void refs_settle_all_pending(struct vs_refs *r);

/* -- refs_say.c -- */
/* @s becomes @e with the frames of @stack, if there are any. */
void refs_with_stack(struct vs_refs *r, const struct vs_event *e, uint32_t stack,
		     struct vs_stack_event *s);
/* @doubt says why the finding may be wrong, which makes it a hazard; "": nothing speaks against it. */
void refs_say_now(struct vs_refs *r, enum vs_finding_kind kind, struct vs_book *b,
		  const struct vs_ref *ref, const struct vs_event *e, const char *words,
		  const char *doubt);
uint32_t refs_stack_of(struct vs_refs *r, const struct vs_event *e);	/* 0: none */
/* Reports a finding about @ref (may be NULL) of @b, made at @e; stacks and places come from them. */
void refs_say(struct vs_refs *r, enum vs_finding_kind kind, struct vs_book *b,
	      const struct vs_ref *ref, const struct vs_event *e, const char *words);
void refs_say_leak(struct vs_refs *r, struct vs_book *b, struct vs_ref *ref,
		   const struct vs_event *e, const char *words);

#endif

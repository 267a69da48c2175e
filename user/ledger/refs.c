// SPDX-License-Identifier: GPL-2.0
#include "ledger/refs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/refs_priv.h"

#define DEFAULT_REFS 16384
#define DEFAULT_GROUPS 4096
#define DEFAULT_STACKS 4096
#define TASKS 4096	/* tasks inside a call of VFIO that matters here */
#define WALK_NS (VS_SETTLE_NS / 4)	/* between walks over all books */

static size_t or_default(size_t value, size_t fallback)
{
	return value ? value : fallback;
}

static void add_book(struct vs_refs_totals *t, const struct vs_book *b)
{
	t->gets += b->gets;
	t->puts += b->puts;
	t->births += b->births;
	t->found += b->found;
	t->forgotten += b->forgotten;
	t->before += b->before;
	t->unattributed += b->unattributed;
	t->guessed += b->guessed;
	t->adrift += b->adrift;
	t->after_bug += b->after_bug;
	t->changes += b->exact.changes;
	t->paired += b->exact.paired;
	t->differences += b->exact.differences;
}

/* Forgets the references of a group that is dropped, and adds its counts to the totals. */
static void drop_book(void *ctx, void *value)
{
	struct vs_book *b = value;
	struct vs_refs *r = ctx;

	refs_drop_orphans(r, b);
	refs_settle_pending(r, b);
	while (b->live.newest)
		refs_forget(r, b, b->live.newest);
	add_book(&r->past, b);
}

struct vs_refs *vs_refs__new(const struct vs_refs_opts *opts)
{
	struct vs_refs *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->opts = *opts;
	r->max_groups = or_default(opts->max_groups, DEFAULT_GROUPS);
	r->pool = vs_ref_pool__new(or_default(opts->max_refs, DEFAULT_REFS));
	r->books = vs_lru__new(r->max_groups, sizeof(struct vs_book), drop_book, r);
	r->tasks = vs_lru__new(TASKS, sizeof(struct ref_task), NULL, NULL);
	r->stacks = vs_stacks__new(or_default(opts->max_stacks, DEFAULT_STACKS));
	if (r->pool && r->books && r->tasks && r->stacks)
		return r;
	vs_refs__free(r);
	errno = ENOMEM;
	return NULL;
}

void vs_refs__free(struct vs_refs *r)
{
	if (!r)
		return;
	if (r->books)
		vs_lru__free(r->books);
	if (r->tasks)
		vs_lru__free(r->tasks);
	vs_ref_pool__free(r->pool);
	vs_stacks__free(r->stacks);
	free(r);
}

void refs_forget_all(struct vs_refs *r)
{
	vs_lru__clear(r->books);
	vs_lru__clear(r->tasks);
}

struct ref_task *refs_task(struct vs_refs *r, uint32_t tid)
{
	return vs_lru__find(r->tasks, tid);
}

struct ref_task *refs_task_or_new(struct vs_refs *r, uint32_t tid)
{
	struct ref_task *task = refs_task(r, tid);

	return task ? task : vs_lru__add(r->tasks, tid);
}

/* -- books -- */

struct vs_book *refs_book_at(struct vs_refs *r, uint64_t address)
{
	return address ? vs_lru__find(r->books, address) : NULL;
}

static struct vs_book *new_book(struct vs_refs *r, uint64_t key)
{
	struct vs_book *b = vs_lru__add(r->books, key);

	if (!b)
		return NULL;
	b->key = key;
	b->number = -1;
	b->refs = b->kernel_refs = VS_SNAP_UNKNOWN;
	return b;
}

struct vs_book *refs_book_numbered(struct vs_refs *r, int number)
{
	struct vs_book *b = number >= 0 ? vs_lru__find(r->books, (uint64_t)number) : NULL;

	return b && !b->address ? b : NULL;
}

/* Its address comes with the first use. */
static struct vs_book *adopt_address(struct vs_refs *r, struct vs_book *b, uint64_t address)
{
	vs_lru__rekey(r->books, b->key, address);
	b->key = b->address = address;
	for (struct vs_ref *ref = b->live.newest; ref; ref = vs_ref_pool__older(ref))
		ref->group = address;
	return b;
}

/* Returns a reference that is surely held. NULL: all of them may be estimates from the start. */
static struct vs_ref *held_for_sure(const struct vs_refs *r, const struct vs_book *b)
{
	struct vs_ref *ref = b->live.newest;

	while (ref && b->unsettled && (ref->origin == VS_REF_FOUND || ref->get_seq <= r->seeded_seq))
		ref = vs_ref_pool__older(ref);
	return ref;
}

static void settle_book(struct vs_refs *r, struct vs_book *b)
{
	struct vs_ref *held;

	struct vs_event e = { .time_ns = b->released_ns, .seq = b->released_seq, .tid = b->released_tid };

	refs_settle_orphans(r, UINT64_MAX, b);
	refs_settle_pending(r, b);
	held = held_for_sure(r, b);
	if (held && b->released && !b->broken)
		refs_say(r, VS_RELEASED_WHILE_HELD, b, held, &e,
			 "the last reference was put while the ledger still has holders");
	while (b->live.newest)
		refs_forget(r, b, b->live.newest);
}

/*
 * After an eviction we cannot know how many references an uncreated group had; nor can we if a snapshot
 * was taken when the group was created but not yet in the kernel's list.
 */
static struct vs_book *begin_book(struct vs_refs *r, const struct vs_event *e, uint64_t key)
{
	struct vs_book *b = new_book(r, key);

	if (b && e->type != VS_CREATE && (r->seeded || vs_lru__evicted(r->books)))
		refs_unsettle(b);
	return b;
}

/* Ends the book of a life that is over: @e is the first of the next one at its address. */
static struct vs_book *end_book(struct vs_refs *r, struct vs_book *b, const struct vs_event *e)
{
	uint64_t key = b->key, address = b->address;

	settle_book(r, b);
	vs_lru__del(r->books, key);
	b = new_book(r, key);
	if (b)
		b->address = address;
	if (b && e->type != VS_CREATE)
		refs_unsettle(b);
	return b;
}

/*
 * A create that reports the number only, while the first snapshot was taken: the snapshot has this life,
 * or the one before it. Only the next use of its address, or the next look, tells.
 */
static bool was_created_meanwhile(const struct vs_refs *r, const struct vs_book *seeded,
				  const struct vs_book *b)
{
	return seeded->seen_before && seeded->number == b->number && b->births && r->seeded &&
	       b->created_seq <= r->seeded_seq;
}

/* Returns true if this event is the first use of a new life at the address of an old one. */
static bool is_replaced(const struct vs_refs *r, const struct vs_book *old, const struct vs_book *b,
			const struct vs_event *e)
{
	if (!b->births || e->type == VS_RELEASE)
		return false;
	if (e->type == VS_CREATE || !old)
		return true;
	if (old->released)
		return e->seq > old->released_seq;
	/* The kernel creates none while its list has one of that number: the old life is over. */
	if (e->seq > b->created_seq && was_created_meanwhile(r, old, b))
		return true;
	return !old->live.nr && !old->unknown;
}

/* @old may be NULL. */
static struct vs_book *replace_book(struct vs_refs *r, struct vs_book *old, struct vs_book *b,
				    uint64_t address)
{
	if (!old)
		return adopt_address(r, b, address);
	if (!old->released) {	/* it has only been watched so far */
		b->exact = old->exact;
		old->exact = (struct vs_ref_exact){ 0 };
	}
	/* Somebody may have joined it unseen. */
	if (was_created_meanwhile(r, old, b))
		refs_unsettle(b);
	settle_book(r, old);
	vs_lru__del(r->books, old->key);
	return adopt_address(r, b, address);
}

static struct vs_book *find_by_address(struct vs_refs *r, const struct vs_event *e,
				       uint64_t address, int number, bool *adopted)
{
	struct vs_book *old = refs_book_at(r, address), *b = refs_book_numbered(r, number);

	if (!b || b == old || !is_replaced(r, old, b, e))
		return old;
	*adopted = true;
	return replace_book(r, old, b, address);
}

/* Two probes report one birth where the function is not inlined, one of them with the number only. */
static bool is_new_life(const struct vs_refs *r, const struct vs_book *b,
			const struct vs_event *e, const struct vs_group *group, bool adopted)
{
	if (e->type == VS_CREATE)
		return !adopted && (b->births || b->seen_before || b->released || b->unsettled);
	/* We saw one create, so we would see the next, unless it was lost: this is use of a dead group. */
	if (b->broken || (b->births && !r->lossy))
		return false;
	if (!b->released || !group || !group->alive || group->address != b->address)
		return false;
	/* If all that we saw of a life is its late end, the next one had been created unseen by then. */
	return group->generation != b->generation || (b->number < 0 && group->number >= 0);
}

static struct vs_book *book_of(struct vs_refs *r, const struct vs_event *e,
			       const struct vs_group *group)
{
	uint64_t address = e->group ? e->group : e->context == VS_CTX_WORKER ? e->ctx_group : 0;
	int number = group ? group->number : e->iommu_group;
	bool adopted = false;
	struct vs_book *b;

	if (address)
		b = find_by_address(r, e, address, number, &adopted);
	else
		b = refs_book_numbered(r, number);
	if (b && is_new_life(r, b, e, group, adopted))
		b = end_book(r, b, e);
	if (!b && (address || number >= 0))
		b = begin_book(r, e, address ? address : (uint64_t)number);
	if (!b)
		return NULL;
	b->seen_before |= group && group->seen_before && !b->births;
	b->address = address ? address : b->address;
	b->number = number >= 0 ? number : b->number;
	if (group && !b->released)
		b->generation = group->generation;
	b->last_ns = e->time_ns;
	b->last_seq = e->seq;
	return b;
}

/* -- events -- */

static void on_register(struct vs_refs *r, const struct vs_event *e)
{
	const struct vs_device_event *d = (const void *)e;
	struct ref_task *task = refs_task_or_new(r, e->tid);

	if (!task)
		return;
	if (e->type == VS_REGISTER) {
		task->registering = e->object;
		task->registered = false;
	} else {
		task->unregistering = e->object;
		task->leaving = true;
	}
	memcpy(task->device, d->device, sizeof(task->device));
}

static void on_close(struct vs_refs *r, const struct vs_event *e)
{
	struct ref_task *task = refs_task_or_new(r, e->tid);
	struct vs_book *b = refs_book_at(r, e->group);

	if (b)
		b->closed_ns = e->time_ns;
	if (!task)
		return;
	task->file = e->object;
	task->closing = true;
}

/* Two tasks created a group at once: the loser frees its own, which no other task has seen. */
static bool has_lost_race(const struct vs_book *b, const struct vs_event *e)
{
	const struct vs_ref *ref = b->live.newest;

	return b->live.nr == 1 && b->births && !b->gets && ref->tid == e->tid;
}

static uint64_t count_held(const struct vs_book *b)
{
	uint64_t nr = 0;

	for (const struct vs_ref *ref = b->live.newest; ref; ref = vs_ref_pool__older(ref))
		nr += !ref->leaked;
	return nr;
}

static void end_life(struct vs_refs *r, struct vs_book *b, const struct vs_event *e)
{
	b->lost_race = has_lost_race(b, e);
	if (b->lost_race)
		refs_forget(r, b, b->live.newest);
	b->held_at_release = count_held(b);
	b->released = true;
	b->released_ns = e->time_ns;
	b->released_seq = e->seq;
	b->released_tid = e->tid;
}

/* This is the last act of a release, and the only visible one of a creator that lost. */
static void on_unregister_notifier(struct vs_refs *r, struct vs_book *b, const struct vs_event *e)
{
	if (!b->released && (!b->live.nr || has_lost_race(b, e)))
		end_life(r, b, e);
}

static void on_release(struct vs_refs *r, struct vs_book *b, const struct vs_event *e)
{
	if (e->flags & VS_F_FREED && !b->address)
		return;
	if (!b->released)
		end_life(r, b, e);
	else if (b->lost_race)	/* 5.16 to 5.18 free the memory of a creator that lost, too */
		b->lost_race = false;
	else if (e->tid != b->released_tid)
		refs_say(r, VS_USE_AFTER_RELEASE, b, NULL, e, "released a second time");
}

static bool is_dead(const struct vs_event *e)
{
	/* After a get the count is 2 or more; before a put it includes the putter's own reference. */
	return e->flags & VS_F_REFS && e->refs < (e->type == VS_GET ? 2 : 1);
}

/* The event itself proves this, whatever the ledger believes. */
static void check_alive(struct vs_refs *r, struct vs_book *b, const struct vs_event *e)
{
	char words[120];

	if ((b->released && e->seq > b->released_seq) || is_dead(e))
		refs_settle_orphans(r, UINT64_MAX, b);	/* the cause comes before what follows */
	if (b->released && e->seq > b->released_seq) {
		refs_say(r, VS_USE_AFTER_RELEASE, b, NULL, e, "of a group that was released");
	} else if (is_dead(e)) {
		snprintf(words, sizeof(words), "of a group whose counter is %s: it %s %d",
			 e->refs < 0 ? "saturated or below zero" : "zero",
			 e->type == VS_GET ? "became" : "read", e->refs);
		refs_say(r, VS_USE_AFTER_RELEASE, b, NULL, e, words);
	}
}

/* The first snapshot, which began after @e, listed it: @e ends the life before, which had its address. */
static bool is_end_of_another(const struct vs_refs *r, const struct vs_book *b,
			      const struct vs_event *e)
{
	return (e->type == VS_RELEASE || e->type == VS_UNREGISTER_NOTIFIER) && r->seeded &&
	       b->seen_before && b->kernel_seq && e->seq <= r->seed_start_seq;
}

static void take_book_event(struct vs_refs *r, struct vs_book *b, const struct vs_event *e)
{
	switch (e->type) {
	case VS_CREATE:
		refs_on_birth(r, b, e);
		break;
	case VS_GET:
		check_alive(r, b, e);
		refs_on_get(r, b, e);
		break;
	case VS_PUT:
		check_alive(r, b, e);
		refs_on_put(r, b, e);
		break;
	case VS_CHANGE:
		refs_on_change(r, b, e);
		break;
	case VS_OPEN:
		refs_on_open(r, b, e);
		break;
	case VS_QUEUE:
		refs_on_queue(r, b, e);
		break;
	case VS_UNREGISTER_NOTIFIER:
		on_unregister_notifier(r, b, e);
		break;
	case VS_RELEASE:
		on_release(r, b, e);
		break;
	default:
		break;
	}
}

/* Returns true for events that change a group's references. */
static bool concerns_book(const struct vs_event *e)
{
	switch (e->type) {
	case VS_CREATE:
	case VS_GET:
	case VS_PUT:
	case VS_CHANGE:
	case VS_OPEN:
	case VS_QUEUE:
	case VS_UNREGISTER_NOTIFIER:
	case VS_RELEASE:
		return true;
	default:
		return false;
	}
}

void vs_refs__feed(struct vs_refs *r, const struct vs_event *e, const struct vs_group *group)
{
	struct vs_book *b;

	if (e->seq <= r->ignored_seq || (e->type == VS_CREATE && e->seq <= r->unseen_seq))
		return;
	if (e->type == VS_REGISTER || e->type == VS_UNREGISTER)
		on_register(r, e);
	else if (e->type == VS_CLOSE)
		on_close(r, e);
	else if (e->type == VS_START)
		refs_on_start(r, e);
	else if (e->type == VS_END)
		refs_on_end(r, e);
	else if (e->type == VS_NOTIFIER_EXIT)
		refs_on_notifier_exit(r, e);
	else if (e->type == VS_MODULE_LOAD || e->type == VS_MODULE_FREE)
		memset(r->roles, 0, sizeof(r->roles));
	if (!concerns_book(e))
		return;
	b = book_of(r, e, group);
	if (b && !is_end_of_another(r, b, e))
		take_book_event(r, b, e);
}

struct vs_book *refs_book_found_at(struct vs_refs *r, uint64_t address, int number)
{
	struct vs_book *old = refs_book_at(r, address), *b = refs_book_numbered(r, number);

	if (b && (!old || old->released))
		return replace_book(r, old, b, address);
	b = old ? old : new_book(r, address);
	if (b && !old)
		b->uncounted = true;	/* no event reported its birth */
	if (b)
		b->address = address;
	return b;
}

struct vs_book *refs_book_listed(struct vs_refs *r, uint64_t address, int number, uint64_t start_seq)
{
	struct vs_book *old = refs_book_at(r, address), *b = refs_book_numbered(r, number);

	if (!b || !b->births || b->created_seq > start_seq)
		return old;
	if (old && !old->released && !was_created_meanwhile(r, old, b))
		return old;
	return replace_book(r, old, b, address);
}

void vs_refs__gets_seen(struct vs_refs *r, bool seen)
{
	r->no_gets = !seen;
}

void vs_refs__unseen(struct vs_refs *r, uint64_t until_seq)
{
	r->unseen_seq = until_seq;
}

void vs_refs__blind(struct vs_refs *r)
{
	refs_forget_all(r);
	r->was_blind = true;
	vs_refs__lossy(r);
}

void vs_refs__lossy(struct vs_refs *r)
{
	r->lossy = true;
}

/* -- what waits -- */

static bool say_old(struct vs_refs *r, struct vs_book *b, struct vs_ref *ref, uint64_t now_ns)
{
	struct vs_event e = { .time_ns = now_ns, .tid = ref->tid, .tgid = ref->tgid };

	/* A found reference is at least as old as the snapshot. */
	if (ref->old_said || now_ns < ref->get_ns || now_ns - ref->get_ns < r->opts.older_ns)
		return false;
	ref->old_said = true;
	memcpy(e.comm, ref->comm, sizeof(e.comm));
	refs_say(r, VS_OLD_REFERENCE, b, ref, &e, "held longer than --older");
	return true;
}

/* After VS_SETTLE_NS nobody can put the references of a released group any more. */
static bool settle_released(struct vs_refs *r, uint64_t now_ns)
{
	bool any = false;

	for (struct vs_book *b = NULL; (b = vs_lru__next(r->books, b));)
		if (b->released && (b->live.nr || b->pending) &&
		    (now_ns == UINT64_MAX || now_ns > b->released_ns + VS_SETTLE_NS)) {
			settle_book(r, b);
			any = true;
		}
	return any;
}

/* Makes room in time, or released groups would evict live but quiet ones. */
static bool drop_released(struct vs_refs *r, uint64_t now_ns)
{
	struct vs_book *b = vs_lru__next(r->books, NULL), *next;
	size_t before = vs_lru__count(r->books);

	if (now_ns == UINT64_MAX || before <= r->max_groups / 2)
		return false;
	for (; b; b = next) {
		next = vs_lru__next(r->books, b);
		if (b->released && !b->live.nr && now_ns > b->released_ns + VS_SETTLE_NS)
			vs_lru__del(r->books, b->key);
	}
	return vs_lru__count(r->books) != before;
}

static bool look_for_old(struct vs_refs *r, uint64_t now_ns)
{
	bool any = false;

	for (struct vs_book *b = NULL; (b = vs_lru__next(r->books, b));)
		for (struct vs_ref *ref = b->live.newest; ref; ref = vs_ref_pool__older(ref))
			any |= say_old(r, b, ref, now_ns);
	return any;
}

unsigned int vs_refs__due(struct vs_refs *r, uint64_t now_ns)
{
	unsigned int due = VS_REFS_WALK;

	if (now_ns == UINT64_MAX)
		return due;
	if (now_ns < r->next_walk_ns)
		return 0;
	r->next_walk_ns = now_ns + WALK_NS;
	if (r->opts.older_ns && now_ns >= r->old_check_ns) {
		r->old_check_ns = now_ns + r->opts.older_ns / 8;
		due |= VS_REFS_OLD;
	}
	return due;
}

bool vs_refs__settle(struct vs_refs *r, uint64_t now_ns, unsigned int due)
{
	size_t orphans = r->nr_orphans;
	bool changed;

	if (!due)
		return false;
	if (now_ns == UINT64_MAX)
		refs_settle_pairs(r);
	refs_settle_orphans(r, now_ns, NULL);
	changed = r->nr_orphans != orphans;
	changed |= settle_released(r, now_ns);
	if (now_ns == UINT64_MAX)
		refs_settle_all_pending(r);
	changed |= drop_released(r, now_ns);
	return (due & VS_REFS_OLD && look_for_old(r, now_ns)) || changed;
}

void vs_refs__tick(struct vs_refs *r, uint64_t now_ns)
{
	vs_refs__settle(r, now_ns, vs_refs__due(r, now_ns));
}

/* -- what others ask -- */

const struct vs_book *vs_refs__next(const struct vs_refs *r, const struct vs_book *book)
{
	return vs_lru__next(r->books, book);
}

bool vs_refs__any_differs(const struct vs_refs *r)
{
	const struct vs_book *b = NULL;

	while ((b = vs_refs__next(r, b)))
		if (b->differs && !b->released && b->last_seq <= b->kernel_seq)
			return true;
	return false;
}

const struct vs_book *vs_refs__numbered(const struct vs_refs *r, int number)
{
	const struct vs_book *found = NULL;

	for (const struct vs_book *b = NULL; (b = vs_lru__next(r->books, b));)
		if (b->number == number && !b->released &&
		    (!found || b->last_seq >= found->last_seq))
			found = b;
	return found;
}

const struct vs_stacks *vs_refs__stacks(const struct vs_refs *r)
{
	return r->stacks;
}

const struct vs_lifetimes *vs_refs__lifetimes(const struct vs_refs *r)
{
	return &r->lifetimes;
}

/* Queues also wait for their get, but they are not puts. */
static uint64_t count_waiting(const struct vs_refs *r)
{
	uint64_t nr = 0;

	for (size_t i = 0; i < r->nr_orphans; i++)
		nr += r->orphans[i].e.type == VS_PUT;
	return nr;
}

void vs_refs__totals(const struct vs_refs *r, struct vs_refs_totals *t)
{
	*t = r->past;
	for (const struct vs_book *b = NULL; (b = vs_lru__next(r->books, b));) {
		add_book(t, b);
		t->groups += !b->released;
	}
	t->waiting = count_waiting(r);
	t->uncertain = r->uncertain;
	t->live = vs_ref_pool__count(r->pool);
	t->refused_refs = vs_ref_pool__refused(r->pool);
	t->refused_stacks = vs_stacks__refused(r->stacks);
	t->evicted_groups = vs_lru__evicted(r->books);
}

uint64_t vs_refs__refused(const struct vs_refs *r)
{
	return vs_ref_pool__refused(r->pool) + vs_stacks__refused(r->stacks) +
	       vs_lru__evicted(r->books);
}

const uint64_t *vs_refs__counts(const struct vs_refs *r)
{
	return r->counts;
}

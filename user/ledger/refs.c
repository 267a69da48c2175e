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

static size_t or_default(size_t value, size_t fallback)
{
	return value ? value : fallback;
}

/* The references of a group that had to make room. */
static void drop_book(void *ctx, void *value)
{
	struct vs_book *b = value;
	struct vs_refs *r = ctx;

	r->past.gets += b->gets;
	r->past.puts += b->puts;
	r->past.births += b->births;
	r->past.before += b->before;
	r->past.unattributed += b->unattributed;
	r->past.guessed += b->guessed;
	r->past.after_bug += b->after_bug;
	r->past.changes += b->exact.changes;
	r->past.paired += b->exact.paired;
	r->past.differences += b->exact.differences;
	while (b->live.newest)
		vs_ref_pool__del(r->pool, &b->live, b->live.newest);
}

struct vs_refs *vs_refs__new(const struct vs_refs_opts *opts)
{
	struct vs_refs *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->opts = *opts;
	r->pool = vs_ref_pool__new(or_default(opts->max_refs, DEFAULT_REFS));
	r->books = vs_lru__new(or_default(opts->max_groups, DEFAULT_GROUPS),
			       sizeof(struct vs_book), drop_book, r);
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

struct ref_task *refs_task(struct vs_refs *r, uint32_t tid)
{
	return vs_lru__find(r->tasks, tid);
}

static struct ref_task *task_or_new(struct vs_refs *r, uint32_t tid)
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

/* Where create tells the number only (6.1 and later), the address comes with the first use. */
static struct vs_book *adopt_address(struct vs_refs *r, uint64_t address, int number)
{
	struct vs_book *b = number >= 0 ? vs_lru__find(r->books, (uint64_t)number) : NULL;

	if (!b)
		return NULL;
	vs_lru__rekey(r->books, b->key, address);
	b->key = b->address = address;
	for (struct vs_ref *ref = b->live.newest; ref; ref = vs_ref_pool__older(ref))
		ref->group = address;
	return b;
}

static struct vs_book *find_book(struct vs_refs *r, uint64_t address, int number)
{
	struct vs_book *b;

	if (!address)
		return number >= 0 ? vs_lru__find(r->books, (uint64_t)number) : NULL;
	b = refs_book_at(r, address);
	return b ? b : adopt_address(r, address, number);
}

static void settle_book(struct vs_refs *r, struct vs_book *b)
{
	struct vs_event e = { .time_ns = b->released_ns, .tid = b->released_tid };

	refs_settle_orphans(r, UINT64_MAX);
	if (b->live.nr && !b->broken)
		refs_say(r, VS_RELEASED_WHILE_HELD, b, b->live.newest, &e,
			 "the last reference was put while the ledger still has holders");
	while (b->live.newest)
		refs_forget(r, b, b->live.newest);
}

/* The life that a book is about is over, and its address is used anew. */
static struct vs_book *end_book(struct vs_refs *r, struct vs_book *b)
{
	uint64_t key = b->key;

	if (b->released)
		settle_book(r, b);
	vs_lru__del(r->books, key);
	return new_book(r, key);
}

static bool is_new_life(const struct vs_book *b, const struct vs_event *e,
			const struct vs_group *group)
{
	if (e->type == VS_CREATE)
		return b->births || b->seen_before || b->released;
	return b->released && group && group->alive && group->address == b->address &&
	       group->generation != b->generation;
}

static struct vs_book *book_of(struct vs_refs *r, const struct vs_event *e,
			       const struct vs_group *group)
{
	uint64_t address = e->group ? e->group : e->context == VS_CTX_WORKER ? e->ctx_group : 0;
	int number = group ? group->number : e->iommu_group;
	struct vs_book *b = find_book(r, address, number);

	if (b && is_new_life(b, e, group))
		b = end_book(r, b);
	if (!b && (address || number >= 0))
		b = new_book(r, address ? address : (uint64_t)number);
	if (!b)
		return NULL;
	b->seen_before |= group && group->seen_before && !b->births;
	b->address = address ? address : b->address;
	b->number = number >= 0 ? number : b->number;
	if (group && !b->released)
		b->generation = group->generation;
	b->last_ns = e->time_ns;
	return b;
}

/* -- events -- */

static void on_register(struct vs_refs *r, const struct vs_event *e)
{
	const struct vs_device_event *d = (const void *)e;
	struct ref_task *task = task_or_new(r, e->tid);

	if (!task)
		return;
	if (e->type == VS_REGISTER) {
		task->registering = e->object;
		task->registered = false;
	} else {
		task->unregistering = e->object;
	}
	memcpy(task->device, d->device, sizeof(task->device));
}

static void on_close(struct vs_refs *r, const struct vs_event *e)
{
	struct ref_task *task = task_or_new(r, e->tid);

	if (task)
		task->file = e->object;
}

/* Two tasks created a group at once: the loser frees its own, which nobody else has seen. */
static bool lost_race(const struct vs_book *b, const struct vs_event *e)
{
	const struct vs_ref *ref = b->live.newest;

	return b->live.nr == 1 && b->births && !b->gets && ref->tid == e->tid;
}

static void end_life(struct vs_refs *r, struct vs_book *b, const struct vs_event *e)
{
	if (lost_race(b, e))
		refs_forget(r, b, b->live.newest);
	b->released = true;
	b->released_ns = e->time_ns;
	b->released_tid = e->tid;
}

/* The last act of a release; the only one that is seen of a creator that lost. */
static void on_unregister_notifier(struct vs_refs *r, struct vs_book *b, const struct vs_event *e)
{
	if (!b->released && (!b->live.nr || lost_race(b, e)))
		end_life(r, b, e);
}

static void on_release(struct vs_refs *r, struct vs_book *b, const struct vs_event *e)
{
	if (e->flags & VS_F_FREED && !b->address)
		return;
	if (!b->released)
		end_life(r, b, e);
	else if (e->tid != b->released_tid)
		refs_say(r, VS_USE_AFTER_RELEASE, b, NULL, e, "released a second time");
}

static bool is_dead(const struct vs_event *e)
{
	/* After a get the count is 2 or more; before a put the putter's own is there. */
	return e->flags & VS_F_REFS && e->refs < (e->type == VS_GET ? 2 : 1);
}

/* Directly seen, whatever the ledger believes. */
static void check_alive(struct vs_refs *r, struct vs_book *b, const struct vs_event *e)
{
	char words[120];

	if ((b->released && e->time_ns > b->released_ns) || is_dead(e))
		refs_settle_orphans(r, UINT64_MAX);	/* the cause comes before what follows */
	if (b->released && e->time_ns > b->released_ns) {
		refs_say(r, VS_USE_AFTER_RELEASE, b, NULL, e, "of a group that was released");
	} else if (is_dead(e)) {
		snprintf(words, sizeof(words), "of a group whose counter is %s: it %s %d",
			 e->refs < 0 ? "saturated or below zero" : "zero",
			 e->type == VS_GET ? "became" : "read", e->refs);
		refs_say(r, VS_USE_AFTER_RELEASE, b, NULL, e, words);
	}
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

/* Events that say something about a group's references. */
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

	if (e->type == VS_REGISTER || e->type == VS_UNREGISTER)
		on_register(r, e);
	else if (e->type == VS_CLOSE)
		on_close(r, e);
	else if (e->type == VS_END)
		refs_on_end(r, e);
	else if (e->type == VS_NOTIFIER_EXIT)
		refs_on_notifier_exit(r, e);
	if (!concerns_book(e))
		return;
	b = book_of(r, e, group);
	if (b)
		take_book_event(r, b, e);
}

void vs_refs__watched(struct vs_refs *r, uint64_t address, uint64_t since_ns)
{
	struct vs_book *b = refs_book_at(r, address);

	if (!b)
		b = new_book(r, address);
	if (!b)
		return;
	b->address = address;
	b->exact = (struct vs_ref_exact){ .since_ns = since_ns, .last_refs = VS_SNAP_UNKNOWN };
}

void vs_refs__lossy(struct vs_refs *r)
{
	r->lossy = true;
}

/* -- what waits -- */

static void say_old(struct vs_refs *r, struct vs_book *b, struct vs_ref *ref, uint64_t now_ns)
{
	struct vs_event e = { .time_ns = now_ns, .tid = ref->tid, .tgid = ref->tgid };

	if (ref->old_said || ref->origin != VS_REF_SEEN || now_ns < ref->get_ns ||
	    now_ns - ref->get_ns < r->opts.older_ns)
		return;
	ref->old_said = true;
	memcpy(e.comm, ref->comm, sizeof(e.comm));
	refs_say(r, VS_OLD_REFERENCE, b, ref, &e, "held longer than --older");
}

/* The references of a group that was released a while ago cannot be put any more. */
static void settle_released(struct vs_refs *r, uint64_t now_ns)
{
	for (struct vs_book *b = NULL; (b = vs_lru__next(r->books, b));)
		if (b->released && b->live.nr &&
		    (now_ns == UINT64_MAX || now_ns > b->released_ns + VS_SETTLE_NS))
			settle_book(r, b);
}

static void look_for_old(struct vs_refs *r, uint64_t now_ns)
{
	if (!r->opts.older_ns || now_ns == UINT64_MAX || now_ns < r->old_check_ns)
		return;
	r->old_check_ns = now_ns + r->opts.older_ns / 8;
	for (struct vs_book *b = NULL; (b = vs_lru__next(r->books, b));)
		for (struct vs_ref *ref = b->live.newest; ref; ref = vs_ref_pool__older(ref))
			say_old(r, b, ref, now_ns);
}

void vs_refs__tick(struct vs_refs *r, uint64_t now_ns)
{
	refs_settle_orphans(r, now_ns);
	settle_released(r, now_ns);
	look_for_old(r, now_ns);
}

/* -- what others ask -- */

const struct vs_book *vs_refs__next(const struct vs_refs *r, const struct vs_book *book)
{
	return vs_lru__next(r->books, book);
}

const struct vs_book *vs_refs__numbered(const struct vs_refs *r, int number)
{
	const struct vs_book *b = NULL;

	while ((b = vs_lru__next(r->books, b)))
		if (b->number == number && !b->released)
			return b;
	return NULL;
}

const struct vs_stacks *vs_refs__stacks(const struct vs_refs *r)
{
	return r->stacks;
}

const struct vs_lifetimes *vs_refs__lifetimes(const struct vs_refs *r)
{
	return &r->lifetimes;
}

static void add_book(struct vs_refs_totals *t, const struct vs_book *b)
{
	t->gets += b->gets;
	t->puts += b->puts;
	t->births += b->births;
	t->before += b->before;
	t->unattributed += b->unattributed;
	t->guessed += b->guessed;
	t->after_bug += b->after_bug;
	t->changes += b->exact.changes;
	t->paired += b->exact.paired;
	t->differences += b->exact.differences;
	t->groups += !b->released;
}

void vs_refs__totals(const struct vs_refs *r, struct vs_refs_totals *t)
{
	*t = r->past;
	for (const struct vs_book *b = NULL; (b = vs_lru__next(r->books, b));)
		add_book(t, b);
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

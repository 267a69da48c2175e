// SPDX-License-Identifier: GPL-2.0
#include "ledger/registrations.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "event/record.h"
#include "ledger/registrations_priv.h"

#define DEFAULT_DEVICES 4096
#define DEFAULT_REFS 16384
#define STACKS 1024

static void add_book(struct vs_registrations_totals *t, const struct vs_registration_book *b)
{
	t->births += b->births;
	t->gets += b->gets;
	t->puts += b->puts;
	t->before += b->before;
	t->unattributed += b->unattributed;
	t->guessed += b->guessed;
}

static void drop_book(void *ctx, void *value)
{
	struct vs_registration_book *b = value;
	struct vs_registrations *r = ctx;

	while (b->newest)
		registrations_drop(r, b, b->newest);
	r->nr_waiting -= b->waiting;
	add_book(&r->past, b);
}

struct vs_registrations *vs_registrations__new(const struct vs_registrations_opts *opts)
{
	struct vs_registrations *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->opts = *opts;
	r->opts.max_refs = opts->max_refs ? opts->max_refs : DEFAULT_REFS;
	if (!opts->patience_ns)
		r->opts.patience_ns = VS_UNREGISTER_PATIENCE_NS;
	r->books = vs_lru__new(opts->max_devices ? opts->max_devices : DEFAULT_DEVICES,
			       sizeof(struct vs_registration_book), drop_book, r);
	r->stacks = vs_stacks__new(STACKS);
	if (r->books && r->stacks)
		return r;
	vs_registrations__free(r);
	errno = ENOMEM;
	return NULL;
}

void vs_registrations__free(struct vs_registrations *r)
{
	if (!r)
		return;
	if (r->books)
		vs_lru__free(r->books);
	vs_stacks__free(r->stacks);
	free(r);
}

/* -- books -- */

struct vs_registration_book *registrations_book(struct vs_registrations *r, uint64_t device)
{
	return device ? vs_lru__find(r->books, device) : NULL;
}

struct vs_registration_book *registrations_new_book(struct vs_registrations *r, uint64_t device)
{
	struct vs_registration_book *b = device ? vs_lru__add(r->books, device) : NULL;

	if (!b)
		return NULL;
	b->address = device;
	b->number = -1;
	b->refs = b->kernel_refs = VS_SNAP_UNKNOWN;
	return b;
}

void registrations_end(struct vs_registrations *r, struct vs_registration_book *b)
{
	vs_lru__del(r->books, b->address);
}

struct vs_registration *registrations_add(struct vs_registrations *r,
					  struct vs_registration_book *b, unsigned int class)
{
	struct vs_registration *ref = NULL;

	if (r->nr_refs < r->opts.max_refs)
		ref = calloc(1, sizeof(*ref));
	if (!ref) {	/* its put will count as one of an unknown holder */
		r->refused++;
		b->unknown++;
		return NULL;
	}
	r->nr_refs++;
	b->nr++;
	ref->class = (uint8_t)class;
	ref->fd = -1;
	ref->older = b->newest;
	b->newest = ref;
	return ref;
}

void registrations_drop(struct vs_registrations *r, struct vs_registration_book *b,
			struct vs_registration *ref)
{
	struct vs_registration **at = &b->newest;

	while (*at != ref)
		at = &(*at)->older;
	*at = ref->older;
	b->nr--;
	r->nr_refs--;
	free(ref);
}

/* -- events -- */

static void note_group(struct vs_registration_book *b, const struct vs_event *e)
{
	const char *device = vs_record__device(e);

	if (e->group)
		b->group = e->group;
	if (e->iommu_group >= 0)
		b->number = e->iommu_group;
	if (*device)
		memcpy(b->device, device, strlen(device) + 1);
	b->last_seq = e->seq;
}

/* A device that no event reported exists already: the event has its number of references. */
static struct vs_registration_book *book_of(struct vs_registrations *r, const struct vs_event *e)
{
	struct vs_registration_book *b = registrations_book(r, e->object);

	if (!b) {
		b = registrations_new_book(r, e->object);
		if (!b)
			return NULL;
		b->seen_before = b->uncounted = true;
	}
	note_group(b, e);
	return b;
}

static void on_register(struct vs_registrations *r, const struct vs_event *e)
{
	struct vs_registration_book *b = registrations_book(r, e->object);
	struct vs_registration *ref;

	/* The snapshot was taken after it. */
	if (b && b->seen_before && e->seq <= r->seeded_seq)
		return;
	if (b)
		registrations_end(r, b);
	b = registrations_new_book(r, e->object);
	if (!b)
		return;
	note_group(b, e);
	b->births++;
	ref = registrations_add(r, b, VS_REGISTRATION_DRIVER);
	if (!ref)
		return;
	ref->tid = e->tid;
	ref->tgid = e->tgid;
	ref->get_ns = e->time_ns;
	ref->place = e->ip;
	memcpy(ref->comm, e->comm, sizeof(ref->comm));
}

/*
 * A reference that we saw first was found again in the snapshot. Returns that one, of the same process
 * if there is one.
 */
static struct vs_registration *twin_of(const struct vs_registration_book *b)
{
	struct vs_registration *found = NULL;

	for (struct vs_registration *ref = b->newest; ref; ref = ref->older) {
		if (!ref->found || ref->class != VS_REGISTRATION_FILE)
			continue;
		if (!found || ref->tgid == b->newest->tgid)
			found = ref;
	}
	return found;
}

/* The count in an event is the truth where the ledger cannot know how many references came before. */
static void believe(struct vs_registrations *r, struct vs_registration_book *b, int32_t refs)
{
	struct vs_registration *twin;

	while (refs >= 0 && (uint64_t)refs < b->nr && (twin = twin_of(b)))
		registrations_drop(r, b, twin);
	b->unknown = refs > 0 && (uint64_t)refs > b->nr ? (uint64_t)refs - b->nr : 0;
	b->uncounted = false;
}

static void on_reference(struct vs_registrations *r, const struct vs_event *e)
{
	struct vs_registration_book *b;
	bool unsure;

	if (e->seq <= r->seed_start_seq)
		return;
	b = book_of(r, e);
	if (!b)
		return;
	unsure = b->uncounted || e->seq <= r->seeded_seq;
	if (unsure && e->type == VS_REG_PUT && e->flags & VS_F_REFS)
		b->unknown = (uint64_t)e->refs + 1 > b->nr ? (uint64_t)e->refs + 1 - b->nr : 0;
	if (e->type == VS_REG_GET)
		registrations_get(r, b, e);
	else
		registrations_put(r, b, e);
	if (e->flags & VS_F_REFS)
		b->refs = e->refs;
	if (unsure && e->flags & VS_F_REFS)
		believe(r, b, e->refs);
	if (e->type == VS_REG_PUT)
		registrations_wait_put(r, b, e);
}

static void on_unregister(struct vs_registrations *r, const struct vs_event *e)
{
	struct vs_registration_book *b = book_of(r, e);

	if (b)
		registrations_wait_begins(r, b, e);
}

void vs_registrations__feed(struct vs_registrations *r, const struct vs_event *e)
{
	switch (e->type) {
	case VS_REGISTER:
		on_register(r, e);
		break;
	case VS_UNREGISTER:
		on_unregister(r, e);
		break;
	case VS_REG_GET:
	case VS_REG_PUT:
		on_reference(r, e);
		break;
	case VS_PUT:
	case VS_RELEASE:
		registrations_wait_ends(r, e);
		break;
	case VS_MODULE_FREE:
		vs_lru__clear(r->books);
		break;
	default:
		break;
	}
}

void vs_registrations__blind(struct vs_registrations *r)
{
	vs_lru__clear(r->books);
}

void vs_registrations__gets_seen(struct vs_registrations *r, bool seen)
{
	r->no_gets = !seen;
}

/* -- what others ask -- */

const struct vs_registration_book *vs_registrations__next(const struct vs_registrations *r,
							   const struct vs_registration_book *book)
{
	return vs_lru__next(r->books, book);
}

const struct vs_stacks *vs_registrations__stacks(const struct vs_registrations *r)
{
	return r->stacks;
}

void vs_registrations__totals(const struct vs_registrations *r, struct vs_registrations_totals *t)
{
	*t = r->past;
	for (const struct vs_registration_book *b = NULL; (b = vs_lru__next(r->books, b));) {
		add_book(t, b);
		t->differ += b->differs;
	}
	t->devices = vs_lru__count(r->books);
	t->live = r->nr_refs;
	t->refused = r->refused + vs_lru__evicted(r->books);
}

uint64_t vs_registrations__said(const struct vs_registrations *r)
{
	return r->said;
}

const char *vs_registration_class__name(unsigned int class)
{
	static const char *const names[VS_REGISTRATION_CLASSES] = {
		[VS_REGISTRATION_DRIVER] = "driver",
		[VS_REGISTRATION_FILE] = "device-file",
		[VS_REGISTRATION_DMABUF] = "dma-buf",
		[VS_REGISTRATION_LOOKUP] = "lookup",
		[VS_REGISTRATION_OTHER] = "other",
	};

	return class < VS_REGISTRATION_CLASSES ? names[class] : "?";
}

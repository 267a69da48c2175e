// SPDX-License-Identifier: GPL-2.0
/*
 * Findings of grade bug that rest on the books alone wait here until the kernel's own counter agrees. A
 * record that was missed or reordered makes the books wrong, and they would accuse a correct kernel.
 */
#include <stdio.h>
#include <string.h>

#include "ledger/refs_priv.h"

/* After this many looks it is reported with its doubt: a group that is always busy must not hide it. */
#define MOST_LOOKS 25
/* This many findings of one place wait one by one. Further ones are counted with the last of them. */
#define SAME_PLACE 8

static bool is_leak(const struct pending *p)
{
	return p->kind == VS_REF_LEAK;
}

static uint64_t count_leaks(const struct vs_refs *r, const struct vs_book *b)
{
	uint64_t nr = 0;

	for (size_t i = 0; i < r->nr_pending; i++)
		nr += r->pending[i].book == b && is_leak(&r->pending[i]);
	return nr;
}

/*
 * The kernel refutes the finding: the book counts as sound again, and later events are judged on their
 * own.
 */
static void acquit(struct vs_book *b, const struct pending *p)
{
	if (is_leak(p))
		return;
	b->overputs = 0;
	b->broken = false;
}

/* @doubt "": the kernel agrees. */
static void resolve(struct vs_refs *r, size_t at, const char *doubt)
{
	struct pending p = r->pending[at];
	struct vs_stack_event s;

	memmove(&r->pending[at], &r->pending[at + 1],
		(--r->nr_pending - at) * sizeof(r->pending[0]));
	p.book->pending--;
	if (doubt[0])
		acquit(p.book, &p);
	refs_with_stack(r, &p.e, p.stack, &s);
	for (uint64_t i = 0; i <= p.more; i++)
		refs_say_now(r, p.kind, p.book, p.has_ref ? &p.ref : NULL, &s.e, p.words, doubt);
}

static bool at_same_place(const struct pending *p, enum vs_finding_kind kind,
			  const struct vs_book *b, const struct vs_ref *ref, const struct vs_event *e)
{
	if (p->kind != kind || p->book != b || p->has_ref != (ref != NULL))
		return false;
	return ref ? p->ref.get_ip == ref->get_ip : p->e.ip == e->ip;
}

/* Returns the finding that counts further ones of this place, NULL while there are few. */
static struct pending *counts_further(struct vs_refs *r, enum vs_finding_kind kind,
				      const struct vs_book *b, const struct vs_ref *ref,
				      const struct vs_event *e)
{
	struct pending *last = NULL;
	unsigned int nr = 0;

	for (size_t i = 0; i < r->nr_pending; i++) {
		if (!at_same_place(&r->pending[i], kind, b, ref, e))
			continue;
		last = &r->pending[i];
		nr++;
	}
	return nr >= SAME_PLACE ? last : NULL;
}

void refs_pend(struct vs_refs *r, enum vs_finding_kind kind, struct vs_book *b,
	       const struct vs_ref *ref, const struct vs_event *e, const char *words)
{
	struct pending *p = counts_further(r, kind, b, ref, e);

	b->overputs += kind != VS_REF_LEAK;
	if (p) {
		p->more++;
		return;
	}
	if (r->nr_pending == PENDING)
		resolve(r, 0, "too many findings waited for a look at the kernel's counter");
	p = &r->pending[r->nr_pending++];
	*p = (struct pending){
		.kind = kind, .book = b, .e = *e, .stack = ref ? 0 : refs_stack_of(r, e),
		.has_ref = ref != NULL,
	};
	p->e.size = sizeof(p->e);
	if (ref)
		p->ref = *ref;
	snprintf(p->words, sizeof(p->words), "%s", words);
	b->pending++;
}

/* A task puts a reference that we thought leaked. */
void refs_was_put(struct vs_refs *r, struct vs_book *b, const struct vs_ref *ref)
{
	for (size_t i = 0; i < r->nr_pending; i++) {
		const struct pending *p = &r->pending[i];

		if (p->book != b || !is_leak(p) || p->ref.get_seq != ref->get_seq ||
		    p->ref.get_ip != ref->get_ip || p->ref.object != ref->object)
			continue;
		resolve(r, i, "it was put later");
		return;
	}
	for (size_t i = 0; i < r->nr_pending; i++) {
		struct pending *p = &r->pending[i];

		if (!p->more || !at_same_place(p, VS_REF_LEAK, b, ref, &p->e))
			continue;
		p->more--;
		refs_say_now(r, VS_REF_LEAK, b, ref, &p->e, p->words, "it was put later");
		return;
	}
}

/* Writes why the kernel's counter does not confirm the finding, "" if it does. The group is quiet. */
static void weigh(const struct vs_refs *r, const struct vs_book *b, int32_t refs, char *doubt,
		  size_t size)
{
	int64_t ledger = (int64_t)(b->live.nr + b->unknown) - (int64_t)b->overputs;

	doubt[0] = '\0';
	if (b->uncounted)
		snprintf(doubt, size, "how many references the group had to begin with is not known");
	else if (refs == VS_SNAP_UNKNOWN)
		snprintf(doubt, size, "the kernel's counter could not be read");
	else if (refs != ledger)
		snprintf(doubt, size, "the kernel's counter is %d, and by the ledger it would be %lld",
			 refs, (long long)ledger);
	else if (count_leaks(r, b) && b->overputs)
		snprintf(doubt, size, "a leak and a put too many of one group: to its counter they are nothing");
}

/* Waits for the next look. */
static void wait(struct vs_refs *r, struct vs_book *b, const char *doubt)
{
	for (size_t i = r->nr_pending; i--;) {
		if (r->pending[i].book != b)
			continue;
		snprintf(r->pending[i].doubt, sizeof(r->pending[i].doubt), "%s", doubt);
		if (++r->pending[i].looks >= MOST_LOOKS)
			resolve(r, i, doubt);
	}
}

/* Reports them in the order in which they were found. */
static void say_all(struct vs_refs *r, const struct vs_book *b)
{
	for (size_t i = 0; i < r->nr_pending;) {
		if (r->pending[i].book == b)
			resolve(r, i, "");
		else
			i++;
	}
}

void refs_confirm(struct vs_refs *r, struct vs_book *b, const struct vs_snapshot *s, int32_t refs)
{
	char doubt[VS_DOUBT_LEN];

	if (!b->pending)
		return;
	if (b->last_seq > s->start_seq || b->last_ns + VS_QUIET_NS > s->start_ns) {
		wait(r, b, "its group was in use at every look, and its counter changed");
		return;
	}
	weigh(r, b, refs, doubt, sizeof(doubt));
	if (doubt[0])
		wait(r, b, doubt);
	else
		say_all(r, b);
}

/* The counter fell to zero: others have put what seemed held then, and nothing has leaked. */
static const char *doubt_of_released(const struct pending *p, bool leaks)
{
	if (is_leak(p))
		return "its group was released since: the kernel's counter fell to zero";
	if (leaks || !p->book->held_at_release)
		return "its group was released when nobody held it any more, as it should be";
	return "";
}

void refs_settle_pending(struct vs_refs *r, struct vs_book *b)
{
	bool leaks = count_leaks(r, b);

	for (size_t i = 0; i < r->nr_pending;) {
		struct pending *p = &r->pending[i];

		if (p->book != b)
			i++;
		else
			resolve(r, i, b->released ? doubt_of_released(p, leaks) :
				p->doubt[0] ? p->doubt : "the kernel's counter was not read since");
	}
}

void refs_settle_all_pending(struct vs_refs *r)
{
	while (r->nr_pending)
		refs_settle_pending(r, r->pending[0].book);
}

bool vs_refs__wants_look(const struct vs_refs *r)
{
	return r->nr_pending;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Records of different CPUs may arrive in the wrong order, so a put may come before its get. An orphan
 * waits for VS_SETTLE_NS, and is judged then.
 */
#include <stdio.h>
#include <string.h>

#include "ledger/refs_priv.h"

void refs_keep_orphan(struct vs_refs *r, struct vs_book *b, const struct vs_event *e,
		      unsigned int class, uint64_t key)
{
	struct orphan *o;

	if (r->nr_orphans == ORPHANS)
		refs_settle_orphans(r, UINT64_MAX, NULL);
	o = &r->orphans[r->nr_orphans++];
	*o = (struct orphan){
		.e = *e, .book = b, .key = key, .stack = refs_stack_of(r, e), .class = (uint8_t)class,
	};
	o->e.size = sizeof(o->e);
}

/* A finding with the place and stack of the orphan. */
static void say_orphan(struct vs_refs *r, const struct orphan *o, const char *words)
{
	struct vs_stack_event s;

	refs_with_stack(r, &o->e, o->stack, &s);
	refs_say(r, VS_PUT_WITHOUT_GET, o->book, NULL, &s.e, words);
}

static void judge_queue(struct vs_refs *r, const struct orphan *o)
{
	if (!refs_may_be_from_before(r, o->book, &o->e))
		say_orphan(r, o, "a deferred put was queued for a reference that the notifier did not take");
}

static void judge_put(struct vs_refs *r, const struct orphan *o)
{
	struct vs_book *b = o->book;
	char words[120];

	if (b->broken) {
		b->adrift++;
		b->after_bug++;
		b->overputs++;
	} else if (refs_may_be_from_before(r, b, &o->e)) {
		b->before++;
	} else {
		b->unattributed++;
		snprintf(words, sizeof(words), "nobody holds a reference of class %s that this put could drop",
			 vs_ref_class__name(o->class));
		say_orphan(r, o, words);
	}
}

void refs_settle_orphans(struct vs_refs *r, uint64_t now_ns, struct vs_book *b)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->nr_orphans; i++) {
		struct orphan *o = &r->orphans[i];

		if ((b && o->book != b) ||
		    (now_ns != UINT64_MAX && now_ns <= o->e.time_ns + VS_SETTLE_NS))
			r->orphans[kept++] = *o;
		else if (o->e.type == VS_QUEUE)
			judge_queue(r, o);
		else
			judge_put(r, o);
	}
	r->nr_orphans = kept;
}

/* The book of these orphans is dropped. */
void refs_drop_orphans(struct vs_refs *r, struct vs_book *b)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->nr_orphans; i++) {
		if (r->orphans[i].book != b)
			r->orphans[kept++] = r->orphans[i];
		else
			b->adrift += r->orphans[i].e.type == VS_PUT;
	}
	r->nr_orphans = kept;
}

// SPDX-License-Identifier: GPL-2.0
/* Findings about references: their words, their number per place, and consequences that are not reported. */
#include <stdio.h>
#include <string.h>

#include "event/record.h"
#include "ledger/refs_priv.h"
#include "vfio/functions.h"

static const char *const classes[VS_REF_CLASSES] = {
	[VS_REF_DEVICE] = "device",
	[VS_REF_FILE] = "file",
	[VS_REF_NOTIFIER] = "notifier",
	[VS_REF_DEFERRED] = "deferred",
	[VS_REF_EXTERNAL] = "external",
	[VS_REF_LOOKUP] = "lookup",
};

const char *vs_ref_class__name(unsigned int class)
{
	return class < VS_REF_CLASSES ? classes[class] : "?";
}

uint32_t refs_stack_of(struct vs_refs *r, const struct vs_event *e)
{
	const struct vs_stack_event *s = vs_record__stack(e);

	return s ? vs_stacks__number(r->stacks, s->stack, s->nr_stack) : 0;
}

static void fill_group(struct vs_finding *f, const struct vs_book *b)
{
	f->group = (struct vs_group_view){
		.known = true,
		.seen_before = b->seen_before,
		.number = b->number,
		.generation = b->generation,
		.address = b->address,
		.devices = "",
	};
}

/* Returns the innermost frame in vfio that is more than a helper. */
static uint64_t place_of(struct vs_refs *r, uint64_t ip, const __u64 *frames, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		enum vs_role role = vs_role__of(vs_sites__name(r->opts.sites, frames[i]));

		if (role != VS_ROLE_HELPER && role != VS_ROLE_UNKNOWN)
			return frames[i];
	}
	return ip;
}

static void print_stack(struct vs_refs *r, struct vs_finding *f)
{
	size_t len = 0;

	for (size_t i = 0; i < f->nr_stack && len + VS_SITE_LEN < sizeof(f->stack_text); i++)
		len += (size_t)snprintf(f->stack_text + len, sizeof(f->stack_text) - len, "%s\n",
					vs_sites__name(r->opts.sites, f->stack[i]));
}

/* Fills in the place and stack of the get when there is one, else those of the event. */
static void fill_place(struct vs_refs *r, struct vs_finding *f, const struct vs_ref *ref,
		       const struct vs_event *e)
{
	const struct vs_stack_event *s = ref ? NULL : vs_record__stack(e);
	const __u64 *frames = s ? s->stack : NULL;
	uint64_t ip = ref ? ref->get_ip : e->ip;
	size_t nr = s ? vs_stack__length(s) : 0;

	if (nr > VS_SHORT_STACK_LEN)
		nr = VS_SHORT_STACK_LEN;
	if (ref)
		frames = vs_stacks__frames(r->stacks, ref->stack, &nr);
	ip = place_of(r, ip, frames, nr);
	snprintf(f->site, sizeof(f->site), "%s", vs_sites__name(r->opts.sites, ip));
	if (!f->site[0] && e->context == VS_CTX_NOTIFIER)
		snprintf(f->site, sizeof(f->site), VS_VFIO_NOTIFIER);
	f->nr_stack = nr;
	for (size_t i = 0; i < nr; i++)
		f->stack[i] = frames[i];
	print_stack(r, f);
}

static void fill_ref(struct vs_finding *f, const struct vs_ref *ref)
{
	f->has_ref = ref != NULL;
	if (ref)
		f->ref = *ref;
}

#define LOSSY "events were lost before"

static bool is_bug(enum vs_finding_kind kind)
{
	return vs_finding__grade(kind) == VS_GRADE_BUG;
}

/* Losses are reported once a second; a finding cannot wait for that. */
static bool is_lossy(struct vs_refs *r)
{
	r->lossy = r->lossy || (r->opts.was_lost && r->opts.was_lost(r->opts.ctx));
	return r->lossy;
}

void refs_with_stack(struct vs_refs *r, const struct vs_event *e, uint32_t stack,
		     struct vs_stack_event *s)
{
	size_t nr;
	const __u64 *frames = vs_stacks__frames(r->stacks, stack, &nr);

	*s = (struct vs_stack_event){ .e = *e };
	s->e.size = sizeof(s->e);
	if (!nr)
		return;
	memcpy(s->stack, frames, nr * sizeof(*frames));
	s->nr_stack = (__u32)nr;
	s->e.size = sizeof(*s);
}

static void fill_grade(struct vs_finding *f, enum vs_finding_kind kind, const char *doubt)
{
	f->kind = kind;
	f->uncertain = doubt[0];
	f->grade = f->uncertain ? VS_GRADE_HAZARD : vs_finding__grade(kind);
	snprintf(f->doubt, sizeof(f->doubt), "%s", doubt);
}

void refs_say_now(struct vs_refs *r, enum vs_finding_kind kind, struct vs_book *b,
		  const struct vs_ref *ref, const struct vs_event *e, const char *words,
		  const char *doubt)
{
	struct vs_finding *f = &r->finding;
	uint64_t *said, number;

	if (is_bug(kind) && r->opts.is_blind && r->opts.is_blind(r->opts.ctx))
		return;
	if (!doubt[0] && is_bug(kind) && is_lossy(r))
		doubt = LOSSY;
	number = doubt[0] ? ++r->uncertain : ++r->counts[kind];
	/* Uncertain findings must not use up the quota of sure ones at the same place. */
	said = vs_said__at(&r->said, kind + (doubt[0] ? VS_FINDING_KINDS : 0),
			   ref ? ref->get_ip : e->ip);
	if ((*said)++ >= VS_SAID_PER_SITE || !r->opts.say)
		return;
	memset(f, 0, sizeof(*f));
	fill_grade(f, kind, doubt);
	f->number = number;
	f->last_said = *said == VS_SAID_PER_SITE;
	vs_finding__set_task(f, e);
	fill_group(f, b);
	fill_ref(f, ref);
	fill_place(r, f, ref, e);
	snprintf(f->words, sizeof(f->words), "%s", words);
	r->opts.say(r->opts.ctx, f);
}

/* Our books cannot explain this release: they may lack the put of the seeming holder. */
static const char *doubt_at_once(struct vs_refs *r, enum vs_finding_kind kind)
{
	if (is_lossy(r))
		return LOSSY;
	return kind == VS_RELEASED_WHILE_HELD ? "its put may not have been seen" : "";
}

void refs_say(struct vs_refs *r, enum vs_finding_kind kind, struct vs_book *b,
	      const struct vs_ref *ref, const struct vs_event *e, const char *words)
{
	const char *doubt;

	if (!is_bug(kind)) {
		refs_say_now(r, kind, b, ref, e, words, "");
		return;
	}
	if (b->broken) {
		b->after_bug++;
		b->overputs += kind == VS_PUT_WITHOUT_GET;
		return;
	}
	doubt = doubt_at_once(r, kind);
	/* A leak leaves the count too high, which is safe: no further bug follows from it. */
	b->broken |= kind != VS_REF_LEAK && kind != VS_RELEASED_WHILE_HELD;
	if (!doubt[0] && (kind == VS_REF_LEAK || kind == VS_PUT_WITHOUT_GET))
		refs_pend(r, kind, b, ref, e, words);
	else
		refs_say_now(r, kind, b, ref, e, words, doubt);
}

void refs_say_leak(struct vs_refs *r, struct vs_book *b, struct vs_ref *ref,
		   const struct vs_event *e, const char *words)
{
	ref->leaked = true;
	refs_say(r, VS_REF_LEAK, b, ref, e, words);
}

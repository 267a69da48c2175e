// SPDX-License-Identifier: GPL-2.0
/* Each put ends the reference of the same holder: its place shows its class. */
#include <string.h>

#include "event/record.h"
#include "ledger/registrations_priv.h"

/* Finds the innermost place that is not in a helper. */
enum vs_registration_role registrations_role(const struct vs_registrations *r,
					     const struct vs_event *e, uint64_t *place)
{
	const struct vs_stack_event *s = vs_record__stack(e);
	size_t nr = s ? vs_stack__length(s) : 0;
	enum vs_registration_role role = vs_registration_role__of(vs_sites__name(r->opts.sites, e->ip));

	*place = e->ip;
	for (size_t i = 1; role == VS_REG_ROLE_HELPER && i < nr; i++) {
		*place = s->stack[i];
		role = vs_registration_role__of(vs_sites__name(r->opts.sites, *place));
	}
	return role == VS_REG_ROLE_HELPER ? VS_REG_ROLE_OTHER : role;
}

uint64_t vs_registrations__place(const struct vs_registrations *r, const struct vs_event *e)
{
	uint64_t place;

	registrations_role(r, e, &place);
	return place;
}

static unsigned int class_of(enum vs_registration_role role)
{
	switch (role) {
	case VS_REG_ROLE_OPEN:
	case VS_REG_ROLE_CLOSE:
		return VS_REGISTRATION_FILE;
	case VS_REG_ROLE_UNREGISTER:
		return VS_REGISTRATION_DRIVER;
	case VS_REG_ROLE_DMABUF:
		return VS_REGISTRATION_DMABUF;
	case VS_REG_ROLE_LOOKUP:
		return VS_REGISTRATION_LOOKUP;
	default:
		return VS_REGISTRATION_OTHER;
	}
}

void registrations_get(struct vs_registrations *r, struct vs_registration_book *b,
		       const struct vs_event *e)
{
	const struct vs_stack_event *s = vs_record__stack(e);
	uint64_t place;
	unsigned int class = class_of(registrations_role(r, e, &place));
	struct vs_registration *ref = registrations_add(r, b, class);

	b->gets++;
	if (!ref)
		return;
	ref->tid = e->tid;
	ref->tgid = e->tgid;
	ref->get_ns = e->time_ns;
	ref->place = place;
	ref->stack = s ? vs_stacks__number(r->stacks, s->stack, vs_stack__length(s)) : 0;
	memcpy(ref->comm, e->comm, sizeof(ref->comm));
}

/*
 * Rates the fit, 0: not at all. A call puts the reference that it took itself; else a process puts its
 * own.
 */
static int fitness(const struct vs_registration *ref, unsigned int class,
		   enum vs_registration_role role, const struct vs_event *e)
{
	if (ref->class != class)
		return 0;
	if (role == VS_REG_ROLE_UNREGISTER)
		return 4;
	if (role == VS_REG_ROLE_OPEN || role == VS_REG_ROLE_LOOKUP)
		return !ref->found && ref->tid == e->tid ? 4 : 0;
	if (ref->tid == e->tid)
		return 3;
	return ref->tgid == e->tgid ? 2 : 1;
}

/* References come newest first: among equal fits the newest wins within one call, else the oldest. */
static struct vs_registration *choose(struct vs_registration_book *b, unsigned int class,
				      enum vs_registration_role role, const struct vs_event *e)
{
	struct vs_registration *best = NULL;
	bool several = false;
	int best_fit = 0;

	for (struct vs_registration *ref = b->newest; ref; ref = ref->older) {
		int fit = fitness(ref, class, role, e);

		if (!fit || fit < best_fit || (fit == best_fit && fit == 4))
			continue;
		several = fit == best_fit && (several || ref->tgid != best->tgid);
		best = ref;
		best_fit = fit;
	}
	b->guessed += several;
	return best;
}

void registrations_put(struct vs_registrations *r, struct vs_registration_book *b,
		       const struct vs_event *e)
{
	uint64_t place;
	enum vs_registration_role role = registrations_role(r, e, &place);
	struct vs_registration *ref = choose(b, class_of(role), role, e);

	b->puts++;
	/* Both the place of its get and that of its put may be unknown. */
	if (!ref && !b->unknown)
		ref = choose(b, VS_REGISTRATION_OTHER, VS_REG_ROLE_OTHER, e);
	if (ref) {
		registrations_drop(r, b, ref);
	} else if (b->unknown) {
		b->unknown--;
		b->before++;
	} else {
		b->unattributed++;
	}
}

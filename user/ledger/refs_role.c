// SPDX-License-Identifier: GPL-2.0
/*
 * Finds the role of a get or put: from the function that its place belongs to, else from its caller,
 * else from what we saw the task begin.
 */
#include "event/record.h"
#include "ledger/refs_priv.h"

enum vs_role refs_role_at(struct vs_refs *r, uint64_t ip)
{
	struct site_role *slot = &r->roles[(ip * 0x9e3779b97f4a7c15ull >> 40) % SITE_CACHE];

	/* A place without a role may have had no name yet: symbols are read in the background. */
	if (slot->ip != ip || slot->role == VS_ROLE_UNKNOWN) {
		slot->ip = ip;
		slot->role = vs_role__of(vs_sites__name(r->opts.sites, ip));
	}
	return slot->role;
}

static enum vs_role role_by_context(struct vs_refs *r, const struct vs_event *e)
{
	const struct ref_task *task = refs_task(r, e->tid);

	if (e->context == VS_CTX_NOTIFIER)
		return VS_ROLE_NOTIFIER;
	if (e->context == VS_CTX_WORKER)
		return VS_ROLE_DEFERRED;
	if (task && e->type == VS_GET && task->registering && !task->registered)
		return VS_ROLE_REGISTER;
	if (task && e->type == VS_PUT && task->leaving)
		return VS_ROLE_UNREGISTER;
	if (task && e->type == VS_PUT && task->closing)
		return VS_ROLE_CLOSE;
	return VS_ROLE_LOOKUP;
}

static bool is_told_by_place(enum vs_role role)
{
	return role != VS_ROLE_HELPER && role != VS_ROLE_UNKNOWN;
}

static enum vs_role role_by_place(struct vs_refs *r, const struct vs_event *e)
{
	const struct vs_stack_event *s = vs_record__stack(e);
	enum vs_role role = refs_role_at(r, e->ip);
	size_t nr = s ? s->nr_stack : 0;

	for (size_t i = 1; role == VS_ROLE_HELPER && i < nr && i < VS_SHORT_STACK_LEN; i++)
		role = refs_role_at(r, s->stack[i]);
	return role;
}

enum vs_role refs_role_of(struct vs_refs *r, const struct vs_event *e)
{
	enum vs_role role = role_by_place(r, e);

	return is_told_by_place(role) ? role : role_by_context(r, e);
}

unsigned int refs_class_of(enum vs_role role)
{
	switch (role) {
	case VS_ROLE_NOTIFIER:
		return VS_REF_NOTIFIER;
	case VS_ROLE_REGISTER:
	case VS_ROLE_UNREGISTER:
		return VS_REF_DEVICE;
	case VS_ROLE_OPEN:
	case VS_ROLE_CLOSE:
		return VS_REF_FILE;
	case VS_ROLE_EXTERNAL_GET:
	case VS_ROLE_EXTERNAL_PUT:
		return VS_REF_EXTERNAL;
	case VS_ROLE_DEFERRED:
		return VS_REF_DEFERRED;
	default:
		return VS_REF_LOOKUP;
	}
}

bool refs_is_told_by_place(struct vs_refs *r, const struct vs_event *e)
{
	return is_told_by_place(role_by_place(r, e));
}

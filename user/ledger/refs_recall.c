// SPDX-License-Identifier: GPL-2.0
/* What an earlier ledger knew of references that a snapshot has found. */
#include <string.h>

#include "ledger/refs_priv.h"

bool vs_ref__knows_get(const struct vs_ref *ref)
{
	return ref->origin == VS_REF_SEEN || ref->recalled;
}

static bool is_same_holder(const struct vs_ref *found, const struct vs_ref *known)
{
	return found->origin == VS_REF_FOUND && found->class == known->class && known->object &&
	       found->object == known->object;
}

/* A file has one opener, a device one registration: the address tells them while both are alive. */
bool vs_refs__recall(struct vs_refs *r, const struct vs_ref *known, const __u64 *frames, size_t nr)
{
	struct vs_book *b = refs_book_at(r, known->group);
	struct vs_ref *ref = b && !b->released ? b->live.newest : NULL;

	if (known->class != VS_REF_DEVICE && known->class != VS_REF_FILE)
		return false;
	while (ref && !is_same_holder(ref, known))
		ref = vs_ref_pool__older(ref);
	if (!ref)
		return false;
	ref->recalled = true;
	ref->get_ns = known->get_ns;
	ref->get_ip = known->get_ip;
	ref->tid = known->tid;
	ref->tgid = known->tgid;
	memcpy(ref->comm, known->comm, sizeof(ref->comm));
	ref->stack = vs_stacks__number(r->stacks, frames, nr);
	return true;
}

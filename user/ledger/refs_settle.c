// SPDX-License-Identifier: GPL-2.0
/*
 * Settles how many references a group had when we first knew it. A snapshot is read while the host
 * runs: the counter at one moment, devices and files later, and a CPU may stall between a probe and the
 * instruction that it reports. So the number of references whose get was not seen is an estimate, until
 * a look finds the group quiet. Until then a put without a known holder accuses nobody, as long as such
 * a reference may exist.
 */
#include "ledger/refs_priv.h"

/* This many looks in a row must miss it: a list that changes may be read wrong once. */
#define UNLISTED 2

void refs_unsettle(struct vs_book *b)
{
	b->unsettled = b->uncounted = true;
}

bool refs_was_meanwhile(const struct vs_refs *r, const struct vs_book *b, const struct vs_event *e)
{
	return b->seen_before && r->seeded && e->seq > r->seed_start_seq && e->seq <= r->seeded_seq;
}

bool refs_may_be_from_before(struct vs_refs *r, struct vs_book *b, const struct vs_event *e)
{
	if (r->no_gets || b->uncounted)
		return true;
	/*
	 * We do not know if the snapshot counted it: `unknown` is kept for the puts of those that it
	 * counted.
	 */
	if (r->seeded && e->seq <= r->seeded_seq && (b->seen_before || !b->births))
		return true;
	if (b->unknown) {
		b->unknown--;
		return true;
	}
	if (b->beyond) {
		b->beyond--;
		b->went_beyond = true;
		return true;
	}
	return b->seen_before && !r->seeded;
}

static bool is_quiet(const struct vs_refs *r, const struct vs_book *b, const struct vs_snapshot *s)
{
	return b->last_seq <= s->start_seq && b->last_ns + VS_QUIET_NS <= s->start_ns &&
	       (!r->seeded || r->seeded_ns + VS_QUIET_NS <= s->start_ns);
}

static size_t count_devices(const struct vs_snapshot *s, const struct vs_book *b)
{
	size_t nr = 0;

	for (size_t i = 0; i < s->nr_devices; i++)
		nr += s->devices[i].group == b->address;
	return nr;
}

static bool has_device(const struct vs_snapshot *s, const struct vs_book *b, uint64_t device)
{
	for (size_t i = 0; i < s->nr_devices; i++)
		if (s->devices[i].address == device && s->devices[i].group == b->address)
			return true;
	return false;
}

static size_t count_refs(const struct vs_book *b, unsigned int class)
{
	size_t nr = 0;

	for (const struct vs_ref *ref = b->live.newest; ref; ref = vs_ref_pool__older(ref))
		nr += ref->class == class;
	return nr;
}

/* Files may be open without a descriptor: mapped, or in flight over a socket. */
static bool has_all_files(const struct vs_snapshot *s, const struct vs_book *b)
{
	for (size_t i = 0; i < s->nr_groups; i++)
		if (s->groups[i].address == b->address && s->groups[i].opened != VS_SNAP_UNKNOWN)
			return (int64_t)count_refs(b, VS_REF_FILE) <= s->groups[i].opened;
	return false;
}

static bool has_file(const struct vs_snapshot *s, uint64_t file)
{
	for (size_t i = 0; i < s->nr_fds; i++)
		if (s->fds[i].file == file)
			return true;
	return false;
}

/*
 * Returns true if the reference was put before we could see it, or is there twice: found, and seen to
 * be taken by an unknown holder. @sure: a device list without any device of the group proves nothing.
 */
static bool is_stale(const struct vs_book *b, const struct vs_ref *ref, const struct vs_snapshot *s,
		     bool sure)
{
	if (ref->leaked)
		return false;
	if (ref->class == VS_REF_DEVICE && ref->object)
		return !has_device(s, b, ref->object) && (!sure || count_devices(s, b));
	if (ref->class == VS_REF_DEVICE)
		return count_refs(b, VS_REF_DEVICE) > count_devices(s, b);
	if (ref->origin != VS_REF_FOUND || !ref->object || !s->scope.fds || !s->files_counted ||
	    has_file(s, ref->object))
		return false;
	return ref->class == VS_REF_FILE ? !has_all_files(s, b) :
	       ref->class == VS_REF_EXTERNAL && !sure;
}

/* Forgets at most @most stale references; returns how many. */
static uint64_t forget_stale(struct vs_refs *r, struct vs_book *b, const struct vs_snapshot *s,
			     uint64_t most, bool sure)
{
	struct vs_ref *ref = b->live.newest, *older;
	uint64_t nr = 0;

	for (; ref && nr < most; ref = older) {
		older = vs_ref_pool__older(ref);
		if (!is_stale(b, ref, s, sure))
			continue;
		refs_forget(r, b, ref);
		nr++;
	}
	return nr;
}

/*
 * The ledger has more than the kernel counts: fewer unknown references existed, or some are gone. But
 * if a put was attributed to one beyond all that we could know, and there was none, the difference
 * stays.
 */
static void settle_excess(struct vs_refs *r, struct vs_book *b, const struct vs_snapshot *s,
			  uint64_t excess)
{
	uint64_t fewer = b->went_beyond ? 0 : excess < b->unknown ? excess : b->unknown;

	b->unknown -= fewer;
	forget_stale(r, b, s, excess - fewer, false);
}

static void settle_lack(struct vs_book *b, int64_t lack)
{
	if (b->uncounted || (uint64_t)lack <= b->beyond)
		b->unknown += (uint64_t)lack;
	else
		b->unknown += b->beyond;
}

void refs_settle_book(struct vs_refs *r, struct vs_book *b, const struct vs_snapshot *s, int32_t refs)
{
	int64_t excess;

	if (!b->unsettled || refs == VS_SNAP_UNKNOWN || refs < 0 || !is_quiet(r, b, s))
		return;
	refs_settle_orphans(r, UINT64_MAX, b);
	if (b->pending)		/* the findings are weighed against the estimate */
		return;
	/* A stale reference may have taken the place of an existing one that we did not know. */
	b->beyond += forget_stale(r, b, s, UINT64_MAX, true);
	excess = (int64_t)(b->live.nr + b->unknown) - refs;
	if (excess > 0)
		settle_excess(r, b, s, (uint64_t)excess);
	else if (excess < 0)
		settle_lack(b, -excess);
	b->unsettled = b->uncounted = b->went_beyond = false;
	b->beyond = 0;
}

static bool is_listed(const struct vs_snapshot *s, uint64_t address)
{
	for (size_t i = 0; i < s->nr_groups; i++)
		if (s->groups[i].address == address)
			return true;
	return false;
}

/* Its end was not seen: the snapshot that it began with still had it. */
static bool has_ended_unseen(const struct vs_refs *r, struct vs_book *b, const struct vs_snapshot *s)
{
	if (!b->unsettled || b->released || !b->address || is_listed(s, b->address) ||
	    !is_quiet(r, b, s))
		return false;
	return ++b->unlisted >= UNLISTED;
}

void refs_settle_unlisted(struct vs_refs *r, const struct vs_snapshot *s)
{
	struct vs_book *b = s->scope.groups ? vs_lru__next(r->books, NULL) : NULL, *next;

	for (; b; b = next) {
		next = vs_lru__next(r->books, b);
		if (has_ended_unseen(r, b, s))
			vs_lru__del(r->books, b->key);
	}
}

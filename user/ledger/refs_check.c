// SPDX-License-Identifier: GPL-2.0
/* The ledger and snapshots: the first one seeds the ledger, later ones show if the kernel agrees. */
#include <stdio.h>
#include <string.h>

#include "ledger/refs_priv.h"

#define FILE_GRACE_NS 1000000000ull	/* by then a failed open has put its reference */

/* -- the beginning -- */

static struct vs_ref *seed_ref(struct vs_refs *r, struct vs_book *b, unsigned int class,
			       uint64_t object, uint64_t now_ns, uint64_t holder)
{
	struct vs_ref *ref = vs_ref_pool__add(r->pool, &b->live,
					      refs_key(class, b->address, holder));

	if (!ref)
		return NULL;
	ref->class = (uint8_t)class;
	ref->origin = VS_REF_FOUND;
	ref->group = b->address;
	ref->object = object;
	ref->get_ns = now_ns;
	b->found++;
	return ref;
}

static void seed_devices(struct vs_refs *r, struct vs_book *b, const struct vs_snapshot *s)
{
	for (size_t i = 0; i < s->nr_devices; i++) {
		const struct vs_snap_device *d = &s->devices[i];
		struct vs_ref *ref;

		if (!d->address || d->group != b->address)
			continue;
		ref = seed_ref(r, b, VS_REF_DEVICE, d->address, s->end_ns, d->address);
		b->beyond += d->leaving;	/* it may have put its reference already */
		if (ref)
			memcpy(ref->device, d->name, sizeof(ref->device));
	}
}

static bool is_same_file(const struct vs_snapshot *s, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (s->fds[j].file == s->fds[i].file && s->fds[j].kind == s->fds[i].kind &&
		    s->fds[j].object == s->fds[i].object)	/* KVM's file has a row for each group */
			return true;
	return false;
}

/* Adds one reference per open file, even if it has several descriptors or none that we can see. */
static void seed_files(struct vs_refs *r, struct vs_book *b, const struct vs_snapshot *s,
		       int32_t opened)
{
	int32_t nr = 0;

	for (size_t i = 0; i < s->nr_fds; i++) {
		const struct vs_snap_fd *fd = &s->fds[i];
		struct vs_ref *ref;

		if (fd->kind != VS_SNAP_GROUP_FILE || fd->object != b->address ||
		    is_same_file(s, i))
			continue;
		ref = seed_ref(r, b, VS_REF_FILE, fd->file, s->end_ns, fd->tgid);
		nr++;
		if (!ref)
			continue;
		ref->tid = ref->tgid = fd->tgid;
		memcpy(ref->comm, fd->comm, sizeof(ref->comm));
	}
	for (; opened != VS_SNAP_UNKNOWN && nr < opened; nr++)
		seed_ref(r, b, VS_REF_FILE, 0, s->end_ns, 0);
}

static void seed_external(struct vs_refs *r, struct vs_book *b, const struct vs_snapshot *s)
{
	for (size_t i = 0; i < s->nr_fds; i++) {
		const struct vs_snap_fd *fd = &s->fds[i];
		struct vs_ref *ref;

		if (fd->kind != VS_SNAP_KVM_FILE || fd->object != b->address || is_same_file(s, i))
			continue;
		ref = seed_ref(r, b, VS_REF_EXTERNAL, fd->file, s->end_ns, fd->tgid);
		if (!ref)
			continue;
		ref->tid = ref->tgid = fd->tgid;
		memcpy(ref->comm, fd->comm, sizeof(ref->comm));
	}
}

static void seed_group(struct vs_refs *r, const struct vs_snapshot *s,
		       const struct vs_snap_group *g)
{
	struct vs_book *b;

	/* Its last reference has been put: the kernel is about to remove it from the list. */
	if (!g->address || !g->refs || refs_book_at(r, g->address))
		return;
	b = vs_lru__add(r->books, g->address);
	if (!b)
		return;
	b->key = b->address = g->address;
	b->number = g->number;
	b->generation = 1;
	b->seen_before = true;
	b->refs = b->kernel_refs = g->refs;
	b->kernel_ns = s->end_ns;
	b->kernel_seq = s->end_seq;
	b->unsettled = true;
	seed_devices(r, b, s);
	if (s->files_counted) {
		seed_files(r, b, s, g->opened);
		seed_external(r, b, s);
	}
	b->uncounted = g->refs == VS_SNAP_UNKNOWN;
	if (b->uncounted)
		return;
	if (g->refs > (int64_t)b->live.nr)
		b->unknown = (uint64_t)(g->refs - (int64_t)b->live.nr);
	else
		b->beyond += (uint64_t)((int64_t)b->live.nr - g->refs);
}

void vs_refs__seed(struct vs_refs *r, const struct vs_snapshot *s)
{
	refs_forget_all(r);
	if (!s->scope.groups)
		return;
	r->seeded = true;
	r->seed_start_seq = s->start_seq;
	r->seeded_seq = s->end_seq;
	r->seeded_ns = s->end_ns;
	if (r->was_blind)
		r->ignored_seq = s->start_seq;
	r->was_blind = false;
	for (size_t i = 0; i < s->nr_groups; i++)
		seed_group(r, s, &s->groups[i]);
}

/* -- later -- */

/* The rows of one kind about one group. */
static bool is_row(const struct vs_snap_fd *fd, enum vs_snap_file_kind kind, uint64_t group)
{
	return fd->kind == kind && fd->object == group;
}

static bool has_own_file(const struct vs_snapshot *s, const struct vs_ref *ref)
{
	for (size_t i = 0; ref->object && i < s->nr_fds; i++)
		if (is_row(&s->fds[i], VS_SNAP_GROUP_FILE, ref->group) &&
		    s->fds[i].file == ref->object)
			return true;
	return false;
}

/* A second descriptor of the same process. */
static bool is_dup(const struct vs_snapshot *s, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (s->fds[j].file == s->fds[i].file && s->fds[j].tgid == s->fds[i].tgid &&
		    s->fds[j].object == s->fds[i].object)
			return true;
	return false;
}

/* Open files of the group that the process of @ref has. */
static size_t count_files(const struct vs_snapshot *s, const struct vs_ref *ref)
{
	size_t nr = 0;

	for (size_t i = 0; i < s->nr_fds; i++)
		nr += is_row(&s->fds[i], VS_SNAP_GROUP_FILE, ref->group) &&
		      s->fds[i].tgid == ref->tgid && !is_dup(s, i);
	return nr;
}

static bool is_settled_file(const struct vs_ref *ref, const struct vs_snapshot *s)
{
	return ref->class == VS_REF_FILE && !ref->leaked &&
	       ref->get_ns + FILE_GRACE_NS < s->start_ns;
}

/*
 * Returns true if its process has an open file for it: the older references of that process get theirs
 * first.
 */
static bool has_file(const struct vs_snapshot *s, const struct vs_ref *ref)
{
	size_t older = 0;

	if (has_own_file(s, ref))
		return true;
	for (const struct vs_ref *o = ref; (o = vs_ref_pool__older(o));)
		older += is_settled_file(o, s) && o->tgid == ref->tgid;
	return count_files(s, ref) > older;
}

/* If there are more file references than open files, those without a file of their opener leak. */
static void check_files(struct vs_refs *r, struct vs_book *b, const struct vs_snapshot *s,
			int32_t opened)
{
	struct vs_event e = { .time_ns = s->end_ns };
	int64_t surplus = -(int64_t)opened;

	if (opened == VS_SNAP_UNKNOWN || !s->scope.fds || !s->files_counted ||
	    b->closed_ns + FILE_GRACE_NS > s->start_ns)
		return;
	for (struct vs_ref *ref = b->live.newest; ref; ref = vs_ref_pool__older(ref))
		surplus += is_settled_file(ref, s);
	for (struct vs_ref *ref = b->live.newest; ref && surplus > 0;
	     ref = vs_ref_pool__older(ref)) {
		if (!is_settled_file(ref, s) || has_file(s, ref))
			continue;
		e.tid = ref->tid;
		e.tgid = ref->tgid;
		memcpy(e.comm, ref->comm, sizeof(e.comm));
		refs_say_leak(r, b, ref, &e,
			      "taken when /dev/vfio/N was opened, and no open file has it");
		surplus--;
	}
}

static bool is_alive(const struct vs_refs *r, uint32_t tgid)
{
	return !r->opts.task_alive || r->opts.task_alive(r->opts.ctx, tgid);
}

/* Another process may have KVM's file by now, inherited or received over a socket. */
static bool is_held_by_kvm(const struct vs_snapshot *s, uint64_t group)
{
	for (size_t i = 0; i < s->nr_fds; i++)
		if (is_row(&s->fds[i], VS_SNAP_KVM_FILE, group))
			return true;
	return false;
}

/* Returns true also for a device that is not in the list: we do not know its group. */
static bool may_be_device_of(const struct vs_snapshot *s, uint64_t device, uint64_t group)
{
	for (size_t i = 0; device && i < s->nr_devices; i++)
		if (s->devices[i].address == device)
			return s->devices[i].group == group;
	return true;
}

/*
 * A driver of mediated devices may take a reference in its open() and put it when the device's file is
 * released (kvmgt: vfio_group_get_external_user_from_dev(), v5.7): the task that opened it may have
 * passed the file on and exited.
 */
static bool is_held_by_device(const struct vs_snapshot *s, uint64_t group)
{
	for (size_t i = 0; i < s->nr_fds; i++)
		if ((s->fds[i].kind == VS_SNAP_DEVICE_FILE ||
		     s->fds[i].kind == VS_SNAP_CDEV_FILE) &&
		    may_be_device_of(s, s->fds[i].object, group))
			return true;
	for (size_t i = 0; i < s->nr_maps; i++)
		if (may_be_device_of(s, s->maps[i].device, group))
			return true;
	return false;
}

static bool may_be_held(const struct vs_snapshot *s, uint64_t group)
{
	return is_held_by_kvm(s, group) || is_held_by_device(s, group);
}

/*
 * KVM puts its references before its process is gone, other drivers put theirs with the device's file.
 * If we did not see all files, as with another PID namespace, we cannot know that nobody holds one and
 * that a process is gone; without all mappings we cannot know that no device is open.
 */
static void check_external(struct vs_refs *r, struct vs_book *b, const struct vs_snapshot *s)
{
	struct vs_event e = { .time_ns = s->end_ns };

	if (!s->scope.fds || !s->scope.maps || may_be_held(s, b->address))
		return;
	for (struct vs_ref *ref = b->live.newest; ref; ref = vs_ref_pool__older(ref)) {
		if (ref->class != VS_REF_EXTERNAL || ref->leaked || !ref->tgid ||
		    ref->get_ns + FILE_GRACE_NS > s->start_ns || is_alive(r, ref->tgid))
			continue;
		e.tid = ref->tid;
		e.tgid = ref->tgid;
		memcpy(e.comm, ref->comm, sizeof(e.comm));
		refs_say_leak(r, b, ref, &e,
			      "taken through the external-user API by a process that is gone");
	}
}

/* Its life was over before this look, which lists a group there: the next one began unseen. */
static bool is_another_life(const struct vs_book *b, const struct vs_snapshot *s,
			    const struct vs_snap_group *g)
{
	return b->released && !b->broken && !b->live.nr && !b->pending && g->refs &&
	       b->last_seq <= s->start_seq;
}

static void check_group(struct vs_refs *r, const struct vs_snapshot *s,
			const struct vs_snap_group *g)
{
	struct vs_book *b = refs_book_listed(r, g->address, g->number, s->start_seq);

	if (b && r->seeded && is_another_life(b, s, g)) {
		vs_lru__del(r->books, b->key);
		b = NULL;
	}
	if (!b && r->seeded && !refs_book_numbered(r, g->number))
		seed_group(r, s, g);	/* the first snapshot was taken while it was being created */
	if (!b || b->released)
		return;
	if (b->last_seq > s->start_seq) {
		refs_confirm(r, b, s, g->refs);
		return;
	}
	b->kernel_refs = g->refs;
	b->kernel_ns = s->end_ns;
	b->kernel_seq = s->end_seq;
	refs_settle_book(r, b, s, g->refs);
	b->differs = g->refs != VS_SNAP_UNKNOWN && !b->broken &&
		     !b->uncounted && (uint64_t)g->refs != b->live.nr + b->unknown;
	check_files(r, b, s, g->opened);
	check_external(r, b, s);
	refs_confirm(r, b, s, g->refs);
}

void vs_refs__check(struct vs_refs *r, const struct vs_snapshot *s)
{
	for (size_t i = 0; i < s->nr_groups; i++)
		if (s->groups[i].address)
			check_group(r, s, &s->groups[i]);
	refs_settle_unlisted(r, s);
}

/* -- and what of it could not be -- */

/* Returns NULL if it was compared, or needs no comparison because it was released or a bug was reported. */
static const char *why_uncompared(const struct vs_book *b, uint64_t since_ns)
{
	bool compared = b->kernel_ns >= since_ns;

	if (b->released || b->broken)
		return NULL;
	if (b->uncounted)
		return "how many references it had to begin with is not known";
	if (compared && b->kernel_refs == VS_SNAP_UNKNOWN)
		return "its counter could not be read";
	if (compared && !(b->differs && b->last_seq > b->kernel_seq))
		return NULL;
	return b->last_ns >= since_ns ? "it was busy at every look" :
					"the kernel did not list it";
}

void vs_refs__uncompared(const struct vs_refs *r, uint64_t since_ns, struct vs_refs_uncompared *u)
{
	*u = (struct vs_refs_uncompared){ .number = -1 };
	for (const struct vs_book *b = NULL; (b = vs_refs__next(r, b));) {
		const char *why = why_uncompared(b, since_ns);

		if (!why)
			continue;
		if (!u->nr++) {
			u->number = b->number;
			u->why = why;
		}
	}
}

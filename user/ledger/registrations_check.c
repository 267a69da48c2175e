// SPDX-License-Identifier: GPL-2.0
/* The ledger of registrations and snapshots: the first seeds it, later ones show if the kernel agrees. */
#include <string.h>

#include "ledger/registrations_priv.h"

/* -- the beginning -- */

static bool is_open_of(const struct vs_snap_fd *fd, uint64_t device)
{
	return (fd->kind == VS_SNAP_DEVICE_FILE || fd->kind == VS_SNAP_CDEV_FILE) &&
	       fd->object == device;
}

static bool has_file(const struct vs_registration_book *b, uint64_t file)
{
	for (const struct vs_registration *ref = b->newest; ref; ref = ref->older)
		if (ref->file == file)
			return true;
	return false;
}

static struct vs_registration *seed_file(struct vs_registrations *r,
					 struct vs_registration_book *b, uint64_t file,
					 uint64_t now_ns)
{
	struct vs_registration *ref;

	if (has_file(b, file))
		return NULL;
	ref = registrations_add(r, b, VS_REGISTRATION_FILE);
	if (!ref)
		return NULL;
	ref->found = true;
	ref->file = file;
	ref->get_ns = now_ns;
	return ref;
}

static void set_holder(struct vs_registration *ref, uint32_t tgid, int fd, const char *comm)
{
	ref->tid = ref->tgid = tgid;
	ref->fd = fd;
	memcpy(ref->comm, comm, sizeof(ref->comm));
}

/* Adds one reference per open file; a mapping keeps its file open with every descriptor closed. */
static void seed_files(struct vs_registrations *r, struct vs_registration_book *b,
		       const struct vs_snapshot *s)
{
	struct vs_registration *ref;

	for (size_t i = 0; i < s->nr_fds; i++) {
		ref = is_open_of(&s->fds[i], b->address) ?
		      seed_file(r, b, s->fds[i].file, s->end_ns) : NULL;
		if (ref)
			set_holder(ref, s->fds[i].tgid, s->fds[i].fd, s->fds[i].comm);
	}
	for (size_t i = 0; i < s->nr_maps; i++) {
		ref = s->maps[i].device == b->address ?
		      seed_file(r, b, s->maps[i].file, s->end_ns) : NULL;
		if (ref)
			set_holder(ref, s->maps[i].tgid, -1, s->maps[i].comm);
	}
}

static void seed_driver(struct vs_registrations *r, struct vs_registration_book *b,
			const struct vs_snapshot *s)
{
	struct vs_registration *ref = registrations_add(r, b, VS_REGISTRATION_DRIVER);

	if (!ref)
		return;
	ref->found = true;
	ref->get_ns = s->end_ns;
}

/* It has waited since before tracing began: why(8) finds the task. */
static void seed_wait(struct vs_registrations *r, struct vs_registration_book *b,
		      const struct vs_snapshot *s)
{
	r->nr_waiting += !b->waiting;
	b->waiting = true;
	b->wait = (struct vs_unregister){ .put_ns = s->end_ns, .refs = b->refs };
}

/*
 * Returns true if its files account for the whole count: the driver's reference is gone. Up to 6.1 a
 * device stays in its group's list while its unregister waits.
 */
static bool lacks_driver(const struct vs_registration_book *b, const struct vs_snap_device *d)
{
	for (const struct vs_registration *ref = b->newest; ref; ref = ref->older)
		if (ref->class == VS_REGISTRATION_DRIVER)
			return false;
	return d->refs != VS_SNAP_UNKNOWN && d->refs > 0 && (int64_t)b->nr >= d->refs;
}

static void seed_device(struct vs_registrations *r, const struct vs_snapshot *s,
			const struct vs_snap_device *d)
{
	struct vs_registration_book *b = registrations_new_book(r, d->address);

	if (!b)
		return;
	b->group = d->group;
	b->number = d->number;
	b->seen_before = true;
	b->refs = b->kernel_refs = d->refs;
	memcpy(b->device, d->name, sizeof(b->device));
	seed_files(r, b, s);
	if (!d->leaving && !lacks_driver(b, d))
		seed_driver(r, b, s);
	b->uncounted = d->refs == VS_SNAP_UNKNOWN;
	if (!b->uncounted && d->refs > (int64_t)b->nr)
		b->unknown = (uint64_t)(d->refs - (int64_t)b->nr);
	if (d->leaving || lacks_driver(b, d))
		seed_wait(r, b, s);
}

void vs_registrations__seed(struct vs_registrations *r, const struct vs_snapshot *s)
{
	vs_lru__clear(r->books);
	if (!s->scope.groups)
		return;
	r->seed_start_seq = s->start_seq;
	r->seeded_seq = s->end_seq;
	for (size_t i = 0; i < s->nr_devices; i++)
		if (s->devices[i].address && !registrations_book(r, s->devices[i].address))
			seed_device(r, s, &s->devices[i]);
}

/* -- later -- */

/* Learns the file of a reference: it exists only after the ioctl has made it. */
static void learn_file(struct vs_registration_book *b, struct vs_registration *ref,
		       const struct vs_snapshot *s)
{
	for (size_t i = 0; i < s->nr_fds; i++) {
		const struct vs_snap_fd *fd = &s->fds[i];

		if (!is_open_of(fd, b->address) || fd->tgid != ref->tgid || has_file(b, fd->file))
			continue;
		ref->file = fd->file;
		ref->fd = fd->fd;
		return;
	}
}

/* Updates the process that has the file: another one may have received or inherited it. */
static void follow_file(struct vs_registration_book *b, struct vs_registration *ref,
			const struct vs_snapshot *s)
{
	const struct vs_snap_fd *other = NULL;

	for (size_t i = 0; i < s->nr_fds; i++) {
		if (!is_open_of(&s->fds[i], b->address) || s->fds[i].file != ref->file)
			continue;
		if (s->fds[i].tgid == ref->tgid && s->fds[i].fd == ref->fd)
			return;
		other = &s->fds[i];
	}
	ref->fd = -1;
	if (other)
		set_holder(ref, other->tgid, other->fd, other->comm);
}

static void learn_files(struct vs_registration_book *b, const struct vs_snapshot *s)
{
	for (struct vs_registration *ref = b->newest; ref; ref = ref->older) {
		if (ref->class != VS_REGISTRATION_FILE)
			continue;
		if (ref->file)
			follow_file(b, ref, s);
		else
			learn_file(b, ref, s);
	}
}

static void check_device(struct vs_registrations *r, const struct vs_snapshot *s,
			 const struct vs_snap_device *d)
{
	struct vs_registration_book *b = registrations_book(r, d->address);

	if (!b || b->last_seq > s->start_seq)
		return;
	b->group = d->group;
	if (s->scope.fds)
		learn_files(b, s);
	b->kernel_refs = d->refs;
	b->differs = d->refs != VS_SNAP_UNKNOWN && !b->uncounted &&
		     (uint64_t)d->refs != b->nr + b->unknown;
}

/* Returns true if the device left without its end being seen. */
static bool is_gone(const struct vs_registration_book *b, const struct vs_snapshot *s)
{
	if (b->last_seq > s->start_seq)
		return false;
	for (size_t i = 0; i < s->nr_devices; i++)
		if (s->devices[i].address == b->address)
			return false;
	return true;
}

static void forget_gone(struct vs_registrations *r, const struct vs_snapshot *s)
{
	struct vs_registration_book *b = vs_lru__next(r->books, NULL), *next;

	for (; b; b = next) {
		next = vs_lru__next(r->books, b);
		if (is_gone(b, s))
			registrations_end(r, b);
	}
}

void vs_registrations__check(struct vs_registrations *r, const struct vs_snapshot *s)
{
	if (!s->scope.groups)
		return;
	if (r->no_gets) {
		vs_registrations__seed(r, s);
		return;
	}
	for (size_t i = 0; i < s->nr_devices; i++)
		if (s->devices[i].address)
			check_device(r, s, &s->devices[i]);
	forget_gone(r, s);
}

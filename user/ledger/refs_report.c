// SPDX-License-Identifier: GPL-2.0
#include "ledger/refs_report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vfio/functions.h"


struct report {
	struct vs_refs_report pub;	/* first */
	const struct vs_refs_report_opts *opts;
	struct vs_refs_report_group *groups;
	size_t room;
};

/* -- who has it open -- */

static void add_user(struct vs_refs_report_users *users, const struct vs_refs_report_user *user)
{
	if (users->nr < VS_REFS_REPORT_USERS)
		users->named[users->nr++] = *user;
	else
		users->more++;
}

static void add_fd(struct vs_refs_report_users *users, const struct vs_snap_fd *fd)
{
	add_user(users, &(struct vs_refs_report_user){
		.comm = fd->comm, .tgid = fd->tgid, .fd = fd->fd,
	});
}

static bool is_open_of(const struct vs_snap_fd *fd, const struct vs_ref *ref)
{
	switch (ref->class) {
	case VS_REF_DEVICE:
		return (fd->kind == VS_SNAP_DEVICE_FILE || fd->kind == VS_SNAP_CDEV_FILE) &&
		       ref->object && fd->object == ref->object;
	case VS_REF_FILE:
		return fd->kind == VS_SNAP_GROUP_FILE && fd->object == ref->group &&
		       (!ref->object || fd->file == ref->object);
	case VS_REF_EXTERNAL:
		return fd->kind == VS_SNAP_KVM_FILE && fd->object == ref->group &&
		       (ref->origin == VS_REF_FOUND ? fd->file == ref->object :
						      fd->tgid == ref->tgid);
	default:
		return false;
	}
}

static void find_users(struct vs_refs_report_row *row, const struct vs_snapshot *s)
{
	for (size_t i = 0; i < s->nr_fds; i++)
		if (is_open_of(&s->fds[i], row->ref))
			add_fd(&row->users, &s->fds[i]);
	if (row->ref->class != VS_REF_DEVICE || !row->ref->object)
		return;
	for (size_t i = 0; i < s->nr_maps; i++)
		if (s->maps[i].device == row->ref->object)
			add_user(&row->users, &(struct vs_refs_report_user){
				.comm = s->maps[i].comm,
				.tgid = s->maps[i].tgid,
				.hidden = s->hidden_tasks,
				.fd = -1,
				.start = s->maps[i].start,
				.end = s->maps[i].end,
			});
}

static const char *driver_of(const struct vs_snapshot *s, const struct vs_ref *ref)
{
	for (size_t i = 0; i < s->nr_devices; i++)
		if (s->devices[i].address == ref->object ||
		    (ref->device[0] && !strcmp(s->devices[i].name, ref->device)))
			return s->devices[i].driver;
	return "";
}

/* -- rows -- */

const char *vs_suspicion__name(enum vs_suspicion suspicion)
{
	static const char *const names[] = { "fine", "old", "unknown", "leak", "broken" };

	return names[suspicion];
}

static enum vs_suspicion suspicion_of(const struct vs_ref *ref, uint64_t older_ns, uint64_t now_ns)
{
	if (ref->leaked)
		return VS_SUSPECT_LEAK;
	if (older_ns && now_ns > ref->get_ns && now_ns - ref->get_ns >= older_ns)
		return VS_SUSPECT_OLD;
	return VS_FINE;
}

enum vs_suspicion vs_book__suspicion(const struct vs_book *b, uint64_t older_ns, uint64_t now_ns)
{
	enum vs_suspicion worst = b->differs || b->unknown ? VS_SUSPECT_UNKNOWN : VS_FINE;

	if (b->broken)
		return VS_SUSPECT_BROKEN;
	for (const struct vs_ref *ref = b->live.newest; ref; ref = vs_ref_pool__older(ref)) {
		enum vs_suspicion one = suspicion_of(ref, older_ns, now_ns);

		worst = one > worst ? one : worst;
	}
	return worst;
}

/* Devices and files are each somebody's own; the others may be many and alike. */
static bool is_alike(const struct vs_ref *a, const struct vs_ref *b)
{
	if (a->class != b->class || a->leaked != b->leaked || a->stack != b->stack ||
	    a->get_ip != b->get_ip || a->tgid != b->tgid)
		return false;
	return a->class != VS_REF_DEVICE && (a->class != VS_REF_FILE || a->leaked);
}

static enum vs_role role_at(const struct report *r, uint64_t ip)
{
	return vs_role__of(vs_sites__name(r->opts->sites, ip));
}

/* The frames begin with helpers of vfio, then come their callers in vfio, then code outside vfio. */
static void find_places(const struct report *r, struct vs_refs_report_row *row)
{
	const struct vs_stacks *stacks = vs_refs__stacks(r->opts->refs);
	size_t nr, i = 0;
	const __u64 *frames = vs_stacks__frames(stacks, row->ref->stack, &nr);

	while (i < nr && role_at(r, frames[i]) == VS_ROLE_HELPER)
		i++;
	row->place = i < nr ? frames[i] : row->ref->get_ip;
	while (i < nr && role_at(r, frames[i]) != VS_ROLE_UNKNOWN)
		i++;
	row->caller = i < nr ? frames[i] : 0;
}

static void fill_row(const struct report *r, struct vs_refs_report_row *row)
{
	row->suspicion = suspicion_of(row->ref, r->opts->older_ns, r->opts->now_ns);
	find_places(r, row);
	row->driver = row->ref->class == VS_REF_DEVICE ?
		      driver_of(r->opts->snapshot, row->ref) : "";
	find_users(row, r->opts->snapshot);
}

/* Returns the row of references like this one, or a new one. The list is newest first. */
static struct vs_refs_report_row *row_for(struct vs_refs_report_row *rows, size_t *nr,
				     const struct vs_ref *ref)
{
	for (size_t i = 0; i < *nr; i++)
		if (is_alike(rows[i].ref, ref))
			return &rows[i];
	return &rows[(*nr)++];
}

static int worse_row_first(const void *a, const void *b)
{
	const struct vs_refs_report_row *x = a, *y = b;

	if (x->suspicion != y->suspicion)
		return x->suspicion > y->suspicion ? -1 : 1;
	if (!x->ref != !y->ref)
		return x->ref ? -1 : 1;
	if (!x->ref || x->ref->class == y->ref->class)
		return x->ref && x->ref->get_ns > y->ref->get_ns ? 1 : -1;
	return x->ref->class < y->ref->class ? -1 : 1;
}

static void number_rows(struct vs_refs_report_group *g, struct vs_refs_report_row *rows)
{
	size_t first = 1;

	qsort(rows, g->nr_rows, sizeof(*rows), worse_row_first);
	for (size_t i = 0; i < g->nr_rows; i++) {
		rows[i].first = first;
		first += rows[i].nr;
	}
}

static int make_rows(const struct report *r, struct vs_refs_report_group *g)
{
	const struct vs_book *b = g->book;
	struct vs_refs_report_row *rows = calloc(b->live.nr + 1, sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	for (const struct vs_ref *ref = b->live.newest; ref; ref = vs_ref_pool__older(ref)) {
		struct vs_refs_report_row *row = row_for(rows, &g->nr_rows, ref);

		row->ref = ref;
		row->nr++;
	}
	for (size_t i = 0; i < g->nr_rows; i++)
		fill_row(r, &rows[i]);
	if (b->unknown)
		rows[g->nr_rows++] = (struct vs_refs_report_row){
			.nr = b->unknown, .driver = "", .suspicion = VS_SUSPECT_UNKNOWN,
		};
	number_rows(g, rows);
	g->rows = rows;
	return 0;
}

/* -- groups -- */

static void view_of(const struct report *r, struct vs_group_view *v, int number)
{
	v->known = true;
	v->number = number;
	v->devices = r->opts->devices ? r->opts->devices(r->opts->ctx, number) : "";
}

static struct vs_refs_report_group *add_group(struct report *r, const struct vs_group_view *view)
{
	if (r->opts->wanted && !r->opts->wanted(r->opts->ctx, view))
		return NULL;
	r->groups[r->pub.nr_groups] = (struct vs_refs_report_group){ .view = *view };
	return &r->groups[r->pub.nr_groups++];
}

/* Finds open files that keep a group in use though they are no references there. */
static void find_open(const struct report *r, struct vs_refs_report_group *g)
{
	const struct vs_snapshot *s = r->opts->snapshot;

	for (size_t i = 0; !s->files_counted && i < s->nr_fds; i++)
		if (s->fds[i].object && s->fds[i].object == g->book->address &&
		    (s->fds[i].kind == VS_SNAP_GROUP_FILE || s->fds[i].kind == VS_SNAP_KVM_FILE))
			add_fd(&g->open, &s->fds[i]);
}

/* Finds its container, which devices use while they are open. */
static void find_container(const struct report *r, struct vs_refs_report_group *g)
{
	const struct vs_snapshot *s = r->opts->snapshot;

	for (size_t i = 0; i < s->nr_groups && !g->now; i++)
		if (s->groups[i].address == g->book->address && s->groups[i].address)
			g->now = &s->groups[i];
	for (size_t i = 0; g->now && g->now->container && i < s->nr_fds; i++)
		if (s->fds[i].kind == VS_SNAP_CONTAINER_FILE &&
		    s->fds[i].object == g->now->container)
			add_fd(&g->container, &s->fds[i]);
}

static int add_book(struct report *r, const struct vs_book *b)
{
	struct vs_group_view view = {
		.seen_before = b->seen_before,
		.generation = b->generation,
		.address = b->address,
	};
	struct vs_refs_report_group *g;
	int err;

	view_of(r, &view, b->number);
	g = add_group(r, &view);
	if (!g)
		return 0;
	g->book = b;
	err = make_rows(r, g);
	if (err)
		return err;
	find_open(r, g);
	find_container(r, g);
	g->nr_refs = b->live.nr + b->unknown;
	g->suspicion = vs_book__suspicion(g->book, r->opts->older_ns, r->opts->now_ns);
	return 0;
}

static bool has_number(const struct report *r, int number)
{
	for (size_t i = 0; i < r->pub.nr_groups; i++)
		if (r->groups[i].view.number == number)
			return true;
	return false;
}

/* Adds groups that only sysfs knows: we could not find their address. */
static void add_nameless(struct report *r)
{
	const struct vs_snapshot *s = r->opts->snapshot;

	for (size_t i = 0; i < s->nr_groups; i++) {
		struct vs_group_view view = { .seen_before = true };

		if (s->groups[i].address || has_number(r, s->groups[i].number))
			continue;
		view_of(r, &view, s->groups[i].number);
		add_group(r, &view);
	}
}

static int worse_group_first(const void *a, const void *b)
{
	const struct vs_refs_report_group *x = a, *y = b;

	if (x->suspicion != y->suspicion)
		return x->suspicion > y->suspicion ? -1 : 1;
	return x->view.number < y->view.number ? -1 : x->view.number > y->view.number;
}

static int add_groups(struct report *r)
{
	const struct vs_book *b = NULL;
	int err = 0;

	while (!err && (b = vs_refs__next(r->opts->refs, b)))
		if (!b->released || b->broken)
			err = add_book(r, b);
	if (err)
		return err;
	add_nameless(r);
	qsort(r->groups, r->pub.nr_groups, sizeof(*r->groups), worse_group_first);
	return 0;
}

static size_t count_books(const struct vs_refs *refs)
{
	const struct vs_book *b = NULL;
	size_t nr = 0;

	while ((b = vs_refs__next(refs, b)))
		nr++;
	return nr;
}

struct vs_refs_report *vs_refs_report__new(const struct vs_refs_report_opts *opts)
{
	struct report *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->opts = opts;
	r->room = count_books(opts->refs) + opts->snapshot->nr_groups + 1;
	r->groups = calloc(r->room, sizeof(*r->groups));
	r->pub.groups = r->groups;
	if (!r->groups || add_groups(r)) {
		vs_refs_report__free(&r->pub);
		errno = ENOMEM;
		return NULL;
	}
	r->pub.time_ns = opts->now_ns;
	r->pub.traced = opts->traced;
	r->pub.last = opts->last;
	r->pub.all_stacks = opts->stacks;
	r->pub.snapshot = opts->snapshot;
	r->pub.registrations = opts->registrations;
	r->pub.lifetimes = vs_refs__lifetimes(opts->refs);
	r->pub.stacks = vs_refs__stacks(opts->refs);
	r->pub.sites = opts->sites;
	vs_refs__totals(opts->refs, &r->pub.totals);
	r->opts = NULL;
	return &r->pub;
}

void vs_refs_report__free(struct vs_refs_report *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->nr_groups; i++)
		free((void *)r->groups[i].rows);
	free((void *)r->groups);
	free(r);
}

bool vs_refs_report__is_of(const struct vs_registration_book *b, const struct vs_group_view *g)
{
	return b->group && g->address ? b->group == g->address : b->number == g->number;
}

// SPDX-License-Identifier: GPL-2.0
#include "why/classify_priv.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/plural.h"
#include "evidence/names.h"
#include "vfio/functions.h"

/* -- deferred puts -- */

static const char *work_words(const struct vs_ev_work *w)
{
	if (w->state == VS_EV_WORK_RUNNING)
		return "running";
	return w->state == VS_EV_WORK_PENDING ? "waiting for a worker"
					      : "waiting: the workqueue is at its limit";
}

static int prove_workers(struct vs_why_case *c, const struct vs_evidence *e, int cpu)
{
	int err = 0;

	for (size_t i = 0; !err && i < e->nr_workers; i++)
		if (e->workers[i].cpu == cpu)
			err = why_case__prove(c, "workers of CPU %d: %u in %s", cpu,
					      e->workers[i].nr, e->workers[i].func);
	return err;
}

static const struct vs_ev_task *worker_of(const struct vs_evidence *e, const struct vs_ev_work *w)
{
	if (w->worker)
		return vs_evidence__task_at(e, w->worker);
	for (size_t i = 0; i < e->nr_workers; i++)
		if (e->workers[i].cpu == w->cpu)
			return vs_evidence__task_at(e, e->workers[i].task);
	return NULL;
}

static int number_of(const struct vs_evidence *e, uint64_t group)
{
	for (size_t i = 0; i < e->snapshot.nr_groups; i++)
		if (e->snapshot.groups[i].address == group)
			return e->snapshot.groups[i].number;
	return -1;
}

/* One for each group: the longest of its puts. */
static bool is_first_of_group(const struct vs_evidence *e, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (e->works[j].group == e->works[i].group)
			return false;
	return true;
}

static int add_late(struct vs_why *why, const struct vs_evidence *e, const struct vs_ev_work *w)
{
	struct vs_why_case *c = why_case__add(why, VS_WHY_DEFERRED_LATE, worker_of(e, w));
	size_t nr = 0;
	int err;

	if (!c)
		return -ENOMEM;
	for (size_t i = 0; i < e->nr_works; i++)
		nr += e->works[i].group == w->group;
	c->group = number_of(e, w->group);
	c->since_ns = w->outstanding_ns;
	c->confidence = VS_HIGH;
	if (c->task && c->task->nr_frames)
		memcpy(c->place, c->task->frames[0], sizeof(c->place));
	err = why_case__prove(c, "%zu deferred put%s of this group; the first on CPU %d: %s", nr,
			      vs_plural(nr), w->cpu, work_words(w));
	if (!err && w->state != VS_EV_WORK_RUNNING)
		err = why_case__prove(c, "%u work%s before it", w->ahead,
				      w->ahead == 1 ? " stands" : "s stand") ?:
		      prove_workers(c, e, w->cpu);
	return err ?: c->task ? why_case__prove_stack(c, 7) : 0;
}

int why_puts__add_late(struct vs_why *why, const struct vs_evidence *e)
{
	int err = 0;

	for (size_t i = 0; !err && i < e->nr_works; i++)
		if (is_first_of_group(e, i))
			err = add_late(why, e, &e->works[i]);
	return err;
}

/* -- leaks -- */

static bool is_first_of_file(const struct vs_snapshot *s, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (s->fds[j].kind == s->fds[i].kind && s->fds[j].file == s->fds[i].file &&
		    s->fds[j].object == s->fds[i].object)
			return false;
	return true;
}

static int files_of(const struct vs_evidence *e, const struct vs_snap_group *g,
		    enum vs_snap_file_kind kind)
{
	const struct vs_snapshot *s = &e->snapshot;
	int nr = 0;

	for (size_t i = 0; i < s->nr_fds; i++)
		nr += s->fds[i].kind == kind && s->fds[i].object == g->address &&
		      is_first_of_file(s, i);
	return nr;
}

static int works_of(const struct vs_evidence *e, const struct vs_snap_group *g)
{
	int nr = 0;

	for (size_t i = 0; i < e->nr_works; i++)
		nr += e->works[i].group == g->address;
	return nr;
}

/* vfio_del_group_dev() holds its own reference while it waits: of this group, or of one that is not known. */
static int unregisters_of(const struct vs_evidence *e, const struct vs_snap_group *g)
{
	int nr = 0;

	for (size_t i = 0; i < e->nr_tasks; i++) {
		const struct vs_ev_task *t = &e->tasks[i];
		const struct vs_snap_device *d = why_device__left_by(e, t);

		nr += vs_ev_task__find(t, 0, VS_VFIO_DELETE) < t->nr_frames &&
		      (!d || d->number == g->number);
	}
	return nr;
}

/*
 * References that devices of the group account for. Before v5.13 (5.10.137) vfio_device_get() took one
 * of the group with each of the device, and vfio_device_put() gave both back.
 */
static int device_refs(const struct vs_evidence *e, const struct vs_snap_group *g)
{
	const struct vs_snapshot *s = &e->snapshot;
	int nr;

	if (!s->users_counted)
		return why_group__devices(e, g);
	nr = unregisters_of(e, g);
	for (size_t i = 0; i < s->nr_devices; i++) {
		if (!s->devices[i].address || s->devices[i].group != g->address)
			continue;
		if (s->devices[i].refs == VS_SNAP_UNKNOWN)
			return INT_MAX;
		nr += s->devices[i].refs;
	}
	return nr;
}

/* Tasks inside VFIO hold references for a moment. */
static bool is_busy(const struct vs_evidence *e)
{
	for (size_t i = 0; i < e->nr_tasks; i++)
		if (why_frames__first(&e->tasks[i], 0, VS_FRAME_VFIO) < e->tasks[i].nr_frames)
			return true;
	return false;
}

static int add_leak(struct vs_why *why, const struct vs_evidence *e, const struct vs_snap_group *g)
{
	int by_devices = device_refs(e, g), files = 0, kvms = 0, works = works_of(e, g), nobody;
	int devices = why_group__devices(e, g);
	struct vs_why_case *c;

	if (e->snapshot.files_counted) {
		files = files_of(e, g, VS_SNAP_GROUP_FILE);
		kvms = files_of(e, g, VS_SNAP_KVM_FILE);
	}
	if (g->refs == VS_SNAP_UNKNOWN || by_devices == INT_MAX)
		return 0;
	nobody = g->refs - by_devices - files - kvms - works;
	if (nobody <= 0)
		return 0;
	c = why_case__add(why, VS_WHY_LEAK_SUSPECT, NULL);
	if (!c)
		return -ENOMEM;
	c->group = g->number;
	c->confidence = devices || files || g->container_users || is_busy(e) ? VS_LOW : VS_MEDIUM;
	return why_case__prove(c, "the group's counter is %d; accounted for: %d %s%s, %d open "
			       "file%s, %d in KVM, %d deferred", g->refs, by_devices,
			       e->snapshot.users_counted ? "by device" : "device",
			       vs_plural(by_devices), files, vs_plural(files), kvms, works) ?:
	       why_case__prove(c, "%d reference%s left over", nobody,
			       nobody == 1 ? " is" : "s are");
}

int why_puts__add_leaks(struct vs_why *why, const struct vs_evidence *e)
{
	const struct vs_snapshot *s = &e->snapshot;
	int err = 0;

	if (!s->scope.counters || !s->scope.fds || !s->scope.groups)
		return 0;
	for (size_t i = 0; !err && i < s->nr_groups; i++)
		if (s->groups[i].address)
			err = add_leak(why, e, &s->groups[i]);
	return err;
}

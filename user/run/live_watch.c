// SPDX-License-Identifier: GPL-2.0
#include "run/live_watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/host.h"

static const char *watch_error(int err)
{
	switch (err) {
	case -ENOSPC:
		return "a CPU has no debug register left (see vfioscope doctor)";
	case -EMFILE:
		return "too many open files: two for each CPU (ulimit -n)";
	case -EOPNOTSUPP:
		return "this machine has no hardware watchpoints";
	case -EPERM:
		return "CAP_SYS_ADMIN is needed (see vfioscope doctor)";
	default:
		return strerror(-err);
	}
}

/* Returns true if the error may be gone next time, as when there is room again. */
static bool is_for_now(int err)
{
	return err == -ENOSPC || err == -EMFILE || err == -EAGAIN;
}

static void say_watched(struct vs_live_watch *w, int number)
{
	char words[200];

	if (w->nr_said++ >= VS_WATCHES_SAID)
		return;
	snprintf(words, sizeof(words), "group %d: each change of its counter is watched from now on",
		 number);
	vs_session__notice(w->live->session, vs_host__mono_ns(), words);
}

static bool was_refused(const struct vs_live_watch *w, uint64_t address)
{
	for (size_t i = 0; i < w->nr_refused; i++)
		if (w->refused[i] == address)
			return true;
	return false;
}

static void say_refused(struct vs_live_watch *w, uint64_t address, int number, int err)
{
	char words[200];

	if (was_refused(w, address) || w->nr_refused == VS_WATCHES_SAID)
		return;
	w->refused[w->nr_refused++] = address;
	snprintf(words, sizeof(words), "group %d: no watchpoint on its counter: %s", number,
		 watch_error(err));
	vs_session__notice(w->live->session, vs_host__mono_ns(), words);
}

static int watch(struct vs_live_watch *w, uint64_t address, int number, uint64_t seen_seq)
{
	int err = vs_engine__watch(w->live->engine, address, number, seen_seq);

	/* It has one already; or it is gone by now; or it belongs to a vfio.ko that is not followed yet. */
	if (err == -EEXIST || err == -ESTALE || err == -ENOENT)
		return 0;
	if (err) {
		say_refused(w, address, number, err);
		w->none = !is_for_now(err);
		return err;
	}
	say_watched(w, number);
	vs_session__watched(w->live->session, address, number, vs_host__mono_ns(),
			    vs_engine__begun(w->live->engine));
	return 0;
}

static bool is_wanted(const struct vs_live_watch *w, int number)
{
	struct vs_group_view view = {
		.known = true,
		.number = number,
		.devices = vs_session__devices(w->live->session, number),
	};

	return vs_filter__match_group(w->filter, &view);
}

void vs_live_watch__event(struct vs_live_watch *w, const struct vs_event *e)
{
	if (e->type == VS_CREATE && e->group && !w->none && is_wanted(w, e->iommu_group))
		watch(w, e->group, e->iommu_group, e->seq);
}

static void end_of_absent(struct vs_live_watch *w, const struct vs_snapshot *s)
{
	uint64_t *groups = calloc(s->nr_groups + 1, sizeof(*groups));

	if (!groups || !s->scope.groups) {	/* a group that we did not look at may exist */
		free(groups);
		return;
	}
	for (size_t i = 0; i < s->nr_groups; i++)
		groups[i] = s->groups[i].address;
	vs_engine__groups_found(w->live->engine, groups, s->nr_groups, s->start_seq,
				s->start_ns);
	free(groups);
}

/* A group with a counter of 0 is being released, and may hang there. */
static bool is_watchable(const struct vs_live_watch *w, const struct vs_snap_group *group)
{
	return group->address && group->refs && is_wanted(w, group->number);
}

void vs_live_watch__look(struct vs_live_watch *w, const struct vs_snapshot *s)
{
	int err = 0;

	end_of_absent(w, s);
	for (size_t i = 0; i < s->nr_groups && !w->none; i++) {
		const struct vs_snap_group *group = &s->groups[i];

		if (!is_watchable(w, group))
			continue;
		if (!err)
			err = watch(w, group->address, group->number, s->start_seq);
		else
			say_refused(w, group->address, group->number, err);
	}
}

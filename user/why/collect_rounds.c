// SPDX-License-Identifier: GPL-2.0
/*
 * A driver that polls ("while (users) msleep(500)") never sleeps for long, and may never return.
 * Only a second look tells it from one that is nearly done.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/host.h"
#include "why/classify_priv.h"
#include "why/collect_priv.h"
#include "why/locks.h"

#define AGAIN_US 1050000
#define RUNNING_US 50000	/* a task that polls runs at times, and then has no stack */
#define MAX_LOOKS 6
#define CLOCKS_NS 10000000	/* how far apart the two clocks of a task may be read */

static size_t count_open(const struct vs_evidence *e)
{
	size_t nr = 0;

	for (size_t i = 0; i < e->nr_tasks; i++)
		nr += why_frames__is_open(&e->tasks[i]);
	return nr;
}

static const struct vs_stack_row *row_of(const struct vs_stack_row *rows, size_t nr,
					 const struct vs_ev_task *t)
{
	for (size_t i = 0; i < nr; i++)
		if (rows[i].task == t->address && rows[i].tid == t->tid)
			return &rows[i];
	return NULL;
}

/* The row of a running task has no stack: the question stays open. */
static int compare(struct collect *c, struct vs_ev_task *t, const struct vs_stack_row *row)
{
	struct vs_ev_task now = {};
	int err;

	if (!row) {
		t->stayed_ns = 0;
		return 0;
	}
	if (!row->state)
		return 0;
	err = collect_take_task(c, row, &now);
	if (!err)
		t->stayed_ns = why_frames__same_driver(t, &now) ? vs_host__mono_ns() - c->now_ns
								: 0;
	free(now.frames);
	return err;
}

/* Without a list nothing is known, and the question stays open. */
static int look_again(struct collect *c)
{
	struct vs_stack_row *rows;
	size_t nr;
	int err = 0;

	rows = vs_snapper__stacks(c->snapper, &nr);
	if (!rows)
		return errno == ENOMEM ? -ENOMEM : 0;
	for (size_t i = 0; !err && i < c->e->nr_tasks; i++)
		if (why_frames__is_open(&c->e->tasks[i]))
			err = compare(c, &c->e->tasks[i], row_of(rows, nr, &c->e->tasks[i]));
	free(rows);
	return err;
}

int collect_see_rounds(struct collect *c)
{
	int err = 0;

	for (int i = 0; !err && i < MAX_LOOKS && count_open(c->e); i++) {
		usleep(i ? RUNNING_US : AGAIN_US);
		err = look_again(c);
	}
	return err;
}

/*
 * An unlock wakes the first waiter. If that has slept since before the owner was created, the lock has not
 * changed hands since: its owner has ended, and a new task has got the same memory. The two clocks drift apart
 * by less than 0.1 %.
 */
static bool is_born_too_late(const struct vs_ev_task *owner, const struct vs_ev_task *t)
{
	return t->is_first && !t->owner_reads && t->waited_ns != VS_EV_UNKNOWN &&
	       owner->age_ns != VS_EV_UNKNOWN &&
	       t->waited_ns > owner->age_ns + owner->age_ns / 1000 + CLOCKS_NS;
}

/*
 * The first waiter may also have given up (a signal) when another had taken the lock over its head: then
 * nobody woke the next one. A task that works at the very device has its lock.
 */
static bool works_at(const struct vs_ev_task *owner, const struct vs_ev_task *t)
{
	for (size_t i = 0; owner->lock != t->lock && i < owner->nr_locked; i++)
		if (strstr(t->lock_name, owner->locked[i].name))
			return true;
	return false;
}

void collect_bury_owners(struct vs_evidence *e)
{
	for (size_t i = 0; i < e->nr_tasks; i++) {
		struct vs_ev_task *t = &e->tasks[i];
		const struct vs_ev_task *owner = vs_evidence__task_at(e, t->owner);

		if (!owner || !is_born_too_late(owner, t) || works_at(owner, t))
			continue;
		t->dead_owner = t->owner;
		t->owner = 0;
	}
}

static size_t count_dead(const struct vs_evidence *e)
{
	size_t nr = 0;

	for (size_t i = 0; i < e->nr_tasks; i++)
		nr += e->tasks[i].dead_owner != 0;
	return nr;
}

/* The task has not run since the first look, so nobody has woken it. */
static bool has_slept_on(const struct vs_stack_row *row, const struct vs_ev_task *t)
{
	return row && row->state && row->now_ns >= row->arrival_ns &&
	       row->now_ns - row->arrival_ns >= t->waited_ns;
}

static bool is_among(const struct vs_stack_row *rows, size_t nr, uint64_t task)
{
	for (size_t i = 0; i < nr; i++)
		if (rows[i].task == task)
			return true;
	return false;
}

/* A second look agrees: the lock names the same owner, and that is still none. */
static bool is_still_dead(const struct collect *c, const struct vs_locks *locks,
			  const struct vs_stack_row *rows, size_t nr, const struct vs_ev_task *t)
{
	if (!rows || !vs_locks__still_names(locks, t))
		return false;
	if (vs_evidence__task_at(c->e, t->dead_owner))
		return has_slept_on(row_of(rows, nr, t), t);
	return !is_among(rows, nr, t->dead_owner);
}

static void revive(struct vs_evidence *e, struct vs_ev_task *t)
{
	if (vs_evidence__task_at(e, t->dead_owner))
		t->owner = t->dead_owner;
	t->dead_owner = 0;
}

/* Without a second list, or with tasks out of sight, it cannot decide this. */
int collect_check_dead(struct collect *c)
{
	struct vs_locks locks = { c->mem, c->layout, c->space, collect_is_task, c };
	struct vs_stack_row *rows = NULL;
	size_t nr = 0;

	collect_bury_owners(c->e);
	if (!count_dead(c->e))
		return 0;
	if (!c->e->snapshot.hidden_tasks) {
		rows = vs_snapper__stacks(c->snapper, &nr);
		if (!rows && errno == ENOMEM)
			return -ENOMEM;
	}
	for (size_t i = 0; i < c->e->nr_tasks; i++) {
		struct vs_ev_task *t = &c->e->tasks[i];

		if (t->dead_owner && !is_still_dead(c, &locks, rows, nr, t))
			revive(c->e, t);
	}
	free(rows);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * A driver that polls ("while (users) msleep(500)") never sleeps for long, and may never return.
 * Only a second look tells it from one that is nearly done.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host.h"
#include "why/classify_priv.h"
#include "why/collect_priv.h"
#include "why/locks.h"

#define AGAIN_US 1050000
#define RUNNING_US 50000	/* who polls is seen running at times, and then has no stack */
#define MAX_LOOKS 6

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

/* A row of a task that runs says nothing: the question stays open. */
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

static size_t count_dead(const struct vs_evidence *e)
{
	size_t nr = 0;

	for (size_t i = 0; i < e->nr_tasks; i++)
		nr += e->tasks[i].dead_owner != 0;
	return nr;
}

static bool is_among(const struct vs_stack_row *rows, size_t nr, uint64_t task)
{
	for (size_t i = 0; i < nr; i++)
		if (rows[i].task == task)
			return true;
	return false;
}

/* Without a second list, or where tasks are out of sight, it is not known. */
int collect_check_dead(struct collect *c)
{
	struct vs_locks locks = { c->mem, c->layout, c->space, collect_is_task, c };
	struct vs_stack_row *rows = NULL;
	size_t nr = 0;

	if (!count_dead(c->e))
		return 0;
	if (!c->e->snapshot.hidden_tasks) {
		rows = vs_snapper__stacks(c->snapper, &nr);
		if (!rows && errno == ENOMEM)
			return -ENOMEM;
	}
	for (size_t i = 0; i < c->e->nr_tasks; i++) {
		struct vs_ev_task *t = &c->e->tasks[i];

		if (t->dead_owner && (!rows || !vs_locks__still_names(&locks, t) ||
				      is_among(rows, nr, t->dead_owner)))
			t->dead_owner = 0;
	}
	free(rows);
	return 0;
}

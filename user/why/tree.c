// SPDX-License-Identifier: GPL-2.0
/* Builds the tree of waits, for a host and for a log: the task of a case and its victims, depth first. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/rows.h"
#include "why/classify_priv.h"

#define MOST_VICTIMS 4096
#define LONGEST_CHAIN 32	/* of owners */

bool why_tree__has(const struct vs_why_case *c, const struct vs_ev_task *t)
{
	for (size_t i = 0; i < c->nr_victims; i++)
		if (c->victims[i].task == t)
			return true;
	return c->task == t;
}

bool why_tree__explains(const struct vs_why *why, const struct vs_ev_task *t)
{
	for (size_t i = 0; i < why->nr_cases; i++)
		if (why_tree__has(&why->cases[i], t))
			return true;
	return false;
}

/* A task of a log has no address: its owner is the number of another one there. */
const struct vs_ev_task *why_tree__owner(const struct vs_evidence *e, const struct vs_ev_task *t)
{
	if (t < e->logged || t >= e->logged + e->nr_logged)
		return vs_evidence__task_at(e, t->owner);
	return t->owner && t->owner <= e->nr_logged ? &e->logged[t->owner - 1] : NULL;
}

const struct vs_ev_task *why_tree__top(const struct vs_evidence *e, const struct vs_ev_task *t)
{
	for (int i = 0; i < LONGEST_CHAIN; i++) {
		const struct vs_ev_task *owner = why_tree__owner(e, t);

		if (!owner || owner == t)
			break;
		t = owner;
	}
	return t;
}

static const char *lock_words(const struct vs_ev_task *t)
{
	if (t->lock_name[0])
		return t->lock_name;
	if (t->lock_kind != VS_EV_NO_LOCK)
		return t->lock_kind == VS_EV_MUTEX ? "mutex" : "rwsem";
	return t->logged.told ? "lock" : "lock that is not known without BPF";
}

int why_tree__add(struct vs_why_case *c, size_t at, const struct vs_ev_task *t, unsigned int depth, bool likely)
{
	struct vs_why_victim v = { .task = t, .depth = depth, .likely = likely };

	if (c->nr_victims == MOST_VICTIMS)
		return 0;
	if (!vs_rows__add(&c->victims, &c->nr_victims, sizeof(v)))
		return -ENOMEM;
	snprintf(v.lock, sizeof(v.lock), "%s", lock_words(t));
	memmove(&c->victims[at + 1], &c->victims[at], (c->nr_victims - 1 - at) * sizeof(v));
	c->victims[at] = v;
	return 0;
}

/* Adds the tasks that wait for c->victims[@below - 1], or for the culprit if @below is 0. */
static int add_level(struct vs_why_case *c, const struct vs_evidence *e, const struct why_tree *tree, size_t below)
{
	const struct vs_ev_task *of = below ? c->victims[below - 1].task : c->task;
	unsigned int depth = below ? c->victims[below - 1].depth + 1 : 1;
	int err = 0;

	for (size_t i = tree->nr; !err && i-- > 0;) {
		bool likely = false;

		if (tree->waits(c, e, &tree->tasks[i], of, &likely) && !why_tree__has(c, &tree->tasks[i]))
			err = why_tree__add(c, below, &tree->tasks[i], depth, likely);
	}
	return err;
}

int why_tree__grow(struct vs_why_case *c, const struct vs_evidence *e, const struct why_tree *tree)
{
	int err = c->task ? add_level(c, e, tree, 0) : 0;

	for (size_t i = 1; !err && i <= c->nr_victims; i++)
		err = add_level(c, e, tree, i);
	return err;
}

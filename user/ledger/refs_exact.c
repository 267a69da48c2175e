// SPDX-License-Identifier: GPL-2.0
/*
 * Compares watchpoints with probes: each change of a watched counter has its get or put. In one task
 * the change of a get comes before the get, that of a put after the put.
 */
#include "ledger/refs_priv.h"

void vs_refs__watched(struct vs_refs *r, uint64_t address, int number, uint64_t since_ns,
		      uint64_t since_seq)
{
	struct vs_book *b = refs_book_found_at(r, address, number);

	if (b)
		b->exact = (struct vs_ref_exact){ .since_ns = since_ns, .since_seq = since_seq,
						  .last_refs = VS_SNAP_UNKNOWN };
}

static bool is_counted(const struct vs_book *b, const struct vs_event *e)
{
	return e->seq > b->exact.since_seq;
}

void refs_pair_get(struct vs_refs *r, struct vs_book *b, const struct vs_event *e)
{
	struct ref_task *task = b->exact.since_ns ? refs_task(r, e->tid) : NULL;
	bool mine = task && task->change_open && task->change_group == b->address;

	if (!b->exact.since_ns || !is_counted(b, e))
		return;
	b->exact.gets++;
	if (mine && task->change_refs == e->refs)
		b->exact.paired++;
	else
		b->exact.differences++;
	if (mine)
		task->change_open = false;
}

static void miss_put(struct vs_refs *r, struct ref_task *task)
{
	struct vs_book *b = task->put_open ? refs_book_at(r, task->put_group) : NULL;

	if (b)
		b->exact.differences += task->put_counted;
	task->put_open = false;
}

static void miss_get(struct vs_refs *r, struct ref_task *task)
{
	struct vs_book *b = task->change_open ? refs_book_at(r, task->change_group) : NULL;

	if (b)
		b->exact.differences++;
	task->change_open = false;
}

void refs_pair_put(struct vs_refs *r, struct vs_book *b, const struct vs_event *e)
{
	struct ref_task *task;

	if (!b->exact.since_ns)
		return;
	b->exact.puts += is_counted(b, e);
	task = refs_task_or_new(r, e->tid);
	if (!task)
		return;
	miss_put(r, task);
	task->put_open = true;
	task->put_group = b->address;
	task->put_counted = is_counted(b, e);
}

static void change_up(struct vs_refs *r, struct ref_task *task, struct vs_book *b,
		      const struct vs_event *e)
{
	miss_get(r, task);
	task->change_open = true;
	task->change_group = b->address;
	task->change_refs = e->refs;
}

static void change_down(struct ref_task *task, struct vs_book *b)
{
	if (!task->put_open || task->put_group != b->address) {
		b->exact.differences++;
		return;
	}
	b->exact.paired += task->put_counted;
	task->put_open = false;
}

/* Returns true if the change is up. Without either flag it is down if a put waits for its change. */
static bool is_up(const struct ref_task *task, const struct vs_book *b, const struct vs_event *e)
{
	if (e->flags & (VS_F_TAKEN | VS_F_DROPPED))
		return e->flags & VS_F_TAKEN;
	return !task->put_open || task->put_group != b->address;
}

void refs_on_change(struct vs_refs *r, struct vs_book *b, const struct vs_event *e)
{
	struct ref_task *task;

	if (!b->exact.since_ns || !is_counted(b, e))
		return;
	b->exact.changes++;
	if (e->flags & VS_F_REFS)
		b->exact.last_refs = b->refs = e->refs;
	task = refs_task_or_new(r, e->tid);
	if (!task)
		return;
	if (is_up(task, b, e))
		change_up(r, task, b, e);
	else
		change_down(task, b);
}

/* At the end: the counterparts still missing will not come. */
void refs_settle_pairs(struct vs_refs *r)
{
	for (struct ref_task *t = NULL; (t = vs_lru__next(r->tasks, t));) {
		miss_put(r, t);
		miss_get(r, t);
	}
}

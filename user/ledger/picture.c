// SPDX-License-Identifier: GPL-2.0
#include "ledger/picture.h"

#include <stdio.h>
#include <string.h>

#define MOST 256	/* rows looked at: the newest */

/* The rows that the picture may show, and the criteria that select them. */
struct window {
	uint64_t from_seq;
	uint64_t address;
	uint32_t tid;
	struct vs_past entry, get;	/* built from the task, if the history has none */
	size_t nr;
	bool reordered;		/* the counts prove another order than the times */
	const struct vs_past *past[MOST + 2];
	unsigned int pairs[MOST + 2];	/* pairs of a get and its put that a row replaces; 0: an event */
};

/* Stable, and fast for rows that are almost sorted already. */
static void sort_by_seq(struct window *w)
{
	for (size_t i = 1; i < w->nr; i++) {
		const struct vs_past *p = w->past[i];
		size_t k = i;

		for (; k && w->past[k - 1]->seq > p->seq; k--)
			w->past[k] = w->past[k - 1];
		w->past[k] = p;
	}
}

/* Moves one row to another place; the rows in between shift. */
static void move(struct window *w, size_t from, size_t to)
{
	const struct vs_past *p = w->past[from];

	for (; from < to; from++)
		w->past[from] = w->past[from + 1];
	for (; from > to; from--)
		w->past[from] = w->past[from - 1];
	w->past[to] = p;
	w->reordered = true;
}

static bool has_refs(const struct vs_past *p, uint8_t type)
{
	return p->type == type && p->flags & VS_F_REFS;
}

/* Returns the next row after i that has a count, or w->nr. */
static size_t next_counted(const struct window *w, size_t i)
{
	while (++i < w->nr)
		if (has_refs(w->past[i], VS_PUT) || has_refs(w->past[i], VS_GET))
			break;
	return i < w->nr ? i : w->nr;
}

/* The count that the next put after row i read, or -1. */
static int next_reading(const struct window *w, size_t i)
{
	while (++i < w->nr)
		if (has_refs(w->past[i], VS_PUT))
			return w->past[i]->refs;
	return -1;
}

/*
 * A get's probe fires after the get, a put's before the put, so between two CPUs their times may
 * mislead. Suppose that a put read N, a get made the count N, and the next reading is N - 1: then the
 * get came first, or that reading would be N.
 */
static void order_gets(struct window *w)
{
	for (size_t i = 0; i + 1 < w->nr; i++) {
		const struct vs_past *put = w->past[i], *get;
		size_t next = next_counted(w, i);

		if (!has_refs(put, VS_PUT) || next == w->nr)
			continue;
		get = w->past[next];
		if (has_refs(get, VS_GET) && put->tid != get->tid && put->refs == get->refs &&
		    next_reading(w, next) == put->refs - 1)
			move(w, next, i);
	}
}

static size_t find_release(const struct window *w, size_t from, uint32_t tid)
{
	for (size_t i = from; i < w->nr; i++)
		if (w->past[i]->type == VS_RELEASE && w->past[i]->tid == tid)
			return i;
	return w->nr;
}

/* The put that released the group was the last one, whatever the time of its probe says. */
static void order_last_put(struct window *w)
{
	for (size_t i = 0; i < w->nr; i++) {
		size_t release = find_release(w, i, w->past[i]->tid), last = i;

		if (w->past[i]->type != VS_PUT || release == w->nr)
			continue;
		for (size_t k = i + 1; k < release; k++) {
			if (w->past[k]->type != VS_PUT)
				continue;
			if (w->past[k]->tid == w->past[i]->tid)
				return;	/* row i was not its last put */
			last = k;
		}
		if (last != i)
			move(w, i, last);
		return;
	}
}

/*
 * Returns true if the event belongs into the picture: it is in the window, about this group, and not a
 * notifier-exit.
 */
static bool wanted(const struct window *w, const struct vs_past *p)
{
	if (p->seq < w->from_seq || (p->address && w->address && p->address != w->address))
		return false;
	return p->type != VS_NOTIFIER_EXIT;
}

/* Returns the seq of the task's last get inside a notifier; used when its entry is not known. */
static uint64_t last_get(const struct vs_group *group, uint32_t tid)
{
	const struct vs_past *p;
	uint64_t from = 0;

	for (size_t i = 0; (p = vs_group__past(group, i)); i++)
		if (p->tid == tid && p->type == VS_GET && p->context == VS_CTX_NOTIFIER)
			from = p->seq;
	return from;
}

static bool is_own_get(const struct window *w, size_t i)
{
	return has_refs(w->past[i], VS_GET) && w->past[i]->tid == w->tid;
}

/* Returns how many unseen puts of others must lie between the get at row @get and the fatal put. */
static int missing_puts(const struct window *w, size_t get)
{
	int missing = w->past[get]->refs - 1;

	for (size_t i = get + 1; i < w->nr; i++)
		if (w->past[i]->tid != w->tid)
			missing += (w->past[i]->type == VS_GET) - (w->past[i]->type == VS_PUT);
	return missing;
}

static void insert(struct window *w, size_t at, const struct vs_past *p)
{
	w->past[w->nr++] = p;
	move(w, w->nr - 1, at);
}

/* A task that left a later record before @until had done its put by then. */
static bool went_on(const struct vs_group *group, const struct vs_past *put, uint64_t until)
{
	const struct vs_past *p;

	for (size_t i = 0; (p = vs_group__past(group, i)); i++)
		if (p->tid == put->tid && p->seq > put->seq && p->seq < until)
			return true;
	return false;
}

/* The get proves that the counter which the put read was still there. */
static bool may_be_late(const struct window *w, const struct vs_group *group,
			const struct vs_past *put, const struct vs_past *get)
{
	return has_refs(put, VS_PUT) && put->tid != w->tid && put->refs == get->refs - 1 &&
	       !went_on(group, put, get->seq);
}

/* Returns how many puts are still missing. @get follows the row of the get. */
static int move_late_puts(struct window *w, const struct vs_group *group, size_t *get, int missing)
{
	for (size_t i = *get; i-- && missing > 0;) {
		if (!may_be_late(w, group, w->past[i], w->past[*get]))
			continue;
		move(w, i, (*get)--);
		missing--;
	}
	return missing;
}

/*
 * A put of another task whose probe was hit before the get, and that was not yet done when the get came: the
 * counter that it read was still there then. Only as many as the counts prove, the newest first; those from
 * before the entry are in no row yet.
 */
static void add_late_puts(struct window *w, const struct vs_group *group)
{
	size_t get = 0, i = group->past_nr;
	int missing;

	while (get < w->nr && !is_own_get(w, get))
		get++;
	if (get == w->nr)
		return;
	missing = move_late_puts(w, group, &get, missing_puts(w, get));
	for (; i-- && missing > 0 && w->nr < MOST;) {
		const struct vs_past *p = vs_group__past(group, i);

		if (p->seq >= w->from_seq || (p->address && p->address != w->address) ||
		    !may_be_late(w, group, p, w->past[get]))
			continue;
		insert(w, get + 1, p);
		missing--;
	}
}

static bool is_entry(const struct window *w, const struct vs_past *p)
{
	return p->type == VS_NOTIFIER_ENTER && p->tid == w->tid;
}

/* At the entry nobody knows yet whether the group exists, so no history may have it. */
static void add_entry(struct window *w, const struct vs_task *task)
{
	for (size_t i = 0; i < w->nr; i++)
		if (is_entry(w, w->past[i]))
			return;
	if (!task || !task->enter_ns)
		return;
	w->entry = (struct vs_past){
		.time_ns = task->enter_ns,
		.seq = task->enter_seq,
		.ip = task->ip,
		.tid = task->tid,
		.cpu = (uint16_t)task->cpu,
		.type = VS_NOTIFIER_ENTER,
		.context = VS_CTX_NOTIFIER,
		.action = task->action,
	};
	w->past[w->nr++] = &w->entry;
}

/* Many events of others may have pushed the get out of the history. */
static void add_get(struct window *w, const struct vs_task *task)
{
	for (size_t i = 0; i < w->nr; i++)
		if (is_own_get(w, i))
			return;
	if (!task || !task->get_seq)
		return;
	w->get = (struct vs_past){
		.time_ns = task->get_ns,
		.seq = task->get_seq,
		.ip = task->get_ip,
		.tid = task->tid,
		.refs = task->get_refs,
		.cpu = (uint16_t)task->get_cpu,
		.type = VS_GET,
		.context = VS_CTX_NOTIFIER,
		.action = task->action,
		.flags = VS_F_REFS,
	};
	w->past[w->nr++] = &w->get;
}

/* Drops the events after the deadlock: they did not lead to it. */
static void cut_after_deadlock(struct window *w)
{
	for (size_t i = 0; i < w->nr; i++)
		if (w->past[i]->type == VS_CHAIN_DEADLOCK && w->past[i]->tid == w->tid)
			w->nr = i + 1;
}

static void collect(struct window *w, const struct vs_group *group,
		    const struct vs_task *task)
{
	size_t i = group->past_nr > MOST ? group->past_nr - MOST : 0;
	const struct vs_past *p;

	for (w->nr = 0; (p = vs_group__past(group, i)); i++)
		if (wanted(w, p))
			w->past[w->nr++] = p;
	add_entry(w, task);
	add_get(w, task);
	sort_by_seq(w);
	cut_after_deadlock(w);
	order_gets(w);
	order_last_put(w);
	add_late_puts(w, group);
}

static void fill_row(struct vs_picture_row *row, const struct window *w,
		     const struct vs_past *p, const struct vs_groups *groups,
		     struct vs_sites *sites, const char *comm)
{
	*row = (struct vs_picture_row){
		.time_ns = p->time_ns,
		.type = p->type,
		.action = p->action,
		.other = p->tid != w->tid,
		.has_refs = p->flags & VS_F_REFS,
		.refs = p->refs,
		.tid = p->tid,
		.cpu = p->cpu,
	};
	memcpy(row->comm, vs_groups__comm(groups, p), VS_COMM_LEN);
	if (p == &w->entry || p == &w->get)
		memcpy(row->comm, comm, VS_COMM_LEN);
	snprintf(row->site, sizeof(row->site), "%s", vs_sites__name(sites, p->ip));
}

static bool is_last_put(const struct window *w, size_t i)
{
	if (w->past[i]->type != VS_PUT)
		return false;
	for (size_t k = i + 1; k < w->nr; k++)
		if (w->past[k]->tid == w->past[i]->tid)
			return w->past[k]->type == VS_RELEASE;
	return false;
}

/* Returns the row where the same task puts what it got at row @i; w->nr if it does something else next. */
static size_t put_of(const struct window *w, size_t i)
{
	size_t k = i + 1;

	while (k < w->nr && w->past[k]->tid != w->past[i]->tid)
		k++;
	return k < w->nr && w->past[k]->type == VS_PUT && !is_last_put(w, k) ? k : w->nr;
}

static void find_pairs(const struct window *w, bool *is_put)
{
	for (size_t i = 0; i < w->nr; i++) {
		size_t put = w->nr;

		if (w->past[i]->type == VS_GET && w->past[i]->tid != w->tid)
			put = put_of(w, i);
		if (put < w->nr)
			is_put[i] = is_put[put] = true;
	}
}

/* Returns the pair count of the row that stands for this task's pairs since the last ordinary row. */
static unsigned int *pairs_of(struct window *w, size_t nr, uint32_t tid)
{
	for (size_t i = nr; i-- && w->pairs[i];)
		if (w->past[i]->tid == tid)
			return &w->pairs[i];
	return NULL;
}

/*
 * A get and put pair of another task leaves the counter as it was: in a long picture such pairs hide
 * the puts that made the difference.
 */
static void fold_pairs(struct window *w)
{
	bool in_pair[MOST + 2] = { false };
	size_t nr = 0;

	if (w->nr <= VS_PICTURE_ROWS)
		return;
	find_pairs(w, in_pair);
	for (size_t i = 0; i < w->nr; i++) {
		const struct vs_past *p = w->past[i];
		unsigned int *pairs = in_pair[i] ? pairs_of(w, nr, p->tid) : NULL;

		if (in_pair[i] && (pairs || p->type == VS_PUT)) {
			if (pairs)
				*pairs += p->type == VS_GET;
			continue;
		}
		w->past[nr] = p;
		w->pairs[nr++] = in_pair[i];
	}
	w->nr = nr;
}

static void count_puts(struct vs_picture *pic, const struct window *w)
{
	for (size_t i = 0; i < w->nr; i++)
		pic->other_puts += w->past[i]->type == VS_PUT && w->past[i]->tid != w->tid;
}

/* Marks up to @left rows of others, from the middle on. Returns how many are still too many. */
static size_t cut_rows(const struct window *w, bool *cut, size_t left, bool what_counts)
{
	for (size_t i = VS_PICTURE_ROWS / 2; i < w->nr && left; i++) {
		const struct vs_past *p = w->past[i];
		bool counts = !w->pairs[i] && (p->type == VS_GET || p->type == VS_PUT);

		if (p->tid == w->tid || cut[i] || (counts && !what_counts))
			continue;
		cut[i] = true;
		left--;
	}
	return left;
}

/* Where there are too many rows, those that changed the count for good are the last to go. */
static void fill_rows(struct vs_finding *f, const struct window *w,
		      const struct vs_groups *groups, struct vs_sites *sites)
{
	struct vs_picture *pic = &f->picture;
	bool cut[MOST + 2] = { false };

	pic->cut = w->nr > VS_PICTURE_ROWS ? w->nr - VS_PICTURE_ROWS : 0;
	cut_rows(w, cut, cut_rows(w, cut, pic->cut, false), true);
	for (size_t i = 0; i < w->nr && pic->nr < VS_PICTURE_ROWS; i++) {
		if (cut[i])
			continue;
		fill_row(&pic->rows[pic->nr], w, w->past[i], groups, sites, f->comm);
		pic->rows[pic->nr].pairs = w->pairs[i];
		pic->rows[pic->nr++].last = is_last_put(w, i);
	}
}

void vs_picture__build(struct vs_finding *f, const struct vs_groups *groups,
		       const struct vs_group *group, const struct vs_task *task,
		       struct vs_sites *sites)
{
	struct window w = { .tid = f->tid, .address = f->group.address };

	memset(&f->picture, 0, sizeof(f->picture));
	w.from_seq = task && task->enter_ns ? task->enter_seq : last_get(group, f->tid);
	if (!w.from_seq)
		return;
	collect(&w, group, task);
	count_puts(&f->picture, &w);
	fold_pairs(&w);
	fill_rows(f, &w, groups, sites);
	f->picture.reordered = w.reordered;
	f->picture.complete = task && task->enter_ns && group->past_cut_seq < w.from_seq;
}

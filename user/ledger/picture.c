// SPDX-License-Identifier: GPL-2.0
#include "ledger/picture.h"

#include <stdio.h>
#include <string.h>

#define MOST 256	/* rows looked at: the newest */

/* What the rows are chosen by. */
struct window {
	uint64_t from_ns;
	uint64_t address;
	uint32_t tid;
	struct vs_past entry;	/* made from the task, if the history has none */
	size_t nr;
	const struct vs_past *past[MOST + 1];
};

/* Stable, and quick on what is nearly in order already. */
static void sort_by_time(struct window *w)
{
	for (size_t i = 1; i < w->nr; i++) {
		const struct vs_past *p = w->past[i];
		size_t k = i;

		for (; k && w->past[k - 1]->time_ns > p->time_ns; k--)
			w->past[k] = w->past[k - 1];
		w->past[k] = p;
	}
}

/* Of one task inside one notifier nothing but these can follow. */
static bool wanted(const struct window *w, const struct vs_past *p)
{
	if (p->time_ns < w->from_ns || (p->address && w->address && p->address != w->address))
		return false;
	return p->type != VS_NOTIFIER_EXIT;
}

/* When the task's entry is not known: its last get inside a notifier. */
static uint64_t last_get(const struct vs_group *group, uint32_t tid)
{
	const struct vs_past *p;
	uint64_t from = 0;

	for (size_t i = 0; (p = vs_group__past(group, i)); i++)
		if (p->tid == tid && p->type == VS_GET && p->context == VS_CTX_NOTIFIER)
			from = p->time_ns;
	return from;
}

static bool is_entry(const struct window *w, const struct vs_past *p)
{
	return p->type == VS_NOTIFIER_ENTER && p->tid == w->tid;
}

/* The entry comes before it is known whether the group exists: it may be in no history. */
static void add_entry(struct window *w, const struct vs_task *task)
{
	for (size_t i = 0; i < w->nr; i++)
		if (is_entry(w, w->past[i]))
			return;
	if (!task || !task->enter_ns)
		return;
	w->entry = (struct vs_past){
		.time_ns = task->enter_ns,
		.ip = task->ip,
		.tid = task->tid,
		.cpu = (uint16_t)task->cpu,
		.type = VS_NOTIFIER_ENTER,
		.context = VS_CTX_NOTIFIER,
		.action = task->action,
	};
	w->past[w->nr++] = &w->entry;
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
	sort_by_time(w);
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
	if (p == &w->entry)
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

static void count_puts(struct vs_picture *pic, const struct window *w)
{
	for (size_t i = 0; i < w->nr; i++)
		pic->other_puts += w->past[i]->type == VS_PUT && w->past[i]->tid != w->tid;
}

static void fill_rows(struct vs_finding *f, const struct window *w,
		      const struct vs_groups *groups, struct vs_sites *sites)
{
	struct vs_picture *pic = &f->picture;
	size_t half = VS_PICTURE_ROWS / 2;

	pic->cut = w->nr > VS_PICTURE_ROWS ? w->nr - VS_PICTURE_ROWS : 0;
	for (size_t i = 0; i < w->nr; i++) {
		if (pic->cut && i >= half && i < half + pic->cut)
			continue;
		fill_row(&pic->rows[pic->nr], w, w->past[i], groups, sites, f->comm);
		pic->rows[pic->nr++].last = is_last_put(w, i);
	}
}

void vs_picture__build(struct vs_finding *f, const struct vs_groups *groups,
		       const struct vs_group *group, const struct vs_task *task,
		       struct vs_sites *sites)
{
	struct window w = { .tid = f->tid, .address = f->group.address };

	memset(&f->picture, 0, sizeof(f->picture));
	w.from_ns = task && task->enter_ns ? task->enter_ns : last_get(group, f->tid);
	if (!w.from_ns)
		return;
	collect(&w, group, task);
	count_puts(&f->picture, &w);
	fill_rows(f, &w, groups, sites);
	f->picture.complete = task && task->enter_ns && group->past_cut_ns < w.from_ns;
}

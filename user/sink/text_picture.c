// SPDX-License-Identifier: GPL-2.0
/*
 * Draws the interleaving as two columns: the events of the deadlocked task, and those of others on the
 * group meanwhile.
 */
#include "sink/text.h"

#include <stdio.h>
#include <string.h>

#include "base/name.h"
#include "base/words.h"

#define TIME 9		/* columns of the time */
#define CELL 512	/* bytes of one cell's text */

/* A cell is a list of phrases; each begins a new line. */
struct cell {
	char text[CELL];
	size_t len;
};

struct picture {
	struct vs_text *t;
	const struct vs_finding *f;
	size_t width;		/* of one column */
	bool one_other;		/* the right column belongs to one task */
	bool write_shown;	/* the wait for itself has a row */
};

static void phrase(struct cell *c, const char *text)
{
	int n = snprintf(c->text + c->len, sizeof(c->text) - c->len, "%s%s",
			 c->len ? "\n" : "", text);

	if (n > 0 && (size_t)n < sizeof(c->text) - c->len)
		c->len += (size_t)n;
}

static void place(struct cell *c, const struct vs_picture_row *r)
{
	const char *plus = strrchr(r->site, '+');
	char site[4 * VS_SITE_LEN + 2] = " ";

	if (!r->site[0] || (plus && !strcmp(plus, "+0x0")))
		return;
	vs_name__escape(site + 1, sizeof(site) - 1, r->site, VS_SITE_LEN);
	phrase(c, site);
}

static void put_words(struct cell *c, const struct vs_picture_row *r)
{
	char buf[80] = "put";

	if (r->last && r->has_refs && r->refs > 1)
		snprintf(buf, sizeof(buf), "put    refs -> 0: the last one (%d was read before)",
			 r->refs);
	else if (r->has_refs)
		snprintf(buf, sizeof(buf), "put    refs %d -> %d%s", r->refs, r->refs - 1,
			 r->last ? ": the last one" : "");
	else if (r->last)
		snprintf(buf, sizeof(buf), "put    the last one");
	phrase(c, buf);
}

static void get_words(struct cell *c, const struct vs_picture_row *r)
{
	char buf[80] = "get";

	if (r->has_refs)
		snprintf(buf, sizeof(buf), "get    refs %d -> %d", r->refs - 1, r->refs);
	phrase(c, buf);
}

static void pairs_words(struct cell *c, const struct vs_picture_row *r)
{
	char buf[80];

	snprintf(buf, sizeof(buf), "... %u get/put pair%s that cancel%s out", r->pairs,
		 r->pairs == 1 ? "" : "s", r->pairs == 1 ? "s" : "");
	phrase(c, buf);
}

static void enter_words(struct cell *c, const struct vs_picture_row *r)
{
	char buf[80];

	snprintf(buf, sizeof(buf), "notifier-enter %s", vs_action__name(r->action));
	phrase(c, buf);
	if (!r->other)
		phrase(c, "holds the chain's rwsem for read");
}

static void row_words(struct picture *p, const struct vs_picture_row *r, struct cell *c)
{
	char task[VS_TASK_LEN + 1];

	c->len = 0;
	c->text[0] = '\0';
	if (r->other && !p->one_other) {
		vs_name__task(task, r->comm, r->tid, p->width - 1);
		phrase(c, strcat(task, ":"));
	}
	if (r->pairs)
		pairs_words(c, r);
	else if (r->type == VS_GET)
		get_words(c, r);
	else if (r->type == VS_PUT)
		put_words(c, r);
	else if (r->type == VS_NOTIFIER_ENTER)
		enter_words(c, r);
	else
		phrase(c, vs_type__name(r->type));
	if (!r->pairs && (r->type == VS_GET || r->type == VS_PUT))
		place(c, r);
}

/* Returns the length that is left if a line that is too long loses the offset of its symbol. */
static size_t without_offset(const char *text, size_t len, size_t width)
{
	const char *plus = memchr(text, '+', len);

	return plus && (size_t)(plus - text) <= width ? (size_t)(plus - text) : width;
}

/* Returns how much of @text fits on one line; *@next is the rest. */
static size_t fit(const char *text, size_t width, const char **next)
{
	size_t len = strcspn(text, "\n"), cut;

	*next = text + len + (text[len] == '\n');
	if (len <= width)
		return len;
	for (cut = width; cut && text[cut] != ' '; cut--)
		;
	if (cut && strspn(text, " ") < cut) {
		*next = text + cut + 1;
		return cut;
	}
	return without_offset(text, len, width);
}

/* Prints the next line of a cell and moves on to the rest of it. */
static void cell_line(struct picture *p, const char **text, bool pad)
{
	const char *line = *text;
	size_t len = fit(line, p->width, text);

	vs_out__add(&p->t->out, line, len);
	if (pad)
		vs_out__fill(&p->t->out, ' ', p->width - len);
}

static void draw_line(struct picture *p, const char *time, const char **left,
		      const char **right)
{
	struct vs_out *o = &p->t->out;

	vs_out__printf(o, "%*s | ", TIME, time);
	cell_line(p, left, true);
	vs_out__puts(o, " |");
	vs_out__fill(o, ' ', **right ? 1 : 0);
	cell_line(p, right, false);
	vs_out__puts(o, "\n");
}

static void draw_row(struct picture *p, const char *time, const struct cell *left,
		     const struct cell *right)
{
	const char *l = left ? left->text : "", *r = right ? right->text : "";

	do {
		draw_line(p, time, &l, &r);
		time = "";
	} while (*l || *r);
}

static void draw_event(struct picture *p, const struct vs_picture_row *r)
{
	uint64_t start = p->f->picture.rows[0].time_ns;
	struct cell c;
	char time[32];

	snprintf(time, sizeof(time), "+%.1f",
		 r->time_ns > start ? (double)(r->time_ns - start) / 1e3 : 0.0);
	row_words(p, r, &c);
	if (r->type == VS_CHAIN_DEADLOCK && !r->other) {
		c.len = 0;
		phrase(&c, p->f->registering ? "registers on the chain:" :
					       "unregisters from the chain:");
		phrase(&c, "wants its rwsem for write: waits for itself");
		p->write_shown = true;
	}
	draw_row(p, time, r->other ? NULL : &c, r->other ? &c : NULL);
}

/* Without the proof we did not see the end of the story, but we know it. */
static void draw_end(struct picture *p)
{
	struct cell c = { .len = 0 };

	if (p->write_shown)
		return;
	phrase(&c, "wants the chain's rwsem for write: waits for itself");
	draw_row(p, "(then)", &c, NULL);
}

static void draw_cut(struct picture *p)
{
	struct cell c = { .len = 0 };
	char buf[64];

	snprintf(buf, sizeof(buf), "... %zu more events ...", p->f->picture.cut);
	phrase(&c, buf);
	draw_row(p, "", &c, NULL);
}

static const struct vs_picture_row *find_other(const struct vs_picture *pic, bool *only)
{
	const struct vs_picture_row *first = NULL;

	*only = true;
	for (size_t i = 0; i < pic->nr; i++) {
		const struct vs_picture_row *r = &pic->rows[i];

		if (!r->other)
			continue;
		if (first && r->tid != first->tid)
			*only = false;
		if (!first)
			first = r;
	}
	return first;
}

static void draw_head(struct picture *p)
{
	const struct vs_picture_row *other = find_other(&p->f->picture, &p->one_other);
	struct cell left = { .len = 0 }, right = { .len = 0 };
	char task[VS_TASK_LEN];

	vs_name__task(task, p->f->comm, p->f->tid, p->width);
	phrase(&left, task);
	if (other && p->one_other)
		vs_name__task(task, other->comm, other->tid, p->width);
	else
		snprintf(task, sizeof(task), "other tasks");
	phrase(&right, task);
	draw_row(p, "us", &left, &right);
	vs_out__fill(&p->t->out, '-', TIME + 1);
	vs_out__puts(&p->t->out, "+");
	vs_out__fill(&p->t->out, '-', p->width + 2);
	vs_out__puts(&p->t->out, "+");
	vs_out__fill(&p->t->out, '-', p->width + 1);
	vs_out__puts(&p->t->out, "\n");
}

static void draw_rows(struct picture *p)
{
	const struct vs_picture *pic = &p->f->picture;

	draw_head(p);
	for (size_t i = 0; i < pic->nr; i++) {
		if (pic->cut && i == VS_PICTURE_ROWS / 2)
			draw_cut(p);
		draw_event(p, &pic->rows[i]);
	}
	draw_end(p);
}

/* Says what the picture cannot show, so that nobody reads it as "there was none". */
static void draw_notes(struct picture *p)
{
	const struct vs_picture *pic = &p->f->picture;
	size_t page = vs_text__page(p->t);

	vs_words__wrap(&p->t->out,
		       "(The count before a put was read just before it; another CPU may change it in between.)",
		       0, 0, page);
	if (pic->reordered)
		vs_words__wrap(&p->t->out,
			       "(A get is timed after it, a put before it: where times contradict the counts, rows are in the order that the counts prove.)",
			       0, 0, page);
	if (!pic->other_puts)
		vs_words__wrap(&p->t->out,
			       "No put by another task is in the history of this group: which put made the task's own reference the last one is not known.",
			       0, 0, page);
	if (!pic->complete)
		vs_words__wrap(&p->t->out,
			       "The beginning is missing: the history of this group does not reach back to the entry of the notifier.",
			       0, 0, page);
}

/* Only the deadlocked task has rows: a list needs no second column. */
static void draw_list(struct picture *p)
{
	const struct vs_picture *pic = &p->f->picture;

	p->width = vs_text__page(p->t) - TIME - 5;
	for (size_t i = 0; i < pic->nr; i++)
		draw_event(p, &pic->rows[i]);
	draw_end(p);
}

void vs_text__picture(struct vs_text *t, const struct vs_finding *f)
{
	struct picture p = { .t = t, .f = f, .width = (vs_text__page(t) - TIME - 6) / 2 };
	bool only;

	vs_out__puts(&t->out, "\nHow it came to this, from the entry of the notifier on:\n\n");
	if (f->picture.nr && find_other(&f->picture, &only))
		draw_rows(&p);
	else
		draw_list(&p);
	vs_out__puts(&t->out, "\n");
	draw_notes(&p);
}

// SPDX-License-Identifier: GPL-2.0
#include "sink/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/name.h"
#include "base/words.h"
#include "event/record.h"
#include "sink/event_words.h"

#define FULL 140	/* from this many columns on a line has the devices of its group */
#define WIDE 100
#define MAX_LINE 1024

/* Columns of the parts of a line, for one width of the terminal. */
struct layout {
	int time, task, what, group, refs, place;
	size_t indent;	/* indent of parts that do not fit on the first line */
};

static const struct layout full = { 11, 20, 19, 36, 13, 31, 0 };
static const struct layout wide = { 10, 15, 14, 8, 10, 0, 31 };
static const struct layout narrow = { 10, 15, 14, 8, 0, 0, 24 };

static const struct layout *layout_of(const struct vs_text *t)
{
	if (!t->width || t->width >= FULL)
		return &full;
	return t->width >= WIDE ? &wide : &narrow;
}

const char *vs_text__color(const struct vs_text *t, enum vs_color color)
{
	static const char *const codes[VS_COLORS] = {
		[VS_PLAIN] = VS_STYLE_OFF,
		[VS_BUG] = "\x1b[1;31m",
		[VS_HAZARD] = "\x1b[33m",
		[VS_INFO] = "\x1b[36m",
		[VS_LOST] = "\x1b[35m",
		[VS_DIM] = "\x1b[2m",
	};

	return t->color ? codes[color] : "";
}

size_t vs_text__page(const struct vs_text *t)
{
	if (!t->width)
		return 100;
	if (t->width < 60)
		return 60;
	return t->width > 132 ? 132 : t->width;
}

double vs_text__seconds(struct vs_text *t, uint64_t time_ns)
{
	if (!t->start_ns)
		t->start_ns = time_ns;
	return (double)(int64_t)(time_ns - t->start_ns) / 1e9;
}

void vs_text__time(struct vs_text *t, uint64_t time_ns)
{
	vs_out__printf(&t->out, "%*.6f ", layout_of(t)->time, vs_text__seconds(t, time_ns));
}

/* A line under construction; it is written when it is full. */
struct line {
	struct vs_out *out;
	char text[MAX_LINE];
	size_t len;
	size_t indent, width;
};

static void put(struct line *l, int pad, const char *text)
{
	size_t room = sizeof(l->text) - l->len;
	int n = snprintf(l->text + l->len, room, "%-*s ", pad, text);

	if (n > 0 && (size_t)n < room)
		l->len += (size_t)n;
}

static void write_line(struct line *l)
{
	while (l->len && l->text[l->len - 1] == ' ')
		l->len--;
	vs_out__add(l->out, l->text, l->len);
	l->len = 0;
}

/* Adds a part, on the next line if it does not fit. */
static void flow(struct line *l, int pad, const char *text)
{
	if (!*text && !pad)
		return;
	if (l->width && l->len + strlen(text) > l->width) {
		write_line(l);
		vs_out__puts(l->out, "\n");
		l->len = (size_t)snprintf(l->text, sizeof(l->text), "%*s", (int)l->indent, "");
	}
	put(l, pad, text);
}

/* The value is unknown if the instruction could not be decoded. */
static void change_words(char *buf, size_t size, const struct vs_event *e)
{
	const char *way = "";
	int len;

	if (e->flags & VS_F_TAKEN)
		way = " (up)";
	else if (e->flags & VS_F_DROPPED)
		way = " (down)";
	len = e->flags & VS_F_REFS ? snprintf(buf, size, "refs %d", e->refs) :
				     snprintf(buf, size, "refs ?");
	snprintf(buf + len, size - (size_t)len, "%s", way);
}

static void refs_words(char *buf, size_t size, const struct vs_event *e)
{
	*buf = '\0';
	if (e->type == VS_CHANGE)
		change_words(buf, size, e);
	else if (!(e->flags & VS_F_REFS))
		return;
	else if (e->type == VS_PUT)
		snprintf(buf, size, "refs %d->%d?", e->refs, e->refs - 1);
	else if (vs_record__is_container(e))
		snprintf(buf, size, "users %d->%d", e->refs,
			 e->refs + (e->type == VS_CONTAINER_USE ? 1 : -1));
	else if (e->type == VS_QUEUE)
		snprintf(buf, size, e->flags & VS_F_LAST_SURE ? "refs %d (last)" : "refs %d?",
			 e->refs);
	else
		snprintf(buf, size, "refs %d", e->refs);
}

static bool is_entry(const char *site)
{
	const char *plus = strrchr(site, '+');

	return !plus || !strcmp(plus, "+0x0");
}

/* The device comes first: a group may have several, each with a count of its own. */
static void registration_place(char *buf, size_t size, const struct vs_view *v)
{
	char device[4 * VS_DEVICE_LEN];

	vs_name__escape(device, sizeof(device), v->device, VS_DEVICE_LEN);
	snprintf(buf, size, "%.60s %.100s", device, v->site);
}

/* Writes the place that fits the type: the device, the call site, the chain or the work. */
static void place_words(char *buf, size_t size, const struct vs_view *v, bool roomy)
{
	bool counts = v->e->type == VS_GET || v->e->type == VS_PUT || v->e->type == VS_CHANGE ||
		      vs_record__is_container(v->e);
	bool is_work = v->e->type == VS_QUEUE || v->e->type == VS_START || v->e->type == VS_END;

	*buf = '\0';
	if (vs_record__is_registration(v->e))
		registration_place(buf, size, v);
	else if (v->device[0])
		vs_name__escape(buf, size, v->device, VS_DEVICE_LEN);
	else if (v->site[0] && (counts || !is_entry(v->site)))
		vs_name__escape(buf, size, v->site, VS_SITE_LEN);
	else if (v->alarm)
		snprintf(buf, size, "chain 0x%llx", (unsigned long long)v->e->ctx_object);
	else if (roomy && is_work && v->e->object)
		snprintf(buf, size, "work 0x%llx", (unsigned long long)v->e->object);
}

static void context_words(char *buf, size_t size, const struct vs_event *e)
{
	const char *action = vs_action__name(e->action);
	bool tell = e->context == VS_CTX_NOTIFIER || e->type == VS_NOTIFIER_ENTER;

	snprintf(buf, size, tell && *action ? "%s %s" : "%s", vs_context__name(e->context),
		 action);
}

static void build_line(struct vs_text *t, struct line *l, const struct vs_view *v)
{
	const struct layout *y = layout_of(t);
	char buf[4 * VS_SITE_LEN], task[VS_TASK_LEN];

	snprintf(buf, sizeof(buf), "%*.6f %2u", y->time, vs_text__seconds(t, v->e->time_ns), v->e->cpu);
	put(l, 0, buf);
	vs_name__task(task, v->e->comm, v->e->tid, y == &full ? 0 : (size_t)y->task);
	put(l, y->task, task);
	put(l, y->what, vs_type__name(v->e->type));
	vs_words__group(buf, sizeof(buf), &v->group, y == &full);
	put(l, y->group, buf);
	refs_words(buf, sizeof(buf), v->e);
	flow(l, y->refs, buf);
	place_words(buf, sizeof(buf), v, y == &full);
	flow(l, y->place, buf);
	context_words(buf, sizeof(buf), v->e);
	flow(l, 0, buf);
	write_line(l);
}

static enum vs_color color_of(const struct vs_event *e)
{
	if (e->type == VS_CHAIN_DEADLOCK)
		return VS_BUG;
	if (e->context == VS_CTX_NOTIFIER && (e->type == VS_PUT || e->type == VS_RELEASE))
		return VS_HAZARD;
	return e->type == VS_NOTIFIER_ENTER || e->type == VS_NOTIFIER_EXIT ? VS_DIM : VS_PLAIN;
}

/* Writes a line that is no event, at its place in the stream. */
static void remark(struct vs_text *t, uint64_t time_ns, enum vs_color color, const char *words)
{
	size_t col = (size_t)layout_of(t)->time + 4;

	vs_text__time(t, time_ns);
	vs_out__style(&t->out, vs_text__color(t, color));
	vs_out__puts(&t->out, "   ");
	vs_words__wrap(&t->out, words, col, col + 2, t->width);
	vs_out__style(&t->out, vs_text__color(t, VS_PLAIN));
}

static bool is_named(const struct vs_text *t, int number)
{
	for (size_t i = 0; i < t->nr_named && i < VS_NAMED_GROUPS; i++)
		if (t->named[i] == number)
			return true;
	return false;
}

/* Names the devices of a group once if lines have no room for them. */
static void name_group(struct vs_text *t, const struct vs_view *v)
{
	const struct vs_group_view *g = &v->group;
	char buf[VS_DEVICES_LEN];

	if (layout_of(t) == &full || g->number < 0 || !g->devices[0] || is_named(t, g->number))
		return;
	t->named[t->nr_named++ % VS_NAMED_GROUPS] = g->number;
	vs_words__group(buf, sizeof(buf), g, true);
	remark(t, v->e->time_ns, VS_INFO, buf);
}

/* Writes the stack below the line, one frame each. */
static void show_stack(struct vs_text *t, const struct vs_view *v)
{
	size_t indent = (size_t)layout_of(t)->time + 4;
	char frame[4 * VS_SITE_LEN];

	for (size_t i = 0; i < v->nr_stack; i++) {
		vs_name__escape(frame, sizeof(frame), v->stack[i], VS_SITE_LEN);
		vs_out__fill(&t->out, ' ', indent);
		vs_out__printf(&t->out, "%s\n", frame);
	}
}

static void text_event(struct vs_sink *s, const struct vs_view *v)
{
	struct vs_text *t = (struct vs_text *)s;
	enum vs_color color = color_of(v->e);
	struct line l = { .out = &t->out, .indent = layout_of(t)->indent, .width = t->width };

	name_group(t, v);
	if (color != VS_PLAIN)
		vs_out__style(&t->out, vs_text__color(t, color));
	build_line(t, &l, v);
	if (color != VS_PLAIN)
		vs_out__style(&t->out, vs_text__color(t, VS_PLAIN));
	vs_out__puts(&t->out, "\n");
	show_stack(t, v);
	vs_out__relax(&t->out);
}

/* Writes the wall clock in UTC, to find the time in other logs. */
static void text_clock(char *buf, size_t size, uint64_t wall_ns)
{
	time_t seconds = (time_t)(wall_ns / 1000000000);
	struct tm utc;

	gmtime_r(&seconds, &utc);
	strftime(buf, size, "%Y-%m-%d %H:%M:%S UTC", &utc);
}

static void text_start(struct vs_sink *s, const struct vs_start *start)
{
	struct vs_text *t = (struct vs_text *)s;
	char when[40];

	t->start_ns = start->mono_ns;
	text_clock(when, sizeof(when), start->wall_ns);
	vs_out__printf(&t->out, "vfioscope %s on %s; 0.000000 is %s\n", start->version,
		       start->kernel, when);
}

static void add_step(char *buf, size_t size, const char *what, uint64_t from, uint64_t to)
{
	size_t len = strlen(buf);
	char took[32];

	if (!to)
		return;
	vs_words__duration(took, sizeof(took), to > from ? to - from : 0);
	if (from)
		snprintf(buf + len, size - len, " -> %s +%s", what, took);
	else
		snprintf(buf + len, size - len, " -> %s", what);
}

static void first_step(char *buf, size_t size, const struct vs_deferred *d,
		       const struct vs_group_view *group)
{
	char name[40];

	vs_words__group(name, sizeof(name), group, false);
	snprintf(buf, size, "deferred put  %s  %s%s%s", name,
		 d->get_ns ? "get in notifier" : "get not seen", d->action ? " " : "",
		 d->action ? vs_action__name(d->action) : "");
}

static void deferred_words(char *buf, size_t size, const struct vs_deferred *d,
			   const struct vs_group_view *group)
{
	first_step(buf, size, d, group);
	add_step(buf, size, "queued", d->get_ns, d->queue_ns);
	add_step(buf, size, "started", d->queue_ns, d->start_ns);
	add_step(buf, size, "put", d->start_ns, d->put_ns);
	add_step(buf, size, "done", d->put_ns ? d->put_ns : d->start_ns, d->end_ns);
	if (d->release_ns)
		strncat(buf, "   last reference: released the group here",
			size - strlen(buf) - 1);
}

static void text_deferred(struct vs_sink *s, const struct vs_deferred *d,
			  const struct vs_group_view *group)
{
	struct vs_text *t = (struct vs_text *)s;
	size_t col = (size_t)layout_of(t)->time + 4;
	char buf[512];

	deferred_words(buf, sizeof(buf), d, group);
	vs_text__time(t, d->end_ns);
	vs_out__puts(&t->out, "   ");
	vs_words__wrap(&t->out, buf, col, col + 2, t->width);
	vs_out__relax(&t->out);
}

static void text_finding(struct vs_sink *s, const struct vs_finding *f)
{
	struct vs_text *t = (struct vs_text *)s;

	vs_text__finding(t, f);
	vs_out__flush(&t->out);
}

void vs_text__loss_words(char *buf, size_t size, unsigned int cause, uint64_t nr, uint64_t within_ns)
{
	const char *hint = vs_loss__hint(cause), *unit = vs_loss__unit(cause);
	size_t plural = nr == 1 ? 1 : 0;
	char within[32] = "";

	if (within_ns)
		vs_words__duration(within, sizeof(within), within_ns);
	snprintf(buf, size, "%llu %.*s%s%s: %s%s%s%s", (unsigned long long)nr,
		 (int)(strlen(unit) - plural), unit, *within ? " within " : "", within,
		 vs_loss__words(cause),
		 *hint ? " (" : "", hint, *hint ? ")" : "");
}

static void text_loss(struct vs_sink *s, const struct vs_loss_row *l)
{
	char buf[256] = "LOST ";

	vs_text__loss_words(buf + 5, sizeof(buf) - 5, l->cause, l->grown,
			    l->since_ns ? l->time_ns - l->since_ns : 0);
	remark((struct vs_text *)s, l->time_ns, VS_LOST, buf);
}

static void text_gap(struct vs_sink *s, const struct vs_gap_row *g)
{
	char line[VS_GAP_LINE];

	vs_words__gap(line, sizeof(line), g);
	remark((struct vs_text *)s, g->to_ns ? g->to_ns : g->from_ns,
	       vs_gap__is_empty(g) ? VS_INFO : VS_LOST, line);
}

static void text_notice(struct vs_sink *s, uint64_t time_ns, const char *words)
{
	remark((struct vs_text *)s, time_ns, VS_INFO, words);
}

static void text_summary(struct vs_sink *s, const struct vs_summary *sum)
{
	vs_text__summary((struct vs_text *)s, sum);
}

static void text_ledger(struct vs_sink *s, const struct vs_refs_report *r)
{
	vs_text__ledger((struct vs_text *)s, r);
}

static void text_waited(struct vs_sink *s, const struct vs_registration_book *b,
			const struct vs_group_view *group, struct vs_sites *sites)
{
	char buf[400];

	(void)group;
	vs_text__wait_words(buf, sizeof(buf), b, sites);
	remark((struct vs_text *)s, b->wait.end_ns, VS_INFO, buf);
}

static int text_flush(struct vs_sink *s)
{
	return vs_out__flush(&((struct vs_text *)s)->out);
}

static bool text_ready(struct vs_sink *s)
{
	return vs_out__ready(&((struct vs_text *)s)->out);
}

static void text_sync(struct vs_sink *s)
{
	vs_out__sync(&((struct vs_text *)s)->out);
}

static void text_free(struct vs_sink *s)
{
	vs_out__fini(&((struct vs_text *)s)->out);
	free(s);
}

static const struct vs_sink_ops text_ops = {
	.start = text_start,
	.event = text_event,
	.deferred = text_deferred,
	.finding = text_finding,
	.loss = text_loss,
	.gap = text_gap,
	.notice = text_notice,
	.summary = text_summary,
	.ledger = text_ledger,
	.waited = text_waited,
	.flush = text_flush,
	.ready = text_ready,
	.sync = text_sync,
	.free = text_free,
};

struct vs_sink *vs_text_sink__new(const struct vs_sink_opts *opts)
{
	struct vs_text *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->base.ops = &text_ops;
	t->base.durable = opts->durable;
	t->base.no_events = opts->no_events;
	t->width = opts->width;
	t->color = opts->color;
	vs_out__init(&t->out, opts->fd);
	return &t->base;
}

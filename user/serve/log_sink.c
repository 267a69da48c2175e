// SPDX-License-Identifier: GPL-2.0
#include "serve/log_sink.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/words.h"
#include "sink/event_words.h"

enum { CRITICAL = 2, WARNING = 4, NOTICE = 5, INFO = 6 };

struct log_sink {
	struct vs_sink base;	/* first */
	struct vs_out out;
	bool priorities;
};

static struct vs_out *begin(struct vs_sink *s, int priority)
{
	struct log_sink *l = (struct log_sink *)s;

	if (l->priorities)
		vs_out__printf(&l->out, "<%d>", priority);
	return &l->out;
}

static void finding(struct vs_sink *s, const struct vs_finding *f)
{
	static const int priorities[VS_GRADES] = {
		[VS_GRADE_INFO] = NOTICE, [VS_GRADE_HAZARD] = WARNING, [VS_GRADE_BUG] = CRITICAL,
	};
	struct vs_out *o = begin(s, priorities[f->grade]);
	char words[600];

	vs_finding__words(f, words, sizeof(words));
	vs_out__printf(o, "%s %s: %s\n", vs_grade__name(f->grade), vs_finding__name(f->kind), words);
	vs_out__flush(o);
}

static void loss(struct vs_sink *s, const struct vs_loss_row *l)
{
	struct vs_out *o = begin(s, WARNING);

	vs_out__printf(o, "lost: %s, %llu %s more, %llu in all\n", vs_loss__name(l->cause),
		       (unsigned long long)l->grown, vs_loss__unit(l->cause), (unsigned long long)l->total);
}

static void gap(struct vs_sink *s, const struct vs_gap_row *g)
{
	struct vs_out *o = begin(s, vs_gap__is_empty(g) ? INFO : WARNING);
	char line[VS_GAP_LINE];

	vs_words__gap(line, sizeof(line), g);
	vs_out__printf(o, "%s\n", line);
}

static void notice(struct vs_sink *s, uint64_t time_ns, const char *words)
{
	(void)time_ns;
	vs_out__printf(begin(s, INFO), "%s\n", words);
}

static void waited(struct vs_sink *s, const struct vs_registration_book *b, const struct vs_group_view *group,
		   struct vs_sites *sites)
{
	char time[32], group_words[80];

	(void)sites;
	vs_words__duration(time, sizeof(time), b->wait.end_ns - b->wait.start_ns);
	vs_words__group(group_words, sizeof(group_words), group, false);
	vs_out__printf(begin(s, INFO), "the unbind of %s (%s) went on after %s\n",
		       b->device[0] ? b->device : "a device", group_words, time);
}

static void start(struct vs_sink *s, const struct vs_start *st)
{
	(void)s;
	(void)st;
}

static void event(struct vs_sink *s, const struct vs_view *v)
{
	(void)s;
	(void)v;
}

static void deferred(struct vs_sink *s, const struct vs_deferred *d, const struct vs_group_view *group)
{
	(void)s;
	(void)d;
	(void)group;
}

static void summary(struct vs_sink *s, const struct vs_summary *sum)
{
	vs_out__printf(begin(s, INFO), "ended: %llu events, %llu lost, %zu findings of grade bug\n",
		       (unsigned long long)sum->events, (unsigned long long)sum->lost, sum->nr_bugs);
}

static int flush(struct vs_sink *s)
{
	return vs_out__flush(&((struct log_sink *)s)->out);
}

static bool ready(struct vs_sink *s)
{
	return vs_out__ready(&((struct log_sink *)s)->out);
}

static void free_sink(struct vs_sink *s)
{
	vs_out__fini(&((struct log_sink *)s)->out);
	free(s);
}

static const struct vs_sink_ops ops = {
	.start = start,
	.event = event,
	.deferred = deferred,
	.finding = finding,
	.loss = loss,
	.gap = gap,
	.notice = notice,
	.summary = summary,
	.waited = waited,
	.flush = flush,
	.ready = ready,
	.free = free_sink,
};

struct vs_sink *vs_log_sink__new(int fd, bool priorities)
{
	struct log_sink *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->base.ops = &ops;
	l->base.no_events = true;
	l->priorities = priorities;
	vs_out__init(&l->out, fd);
	return &l->base;
}

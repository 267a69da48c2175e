// SPDX-License-Identifier: GPL-2.0
/*
 * A report for a bug tracker: the hang, the waiters, the holders, the proof, the versions, and what we
 * did not see.
 */
#include <stdio.h>
#include <string.h>

#include "base/name.h"
#include "base/out.h"
#include "base/version.h"
#include "why/print.h"
#include "why/print_words.h"

#define MOST_STACKS 8	/* of those that wait behind it */

/* In a table a bar would begin a new cell, and "<" HTML. */
static void cell(struct vs_out *o, const char *text)
{
	for (; *text; text++) {
		if (strchr("|<>&`*_\\[]", *text))
			vs_out__add(o, "\\", 1);
		vs_out__add(o, text, 1);
	}
}

static void line(struct vs_out *o, const char *label, const char *text)
{
	vs_out__printf(o, "| %s | ", label);
	cell(o, text);
	vs_out__puts(o, " |\n");
}

static const char *label_of(const struct vs_evidence *e, const struct vs_why_case *c)
{
	enum vs_ev_told told = c->task->logged.told;

	if (e->from_log && told == VS_TOLD_DIED)
		return "died";
	return c->runs || (e->from_log && (told == VS_TOLD_RUNS || told == VS_TOLD_CPU)) ? "runs" : "waits";
}

static void waiter(struct vs_out *o, const struct vs_evidence *e, const struct vs_why_case *c)
{
	char name[VS_TASK_LEN], text[VS_TASK_LEN + VS_SITE_LEN + 120], age[100] = "", times[VS_TIMES_WORDS];

	if (c->task) {
		vs_name__task(name, c->task->comm, c->task->tid, 0);
		snprintf(text, sizeof(text), "%s in %s%s", name, c->place, vs_why_words__since(c, age, sizeof(age)));
		line(o, label_of(e, c), text);
		vs_why_words__times(&c->task->logged, times, sizeof(times));
		if (e->from_log && times[0])
			line(o, "", times);
	}
	if (e->from_log && c->message) {
		vs_why_words__said(c->message, times, sizeof(times));
		line(o, "said", times);
	}
}

/* Who fixes the bug wants all of it: a proof has only what it needs. */
static void stack(struct vs_out *o, const struct vs_ev_task *t)
{
	char name[VS_TASK_LEN];

	if (!t->nr_frames)
		return;
	vs_name__task(name, t->comm, t->tid, 0);
	vs_out__puts(o, "\nStack of ");
	cell(o, name);
	vs_out__puts(o, ":\n\n");
	for (size_t i = 0; i < t->nr_frames; i++) {
		vs_out__puts(o, "    ");
		vs_out__text(o, t->frames[i]);
		vs_out__puts(o, "\n");
	}
}

static void stacks(struct vs_out *o, const struct vs_why_case *c)
{
	if (c->task)
		stack(o, c->task);
	if (c->owner && c->owner != c->task)
		stack(o, c->owner);
	for (size_t i = 0; i < c->nr_victims && i < MOST_STACKS; i++)
		stack(o, c->victims[i].task);
}

static void holders(struct vs_out *o, const struct vs_why_case *c)
{
	char text[VS_HOLDER_WORDS];

	for (size_t i = 0; i < c->nr_holders; i++) {
		const struct vs_why_holder *h = &c->holders[i];

		vs_why_words__holder(h, vs_why_words__is_shared(c, i), text, sizeof(text));
		line(o, "holds", text);
		vs_why_words__origin(h, text, sizeof(text));
		if (text[0] && (i + 1 == c->nr_holders || c->holders[i + 1].tgid != h->tgid))
			line(o, "", text);
	}
}

static void victims(struct vs_out *o, const struct vs_why_case *c)
{
	char name[VS_TASK_LEN], text[VS_TASK_LEN + 200];

	for (size_t i = 0; i < c->nr_victims; i++) {
		const struct vs_why_victim *v = &c->victims[i];

		vs_name__task(name, v->task->comm, v->task->tid, 0);
		snprintf(text, sizeof(text), "%s for the %s%s", name, v->lock, v->likely ? " (likely)" : "");
		line(o, "behind it", text);
	}
}

static void one_case(struct vs_out *o, const struct vs_evidence *e, const struct vs_why_case *c)
{
	char group[16];

	vs_out__printf(o, "\n## %s\n\n", vs_why_verdict__name(c->verdict));
	cell(o, c->says);
	vs_out__puts(o, "\n\n| | |\n|---|---|\n");
	line(o, "confidence", vs_confidence__name(c->confidence));
	line(o, "reboot", c->reboot == VS_REBOOT_YES ? "needed" : c->reboot == VS_REBOOT_NO ? "not needed" :
	     "not known");
	if (c->group >= 0) {
		snprintf(group, sizeof(group), "%d", c->group);
		line(o, "group", group);
	}
	if (c->device[0])
		line(o, "device", c->device);
	if (c->driver[0])
		line(o, "driver", c->driver);
	waiter(o, e, c);
	holders(o, c);
	victims(o, c);
	line(o, "what to do", c->next);
	if (c->nr_proof)
		vs_out__puts(o, "\nProof:\n\n");
	for (size_t i = 0; i < c->nr_proof; i++) {
		vs_out__puts(o, "    ");
		vs_out__text(o, c->proof[i]);
		vs_out__puts(o, "\n");
	}
	stacks(o, c);
}

static void versions(struct vs_out *o, const struct vs_evidence *e)
{
	vs_out__puts(o, "\n## Versions, and what was not seen\n\n");
	vs_out__puts(o, "- vfioscope " VS_VERSION ", kernel ");
	vs_out__text(o, e->release[0] ? e->release : "not named");
	vs_out__puts(o, "\n");
	if (e->from_core)
		vs_out__puts(o, "- Made from a dump of the machine's memory: all is as it was when it was taken.\n");
	if (e->from_log)
		vs_out__puts(o, "- Made from the text of a kernel log alone: holders, counters and whether it still "
			     "hangs are in no log.\n");
	else if (e->has_vfio || e->fix != VS_FIX_UNKNOWN) /* the limits below say that VFIO is not loaded */
		vs_out__printf(o, "- The fix of the notifier deadlock is %s\n", vs_fix__words(e->fix));
	if (e->words[0])
		vs_out__printf(o, "- Not looked at: %s\n", e->words);
	if (e->snapshot.words[0])
		vs_out__printf(o, "- Not looked at: %s\n", e->snapshot.words);
}

int vs_why__print_markdown(int fd, const struct vs_why_report *r)
{
	struct vs_out o;
	int err;

	vs_out__init(&o, fd);
	vs_out__puts(&o, "# VFIO: why it hangs\n");
	for (size_t i = 0; i < r->why->nr_cases; i++)
		one_case(&o, r->evidence, &r->why->cases[i]);
	for (size_t i = 0; i < r->why->nr_notes; i++) {
		if (!i)
			vs_out__puts(&o, "\nThe kernel's log:\n\n");
		vs_out__puts(&o, "    ");
		vs_out__text(&o, r->why->notes[i]);
		vs_out__puts(&o, "\n");
	}
	versions(&o, r->evidence);
	err = vs_out__flush(&o);
	vs_out__fini(&o);
	return err;
}

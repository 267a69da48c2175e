// SPDX-License-Identifier: GPL-2.0
#include "sink/text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/name.h"
#include "base/words.h"
#include "ledger/detect.h"
#include "sink/event_words.h"

#define LABEL 14	/* column where the values begin */

static void rule(struct vs_text *t, char c, const char *title)
{
	size_t page = vs_text__page(t), used = title ? strlen(title) + 6 : 0;

	if (title) {
		vs_out__fill(&t->out, c, 4);
		vs_out__printf(&t->out, " %s ", title);
	}
	vs_out__fill(&t->out, c, page > used ? page - used : 0);
	vs_out__puts(&t->out, "\n");
}

static void field(struct vs_text *t, const char *label, const char *value)
{
	if (!*value)
		return;
	vs_out__printf(&t->out, "  %-*s", LABEL - 2, label);
	vs_words__wrap(&t->out, value, LABEL, LABEL, vs_text__page(t));
}

static void paragraph(struct vs_text *t, const char *text)
{
	vs_words__wrap(&t->out, text, 0, 2, vs_text__page(t));
}

static const char *task_of(const struct vs_finding *f, char buf[VS_TASK_LEN])
{
	vs_name__task(buf, f->comm, f->tid, 0);
	return buf;
}

static const char *group_of(const struct vs_finding *f, char *buf, size_t size)
{
	vs_words__group(buf, size, &f->group, true);
	return buf;
}

/* Prints the stack of the get, for references only. */
static void say_frames(struct vs_text *t, const struct vs_finding *f, size_t indent)
{
	for (const char *at = f->has_ref ? f->stack_text : ""; *at;) {
		size_t len = strcspn(at, "\n");

		vs_out__fill(&t->out, ' ', indent);
		vs_out__printf(&t->out, "%.*s\n", (int)len, at);
		at += len + (at[len] == '\n');
	}
}

static void say_minor(struct vs_text *t, const struct vs_finding *f)
{
	char task[VS_TASK_LEN], group[200], words[400], line[800], grade[16];
	size_t len = 0;

	snprintf(grade, sizeof(grade), "%s", vs_grade__name(f->grade));
	for (char *c = grade; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	vs_finding__words(f, words, sizeof(words));
	group_of(f, group, sizeof(group));
	len = (size_t)snprintf(line, sizeof(line), "%s %s #%llu: %s%s%s: %s", grade,
			       vs_finding__name(f->kind), (unsigned long long)f->number,
			       task_of(f, task), *group ? ", " : "", group, words);
	if (f->last_said && len < sizeof(line))
		snprintf(line + len, sizeof(line) - len, " (later ones%s are only counted)",
			 f->kind == VS_PUT_IN_NOTIFIER ? " at this place" : "");
	vs_text__time(t, f->time_ns);
	vs_out__puts(&t->out, "   ");
	vs_out__style(&t->out, vs_text__color(t, f->grade == VS_GRADE_HAZARD ? VS_HAZARD : VS_INFO));
	len = t->width >= 100 || !t->width ? 15 : 14;
	vs_words__wrap(&t->out, line, len, len + 2, t->width);
	vs_out__style(&t->out, vs_text__color(t, VS_PLAIN));
	say_frames(t, f, len + 2);
}

static void say_verdict(struct vs_text *t, const struct vs_finding *f)
{
	char task[VS_TASK_LEN], buf[400];

	snprintf(buf, sizeof(buf),
		 "%s waits for a lock that it holds itself: this task will never return; %s will pile up behind it; only a reset helps.",
		 task_of(f, task),
		 f->kind == VS_NOTIFIER_DEADLOCK ? "other binds/unbinds in this group" :
						   "whoever calls or changes this chain");
	paragraph(t, buf);
	vs_out__puts(&t->out, "\n");
}

static void say_who(struct vs_text *t, const struct vs_finding *f)
{
	char task[VS_TASK_LEN], buf[400];

	snprintf(buf, sizeof(buf), "%s of process %u, on cpu %u", task_of(f, task), f->tgid,
		 f->cpu);
	field(t, "task", buf);
	field(t, "group", group_of(f, buf, sizeof(buf)));
}

static void say_chain(struct vs_text *t, const struct vs_finding *f)
{
	const char *what = f->kind == VS_NOTIFIER_DEADLOCK ? "notifier chain of the iommu group" :
							     "blocking notifier chain";
	char buf[400], at[32];

	snprintf(at, sizeof(at), " 0x%llx", (unsigned long long)f->chain);
	snprintf(buf, sizeof(buf), "%s%s%s%s", what, f->chain_name[0] ? " " : "", f->chain_name,
		 f->chain ? at : "");
	field(t, "chain", buf);
	snprintf(buf, sizeof(buf), "%s%s%s", f->callback, f->action ? ", for " : "",
		 f->action ? vs_action__name(f->action) : "");
	field(t, "callback", f->callback[0] ? buf : "not known");
	field(t, "called by", f->call_place[0] ? f->call_place : "not known");
	field(t, f->registering ? "register" : "unregister",
	      f->change_place[0] ? f->change_place : "place not known");
}

_Static_assert(VS_PROOF_WAIT_NS == 50000000, "said below");

static const char *proof_words(const struct vs_finding *f)
{
	if (f->proven && f->registering)
		return "seen: it registers on the chain from inside";
	if (f->proven)
		return "seen: it unregisters from the chain from inside";
	if (f->unregister_seen)
		return "iommu_group_unregister_notifier entered inside the notifier; the call into the chain itself was not seen";
	return "vfio_group_release entered inside the notifier; the unregister that must follow was not seen within 50 ms";
}

static void say_delay(struct vs_text *t, const struct vs_finding *f)
{
	char buf[160];

	if (!f->said_ns)
		return;
	snprintf(buf, sizeof(buf), "%.1f ms after %s",
		 f->said_ns > f->time_ns ? (double)(f->said_ns - f->time_ns) / 1e6 : 0.0,
		 f->release_seen ? "vfio_group_release was entered" : "it happened");
	field(t, "said", buf);
}

static void say_stack(struct vs_text *t, const struct vs_finding *f)
{
	char task[VS_TASK_LEN];
	const char *at = f->stack_text;

	if (!*at)
		return;
	if (vs_finding__is_deadlock(f->kind))
		vs_out__printf(&t->out, "\nKernel stack of %s:\n", task_of(f, task));
	else
		vs_out__printf(&t->out, "\nKernel stack of the %s:\n", f->has_ref ? "get" : "put");
	while (*at) {
		size_t len = strcspn(at, "\n");

		vs_out__printf(&t->out, "  %.*s\n", (int)len, at);
		at += len + (at[len] == '\n');
	}
}

static void headline(struct vs_text *t, const struct vs_finding *f)
{
	char title[64];

	snprintf(title, sizeof(title), "BUG %s #%llu", vs_finding__name(f->kind),
		 (unsigned long long)f->number);
	vs_out__style(&t->out, vs_text__color(t, VS_BUG));
	rule(t, '=', title);
	vs_out__style(&t->out, vs_text__color(t, VS_PLAIN));
}

static void say_bug(struct vs_text *t, const struct vs_finding *f)
{
	headline(t, f);
	say_verdict(t, f);
	say_who(t, f);
	say_chain(t, f);
	field(t, "proof", proof_words(f));
	if (f->uncertain)
		field(t, "doubt", "the kernel skipped probes before, and no stack shows it: this may be wrong");
	say_delay(t, f);
	if (f->kind == VS_NOTIFIER_DEADLOCK)
		vs_text__picture(t, f);
	say_stack(t, f);
	rule(t, '=', NULL);
}

/* Prints the error of a reference, and the stack of its get, or of the put. */
static void say_ref_bug(struct vs_text *t, const struct vs_finding *f)
{
	char words[400], buf[400];

	headline(t, f);
	vs_finding__words(f, words, sizeof(words));
	paragraph(t, words);
	vs_out__puts(&t->out, "\n");
	if (f->tid)
		say_who(t, f);
	else
		field(t, "group", group_of(f, buf, sizeof(buf)));
	field(t, f->has_ref ? "taken at" : "at", f->site);
	say_stack(t, f);
	if (f->last_said)
		paragraph(t, "(later ones at this place are only counted)");
	rule(t, '=', NULL);
}

void vs_text__finding(struct vs_text *t, const struct vs_finding *f)
{
	if (vs_finding__is_deadlock(f->kind))
		say_bug(t, f);
	else if (f->grade == VS_GRADE_BUG)
		say_ref_bug(t, f);
	else
		say_minor(t, f);
}

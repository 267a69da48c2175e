// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/name.h"
#include "base/plural.h"
#include "base/words.h"
#include "sink/json.h"
#include "sink/json_out.h"
#include "why/holders.h"
#include "why/print.h"
#include "why/print_words.h"

#define LABEL 10		/* columns of "REBOOT    " */
#define NARROWEST 60
#define VICTIMS_SHOWN 12	/* the JSON has all of them */

/* -- text -- */

struct page {
	struct vs_out out;
	size_t width;
	bool color;
};

/* @width is 0 for a file or a pipe. */
static size_t page_width(unsigned int width)
{
	return !width ? 80 : width < NARROWEST ? NARROWEST : width;
}

__attribute__((format(printf, 3, 4)))
static void row(struct page *p, const char *label, const char *format, ...)
{
	char text[sizeof(((struct vs_why_case *)0)->next)];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	vs_out__printf(&p->out, "%-*s", LABEL, label);
	vs_words__wrap(&p->out, text, LABEL, LABEL, p->width);
}

static const char *title(enum vs_why_verdict verdict)
{
	static const char *const titles[VS_VERDICTS] = {
		[VS_WHY_NOTIFIER_DEADLOCK] = "NOTIFIER DEADLOCK",
		[VS_WHY_CHAIN_DEADLOCK] = "CHAIN DEADLOCK",
		[VS_WHY_DEAD_OWNER] = "DEAD OWNER",
		[VS_WHY_LEAK_SUSPECT] = "LEAK SUSPECT",
		[VS_WHY_CONTAINER_STALL] = "CONTAINER STALL",
		[VS_WHY_IN_USE] = "IN USE",
		[VS_WHY_DEFERRED_LATE] = "DEFERRED PUT IS LATE",
		[VS_WHY_NOT_VFIO] = "NOT VFIO",
		[VS_WHY_UNEXPLAINED] = "UNEXPLAINED",
		[VS_WHY_COLLATERAL] = "COLLATERAL",
		[VS_WHY_CANNOT_START] = "CANNOT START",
		[VS_WHY_NOT_SEEN] = "NOT SEEN",
		[VS_WHY_IDLE] = "IDLE",
		[VS_WHY_NOT_APPLICABLE] = "NOT APPLICABLE",
		[VS_WHY_NOT_SHOWN] = "NOT SHOWN",
	};

	return titles[verdict];
}

static const char *color_of(enum vs_why_verdict verdict)
{
	if (verdict <= VS_WHY_LEAK_SUSPECT)
		return "\033[1;31m";
	return verdict <= VS_WHY_NOT_SEEN || verdict == VS_WHY_NOT_SHOWN ? "\033[1;33m" : "\033[1;32m";
}

/* In a narrow window the rest goes to a line of its own. */
static void say_verdict(struct page *p, const struct vs_why_case *c)
{
	const char *reboot = c->reboot == VS_REBOOT_YES ? "NEEDED" :
			     c->reboot == VS_REBOOT_NO ? "not needed" : "not known";
	const char *confidence = vs_confidence__name(c->confidence);
	size_t len = LABEL + strlen(title(c->verdict)) + strlen("   confidence , reboot ") +
		     strlen(confidence) + strlen(reboot);

	vs_out__printf(&p->out, "%-*s", LABEL, "VERDICT");
	vs_out__style(&p->out, p->color ? color_of(c->verdict) : "");
	vs_out__text(&p->out, title(c->verdict));
	vs_out__style(&p->out, p->color ? VS_STYLE_OFF : "");
	if (len > p->width)
		vs_out__printf(&p->out, "\n%*s", LABEL, "");
	else
		vs_out__puts(&p->out, "   ");
	vs_out__printf(&p->out, "confidence %s, reboot %s\n", confidence, reboot);
}

/* Prints the state of the culprit in the log, and its time. */
static void say_logged(struct page *p, const struct vs_why_case *c)
{
	const struct vs_ev_logged *l = &c->task->logged;
	bool runs = l->told == VS_TOLD_RUNS || l->told == VS_TOLD_CPU;
	char name[VS_TASK_LEN], age[100] = "", times[VS_TIMES_WORDS];

	vs_name__task(name, c->task->comm, c->task->tid, 0);
	row(p, l->told == VS_TOLD_DIED ? "DIED" : runs ? "RUNS" : "WAITS", "%s in %s%s", name, c->place,
	    vs_why_words__since(c, age, sizeof(age)));
	vs_why_words__times(l, times, sizeof(times));
	if (times[0])
		row(p, "", "%s", times);
}

static void say_message(struct page *p, const struct vs_ev_message *m)
{
	char said[VS_TIMES_WORDS];

	vs_why_words__said(m, said, sizeof(said));
	row(p, "SAID", "%s", said);
}

static void say_waiter(struct page *p, const struct vs_evidence *e, const struct vs_why_case *c)
{
	char name[VS_TASK_LEN], age[100] = "", family[160];

	if (!c->task || c->verdict >= VS_WHY_CANNOT_START)
		return;
	if (e->from_log)
		return say_logged(p, c);
	vs_name__task(name, c->task->comm, c->task->tid, 0);
	vs_holders__family(e, c->task->tgid, family, sizeof(family));
	row(p, c->verdict == VS_WHY_DEFERRED_LATE ? "BUSY" : c->runs ? "RUNS" : "WAITS", "%s in %s%s",
	    name, c->place, vs_why_words__since(c, age, sizeof(age)));
	if (family[0] && !c->task->kernel_thread)
		row(p, "", "%s", family);
}

static void say_holder(struct page *p, const struct vs_why_holder *h, bool first, bool shared)
{
	char words[VS_HOLDER_WORDS];

	vs_why_words__holder(h, shared, words, sizeof(words));
	row(p, first ? "HOLDS" : "", "%s", words);
}

/* Prints the origin of the process once, below all that it holds. */
static void say_origin(struct page *p, const struct vs_why_holder *h)
{
	char words[VS_HOLDER_WORDS];

	vs_why_words__origin(h, words, sizeof(words));
	if (words[0])
		row(p, "", "%s", words);
	if (h->family[0])
		row(p, "", "%s", h->family);
}

static void say_victims(struct page *p, const struct vs_why_case *c)
{
	for (size_t i = 0; i < c->nr_victims && i < VICTIMS_SHOWN; i++) {
		const struct vs_why_victim *v = &c->victims[i];
		int indent = v->depth < 12 ? 2 * (int)v->depth - 2 : 22;
		char name[VS_TASK_LEN], age[32] = "", line[480];

		vs_name__task(name, v->task->comm, v->task->tid, 0);
		if (v->task->waited_ns != VS_EV_UNKNOWN)
			vs_words__age(age, sizeof(age), v->task->waited_ns);
		snprintf(line, sizeof(line), "%s%s%s%s%s waits%s%s for the %s%s",
			 v->depth > 1 ? "`- " : "", name,
			 v->task->about[0] ? ", which removes " : "", v->task->about,
			 v->task->about[0] ? "," : "",
			 age[0] ? " " : "", age, v->lock, !v->likely ? "" :
			 v->task->lock_kind == VS_EV_RWSEM ? " (one of its readers)" : ", likely");
		vs_out__printf(&p->out, "%-*s%*s", LABEL, i ? "" : "BEHIND IT", indent, "");
		vs_words__wrap(&p->out, line, (size_t)(LABEL + indent), (size_t)(LABEL + indent + 3),
			       p->width);
	}
	if (c->nr_victims > VICTIMS_SHOWN)
		row(p, "", "and %zu more", c->nr_victims - VICTIMS_SHOWN);
}

static void say_proof(struct page *p, const struct vs_why_case *c)
{
	for (size_t i = 0; i < c->nr_proof; i++) {
		const char *label = i ? "" : "PROOF";

		if (c->proof[i][0] == ' ')
			vs_out__printf(&p->out, "%-*s%s\n", LABEL, label, c->proof[i]);
		else
			row(p, label, "%s", c->proof[i]);
	}
}

/* A program failed with these words: the verdicts below say if it is still so. */
static void say_said(struct page *p, const struct vs_start_said *said)
{
	if (!said)
		return;
	row(p, "SAID", "%s", said->line);
	row(p, "MEANS", "%s", said->means);
	vs_out__puts(&p->out, "\n");
}

/* The task in question is not the culprit: it waits somewhere behind it. */
static void say_asked(struct page *p, const struct vs_ev_task *t)
{
	char name[VS_TASK_LEN];

	if (!t)
		return;
	vs_name__task(name, t->comm, t->tid, 0);
	row(p, "ASKED", "%s%s%s%s is COLLATERAL: it waits for %s%s, behind this:", name,
	    t->about[0] ? ", which removes " : "", t->about, t->about[0] ? "," : "",
	    t->lock_name[0] ? "the " : "a lock", t->lock_name);
	vs_out__puts(&p->out, "\n");
}

static void say_case(struct page *p, const struct vs_evidence *e, const struct vs_why_case *c)
{
	say_verdict(p, c);
	row(p, "", "%s", c->says);
	row(p, "NEXT", "%s", c->next);
	say_waiter(p, e, c);
	if (c->message)
		say_message(p, c->message);
	for (size_t i = 0; i < c->nr_holders; i++) {
		say_holder(p, &c->holders[i], !i, vs_why_words__is_shared(c, i));
		if (i + 1 == c->nr_holders || c->holders[i + 1].tgid != c->holders[i].tgid)
			say_origin(p, &c->holders[i]);
	}
	say_victims(p, c);
	say_proof(p, c);
}

static void say_limits(struct page *p, const struct vs_evidence *e)
{
	if (e->words[0])
		row(p, "LIMITS", "%s", e->words);
	if (vs_evidence__is_partial(e))
		row(p, e->words[0] ? "" : "LIMITS", "%s", e->snapshot.words);
}

/* Prints the number of cases ahead of the first one if there is more than one. */
static void say_count(struct page *p, const struct vs_why *why)
{
	size_t nr[VS_VERDICTS] = {};
	char words[300] = "";

	if (why->nr_cases < 2)
		return;
	for (size_t i = 0; i < why->nr_cases; i++)
		nr[why->cases[i].verdict]++;
	for (int v = 0; v < VS_VERDICTS; v++)
		if (nr[v])
			vs_words__append(words, sizeof(words), "%s%zu %s", words[0] ? ", " : "",
					 nr[v], title(v));
	row(p, "CASES", "%zu: %s, the worst first", why->nr_cases, words);
	vs_out__puts(&p->out, "\n");
}

int vs_why__print_text(int fd, const struct vs_why_report *r)
{
	struct page p = { .width = page_width(r->width), .color = r->color };
	const struct vs_snapshot *s = &r->evidence->snapshot;
	char took[32];
	int err;

	vs_out__init(&p.out, fd);
	say_said(&p, r->evidence->said);
	say_count(&p, r->why);
	say_asked(&p, r->why->asked);
	for (size_t i = 0; i < r->why->nr_cases; i++) {
		if (i)
			vs_out__puts(&p.out, "\n");
		say_case(&p, r->evidence, &r->why->cases[i]);
	}
	for (size_t i = 0; i < r->why->nr_notes; i++)
		row(&p, i ? "" : "LOG", "%s", r->why->notes[i]);
	say_limits(&p, r->evidence);
	vs_words__duration(took, sizeof(took), r->evidence->took_ns);
	if (r->evidence->from_log)
		row(&p, "LOOKED AT", "a log only: %llu lines, %u report%s of tasks, in %s; kernel %s. Holders, "
		    "counters and whether it still hangs are in no log.",
		    (unsigned long long)r->evidence->log_lines, r->evidence->nr_seen,
		    vs_plural(r->evidence->nr_seen), took,
		    r->evidence->release[0] ? r->evidence->release : "not named");
	else if (!r->evidence->nr_seen)
		row(&p, "LOOKED AT", "sysfs only; kernel %s", r->evidence->release);
	else
		row(&p, "LOOKED AT", "%s%u task%s, %zu group%s, %zu device%s in %s; kernel %s%s",
		    r->evidence->from_core ? "a dump: " : "", r->evidence->nr_seen, vs_plural(r->evidence->nr_seen), s->nr_groups,
		    vs_plural(s->nr_groups), s->nr_devices, vs_plural(s->nr_devices), took,
		    r->evidence->release, r->evidence->from_core ? ". All is as it was when it was taken." : "");
	err = vs_out__flush(&p.out);
	vs_out__fini(&p.out);
	return err;
}

/* -- JSON -- */

static json_t *time_json(uint64_t ns)
{
	return ns == VS_EV_UNKNOWN ? json_null() : json_integer((jint)ns);
}

static json_t *logged_json(const struct vs_ev_logged *l)
{
	static const char *const told[] = { "", "hung", "state", "stack", "dump", "bare", "runs", "cpu",
		"died", "warned", "possible" };
	json_t *o = json_object();

	set(o, "told", json_string(told[l->told <= VS_TOLD_POSSIBLE ? l->told : 0]));
	set_int(o, "reports", l->reports);
	set(o, "first_ns", time_json(l->first_ns));
	set(o, "last_ns", time_json(l->last_ns));
	set(o, "when", string_or_null(l->when));
	set(o, "owner", l->owner ? json_integer(l->owner) : json_null());
	return o;
}

static json_t *message_json(const struct vs_ev_message *m)
{
	static const char *const kinds[VS_MSG_KINDS] = { "requested", "no-channel", "blocked",
		"iommufd-timeout", "no-hotplug", "device-gone", "link-down", "iommu-timeout", "rebound", "panic",
		"driver-busy" };
	json_t *o;

	if (!m)
		return json_null();
	o = json_object();
	set(o, "kind", json_string(m->kind < VS_MSG_KINDS ? kinds[m->kind] : ""));
	set(o, "device", string_or_null(m->device));
	set_int(o, "rounds", m->rounds);
	set_int(o, "nr", m->nr);
	set(o, "first_ns", time_json(m->first_ns));
	set(o, "last_ns", time_json(m->last_ns));
	set(o, "when", string_or_null(m->when));
	return o;
}

static json_t *task_json(const struct vs_ev_task *t)
{
	json_t *o, *frames;

	if (!t)
		return json_null();
	o = json_object();
	frames = json_array();
	set(o, "comm", text(t->comm, VS_COMM_LEN));
	set_int(o, "tid", t->tid);
	set_int(o, "pid", t->tgid);
	set(o, "state", text(&t->state, 1));
	set(o, "waited_ns", time_json(t->waited_ns));
	set(o, "age_ns", time_json(t->age_ns));
	set(o, "removes", string_or_null(t->about));
	for (size_t i = 0; i < t->nr_frames; i++)
		json_array_append_new(frames, text(t->frames[i], VS_SITE_LEN));
	set(o, "stack", frames);
	set(o, "logged", t->logged.told ? logged_json(&t->logged) : json_null());
	return o;
}

json_t *vs_why__holder_json(const struct vs_why_holder *h)
{
	static const char *const kinds[VS_SNAP_FILE_KINDS] = { "group", "device", "container",
		"cdev", "iommufd", "kvm" };
	static const char *const hows[] = { "fd", "map", "mm", "socket", "ring", "release",
		"call", "arguments" };
	json_t *o = json_object();

	set(o, "how", json_string(hows[h->how]));
	set(o, "file", h->how == VS_HOLD_MAP || h->how == VS_HOLD_MM ?
	    json_null() : json_string(kinds[h->kind]));
	set(o, "pid", h->tgid ? json_integer(h->tgid) : json_null());
	set(o, "comm", string_or_null(h->comm));
	set(o, "tid", h->tid ? json_integer(h->tid) : json_null());
	set(o, "fd", h->fd >= 0 ? json_integer(h->fd) : json_null());
	set(o, "path", string_or_null(h->path));
	set(o, "bytes", h->bytes ? json_integer((jint)h->bytes) : json_null());
	set(o, "likely", json_boolean(h->likely));
	set(o, "vm", string_or_null(h->vm));
	set(o, "pod", string_or_null(h->pod));
	set(o, "pod_name", string_or_null(h->pod_name));
	set(o, "container_name", string_or_null(h->container_name));
	set(o, "unit", string_or_null(h->unit));
	set(o, "container", string_or_null(h->container));
	set(o, "family", string_or_null(h->family));
	return o;
}

static json_t *victim_json(const struct vs_why_victim *v)
{
	json_t *o = task_json(v->task);

	set(o, "verdict", json_string(vs_why_verdict__name(VS_WHY_COLLATERAL)));
	set_int(o, "depth", v->depth);
	set(o, "lock", string_or_null(v->lock));
	set(o, "likely", json_boolean(v->likely));
	return o;
}

static void set_lists(json_t *o, const struct vs_why_case *c)
{
	json_t *holders = json_array(), *victims = json_array(), *proof = json_array();

	for (size_t i = 0; i < c->nr_holders; i++)
		json_array_append_new(holders, vs_why__holder_json(&c->holders[i]));
	for (size_t i = 0; i < c->nr_victims; i++)
		json_array_append_new(victims, victim_json(&c->victims[i]));
	for (size_t i = 0; i < c->nr_proof; i++)
		json_array_append_new(proof, text(c->proof[i], VS_WHY_PROOF_LEN));
	set(o, "holders", holders);
	set(o, "victims", victims);
	set(o, "proof", proof);
}

static json_t *start_json(const struct vs_start_report *s)
{
	json_t *rows = json_array();

	for (size_t i = 0; s && i < s->nr; i++) {
		json_t *o = json_object();

		set(o, "kind", json_string(vs_start_kind__name(s->rows[i].kind)));
		set(o, "blocks", json_boolean(s->rows[i].blocks));
		set(o, "says", text(s->rows[i].says, sizeof(s->rows[i].says)));
		set(o, "next", text(s->rows[i].next, sizeof(s->rows[i].next)));
		json_array_append_new(rows, o);
	}
	return rows;
}

static json_t *said_json(const struct vs_start_said *said)
{
	json_t *o;

	if (!said)
		return json_null();
	o = json_object();
	set(o, "line", text(said->line, sizeof(said->line)));
	set(o, "kind", said->kind < VS_START_KINDS ? json_string(vs_start_kind__name(said->kind)) : json_null());
	set(o, "means", json_string(said->means));
	return o;
}

static json_t *case_json(const struct vs_why_case *c)
{
	json_t *o = json_object();

	set(o, "verdict", json_string(vs_why_verdict__name(c->verdict)));
	set(o, "confidence", json_string(vs_confidence__name(c->confidence)));
	set(o, "reboot", c->reboot == VS_REBOOT_UNKNOWN ? json_null() :
	    json_boolean(c->reboot == VS_REBOOT_YES));
	set(o, "group", c->group < 0 ? json_null() : json_integer(c->group));
	set(o, "device", string_or_null(c->device));
	set(o, "driver", string_or_null(c->driver));
	set(o, "since_ns", time_json(c->since_ns));
	set(o, "at_most_ns", time_json(c->at_most_ns));
	set(o, "says", text(c->says, sizeof(c->says)));
	set(o, "next", text(c->next, sizeof(c->next)));
	set(o, "place", string_or_null(c->place));
	set(o, "cycle", json_boolean(c->cycle));
	set(o, "way", string_or_null(c->way));
	set(o, "runs", json_boolean(c->runs));
	set(o, "task", task_json(c->task));
	set(o, "owner", task_json(c->owner));
	set(o, "message", message_json(c->message));
	set(o, "start", start_json(c->start));
	set_lists(o, c);
	return o;
}

static void set_limits(json_t *o, const struct vs_evidence *e)
{
	json_t *limits = json_array();

	if (e->words[0])
		json_array_append_new(limits, text(e->words, sizeof(e->words)));
	if (e->snapshot.words[0])
		json_array_append_new(limits, text(e->snapshot.words, sizeof(e->snapshot.words)));
	set(o, "limits", limits);
}

static json_t *notes_json(const struct vs_why *why)
{
	json_t *notes = json_array();

	for (size_t i = 0; i < why->nr_notes; i++)
		json_array_append_new(notes, text(why->notes[i], VS_WHY_PROOF_LEN));
	return notes;
}

int vs_why__print_json(int fd, const struct vs_why_report *r)
{
	json_t *o = record("why"), *cases = json_array();
	struct vs_out out;
	int err;

	for (size_t i = 0; i < r->why->nr_cases; i++)
		json_array_append_new(cases, case_json(&r->why->cases[i]));
	set(o, "kernel", text(r->evidence->release, sizeof(r->evidence->release)));
	set_int(o, "tasks", r->evidence->nr_seen);
	set_int(o, "took_ns", r->evidence->took_ns);
	set(o, "has_notifier", json_boolean(r->evidence->has_notifier));
	set(o, "source", json_string(r->evidence->from_log ? "log" : r->evidence->from_core ? "core" : "host"));
	set(o, "fix", json_string(vs_fix__name(r->evidence->fix)));
	set_limits(o, r->evidence);
	set(o, "asked", task_json(r->why->asked));
	set(o, "said", said_json(r->evidence->said));
	set(o, "cases", cases);
	set(o, "log", notes_json(r->why));
	set_int(o, "exit_status", (unsigned int)r->exit_status);
	vs_out__init(&out, fd);
	vs_json_out__put(&out, o, JSON_COMPACT);
	err = vs_out__flush(&out);
	vs_out__fini(&out);
	return err;
}

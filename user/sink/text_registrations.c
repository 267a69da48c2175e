// SPDX-License-Identifier: GPL-2.0
/* Prints the holders that keep the devices of a group registered, and the unbind that waits for them. */
#include <stdio.h>
#include <string.h>

#include "base/name.h"
#include "base/plural.h"
#include "base/words.h"
#include "sink/text.h"

#define INDENT 2
#define BELOW 4

static void line(struct vs_text *t, enum vs_color color, size_t indent, const char *words)
{
	if (color != VS_PLAIN)
		vs_out__style(&t->out, vs_text__color(t, color));
	vs_out__fill(&t->out, ' ', indent);
	vs_words__wrap(&t->out, words, indent, indent + 2, vs_text__page(t));
	if (color != VS_PLAIN)
		vs_out__style(&t->out, vs_text__color(t, VS_PLAIN));
}

static void append_age(char *buf, size_t size, uint64_t from_ns, uint64_t to_ns)
{
	char age[32];

	vs_words__age(age, sizeof(age), to_ns > from_ns ? to_ns - from_ns : 0);
	vs_words__append(buf, size, "%s", age);
}

/* -- one reference -- */

static void append_task(char *buf, size_t size, const char *comm, uint32_t tid)
{
	char task[VS_TASK_LEN];

	vs_name__task(task, comm, tid, 0);
	vs_words__append(buf, size, "%s", task);
}

static const char *driver_of(const struct vs_snapshot *s, uint64_t device)
{
	for (size_t i = 0; i < s->nr_devices; i++)
		if (s->devices[i].address == device && s->devices[i].driver[0])
			return s->devices[i].driver;
	return "its driver";
}

static void append_file(char *buf, size_t size, const struct vs_registration *ref, bool hidden)
{
	vs_words__append(buf, size, "open file of the device: ");
	if (ref->tgid)
		append_task(buf, size, ref->comm, ref->tgid);
	else
		vs_words__append(buf, size, hidden ? "who has it is out of sight (another PID "
				 "namespace)" : "no process has it");
	if (ref->fd >= 0)
		vs_words__append(buf, size, " fd %d", ref->fd);
	else if (ref->file && (ref->tgid || !hidden))
		vs_words__append(buf, size, ", without a descriptor");
}

static void append_holder(char *buf, size_t size, const struct vs_refs_report *r,
			  const struct vs_registration_book *b, const struct vs_registration *ref)
{
	switch (ref->class) {
	case VS_REGISTRATION_DRIVER:
		vs_words__append(buf, size, "%s, bound to it", driver_of(r->snapshot, b->address));
		break;
	case VS_REGISTRATION_FILE:
		append_file(buf, size, ref, r->snapshot->hidden_tasks);
		break;
	default:
		vs_words__append(buf, size, "%s of ", vs_registration_class__name(ref->class));
		append_task(buf, size, ref->comm, ref->tid);
		break;
	}
}

static void append_since(char *buf, size_t size, const struct vs_refs_report *r,
			 const struct vs_registration *ref)
{
	if (ref->found) {
		vs_words__append(buf, size, r->traced ? ", since before tracing began" : "");
		return;
	}
	vs_words__append(buf, size, ", for ");
	append_age(buf, size, ref->get_ns, r->time_ns);
	if (ref->class != VS_REGISTRATION_DRIVER)
		vs_words__append(buf, size, ", at %s", vs_sites__name(r->sites, ref->place));
}

static void say_reference(struct vs_text *t, const struct vs_refs_report *r,
			  const struct vs_registration_book *b, const struct vs_registration *ref)
{
	char buf[512] = "by ";

	append_holder(buf, sizeof(buf), r, b, ref);
	append_since(buf, sizeof(buf), r, ref);
	line(t, VS_PLAIN, BELOW, buf);
}

/* -- one device -- */

static void say_wait(struct vs_text *t, const struct vs_refs_report *r,
		     const struct vs_registration_book *b)
{
	char buf[400] = "UNBIND WAITS until these are gone: ";

	if (!vs_registration_book__waits(b))
		return;
	if (b->wait.tid) {
		append_task(buf, sizeof(buf), b->wait.comm, b->wait.tid);
		vs_words__append(buf, sizeof(buf), " in vfio_unregister_group_dev for ");
		append_age(buf, sizeof(buf), b->wait.start_ns, r->time_ns);
	} else {
		vs_words__append(buf, sizeof(buf), "%svfioscope why names the task",
				 r->traced ? "since before tracing began; " : "");
	}
	line(t, VS_HAZARD, BELOW, buf);
}

static void say_head(struct vs_text *t, const struct vs_registration_book *b)
{
	size_t nr = b->nr + b->unknown;
	char buf[300] = "";

	vs_words__append(buf, sizeof(buf), "device %s is kept registered by %zu reference%s",
			 b->device[0] ? b->device : "not known", nr, vs_plural(nr));
	if (b->differs)
		vs_words__append(buf, sizeof(buf), "; the kernel counts %d: THIS DIFFERS",
				 b->kernel_refs);
	line(t, b->differs ? VS_BUG : VS_PLAIN, INDENT, buf);
}

static void say_device(struct vs_text *t, const struct vs_refs_report *r,
		       const struct vs_registration_book *b)
{
	char buf[120] = "";

	say_head(t, b);
	for (const struct vs_registration *ref = b->newest; ref; ref = ref->older)
		say_reference(t, r, b, ref);
	if (b->unknown)
		vs_words__append(buf, sizeof(buf), "%llu by nobody that can be seen",
				 (unsigned long long)b->unknown);
	if (*buf)
		line(t, VS_HAZARD, BELOW, buf);
	say_wait(t, r, b);
}

/* The references of the group show already that a driver has its device. */
static bool is_worth_it(const struct vs_registration_book *b)
{
	return b->nr + b->unknown > 1 || b->waiting || b->differs;
}

void vs_text__registrations(struct vs_text *t, const struct vs_refs_report *r,
			    const struct vs_group_view *g)
{
	const struct vs_registration_book *b = NULL;

	while (r->registrations && (b = vs_registrations__next(r->registrations, b)))
		if (vs_refs_report__is_of(b, g) && is_worth_it(b))
			say_device(t, r, b);
}

void vs_text__registration_totals(struct vs_text *t, const struct vs_refs_report *r)
{
	struct vs_registrations_totals n;
	char buf[400] = "";

	if (!r->registrations)
		return;
	vs_registrations__totals(r->registrations, &n);
	vs_words__append(buf, sizeof(buf),
			 "devices     %zu, kept registered by %zu reference%s; seen: %llu get%s, %llu put%s",
			 n.devices, n.live, vs_plural(n.live), (unsigned long long)n.gets,
			 vs_plural(n.gets), (unsigned long long)n.puts, vs_plural(n.puts));
	if (n.before)
		vs_words__append(buf, sizeof(buf), ", %llu of them of references from before",
				 (unsigned long long)n.before);
	vs_words__append(buf, sizeof(buf), "; unattributed %llu; unbinds that had to wait %llu",
			 (unsigned long long)n.unattributed, (unsigned long long)n.waits);
	line(t, VS_PLAIN, 0, buf);
}

/* -- the end of a wait -- */

void vs_text__wait_words(char *buf, size_t size, const struct vs_registration_book *b,
			 struct vs_sites *sites)
{
	const struct vs_unregister *w = &b->wait;

	*buf = '\0';
	vs_words__append(buf, size, "unbind of %s by ", b->device);
	append_task(buf, size, w->comm, w->tid);
	vs_words__append(buf, size, " waited ");
	append_age(buf, size, w->start_ns, w->done_ns);
	vs_words__append(buf, size, " for %d reference%s; ", w->refs, vs_plural(w->refs));
	append_task(buf, size, w->last_comm, w->last_tid);
	vs_words__append(buf, size, " dropped the last one, at %s",
			 vs_sites__name(sites, w->last_place));
}

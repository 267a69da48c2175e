// SPDX-License-Identifier: GPL-2.0
/* Prints the holders of each group. */
#include <stdio.h>
#include <string.h>

#include "base/name.h"
#include "base/plural.h"
#include "base/words.h"
#include "sink/event_words.h"
#include "sink/text.h"

#define INDENT 2
#define BELOW 6		/* indent of the details of the reference above */

typedef unsigned long long ull;

static void line(struct vs_text *t, size_t indent, const char *words)
{
	vs_out__fill(&t->out, ' ', indent);
	vs_words__wrap(&t->out, words, indent, indent + 2, vs_text__page(t));
}

static void colored(struct vs_text *t, enum vs_suspicion suspicion, size_t indent,
		    const char *words)
{
	enum vs_color color = suspicion >= VS_SUSPECT_LEAK ? VS_BUG : VS_HAZARD;

	if (suspicion != VS_FINE)
		vs_out__style(&t->out, vs_text__color(t, color));
	line(t, indent, words);
	if (suspicion != VS_FINE)
		vs_out__style(&t->out, vs_text__color(t, VS_PLAIN));
}

/* -- one reference -- */

static void append_user(char *buf, size_t size, const struct vs_refs_report_user *u)
{
	char task[VS_TASK_LEN];

	if (!u->tgid)
		snprintf(task, sizeof(task), "%s", u->hidden ? "out of sight (another PID namespace)" :
			 "no process (kernel user of the memory)");
	else
		vs_name__task(task, u->comm, u->tgid, 0);
	if (u->fd >= 0)
		vs_words__append(buf, size, "%s fd %d", task, u->fd);
	else
		vs_words__append(buf, size, "%s mmap 0x%llx-0x%llx", task, (ull)u->start, (ull)u->end);
}

static void append_users(char *buf, size_t size, const struct vs_refs_report_users *users)
{
	for (size_t i = 0; i < users->nr; i++) {
		if (i)
			vs_words__append(buf, size, ", ");
		append_user(buf, size, &users->named[i]);
	}
	if (users->more)
		vs_words__append(buf, size, " and %zu more", users->more);
}

static void append_task(char *buf, size_t size, const char *what, const struct vs_ref *ref)
{
	char task[VS_TASK_LEN];

	if (!ref->tid)
		return;
	vs_name__task(task, ref->comm, ref->tid, 0);
	vs_words__append(buf, size, "%s%s", what, task);
}

static void append_file(char *buf, size_t size, const struct vs_refs_report *r,
			const struct vs_refs_report_row *row, int number)
{
	if (row->users.nr)
		append_users(buf, size, &row->users);
	else if (r->snapshot->scope.fds)
		vs_words__append(buf, size, "an open file that no process has a descriptor of");
	else
		vs_words__append(buf, size, "an open file");
	vs_words__append(buf, size, " /dev/vfio/%d", number);
	if (!row->users.nr)
		append_task(buf, size, ", opened by ", row->ref);
}

static void append_external(char *buf, size_t size, const struct vs_refs_report *r,
			    const struct vs_refs_report_row *row)
{
	bool kvm = row->users.nr > 0;

	vs_words__append(buf, size, kvm ? "external user, KVM's vfio device: " : "external user: ");
	if (kvm)
		append_users(buf, size, &row->users);
	else
		append_task(buf, size, "", row->ref);
	if (row->caller)
		vs_words__append(buf, size, " in %s", vs_sites__name(r->sites, row->caller));
}

static void append_holder(char *buf, size_t size, const struct vs_refs_report *r,
			  const struct vs_refs_report_row *row, int number)
{
	const struct vs_ref *ref = row->ref;

	switch (ref->class) {
	case VS_REF_DEVICE:
		vs_words__append(buf, size, "device %s", ref->device[0] ? ref->device : "not known");
		if (row->driver[0])
			vs_words__append(buf, size, " (%s)", row->driver);
		break;
	case VS_REF_FILE:
		append_file(buf, size, r, row, number);
		break;
	case VS_REF_DEFERRED:
		vs_words__append(buf, size, "deferred put, work 0x%llx", (ull)ref->object);
		append_task(buf, size, " queued by ", ref);
		break;
	case VS_REF_EXTERNAL:
		append_external(buf, size, r, row);
		break;
	default:
		append_task(buf, size, ref->class == VS_REF_NOTIFIER ? "notifier of " : "", ref);
		break;
	}
}

static void append_age(char *buf, size_t size, const struct vs_refs_report *r,
		       const struct vs_refs_report_row *row)
{
	const struct vs_ref *ref = row->ref;
	char age[32];

	if (!vs_ref__knows_get(ref)) {
		vs_words__append(buf, size, r->traced ? ", since before tracing began" : "");
		return;
	}
	vs_words__age(age, sizeof(age), r->time_ns > ref->get_ns ? r->time_ns - ref->get_ns : 0);
	vs_words__append(buf, size, ", for %s, %s%s", age, row->place ? "at " : "born with the group",
	       vs_sites__name(r->sites, row->place));
}

static void say_stack(struct vs_text *t, const struct vs_refs_report *r, const struct vs_ref *ref)
{
	char buf[VS_SHORT_STACK_LEN * (VS_SITE_LEN + 4)] = "";
	size_t nr;
	const __u64 *frames = vs_stacks__frames(r->stacks, ref->stack, &nr);

	for (size_t i = 0; i < nr; i++)
		vs_words__append(buf, sizeof(buf), "%s%s", i ? " < " : "",
		       vs_sites__name(r->sites, frames[i]));
	if (nr)
		line(t, BELOW, buf);
	else if (ref->get_ip)
		line(t, BELOW, vs_sites__name(r->sites, ref->get_ip));
}

/* "2/3 ", "2-4/9 " */
static void append_place(char *buf, size_t size, const struct vs_refs_report_row *row, size_t of)
{
	if (row->nr > 1)
		vs_words__append(buf, size, "%zu-%zu/%zu by ", row->first, row->first + row->nr - 1, of);
	else
		vs_words__append(buf, size, "%zu/%zu by ", row->first, of);
}

static void say_open(struct vs_text *t, const struct vs_refs_report_row *row)
{
	char buf[1024] = "in use: ";

	if (row->ref->class != VS_REF_DEVICE || !row->users.nr)
		return;
	append_users(buf, sizeof(buf), &row->users);
	line(t, BELOW, buf);
}

static void say_row(struct vs_text *t, const struct vs_refs_report *r, const struct vs_refs_report_row *row,
		    const struct vs_refs_report_group *g)
{
	char buf[1024] = "";

	append_place(buf, sizeof(buf), row, g->nr_refs);
	if (!row->ref) {
		vs_words__append(buf, sizeof(buf),
		       "nobody that can be seen: no device, open file or KVM accounts for %s",
		       row->nr > 1 ? "them" : "it");
		colored(t, row->suspicion, INDENT, buf);
		return;
	}
	append_holder(buf, sizeof(buf), r, row, g->view.number);
	append_age(buf, sizeof(buf), r, row);
	if (row->suspicion == VS_SUSPECT_LEAK)
		vs_words__append(buf, sizeof(buf), " - LEAKED, see the finding");
	else if (row->suspicion == VS_SUSPECT_OLD)
		vs_words__append(buf, sizeof(buf), " - older than --older");
	colored(t, row->suspicion, INDENT, buf);
	say_open(t, row);
	if (row->suspicion != VS_FINE || r->all_stacks)
		say_stack(t, r, row->ref);
}

/* -- one group -- */

static void append_kernel(char *buf, size_t size, const struct vs_book *b)
{
	if (b->kernel_refs == VS_SNAP_UNKNOWN)
		vs_words__append(buf, size, "; the kernel's counter cannot be read");
	else if (b->differs)
		vs_words__append(buf, size, "; the kernel counts %d: THIS DIFFERS", b->kernel_refs);
}

static void append_exact(char *buf, size_t size, const struct vs_ref_exact *x)
{
	vs_words__append(buf, size, "watchpoints: %llu change%s = %llu get%s + %llu put%s, %llu difference%s",
	       (ull)x->changes, vs_plural(x->changes), (ull)x->gets, vs_plural(x->gets),
	       (ull)x->puts, vs_plural(x->puts), (ull)x->differences,
	       vs_plural(x->differences));
}

static void say_group_head(struct vs_text *t, const struct vs_refs_report_group *g)
{
	char buf[640];

	vs_words__group(buf, 200, &g->view, true);
	if (!g->book) {
		vs_words__append(buf, sizeof(buf), ": its references cannot be read");
	} else {
		vs_words__append(buf, sizeof(buf), " has %zu reference%s", g->nr_refs,
		       vs_plural(g->nr_refs));
		append_kernel(buf, sizeof(buf), g->book);
		if (g->book->released)
			vs_words__append(buf, sizeof(buf), "; RELEASED");
	}
	colored(t, g->suspicion, 0, buf);
}

static void say_group_open(struct vs_text *t, const struct vs_refs_report_group *g)
{
	char buf[1024];

	if (!g->open.nr)
		return;
	snprintf(buf, sizeof(buf), "/dev/vfio/%d is open, which is no reference on this kernel: ",
		 g->view.number);
	append_users(buf, sizeof(buf), &g->open);
	line(t, INDENT, buf);
}

static void say_container(struct vs_text *t, const struct vs_refs_report_group *g)
{
	char buf[1024] = "";

	if (!g->now || !g->now->container)
		return;
	vs_words__append(buf, sizeof(buf), "in a container with %d user%s", g->now->container_users,
			 vs_plural(g->now->container_users));
	if (g->container.nr)
		vs_words__append(buf, sizeof(buf), ", open in ");
	append_users(buf, sizeof(buf), &g->container);
	line(t, INDENT, buf);
}

static void say_group(struct vs_text *t, const struct vs_refs_report *r,
		      const struct vs_refs_report_group *g)
{
	char buf[256] = "";

	say_group_head(t, g);
	for (size_t i = 0; i < g->nr_rows; i++)
		say_row(t, r, &g->rows[i], g);
	say_group_open(t, g);
	say_container(t, g);
	vs_text__registrations(t, r, &g->view);
	if (!g->book || !g->book->exact.since_ns)
		return;
	append_exact(buf, sizeof(buf), &g->book->exact);
	colored(t, g->book->exact.differences ? VS_SUSPECT_BROKEN : VS_FINE, INDENT, buf);
}

/* -- all of them -- */

static void say_totals(struct vs_text *t, const struct vs_refs_report *r)
{
	const struct vs_refs_totals *n = &r->totals;
	char buf[400] = "";

	vs_words__append(buf, sizeof(buf), "references  %zu live in %zu group%s; seen: %llu born with their group, %llu get%s, %llu put%s",
	       n->live, n->groups, vs_plural(n->groups), (ull)n->births, (ull)n->gets,
	       vs_plural(n->gets), (ull)n->puts, vs_plural(n->puts));
	if (n->before)
		vs_words__append(buf, sizeof(buf), ", %llu of them of references from before", (ull)n->before);
	vs_words__append(buf, sizeof(buf), "; unattributed %llu", (ull)n->unattributed);
	if (n->guessed)
		vs_words__append(buf, sizeof(buf), "; matched by order among several holders %llu",
		       (ull)n->guessed);
	if (n->after_bug)
		vs_words__append(buf, sizeof(buf), "; following from a bug %llu", (ull)n->after_bug);
	if (n->uncertain)
		vs_words__append(buf, sizeof(buf), "; findings that may be wrong because events were lost %llu",
		       (ull)n->uncertain);
	line(t, 0, buf);
}

static void say_scope(struct vs_text *t, const struct vs_snapshot *s)
{
	char buf[460];

	if (!s->words[0])
		return;
	snprintf(buf, sizeof(buf), "%s%s", strstr(s->words, "not looked at") ? "" : "not looked at: ", s->words);
	colored(t, VS_SUSPECT_OLD, 0, buf);
}

static void say_heading(struct vs_text *t, const struct vs_refs_report *r)
{
	char age[32], title[64];
	size_t len;

	vs_words__age(age, sizeof(age), r->time_ns > t->start_ns ? r->time_ns - t->start_ns : 0);
	len = (size_t)snprintf(title, sizeof(title), "---- ledger at %s ", age);
	vs_out__text(&t->out, title);
	vs_out__fill(&t->out, '-', vs_text__page(t) - len);
	vs_out__puts(&t->out, "\n");
}

void vs_text__ledger(struct vs_text *t, const struct vs_refs_report *r)
{
	if (r->traced)
		say_heading(t, r);
	for (size_t i = 0; i < r->nr_groups; i++)
		say_group(t, r, &r->groups[i]);
	if (!r->nr_groups)
		vs_out__puts(&t->out, "no VFIO group exists\n");
	say_scope(t, r->snapshot);
	if (r->traced) {
		say_totals(t, r);
		vs_text__registration_totals(t, r);
	}
	if (r->last)
		vs_text__lifetimes(t, r);
	vs_out__relax(&t->out);
}

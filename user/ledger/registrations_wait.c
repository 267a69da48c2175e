// SPDX-License-Identifier: GPL-2.0
/* vfio_unregister_group_dev(): the task that waits, the holders it waits for, and the end of the wait. */
#include <stdio.h>
#include <string.h>

#include "base/name.h"
#include "base/plural.h"
#include "ledger/registrations_priv.h"

bool vs_registration_book__waits(const struct vs_registration_book *b)
{
	return b->waiting && b->wait.put_ns && !b->wait.done_ns;
}

void registrations_wait_begins(struct vs_registrations *r, struct vs_registration_book *b,
			       const struct vs_event *e)
{
	r->nr_waiting += !b->waiting;
	b->waiting = true;
	b->wait = (struct vs_unregister){ .tid = e->tid, .tgid = e->tgid, .start_ns = e->time_ns };
	memcpy(b->wait.comm, e->comm, sizeof(b->wait.comm));
}

void registrations_wait_put(struct vs_registrations *r, struct vs_registration_book *b,
			    const struct vs_event *e)
{
	struct vs_unregister *w = &b->wait;
	uint64_t place;
	enum vs_registration_role role = registrations_role(r, e, &place);

	if (!b->waiting)
		return;
	if (!w->put_ns && e->tid == w->tid && role == VS_REG_ROLE_UNREGISTER) {
		w->put_ns = e->time_ns;
		w->refs = e->refs;
		r->past.waits += e->refs > 0;
	}
	if (e->refs || w->done_ns)
		return;
	w->done_ns = e->time_ns;
	w->last_tid = e->tid;
	w->last_tgid = e->tgid;
	w->last_place = place;
	memcpy(w->last_comm, e->comm, sizeof(w->last_comm));
}

static struct vs_registration_book *waited_by(struct vs_registrations *r, uint32_t tid)
{
	for (struct vs_registration_book *b = NULL; (b = vs_lru__next(r->books, b));)
		if (b->waiting && b->wait.tid == tid)
			return b;
	return NULL;
}

void registrations_wait_ends(struct vs_registrations *r, const struct vs_event *e)
{
	struct vs_registration_book *b = r->nr_waiting ? waited_by(r, e->tid) : NULL;

	/* On 5.10 the task also puts references that it looks up on the way. */
	if (!b || (b->wait.put_ns && !b->wait.done_ns))
		return;
	b->wait.end_ns = e->time_ns;
	if (b->wait.put_ns && b->wait.refs > 0 && r->opts.waited)
		r->opts.waited(r->opts.ctx, b);
	registrations_end(r, b);
}

/* -- findings -- */

static size_t append_holder(const struct vs_registrations *r, char *buf, size_t size,
			    const struct vs_registration *ref)
{
	char name[VS_TASK_LEN];
	int len;

	vs_name__task(name, ref->comm, ref->tgid, 0);
	if (!ref->tgid)
		len = snprintf(buf, size, "a holder that was not seen");
	else if (ref->fd >= 0)
		len = snprintf(buf, size, "%s fd %d", name, ref->fd);
	else
		len = snprintf(buf, size, "%s (%s)", name, vs_registration_class__name(ref->class));
	(void)r;
	return len < 0 || (size_t)len >= size ? 0 : (size_t)len;
}

/* Names at most two holders, the newest first. */
static void name_holders(const struct vs_registrations *r, const struct vs_registration_book *b,
			 char *buf, size_t size)
{
	size_t len = 0, named = 0;

	*buf = '\0';
	for (const struct vs_registration *ref = b->newest; ref && named < 2; ref = ref->older) {
		if (named++)
			len += (size_t)snprintf(buf + len, size - len, ", ");
		len += append_holder(r, buf + len, size - len, ref);
	}
	if (b->nr > named)
		snprintf(buf + len, size - len, " and %zu more", b->nr - named);
	else if (!b->nr)
		snprintf(buf, size, "not seen to be taken (vfioscope refs looks for who has it)");
}

static void fill_words(const struct vs_registrations *r, struct vs_finding *f,
		       const struct vs_registration_book *b, uint64_t now_ns)
{
	uint64_t tenths = now_ns > b->wait.start_ns ? (now_ns - b->wait.start_ns) / 100000000 : 0;
	char holders[90];

	name_holders(r, b, holders, sizeof(holders));
	snprintf(f->words, sizeof(f->words), "%.39s: waits for %llu.%llu s, %d reference%s: %s",
		 b->device[0] ? b->device : "a device", (unsigned long long)tenths / 10,
		 (unsigned long long)tenths % 10, b->refs, vs_plural(b->refs), holders);
}

static void fill_get(const struct vs_registrations *r, struct vs_finding *f,
		     const struct vs_registration *ref)
{
	size_t nr, len = 0;
	const __u64 *frames = vs_stacks__frames(r->stacks, ref->stack, &nr);

	snprintf(f->site, sizeof(f->site), "%s", vs_sites__name(r->opts.sites, ref->place));
	f->nr_stack = nr < VS_STACK_LEN ? nr : VS_STACK_LEN;
	for (size_t i = 0; i < f->nr_stack && len + VS_SITE_LEN < sizeof(f->stack_text); i++) {
		f->stack[i] = frames[i];
		len += (size_t)snprintf(f->stack_text + len, sizeof(f->stack_text) - len, "%s\n",
					vs_sites__name(r->opts.sites, frames[i]));
	}
}

static void say_wait(struct vs_registrations *r, struct vs_registration_book *b, uint64_t now_ns)
{
	struct vs_finding *f = &r->finding;

	b->wait.said = true;
	r->said++;
	if (!r->opts.say)
		return;
	memset(f, 0, sizeof(*f));
	f->kind = VS_UNREGISTER_WAITS;
	f->grade = vs_finding__grade(f->kind);
	f->number = r->said;
	f->time_ns = b->wait.start_ns;
	f->tid = b->wait.tid;
	f->tgid = b->wait.tgid;
	memcpy(f->comm, b->wait.comm, sizeof(f->comm));
	f->group = (struct vs_group_view){
		.known = true, .seen_before = b->seen_before, .number = b->number,
		.address = b->group, .devices = "",
	};
	fill_words(r, f, b, now_ns);
	if (b->newest)
		fill_get(r, f, b->newest);
	r->opts.say(r->opts.ctx, f);
}

static void look(struct vs_registrations *r, uint64_t now_ns, uint64_t patience)
{
	struct vs_registration_book *b = NULL;

	while (r->nr_waiting && (b = vs_lru__next(r->books, b)))
		if (vs_registration_book__waits(b) && !b->wait.said && b->wait.tid &&
		    now_ns >= b->wait.start_ns + patience)
			say_wait(r, b, now_ns);
}

void vs_registrations__tick(struct vs_registrations *r, uint64_t now_ns)
{
	if (now_ns != UINT64_MAX)
		look(r, now_ns, r->opts.patience_ns);
}

void vs_registrations__finish(struct vs_registrations *r, uint64_t now_ns)
{
	look(r, now_ns, 0);
}

// SPDX-License-Identifier: GPL-2.0
#include "ledger/detect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/record.h"
#include "ledger/frames.h"
#include "ledger/picture.h"
#include "ledger/said.h"
#include "vfio/functions.h"

/* A deadlock: waiting for its proof, or said and kept for the summary. */
struct bug {
	struct vs_finding f;
	char devices[VS_DEVICES_LEN];
	uint64_t deadline_ns;	/* 0: said */
};

struct vs_detect {
	struct vs_detect_opts opts;
	uint64_t counts[VS_FINDING_KINDS];
	struct vs_said said;
	size_t nr_bugs;
	struct bug *bugs[VS_BUGS_KEPT];
	struct vs_finding minor;	/* hazards and infos are built here */
	struct vs_frames frames;
};

struct vs_detect *vs_detect__new(const struct vs_detect_opts *opts)
{
	struct vs_detect *d = calloc(1, sizeof(*d));

	if (d)
		d->opts = *opts;
	return d;
}

void vs_detect__free(struct vs_detect *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->nr_bugs; i++)
		free(d->bugs[i]);
	free(d);
}

static void say(struct vs_detect *d, struct vs_finding *f)
{
	f->grade = vs_finding__grade(f->kind);
	f->number = ++d->counts[f->kind];
	d->opts.say(d->opts.ctx, f);
}

/* If the kernel skipped the probe on a chain's return, the task still counts as inside the chain later. */
static bool was_skipped(const struct vs_detect *d)
{
	return d->opts.was_skipped && d->opts.was_skipped(d->opts.ctx);
}

static void say_minor(struct vs_detect *d, enum vs_finding_kind kind, const struct vs_event *e,
		      const struct vs_group *group)
{
	uint64_t *said = vs_said__at(&d->said, kind, e->ip);
	struct vs_finding *f = &d->minor;

	if (*said >= VS_SAID_PER_SITE) {
		d->counts[kind]++;
		return;
	}
	memset(f, 0, sizeof(*f));
	f->kind = kind;
	f->last_said = ++*said == VS_SAID_PER_SITE;
	f->uncertain = kind == VS_PUT_IN_NOTIFIER && was_skipped(d);
	vs_finding__set_task(f, e);
	vs_group__view(group, &f->group);
	snprintf(f->site, sizeof(f->site), "%s", vs_sites__name(d->opts.sites, e->ip));
	say(d, f);
}

static struct bug *find_bug(struct vs_detect *d, uint32_t tid, uint64_t chain)
{
	for (size_t i = 0; i < d->nr_bugs; i++) {
		struct vs_finding *f = &d->bugs[i]->f;

		if (f->tid == tid && (!chain || !f->chain || f->chain == chain))
			return d->bugs[i];
	}
	return NULL;
}

static void fill_group(struct bug *b, const struct vs_group *group)
{
	if (b->f.group.known || !group)
		return;
	vs_group__view(group, &b->f.group);
	snprintf(b->devices, sizeof(b->devices), "%s", b->f.group.devices);
	b->f.group.devices = b->devices;
}

/* Beyond VS_BUGS_KEPT bugs the last one's slot is reused. Returns NULL when out of memory. */
static struct bug *add_bug(struct vs_detect *d, enum vs_finding_kind kind,
			   const struct vs_event *e, const struct vs_group *group)
{
	struct bug *b;

	if (d->nr_bugs == VS_BUGS_KEPT)
		free(d->bugs[--d->nr_bugs]);
	b = calloc(1, sizeof(*b));
	if (!b)
		return NULL;
	d->bugs[d->nr_bugs++] = b;
	b->f.kind = kind;
	b->deadline_ns = e->time_ns + VS_PROOF_WAIT_NS;
	vs_finding__set_task(&b->f, e);
	b->f.chain = e->ctx_object;
	vs_group__view(NULL, &b->f.group);
	fill_group(b, group);
	return b;
}

/*
 * The kernel can always name its own symbols, while we may still be reading our table of them. A task
 * that is not asleep yet has no stack to show.
 */
static bool ask_kernel(struct vs_detect *d, struct vs_finding *f)
{
	if (!d->opts.kernel_stack ||
	    d->opts.kernel_stack(d->opts.ctx, f->tid, f->stack_text, sizeof(f->stack_text)))
		return false;
	vs_frames__parse(&d->frames, f->stack_text);
	return vs_frames__tell(&d->frames);
}

static void take_frames(struct vs_detect *d, struct vs_finding *f)
{
	struct vs_frames *frames = &d->frames;

	if (!ask_kernel(d, f))
		vs_frames__resolve(frames, d->opts.sites, f->stack, f->nr_stack);
	vs_frames__places(frames, f->change_place, f->call_place, f->callback);
	vs_frames__print(frames, f->stack_text, sizeof(f->stack_text));
}

/* A chain inside a structure on the heap has no symbol of its own, only one far away. */
static void name_chain(struct vs_detect *d, struct vs_finding *f)
{
	const char *plus;

	vs_sites__symbol(d->opts.sites, f->chain, f->chain_name, sizeof(f->chain_name));
	plus = strrchr(f->chain_name, '+');
	if (plus && strtoul(plus + 1, NULL, 16) > 0xffff)
		f->chain_name[0] = '\0';
}

static void draw(struct vs_detect *d, struct vs_finding *f)
{
	const struct vs_group *group = vs_groups__at(d->opts.groups, f->group.address);

	if (!group)
		group = vs_groups__numbered(d->opts.groups, f->group.number);
	if (group)
		vs_picture__build(f, d->opts.groups, group,
				  vs_tasks__find(d->opts.tasks, f->tid), d->opts.sites);
}

static void say_bug(struct vs_detect *d, struct bug *b)
{
	const struct vs_task *task = vs_tasks__find(d->opts.tasks, b->f.tid);

	b->deadline_ns = 0;
	if (task && !b->f.entered_ns)
		b->f.entered_ns = task->enter_ns;
	take_frames(d, &b->f);
	b->f.uncertain = !vs_frames__tell(&d->frames) && was_skipped(d);
	if (b->f.kind == VS_NOTIFIER_DEADLOCK) {
		if (!b->f.callback[0])
			strcpy(b->f.callback, VS_VFIO_NOTIFIER);
		draw(d, &b->f);
	} else {
		name_chain(d, &b->f);
	}
	say(d, &b->f);
}

/* The task is inside the notifier of another group: no deadlock. */
static bool is_other_group(const struct vs_event *e)
{
	return e->group && e->ctx_group && e->group != e->ctx_group;
}

static void on_release(struct vs_detect *d, const struct vs_event *e,
		       const struct vs_group *group)
{
	struct bug *b;

	/* From 5.16 on a release only frees memory, which waits for nothing. */
	if (e->context != VS_CTX_NOTIFIER || e->flags & VS_F_FREED || is_other_group(e))
		return;
	if (find_bug(d, e->tid, e->ctx_object))
		return;
	b = add_bug(d, VS_NOTIFIER_DEADLOCK, e, group);
	if (!b)
		return;
	b->f.release_seen = true;
	snprintf(b->f.site, sizeof(b->f.site), "%s", vs_sites__name(d->opts.sites, e->ip));
}

static void on_unregister(struct vs_detect *d, const struct vs_event *e,
			  const struct vs_group *group)
{
	struct bug *b;

	if (e->context != VS_CTX_NOTIFIER || is_other_group(e))
		return;
	b = find_bug(d, e->tid, e->ctx_object);
	if (!b)
		b = add_bug(d, VS_NOTIFIER_DEADLOCK, e, group);
	if (!b || b->f.unregister_seen)
		return;
	b->f.unregister_seen = true;
	b->f.block = e->object;
	fill_group(b, group);
}

/* Returns true if it is the chain whose VFIO callback the task is in, not an outer one. */
static bool is_vfio_chain(struct vs_detect *d, const struct vs_event *e)
{
	const struct vs_task *task = vs_tasks__find(d->opts.tasks, e->tid);

	if (e->context != VS_CTX_NOTIFIER)
		return false;
	return !task || !task->chain || task->chain == e->ctx_object;
}

static void fill_proof(struct vs_detect *d, struct vs_finding *f,
		       const struct vs_alarm_event *a)
{
	f->proven = true;
	f->registering = a->e.flags & VS_F_REGISTERING;
	f->chain = a->e.ctx_object;
	f->block = a->e.object;
	f->entered_ns = a->entered_ns;
	f->nr_stack = a->nr_stack < VS_STACK_LEN ? a->nr_stack : VS_STACK_LEN;
	memcpy(f->stack, a->stack, f->nr_stack * sizeof(f->stack[0]));
	vs_sites__symbol(d->opts.sites, a->callback, f->callback, sizeof(f->callback));
}

static void on_alarm(struct vs_detect *d, const struct vs_alarm_event *a,
		     const struct vs_group *group)
{
	bool vfio = is_vfio_chain(d, &a->e);
	struct bug *b = find_bug(d, a->e.tid, a->e.ctx_object);

	if (!b)
		b = add_bug(d, vfio ? VS_NOTIFIER_DEADLOCK : VS_CHAIN_DEADLOCK_FOUND, &a->e,
			    vfio ? group : NULL);
	if (!b || b->f.proven)
		return;
	fill_proof(d, &b->f, a);
	if (b->deadline_ns)
		say_bug(d, b);
}

void vs_detect__feed(struct vs_detect *d, const struct vs_event *e,
		     const struct vs_group *group)
{
	if (e->type == VS_PUT && e->context == VS_CTX_NOTIFIER)
		say_minor(d, VS_PUT_IN_NOTIFIER, e, group);
	else if (e->type == VS_QUEUE && e->flags & VS_F_LAST_SURE)
		say_minor(d, VS_NEAR_MISS, e, group);
	else if (e->type == VS_RELEASE)
		on_release(d, e, group);
	else if (e->type == VS_UNREGISTER_NOTIFIER)
		on_unregister(d, e, group);
	else if (e->type == VS_CHAIN_DEADLOCK)
		on_alarm(d, vs_record__alarm(e), group);
}

void vs_detect__tick(struct vs_detect *d, uint64_t now_ns)
{
	for (size_t i = 0; i < d->nr_bugs; i++)
		if (d->bugs[i]->deadline_ns && d->bugs[i]->deadline_ns <= now_ns)
			say_bug(d, d->bugs[i]);
}

uint64_t vs_detect__deadline(const struct vs_detect *d)
{
	uint64_t first = 0;

	for (size_t i = 0; i < d->nr_bugs; i++) {
		uint64_t at = d->bugs[i]->deadline_ns;

		if (at && (!first || at < first))
			first = at;
	}
	return first;
}

const uint64_t *vs_detect__counts(const struct vs_detect *d)
{
	return d->counts;
}

const struct vs_finding *vs_detect__bug(const struct vs_detect *d, size_t i)
{
	return i < d->nr_bugs && !d->bugs[i]->deadline_ns ? &d->bugs[i]->f : NULL;
}

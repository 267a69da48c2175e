// SPDX-License-Identifier: GPL-2.0
/*
 * iommufd has its own wait. A task that takes a device, or another object, out of an iommufd waits there
 * until no task is in a call that uses it. Mostly a process closes a device there; an unbind waits for it.
 */
#include <errno.h>
#include <string.h>

#include "base/name.h"
#include "base/rows.h"
#include "base/words.h"
#include "why/classify_priv.h"
#include "why/holders.h"

#define STACK_SHOWN 8

/* Finds the file that it closes; NULL if its stack shows none, or several. */
static const struct vs_snap_fd *closes(const struct vs_evidence *e, const struct vs_ev_task *t)
{
	const struct vs_snapshot *s = &e->snapshot;
	const struct vs_snap_fd *found = NULL;

	for (size_t i = 0; i < s->nr_fds; i++) {
		const struct vs_snap_fd *f = &s->fds[i];

		if (f->via != VS_VIA_RELEASE || f->tid != t->tid || !f->iommufd)
			continue;
		if (found && found->file != f->file)
			return NULL;
		found = f;
	}
	return found;
}

static void take_device(struct vs_why_case *c, const struct vs_evidence *e, uint64_t device)
{
	for (size_t i = 0; device && i < e->snapshot.nr_devices; i++) {
		const struct vs_snap_device *d = &e->snapshot.devices[i];

		if (d->address != device)
			continue;
		memcpy(c->device, d->name, sizeof(c->device));
		memcpy(c->driver, d->driver, sizeof(c->driver));
		c->group = d->number;
	}
}

/* A process has these descriptors of iommufds. */
struct contexts {
	const struct vs_snap_fd *this;	/* of the one that it is about */
	const struct vs_snap_fd *other;
};

static struct contexts contexts_of(const struct vs_evidence *e, uint32_t tgid, uint64_t context)
{
	const struct vs_snapshot *s = &e->snapshot;
	struct contexts found = {};

	for (size_t i = 0; i < s->nr_fds; i++) {
		const struct vs_snap_fd *f = &s->fds[i];

		if (f->kind != VS_SNAP_IOMMUFD_FILE || f->tgid != tgid)
			continue;
		if (f->object == context)
			found.this = f;
		else
			found.other = f;
	}
	return found;
}

/*
 * The task is in a call of some iommufd. The descriptors of its process tell of which: if it has this one
 * alone, it is in that. A process that has other ones only is no caller of it.
 */
static int add_caller(struct vs_why_case *c, const struct vs_evidence *e, const struct vs_ev_task *u,
		      uint64_t context)
{
	struct contexts has = contexts_of(e, u->tgid, context);
	const struct vs_snap_fd *f = has.this ? has.this : has.other;

	if (context && !has.this && has.other)
		return 0;
	return vs_holders__add_call(e, u, f ? f->fd : -1, !has.this || has.other, c) ?:
	       why_case__prove_stack_of(c, u, vs_ev_task__find(u, 0, "iommufd_fops_ioctl"));
}

static bool is_in_call(const struct vs_ev_task *t)
{
	return vs_ev_task__find(t, 0, "iommufd_fops_ioctl") < t->nr_frames;
}

static int add_callers(struct vs_why_case *c, const struct vs_evidence *e, uint64_t context)
{
	int err = 0;

	for (size_t i = 0; !err && i < e->nr_tasks; i++)
		if (&e->tasks[i] != c->task && is_in_call(&e->tasks[i]))
			err = add_caller(c, e, &e->tasks[i], context);
	return err;
}

static enum vs_confidence confidence_of(const struct vs_why_case *c)
{
	for (size_t i = 0; i < c->nr_holders; i++)
		if (!c->holders[i].likely)
			return VS_HIGH;
	return c->nr_holders ? VS_MEDIUM : VS_LOW;
}

int why_iommufd__add(struct vs_why *why, const struct vs_evidence *e, const struct vs_ev_task *t)
{
	struct vs_why_case *c = why_case__add(why, VS_WHY_IN_USE, t);
	const struct vs_snap_fd *f = closes(e, t);
	size_t frame = why_frames__iommufd(t);
	int err;

	if (!c)
		return -ENOMEM;
	c->iommufd = true;
	memcpy(c->place, t->frames[frame], sizeof(c->place));
	take_device(c, e, f ? f->object : 0);
	err = why_case__prove_stack(c, frame + STACK_SHOWN) ?: add_callers(c, e, f ? f->iommufd : 0);
	c->nr_now = c->nr_holders;
	c->confidence = confidence_of(c);
	return err;
}

static bool is_closed_by(const struct vs_why_case *c, const struct vs_ev_task *t)
{
	for (size_t i = 0; i < c->nr_holders; i++)
		if (c->holders[i].how == VS_HOLD_RELEASE && c->holders[i].tid == t->tid)
			return true;
	return false;
}

void why_iommufd__link(struct vs_why *why)
{
	for (size_t i = 0; i < why->nr_cases; i++)
		for (size_t j = 0; why->cases[i].iommufd && j < why->nr_cases; j++)
			why->cases[j].in_iommufd |= is_closed_by(&why->cases[j], why->cases[i].task);
}

#define SAY(c, ...) vs_words__append((c)->says, sizeof((c)->says), __VA_ARGS__)
#define NEXT(c, ...) vs_words__append((c)->next, sizeof((c)->next), __VA_ARGS__)

static void advise_holder(struct vs_why_case *c, const struct vs_why_holder *h)
{
	char title[VS_HOLDER_LEN];

	vs_holders__title(h, title, sizeof(title));
	NEXT(c, "%s task %u of %s get out of its call (where it is: vfioscope why pid %u)",
	     h->likely ? "perhaps it has to let" : "let", h->tid, title, h->tid);
}

/*
 * The end of a call wakes interruptible sleepers (iommufd_put_object(), v6.12), and this one is none: it
 * wakes up when its time is up.
 */
static void advise_holders(struct vs_why_case *c)
{
	for (size_t i = 0; i < c->nr_holders; i++) {
		NEXT(c, "%s", i ? "; " : "");
		advise_holder(c, &c->holders[i]);
	}
	NEXT(c, ", or end that process. Even then the close may go on only when its time is up: the end of a call "
		"does not wake it on every kernel");
}

void why_iommufd__advise(struct vs_why_case *c)
{
	char who[VS_TASK_LEN];

	vs_name__task(who, c->task->comm, c->task->tid, 0);
	if (c->device[0])
		SAY(c, "%s has closed %s (group %d), and is not through with it: it", who, c->device, c->group);
	else
		SAY(c, "%s", who);
	SAY(c, " waits in iommufd until nobody is in a call that uses the object which it takes away, for 60 s at most, 10 s "
	       "on older kernels. If somebody is by then, the kernel warns (\"Time out waiting for iommufd object to "
	       "become free\") and goes on; the object stays until its iommufd is closed.");
	if (c->nr_holders)
		advise_holders(c);
	else
		NEXT(c, "wait a minute: it ends by itself. Nobody was found in such a call (any more): the end of a call "
			"does not wake it on every kernel, the end of its time does");
}

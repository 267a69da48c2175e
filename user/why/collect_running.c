// SPDX-License-Identifier: GPL-2.0
/*
 * A culprit that runs (a flush of the IOMMU that is never acknowledged, config reads of a dead
 * device) does not sleep. So it looks twice, a second apart: a task that was in the same function of
 * VFIO or of a driver each time, and never in user space, stays there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/host.h"
#include "base/rows.h"
#include "core/dump.h"
#include "snapshot/kstack.h"
#include "why/classify_priv.h"
#include "why/collect_priv.h"
#include "why/locks.h"
#include "why/running.h"

#define AGAIN_US 1000000
#define MAX_RUNNING 8		/* that are looked at: more than run in VFIO at once */

struct running {
	size_t nr;
	uint32_t tids[MAX_RUNNING];
	const struct vs_stack_row *rows[MAX_RUNNING];
	struct vs_running_sample samples[MAX_RUNNING];
	signed char answered[MAX_RUNNING];
};

/*
 * Somewhere in the memory of its stack is an address of such a function. It may be left from an
 * earlier call, so this only tells which tasks are worth a look.
 */
static bool may_be_inside(struct collect *c, const struct vs_stack_row *row)
{
	uint64_t words[VS_PEEK_BLOCK / 8];

	for (size_t page = 0; page < vs_kstack__bytes(row) / VS_PEEK_BLOCK; page++) {
		if (vs_mem__read(c->mem, row->stack + page * VS_PEEK_BLOCK, words, sizeof(words)))
			continue;
		for (size_t i = 0; i < sizeof(words) / 8; i++) {
			const struct vs_why_name *name =
				words[i] >= c->space.lowest ? vs_why_names__of(c->names, words[i])
							    : NULL;

			if (name && name->flags & (VS_FRAME_VFIO | VS_FRAME_DRIVER))
				return true;
		}
	}
	return false;
}

static void find_candidates(struct collect *c, struct running *r)
{
	for (size_t i = 0; i < c->nr_rows && r->nr < MAX_RUNNING; i++) {
		const struct vs_stack_row *row = &c->rows[i];

		if (row->state || row->tgid == c->self || !may_be_inside(c, row))
			continue;
		r->tids[r->nr] = row->tid;
		r->rows[r->nr++] = row;
	}
}

static bool is_inside(const struct vs_ev_task *t)
{
	return why_frames__first(t, 0, VS_FRAME_VFIO) < t->nr_frames ||
	       why_frames__driver(t) < t->nr_frames;
}

/* Takes the task as the sample shows it. */
static int take_sample(struct collect *c, const struct running *r, size_t i, struct vs_ev_task *t)
{
	struct vs_stack_row row = *r->rows[i];
	struct vs_locks locks = { c->mem, c->layout, c->space, collect_is_task, c };
	int err;

	row.nr_frames = (int32_t)r->samples[i].nr_frames;
	memcpy(row.frames, r->samples[i].frames, sizeof(row.frames));
	memset(t, 0, sizeof(*t));
	err = collect_take_task(c, &row, t);
	if (!err)
		vs_locks__held(&locks, &row, t);
	return err;
}

static bool was_inside(const struct running *r, size_t i)
{
	return r->answered[i] == 1 && r->samples[i].nr_kernel && !r->samples[i].nr_user;
}

static int keep(struct collect *c, struct vs_ev_task *t)
{
	struct vs_ev_task *kept = NULL;

	for (size_t i = 0; i < c->e->nr_tasks; i++)
		if (c->e->tasks[i].address == t->address)
			kept = &c->e->tasks[i];
	if (kept)
		free(kept->frames);
	else
		kept = vs_rows__add(&c->e->tasks, &c->e->nr_tasks, sizeof(*kept));
	if (!kept) {
		free(t->frames);
		return -ENOMEM;
	}
	*kept = *t;
	return 0;
}

/* A task that is where it was stays there; the frames kept are those of the second look. */
static int compare_samples(struct collect *c, const struct running *before,
			   const struct running *now, size_t i, uint64_t since_ns)
{
	struct vs_ev_task a, b = {};
	int err = take_sample(c, before, i, &a);

	if (!err)
		err = take_sample(c, now, i, &b);
	if (!err && is_inside(&a) && is_inside(&b) && why_frames__same_place(&a, &b)) {
		b.stayed_ns = vs_host__mono_ns() - since_ns;
		free(a.frames);
		return keep(c, &b);
	}
	free(a.frames);
	free(b.frames);
	return err;
}

/* -- without a sample: the CPU takes no turn for the kernel's own business -- */

static const struct vs_stack_row *row_of(const struct vs_stack_row *rows, size_t nr,
					 const struct vs_stack_row *of)
{
	for (size_t i = 0; i < nr; i++)
		if (rows[i].task == of->task && rows[i].tid == of->tid)
			return &rows[i];
	return NULL;
}

/* It has had its CPU all the time, and was not in user space. */
static bool kept_its_cpu(const struct vs_stack_row *a, const struct vs_stack_row *b)
{
	return b && !b->state && a->arrival_ns && b->arrival_ns == a->arrival_ns &&
	       b->user_ns == a->user_ns;
}

/*
 * Takes return addresses from the stack, outermost first, up to the first function that VFIO or the
 * driver core calls. Calls further out are under way as long as those inside of them are. What
 * lies further in may be left from an earlier call.
 */
static size_t outer_frames(struct collect *c, const uint64_t *words, size_t nr, uint64_t *frames)
{
	size_t nr_frames = 0;
	bool inside = false;

	for (size_t i = nr; i-- > 0 && nr_frames < VS_STACK_LEN;) {
		const struct vs_why_name *name = words[i] >= c->space.lowest ?
			vs_why_names__of(c->names, words[i]) : NULL;
		bool ours;

		if (!name || !strchr(name->text, '+') || !vs_why_names__is_code(c->names, words[i]))
			continue;
		ours = name->flags & VS_FRAME_VFIO || why_frames__is_core(name->text) ||
		       name->flags & VS_FRAME_DRIVER;
		frames[nr_frames++] = words[i];
		if (inside && !ours)
			break;
		inside |= ours;
	}
	return inside ? nr_frames : 0;
}

static int take_from_memory(struct collect *c, const struct vs_stack_row *seen, uint64_t since_ns)
{
	uint64_t words[VS_KSTACK_WORDS], frames[VS_STACK_LEN];
	struct vs_locks locks = { c->mem, c->layout, c->space, collect_is_task, c };
	struct vs_stack_row row = *seen;
	struct vs_ev_task t = {};
	int err;

	row.nr_frames = (int32_t)outer_frames(c, words, vs_kstack__read(c->mem, &row, words), frames);
	for (int i = 0; i < row.nr_frames; i++)
		row.frames[i] = frames[row.nr_frames - 1 - i];
	err = row.nr_frames ? collect_take_task(c, &row, &t) : 0;
	if (err || !row.nr_frames || !is_inside(&t)) {
		free(t.frames);
		return err;
	}
	t.from_memory = true;
	t.stayed_ns = vs_host__mono_ns() - since_ns;
	vs_locks__held(&locks, &row, &t);
	return keep(c, &t);
}

static int compare(struct collect *c, const struct running *before, const struct running *now,
		   uint64_t since_ns)
{
	size_t nr = 0;
	struct vs_stack_row *rows = vs_snapper__stacks(c->snapper, &nr);
	int err = 0;

	for (size_t i = 0; !err && i < now->nr; i++) {
		if (was_inside(before, i) && was_inside(now, i))
			err = compare_samples(c, before, now, i, since_ns);
		else if (now->answered[i] != 1 && rows &&
			 kept_its_cpu(now->rows[i], row_of(rows, nr, now->rows[i])))
			err = take_from_memory(c, now->rows[i], since_ns);
	}
	free(rows);
	return err;
}

int collect_see_running(struct collect *c)
{
	struct running *before = calloc(1, sizeof(*before)), *now = NULL;
	uint64_t since_ns = vs_host__mono_ns();
	int err = before ? 0 : -ENOMEM;

	if (!err && c->mem)
		find_candidates(c, before);
	if (!err && before->nr) {
		now = malloc(sizeof(*now));
		err = now ? vs_running__sample(before->tids, before->nr, before->samples,
					       before->answered) : -ENOMEM;
	}
	if (!err && now) {
		*now = *before;
		memset(now->samples, 0, sizeof(now->samples));
		usleep(AGAIN_US);
		err = vs_running__sample(now->tids, now->nr, now->samples, now->answered);
		err = err ?: compare(c, before, now, since_ns);
	}
	free(before);
	free(now);
	return err == -ENOMEM ? err : 0;
}

/* -- of a dump, which is one look -- */

static bool is_torn(const struct vs_dump *d, uint64_t task)
{
	for (size_t i = 0; i < d->nr_torn; i++)
		if (d->torn[i] == task)
			return true;
	return false;
}

void collect_dump_running(struct collect *c)
{
	struct vs_locks locks = { c->mem, c->layout, c->space, collect_is_task, c };

	for (size_t i = 0; i < c->e->nr_tasks; i++) {
		struct vs_ev_task *t = &c->e->tasks[i];
		const struct vs_stack_row *row = collect_row_of(c, t->tid);

		if (t->state != 'R' || !is_inside(t) || !row)
			continue;
		if (row->arrival_ns && row->now_ns >= row->arrival_ns)
			t->stayed_ns = row->now_ns - row->arrival_ns;
		vs_locks__held(&locks, row, t);
	}
	for (size_t i = 0; i < c->nr_rows; i++)
		if (!c->rows[i].state && is_torn(c->opts->dump, c->rows[i].task) && may_be_inside(c, &c->rows[i]))
			c->e->incomplete = true;
}

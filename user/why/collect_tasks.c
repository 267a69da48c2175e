// SPDX-License-Identifier: GPL-2.0
/* Collects the tasks that wait for something that may concern VFIO, and the tasks that they wait for. */
#include "why/collect_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rows.h"
#include "bpf/stacks.h"
#include "event/device_name.h"
#include "why/locks.h"

#define PF_KTHREAD 0x00200000		/* include/linux/sched.h, the same since v3.0 */
#define TASK_INTERRUPTIBLE 1		/* these since v4.14 at least */
#define TASK_UNINTERRUPTIBLE 2
#define TASK_STOPPED 4
#define TASK_TRACED 8
#define TASK_PARKED 0x40
#define TASK_DEAD 0x80
#define TASK_WAKING 0x200
#define TASK_NOLOAD 0x400
#define TASK_NEW 0x800			/* it was never on a CPU; /proc calls both running */
#define TASK_RTLOCK_WAIT 0x1000		/* v5.15 */
#define TASK_FROZEN 0x8000		/* v6.1; /proc calls it D, too */
#define MAX_KEPT 8192			/* tasks of interest */
#define WAITING_FRAMES 6		/* a lock is asked for by one of the innermost frames */
#define MAX_WORKERS 8			/* whose stacks are kept */
#define OURS (VS_FRAME_VFIO | VS_FRAME_DRIVER | VS_FRAME_CHAIN | VS_FRAME_IOMMUFD)

char collect_state_letter(uint32_t state)
{
	static const struct {
		uint32_t bit;
		char letter;
	} letters[] = { { TASK_INTERRUPTIBLE, 'S' }, { TASK_UNINTERRUPTIBLE, 'D' },
			{ TASK_STOPPED, 'T' }, { TASK_TRACED, 't' }, { TASK_PARKED, 'P' },
			{ TASK_DEAD, 'Z' }, { TASK_RTLOCK_WAIT, 'D' }, { TASK_FROZEN, 'D' },
			{ TASK_WAKING, 'R' }, { TASK_NEW, 'R' } };

	if (!state)
		return 'R';
	if (state & TASK_UNINTERRUPTIBLE && state & TASK_NOLOAD)
		return 'I';
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		if (state & letters[i].bit)
			return letters[i].letter;
	return '?';
}

static unsigned int flags_of(struct collect *c, const struct vs_stack_row *row, size_t nr)
{
	unsigned int flags = 0;

	for (size_t i = 0; i < nr && (int)i < row->nr_frames; i++) {
		const struct vs_why_name *name = vs_why_names__of(c->names, row->frames[i]);

		flags |= name ? name->flags : 0;
	}
	return flags;
}

static bool is_asked(const struct collect *c, const struct vs_stack_row *row)
{
	return c->opts->pid && (row->tid == c->opts->pid || row->tgid == c->opts->pid);
}

/* A device or a group names it as its waiter, whatever its stack shows. */
static bool is_waiter(const struct collect *c, const struct vs_stack_row *row)
{
	const struct vs_snapshot *s = &c->e->snapshot;

	for (size_t i = 0; i < s->nr_devices; i++)
		if (s->devices[i].waiter == row->task)
			return true;
	for (size_t i = 0; i < s->nr_groups; i++)
		if (s->groups[i].waiter == row->task)
			return true;
	return false;
}

static bool is_of_interest(struct collect *c, const struct vs_stack_row *row)
{
	if (row->tgid == c->self)
		return false;
	if (collect_state_letter(row->state) == 'D' || is_asked(c, row) || is_waiter(c, row))
		return true;
	return flags_of(c, row, VS_STACK_LEN) & OURS;
}

static int take_frames(struct collect *c, const struct vs_stack_row *row, struct vs_ev_task *t)
{
	size_t nr = row->nr_frames > 0 ? (size_t)row->nr_frames : 0;

	t->frames = calloc(nr + 1, sizeof(*t->frames));
	if (!t->frames)
		return -ENOMEM;
	for (t->nr_frames = 0; t->nr_frames < nr; t->nr_frames++) {
		const struct vs_why_name *name =
			vs_why_names__of(c->names, row->frames[t->nr_frames]);

		if (!name)
			return -ENOMEM;
		memcpy(t->frames[t->nr_frames], name->text, VS_SITE_LEN);
	}
	return 0;
}

void collect_take_times(const struct collect *c, const struct vs_stack_row *row,
			struct vs_ev_task *t)
{
	t->waited_ns = t->age_ns = t->stayed_ns = VS_EV_UNKNOWN;
	/* A task that had a CPU after we got ours has waited for less than one run of ours. */
	if (row->state && row->arrival_ns && row->now_ns)
		t->waited_ns = row->now_ns > row->arrival_ns ? row->now_ns - row->arrival_ns : 0;
	if (row->start_ns && row->start_ns <= c->now_ns)
		t->age_ns = c->now_ns - row->start_ns;
}

/* In v5.10 stacks still show the functions of an rwsem. */
static enum vs_ev_lock lock_kind(struct collect *c, const struct vs_stack_row *row)
{
	bool rwsem = flags_of(c, row, WAITING_FRAMES) & VS_FRAME_RWSEM;

	return rwsem && row->state ? VS_EV_RWSEM : VS_EV_NO_LOCK;
}

/* Returns where a change of a chain returns to: the frames that may be calling the chain lie beyond it. */
static uint64_t outer_of(struct collect *c, const struct vs_stack_row *row)
{
	for (int i = 0; i + 1 < row->nr_frames; i++) {
		const struct vs_why_name *name = vs_why_names__of(c->names, row->frames[i]);

		if (name && name->flags & VS_FRAME_CHAIN)
			return row->frames[i + 1];
	}
	return 0;
}

/* A dump has no sysfs to ask: the name has to look like that of a device. */
static bool is_device(const struct collect *c, const char *name)
{
	char path[160], parsed[VS_DEVICE_LEN];

	if (c->opts->dump)
		return vs_device_name__parse(name, parsed) && !strcmp(name, parsed);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", name);
	return name[0] && !strchr(name, '/') && !access(path, F_OK);
}

static bool is_group(const struct collect *c, int number)
{
	char path[80];

	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%d", number);
	return c->opts->dump || !access(path, F_OK);
}

static void name_device_lock(const struct collect *c, struct vs_ev_task *t)
{
	const struct vs_snap_layout *l = c->layout;
	uint64_t dev = t->lock - (uint64_t)l->device_mutex;
	char name[VS_DEVICE_LEN];

	vs_walk__string(c->mem, vs_mem__pointer(c->mem, dev + l->device_kobj + l->kobj_name),
			name, sizeof(name));
	if (is_device(c, name))
		snprintf(t->lock_name, sizeof(t->lock_name), "device lock of %s", name);
}

static void name_chain_lock(const struct collect *c, struct vs_ev_task *t)
{
	uint64_t group = t->lock - (uint64_t)c->layout->iommu_group_notifier;
	int32_t id;

	if (c->layout->iommu_group_notifier < 0 || c->layout->iommu_group_id < 0 ||
	    vs_mem__read(c->mem, group + c->layout->iommu_group_id, &id, sizeof(id)) || id < 0)
		return;
	if (!is_group(c, id))
		return;
	t->lock_group = id;
	snprintf(t->lock_name, sizeof(t->lock_name), "notifier chain of IOMMU group %d", id);
}

static bool is_in_chain(const struct vs_ev_task *t)
{
	for (size_t i = 0; i < t->nr_frames && i < WAITING_FRAMES; i++)
		if (vs_frame__flags(t->frames[i]) & (VS_FRAME_CHAIN | VS_FRAME_CALL))
			return true;
	return false;
}

static void name_lock(struct collect *c, struct vs_ev_task *t)
{
	const struct vs_why_name *name;

	if (!t->lock)
		return;
	name = vs_why_names__of(c->names, t->lock);
	if (name && strncmp(name->text, "0x", 2))
		snprintf(t->lock_name, sizeof(t->lock_name), "lock %.74s", name->text);
	else if (t->lock_kind == VS_EV_MUTEX)
		name_device_lock(c, t);
	else if (is_in_chain(t))
		name_chain_lock(c, t);
}

static void take_locks(struct collect *c, const struct vs_stack_row *row, struct vs_ev_task *t)
{
	struct vs_locks locks = { c->mem, c->layout, c->space, collect_is_task, c };

	t->lock_kind = lock_kind(c, row);
	if (!c->mem || !row->state)
		return;
	/* A semaphore's waiters look like those of a mutex, and it has no owner. */
	if (flags_of(c, row, WAITING_FRAMES) & VS_FRAME_SEMAPHORE)
		t->lock_kind = VS_EV_NO_LOCK;
	else if (t->state == 'D' || t->lock_kind != VS_EV_NO_LOCK)
		vs_locks__wait(&locks, row, outer_of(c, row), t);
	name_lock(c, t);
	if (flags_of(c, row, VS_STACK_LEN) & (VS_FRAME_DRIVER | VS_FRAME_VFIO))
		vs_locks__held(&locks, row, t);
}

int collect_take_task(struct collect *c, const struct vs_stack_row *row, struct vs_ev_task *t)
{
	t->address = row->task;
	t->tid = row->tid;
	t->tgid = row->tgid;
	t->parent = row->parent;
	t->state = collect_state_letter(row->state);
	t->kernel_thread = row->flags & PF_KTHREAD;
	t->lock_group = -1;
	memcpy(t->comm, row->comm, sizeof(t->comm));
	collect_take_times(c, row, t);
	if (take_frames(c, row, t))
		return -ENOMEM;
	take_locks(c, row, t);
	return 0;
}

static int add_task(struct collect *c, const struct vs_stack_row *row)
{
	struct vs_ev_task *t = vs_rows__add(&c->e->tasks, &c->e->nr_tasks, sizeof(*t));

	return t ? collect_take_task(c, row, t) : -ENOMEM;
}

static bool is_kept(const struct vs_evidence *e, uint64_t address)
{
	return vs_evidence__task_at(e, address);
}

/* Adds the owners of the locks that they wait for, even if an owner runs or sleeps elsewhere. */
static int add_owners(struct collect *c)
{
	int err = 0;

	for (size_t i = 0; !err && i < c->e->nr_tasks && c->e->nr_tasks < MAX_KEPT; i++) {
		uint64_t owner = c->e->tasks[i].owner;

		for (size_t j = 0; owner && j < c->nr_rows; j++)
			if (c->rows[j].task == owner && !is_kept(c->e, owner)) {
				err = add_task(c, &c->rows[j]);
				break;
			}
	}
	return err;
}

/* Adds the workers that keep deferred puts waiting, and those that run them. */
int collect_add_workers(struct collect *c)
{
	const struct vs_evidence *e = c->e;
	int err = 0;

	for (size_t i = 0; !err && i < c->nr_rows && e->nr_tasks < MAX_KEPT; i++) {
		bool wanted = false;

		for (size_t j = 0; j < e->nr_works; j++)
			wanted |= e->works[j].worker == c->rows[i].task;
		for (size_t j = 0; j < e->nr_workers && j < MAX_WORKERS; j++)
			wanted |= e->workers[j].task == c->rows[i].task;
		if (wanted && !is_kept(e, c->rows[i].task))
			err = add_task(c, &c->rows[i]);
	}
	return err;
}

/* Many tasks sleep uninterruptibly for reasons that are not VFIO's. */
static void drop_if_alien(struct collect *c, const struct vs_stack_row *row)
{
	struct vs_ev_task *t = &c->e->tasks[c->e->nr_tasks - 1];

	if (t->lock_kind != VS_EV_NO_LOCK || is_asked(c, row) || is_waiter(c, row) ||
	    flags_of(c, row, VS_STACK_LEN) & OURS)
		return;
	free(t->frames);
	memset(t, 0, sizeof(*t));
	c->e->nr_tasks--;
}

int collect_add_tasks(struct collect *c)
{
	int err = 0;

	for (size_t i = 0; !err && i < c->nr_rows; i++) {
		if (!is_of_interest(c, &c->rows[i]))
			continue;
		if (c->e->nr_tasks == MAX_KEPT) {
			collect_say(c->e, "only the first %d tasks that wait were looked at", MAX_KEPT);
			break;
		}
		err = add_task(c, &c->rows[i]);
		if (!err)
			drop_if_alien(c, &c->rows[i]);
	}
	return err ?: add_owners(c);
}

// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "snapshot/walk.h"
#include "why/locks.h"

#define STACK_BYTES 16384	/* x86_64 and arm64 with 4 KiB pages; what is above is not mapped */
#define STACK_WORDS (STACK_BYTES / 8)
#define OWNER_FLAGS 7ull	/* of both kinds, kernel/locking/ */
#define READER_OWNED 1ull	/* of an rwsem */
#define MAX_WAITERS 1024	/* of one lock */

struct stack {
	uint64_t base;
	size_t nr;
	uint64_t words[STACK_WORDS];
};

static void read_stack(const struct vs_mem *mem, uint64_t base, struct stack *s)
{
	s->base = base;
	for (s->nr = 0; s->nr < STACK_WORDS; s->nr += VS_PEEK_BLOCK / 8)
		if (vs_mem__read(mem, base + 8 * s->nr, &s->words[s->nr], VS_PEEK_BLOCK))
			break;
}

struct kind {
	enum vs_ev_lock lock;
	int list, task;		/* in the waiter */
	int waiters, owner;	/* in the lock */
};

static struct kind kind_of(const struct vs_snap_layout *l, enum vs_ev_lock lock)
{
	if (lock == VS_EV_MUTEX)
		return (struct kind){ lock, l->mutex_waiter_list, l->mutex_waiter_task,
				      l->mutex_waiters, l->mutex_owner };
	return (struct kind){ lock, l->rwsem_waiter_list, l->rwsem_waiter_task, l->rwsem_waiters,
			      l->rwsem_owner };
}

static bool is_known(const struct kind *k)
{
	return k->list >= 0 && k->task >= 0 && k->waiters >= 0 && k->owner >= 0;
}

/* Linked in both directions: what is left over from an earlier wait is not. */
static bool is_linked(const struct vs_mem *mem, uint64_t node)
{
	uint64_t link[2];

	return !vs_mem__read(mem, node, link, sizeof(link)) && link[0] != node &&
	       vs_mem__pointer(mem, link[0] + 8) == node && vs_mem__pointer(mem, link[1]) == node;
}

/* From waiter to waiter, until something is none: that is the head, inside the lock. */
static uint64_t find_lock(const struct vs_locks *s, const struct kind *k, uint64_t node)
{
	for (int i = 0; i < MAX_WAITERS; i++) {
		node = vs_mem__pointer(s->mem, node);
		if (!node)
			return 0;
		if (!s->is_task(s->ctx, vs_mem__pointer(s->mem, node - k->list + k->task)))
			return node - k->waiters;
	}
	return 0;
}

static uint64_t search(const struct vs_locks *s, const struct kind *k, const struct stack *stack,
		       uint64_t task)
{
	for (size_t i = 0; i < stack->nr; i++) {
		uint64_t node = stack->base + 8 * i - k->task + k->list;

		if (stack->words[i] == task && is_linked(s->mem, node))
			return find_lock(s, k, node);
	}
	return 0;
}

static void take_owner(const struct vs_locks *s, const struct kind *k, struct vs_ev_task *t)
{
	uint64_t word = vs_mem__pointer(s->mem, t->lock + k->owner);

	t->owner = s->is_task(s->ctx, word & ~OWNER_FLAGS) ? word & ~OWNER_FLAGS : 0;
	t->owner_reads = k->lock == VS_EV_RWSEM && (word & READER_OWNED);
}

static bool is_outside(const struct stack *stack, uint64_t outer, uint64_t lock)
{
	size_t i = 0;

	while (i < stack->nr && stack->words[i] != outer)
		i++;
	while (++i < stack->nr)
		if (stack->words[i] == lock)
			return true;
	return false;
}

/* The kernel knows it itself, with CONFIG_DETECT_HUNG_TASK_BLOCKER (v6.15). */
static uint64_t blocker(const struct vs_stack_row *row, enum vs_ev_lock kind)
{
	enum { TYPE_MUTEX, TYPE_SEMAPHORE, TYPE_RWSEM_READER, TYPE_RWSEM_WRITER, TYPES = 3 };
	unsigned int type = row->blocker & TYPES;

	if (type == TYPE_SEMAPHORE || (type == TYPE_MUTEX) != (kind == VS_EV_MUTEX))
		return 0;
	return row->blocker & ~(uint64_t)TYPES;
}

void vs_locks__wait(const struct vs_locks *s, const struct vs_stack_row *row, uint64_t outer,
		    struct vs_ev_task *t)
{
	struct kind k = kind_of(s->layout, t->lock_kind);
	struct stack stack;

	if (t->lock_kind == VS_EV_NO_LOCK)
		return;
	read_stack(s->mem, row->stack, &stack);
	if (is_known(&k))
		t->lock = search(s, &k, &stack, row->task);
	if (!t->lock)
		t->lock = blocker(row, t->lock_kind);
	if (!t->lock || k.owner < 0)
		return;
	take_owner(s, &k, t);
	t->lock_outside = outer && is_outside(&stack, outer, t->lock);
}

/* -- devices -- */

static bool is_kernel_pointer(uint64_t word)
{
	return word >> 48 == 0xffff && !(word & 7);
}

static bool is_listed(const struct vs_ev_task *t, const char *name)
{
	for (size_t i = 0; i < t->nr_locked; i++)
		if (!strcmp(t->locked[i].name, name))
			return true;
	return false;
}

/* Something else with a lock of this task at that place has no such name. */
static void add_device(const struct vs_locks *s, uint64_t dev, struct vs_ev_task *t)
{
	const struct vs_snap_layout *l = s->layout;
	struct vs_ev_locked d = {};
	uint64_t driver;

	vs_walk__string(s->mem, vs_mem__pointer(s->mem, dev + l->device_kobj + l->kobj_name),
			d.name, sizeof(d.name));
	if (!d.name[0] || strspn(d.name, "0123456789abcdefABCDEF:.-_") != strlen(d.name) ||
	    is_listed(t, d.name) || t->nr_locked == VS_EV_DEVICES)
		return;
	driver = vs_mem__pointer(s->mem, dev + l->dev_driver);
	if (driver)
		vs_walk__string(s->mem, vs_mem__pointer(s->mem, driver + l->driver_name),
				d.driver, sizeof(d.driver));
	t->locked[t->nr_locked++] = d;
}

void vs_locks__held(const struct vs_locks *s, const struct vs_stack_row *row, struct vs_ev_task *t)
{
	uint64_t devices[STACK_WORDS], at[STACK_WORDS], owners[STACK_WORDS];
	bool ok[STACK_WORDS];
	struct stack stack;
	size_t nr = 0;

	read_stack(s->mem, row->stack, &stack);
	for (size_t i = 0; i < stack.nr; i++) {
		if (!is_kernel_pointer(stack.words[i]) ||
		    stack.words[i] - row->stack < STACK_BYTES)
			continue;
		devices[nr] = stack.words[i];
		at[nr++] = stack.words[i] + s->layout->device_mutex + s->layout->mutex_owner;
	}
	vs_mem__words(s->mem, at, owners, ok, nr);
	for (size_t i = 0; i < nr; i++)
		if (ok[i] && (owners[i] & ~OWNER_FLAGS) == row->task)
			add_device(s, devices[i], t);
}

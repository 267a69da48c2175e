// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "snapshot/kstack.h"
#include "snapshot/walk.h"
#include "why/locks.h"

#define OWNER_FLAGS 7ull	/* of both kinds, kernel/locking/ */
#define READER_OWNED 1ull	/* of an rwsem */
#define MAX_WAITERS 4096	/* of one lock */

struct stack {
	uint64_t base;
	size_t nr;
	uint64_t words[VS_KSTACK_WORDS];
};

static void read_stack(const struct vs_mem *mem, const struct vs_stack_row *row, struct stack *s)
{
	s->base = row->stack;
	s->nr = vs_kstack__read(mem, row, s->words);
}

/*
 * A waiter of either kind begins with its list and its task, and in both kinds of lock the owner
 * stands 16 bytes before the list of waiters. They differ in front of that: an rwsem has its
 * count there.
 */
static bool is_linked(const struct vs_mem *mem, uint64_t node)
{
	uint64_t link[2];

	return !vs_mem__read(mem, node, link, sizeof(link)) && link[0] != node &&
	       vs_mem__pointer(mem, link[0] + 8) == node && vs_mem__pointer(mem, link[1]) == node;
}

struct waiter {
	int list, task;
};

/* Follows the list from waiter to waiter; the entry that is no waiter is the head, inside the lock. */
static uint64_t find_head(const struct vs_locks *s, const struct waiter *w, uint64_t node)
{
	for (int i = 0; i < MAX_WAITERS; i++) {
		node = vs_mem__pointer(s->mem, node);
		if (!node)
			return 0;
		if (!s->is_task(s->ctx, vs_mem__pointer(s->mem, node - w->list + w->task)))
			return node;
	}
	return 0;
}

static uint64_t search(const struct vs_locks *s, const struct waiter *w, const struct stack *stack,
		       uint64_t task)
{
	if (w->list < 0 || w->task < 0)
		return 0;
	for (size_t i = 0; i < stack->nr; i++) {
		uint64_t node = stack->base + 8 * i - w->task + w->list;

		if (stack->words[i] == task && is_linked(s->mem, node))
			return find_head(s, w, node);
	}
	return 0;
}

/*
 * kernel/locking/rwsem.c, v5.3 and later: bit 0 a writer, 1 waiters, 2 handoff, readers from
 * bit 8 on; the owner has bit 0 when it reads. A mutex with waiters has that bit set, too.
 */
static bool is_rwsem(uint64_t count, uint64_t owner)
{
	bool writer = count & 1, reader = count >> 8 && count >> 8 < 1 << 20;

	return count & 2 && !(count & 0xf8) &&
	       (owner & READER_OWNED ? reader && !writer : writer && !reader);
}

static void take_lock(const struct vs_locks *s, uint64_t head, bool sure, struct vs_ev_task *t)
{
	const struct vs_snap_layout *l = s->layout;
	uint64_t at = head - (uint64_t)l->rwsem_waiters;
	bool rwsem = sure ? t->lock_kind == VS_EV_RWSEM
			  : is_rwsem(vs_mem__pointer(s->mem, at),
				     vs_mem__pointer(s->mem, at + (uint64_t)l->rwsem_owner));

	t->lock_kind = rwsem ? VS_EV_RWSEM : VS_EV_MUTEX;
	t->lock = rwsem ? at : head - (uint64_t)l->mutex_waiters;
}

/* The last reader stays named after it has left, and even after its end. */
static void set_owner(const struct vs_locks *s, uint64_t owner, struct vs_ev_task *t)
{
	if (s->is_task(s->ctx, owner))
		t->owner = owner;
	else if (!t->owner_reads && vs_kernel_space__has(&s->space, owner))
		t->dead_owner = owner;
}

static void take_owner(const struct vs_locks *s, struct vs_ev_task *t)
{
	bool rwsem = t->lock_kind == VS_EV_RWSEM;
	int owner = rwsem ? s->layout->rwsem_owner : s->layout->mutex_owner;
	uint64_t word = vs_mem__pointer(s->mem, t->lock + (uint64_t)owner);

	t->owner_reads = rwsem && (word & READER_OWNED);
	set_owner(s, word & ~OWNER_FLAGS, t);
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

/*
 * The kernel knows it itself, with CONFIG_DETECT_HUNG_TASK_BLOCKER (v6.15; semaphores and rwsems
 * v6.16). A semaphore has no owner, and its waiters look as those of the others.
 */
static bool take_blocker(const struct vs_stack_row *row, struct vs_ev_task *t)
{
	enum { TYPE_MUTEX, TYPE_SEMAPHORE, TYPES = 3 };
	unsigned int type = row->blocker & TYPES;

	if (!row->blocker)
		return false;
	t->lock_kind = type == TYPE_SEMAPHORE ? VS_EV_NO_LOCK :
		       type == TYPE_MUTEX ? VS_EV_MUTEX : VS_EV_RWSEM;
	t->lock = type == TYPE_SEMAPHORE ? 0 : row->blocker & ~(uint64_t)TYPES;
	return true;
}

static struct waiter waiter_of(const struct vs_snap_layout *l, bool rwsem)
{
	return rwsem ? (struct waiter){ l->rwsem_waiter_list, l->rwsem_waiter_task }
		     : (struct waiter){ l->mutex_waiter_list, l->mutex_waiter_task };
}

/*
 * With CONFIG_SCHED_PROXY_EXEC (v6.17) an unlock of a mutex may wake another than the first. There the
 * two members of a runqueue are at places of their own.
 */
static bool wakes_first(const struct vs_snap_layout *l, bool rwsem)
{
	return rwsem || l->rq_donor < 0 || l->rq_donor == l->rq_curr;
}

/* The lock names its first waiter by a list, or (v7) by a pointer. */
static bool is_first(const struct vs_locks *s, uint64_t task, const struct vs_ev_task *t)
{
	const struct vs_snap_layout *l = s->layout;
	bool rwsem = t->lock_kind == VS_EV_RWSEM;
	int first = rwsem ? l->rwsem_first : l->mutex_first;
	int list = rwsem ? l->rwsem_waiters : l->mutex_waiters;
	struct waiter w = waiter_of(l, rwsem);
	uint64_t waiter = 0;

	if (first >= 0)
		waiter = vs_mem__pointer(s->mem, t->lock + (uint64_t)first);
	else if (list >= 0 && w.list >= 0)
		waiter = vs_mem__pointer(s->mem, t->lock + (uint64_t)list) - (uint64_t)w.list;
	return waiter && w.task >= 0 && wakes_first(l, rwsem) &&
	       vs_mem__pointer(s->mem, waiter + (uint64_t)w.task) == task;
}

/* v7 (seen in 7.3) has no list of waiters with a head in the lock: the kernel has to say it. */
static void search_stack(const struct vs_locks *s, const struct stack *stack, uint64_t task,
			 struct vs_ev_task *t)
{
	const struct vs_snap_layout *l = s->layout;
	struct waiter mutex = waiter_of(l, false), rwsem = waiter_of(l, true);
	uint64_t head;

	if (l->rwsem_waiters < 0)
		return;
	head = search(s, &rwsem, stack, task);
	if (!head && l->mutex_waiters >= 0)
		head = search(s, &mutex, stack, task);
	if (head)
		take_lock(s, head, t->lock_kind == VS_EV_RWSEM || l->mutex_waiters < 0, t);
}

/* -- with PREEMPT_RT -- */

#define RT_HAS_WAITERS 1ull

static bool is_rt(const struct vs_snap_layout *l)
{
	return l->mutex_rt >= 0 && l->rt_owner >= 0;
}

/* The task's own structure tells the waiter that it sleeps in; 0: none. */
static uint64_t rt_waiter_of(const struct vs_locks *s, uint64_t task)
{
	const struct vs_snap_layout *l = s->layout;
	uint64_t waiter;

	if (l->task_blocked_on < 0 || l->rt_waiter_task < 0 || l->rt_waiter_lock < 0)
		return 0;
	waiter = vs_mem__pointer(s->mem, task + (uint64_t)l->task_blocked_on);
	if (!waiter || vs_mem__pointer(s->mem, waiter + (uint64_t)l->rt_waiter_task) != task)
		return 0;
	return waiter;
}

/* An unlock wakes the leftmost waiter of the tree. */
static bool rt_is_first(const struct vs_locks *s, uint64_t lock, uint64_t waiter)
{
	const struct vs_snap_layout *l = s->layout;
	int node = l->rt_waiter_tree >= 0 ? l->rt_waiter_tree : l->rt_waiter_entry;

	return node >= 0 && l->rt_waiters >= 0 && l->root_leftmost >= 0 &&
	       vs_mem__pointer(s->mem, lock + (uint64_t)(l->rt_waiters + l->root_leftmost)) ==
		       waiter + (uint64_t)node;
}

/* kernel/locking/rwbase_rt.c: without either bias there are so many readers. */
static bool has_readers(const struct vs_locks *s, uint64_t rwsem)
{
	const struct vs_snap_layout *l = s->layout;
	int32_t readers;

	return l->rwbase_readers >= 0 &&
	       !vs_mem__read(s->mem, rwsem + (uint64_t)(l->rwsem_rwbase + l->rwbase_readers),
			     &readers, sizeof(readers)) && readers > 0 && readers < 1 << 20;
}

/*
 * A writer owns the rt_mutex of the rwsem already while it waits for the readers to leave, which the lock
 * does not name: the rwsem is one whose address is on the stack and whose owner is the task.
 */
static uint64_t rt_rwsem_on(const struct vs_locks *s, const struct stack *stack, uint64_t task)
{
	const struct vs_snap_layout *l = s->layout;
	uint64_t owner = (uint64_t)(l->rwsem_rwbase + l->rwbase_rt + l->rt_owner);

	for (size_t i = 0; i < stack->nr; i++) {
		uint64_t word = stack->words[i];

		if (vs_kernel_space__has(&s->space, word) &&
		    (vs_mem__pointer(s->mem, word + owner) & ~RT_HAS_WAITERS) == task &&
		    has_readers(s, word))
			return word;
	}
	return 0;
}

static void rt_wait(const struct vs_locks *s, const struct vs_stack_row *row,
		    const struct stack *stack, struct vs_ev_task *t)
{
	const struct vs_snap_layout *l = s->layout;
	bool rwsem = t->lock_kind == VS_EV_RWSEM && l->rwsem_rwbase >= 0 && l->rwbase_rt >= 0;
	uint64_t waiter = rt_waiter_of(s, row->task), owner;
	uint64_t lock = waiter ? vs_mem__pointer(s->mem, waiter + (uint64_t)l->rt_waiter_lock) : 0;

	if (lock) {
		owner = vs_mem__pointer(s->mem, lock + (uint64_t)l->rt_owner) & ~RT_HAS_WAITERS;
		set_owner(s, owner, t);
		t->lock_kind = rwsem ? VS_EV_RWSEM : VS_EV_MUTEX;
		t->lock = lock - (uint64_t)(rwsem ? l->rwsem_rwbase + l->rwbase_rt : l->mutex_rt);
		t->is_first = rt_is_first(s, lock, waiter);
	} else if (rwsem) {
		t->lock = rt_rwsem_on(s, stack, row->task);
	}
}

void vs_locks__wait(const struct vs_locks *s, const struct vs_stack_row *row, uint64_t outer,
		    struct vs_ev_task *t)
{
	struct stack stack;

	if (!is_rt(s->layout) && (s->layout->mutex_owner < 0 || s->layout->rwsem_owner < 0))
		return;
	read_stack(s->mem, row, &stack);
	if (is_rt(s->layout))
		rt_wait(s, row, &stack, t);
	else if (!take_blocker(row, t))
		search_stack(s, &stack, row->task, t);
	if (!t->lock)
		return;
	if (!is_rt(s->layout)) {
		take_owner(s, t);
		t->is_first = is_first(s, row->task, t);
	}
	t->lock_outside = outer && is_outside(&stack, outer, t->lock);
}

bool vs_locks__still_names(const struct vs_locks *s, const struct vs_ev_task *t)
{
	const struct vs_snap_layout *l = s->layout;
	bool rwsem = t->lock_kind == VS_EV_RWSEM;
	int owner = is_rt(l) ? (rwsem ? l->rwsem_rwbase + l->rwbase_rt : l->mutex_rt) + l->rt_owner
		  : rwsem    ? l->rwsem_owner
			     : l->mutex_owner;
	uint64_t word = vs_mem__pointer(s->mem, t->lock + (uint64_t)owner);

	return (word & ~OWNER_FLAGS) == t->dead_owner && !(rwsem && (word & READER_OWNED));
}

/* -- devices -- */

static bool is_listed(const struct vs_ev_task *t, const char *name)
{
	for (size_t i = 0; i < t->nr_locked; i++)
		if (!strcmp(t->locked[i].name, name))
			return true;
	return false;
}

/*
 * Something else with a lock of this task at that place has no such name. Those of classes, as the
 * "1" of /dev/vfio/1 that a release has just destroyed, are plain numbers or words.
 */
static void add_device(const struct vs_locks *s, uint64_t dev, struct vs_ev_task *t)
{
	const struct vs_snap_layout *l = s->layout;
	struct vs_ev_locked d = {};
	uint64_t driver;

	vs_walk__string(s->mem, vs_mem__pointer(s->mem, dev + l->device_kobj + l->kobj_name),
			d.name, sizeof(d.name));
	if (!d.name[0] || strspn(d.name, "0123456789abcdefABCDEF:.-_") != strlen(d.name) ||
	    !strpbrk(d.name, ":-.") || is_listed(t, d.name) || t->nr_locked == VS_EV_DEVICES)
		return;
	driver = vs_mem__pointer(s->mem, dev + l->dev_driver);
	if (driver)
		vs_walk__string(s->mem, vs_mem__pointer(s->mem, driver + l->driver_name),
				d.driver, sizeof(d.driver));
	t->locked[t->nr_locked++] = d;
}

static int owner_of_mutex(const struct vs_snap_layout *l)
{
	return is_rt(l) ? l->mutex_rt + l->rt_owner : l->mutex_owner;
}

void vs_locks__held(const struct vs_locks *s, const struct vs_stack_row *row, struct vs_ev_task *t)
{
	int owner = owner_of_mutex(s->layout);
	uint64_t devices[VS_KSTACK_WORDS], at[VS_KSTACK_WORDS], owners[VS_KSTACK_WORDS];
	bool ok[VS_KSTACK_WORDS];
	struct stack stack;
	size_t nr = 0;

	if (owner < 0 || s->layout->device_mutex < 0)
		return;
	read_stack(s->mem, row, &stack);
	for (size_t i = 0; i < stack.nr; i++) {
		if (!vs_kernel_space__has(&s->space, stack.words[i]) ||
		    stack.words[i] - row->stack < vs_kstack__bytes(row))
			continue;
		devices[nr] = stack.words[i];
		at[nr++] = stack.words[i] + (uint64_t)(s->layout->device_mutex + owner);
	}
	vs_mem__words(s->mem, at, owners, ok, nr);
	for (size_t i = 0; i < nr; i++)
		if (ok[i] && (owners[i] & ~OWNER_FLAGS) == row->task)
			add_device(s, devices[i], t);
}

// SPDX-License-Identifier: GPL-2.0
/* What why reads: locks in a made-up memory, and /proc that does not answer. */
#include <errno.h>
#include <linux/perf_event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/host.h"
#include "snapshot/kstack.h"
#include "why/collect_priv.h"
#include "why/locks.h"
#include "why/proc.h"
#include "why/running.h"

/* -- locks, in a made-up memory -- */

#define BASE 0xffff888000000000ull
#define STACK (BASE + 0x4000)
#define TASK(n) (BASE + 0x10000 + 0x100 * (n))

static uint64_t words[0x4000];

static int mem_read(void *ctx, uint64_t address, void *buf, size_t len)
{
	(void)ctx;
	if (address < BASE || address + len > BASE + sizeof(words) || address % 8)
		return -EFAULT;
	memcpy(buf, (char *)words + (address - BASE), len);
	return 0;
}

static void mem_words(void *ctx, const uint64_t *addresses, uint64_t *values, bool *ok, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		ok[i] = !mem_read(ctx, addresses[i], &values[i], 8);
}

static bool is_task(void *ctx, uint64_t address)
{
	(void)ctx;
	return address == TASK(1) || address == TASK(2);
}

static void put(uint64_t address, uint64_t value)
{
	words[(address - BASE) / 8] = value;
}

static const struct vs_mem mem = { mem_read, mem_words, NULL };
static struct vs_snap_layout layout;

static void set_up_memory(void)
{
	memset(words, 0, sizeof(words));
	memset(&layout, 0xff, sizeof(layout));
	layout.mutex_owner = 0;
	layout.mutex_waiters = 16;
	layout.rwsem_owner = 8;
	layout.rwsem_waiters = 24;
	layout.mutex_waiter_list = layout.rwsem_waiter_list = 0;
	layout.mutex_waiter_task = layout.rwsem_waiter_task = 16;
	layout.device_mutex = 0x80;
	layout.device_kobj = 0;
	layout.kobj_name = 0;
	layout.dev_driver = 0x68;
	layout.driver_name = 0;
}

/* Task 1 waits in the list whose head is at @head. */
static void wait_at(uint64_t head)
{
	uint64_t waiter = STACK + 0x2000;

	put(head, waiter);
	put(head + 8, waiter);
	put(waiter, head);
	put(waiter + 8, head);
	put(waiter + 16, TASK(1));
}

static struct vs_ev_task wait_of(uint64_t outer)
{
	struct vs_locks locks = { &mem, &layout, { BASE }, is_task, NULL };
	struct vs_stack_row row = { .task = TASK(1), .stack = STACK, .state = 2 };
	struct vs_ev_task t = { .address = TASK(1) };

	vs_locks__wait(&locks, &row, outer, &t);
	return t;
}

static void test_mutex(void **state)
{
	uint64_t mutex = BASE + 0x100;
	struct vs_ev_task t;

	(void)state;
	set_up_memory();
	put(mutex - 8, 0xffffffff);	/* what stands before it may look like a count */
	put(mutex, TASK(2) | 1);
	wait_at(mutex + 16);
	t = wait_of(0);
	assert_int_equal(t.lock_kind, VS_EV_MUTEX);
	assert_int_equal(t.lock, mutex);
	assert_int_equal(t.owner, TASK(2));
}

/* With KASAN a stack is twice as large, and its outer frames are in its upper half. */
static void test_a_large_stack(void **state)
{
	struct vs_locks locks = { &mem, &layout, { BASE }, is_task, NULL };
	struct vs_stack_row row = { .task = TASK(1), .stack = STACK, .state = 2, .stack_pages = 8 };
	uint64_t mutex = BASE + 0x100, waiter = STACK + 0x6000;
	struct vs_ev_task t = { .address = TASK(1) };

	(void)state;
	set_up_memory();
	put(mutex, TASK(2) | 1);
	put(mutex + 16, waiter);
	put(mutex + 24, waiter);
	put(waiter, mutex + 16);
	put(waiter + 8, mutex + 16);
	put(waiter + 16, TASK(1));
	vs_locks__wait(&locks, &row, 0, &t);
	assert_int_equal(t.lock, mutex);
	assert_int_equal(vs_kstack__bytes(&row), 8 * sysconf(_SC_PAGESIZE));
	/* Where it is not known, what is behind 16 KiB may be another's. */
	row.stack_pages = 0;
	t = (struct vs_ev_task){ .address = TASK(1) };
	vs_locks__wait(&locks, &row, 0, &t);
	assert_int_equal(t.lock, 0);
	row.stack_pages = 1 << 30; /* read from memory that has something else by now */
	assert_int_equal(vs_kstack__bytes(&row), VS_KSTACK_MOST);
}

/* Its owner has ended with it. The last reader of an rwsem may be gone as well, and that is well. */
static void test_dead_owner(void **state)
{
	struct vs_locks locks = { &mem, &layout, { BASE }, is_task, NULL };
	uint64_t mutex = BASE + 0x100, sem = BASE + 0x200;
	struct vs_ev_task t;

	(void)state;
	set_up_memory();
	put(mutex, TASK(7) | 1);
	wait_at(mutex + 16);
	t = wait_of(0);
	assert_int_equal(t.owner, 0);
	assert_int_equal(t.dead_owner, TASK(7));
	assert_true(vs_locks__still_names(&locks, &t));
	put(mutex, TASK(2) | 1);
	assert_false(vs_locks__still_names(&locks, &t));
	put(mutex, 1);		/* free */
	assert_int_equal(wait_of(0).dead_owner, 0);
	set_up_memory();
	put(sem, 0x102);
	put(sem + 8, TASK(7) | 1);
	wait_at(sem + 24);
	assert_int_equal(wait_of(0).dead_owner, 0);
	put(sem, 3);
	put(sem + 8, TASK(7));
	assert_int_equal(wait_of(0).dead_owner, TASK(7));
}

static void test_the_first_waiter(void **state)
{
	uint64_t mutex = BASE + 0x100, other = STACK + 0x800;

	(void)state;
	set_up_memory();
	put(mutex, TASK(7) | 1);
	wait_at(mutex + 16);
	assert_true(wait_of(0).is_first);
	/* Another one before it. */
	put(mutex + 16, other);
	put(other, STACK + 0x2000);
	put(other + 8, mutex + 16);
	put(other + 16, TASK(2));
	put(STACK + 0x2000 + 8, other);
	assert_int_equal(wait_of(0).lock, mutex);
	assert_false(wait_of(0).is_first);
}

/* The memory of a task that has ended may be a new task's: then the lock names somebody who never had it. */
static void test_a_new_task_in_a_dead_owners_memory(void **state)
{
	const struct vs_ev_task waiter = { .address = TASK(1), .lock = BASE, .owner = TASK(2), .is_first = true,
					   .waited_ns = 2036798189, .age_ns = 2270972499 };
	struct vs_ev_task tasks[2] = { waiter, { .address = TASK(2), .age_ns = 1966690229 } };
	struct vs_evidence e = { .tasks = tasks, .nr_tasks = 2 };

	(void)state;
	collect_bury_owners(&e);
	assert_int_equal(tasks[0].owner, 0);
	assert_int_equal(tasks[0].dead_owner, TASK(2));
	tasks[0] = waiter;
	tasks[1].age_ns = waiter.waited_ns;	/* too near to be told apart */
	collect_bury_owners(&e);
	assert_int_equal(tasks[0].owner, TASK(2));
	tasks[1].age_ns = VS_EV_UNKNOWN;
	collect_bury_owners(&e);
	assert_int_equal(tasks[0].owner, TASK(2));
	tasks[1].age_ns = 1000;
	tasks[0].is_first = false;		/* the first one was woken, maybe */
	collect_bury_owners(&e);
	assert_int_equal(tasks[0].owner, TASK(2));
	/* The new task works at the device: it has taken the lock, over the head of one who gave up. */
	tasks[0] = waiter;
	strcpy(tasks[0].lock_name, "device lock of 0000:00:05.0");
	strcpy(tasks[1].locked[0].name, "0000:00:05.0");
	tasks[1].nr_locked = 1;
	collect_bury_owners(&e);
	assert_int_equal(tasks[0].owner, TASK(2));
	tasks[1].lock = BASE;	/* or only wants it, too */
	collect_bury_owners(&e);
	assert_int_equal(tasks[0].dead_owner, TASK(2));
	tasks[0] = waiter;
	tasks[0].owner_reads = true;
	collect_bury_owners(&e);
	assert_int_equal(tasks[0].owner, TASK(2));
	assert_int_equal(tasks[0].dead_owner, 0);
}

/* Who polls may have had a CPU after we got ours: that is no time that is not known. */
static void test_a_wait_that_is_younger_than_our_run(void **state)
{
	struct collect c = { .now_ns = 5000 };
	struct vs_stack_row row = { .state = 2, .arrival_ns = 3000, .now_ns = 2000, .start_ns = 1000 };
	struct vs_ev_task t;

	(void)state;
	collect_take_times(&c, &row, &t);
	assert_int_equal(t.waited_ns, 0);
	assert_int_equal(t.age_ns, 4000);
	row.now_ns = 3500;
	collect_take_times(&c, &row, &t);
	assert_int_equal(t.waited_ns, 500);
	row.arrival_ns = 0;
	collect_take_times(&c, &row, &t);
	assert_int_equal(t.waited_ns, VS_EV_UNKNOWN);
}

static void test_rwsem(void **state)
{
	uint64_t sem = BASE + 0x100;
	struct vs_ev_task t;

	(void)state;
	set_up_memory();
	put(sem, 0x102);
	put(sem + 8, TASK(1) | 1);
	put(STACK + 0x2100, 0xffffffff81234567);
	put(STACK + 0x2180, sem);
	wait_at(sem + 24);
	t = wait_of(0xffffffff81234567);
	assert_int_equal(t.lock_kind, VS_EV_RWSEM);
	assert_int_equal(t.lock, sem);
	assert_int_equal(t.owner, TASK(1));
	assert_true(t.owner_reads);
	assert_true(t.lock_outside);
	put(STACK + 0x2180, 0);
	put(STACK + 0x2080, sem);	/* inside of that frame proves nothing */
	assert_false(wait_of(0xffffffff81234567).lock_outside);
}

static struct vs_ev_task blocked_by(uint64_t blocker)
{
	struct vs_locks locks = { &mem, &layout, { BASE }, is_task, NULL };
	struct vs_stack_row row = { .task = TASK(1), .stack = STACK, .state = 2,
				    .blocker = blocker };
	struct vs_ev_task t = { .address = TASK(1) };

	vs_locks__wait(&locks, &row, 0, &t);
	return t;
}

/* A waiter of a semaphore stands in a list as that of a mutex; what is before it is no owner. */
static void test_semaphore(void **state)
{
	uint64_t semaphore = BASE + 0x108;

	(void)state;
	set_up_memory();
	put(semaphore - 8, TASK(2));
	wait_at(semaphore + 8);
	assert_int_equal(wait_of(0).owner, TASK(2));	/* if nobody says what it is */
	assert_int_equal(blocked_by(semaphore | 1).lock_kind, VS_EV_NO_LOCK);
	assert_int_equal(blocked_by(semaphore | 1).lock, 0);
	assert_int_equal(blocked_by(semaphore | 1).owner, 0);
}

/* v7: no head of a list in the lock, but the kernel says which lock it is. */
static void test_blocker_without_lists(void **state)
{
	uint64_t mutex = BASE + 0x100;

	(void)state;
	set_up_memory();
	layout.mutex_waiters = layout.rwsem_waiters = -1;
	put(mutex, TASK(2) | 1);
	assert_int_equal(blocked_by(mutex).lock_kind, VS_EV_MUTEX);
	assert_int_equal(blocked_by(mutex).lock, mutex);
	assert_int_equal(blocked_by(mutex).owner, TASK(2));
	put(mutex + 8, TASK(2) | 1);
	assert_true(blocked_by(mutex | 2).owner_reads);
	assert_int_equal(wait_of(0).lock_kind, VS_EV_NO_LOCK);
}

/* v7 names the first waiter by a pointer. An unlock may wake another where tasks can run for others. */
static void test_the_first_waiter_by_a_pointer(void **state)
{
	uint64_t lock = BASE + 0x100, waiter = STACK + 0x2000;

	(void)state;
	set_up_memory();
	layout.mutex_waiters = layout.rwsem_waiters = -1;
	layout.mutex_first = 16;
	layout.rwsem_first = 24;
	put(waiter + 16, TASK(1));
	put(lock, TASK(2) | 1);
	assert_false(blocked_by(lock).is_first);
	put(lock + 16, waiter);
	assert_true(blocked_by(lock).is_first);
	assert_false(blocked_by(lock | 2).is_first);
	layout.rq_curr = layout.rq_donor = 0x28;
	assert_true(blocked_by(lock).is_first);
	layout.rq_donor = 0x20;
	assert_false(blocked_by(lock).is_first);
	put(lock + 24, waiter);
	assert_true(blocked_by(lock | 2).is_first);
	put(waiter + 16, TASK(2));
	assert_false(blocked_by(lock | 2).is_first);
}

/* v6.15 to v6.19: the kernel says the lock, and that has a list. */
static void test_the_first_waiter_of_a_blocker(void **state)
{
	uint64_t mutex = BASE + 0x100;

	(void)state;
	set_up_memory();
	put(mutex, TASK(2) | 1);
	wait_at(mutex + 16);
	assert_true(blocked_by(mutex).is_first);
	put(STACK + 0x2010, TASK(2));
	assert_false(blocked_by(mutex).is_first);
}

/* What an earlier wait left on the stack is linked to nothing. */
static void test_stale_waiter(void **state)
{
	uint64_t sem = BASE + 0x100;

	(void)state;
	set_up_memory();
	wait_at(sem + 24);
	put(sem + 24, sem + 24);
	put(sem + 32, sem + 24);
	assert_int_equal(wait_of(0).lock_kind, VS_EV_NO_LOCK);
}

static void put_text(uint64_t address, const char *text)
{
	strcpy((char *)words + (address - BASE), text);
}

static void test_held_devices(void **state)
{
	struct vs_locks locks = { &mem, &layout, { BASE }, is_task, NULL };
	struct vs_stack_row row = { .task = TASK(1), .stack = STACK, .state = 2 };
	struct vs_ev_task t = { .address = TASK(1) };
	uint64_t mine = BASE + 0x1000, other = BASE + 0x2000;

	(void)state;
	set_up_memory();
	put(STACK + 0x100, mine);
	put(STACK + 0x108, other);
	put(STACK + 0x110, mine);
	put(mine, BASE + 0x3000);
	put_text(BASE + 0x3000, "0000:00:05.0");
	put(mine + 0x68, BASE + 0x3100);
	put(BASE + 0x3100, BASE + 0x3200);
	put_text(BASE + 0x3200, "nvidia");
	put(mine + 0x80, TASK(1) | 1);
	put(other, BASE + 0x3000);
	put(other + 0x80, TASK(2));
	vs_locks__held(&locks, &row, &t);
	assert_int_equal(t.nr_locked, 1);
	assert_string_equal(t.locked[0].name, "0000:00:05.0");
	assert_string_equal(t.locked[0].driver, "nvidia");
}

/* -- PREEMPT_RT: a mutex and a part of an rwsem are an rt_mutex -- */

#define RT_WAITER (STACK + 0x2000)

static void set_up_rt(void)
{
	set_up_memory();
	layout.mutex_owner = layout.mutex_waiters = layout.rwsem_owner = layout.rwsem_waiters = -1;
	layout.mutex_rt = 0;
	layout.rt_owner = 24;
	layout.rwsem_rwbase = layout.rwbase_readers = 0;
	layout.rwbase_rt = 8;
	layout.rt_waiter_task = 80;
	layout.rt_waiter_lock = 88;
	layout.task_blocked_on = 0x40;
}

static void block_on(uint64_t lock)
{
	put(TASK(1) + 0x40, RT_WAITER);
	put(RT_WAITER + 80, TASK(1));
	put(RT_WAITER + 88, lock);
}

static struct vs_ev_task rt_wait_of(enum vs_ev_lock kind)
{
	struct vs_locks locks = { &mem, &layout, { BASE }, is_task, NULL };
	struct vs_stack_row row = { .task = TASK(1), .stack = STACK, .state = 2 };
	struct vs_ev_task t = { .address = TASK(1), .lock_kind = kind };

	vs_locks__wait(&locks, &row, 0, &t);
	return t;
}

static void test_rt_mutex(void **state)
{
	uint64_t mutex = BASE + 0x100;
	struct vs_ev_task t;

	(void)state;
	set_up_rt();
	assert_int_equal(rt_wait_of(VS_EV_NO_LOCK).lock_kind, VS_EV_NO_LOCK);
	put(mutex + 24, TASK(2) | 1);
	block_on(mutex);
	t = rt_wait_of(VS_EV_NO_LOCK);
	assert_int_equal(t.lock_kind, VS_EV_MUTEX);
	assert_int_equal(t.lock, mutex);
	assert_int_equal(t.owner, TASK(2));
	assert_false(t.is_first);
	layout.rt_waiters = 8;
	layout.root_leftmost = 8;
	layout.rt_waiter_entry = 0;
	put(mutex + 16, RT_WAITER);
	assert_true(rt_wait_of(VS_EV_NO_LOCK).is_first);
	layout.rt_waiter_tree = 0x18;
	assert_false(rt_wait_of(VS_EV_NO_LOCK).is_first);
	put(RT_WAITER + 80, TASK(2));	/* the waiter of another: what was read is no such thing */
	assert_int_equal(rt_wait_of(VS_EV_NO_LOCK).lock, 0);
}

static void test_rt_rwsem(void **state)
{
	uint64_t sem = BASE + 0x100;
	struct vs_ev_task t;

	(void)state;
	set_up_rt();
	put(sem + 8 + 24, TASK(2) | 1);
	block_on(sem + 8);
	t = rt_wait_of(VS_EV_RWSEM);
	assert_int_equal(t.lock_kind, VS_EV_RWSEM);
	assert_int_equal(t.lock, sem);
	assert_int_equal(t.owner, TASK(2));
}

/* A writer that waits for readers is blocked on nothing: its own rwsem is on its stack. */
static void test_rt_rwsem_with_readers(void **state)
{
	uint64_t sem = BASE + 0x100;

	(void)state;
	set_up_rt();
	put(STACK + 0x2180, sem);
	put(sem, 2);
	put(sem + 8 + 24, TASK(2) | 1);
	assert_int_equal(rt_wait_of(VS_EV_RWSEM).lock, 0);	/* that of another writer */
	put(sem + 8 + 24, TASK(1));
	assert_int_equal(rt_wait_of(VS_EV_RWSEM).lock, sem);
	assert_int_equal(rt_wait_of(VS_EV_RWSEM).owner, 0);
	put(sem, 1u << 30);	/* it has it */
	assert_int_equal(rt_wait_of(VS_EV_RWSEM).lock, 0);
}

static void test_rt_held_device(void **state)
{
	struct vs_locks locks = { &mem, &layout, { BASE }, is_task, NULL };
	struct vs_stack_row row = { .task = TASK(1), .stack = STACK, .state = 1 };
	struct vs_ev_task t = { .address = TASK(1) };
	uint64_t dev = BASE + 0x1000;

	(void)state;
	set_up_rt();
	put(STACK + 0x100, dev);
	put(dev, BASE + 0x3000);
	put_text(BASE + 0x3000, "0000:00:05.0");
	put(dev + 0x80, TASK(1));	/* where a mutex without PREEMPT_RT has it */
	vs_locks__held(&locks, &row, &t);
	assert_int_equal(t.nr_locked, 0);
	put(dev + 0x80 + 24, TASK(1) | 1);
	vs_locks__held(&locks, &row, &t);
	assert_int_equal(t.nr_locked, 1);
}

/* -- samples of a task that runs -- */

static void put_sample(unsigned char *ring, uint64_t size, uint64_t *head, unsigned int mode,
		       const uint64_t *chain, size_t nr)
{
	struct perf_event_header header = {
		.type = PERF_RECORD_SAMPLE,
		.misc = (uint16_t)mode,
		.size = (uint16_t)(sizeof(header) + 8 + 8 * nr),
	};
	uint64_t body[16] = { nr };

	memcpy(&body[1], chain, 8 * nr);
	for (size_t i = 0; i < header.size; i++, (*head)++)
		ring[*head & (size - 1)] = i < sizeof(header) ? ((unsigned char *)&header)[i] :
					   ((unsigned char *)body)[i - sizeof(header)];
}

static void test_samples(void **state)
{
	uint64_t kernel[] = { (uint64_t)PERF_CONTEXT_KERNEL, 0xffffffff81000010,
			      0xffffffff81000020 };
	uint64_t user[] = { (uint64_t)PERF_CONTEXT_USER, 0x401000 }, head = 240;
	struct vs_running_sample s = {};
	unsigned char ring[256];

	(void)state;
	put_sample(ring, sizeof(ring), &head, PERF_RECORD_MISC_USER, user, 2);
	put_sample(ring, sizeof(ring), &head, PERF_RECORD_MISC_KERNEL, kernel, 3);
	vs_running__read_ring(ring, sizeof(ring), 240, head, &s);
	assert_int_equal(s.nr_user, 1);
	assert_int_equal(s.nr_kernel, 1);
	assert_int_equal(s.nr_frames, 2);
	assert_int_equal(s.frames[0], 0xffffffff81000010);
	memset(&s, 0, sizeof(s));
	vs_running__read_ring(ring, sizeof(ring), 240, head - 8, &s);	/* half of it is there */
	assert_int_equal(s.nr_kernel, 0);
	memset(ring, 0, sizeof(ring));	/* no length: nothing goes on after it */
	vs_running__read_ring(ring, sizeof(ring), 0, 256, &s);
	assert_int_equal(s.nr_kernel, 0);
}

/* -- how wide addresses are -- */

static void check_space(uint64_t direct_map, uint64_t known, uint64_t inside, uint64_t outside)
{
	struct vs_kernel_space space = vs_kernel_space__of(direct_map, &known, 1);

	assert_true(vs_kernel_space__has(&space, known));
	assert_true(vs_kernel_space__has(&space, inside));
	assert_false(vs_kernel_space__has(&space, inside + 4));
	assert_false(vs_kernel_space__has(&space, outside));
}

static void test_kernel_space(void **state)
{
	(void)state;
	/* x86_64: four levels, five levels, both moved by KASLR. */
	check_space(0xffff888000000000, 0xffff888103a40000, 0xffffffff81000000, 0x7ffd1234a000);
	check_space(0xff11000000000000, 0xff11000103a40000, 0xffa0000000123000, 0x00ff7ffd1234a000);
	check_space(0xff2b4c3680000000, 0xff2b4c3783a40000, 0xff7a000000001000, 0xff2b4c3600000000);
	check_space(0xffffbfff00000000, 0xffffc00103a40000, 0xffffbfff00001000, 0x00007fffffffe000);
	/* Where no symbol tells: arm64 with 48, 52 and 39 bits, and with tagged pointers. */
	check_space(0, 0xffff000012340000, 0xffff800080000000, 0x0000ffff12340000);
	check_space(0, 0xfff0000012340000, 0xffff800080000000, 0x000fffff12340000);
	check_space(0, 0xffffff8012340000, 0xffffffc008000000, 0x0000007f12340000);
	check_space(0, 0xf2ff000012340000, 0xf4ff000012340000, 0x0000ffff12340000);
	/* A symbol that does not fit what is seen is not believed. */
	check_space(0xffffc90000000000, 0xffff888103a40000, 0xffff888000001000, 0x7ffd1234a000);
}

/* -- /proc that does not answer -- */

static bool stuck_at_3(void *ctx, size_t i, void *row)
{
	(void)ctx;
	while (i == 3)
		pause();
	*(int *)row = (int)i * 10;
	return i != 5;
}

static struct vs_evidence evidence;

static void test_guarded(void **state)
{
	uint64_t start = vs_host__mono_ns();
	signed char answered[8];
	int rows[8] = {};

	(void)state;
	assert_int_equal(vs_proc__guarded(stuck_at_3, NULL, 8, rows, sizeof(int), answered), 0);
	assert_int_equal(answered[2], 1);
	assert_int_equal(rows[2], 20);
	assert_int_equal(answered[3], -1);
	assert_int_equal(answered[4], 1);
	assert_int_equal(rows[4], 40);
	assert_int_equal(answered[5], 0);
	assert_int_equal(rows[7], 70);
	vs_proc__say_unread(&evidence, answered, 8, "stacks");
	assert_string_equal(evidence.words, "/proc: stacks of 1 not read: it does not answer");
	vs_proc__say_unread(&evidence, answered, 3, "open files");
	assert_null(strstr(evidence.words, "open files"));
	assert_true(vs_host__mono_ns() - start < 10000000000);
}

static bool slow_at_1(void *ctx, size_t i, void *row)
{
	uint64_t end = vs_host__mono_ns() + 500000000;

	(void)ctx;
	while (i == 1 && vs_host__mono_ns() < end)
		;
	*(int *)row = (int)i;
	return true;
}

/* On a host with too much to do a reader waits for a CPU, as one that computes: it is not stuck. */
static void test_a_reader_that_is_ready_to_run(void **state)
{
	signed char answered[3];
	int rows[3] = {};

	(void)state;
	assert_int_equal(vs_proc__guarded(slow_at_1, NULL, 3, rows, sizeof(int), answered), 0);
	assert_int_equal(answered[1], 1);
	assert_int_equal(rows[1], 1);
	assert_int_equal(answered[2], 1);
}

static bool always_stuck(void *ctx, size_t i, void *row)
{
	(void)ctx;
	(void)i;
	(void)row;
	for (;;)
		pause();
	return false;
}

static void test_guarded_gives_up(void **state)
{
	uint64_t start = vs_host__mono_ns();
	signed char answered[100];
	int rows[100];

	(void)state;
	assert_int_equal(vs_proc__guarded(always_stuck, NULL, 100, rows, sizeof(int), answered), 0);
	assert_int_equal(answered[99], -1);
	memset(&evidence, 0, sizeof(evidence));
	vs_proc__say_unread(&evidence, answered, 100, "stacks");
	assert_string_equal(evidence.words, "/proc: stacks of 100 not read: it does not answer, and "
			    "who comes after the third of those was left out");
	assert_true(vs_host__mono_ns() - start < 15000000000);	/* of the 20 s that all would take */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mutex),
		cmocka_unit_test(test_a_large_stack),
		cmocka_unit_test(test_dead_owner),
		cmocka_unit_test(test_the_first_waiter),
		cmocka_unit_test(test_the_first_waiter_by_a_pointer),
		cmocka_unit_test(test_the_first_waiter_of_a_blocker),
		cmocka_unit_test(test_a_new_task_in_a_dead_owners_memory),
		cmocka_unit_test(test_a_wait_that_is_younger_than_our_run),
		cmocka_unit_test(test_rwsem),
		cmocka_unit_test(test_semaphore),
		cmocka_unit_test(test_blocker_without_lists),
		cmocka_unit_test(test_stale_waiter),
		cmocka_unit_test(test_held_devices),
		cmocka_unit_test(test_rt_mutex),
		cmocka_unit_test(test_rt_rwsem),
		cmocka_unit_test(test_rt_rwsem_with_readers),
		cmocka_unit_test(test_rt_held_device),
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_kernel_space),
		cmocka_unit_test(test_guarded),
		cmocka_unit_test(test_a_reader_that_is_ready_to_run),
		cmocka_unit_test(test_guarded_gives_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

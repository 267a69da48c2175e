// SPDX-License-Identifier: GPL-2.0
/* All tasks of a dump, as rows that the running kernel would have given. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/plural.h"
#include "base/rows.h"
#include "core/dump_priv.h"
#include "snapshot/walk.h"

#define MAX_TASKS (1u << 22)	/* PID_MAX_LIMIT of 64-bit kernels */
#define MAX_UPTIME (1ull << 60)	/* ns, 36 years: more is no clock */
#define STACK_BYTES 16384	/* THREAD_SIZE of x86_64 */
#define PF_KTHREAD 0x00200000	/* include/linux/sched.h, the same since v3.0 */

struct listing {
	struct vs_dump *d;
	bool broken;
};

static uint64_t pointer_at(const struct vs_dump *d, uint64_t base, int offset)
{
	return offset < 0 ? 0 : vs_mem__pointer(&d->mem, base + (uint64_t)offset);
}

static uint32_t number_at(const struct vs_dump *d, uint64_t base, int offset)
{
	uint32_t value = 0;

	if (offset >= 0 && vs_mem__read(&d->mem, base + (uint64_t)offset, &value, sizeof(value)))
		value = 0;
	return value;
}

/* -- stacks -- */

static bool runs(const struct vs_dump *d, uint64_t task)
{
	for (size_t i = 0; i < d->nr_running; i++)
		if (d->running[i] == task)
			return true;
	return false;
}

/* The dump has registers by CPU, and each CPU's run queue names the task that it runs. */
static const struct vs_core_cpu *cpu_of(const struct vs_dump *d, const struct vs_stack_row *row)
{
	const struct vs_core_cpu *by_number = NULL;

	for (size_t i = 0; i < d->core.nr_cpus; i++) {
		const struct vs_core_cpu *cpu = &d->core.cpus[i];

		if (cpu->has_regs && !cpu->user && cpu->sp - row->stack < STACK_BYTES)
			return cpu;
		if (cpu->has_regs && i < d->nr_running && d->running[i] == row->task)
			by_number = cpu;
	}
	return by_number;
}

static void start_at(const struct vs_core_cpu *cpu, const struct vs_stack_row *row, struct vs_orc_start *start)
{
	start->ip = cpu->ip;
	start->sp = cpu->sp;
	start->bp = cpu->bp;
	start->signal = true;
	if (cpu->sp - row->stack >= STACK_BYTES)
		start->stack = start->stack_end = 0;	/* on the stack of an interrupt */
}

/* Returns false if the walk did not reach the end of the stack. */
static bool take_stack(struct vs_dump *d, struct vs_stack_row *row)
{
	struct vs_orc_start start = { .stack = row->stack, .stack_end = row->stack + STACK_BYTES };
	const bool now = runs(d, row->task);
	const struct vs_core_cpu *cpu = now ? cpu_of(d, row) : NULL;
	uint64_t frames[VS_STACK_LEN];
	bool whole;

	if (!row->stack || (cpu && cpu->user))
		return true;
	if (cpu)
		start_at(cpu, row, &start);
	else if (now || !vs_orc__of_sleeper(&d->orc, row->task, &start))
		return false;
	row->nr_frames = (int32_t)vs_orc__walk(&d->orc, &start, frames, VS_STACK_LEN, &whole);
	memcpy(row->frames, frames, (size_t)row->nr_frames * sizeof(frames[0]));
	return whole;
}

/* Counts the CPUs: the memory after the last one's offset is something else. */
static size_t count_cpus(const struct vs_dump *d)
{
	uint64_t at = vs_core_image__symbol(&d->image, "nr_cpu_ids");
	uint32_t nr = 0;

	if (!at || vs_mem__read(&d->mem, at, &nr, sizeof(nr)) || !nr || nr > VS_CORE_MAX_CPUS)
		return d->core.nr_cpus;
	return nr;
}

/* Finds the task that each CPU runs, and the latest clock of their run queues. */
static int find_running(struct vs_dump *d)
{
	uint64_t offsets = vs_core_image__symbol(&d->image, "__per_cpu_offset");
	uint64_t queues = vs_core_image__symbol(&d->image, "runqueues");
	size_t nr = offsets && queues ? count_cpus(d) : 0;

	for (size_t cpu = 0; cpu < nr; cpu++) {
		uint64_t offset = vs_mem__pointer(&d->mem, offsets + 8 * cpu);
		uint64_t clock = offset ? pointer_at(d, queues + offset, d->more.rq_clock) : 0;
		uint64_t *row = vs_rows__add(&d->running, &d->nr_running, sizeof(*row));

		if (!row)
			return -ENOMEM;
		*row = offset ? pointer_at(d, queues + offset, d->more.rq_curr) : 0;
		if (clock > d->now_ns && clock < MAX_UPTIME)
			d->now_ns = clock;
	}
	return 0;
}

/* -- rows -- */

static uint32_t state_of(const struct vs_dump *d, uint64_t task)
{
	const struct vs_core_layout *l = &d->more;

	return number_at(d, task, l->task_state >= 0 ? l->task_state : l->task_old_state);
}

/* Later steps may tell more of a running task. They cannot for a sleeping one: the dump is incomplete. */
static int add_torn(struct vs_dump *d, const struct vs_stack_row *row)
{
	uint64_t *task = vs_rows__add(&d->torn, &d->nr_torn, sizeof(*task));

	if (task)
		*task = row->task;
	d->incomplete |= row->state;
	return task ? 0 : -ENOMEM;
}

static int add_row(struct vs_dump *d, uint64_t task)
{
	const struct vs_core_layout *l = &d->more;
	uint64_t parent = pointer_at(d, task, l->task_parent);
	struct vs_stack_row *row = vs_rows__add(&d->rows, &d->nr_rows, sizeof(*row));

	if (!row)
		return -ENOMEM;
	row->task = task;
	row->tid = number_at(d, task, l->task_pid);
	row->tgid = number_at(d, task, l->task_tgid);
	row->parent = parent ? number_at(d, parent, l->task_tgid) : 0;
	row->state = state_of(d, task);
	row->flags = number_at(d, task, l->task_flags);
	row->mm = pointer_at(d, task, l->task_mm);
	row->stack = pointer_at(d, task, l->task_stack);
	row->blocker = pointer_at(d, task, l->task_blocker);
	if (l->task_sched_info >= 0 && l->sched_arrival >= 0)
		row->arrival_ns = pointer_at(d, task, l->task_sched_info + l->sched_arrival);
	row->start_ns = pointer_at(d, task, l->task_start);
	vs_mem__read(&d->mem, task + (uint64_t)l->task_comm, row->comm, sizeof(row->comm));
	row->comm[sizeof(row->comm) - 1] = '\0';
	return take_stack(d, row) ? 0 : add_torn(d, row);
}

/* It checks the links from both ends, as on a host, and reports a list that ends before its head. */
static int each_node(struct listing *l, uint64_t head, int (*each)(struct listing *l, uint64_t node), size_t max)
{
	uint64_t links[2], from = head, at = vs_mem__pointer(&l->d->mem, head);
	int err = 0;

	for (size_t nr = 0; !err && at != head; nr++) {
		if (nr == max || vs_mem__read(&l->d->mem, at, links, sizeof(links)) || links[1] != from) {
			l->broken = true;
			break;
		}
		err = each(l, at);
		from = at;
		at = links[0];
	}
	return err;
}

static int take_thread(struct listing *l, uint64_t node)
{
	if (l->d->nr_rows >= MAX_TASKS)
		return -E2BIG;
	return add_row(l->d, node - (uint64_t)l->d->more.task_thread_node);
}

static int take_process(struct listing *l, uint64_t node)
{
	const struct vs_core_layout *m = &l->d->more;
	uint64_t leader = node - (uint64_t)m->task_tasks;
	uint64_t signal = pointer_at(l->d, leader, m->task_signal);

	if (!signal) {
		l->broken = true;
		return 0;
	}
	return each_node(l, signal + (uint64_t)m->signal_threads, take_thread, MAX_TASKS);
}

static int by_tid(const void *a, const void *b)
{
	const struct vs_stack_row *x = a, *y = b;

	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

/* -- tasks with their own descriptors or memory -- */

static const struct vs_stack_row *leader_of(const struct vs_dump *d, uint32_t tgid)
{
	const struct vs_stack_row key = { .tid = tgid };

	return d->nr_rows ? bsearch(&key, d->rows, d->nr_rows, sizeof(*d->rows), by_tid) : NULL;
}

static int add_task(struct vs_dump *d, const struct vs_stack_row *row)
{
	const struct vs_stack_row *leader = leader_of(d, row->tgid);
	uint64_t files = pointer_at(d, row->task, d->layout.task_files);
	struct vs_task_row *t;

	if (!files && !row->mm)
		return 0;
	if (row->tid != row->tgid && leader && row->mm == leader->mm &&
	    files == pointer_at(d, leader->task, d->layout.task_files))
		return 0;
	t = vs_rows__add(&d->tasks, &d->nr_tasks, sizeof(*t));
	if (!t)
		return -ENOMEM;
	*t = (struct vs_task_row){ .files = files, .mm = row->mm, .tgid = row->tgid, .tid = row->tid,
				   .kernel_thread = !!(row->flags & PF_KTHREAD) };
	memcpy(t->comm, row->comm, sizeof(t->comm));
	return 0;
}

/* Each CPU has a clock of its run queue; the latest of them, and of all who got a CPU, is nearest. */
static void find_now(struct vs_dump *d)
{
	for (size_t i = 0; i < d->nr_rows; i++)
		if (d->rows[i].arrival_ns > d->now_ns && d->rows[i].arrival_ns < MAX_UPTIME)
			d->now_ns = d->rows[i].arrival_ns;
	for (size_t i = 0; i < d->nr_rows; i++)
		d->rows[i].now_ns = d->now_ns;
}

static bool is_known(const struct vs_core_layout *l)
{
	return l->task_tasks >= 0 && l->task_thread_node >= 0 && l->task_signal >= 0 && l->signal_threads >= 0 &&
	       l->task_pid >= 0 && l->task_tgid >= 0 && l->task_comm >= 0 && l->task_stack >= 0;
}

int core_dump__tasks(struct vs_dump *d)
{
	struct listing l = { .d = d };
	uint64_t init = vs_core_image__symbol(&d->image, "init_task");
	int err;

	if (!init || !is_known(&d->more))
		return -ENOENT;
	err = find_running(d) ?: each_node(&l, init + (uint64_t)d->more.task_tasks, take_process, MAX_TASKS);
	if (l.broken)
		core_dump__say(d, "the list of tasks could not be followed to its end");
	if (d->nr_torn)
		core_dump__say(d, "%zu stack%s could not be followed to the end", d->nr_torn, vs_plural(d->nr_torn));
	d->incomplete |= l.broken;
	if (!err && !d->nr_rows)
		err = -EFAULT;
	if (err)
		return err;
	qsort(d->rows, d->nr_rows, sizeof(*d->rows), by_tid);
	find_now(d);
	for (size_t i = 0; i < d->nr_rows && !err; i++)
		err = add_task(d, &d->rows[i]);
	return err;
}

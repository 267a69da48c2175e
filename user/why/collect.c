// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bpf/stacks.h"
#include "host.h"
#include "snapshot/rows.h"
#include "snapshot/walk.h"
#include "sink/words.h"
#include "why/collect.h"
#include "why/fallback.h"
#include "why/locks.h"
#include "why/names.h"
#include "why/proc.h"
#include "why/works.h"

#define PF_KTHREAD 0x00200000		/* include/linux/sched.h, the same since v3.0 */
#define TASK_INTERRUPTIBLE 1		/* these since v4.14 at least */
#define TASK_UNINTERRUPTIBLE 2
#define TASK_STOPPED 4
#define TASK_NOLOAD 0x400
#define MAX_KEPT 8192			/* tasks of interest */
#define WAITING_FRAMES 6		/* a lock is asked for by one of the innermost frames */
#define ANCESTORS 6
#define LATE_US 100000
#define MAX_WORKERS 8			/* whose stacks are kept */

struct collect {
	const struct vs_collect_opts *opts;
	struct vs_evidence *e;
	struct vs_stack_row *rows;	/* in order of tid */
	size_t nr_rows;
	uint64_t *addresses;		/* of the tasks, sorted */
	struct vs_why_names *names;
	int names_error;
	struct vs_snapper *snapper;
	const struct vs_mem *mem;	/* NULL: cannot be read */
	const struct vs_snap_layout *layout;
	uint64_t now_ns;
};

__attribute__((format(printf, 2, 3)))
static void say(struct vs_evidence *e, const char *format, ...)
{
	size_t used = strlen(e->words);
	va_list args;

	if (used && used < sizeof(e->words) - 3)
		used += (size_t)sprintf(e->words + used, "; ");
	va_start(args, format);
	vsnprintf(e->words + used, sizeof(e->words) - used, format, args);
	va_end(args);
}

/* -- rows -- */

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int read_rows(struct collect *c)
{
	if (c->opts->no_bpf)
		return -ENOTSUP;
	c->snapper = vs_snapper__new(NULL);
	if (!c->snapper)
		return -ENOMEM;
	c->rows = vs_snapper__stacks(c->snapper, &c->nr_rows);
	if (!c->rows)
		return -errno;
	c->mem = vs_snapper__memory(c->snapper, &c->layout);
	c->addresses = calloc(c->nr_rows + 1, sizeof(*c->addresses));
	if (!c->addresses)
		return -ENOMEM;
	for (size_t i = 0; i < c->nr_rows; i++)
		c->addresses[i] = c->rows[i].task;
	qsort(c->addresses, c->nr_rows, sizeof(*c->addresses), by_value);
	c->e->nr_seen = (uint32_t)c->nr_rows;
	return 0;
}

static bool is_task(void *ctx, uint64_t address)
{
	const struct collect *c = ctx;

	return address && bsearch(&address, c->addresses, c->nr_rows, sizeof(address), by_value);
}

static int by_tid(const void *key, const void *row)
{
	uint32_t tid = *(const uint32_t *)key, other = ((const struct vs_stack_row *)row)->tid;

	return tid < other ? -1 : tid > other;
}

static const struct vs_stack_row *row_of(const struct collect *c, uint32_t tid)
{
	return c->nr_rows ? bsearch(&tid, c->rows, c->nr_rows, sizeof(*c->rows), by_tid) : NULL;
}

/* -- tasks -- */

static char state_letter(uint32_t state)
{
	if (!state)
		return 'R';
	if (state & TASK_INTERRUPTIBLE)
		return 'S';
	if (state & TASK_UNINTERRUPTIBLE)
		return state & TASK_NOLOAD ? 'I' : 'D';
	return state & TASK_STOPPED ? 'T' : 'Z';
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

static bool is_of_interest(struct collect *c, const struct vs_stack_row *row)
{
	unsigned int flags;

	if (row->tgid == (uint32_t)getpid())
		return false;
	if (state_letter(row->state) == 'D' || is_asked(c, row))
		return true;
	flags = flags_of(c, row, VS_STACK_LEN);
	return flags & (VS_FRAME_VFIO | VS_FRAME_DRIVER | VS_FRAME_CHAIN);
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

static void take_times(const struct collect *c, const struct vs_stack_row *row,
		       struct vs_ev_task *t)
{
	t->waited_ns = t->age_ns = VS_EV_UNKNOWN;
	if (row->state && row->arrival_ns && row->now_ns >= row->arrival_ns)
		t->waited_ns = row->now_ns - row->arrival_ns;
	if (row->start_ns && row->start_ns <= c->now_ns)
		t->age_ns = c->now_ns - row->start_ns;
}

/* In v5.10 those of an rwsem are still seen. */
static enum vs_ev_lock lock_kind(struct collect *c, const struct vs_stack_row *row)
{
	bool rwsem = flags_of(c, row, WAITING_FRAMES) & VS_FRAME_RWSEM;

	return rwsem && row->state ? VS_EV_RWSEM : VS_EV_NO_LOCK;
}

/* Who changes a chain: beyond its return address lie the frames that may be calling it. */
static uint64_t outer_of(struct collect *c, const struct vs_stack_row *row)
{
	for (int i = 0; i + 1 < row->nr_frames; i++) {
		const struct vs_why_name *name = vs_why_names__of(c->names, row->frames[i]);

		if (name && name->flags & VS_FRAME_CHAIN)
			return row->frames[i + 1];
	}
	return 0;
}

static bool exists(const char *format, const char *name)
{
	char path[160];

	snprintf(path, sizeof(path), format, name);
	return !access(path, F_OK);
}

static void name_device_lock(const struct collect *c, struct vs_ev_task *t)
{
	const struct vs_snap_layout *l = c->layout;
	uint64_t dev = t->lock - (uint64_t)l->device_mutex;
	char name[VS_DEVICE_LEN];

	vs_walk__string(c->mem, vs_mem__pointer(c->mem, dev + l->device_kobj + l->kobj_name),
			name, sizeof(name));
	if (name[0] && !strchr(name, '/') && exists("/sys/bus/pci/devices/%s", name))
		snprintf(t->lock_name, sizeof(t->lock_name), "device lock of %s", name);
}

static void name_chain_lock(const struct collect *c, struct vs_ev_task *t)
{
	uint64_t group = t->lock - (uint64_t)c->layout->iommu_group_notifier;
	char number[16];
	int32_t id;

	if (c->layout->iommu_group_notifier < 0 || c->layout->iommu_group_id < 0 ||
	    vs_mem__read(c->mem, group + c->layout->iommu_group_id, &id, sizeof(id)) || id < 0)
		return;
	snprintf(number, sizeof(number), "%d", id);
	if (!exists("/sys/kernel/iommu_groups/%s", number))
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
	struct vs_locks locks = { c->mem, c->layout, is_task, c };

	t->lock_kind = lock_kind(c, row);
	if (!c->mem || !row->state)
		return;
	if (t->state == 'D' || t->lock_kind != VS_EV_NO_LOCK)
		vs_locks__wait(&locks, row, outer_of(c, row), t);
	name_lock(c, t);
	if (flags_of(c, row, VS_STACK_LEN) & (VS_FRAME_DRIVER | VS_FRAME_VFIO))
		vs_locks__held(&locks, row, t);
}

static int add_task(struct collect *c, const struct vs_stack_row *row)
{
	struct vs_ev_task *t = vs_rows__add(&c->e->tasks, &c->e->nr_tasks, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->address = row->task;
	t->tid = row->tid;
	t->tgid = row->tgid;
	t->parent = row->parent;
	t->state = state_letter(row->state);
	t->kernel_thread = row->flags & PF_KTHREAD;
	t->lock_group = -1;
	memcpy(t->comm, row->comm, sizeof(t->comm));
	take_times(c, row, t);
	if (take_frames(c, row, t))
		return -ENOMEM;
	take_locks(c, row, t);
	return 0;
}

static bool is_kept(const struct vs_evidence *e, uint64_t address)
{
	return vs_evidence__task_at(e, address);
}

/* Who has what they wait for, even if it runs or sleeps elsewhere. */
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

/* What keeps deferred puts waiting, and who runs them. */
static int add_workers(struct collect *c)
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

/* Many sleep uninterruptibly for reasons of their own. */
static void drop_if_alien(struct collect *c, const struct vs_stack_row *row)
{
	struct vs_ev_task *t = &c->e->tasks[c->e->nr_tasks - 1];

	if (t->lock_kind != VS_EV_NO_LOCK || is_asked(c, row) ||
	    flags_of(c, row, VS_STACK_LEN) & (VS_FRAME_VFIO | VS_FRAME_DRIVER | VS_FRAME_CHAIN))
		return;
	free(t->frames);
	memset(t, 0, sizeof(*t));
	c->e->nr_tasks--;
}

static int add_tasks(struct collect *c)
{
	int err = 0;

	for (size_t i = 0; !err && i < c->nr_rows; i++) {
		if (!is_of_interest(c, &c->rows[i]))
			continue;
		if (c->e->nr_tasks == MAX_KEPT) {
			say(c->e, "only the first %d tasks that wait were looked at", MAX_KEPT);
			break;
		}
		err = add_task(c, &c->rows[i]);
		if (!err)
			drop_if_alien(c, &c->rows[i]);
	}
	return err ?: add_owners(c);
}

/* -- deferred puts -- */

static void name_function(void *ctx, uint64_t address, char *buf, size_t size)
{
	struct collect *c = ctx;
	const struct vs_why_name *name = vs_why_names__of(c->names, address);

	snprintf(buf, size, "%s", name ? name->text : "");
	if (!strchr(buf, '['))
		buf[strcspn(buf, "+")] = '\0';
}

/* When it was queued is written nowhere; but what is still there a while later is late. */
static int find_late(struct collect *c, uint64_t wq, uint64_t func)
{
	struct vs_evidence *e = c->e, again = {};
	uint64_t before = vs_host__mono_ns();
	size_t kept = 0;
	int err = vs_works__find(c->mem, c->layout, wq, func, name_function, c, e);

	if (err || !e->nr_works)
		return err;
	usleep(LATE_US);
	err = vs_works__find(c->mem, c->layout, wq, func, name_function, c, &again);
	for (size_t i = 0; i < e->nr_works; i++)
		for (size_t j = 0; j < again.nr_works; j++)
			if (again.works[j].address == e->works[i].address &&
			    again.works[j].group == e->works[i].group) {
				e->works[kept] = again.works[j];
				e->works[kept++].outstanding_ns = vs_host__mono_ns() - before;
				break;
			}
	e->nr_works = kept;
	vs_evidence__free(&again);
	return err;
}

static int add_works(struct collect *c)
{
	uint64_t func = vs_why_names__symbol(c->names, VS_SYM_PUT_BG);
	uint64_t wq = vs_why_names__symbol(c->names, VS_SYM_SYSTEM_WQ);
	int err;

	if (!func)
		return 0;
	wq = c->mem && wq ? vs_mem__pointer(c->mem, wq) : 0;
	err = wq ? find_late(c, wq, func) : -ENOTSUP;
	if (err && err != -ENOMEM)
		say(c->e, "deferred puts not looked for: the workqueue's lists %s",
		    err == -ENOTSUP ? "are not described" : "could not be followed");
	return err == -ENOMEM ? err : 0;
}

/* -- processes -- */

static int add_process(struct collect *c, uint32_t tgid)
{
	const struct vs_stack_row *row = row_of(c, tgid);
	struct vs_ev_process *p;

	if (!tgid || vs_evidence__process(c->e, tgid))
		return 0;
	p = vs_rows__add(&c->e->processes, &c->e->nr_processes, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->tgid = tgid;
	if (row) {
		p->parent = row->parent;
		memcpy(p->comm, row->comm, sizeof(p->comm));
	}
	return 0;
}

static int add_family(struct collect *c, uint32_t tgid)
{
	int err = 0;

	for (int i = 0; !err && tgid && i < ANCESTORS; i++) {
		err = add_process(c, tgid);
		tgid = row_of(c, tgid) ? row_of(c, tgid)->parent : 0;
	}
	return err;
}

static int add_processes(struct collect *c)
{
	const struct vs_snapshot *s = &c->e->snapshot;
	int err = 0;

	for (size_t i = 0; !err && i < s->nr_fds; i++)
		err = add_family(c, s->fds[i].tgid);
	for (size_t i = 0; !err && i < s->nr_maps; i++)
		err = add_family(c, s->maps[i].tgid);
	for (size_t i = 0; !err && i < c->e->nr_openers; i++)
		err = add_family(c, c->e->openers[i].tgid);
	for (size_t i = 0; !err && i < c->e->nr_tasks; i++)
		if (!c->e->tasks[i].kernel_thread)
			err = add_family(c, c->e->tasks[i].tgid);
	return err;
}

static bool has_task_in_d(const struct collect *c, uint32_t tgid)
{
	for (size_t i = 0; i < c->nr_rows; i++)
		if (c->rows[i].tgid == tgid && state_letter(c->rows[i].state) == 'D')
			return true;
	return false;
}

static int describe_processes(struct collect *c)
{
	bool *no_cmdline = calloc(c->e->nr_processes + 1, sizeof(*no_cmdline));
	int err;

	if (!no_cmdline)
		return -ENOMEM;
	for (size_t i = 0; i < c->e->nr_processes; i++)
		no_cmdline[i] = has_task_in_d(c, c->e->processes[i].tgid);
	err = vs_proc__describe(c->e, no_cmdline);
	free(no_cmdline);
	return err;
}

/* An address space that no process has: somebody's vhost device keeps it. */
static int find_openers(struct collect *c)
{
	const struct vs_snapshot *s = &c->e->snapshot;
	uint32_t *tgids;
	size_t i, nr = 0;
	int err;

	for (i = 0; i < s->nr_maps && s->maps[i].tgid; i++)
		;
	if (i == s->nr_maps)
		return 0;
	tgids = calloc(c->nr_rows + 1, sizeof(*tgids));
	if (!tgids)
		return -ENOMEM;
	for (i = 0; i < c->nr_rows; i++)
		if (c->rows[i].tid == c->rows[i].tgid && !(c->rows[i].flags & PF_KTHREAD))
			tgids[nr++] = c->rows[i].tgid;
	err = vs_proc__find_open(c->e, tgids, nr, false);
	free(tgids);
	return err;
}

/* -- every stack, as an attachment -- */

static void write_stack(struct collect *c, const struct vs_stack_row *row, FILE *out)
{
	struct vs_ev_task t = {};
	char task[VS_TASK_LEN];

	take_times(c, row, &t);
	vs_words__task(task, row->comm, row->tid, 0);
	fprintf(out, "%s process %u parent %u state %c", task, row->tgid,
		row->parent, state_letter(row->state));
	if (t.waited_ns != VS_EV_UNKNOWN)
		fprintf(out, " for %.3f s", (double)t.waited_ns / 1e9);
	fputc('\n', out);
	for (int i = 0; i < row->nr_frames; i++) {
		const struct vs_why_name *name = vs_why_names__of(c->names, row->frames[i]);

		fprintf(out, "  %s\n", name ? name->text : "?");
	}
	fputc('\n', out);
}

static int write_stacks(struct collect *c)
{
	FILE *out;

	if (!c->opts->all_stacks)
		return 0;
	out = fopen(c->opts->all_stacks, "we");
	if (!out)
		return -errno;
	for (size_t i = 0; i < c->nr_rows; i++)
		write_stack(c, &c->rows[i], out);
	return fclose(out) ? -errno : 0;
}

/* -- all of it -- */

static int take_snapshot(struct collect *c, char *error, size_t size)
{
	int err = vs_snapper__take(c->snapper, &c->e->snapshot, error, size);

	if (!err)
		c->mem = vs_snapper__memory(c->snapper, &c->layout);
	return err;
}

static int look(struct collect *c)
{
	int err = add_tasks(c) ?: add_works(c) ?: add_workers(c) ?: find_openers(c);

	return err ?: add_processes(c) ?: describe_processes(c) ?: write_stacks(c);
}

static void take_kernel(struct collect *c)
{
	struct utsname name;

	uname(&name);
	snprintf(c->e->release, sizeof(c->e->release), "%.79s", name.release);
	c->e->has_vfio = exists("/sys/%s", "module/vfio") || exists("/sys/%s", "class/vfio");
	if (!c->names)
		return;
	c->e->has_notifier = vs_why_names__symbol(c->names, VS_SYM_NOTIFIER);
	c->e->has_fix = vs_why_names__symbol(c->names, VS_SYM_PUT_BG);
}

/* Root may read stacks from /proc where BPF is not to be had: lockdown, no BTF, an old kernel. */
static int fall_back(struct collect *c, int why, char *error, size_t size)
{
	struct vs_snapshot_opts sysfs = { .no_memory = true };
	int err;

	c->e->weaker = true;
	say(c->e, "BPF is not available (%s%s): stacks and names of open files from /proc; locks, "
	    "counters, mappings and times are not known", c->opts->no_bpf ? "as asked" :
	    why == -EPERM ? "not permitted" : strerror(-why),
	    c->opts->no_bpf ? "" : "; see vfioscope doctor");
	err = vs_snapshot__take(&sysfs, &c->e->snapshot, error, size);
	c->e->snapshot.words[0] = '\0';
	err = err ?: vs_fallback__collect(c->e);
	if (err)
		snprintf(error, size, "%s", err == -EPERM ?
			 "needs root, or CAP_BPF, CAP_PERFMON and CAP_SYSLOG" : strerror(-err));
	return err;
}

static void *read_names(void *ctx)
{
	struct collect *c = ctx;

	c->names = vs_why_names__read();
	c->names_error = c->names ? 0 : errno;
	return NULL;
}

/* Half of all the time is the kernel writing /proc/kallsyms: the rest goes on beside. */
static int read_rows_and_names(struct collect *c)
{
	pthread_t reader;
	bool beside = !pthread_create(&reader, NULL, read_names, c);
	int err = read_rows(c);

	if (beside)
		pthread_join(reader, NULL);
	else
		read_names(c);
	return err;
}

static int collect(struct collect *c, char *error, size_t size)
{
	int err = read_rows_and_names(c);

	c->now_ns = vs_host__mono_ns();
	take_kernel(c);
	if (err && err != -ENOMEM)
		return fall_back(c, err, error, size);
	if (!c->names) {
		err = -c->names_error;
		snprintf(error, size, "/proc/kallsyms: %s", err == -EPERM ?
			 "shows no addresses; needs CAP_SYSLOG and kernel.kptr_restrict below 2" :
			 strerror(-err));
		return err;
	}
	err = take_snapshot(c, error, size);
	if (err)
		return err;
	err = look(c);
	if (err)
		snprintf(error, size, "%s", strerror(-err));
	return err;
}

int vs_evidence__collect(const struct vs_collect_opts *opts, struct vs_evidence *e, char *error,
			 size_t size)
{
	struct collect c = { .opts = opts, .e = e };
	uint64_t began = vs_host__mono_ns();
	int err;

	memset(e, 0, sizeof(*e));
	err = collect(&c, error, size);
	e->took_ns = vs_host__mono_ns() - began;
	vs_why_names__free(c.names);
	vs_snapper__free(c.snapper);
	free(c.rows);
	free(c.addresses);
	if (err)
		vs_evidence__free(e);
	return err;
}

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

#include "base/host.h"
#include "base/name.h"
#include "base/rows.h"
#include "base/words.h"
#include "bpf/stacks.h"
#include "core/dump.h"
#include "doctor/blocker.h"
#include "evidence/names.h"
#include "probe/facts.h"
#include "probe/plan.h"
#include "snapshot/sysfs.h"
#include "snapshot/walk.h"
#include "why/collect_priv.h"
#include "why/fallback.h"
#include "why/locks.h"
#include "why/proc.h"
#include "why/works.h"

#define PF_KTHREAD 0x00200000		/* include/linux/sched.h, the same since v3.0 */
#define PF_EXITING 0x00000004		/* the same */
#define ANCESTORS 6
#define LATE_US 100000
#define FIX_PATIENCE_MS 2000	/* to unpack and read vfio.ko */
#define VHOST_WORDS 32		/* up to the mm of vhost_scsi, the farthest, and a little more */

void collect_say(struct vs_evidence *e, const char *format, ...)
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
	if (c->opts->dump)
		collect_dump_machine(c);
	c->snapper = vs_snapper__new(c->opts->dump ? &(struct vs_snapshot_opts){ .machine = &c->machine } : NULL);
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

bool collect_is_task(void *ctx, uint64_t address)
{
	const struct collect *c = ctx;

	return address && bsearch(&address, c->addresses, c->nr_rows, sizeof(address), by_value);
}

static int by_tid(const void *key, const void *row)
{
	uint32_t tid = *(const uint32_t *)key, other = ((const struct vs_stack_row *)row)->tid;

	return tid < other ? -1 : tid > other;
}

const struct vs_stack_row *collect_row_of(const struct collect *c, uint32_t tid)
{
	return c->nr_rows ? bsearch(&tid, c->rows, c->nr_rows, sizeof(*c->rows), by_tid) : NULL;
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

/* The kernel does not keep the time of queueing; but a put that is still there a while later is late. */
static int find_late(struct collect *c, uint64_t wq, uint64_t func)
{
	struct vs_evidence *e = c->e, again = {};
	uint64_t before = vs_host__mono_ns();
	size_t kept = 0;
	int err = vs_works__find(c->mem, c->layout, wq, func, name_function, c, e);

	/* A dump allows one look: it does not tell for how long it was so. */
	if (err || !e->nr_works || c->opts->dump)
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
		collect_say(c->e, "deferred puts not looked for: the workqueue's lists %s",
		    err == -ENOTSUP ? "are not described" : "could not be followed");
	return err == -ENOMEM ? err : 0;
}

/* -- processes -- */

static int add_process(struct collect *c, uint32_t tgid)
{
	const struct vs_stack_row *row = collect_row_of(c, tgid);
	struct vs_ev_process *p;

	if (!tgid || vs_evidence__process(c->e, tgid))
		return 0;
	p = vs_rows__add(&c->e->processes, &c->e->nr_processes, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->tgid = tgid;
	if (row) {
		p->parent = row->parent;
		p->age_ns = c->now_ns > row->start_ns ? c->now_ns - row->start_ns : 0;
		memcpy(p->comm, row->comm, sizeof(p->comm));
	}
	return 0;
}

static int add_family(struct collect *c, uint32_t tgid)
{
	int err = 0;

	for (int i = 0; !err && tgid && i < ANCESTORS; i++) {
		err = add_process(c, tgid);
		tgid = collect_row_of(c, tgid) ? collect_row_of(c, tgid)->parent : 0;
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
		if (c->rows[i].tgid == tgid && collect_state_letter(c->rows[i].state) == 'D')
			return true;
	return false;
}

static bool is_exiting(const struct collect *c, uint32_t tgid)
{
	bool any = false;

	for (size_t i = 0; i < c->nr_rows; i++) {
		if (c->rows[i].tgid != tgid)
			continue;
		any = true;
		if (!(c->rows[i].flags & PF_EXITING))
			return false;
	}
	return any;
}

static int describe_processes(struct collect *c)
{
	bool *no_cmdline = calloc(c->e->nr_processes + 1, sizeof(*no_cmdline));
	int err = 0;

	if (!no_cmdline)
		return -ENOMEM;
	for (size_t i = 0; i < c->e->nr_processes; i++) {
		no_cmdline[i] = c->e->processes[i].uninterruptible =
			has_task_in_d(c, c->e->processes[i].tgid);
		c->e->processes[i].exiting = is_exiting(c, c->e->processes[i].tgid);
	}
	if (c->opts->dump)
		collect_dump_describe(c);
	else
		err = vs_proc__describe(c->e, no_cmdline);
	free(no_cmdline);
	return err;
}

/* Such an address space. */
static bool is_left(const struct vs_snapshot *s, uint64_t mm)
{
	for (size_t i = 0; mm && i < s->nr_maps; i++)
		if (!s->maps[i].tgid && s->maps[i].mm == mm)
			return true;
	return false;
}

/*
 * The data of a vhost file is the driver's own structure with a vhost_dev in it, which begins with
 * the mm that it keeps: at its start for net, vsock and vdpa, after a name of 224 bytes for scsi.
 * Nothing else there points to an mm, so a match with the mm is a proof on any kernel.
 */
static void find_kept_mm(const struct collect *c, const struct vs_stack_row *row,
			 struct vs_ev_opener *o)
{
	struct vs_snap_layout layout = *c->layout;
	const struct vs_walk walk = { .mem = c->mem, .layout = &layout };
	uint64_t files = vs_mem__pointer(c->mem, row->task + c->layout->task_files);
	uint64_t file = files ? vs_walk__file_of(&walk, files, o->fd) : 0;
	uint64_t data = file ? vs_mem__pointer(c->mem, file + c->layout->file_private) : 0;
	uint64_t words[VHOST_WORDS];

	if (!data || vs_mem__read(c->mem, data, words, sizeof(words)))
		return;
	for (size_t i = 0; i < VHOST_WORDS && !o->mm; i++)
		if (is_left(&c->e->snapshot, words[i]))
			o->mm = words[i];
}

static void find_kept_mms(struct collect *c)
{
	for (size_t i = 0; c->mem && i < c->e->nr_openers; i++) {
		struct vs_ev_opener *o = &c->e->openers[i];
		const struct vs_stack_row *row = collect_row_of(c, o->tgid);

		if (row && c->layout->task_files != VS_ABSENT)
			find_kept_mm(c, row, o);
	}
}

/* No process has this address space: some vhost device keeps it. */
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
	if (c->opts->dump)
		return collect_dump_openers(c) ?: (find_kept_mms(c), 0);
	tgids = calloc(c->nr_rows + 1, sizeof(*tgids));
	if (!tgids)
		return -ENOMEM;
	for (i = 0; i < c->nr_rows; i++)
		if (c->rows[i].tid == c->rows[i].tgid && !(c->rows[i].flags & PF_KTHREAD))
			tgids[nr++] = c->rows[i].tgid;
	err = vs_proc__find_open(c->e, tgids, nr, false);
	free(tgids);
	if (!err)
		find_kept_mms(c);
	return err;
}

/* -- every stack, as an attachment -- */

static void write_head(FILE *out, const struct vs_ev_task *t)
{
	char task[VS_TASK_LEN];

	vs_name__task(task, t->comm, t->tid, 0);
	fprintf(out, "%s process %u parent %u state %c", task, t->tgid, t->parent, t->state);
	if (t->waited_ns != VS_EV_UNKNOWN)
		fprintf(out, " for %.3f s", (double)t->waited_ns / 1e9);
	fputc('\n', out);
}

static void write_row(struct collect *c, const struct vs_stack_row *row, FILE *out)
{
	struct vs_ev_task t = { .tid = row->tid, .tgid = row->tgid, .parent = row->parent,
				.state = collect_state_letter(row->state) };

	memcpy(t.comm, row->comm, sizeof(t.comm));
	collect_take_times(c, row, &t);
	write_head(out, &t);
	for (int i = 0; i < row->nr_frames; i++) {
		const struct vs_why_name *name = vs_why_names__of(c->names, row->frames[i]);

		fprintf(out, "  %s\n", name ? name->text : "?");
	}
	fputc('\n', out);
}

/* Without BPF only the stacks of tasks that wait are read. */
static void write_task(const struct vs_ev_task *t, FILE *out)
{
	write_head(out, t);
	for (size_t i = 0; i < t->nr_frames; i++)
		fprintf(out, "  %s\n", t->frames[i]);
	fputc('\n', out);
}

/* The owner of the file checks that it could be written. */
static void write_stacks(struct collect *c)
{
	FILE *out = c->opts->all_stacks;

	for (size_t i = 0; out && !c->e->weaker && i < c->nr_rows; i++)
		write_row(c, &c->rows[i], out);
	for (size_t i = 0; out && c->e->weaker && i < c->e->nr_tasks; i++)
		write_task(&c->e->tasks[i], out);
}

/* -- all of it -- */

static int take_snapshot(struct collect *c, char *error, size_t size)
{
	const struct vs_snap_far far = {
		.sock_close = vs_why_names__symbol(c->names, VS_SYM_SOCK_CLOSE),
		.uring_release = vs_why_names__symbol(c->names, VS_SYM_RING_RELEASE),
		.fput = vs_why_names__symbol(c->names, VS_SYM_FPUT),
		.work_run = vs_why_names__symbol(c->names, VS_SYM_WORK_RUN),
		.put_files = vs_why_names__symbol(c->names, VS_SYM_PUT_FILES),
		.work_run_part = vs_why_names__part(c->names, VS_SYM_WORK_RUN),
		.put_files_part = vs_why_names__part(c->names, VS_SYM_PUT_FILES),
		.rows = c->rows,
		.nr_rows = c->nr_rows,
	};
	int err;

	vs_snapper__look_for(c->snapper, &far);
	err = vs_snapper__take(c->snapper, &c->e->snapshot, error, size);

	if (!err)
		c->mem = vs_snapper__memory(c->snapper, &c->layout);
	return err;
}

/* Tasks are in the direct map. */
static void learn_space(struct collect *c)
{
	uint64_t symbol = vs_why_names__symbol(c->names, VS_SYM_DIRECT_MAP);

	c->space = vs_kernel_space__of(symbol && c->mem ? vs_mem__pointer(c->mem, symbol) : 0,
				       c->addresses, c->nr_rows);
}

static int look(struct collect *c)
{
	int err = collect_add_tasks(c) ?: add_works(c) ?: collect_add_workers(c) ?: find_openers(c);

	if (!err && c->opts->dump) {
		collect_dump_running(c);
		collect_bury_owners(c->e);
	} else if (!err) {
		err = collect_see_rounds(c) ?: collect_see_running(c) ?: collect_check_dead(c) ?:
		      collect_add_about(c->e);
	}
	return err ?: add_processes(c) ?: describe_processes(c);
}

static bool read_fix(void *ctx, size_t i, void *row)
{
	struct vs_facts facts = {};

	(void)i;
	snprintf(facts.release, sizeof(facts.release), "%s", (const char *)ctx);
	if (vs_facts__collect_vfio("", &facts))
		return false;
	*(enum vs_fix *)row = vs_plan__fix(&facts);
	vs_facts__free(&facts);
	return true;
}

/* A child reads vfio.ko: where the file lies, the host may hang, too. */
static enum vs_fix find_fix(const char *release)
{
	enum vs_fix fix = VS_FIX_UNKNOWN;
	signed char answered;

	if (vs_proc__guarded_for(FIX_PATIENCE_MS, read_fix, (void *)release, 1, &fix, sizeof(fix), &answered))
		return VS_FIX_UNKNOWN;
	return answered == 1 ? fix : VS_FIX_UNKNOWN;
}

static void take_running(struct vs_evidence *e)
{
	struct utsname name;

	uname(&name);
	snprintf(e->release, sizeof(e->release), "%.79s", name.release);
	e->has_vfio = vs_sysfs__has_vfio("");
}

static void take_dumped(const struct vs_dump *d, struct vs_evidence *e)
{
	snprintf(e->release, sizeof(e->release), "%s", d->release);
	e->has_vfio = d->has_vfio;
	e->from_core = true;
	e->incomplete = d->incomplete;
	if (d->words[0])
		collect_say(e, "%s", d->words);
}

static void take_kernel(struct collect *c)
{
	if (c->opts->dump)
		take_dumped(c->opts->dump, c->e);
	else
		take_running(c->e);
	if (!c->names)
		return;
	c->e->has_notifier = vs_why_names__symbol(c->names, VS_SYM_NOTIFIER);
	c->e->has_fix = vs_why_names__symbol(c->names, VS_SYM_PUT_BG);
}

/* As the other verbs say it, which cannot do without. */
static void say_why_no_bpf(struct collect *c, int why)
{
	char words[200] = "as asked";

	if (!c->opts->no_bpf && !vs_blocker__words(VS_WORK_WHY, words, sizeof(words)))
		snprintf(words, sizeof(words), "%s",
			 why == -EPERM ? "not permitted" : strerror(-why));
	collect_say(c->e, "BPF is not available (%s%s): stacks and names of open files from /proc; "
		    "locks, counters, mappings and times are not known", words,
		    c->opts->no_bpf ? "" : "; see vfioscope doctor");
}

/* Root may read stacks from /proc where BPF is not to be had: lockdown, no BTF, an old kernel. */
static int fall_back(struct collect *c, int why, char *error, size_t size)
{
	struct vs_snapshot_opts sysfs = { .no_memory = true };
	int err;

	c->e->weaker = true;
	say_why_no_bpf(c, why);
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

	c->names = c->opts->dump ? vs_why_names__of_text(c->opts->dump->kallsyms, c->opts->dump->kallsyms_len)
				 : vs_why_names__read();
	c->names_error = c->names ? 0 : errno;
	return NULL;
}

/* Half of all the time is the kernel writing /proc/kallsyms: the rest runs in parallel. */
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

	c->now_ns = c->opts->dump ? c->opts->dump->now_ns : vs_host__mono_ns();
	take_kernel(c);
	if (err && err != -ENOMEM && !c->opts->dump)
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
	learn_space(c);
	err = look(c);
	if (err)
		snprintf(error, size, "%s", strerror(-err));
	return err;
}

int vs_evidence__collect(const struct vs_collect_opts *opts, struct vs_evidence *e, char *error,
			 size_t size)
{
	struct collect c = { .opts = opts, .e = e, .self = opts->dump ? 0 : (uint32_t)getpid() };
	uint64_t began = vs_host__mono_ns();
	int err;

	memset(e, 0, sizeof(*e));
	err = collect(&c, error, size);
	if (!err)
		write_stacks(&c);
	if (!err && e->has_vfio && !e->from_core && !opts->no_fix) /* last, since it may take long and no wait depends on it */
		e->fix = find_fix(e->release);
	e->took_ns = vs_host__mono_ns() - began;
	vs_why_names__free(c.names);
	vs_snapper__free(c.snapper);
	free(c.rows);
	free(c.addresses);
	if (err)
		vs_evidence__free(e);
	return err;
}

// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/host.h"
#include "base/rows.h"
#include "evidence/names.h"
#include "why/collect_priv.h"
#include "why/fallback.h"
#include "why/proc.h"

#define STACK_TEXT 4096
#define PF_KTHREAD 0x00200000

struct tids {
	uint32_t *tid;
	size_t nr;
};

struct proc_task {
	struct vs_proc_stat stat;
	uint32_t tgid;
	char stack[STACK_TEXT];
};

/* -- all tasks -- */

static int list_tasks(struct tids *processes, struct tids *tasks)
{
	int err = vs_proc__add_numbers("/proc", &processes->tid, &processes->nr);
	char path[40];

	for (size_t i = 0; !err && i < processes->nr; i++) {
		snprintf(path, sizeof(path), "/proc/%u/task", processes->tid[i]);
		err = vs_proc__add_numbers(path, &tasks->tid, &tasks->nr);
	}
	return err;
}

/* -- one task, read in the child -- */

static void read_tgid(uint32_t tid, struct proc_task *t)
{
	char text[1024], *at;

	t->tgid = tid;
	if (vs_host__proc_file("", tid, "status", text, sizeof(text)) > 0 && (at = strstr(text, "\nTgid:")))
		t->tgid = (uint32_t)atoi(at + 6);
}

static bool read_task(void *ctx, size_t i, void *row)
{
	uint32_t tid = ((const uint32_t *)ctx)[i];
	struct proc_task *t = row;

	if (!vs_proc__stat("", tid, &t->stat))
		return false;
	read_tgid(tid, t);
	return vs_host__proc_file("", tid, "stack", t->stack, sizeof(t->stack)) >= 0;
}

/* -- what is kept of it -- */

/* "[<0>] symbol+0x1/0x2 [module]" */
static void take_frame(char *frame, const char *line)
{
	const char *at = strchr(line, ']'), *module;
	size_t len;

	at = at ? at + 1 + strspn(at + 1, " ") : line;
	len = strcspn(at, "/ ");
	module = strstr(at, " [");
	snprintf(frame, VS_SITE_LEN, "%.*s%.40s", (int)(len < 50 ? len : 50), at,
		 module ? module : "");
}

static int take_frames(struct vs_ev_task *t, char *text)
{
	char *line;

	t->frames = calloc(64, sizeof(*t->frames));
	if (!t->frames)
		return -ENOMEM;
	while ((line = strsep(&text, "\n")) && t->nr_frames < 64)
		if (*line)
			take_frame(t->frames[t->nr_frames++], line);
	return 0;
}

static bool is_of_interest(char *stack)
{
	return strstr(stack, "vfio") || strstr(stack, "blocking_notifier_") ||
	       strstr(stack, "release_driver") || strstr(stack, "really_probe") ||
	       strstr(stack, "bind_store") || strstr(stack, "sriov_numvfs_store");
}

static int keep(struct vs_evidence *e, uint32_t tid, struct proc_task *p)
{
	struct vs_ev_task *t;

	if (!is_of_interest(p->stack) || p->tgid == (uint32_t)getpid())
		return 0;
	t = vs_rows__add(&e->tasks, &e->nr_tasks, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->tid = tid;
	t->tgid = p->tgid;
	t->parent = p->stat.parent;
	t->state = p->stat.state;
	t->kernel_thread = p->stat.flags & PF_KTHREAD;
	memcpy(t->comm, p->stat.comm, sizeof(t->comm));
	t->waited_ns = t->age_ns = t->stayed_ns = VS_EV_UNKNOWN;
	t->lock_group = -1;
	return take_frames(t, p->stack);
}

static int read_tasks(struct vs_evidence *e, const struct tids *tasks)
{
	struct proc_task *rows = calloc(tasks->nr + 1, sizeof(*rows));
	signed char *answered = calloc(tasks->nr + 1, 1);
	int err = rows && answered ? vs_proc__guarded(read_task, tasks->tid, tasks->nr, rows,
						      sizeof(*rows), answered) : -ENOMEM;
	size_t seen = 0;

	if (!err)
		vs_proc__say_unread(e, answered, tasks->nr, "stacks");
	for (size_t i = 0; !err && i < tasks->nr; i++) {
		if (answered[i] != 1)
			continue;
		seen++;
		err = keep(e, tasks->tid[i], &rows[i]);
	}
	free(rows);
	free(answered);
	e->nr_seen = (uint32_t)seen;
	return err ?: seen ? 0 : -EPERM;
}

static int add_process(struct vs_evidence *e, uint32_t tgid)
{
	struct vs_ev_process *p;
	struct vs_proc_stat t;

	if (!tgid || vs_evidence__process(e, tgid) || !vs_proc__stat("", tgid, &t))
		return 0;
	p = vs_rows__add(&e->processes, &e->nr_processes, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->tgid = tgid;
	p->parent = t.parent;
	p->age_ns = vs_proc__age("", &t);
	memcpy(p->comm, t.comm, sizeof(p->comm));
	return 0;
}

static int add_processes(struct vs_evidence *e)
{
	int err = 0;

	for (size_t i = 0; !err && i < e->nr_tasks; i++)
		err = add_process(e, e->tasks[i].tgid);
	for (size_t i = 0; !err && i < e->nr_openers; i++)
		err = add_process(e, e->openers[i].tgid);
	for (size_t i = 0; !err && i < e->nr_processes; i++)
		err = add_process(e, e->processes[i].parent);
	return err;
}

static bool is_in_d(const struct vs_evidence *e, uint32_t tgid)
{
	for (size_t i = 0; i < e->nr_tasks; i++)
		if (e->tasks[i].tgid == tgid && e->tasks[i].state == 'D')
			return true;
	return false;
}

static int describe(struct vs_evidence *e)
{
	bool *no_cmdline = calloc(e->nr_processes + 1, sizeof(*no_cmdline));
	int err;

	if (!no_cmdline)
		return -ENOMEM;
	for (size_t i = 0; i < e->nr_processes; i++)
		no_cmdline[i] = e->processes[i].uninterruptible =
			is_in_d(e, e->processes[i].tgid);
	err = vs_proc__describe(e, no_cmdline);
	free(no_cmdline);
	return err;
}

int vs_fallback__collect(struct vs_evidence *e)
{
	struct tids processes = {}, tasks = {};
	int err = list_tasks(&processes, &tasks);

	err = err ?: read_tasks(e, &tasks);
	err = err ?: collect_add_about(e);
	err = err ?: vs_proc__find_open(e, processes.tid, processes.nr, true);
	err = err ?: add_processes(e) ?: describe(e);
	free(processes.tid);
	free(tasks.tid);
	return err;
}

// SPDX-License-Identifier: GPL-2.0
/* Reads from the memory of a dump what /proc and sysfs tell of a running host. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/rows.h"
#include "core/dump.h"
#include "event/device_name.h"
#include "snapshot/walk.h"
#include "why/collect_priv.h"
#include "why/proc.h"

#define MAX_FDS 65536		/* of one process that are looked at by name */

void collect_dump_machine(struct collect *c)
{
	const struct vs_dump *d = c->opts->dump;
	uint64_t inode = vs_ksyms__find(d->ksyms, "anon_inode_inode");

	c->machine = (struct vs_snap_machine){
		.mem = &d->mem,
		.layout = &d->layout,
		.kallsyms = d->kallsyms,
		.kallsyms_len = d->kallsyms_len,
		.tasks = d->tasks,
		.nr_tasks = d->nr_tasks,
		.rows = d->rows,
		.nr_rows = d->nr_rows,
		.anonymous_inode = inode ? vs_mem__pointer(&d->mem, inode) : 0,
		.has_vfio = d->has_vfio,
	};
}

/* Calls @each with the name of every open file, "/folder/name", until it returns nonzero. */
static int each_file(struct collect *c, uint64_t files,
		     int (*each)(struct collect *c, void *ctx, int fd, const char *name), void *ctx)
{
	struct vs_snap_layout layout = *c->layout;
	const struct vs_walk walk = { .mem = c->mem, .layout = &layout };
	uint64_t fdt = files ? vs_mem__pointer(c->mem, files + (uint64_t)layout.files_fdt) : 0;
	uint32_t nr = 0;
	char name[128];
	int ret = 0;

	if (fdt)
		vs_mem__read(c->mem, fdt + (uint64_t)layout.fdt_max, &nr, sizeof(nr));
	for (uint32_t fd = 0; fd < nr && fd < MAX_FDS && !ret; fd++) {
		uint64_t file = vs_walk__file_of(&walk, files, (int)fd);

		if (!file)
			continue;
		vs_dump__file_name(c->opts->dump, file, name, sizeof(name));
		ret = each(c, ctx, (int)fd, name);
	}
	return ret;
}

static uint64_t files_of(const struct collect *c, uint32_t tid)
{
	const struct vs_stack_row *row = collect_row_of(c, tid);

	return row && c->layout->task_files >= 0 ?
	       vs_mem__pointer(c->mem, row->task + (uint64_t)c->layout->task_files) : 0;
}

/* -- vhost -- */

static int add_opener(struct collect *c, void *ctx, int fd, const char *name)
{
	const struct vs_task_row *task = ctx;
	struct vs_ev_opener *row;

	if (strncmp(name, "/vhost-", 7))
		return 0;
	row = vs_rows__add(&c->e->openers, &c->e->nr_openers, sizeof(*row));
	if (!row)
		return -ENOMEM;
	row->tgid = task->tgid;
	row->fd = fd;
	snprintf(row->path, sizeof(row->path), "/dev%.58s", name);
	return 0;
}

int collect_dump_openers(struct collect *c)
{
	const struct vs_dump *d = c->opts->dump;
	int err = 0;

	for (size_t i = 0; i < d->nr_tasks && !err; i++)
		if (!d->tasks[i].kernel_thread && d->tasks[i].files)
			err = each_file(c, d->tasks[i].files, add_opener, (void *)&d->tasks[i]);
	return err;
}

/* -- writers to sysfs -- */

/* "/0000:00:05.0/remove" */
static int take_attribute(struct collect *c, void *ctx, int fd, const char *name)
{
	struct vs_ev_task *t = ctx;
	const char *attribute = strrchr(name, '/');
	char device[VS_DEVICE_LEN] = "", parsed[VS_DEVICE_LEN];
	size_t used = strlen(t->about);

	(void)c;
	(void)fd;
	if (attribute && attribute - name > 1 && attribute - name <= (long)sizeof(device))
		memcpy(device, name + 1, (size_t)(attribute - name) - 1);
	if (!strchr(device, ':') || !vs_device_name__parse(device, parsed) || !collect_is_attribute(attribute + 1))
		return 0;
	snprintf(t->about + used, sizeof(t->about) - used, "%s%s", used ? " " : "", device);
	return 0;
}

/* If a task has several such files open, nothing tells which it writes to: its about stays empty. */
static void take_about(struct collect *c, struct vs_ev_task *t)
{
	each_file(c, files_of(c, t->tid), take_attribute, t);
	if (strchr(t->about, ' '))
		t->about[0] = '\0';
}

/* -- processes -- */

static void describe(struct collect *c, struct vs_ev_process *p)
{
	const struct vs_stack_row *row = collect_row_of(c, p->tgid);
	static char text[VS_DUMP_ARGUMENTS];

	if (!row)
		return;
	vs_dump__cgroup(c->opts->dump, row->task, p->cgroup, sizeof(p->cgroup));
	if (row->mm)
		vs_proc__take_cmdline(p, text, vs_dump__cmdline(c->opts->dump, row->mm, text, sizeof(text)));
}

void collect_dump_describe(struct collect *c)
{
	for (size_t i = 0; i < c->e->nr_tasks; i++)
		if (collect_is_writer(&c->e->tasks[i]))
			take_about(c, &c->e->tasks[i]);
	for (size_t i = 0; i < c->e->nr_processes; i++)
		describe(c, &c->e->processes[i]);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptors: task -> files_struct -> fdtable -> array of files -> operations. Each
 * arrow is one pass over all tasks, so that 64 reads share a system call.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/rows.h"
#include "snapshot/walk_kvm.h"

#define BLOCK_FDS 512	/* pointers in 4 KiB */
#define BATCH 64

struct table {
	uint64_t fdt, fd;
	uint32_t max;
};

/* An open descriptor whose file is to be looked at. */
struct open_fd {
	uint64_t file;
	uint64_t slot;		/* where in the kernel that pointer stands */
	uint32_t task;
	int fd;
};

struct scan {
	const struct vs_walk *walk;
	struct vs_file_kinds *kinds;
	const struct vs_task_row *tasks;
	struct vs_snapshot *snapshot;
	struct vs_carriers *carriers;
	struct open_fd batch[BATCH];
	size_t nr_batch;
	int error;
};

static struct vs_snap_fd *add_row(struct scan *scan, const struct open_fd *open, int kind,
				  uint64_t object)
{
	const struct vs_task_row *task = &scan->tasks[open->task];
	struct vs_snap_fd *row;

	row = vs_rows__add(&scan->snapshot->fds, &scan->snapshot->nr_fds, sizeof(*row));
	if (!row) {
		scan->error = -ENOMEM;
		return NULL;
	}
	row->kind = kind;
	row->file = open->file;
	row->object = object;
	row->tgid = task->tgid;
	row->fd = open->fd;
	memcpy(row->comm, task->comm, sizeof(row->comm));
	row->comm[sizeof(row->comm) - 1] = '\0';
	return row;
}

static void add_kvm(struct scan *scan, const struct open_fd *open)
{
	struct vs_kvm_use uses[VS_KVM_MAX_GROUPS];
	int nr = vs_walk__kvm_uses(scan->walk, scan->kinds, open->file, scan->snapshot, uses);

	if (nr < 0)
		return;
	if (!nr)
		add_row(scan, open, VS_SNAP_KVM_FILE, 0);
	for (int i = 0; i < nr; i++) {
		struct vs_snap_fd *row = add_row(scan, open, VS_SNAP_KVM_FILE, uses[i].group);

		if (row)
			row->device = uses[i].device;
	}
}

/* v6.6 and later: the same operations for both ways to open a device. */
static bool is_cdev(const struct vs_walk *walk, uint64_t file)
{
	const struct vs_snap_layout *l = walk->layout;
	uint64_t private = vs_mem__pointer(walk->mem, file + l->file_private);

	return l->device_file_group != VS_ABSENT && private &&
	       !vs_mem__pointer(walk->mem, private + l->device_file_group);
}

static void add_device_file(struct scan *scan, const struct open_fd *open)
{
	const struct vs_walk *walk = scan->walk;
	struct vs_snap_fd *row;

	row = add_row(scan, open, is_cdev(walk, open->file) ? VS_SNAP_CDEV_FILE : VS_SNAP_DEVICE_FILE,
		      vs_walk__file_device(walk, open->file));
	if (row)
		row->iommufd = vs_walk__file_iommufd(walk, open->file);
}

static void add_file(struct scan *scan, const struct open_fd *open, int kind)
{
	const struct vs_walk *walk = scan->walk;

	switch (kind) {
	case VS_SNAP_KVM_FILE:
		add_kvm(scan, open);
		return;
	case VS_SNAP_DEVICE_FILE:
		add_device_file(scan, open);
		return;
	}
	add_row(scan, open, kind,
		vs_mem__pointer(walk->mem, open->file + walk->layout->file_private));
}

static void add_carrier(struct scan *scan, const struct open_fd *open, int kind)
{
	const struct vs_task_row *task = &scan->tasks[open->task];
	struct vs_carrier *row;

	if (!scan->carriers)
		return;
	row = vs_rows__add(&scan->carriers->rows, &scan->carriers->nr, sizeof(*row));
	if (!row) {
		scan->error = -ENOMEM;
		return;
	}
	*row = (struct vs_carrier){ kind, open->file, task->tgid, open->fd, "" };
	memcpy(row->comm, task->comm, sizeof(row->comm) - 1);
}

int vs_walk__keep(const struct vs_walk *walk, struct vs_file_kinds *kinds, uint64_t file,
		  const struct vs_snap_fd *row, struct vs_snapshot *s)
{
	uint64_t operations = file ? vs_mem__pointer(walk->mem, file + walk->layout->file_op) : 0;
	int kind = vs_file_kinds__of(kinds, operations);
	struct vs_snap_fd *kept;

	if (kind < 0 || kind >= VS_SNAP_FILE_KINDS)
		return 0;
	kept = vs_rows__add(&s->fds, &s->nr_fds, sizeof(*kept));
	if (!kept)
		return -ENOMEM;
	*kept = *row;
	kept->kind = kind;
	kept->file = file;
	kept->object = kind == VS_SNAP_KVM_FILE ? 0 :
		       kind == VS_SNAP_DEVICE_FILE ? vs_walk__file_device(walk, file) :
		       vs_mem__pointer(walk->mem, file + walk->layout->file_private);
	if (kind != VS_SNAP_DEVICE_FILE)
		return 0;
	kept->iommufd = vs_walk__file_iommufd(walk, file);
	if (is_cdev(walk, file))
		kept->kind = VS_SNAP_CDEV_FILE;
	return 0;
}

/* A thread with a table of its own may have what its process has. */
static bool is_there(const struct scan *scan, const struct open_fd *open)
{
	const struct vs_task_row *task = &scan->tasks[open->task];
	const struct vs_snapshot *s = scan->snapshot;

	for (size_t i = 0; task->tid != task->tgid && i < s->nr_fds; i++)
		if (s->fds[i].tgid == task->tgid && s->fds[i].fd == open->fd &&
		    s->fds[i].file == open->file)
			return true;
	return false;
}

/*
 * Nothing kept the file from being closed, freed and used again meanwhile: it counts if
 * the descriptor still names it after its operations were read.
 */
static void look_at(struct scan *scan, const struct open_fd *open, uint64_t operations)
{
	int kind = vs_file_kinds__of(scan->kinds, operations);

	if (kind < 0 || vs_mem__pointer(scan->walk->mem, open->slot) != open->file)
		return;
	if (kind >= VS_SNAP_FILE_KINDS)
		add_carrier(scan, open, kind);
	else if (!is_there(scan, open))
		add_file(scan, open, kind);
}

static void flush(struct scan *scan)
{
	uint64_t addresses[BATCH], operations[BATCH];
	bool ok[BATCH];

	for (size_t i = 0; i < scan->nr_batch; i++)
		addresses[i] = scan->batch[i].file + scan->walk->layout->file_op;
	vs_mem__words(scan->walk->mem, addresses, operations, ok, scan->nr_batch);
	for (size_t i = 0; i < scan->nr_batch && !scan->error; i++)
		if (ok[i])
			look_at(scan, &scan->batch[i], operations[i]);
	scan->nr_batch = 0;
}

static void add_open(struct scan *scan, struct open_fd open)
{
	scan->batch[scan->nr_batch++] = open;
	if (scan->nr_batch == BATCH)
		flush(scan);
}

/* -EFAULT when the table went away: the process grew another one, or ended. */
static int read_table(struct scan *scan, uint32_t task, const struct table *table)
{
	uint64_t files[BLOCK_FDS];
	uint32_t at, part;

	for (at = 0; at < table->max && !scan->error; at += part) {
		uint64_t slot = table->fd + at * sizeof(*files);

		part = table->max - at < BLOCK_FDS ? table->max - at : BLOCK_FDS;
		if (vs_mem__read(scan->walk->mem, slot, files, part * sizeof(*files)))
			return -EFAULT;
		for (uint32_t i = 0; i < part; i++)
			if (files[i])
				add_open(scan, (struct open_fd){ files[i],
					 slot + i * sizeof(*files), task, at + i });
	}
	return 0;
}

/* Room for all reads of a pass. */
struct pass {
	uint64_t *addresses, *values;
	bool *ok;
};

static bool pass_new(struct pass *pass, size_t nr)
{
	pass->addresses = calloc(nr + 1, sizeof(*pass->addresses));
	pass->values = calloc(nr + 1, sizeof(*pass->values));
	pass->ok = calloc(nr + 1, sizeof(*pass->ok));
	return pass->addresses && pass->values && pass->ok;
}

static void pass_free(struct pass *pass)
{
	free(pass->addresses);
	free(pass->values);
	free(pass->ok);
}

static void read_fdts(const struct vs_walk *walk, const struct vs_task_row *tasks, size_t nr,
		      struct pass *pass)
{
	for (size_t i = 0; i < nr; i++)
		pass->addresses[i] = tasks[i].files + walk->layout->files_fdt;
	vs_mem__words(walk->mem, pass->addresses, pass->values, pass->ok, nr);
}

/* From the fdts of the pass before. */
static void read_tables(const struct vs_walk *walk, size_t nr, struct pass *pass,
			struct table *tables)
{
	for (size_t i = 0; i < nr; i++)
		tables[i].fdt = pass->ok[i] ? pass->values[i] : 0;
	for (size_t i = 0; i < nr; i++) {
		pass->addresses[2 * i] = tables[i].fdt + walk->layout->fdt_max;
		pass->addresses[2 * i + 1] = tables[i].fdt + walk->layout->fdt_fd;
	}
	vs_mem__words(walk->mem, pass->addresses, pass->values, pass->ok, 2 * nr);
	for (size_t i = 0; i < nr; i++) {
		memcpy(&tables[i].max, &pass->values[2 * i], sizeof(tables[i].max));
		tables[i].fd = pass->values[2 * i + 1];
		if (!pass->ok[2 * i] || !pass->ok[2 * i + 1])
			tables[i] = (struct table){};
	}
}

static int find_tables(const struct vs_walk *walk, const struct vs_task_row *tasks, size_t nr,
		       struct table *tables)
{
	struct pass pass;
	int err = pass_new(&pass, 2 * nr) ? 0 : -ENOMEM;

	if (!err) {
		read_fdts(walk, tasks, nr, &pass);
		read_tables(walk, nr, &pass, tables);
	}
	pass_free(&pass);
	return err;
}

static bool try_table(struct scan *scan, uint32_t task, const struct table *table)
{
	return table->fdt && table->max <= VS_WALK_MAX_FDS && !read_table(scan, task, table);
}

/* The table may just have been replaced by a larger one: once more from the start. */
static bool read_one(struct scan *scan, uint32_t task, struct table *table)
{
	if (!scan->tasks[task].files || try_table(scan, task, table))
		return true;
	return !find_tables(scan->walk, &scan->tasks[task], 1, table) &&
	       try_table(scan, task, table);
}

int vs_walk__fds(const struct vs_walk *walk, struct vs_file_kinds *kinds,
		 const struct vs_task_row *tasks, size_t nr_tasks, struct vs_snapshot *snapshot,
		 struct vs_carriers *carriers)
{
	struct scan scan = { .walk = walk, .kinds = kinds, .tasks = tasks, .snapshot = snapshot,
			     .carriers = carriers };
	struct table *tables = calloc(nr_tasks + 1, sizeof(*tables));
	int unread = 0;

	if (!tables)
		return -ENOMEM;
	scan.error = find_tables(walk, tasks, nr_tasks, tables);
	for (size_t i = 0; i < nr_tasks && !scan.error; i++)
		unread += !read_one(&scan, i, &tables[i]);
	if (!scan.error)
		flush(&scan);
	free(tables);
	return scan.error ?: unread;
}

uint64_t vs_walk__file_of(const struct vs_walk *walk, uint64_t files, int fd)
{
	const struct vs_task_row task = { .files = files };
	struct table table;

	if (find_tables(walk, &task, 1, &table) || !table.fd || (uint32_t)fd >= table.max)
		return 0;
	return vs_mem__pointer(walk->mem, table.fd + fd * sizeof(uint64_t));
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Walks in kernel memory: pure functions of struct vs_mem. No lock is taken, so a
 * structure may change meanwhile. Every walk is bounded, checks each link from both
 * ends, begins again a few times, and then says that it is not complete.
 */
#ifndef VFIOSCOPE_SNAPSHOT_WALK_H
#define VFIOSCOPE_SNAPSHOT_WALK_H

#include "bpf/peek.h"
#include "kernel/mem.h"
#include "snapshot/layout.h"
#include "snapshot/snapshot.h"
#include "snapshot/symbols.h"

#define VS_WALK_TRIES 3
#define VS_WALK_MAX_LIST 65536	/* groups of a host, devices of a group */
#define VS_WALK_MAX_FDS (1 << 20) /* of one process: fs.nr_open as the kernel sets it */
#define VS_WALK_MAX_TREE (1 << 18) /* mappings of anonymous inodes of the whole host */

struct vs_walk {
	const struct vs_mem *mem;
	struct vs_snap_layout *layout;	/* an assumed vfio_device is corrected */
	const struct vs_snap_symbols *symbols;
	uint64_t anonymous_file;	/* any struct file on the anonymous inode, or 0 */
	uint64_t anonymous_inode;	/* that inode itself, or 0 */
};

/*
 * The nodes of a list_head list, its head not among them. Returns the number (at most
 * `max`), -ELOOP when it is longer, -EFAULT when it is broken or changes all the time.
 */
int vs_walk__list(const struct vs_mem *mem, uint64_t head, uint64_t *nodes, size_t max);

/* Up to size - 1 characters, always terminated; what cannot be read ends it. */
void vs_walk__string(const struct vs_mem *mem, uint64_t address, char *buf, size_t size);

/*
 * Adds VFIO groups and their devices to the snapshot; of a VFIO without groups its devices. -ENOENT when the kernel's table
 * of symbols does not have the list, -EFAULT when nothing like a list is there, -ELOOP,
 * -ENOMEM.
 */
int vs_walk__groups(struct vs_walk *walk, struct vs_snapshot *snapshot);

/*
 * Adds what sysfs tells of the running machine: the other devices of each group, with their drivers. Call after
 * vs_walk__groups(). 0 or -ENOMEM.
 */
int vs_walk__neighbours(const struct vs_walk *walk, struct vs_snapshot *snapshot);

/*
 * Adds devices that open files and mappings lead to and that neither a group's list nor its IOMMU
 * group has: those that are leaving and whose driver's data does not begin with them. Call after
 * vs_walk__maps(). 0 or -ENOMEM.
 */
int vs_walk__devices_of_files(struct vs_walk *walk, struct vs_snapshot *snapshot);

/* A descriptor of a file in which others may be. */
struct vs_carrier {
	int kind;		/* VS_FILE_SOCKET, VS_FILE_RING */
	uint64_t file;
	uint32_t tgid;
	int fd;
	char comm[VS_COMM_LEN];
};

struct vs_carriers {
	struct vs_carrier *rows;
	size_t nr;
};

/* Tells the kind of a file; -1: of no interest. Reads its operations at most once in a walk. */
struct vs_file_kinds;
struct vs_file_kinds *vs_file_kinds__new(const struct vs_walk *walk); /* NULL: no memory */
void vs_file_kinds__free(struct vs_file_kinds *kinds);
int vs_file_kinds__of(struct vs_file_kinds *kinds, uint64_t file_operations);

/* The struct file that descriptor `fd` of a files_struct names, 0 if it names none. */
uint64_t vs_walk__file_of(const struct vs_walk *walk, uint64_t files, int fd);

/* The struct vfio_device of a device's file, 0 if it cannot be read. */
uint64_t vs_walk__file_device(const struct vs_walk *walk, uint64_t file);

/* The struct iommufd_ctx that a device's file is bound to; 0: none, or this kernel knows none. */
uint64_t vs_walk__file_iommufd(const struct vs_walk *walk, uint64_t file);

/*
 * Adds the descriptors of these tasks. Call after vs_walk__groups(). Returns the number
 * of tables that could not be read to their end (0: complete) or -ENOMEM. Descriptors of
 * what may carry others, where its release is known, go to @carriers; NULL: they do not.
 */
int vs_walk__fds(const struct vs_walk *walk, struct vs_file_kinds *kinds,
		 const struct vs_task_row *tasks, size_t nr_tasks, struct vs_snapshot *snapshot,
		 struct vs_carriers *carriers);

/*
 * Adds a file that @row's task keeps: its kind, object and what else only memory tells. Nothing is
 * added when @file is not VFIO's. 0 or -ENOMEM.
 */
int vs_walk__keep(const struct vs_walk *walk, struct vs_file_kinds *kinds, uint64_t file,
		  const struct vs_snap_fd *row, struct vs_snapshot *snapshot);

/* -- walk_far.c: files that no descriptor names; 0 or -ENOMEM -- */

int vs_walk__sockets(const struct vs_walk *walk, struct vs_file_kinds *kinds,
		     const struct vs_carriers *carriers, struct vs_snapshot *snapshot);
int vs_walk__rings(const struct vs_walk *walk, struct vs_file_kinds *kinds,
		   const struct vs_carriers *carriers, const struct vs_snap_far *far,
		   struct vs_snapshot *snapshot);
int vs_walk__releases(const struct vs_walk *walk, struct vs_file_kinds *kinds,
		      const struct vs_snap_far *far, struct vs_snapshot *snapshot);

/*
 * Adds mappings of device memory. Call after vs_walk__fds(). Returns the number of trees
 * that could not be read to their end (0: complete), -ENOENT when there is no place to
 * start from, -ENOMEM.
 */
int vs_walk__maps(const struct vs_walk *walk, struct vs_file_kinds *kinds,
		  const struct vs_task_row *tasks, size_t nr_tasks, struct vs_snapshot *snapshot);

#endif

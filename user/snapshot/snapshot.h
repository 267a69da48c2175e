/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A snapshot has what exists at one moment, without any history: VFIO groups with their
 * counters, their devices, the processes that have their files open or device memory
 * mapped. It is plain data: vs_snapshot__take() fills it, everything else reads it.
 */
#ifndef VFIOSCOPE_SNAPSHOT_H
#define VFIOSCOPE_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/events.h"

#define VS_SNAP_UNKNOWN INT32_MIN	/* a number that could not be read */

struct vs_snap_group {
	uint64_t address;	/* struct vfio_group *, 0: known from sysfs only */
	int number;		/* iommu group number, -1 if not known */
	int32_t refs;		/* its counter; VS_SNAP_UNKNOWN */
	int32_t opened;		/* open group files (0 or 1 up to 5.15); VS_SNAP_UNKNOWN */
	int32_t container_users;
	uint64_t container;	/* struct vfio_container *, 0: none */
	uint64_t group_file;	/* struct file * of the opener where the kernel keeps it (5.18+) */
	uint64_t waiter;	/* struct task_struct * that waits until the group has left its
				 * container (up to v5.19), 0: none */
};

struct vs_snap_device {
	uint64_t address;	/* struct vfio_device *, 0: known from sysfs only, which it is
				 * when its driver is not one of VFIO's */
	uint64_t group;		/* struct vfio_group *, 0 with address 0 */
	bool leaving;		/* no more in its group's list: an unregister is under way that
				 * still waits for users (v6.12; earlier kernels wait first) */
	uint64_t waiter;	/* struct task_struct * that waits for its users, read from the
				 * device itself (v5.13, 5.10.137 and later); 0: none, or not known */
	int number;		/* iommu group number */
	int32_t refs;		/* its registration's counter; VS_SNAP_UNKNOWN */
	int32_t open_count;	/* VS_SNAP_UNKNOWN before 5.15 */
	char name[VS_DEVICE_LEN];	/* dev_name() */
	char driver[32];	/* bound driver, also while its remove() runs; "" if none */
};

enum vs_snap_file_kind {
	VS_SNAP_GROUP_FILE,	/* /dev/vfio/N; object: struct vfio_group * */
	VS_SNAP_DEVICE_FILE,	/* a device's fd; object: struct vfio_device * */
	VS_SNAP_CONTAINER_FILE,	/* /dev/vfio/vfio; object: struct vfio_container * */
	VS_SNAP_CDEV_FILE,	/* /dev/vfio/devices/vfioN (6.6+); object: struct vfio_device * */
	VS_SNAP_IOMMUFD_FILE,	/* /dev/iommu (6.2+); object: struct iommufd_ctx * */
	VS_SNAP_KVM_FILE,	/* a KVM vfio device; object: one struct vfio_group * it holds,
				 * a row for each; 0 when it holds none or cannot be read,
				 * or a device without a group of ours */
	VS_SNAP_FILE_KINDS,
};

/*
 * One descriptor of one process: dup()ed and inherited ones are rows of their own. Or, where
 * vs_snapper__look_for() was asked, what keeps a file open without one.
 */
struct vs_snap_fd {
	enum vs_snap_file_kind kind;
	enum vs_snap_via {
		VS_VIA_FD,
		VS_VIA_SOCKET,	/* on its way through the UNIX socket of this descriptor */
		VS_VIA_RING,	/* registered with the io_uring of this descriptor (-1: a ring
				 * that is itself registered only) */
		VS_VIA_RELEASE,	/* closed, but the task `tid` has not got to its release yet, or
				 * is in it; fd is -1 */
	} via;
	uint64_t file;		/* struct file *: the same for dup()ed, inherited, passed ones */
	uint64_t object;
	uint64_t device;	/* KVM: struct vfio_device * whose own file it holds (v6.6), or 0 */
	uint64_t iommufd;	/* a device's file: struct iommufd_ctx * that it is bound to (v6.6), or 0 */
	uint32_t tgid;
	uint32_t tid;		/* of VS_VIA_RELEASE */
	int fd;
	char comm[VS_COMM_LEN];
};

/* Device memory mapped into an address space: holds the device open with every fd closed. */
struct vs_snap_map {
	uint64_t file;		/* struct file * of the device */
	uint64_t device;	/* struct vfio_device * */
	uint64_t mm;		/* struct mm_struct * */
	uint64_t start, end;	/* user addresses */
	uint32_t tgid;		/* a process with that mm, 0: none, only something in the kernel
				 * keeps it (vhost) */
	char comm[VS_COMM_LEN];	/* with tgid 0: a kernel thread that works in it, or "" */
};

/* A true member was looked at. A false one has its reason in vs_snapshot.words. */
struct vs_snap_scope {
	bool groups;		/* the list of groups in the kernel was walked */
	bool counters;
	bool fds;
	bool maps;
};

struct vs_snapshot {
	uint64_t start_ns, end_ns;	/* CLOCK_MONOTONIC: taken between these */
	/* The record begun last (vs_event.seq) before and after it was taken: readers of records set them. */
	uint64_t start_seq, end_seq;
	struct vs_snap_scope scope;
	bool hidden_tasks;	/* this is not the first PID namespace: those of others are out of
				 * sight, and nothing can be said of what they hold or wait for */
	bool files_counted;	/* an open group file is a reference in vs_snap_group.refs (up to 5.18);
				 * later the counter has the devices only */
	bool users_counted;	/* a user of a device is a reference of its group, too: before v5.13 and
				 * 5.10.137, where vfio_device_get() took one of each */
	char words[400];	/* what could not be looked at and why, "" if nothing */
	struct vs_snap_group *groups;
	size_t nr_groups;
	struct vs_snap_device *devices;
	size_t nr_devices;
	struct vs_snap_fd *fds;
	size_t nr_fds;
	struct vs_snap_map *maps;
	size_t nr_maps;
};

/*
 * A machine that is not the one that this runs on: its dump. All of it is the caller's, for as long as
 * snapshots are taken.
 */
struct vs_mem;
struct vs_snap_layout;
struct vs_task_row;
struct vs_stack_row;
struct vs_snap_machine {
	const struct vs_mem *mem;
	const struct vs_snap_layout *layout;
	const char *kallsyms;	/* text, as of /proc/kallsyms */
	size_t kallsyms_len;
	const struct vs_task_row *tasks;
	size_t nr_tasks;
	const struct vs_stack_row *rows; /* by tid */
	size_t nr_rows;
	uint64_t anonymous_inode; /* struct inode * of all anonymous files, 0: not known */
	bool has_vfio;
};

struct vs_snapshot_opts {
	const char *root;	/* prefixed to /sys and /proc; NULL or "": the system */
	bool no_memory;		/* only what sysfs says, as without privileges */
	const struct vs_snap_machine *machine; /* NULL: the running one; else neither /sys nor /proc is read */
};

/*
 * Looks at the running host. Hooks nothing, takes no lock and no reference in the
 * kernel and opens no file of a process, so it works where tasks are stuck; what
 * changes meanwhile may be seen before or after the change. NULL options: the defaults.
 *
 * Open files that no descriptor names are found only after vs_snapper__look_for(). A counter that
 * is higher than what was found tells that there is one. On v6.6 to v6.9 mappings of a device opened by cdev are found
 * only while a descriptor of it is open. Without CONFIG_VFIO_GROUP (v6.6) there are rows for the IOMMU
 * groups of VFIO's devices, without addresses and counters.
 *
 * 0 with whatever could be found: scope and words say what could not be looked at and
 * why. -ENOMEM with words in `error`. Free with vs_snapshot__free().
 */
int vs_snapshot__take(const struct vs_snapshot_opts *opts, struct vs_snapshot *s, char *error,
		      size_t size);

/*
 * A snapper is for repeated snapshots: it learns once what does not change, so that a
 * snapshot costs the walks alone. @opts->root stays the caller's. NULL with errno.
 */
struct vs_snapper;

struct vs_snapper *vs_snapper__new(const struct vs_snapshot_opts *opts);
void vs_snapper__free(struct vs_snapper *snapper);	/* NULL is fine */

/*
 * Loads the programs, which the first snapshot does otherwise. A caller needs it if it drops
 * its privileges before there may be anything to look at. 0 or a negative errno.
 */
int vs_snapper__get_ready(struct vs_snapper *snapper);

/* Files that no descriptor names may be in these places. An address of 0: not looked there. */
struct vs_snap_far {
	uint64_t sock_close;	/* file_operations.release of a socket */
	uint64_t uring_release;	/* of an io_uring */
	uint64_t fput;		/* ____fput(), the work by which a task releases a file */
	uint64_t work_run;	/* task_work_run() */
	uint64_t put_files;	/* put_files_struct(), where a task that ends closes all it has */
	uint64_t work_run_part, put_files_part; /* most of them, where the compiler has split them */
	const struct vs_stack_row *rows; /* the tasks */
	size_t nr_rows;
};

/* The snapshots to come look there, too. @far is copied; its rows stay the caller's. */
void vs_snapper__look_for(struct vs_snapper *snapper, const struct vs_snap_far *far);

/* As vs_snapshot__take(). */
int vs_snapper__take(struct vs_snapper *snapper, struct vs_snapshot *s, char *error, size_t size);

/*
 * Returns kernel memory and its layout as snapshots read them, for callers that look at
 * more. Both are valid until the next snapshot or vs_snapper__free(). NULL with errno where
 * memory cannot be read: EPERM without privileges.
 */
const struct vs_mem *vs_snapper__memory(struct vs_snapper *snapper,
					const struct vs_snap_layout **layout);

/* As vs_peek__stacks(); of a machine in a dump a copy of its rows. */
struct vs_stack_row *vs_snapper__stacks(struct vs_snapper *snapper, size_t *nr);

/* Frees what was found; *s is empty afterwards. NULL is fine. */
void vs_snapshot__free(struct vs_snapshot *s);

#endif

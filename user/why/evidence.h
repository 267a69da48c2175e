/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Everything that a verdict may rest on, as plain data: tasks that wait, what they
 * wait for, the snapshot of VFIO, outstanding deferred puts. vs_evidence__collect() fills it on
 * a host, vs_evidence__from_json() from a file, vs_classify() reads it.
 */
#ifndef VFIOSCOPE_WHY_EVIDENCE_H
#define VFIOSCOPE_WHY_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/view.h"
#include "snapshot/snapshot.h"

#define VS_EV_DEVICES 4		/* device locks of one task that are kept */
#define VS_EV_UNKNOWN UINT64_MAX /* a time that is not known */

enum vs_ev_lock {
	VS_EV_NO_LOCK,		/* waits for no lock, or for one that was not found */
	VS_EV_MUTEX,
	VS_EV_RWSEM,
};

/* A device whose lock a task holds. */
struct vs_ev_locked {
	char name[VS_DEVICE_LEN];
	char driver[32];	/* "" if none */
};

struct vs_ev_task {
	uint64_t address;	/* struct task_struct *, 0: /proc only */
	uint32_t tid, tgid;
	uint32_t parent;	/* tgid */
	char state;		/* as ps(1) has it: R, S, D, I, T, Z */
	bool kernel_thread;
	char comm[VS_COMM_LEN];
	uint64_t waited_ns;	/* since it last had a CPU; VS_EV_UNKNOWN */
	uint64_t age_ns;	/* since it was created; VS_EV_UNKNOWN */
	/*
	 * How long it was seen in the same function of a driver, by a second look; 0: it has left
	 * it. VS_EV_UNKNOWN: there was no need or no way to look again.
	 */
	uint64_t stayed_ns;
	enum vs_ev_lock lock_kind;
	uint64_t lock;
	uint64_t owner;		/* struct task_struct * in the lock, 0: none there */
	bool owner_reads;	/* an rwsem held for reading: the owner is one of the readers */
	bool lock_outside;	/* an outer frame of its own keeps this lock's address, too */
	char lock_name[80];	/* "device lock of 0000:00:05.0", a symbol, or "" */
	int lock_group;		/* the IOMMU group whose notifier chain it is, -1: none */
	struct vs_ev_locked locked[VS_EV_DEVICES];
	size_t nr_locked;
	size_t nr_frames;
	char (*frames)[VS_SITE_LEN]; /* "symbol+0x1 [module]", innermost first */
};

/* What tells an operator which process that is. */
struct vs_ev_process {
	uint32_t tgid, parent;
	char comm[VS_COMM_LEN];
	char cmdline[512];	/* spaces between arguments; "" if not read */
	char cgroup[256];	/* "" if not read */
	bool stuck;		/* reading /proc of it did not return in time */
	bool uninterruptible;	/* a task of it sleeps so */
};

enum vs_ev_work_state {
	VS_EV_WORK_INACTIVE,	/* the workqueue has max_active works under way */
	VS_EV_WORK_PENDING,	/* waits for a worker of its pool */
	VS_EV_WORK_RUNNING,
};

/* A deferred put: a work item of vfio_group_put_bg() (v4.13 to v5.15). */
struct vs_ev_work {
	enum vs_ev_work_state state;
	uint64_t address;	/* struct work_struct *, which is freed when it has run */
	uint64_t group;		/* struct vfio_group *, 0 not known */
	int cpu;		/* of the pool, -1: unbound */
	uint64_t worker;	/* struct task_struct * when running */
	uint32_t ahead;		/* works before it in the same list */
	uint64_t outstanding_ns; /* it was so for this long at least */
};

/* What the workers of a pool with such a work are busy with. */
struct vs_ev_worker {
	uint64_t task;		/* one of them */
	uint32_t nr;		/* with the same function */
	int cpu;
	char func[VS_SITE_LEN];
};

/* A process that has a vhost device open: those keep address spaces. */
struct vs_ev_opener {
	uint32_t tgid;
	int fd;
	uint64_t mm;		/* struct mm_struct * that it keeps and no process has, 0: not known */
	char path[64];
};

struct vs_evidence {
	char release[80];	/* of the kernel */
	bool weaker;		/* no BPF: from /proc and sysfs */
	char words[400];	/* what could not be looked at, "" if nothing */
	bool has_vfio;
	bool has_notifier;	/* the kernel has vfio_iommu_group_notifier() */
	bool has_fix;		/* it has vfio_group_put_bg() */
	uint64_t took_ns;
	uint32_t nr_seen;	/* tasks of the host */
	struct vs_snapshot snapshot;
	struct vs_ev_task *tasks; /* those of interest */
	size_t nr_tasks;
	struct vs_ev_process *processes;
	size_t nr_processes;
	struct vs_ev_work *works;
	size_t nr_works;
	struct vs_ev_worker *workers;
	size_t nr_workers;
	struct vs_ev_opener *openers;
	size_t nr_openers;
};

void vs_evidence__free(struct vs_evidence *e);	/* *e is empty afterwards */

const struct vs_ev_task *vs_evidence__task_at(const struct vs_evidence *e, uint64_t address);
const struct vs_ev_process *vs_evidence__process(const struct vs_evidence *e, uint32_t tgid);

/* The index of the first frame in one of the functions from @from on; nr_frames if none. */
size_t vs_ev_task__find(const struct vs_ev_task *t, size_t from, const char *function);

/* As JSON text, malloc'ed; NULL without memory. */
char *vs_evidence__to_json(const struct vs_evidence *e);

/* 0 or -EINVAL, -ENOMEM with a sentence in `error`. */
int vs_evidence__from_json(const char *text, struct vs_evidence *e, char *error, size_t size);

#endif

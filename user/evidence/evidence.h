/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The evidence is all that a verdict may rest on, as plain data: tasks that wait, what they
 * wait for, the snapshot of VFIO, outstanding deferred puts. vs_evidence__collect() fills it on
 * a host, vs_evidence__from_json() from a file, vs_classify() reads it.
 */
#ifndef VFIOSCOPE_WHY_EVIDENCE_H
#define VFIOSCOPE_WHY_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/view.h"
#include "evidence/start.h"
#include "snapshot/snapshot.h"
#include "vfio/fix.h"

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

/* A log reports a task in one of these ways. */
enum vs_ev_told {
	VS_TOLD_NOTHING,
	VS_TOLD_HUNG,		/* by the hung task detector: D, and it did not run for hung_ns */
	VS_TOLD_STATE,		/* by sysrq-t, sysrq-w and the like: with its state */
	VS_TOLD_STACK,		/* /proc/PID/stack: without state and the scheduler's frames */
	VS_TOLD_DUMP,		/* by crash or drgn */
	VS_TOLD_BARE,		/* a stack without a header */
	VS_TOLD_RUNS,		/* a lockup, an RCU stall */
	VS_TOLD_CPU,		/* a CPU did this at that moment */
	VS_TOLD_DIED,		/* an oops, a BUG */
	VS_TOLD_WARNED,		/* a WARN, KASAN */
	VS_TOLD_POSSIBLE,	/* lockdep: this may happen, it did not */
};

/* The scheduler's frames of a logged stack tell what it sleeps in. */
enum vs_ev_wait {
	VS_WAIT_UNKNOWN,	/* /proc leaves those frames out, or they are cut off */
	VS_WAIT_NOT,		/* it does not sleep */
	VS_WAIT_MUTEX,
	VS_WAIT_RWSEM,
	VS_WAIT_SEMAPHORE,
	VS_WAIT_COMPLETION,	/* it may have a time limit: the frames do not tell */
	VS_WAIT_TIMED,		/* for some time, maybe in rounds */
	VS_WAIT_EVENT,		/* schedule() and nothing else: wait_event() and the like */
};

struct vs_ev_logged {
	enum vs_ev_told told;
	enum vs_ev_wait wait;
	bool torn;		/* its stack is cut off or mixed with another: not to be relied on */
	bool loose;		/* it has frames with "? " only */
	bool addresses;		/* of x86, before its frames: up to v4.9, and RHEL 7 */
	bool hard;		/* a lockup with interrupts off, an RCU stall */
	int cpu;		/* -1: not known */
	uint32_t reports;	/* of the same */
	uint32_t boot;		/* counts the boots in a log */
	uint64_t first_ns, last_ns; /* since boot; VS_EV_UNKNOWN */
	uint64_t hung_ns;	/* as the kernel says: it waits, it is stuck; VS_EV_UNKNOWN */
	uint32_t owner;		/* tid of "likely owned by task", 0: none */
	char owner_comm[32];
	char when[40];		/* of the last report, as the log has it */
	char release[64];	/* of the kernel, "" not known */
	char words[100];	/* what it died of */
};

/* VFIO and its neighbours write these messages to the kernel's log. */
enum vs_ev_message_kind {
	VS_MSG_REQUESTED,	/* "Relaying device request to user (#N)" */
	VS_MSG_NO_CHANNEL,	/* its user cannot be asked */
	VS_MSG_BLOCKED,		/* "Device is currently in use, task ... blocked" */
	VS_MSG_IOMMUFD_TIMEOUT,	/* iommufd's wait ended, and the object is in use still */
	VS_MSG_NO_HOTPLUG,	/* QEMU: the device sits on a bus that cannot unplug */
	VS_MSG_DEVICE_GONE,	/* does not answer any more */
	VS_MSG_LINK_DOWN,	/* PCIe */
	VS_MSG_IOMMU_TIMEOUT,	/* an invalidation was not answered */
	VS_MSG_REBOUND,		/* a driver other than VFIO's has the device */
	VS_MSG_PANIC,
	VS_MSG_DRIVER_BUSY,	/* another driver's remove waits for the users of its device */
	VS_MSG_KINDS,
};

struct vs_ev_message {
	enum vs_ev_message_kind kind;
	char device[VS_DEVICE_LEN]; /* "" if the message names none */
	uint32_t boot;
	uint32_t nr;		/* how often */
	uint32_t earlier;	/* waits for the same device that have ended, before this one */
	uint32_t rounds;	/* the highest #N of VS_MSG_REQUESTED: one in 10 s */
	uint32_t pid;		/* of VS_MSG_BLOCKED */
	char comm[VS_COMM_LEN];
	uint64_t first_ns, last_ns; /* VS_EV_UNKNOWN: not known */
	uint64_t order;		/* of the last among all messages */
	char when[40];		/* of the last, as the log has it */
};

#define VS_LOCK_OF_IOMMU_GROUP "lock of an IOMMU group" /* no wait for users has it, but an attach does */

struct vs_ev_task {
	uint64_t address;	/* struct task_struct *, 0: /proc only; in a log its number there */
	uint32_t tid, tgid;
	uint32_t parent;	/* tgid */
	char state;		/* as ps(1) has it: R, S, D, I, T, Z */
	bool kernel_thread;
	char comm[VS_COMM_LEN];
	uint64_t waited_ns;	/* since it last had a CPU; VS_EV_UNKNOWN */
	uint64_t age_ns;	/* since it was created; VS_EV_UNKNOWN */
	/*
	 * A second look saw it in the same function of a driver for so long; 0: it has left it.
	 * VS_EV_UNKNOWN: there was no need or no way to look again.
	 */
	uint64_t stayed_ns;
	bool from_memory;	/* it runs: its frames are from the memory of its stack, where the
				 * innermost may be left from an earlier call */
	enum vs_ev_lock lock_kind;
	uint64_t lock;
	uint64_t owner;		/* struct task_struct * in the lock, 0: none there */
	uint64_t dead_owner;	/* the owner that the lock names, which is no task, or one that was created
				 * after the wait began: the owner ended with the lock */
	bool is_first;		/* among the lock's waiters: an unlock wakes it. False where it is not known */
	bool owner_reads;	/* an rwsem held for reading: the owner is one of the readers */
	bool lock_outside;	/* an outer frame of the same stack keeps this lock's address, too */
	char lock_name[80];	/* "device lock of 0000:00:05.0", a symbol, or "" */
	int lock_group;		/* the IOMMU group whose notifier chain it is, -1: none */
	struct vs_ev_locked locked[VS_EV_DEVICES];
	size_t nr_locked;
	char about[128];	/* devices that it is about to remove, by name, spaces between; "" */
	size_t nr_frames;
	char (*frames)[VS_SITE_LEN]; /* "symbol+0x1 [module]", innermost first */
	struct vs_ev_logged logged;
};

/* These members tell an operator which process that is. */
struct vs_ev_process {
	uint32_t tgid, parent;
	char comm[VS_COMM_LEN];
	char cmdline[512];	/* spaces between arguments; "" if not read */
	char cgroup[256];	/* "" if not read */
	char vfio_args[320];	/* of QEMU: its arguments that name a device of VFIO, a space between */
	bool q35;		/* of QEMU: the machine whose root bus is PCIe */
	bool exiting;		/* every thread of it is on its way out */
	uint64_t age_ns;	/* since it was created; 0, VS_EV_UNKNOWN: not known */
	char pod_name[160];	/* "namespace/name" of its pod, "" if not known */
	char container_name[96]; /* as its runtime has it, "" if not known */
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

/* A function that workers of a pool with such a work are busy with. */
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
	bool from_core;		/* all of it is of a dump */
	bool incomplete;	/* of a dump: something is missing that may hide a hang */
	char words[400];	/* what could not be looked at, "" if nothing */
	bool has_vfio;
	bool has_notifier;	/* the kernel has vfio_iommu_group_notifier() */
	bool has_fix;		/* it has vfio_group_put_bg(); @fix tells if the notifier uses it */
	enum vs_fix fix;	/* as its code shows */
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
	struct vs_start_facts *start; /* what a VM's start needs, of a device or group that was asked about; NULL */
	const struct vs_start_said *said; /* a program failed, and said this: the caller's; NULL */
	/* The rest is from the kernel's log: it is weaker than all of the above. */
	bool from_log;		/* there is nothing but a log */
	uint64_t log_lines;	/* that were read */
	bool log_of_kernel;	/* some of them look like a kernel's, be it only by their clock */
	uint64_t log_now_ns;	/* when, in the clock of its stamps; 0: a log of some other time */
	struct vs_ev_task *logged;
	size_t nr_logged;
	struct vs_ev_message *messages;
	size_t nr_messages;
};

void vs_evidence__free(struct vs_evidence *e);	/* *e is empty afterwards */

const struct vs_ev_task *vs_evidence__task_at(const struct vs_evidence *e, uint64_t address);
const struct vs_ev_process *vs_evidence__process(const struct vs_evidence *e, uint32_t tgid);

/* Returns true if the snapshot did not see all. A kernel without VFIO hides nothing. */
static inline bool vs_evidence__is_partial(const struct vs_evidence *e)
{
	return e->snapshot.words[0] && (e->has_vfio || !e->snapshot.scope.fds);
}

/* The index of the first frame in one of the functions from @from on; nr_frames if none. */
size_t vs_ev_task__find(const struct vs_ev_task *t, size_t from, const char *function);

/* As JSON text, malloc'ed; NULL without memory. */
char *vs_evidence__to_json(const struct vs_evidence *e);

/* 0 or -EINVAL, -ENOMEM with a sentence in `error`. */
int vs_evidence__from_json(const char *text, struct vs_evidence *e, char *error, size_t size);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the programs of bpf/latency/ and user space share: configuration, the maps'
 * values, and the records of the rings. Fixed-width types, explicit padding, sizes
 * asserted; not ABI of anything outside this tree.
 */
#ifndef VFIOSCOPE_BPF_LATENCY_H
#define VFIOSCOPE_BPF_LATENCY_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#include "events.h"

#define VS_LAT_TARGETS 8	/* functions that can be followed by name */
#define VS_LAT_WAYS 4		/* works that share one set of the table */
#define VS_LAT_RUNNING 8192	/* workers, by the low bits of their thread number; then softirqs, by CPU */
#define VS_LAT_LOG 4096		/* what had a CPU: entries kept for each */
#define VS_LAT_WORST 64		/* of these, the slowest of each CPU are never missed */
#define VS_LAT_WAKE_EVERY_NS 10000000ull /* VS_LAT_WAITS, on each CPU */
#define VS_LAT_WQ_NAME 32	/* WQ_NAME_LEN; 24 before v6.9 (31c89007285d) */

/*
 * Histogram: buckets of four to a power of two. Below 4 ns a bucket each; the last
 * one takes everything from 8 minutes on.
 */
#define VS_HIST_SUB_BITS 2
#define VS_HIST_MAX_EXPONENT 38
#define VS_HIST_BUCKETS (((VS_HIST_MAX_EXPONENT - VS_HIST_SUB_BITS) << VS_HIST_SUB_BITS) + 8)

/* What is measured of each work. */
enum vs_lat_kind {
	VS_LAT_HELD,	/* queued -> activated: waits for max_active */
	VS_LAT_WAIT,	/* queued -> started */
	VS_LAT_RUN,	/* started -> ended */
	VS_LAT_TOTAL,	/* queued -> ended */
	VS_LAT_CHAIN,	/* the notifier's get -> its reference dropped */
	VS_LAT_KINDS
};

struct vs_lat_hist {
	__u64 count;
	__u64 sum_ns;
	__u64 max_ns;
	__u32 buckets[VS_HIST_BUCKETS];
};
_Static_assert(sizeof(struct vs_lat_hist) == 24 + 4 * VS_HIST_BUCKETS, "shared with BPF");

struct vs_lat_row {
	struct vs_lat_hist kinds[VS_LAT_KINDS];
	__u64 overdue;
};

/* One row of histograms for each; with --all, for each function only. */
struct vs_lat_key {
	__u64 func;
	__s32 pool;		/* worker_pool.id; -1 with --all */
	__u32 released;		/* this put was the last one */
};

/* What is known of a work when it is queued. */
struct vs_lat_queued {
	__u64 queue_ns;
	__u64 activate_ns;	/* 0: not yet */
	__u64 get_ns;		/* when the notifier took the reference, 0: not known */
	__u64 group;		/* deferred put: struct vfio_group * */
	__u64 pwq;		/* struct pool_workqueue * */
	__s32 number;		/* of the iommu group, -1 */
	__s32 pool;
	__s32 pool_cpu;		/* -1: unbound */
	__s32 nr_active;	/* works of this workqueue on this pool, active before it */
	__s32 max_active;	/* -1: the kernel keeps it elsewhere (unbound, v6.9) */
	__s32 nr_idle;		/* idle workers of the pool */
	__u32 tid;		/* who queued it */
	__u32 backlog;		/* followed works queued and not started before it */
};
_Static_assert(sizeof(struct vs_lat_queued) == 72, "shared with BPF");

/*
 * A queued work. Of one work, queue events are in order (PENDING belongs to one task
 * at a time) and start events are, too (no work runs twice at once). So `head` has one
 * writer and `tail` has one, and no lock is needed. Both count; q[] has the last two,
 * because a work may be queued again before its start is reported.
 */
struct vs_lat_work {
	__u64 work;		/* struct work_struct *, 0: free */
	__u64 func;
	__u32 head;		/* times queued */
	__u32 tail;		/* times started, or given up */
	__u32 row;		/* --all: 1 + row of its function, 0: not known */
	__u32 pad;
	/* --all alone: instead of q[], and in the cache line of what is above. */
	__u64 queue_ns[2];
	__s32 pool[2];
	struct vs_lat_queued q[2];
	__u64 pad2[7];
};
_Static_assert(sizeof(struct vs_lat_work) == 256, "shared with BPF");

struct vs_lat_set {
	struct vs_lat_work way[VS_LAT_WAYS];
};

/* A work that runs. Kept with the worker: the work's memory may be reused before the end. */
struct vs_lat_run {
	__u64 work;		/* 0: this worker runs nothing that is followed */
	__u64 func;
	__u64 start_ns;
	__u64 put_ns;		/* the reference is about to be dropped, 0: not seen */
	struct vs_lat_queued q;
	__u32 tid;
	__u32 row;
	__u32 released;
	__u32 queued_again;	/* times queued before that came to nothing */
};
_Static_assert(sizeof(struct vs_lat_run) == 120, "shared with BPF");

/* Counted by each CPU. */
struct vs_lat_totals {
	__u64 queued;
	__u64 started;
	__u64 ended;
	__u64 unknown_start;	/* started, not seen to be queued: flush barriers never are */
	__u64 cancelled;	/* queued and taken off again, as far as programs see it */
	__u64 peak;		/* most that were queued and not started at once, if counted */
	__u64 scratch[2];	/* of the programs: see as_number() */
};

enum vs_lat_log_what {
	VS_LAT_SWITCH = 1,	/* tid left the CPU */
	VS_LAT_START,		/* tid, a worker, starts func */
	VS_LAT_END,		/* tid, a worker, has ended func */
};

/* One change of what a CPU does. `func`, `pwq`, `pool`: 0, 0, -1 where there is none. */
struct vs_lat_log {
	__u64 time_ns;
	__u64 func;		/* switch: what the worker was in the middle of */
	__u64 pwq;
	char comm[VS_COMM_LEN];
	__u32 tid;		/* 0: idle */
	__s32 pool;
	__u32 next_tid;
	__u32 what;		/* enum vs_lat_log_what, 0: never written */
	__u64 pad;
};
_Static_assert(sizeof(struct vs_lat_log) == 64, "shared with BPF");

/* The log of one CPU: `position` entries were written so far. */
struct vs_lat_cpu_log {
	__u64 position;
	__u64 pad[7];
	struct vs_lat_log entries[VS_LAT_LOG];
};

/* The slowest of one CPU: see slow_enough() in bpf/latency/slow.h. */
struct vs_lat_floor {
	__u64 floor_ns;
	__u64 least_ns;
	__u64 nr;
	__u64 woke_ns;		/* when user space was last told that works wait */
};

/* References on one group that only queued works hold. */
struct vs_lat_group {
	__s64 now;
	__s64 peak;
	__s64 number;		/* of the iommu group */
};

enum vs_lat_type {
	VS_LAT_SLOW = 1,	/* started after a long wait, as such things go here */
	VS_LAT_DONE,		/* ended: with --events, or overdue */
	VS_LAT_FREED,		/* group freed while works still hold references on it */
	VS_LAT_MODULE_LOAD,	/* a module is there, its init not yet run */
	VS_LAT_MODULE_FREE,
	VS_LAT_WAITS,		/* a followed work was queued: late mode begins to look */
};

/* A record of the rings. It begins as struct vs_event does, so that one merge serves both. */
struct vs_lat_event {
	__u16 size;
	__u8 version;
	__u8 type;		/* enum vs_lat_type */
	__u32 cpu;
	__u64 time_ns;
	__u64 work;
	__u64 func;
	__u64 start_ns;
	__u64 end_ns;
	__u64 put_ns;
	struct vs_lat_queued q;
	__u32 tid;		/* the worker */
	__u32 released;
	char comm[VS_COMM_LEN];
	char name[56];		/* workqueue, or module */
};
_Static_assert(sizeof(struct vs_lat_event) == 208, "shared with BPF");

/* Why something was not counted. */
enum vs_lat_loss {
	VS_LAT_LOSS_WORKS_FULL,	/* no room for a queued work */
	VS_LAT_LOSS_RUNNING_FULL, /* two workers share one place */
	VS_LAT_LOSS_ROWS_FULL,	/* no room for another function or pool */
	VS_LAT_LOSS_RING_FULL,	/* a record was dropped */
	VS_LAT_LOSS_GROUPS_FULL, /* no room for another group */
	VS_LAT_LOSS_KERNEL_END,
};

#define VS_LAT_ASKED 16

/* Works that user space asks about: is it queued, and not just memory that was one? */
struct vs_lat_ask {
	__u64 works[VS_LAT_ASKED];
	__u64 funcs[VS_LAT_ASKED];
	__u32 waits[VS_LAT_ASKED];	/* the answer */
	__u32 nr;
};

struct vs_lat_config {
	__u32 ready;		/* programs do nothing until this is set */
	__s32 group_iommu_group; /* vfio_group.iommu_group, VS_NO_OFFSET */
	__u64 targets[VS_LAT_TARGETS]; /* functions, 0: not there (yet) */
	__u64 deferred_func;	/* the one of them that is vfio_group_put_bg, or 0 */
	__u64 overdue_ns;	/* 0: no alarm */
	__u64 since_ns;		/* samples: what was queued before is of no window any more */
};

#endif

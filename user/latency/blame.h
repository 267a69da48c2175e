/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Explains what a work waited for, from the logs of the CPUs. Pure.
 *
 * A wait has up to two phases. Until it is activated the work waits for a place among
 * the max_active of its workqueue: each moment is shared among the works that hold the
 * places. After that it waits for a worker of its pool to get to it: each moment belongs
 * to whatever had the CPU. Time that nothing accounts for is a part of its own, so the
 * parts always add up to the delay.
 */
#ifndef VFIOSCOPE_LATENCY_BLAME_H
#define VFIOSCOPE_LATENCY_BLAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/latency.h"

/* A part of the log of one CPU, in order of time. */
struct vs_cpu_log {
	const struct vs_lat_log *entries;
	size_t nr;
	bool cut;		/* entries before the first one were overwritten */
};

enum vs_blame_why {
	VS_BLAME_WORK,		/* another work on the same pool had the CPU */
	VS_BLAME_HELD,		/* a work held a place among max_active */
	VS_BLAME_OTHER_POOL,	/* a work of another pool had the CPU */
	VS_BLAME_TASK,		/* another task had the CPU */
	VS_BLAME_WORKER,	/* a worker was being woken, or was between two works */
	VS_BLAME_NO_WORKER,	/* the pool had no idle worker: one had to be made */
	VS_BLAME_UNWATCHED,	/* blame was not attached yet */
	VS_BLAME_UNKNOWN,	/* we know nothing about that time */
};

const char *vs_blame__name(enum vs_blame_why why);	/* "work", "max-active" ... */

struct vs_blame_part {
	enum vs_blame_why why;
	uint64_t ns;
	uint64_t func;		/* the work function that had the CPU or a place, or 0 */
	int32_t pool;		/* its worker_pool.id, -1: none */
	uint32_t tid;		/* VS_BLAME_TASK */
	char comm[VS_COMM_LEN];	/* VS_BLAME_TASK */
};

#define VS_BLAME_PARTS 16

struct vs_blame {
	struct vs_blame_part parts[VS_BLAME_PARTS]; /* the longest first */
	size_t nr;
	uint64_t delay_ns;	/* queued to started: what the parts add up to */
	unsigned int ahead;	/* works that this pool started in that time, before it */
	bool at_max_active;	/* was not activated at once */
};

/*
 * Explains the wait of `work` (a record VS_LAT_SLOW or VS_LAT_DONE). `logs` are those of all CPUs
 * and hold the time between queueing and start, as far as they still do, and from `watched_ns` on;
 * the time before that is VS_BLAME_UNWATCHED. When there are more than VS_BLAME_PARTS culprits, the
 * shortest go into VS_BLAME_UNKNOWN.
 */
void vs_blame__explain(struct vs_blame *blame, const struct vs_lat_event *work,
		       const struct vs_cpu_log *logs, size_t nr_cpus, uint64_t watched_ns);

/*
 * Cuts [from_ns, to_ns] out of a CPU's log, into `out` (room for VS_LAT_LOG). `log` may
 * be written meanwhile: entries that could have been are left out. Returns the number.
 */
size_t vs_blame__slice(const struct vs_lat_cpu_log *log, uint64_t from_ns, uint64_t to_ns,
		       struct vs_lat_log *out, bool *cut);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The life of each deferred put: get in the notifier, queued, started by a worker, put, perhaps the
 * release, done. The address of the work joins these steps; the get is joined by the task that queued.
 */
#ifndef VFIOSCOPE_LEDGER_DEFERRED_H
#define VFIOSCOPE_LEDGER_DEFERRED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/events.h"

#define VS_OVERDUE_NS 10000000000ull	/* the kernel's workers start a work within milliseconds */

/* Times are CLOCK_MONOTONIC ns, 0 when that step was not seen. */
struct vs_deferred {
	uint64_t work;		/* struct work_struct * */
	uint64_t group;		/* struct vfio_group * */
	int iommu_group;	/* -1 if not known */
	uint32_t generation;	/* of the group, 0 if not known */
	uint32_t tid;		/* task that queued */
	uint32_t worker_tid;
	char comm[VS_COMM_LEN];
	char worker_comm[VS_COMM_LEN];
	uint8_t action;		/* enum vs_action */
	bool last_sure;		/* refs was 1 when queued: an unfixed kernel would deadlock */
	uint64_t get_ns;
	uint64_t queue_ns;
	uint64_t start_ns;
	uint64_t put_ns;
	uint64_t release_ns;	/* 0: the put was not the last one */
	uint64_t end_ns;
};

struct vs_latency {
	uint64_t count, min_ns, max_ns, sum_ns;
};

struct vs_deferred_stats {
	uint64_t queued, started, ended;
	uint64_t released;	/* the deferred put was the last one */
	uint64_t near_misses;	/* known to be the last one when it was queued */
	uint64_t unpaired;	/* started or ended without having been seen queued */
	uint64_t unended;	/* the work's address came back before its end was seen */
	uint64_t evicted;
	struct vs_latency wait;	/* queue -> start */
	struct vs_latency total; /* queue -> end */
};

struct vs_deferreds;

/* Keeps at most @max outstanding ones. NULL with errno set. */
struct vs_deferreds *vs_deferreds__new(size_t max);
void vs_deferreds__free(struct vs_deferreds *d);

/*
 * Takes one queue, start, put, release or end. @get_ns is the time when the task took the reference in
 * the notifier (0 if not seen). Returns the life when it is complete (valid until the next call), else
 * NULL.
 */
const struct vs_deferred *vs_deferreds__feed(struct vs_deferreds *d, const struct vs_event *e,
					     int iommu_group, uint32_t generation,
					     uint64_t get_ns);

/* The group address of an outstanding deferred put, 0 if not known. */
uint64_t vs_deferreds__group(struct vs_deferreds *d, uint64_t work);

const struct vs_deferred_stats *vs_deferreds__stats(const struct vs_deferreds *d);

/* Returns how many deferred puts have been queued or started and have not ended yet. */
size_t vs_deferreds__outstanding(const struct vs_deferreds *d);

/* Returns how many of them were queued at least VS_OVERDUE_NS before @now_ns and have not started. */
size_t vs_deferreds__overdue(const struct vs_deferreds *d, uint64_t now_ns);

void vs_latency__add(struct vs_latency *l, uint64_t ns);
uint64_t vs_latency__avg(const struct vs_latency *l);	/* 0 without samples */

#endif

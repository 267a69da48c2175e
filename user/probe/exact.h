/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hardware watchpoints on the counters of a few groups: a write breakpoint of perf on each online
 * CPU, which runs a BPF program. The kernel gives watchpoints on its own memory to CAP_SYS_ADMIN
 * only (hw_breakpoint_parse(), since v2.6.33).
 */
#ifndef VFIOSCOPE_EXACT_PROBE_H
#define VFIOSCOPE_EXACT_PROBE_H

#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/config.h"
#include "bpf/exact.h"
#include "privilege/keeper.h"

struct vs_exact;

struct vs_exact_stats {
	uint64_t hits;		/* of watchpoints, as perf counts them */
	uint64_t missed;	/* hits that the program was not run for */
	uint64_t retries;	/* writes that changed nothing: failed compare-and-exchange */
	uint64_t unknown;	/* changes whose value could not be told */
	unsigned int cpus_missing; /* CPUs online now that came (back) after a watch was set */
};

/*
 * @runs: how often the program ran, counted by itself. @ended: where programs note releases. All four
 * stay the caller's and must outlive it. NULL with errno set.
 */
struct vs_exact *vs_exact__new(struct bpf_program *prog, struct bpf_map *watches,
			       const uint64_t *runs, const struct vs_ended *ended);
/* From now on `keeper` opens the watchpoints. The caller still owns it. */
void vs_exact__use_keeper(struct vs_exact *x, struct vs_keeper *keeper);

void vs_exact__free(struct vs_exact *x);	/* disarms; NULL is fine */

/*
 * Watches the four bytes at @counter, on all online CPUs or on none. @seen_seq: a
 * record after which the group existed; once it was released after that its memory may
 * be something else's, so its watch ends when we learn of the release. 0, or
 *   -EEXIST	 watched already,
 *   -ESTALE	 it was released since (or that cannot be told any more),
 *   -ENOSPC	 a CPU has no debug register left (or VS_WATCHES are set),
 *   -EMFILE	 no more descriptors: two for each CPU are wanted,
 *   -EOPNOTSUPP the kernel or the CPU has no watchpoints,
 *   -EPERM	 without CAP_SYS_ADMIN,
 *   -EAGAIN	 a CPU went away meanwhile,
 * or another negative errno.
 */
int vs_exact__watch(struct vs_exact *x, uint64_t counter, uint64_t group, int iommu_group,
		    uint64_t seen_seq);

/* 0 or -ENOENT. */
int vs_exact__unwatch(struct vs_exact *x, uint64_t group);

/* Ends all watches. */
void vs_exact__unwatch_all(struct vs_exact *x);

/* Record @seq is the release of a group: its watch ends, if the group was seen before that. */
void vs_exact__released(struct vs_exact *x, uint64_t group, uint64_t seq);

/*
 * Takes the groups that a complete look found, which began at @taken_ns after the record
 * @taken_seq, and ends the watch of a group that has not been found for a second. This covers
 * releases whose record was lost, and a creator of a group that was not the first and freed its own
 * without a record.
 */
void vs_exact__found(struct vs_exact *x, const uint64_t *groups, size_t nr, uint64_t taken_seq,
		     uint64_t taken_ns);

/*
 * Turns what the program sent into a record of the event ABI. False: it is no change, or no such
 * record.
 */
bool vs_exact__clean(struct vs_exact *x, const void *raw, size_t len,
		     struct vs_stack_event *clean);

/*
 * Takes a millisecond while anything is watched; up to 20 ms more, if some hits seem
 * missed, for programs that are running just now.
 */
struct vs_exact_stats vs_exact__stats(struct vs_exact *x);

/*
 * Returns how many more watchpoints the CPU with the least room could take: 0 to VS_WATCHES, or
 * -EOPNOTSUPP, -EPERM as above. Reserves them for a moment; arms nothing.
 */
int vs_exact__room(void);

#endif

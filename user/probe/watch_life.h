/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Decides if a group may be watched, and when its watch must end: its memory is soon something
 * else's. We learn of groups late (records are fetched every 20 to 100 ms, a snapshot is walked for
 * some), and may lose the record of a release. Pure; records (vs_event.seq) tell what came first,
 * times are CLOCK_MONOTONIC ns.
 */
#ifndef VFIOSCOPE_WATCH_LIFE_H
#define VFIOSCOPE_WATCH_LIFE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VS_RELEASES 64
/* Before v5.16 a group is created some ms before it is in the kernel's list. */
#define VS_ABSENT_NS 1000000000ull

/* The last releases that were seen, one for each address. Begins as zeros. */
struct vs_releases {
	struct {
		uint64_t group, seq;
	} last[VS_RELEASES];
	size_t next;
	uint64_t forgotten_seq;	/* the latest of those for which there was no room any more */
};

void vs_releases__add(struct vs_releases *r, uint64_t group, uint64_t seq);

/* Returns true if it was, or may have been, released after @seen_seq, when it existed. */
bool vs_releases__since(const struct vs_releases *r, uint64_t group, uint64_t seen_seq);

/* The state of a group that is watched. */
struct vs_watch_life {
	uint64_t group;
	uint64_t seen_seq;	/* it existed then; a release before that is of another life */
	uint64_t absent_ns;	/* of the first of the last looks that did not find it; 0: found */
};

/*
 * @groups: what exists according to a look that began at @taken_ns, after the
 * record @taken_seq. True once looks for VS_ABSENT_NS have not found it.
 */
bool vs_watch_life__is_over(struct vs_watch_life *life, const uint64_t *groups, size_t nr,
			    uint64_t taken_seq, uint64_t taken_ns);

#endif

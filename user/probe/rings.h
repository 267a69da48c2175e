/* SPDX-License-Identifier: GPL-2.0 */
/* The ring buffers in the kernel, one for each possible CPU, in one map of maps. */
#ifndef VFIOSCOPE_RINGS_H
#define VFIOSCOPE_RINGS_H

#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vs_rings;

/*
 * Creates rings that hold `bytes` together (at least 16 KiB each) and begins to enter them into
 * their map: the kernel waits for RCU at each, so threads do that while the caller goes on. NULL
 * with errno set.
 */
struct vs_rings *vs_rings__new(uint32_t bytes);
void vs_rings__free(struct vs_rings *r);	/* NULL is fine */

/* Bytes of each ring, and how many there are. */
uint32_t vs_rings__bytes_each(const struct vs_rings *r);
size_t vs_rings__nr(const struct vs_rings *r);

/* Makes `map` of a BPF object that is not loaded yet the map of these rings. 0 or negative errno. */
int vs_rings__use(const struct vs_rings *r, struct bpf_map *map);

/*
 * Waits until all rings are entered, and returns a reader over all of them that
 * calls `record`. NULL with errno set. The reader is the caller's to free.
 */
struct ring_buffer *vs_rings__reader(struct vs_rings *r, ring_buffer_sample_fn record, void *ctx);

/*
 * The horizon says how far the order is certain. A record takes its number after its room in the
 * ring was reserved, so a record reserved after a moment has a higher one than all had then.
 *	vs_rings__mark(r, begun, now);
 *	consume all rings
 *	horizon = vs_rings__horizon(r, patience);
 * @begun: the highest number so far. Every record below the horizon has been consumed: no ring
 * holds one back that another CPU reserved and has not finished (a virtual CPU may stand still).
 * We do not wait for a ring that has held one back for longer than @patience_ns: then `forced` is
 * set, and what that ring still has comes too late.
 */
struct vs_horizon {
	uint64_t seq;
	bool forced;
};

void vs_rings__mark(struct vs_rings *r, uint64_t begun, uint64_t now_ns);
struct vs_horizon vs_rings__horizon(struct vs_rings *r, uint64_t patience_ns);

#endif

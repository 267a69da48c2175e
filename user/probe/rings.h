/* SPDX-License-Identifier: GPL-2.0 */
/* The ring buffers in the kernel, one for each possible CPU, in one map of maps. */
#ifndef VFIOSCOPE_RINGS_H
#define VFIOSCOPE_RINGS_H

#include <bpf/libbpf.h>
#include <stddef.h>
#include <stdint.h>

struct vs_rings;

/*
 * Creates rings that hold `bytes` together (at least 16 KiB each) and begins to
 * enter them into their map: the kernel waits for RCU at each, so that goes on
 * beside what the caller does next. NULL with errno set.
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
 * How far the order of time is certain. A record's time is read after its room in the
 * ring was reserved, so what is reserved later than a moment is later than that moment.
 *	vs_rings__mark(r, now);
 *	consume all rings
 *	horizon = vs_rings__horizon(r);
 * Every record older than the horizon has been consumed: no ring holds one back that
 * another CPU reserved and has not finished (it may stand still, being a virtual one).
 */
void vs_rings__mark(struct vs_rings *r, uint64_t now_ns);
uint64_t vs_rings__horizon(struct vs_rings *r);

#endif

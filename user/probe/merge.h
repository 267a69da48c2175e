/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Brings records of several rings into one order of time. Each ring is in order
 * on its own; between them records are held back until nothing earlier can come.
 */
#ifndef VFIOSCOPE_MERGE_H
#define VFIOSCOPE_MERGE_H

#include <stddef.h>
#include <stdint.h>

struct vs_merge;

/* NULL with errno set. */
struct vs_merge *vs_merge__new(void);
void vs_merge__free(struct vs_merge *m);	/* NULL is fine */

/* Keeps a copy of one record (it begins with struct vs_event). 0, -EINVAL, -ENOMEM. */
int vs_merge__add(struct vs_merge *m, const void *record, size_t len);

/*
 * Hands over, in order, every record older than `until_ns` (CLOCK_MONOTONIC;
 * UINT64_MAX for all). Returns their number.
 */
size_t vs_merge__drain(struct vs_merge *m, uint64_t until_ns,
		       void (*each)(void *ctx, const void *record, size_t len), void *ctx);

/* Records held back. */
size_t vs_merge__held(const struct vs_merge *m);

#endif

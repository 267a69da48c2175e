/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Brings records of several rings into one order, and holds them back until nothing earlier can
 * come. The caller chooses the key: a clock may step back, so for the lifetimes of references it is
 * the sequence number of the record (bpf/events.h), never its time.
 */
#ifndef VFIOSCOPE_MERGE_H
#define VFIOSCOPE_MERGE_H

#include <stddef.h>
#include <stdint.h>

struct vs_merge;

/* NULL with errno set. */
struct vs_merge *vs_merge__new(void);
void vs_merge__free(struct vs_merge *m);	/* NULL is fine */

/* Keeps a copy of one record, whose place is @order; equal ones keep the order of arrival. 0, -ENOMEM. */
int vs_merge__add(struct vs_merge *m, uint64_t order, const void *record, size_t len);

/* Hands over, in order, every record before @until (UINT64_MAX: all). Returns their number. */
size_t vs_merge__drain(struct vs_merge *m, uint64_t until,
		       void (*each)(void *ctx, const void *record, size_t len), void *ctx);

/* Records held back. */
size_t vs_merge__held(const struct vs_merge *m);

#endif

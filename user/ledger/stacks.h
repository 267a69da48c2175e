/* SPDX-License-Identifier: GPL-2.0 */
/* Kernel stacks, each kept once and named by a number. */
#ifndef VFIOSCOPE_LEDGER_STACKS_H
#define VFIOSCOPE_LEDGER_STACKS_H

#include <stddef.h>
#include <stdint.h>

#include <linux/types.h>

struct vs_stacks;

/* At most @max different ones. NULL with errno set. */
struct vs_stacks *vs_stacks__new(size_t max);
void vs_stacks__free(struct vs_stacks *s);	/* NULL is fine */

/* The number of a stack, from 1; 0 when it is empty or there is no more room. */
uint32_t vs_stacks__number(struct vs_stacks *s, const __u64 *frames, size_t nr);

/* The frames of a number, innermost first, valid until free; NULL and *@nr 0 for 0. */
const __u64 *vs_stacks__frames(const struct vs_stacks *s, uint32_t number, size_t *nr);

size_t vs_stacks__count(const struct vs_stacks *s);
uint64_t vs_stacks__refused(const struct vs_stacks *s);	/* for want of room */

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* Kernel addresses in words, with a small cache in front of the resolver. */
#ifndef VFIOSCOPE_LEDGER_SITES_H
#define VFIOSCOPE_LEDGER_SITES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/types.h>

typedef bool (*vs_resolve_fn)(void *ctx, uint64_t ip, char *buf, size_t size);

struct vs_sites;

/* @resolve may be NULL: all addresses stay hexadecimal. NULL with errno set. */
struct vs_sites *vs_sites__new(vs_resolve_fn resolve, void *ctx);
void vs_sites__free(struct vs_sites *s);	/* NULL is fine */

/* "symbol+0x12", or "0xffff..." when unknown, "" for 0. Valid until the next call. */
const char *vs_sites__name(struct vs_sites *s, uint64_t ip);

/* Does the same into @buf, but gives "" when unknown and drops "+0x0". */
void vs_sites__symbol(struct vs_sites *s, uint64_t ip, char *buf, size_t size);

/*
 * Returns the index of the frame that changed a reference count: the first one outside the helpers of
 * lib/refcount.c, which are never inlined. @nr when there is none.
 */
size_t vs_sites__caller(struct vs_sites *s, const __u64 *stack, size_t nr);

/* A module was loaded or freed: addresses mean something else now. */
void vs_sites__forget(struct vs_sites *s);

#endif

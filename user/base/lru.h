/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A bounded hash table from a 64-bit key to a value of fixed size. When it is
 * full the least recently used value makes room. Values do not move; memory
 * grows in steps as it is used.
 */
#ifndef VFIOSCOPE_LEDGER_LRU_H
#define VFIOSCOPE_LEDGER_LRU_H

#include <stddef.h>
#include <stdint.h>

struct vs_lru;

/* Called for a value about to be forgotten: evicted, deleted or at free. */
typedef void (*vs_lru_drop_fn)(void *ctx, void *value);

/* At most @max values of @value_size bytes. @drop may be NULL. NULL with errno set. */
struct vs_lru *vs_lru__new(size_t max, size_t value_size, vs_lru_drop_fn drop, void *ctx);
void vs_lru__free(struct vs_lru *l);	/* NULL is fine */

/* Returns the value, which becomes the most recently used; NULL when there is none. */
void *vs_lru__find(struct vs_lru *l, uint64_t key);

/*
 * Adds a zeroed value for a key that is not in the table. Returns NULL when out of memory. If another
 * value had to go, vs_lru__evicted() counts it.
 */
void *vs_lru__add(struct vs_lru *l, uint64_t key);

void vs_lru__del(struct vs_lru *l, uint64_t key);

void vs_lru__clear(struct vs_lru *l);	/* deletes all; none of them counts as evicted */

/* Gives the value at @old the key @new, which must be free. */
void vs_lru__rekey(struct vs_lru *l, uint64_t old, uint64_t new);

size_t vs_lru__count(const struct vs_lru *l);
uint64_t vs_lru__evicted(const struct vs_lru *l);

/* Walks from the least recently used (@value NULL: the first). NULL at the end. */
void *vs_lru__next(const struct vs_lru *l, const void *value);

#endif

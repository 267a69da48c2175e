/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The pool of live references: bounded, looked up by holder, listed by group. References do not move
 * while they live.
 */
#ifndef VFIOSCOPE_LEDGER_REF_POOL_H
#define VFIOSCOPE_LEDGER_REF_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "ledger/ref.h"

struct vs_ref_pool;

/* The references of one group, newest first. All zeroes: none. */
struct vs_ref_list {
	struct vs_ref *newest;
	size_t nr;
};

/* At most @max references; memory grows with their number. NULL with errno set. */
struct vs_ref_pool *vs_ref_pool__new(size_t max);
void vs_ref_pool__free(struct vs_ref_pool *p);	/* NULL is fine */

/* A zeroed reference of holder @key in @list; NULL when there is no room (counted). */
struct vs_ref *vs_ref_pool__add(struct vs_ref_pool *p, struct vs_ref_list *list, uint64_t key);

void vs_ref_pool__del(struct vs_ref_pool *p, struct vs_ref_list *list, struct vs_ref *ref);

/* Returns true if the reference was added to that list. */
bool vs_ref_pool__is_in(const struct vs_ref_list *list, const struct vs_ref *ref);

/* Moves the reference to another holder. */
void vs_ref_pool__rekey(struct vs_ref_pool *p, struct vs_ref *ref, uint64_t key);

/* Walks the references of one holder: @ref NULL gives the newest, then older ones; NULL at the end. */
struct vs_ref *vs_ref_pool__held(const struct vs_ref_pool *p, uint64_t key, struct vs_ref *ref);

/* Returns the next older reference of its list, NULL at the end. */
struct vs_ref *vs_ref_pool__older(const struct vs_ref *ref);

size_t vs_ref_pool__count(const struct vs_ref_pool *p);
uint64_t vs_ref_pool__refused(const struct vs_ref_pool *p);	/* for want of room */

#endif

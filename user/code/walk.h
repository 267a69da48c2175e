/* SPDX-License-Identifier: GPL-2.0 */
/* Finds all functions that some functions reach by direct calls and jumps. */
#ifndef VFIOSCOPE_WALK_H
#define VFIOSCOPE_WALK_H

#include "code/code.h"

struct vs_walk {
	uint32_t *order;	/* functions, nearest first; the roots come before all others */
	size_t nr, nr_roots;
	const struct vs_code_ref **via;	/* by function: how it was reached; NULL for roots */
};

/* `stop`: names that are not entered, NULL-terminated. 0 or -ENOMEM. Breadth first. */
int vs_walk__from(const struct vs_code *code, const uint32_t *roots, size_t nr_roots,
		  const char *const *stop, struct vs_walk *walk);
void vs_walk__free(struct vs_walk *walk);

#endif

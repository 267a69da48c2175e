/* SPDX-License-Identifier: GPL-2.0 */
/* Lifetimes of references: a histogram by class, and the longest. */
#ifndef VFIOSCOPE_LEDGER_LIFETIMES_H
#define VFIOSCOPE_LEDGER_LIFETIMES_H

#include <stddef.h>
#include <stdint.h>

#include "ledger/ref.h"

#define VS_LIFETIME_BUCKETS 64	/* bucket i: [2^i, 2^(i+1)) ns */
#define VS_LONGEST 10

struct vs_lifetime {
	uint64_t count;		/* references of this class that ended */
	uint64_t min_ns, max_ns, sum_ns;
	uint64_t buckets[VS_LIFETIME_BUCKETS];
};

struct vs_lifetimes {
	struct vs_lifetime classes[VS_REF_CLASSES];
	size_t nr_longest;
	struct vs_ref longest[VS_LONGEST];	/* longest first; only references whose get was seen */
};

/* Counts an ended reference, unless a snapshot found it: then its length is not known. */
void vs_lifetimes__add(struct vs_lifetimes *l, const struct vs_ref *ref);

#endif

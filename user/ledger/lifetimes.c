// SPDX-License-Identifier: GPL-2.0
#include "ledger/lifetimes.h"

#include <string.h>

static uint64_t length_of(const struct vs_ref *ref)
{
	return ref->put_ns > ref->get_ns ? ref->put_ns - ref->get_ns : 0;
}

static void count(struct vs_lifetime *l, uint64_t ns)
{
	if (!l->count++ || ns < l->min_ns)
		l->min_ns = ns;
	if (ns > l->max_ns)
		l->max_ns = ns;
	l->sum_ns += ns;
	l->buckets[ns ? 63 - __builtin_clzll(ns) : 0]++;
}

static void keep_longest(struct vs_lifetimes *l, const struct vs_ref *ref, uint64_t ns)
{
	size_t at = l->nr_longest;

	if (at == VS_LONGEST && length_of(&l->longest[--at]) >= ns)
		return;
	if (l->nr_longest < VS_LONGEST)
		l->nr_longest++;
	for (; at && length_of(&l->longest[at - 1]) < ns; at--)
		l->longest[at] = l->longest[at - 1];
	l->longest[at] = *ref;
}

void vs_lifetimes__add(struct vs_lifetimes *l, const struct vs_ref *ref)
{
	if (ref->origin != VS_REF_SEEN || ref->class >= VS_REF_CLASSES)
		return;
	count(&l->classes[ref->class], length_of(ref));
	keep_longest(l, ref, length_of(ref));
}

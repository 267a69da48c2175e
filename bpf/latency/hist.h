/* SPDX-License-Identifier: GPL-2.0 */
/* Counting a time. The same buckets as user/latency/hist.c, which a unit test compares. */
#ifndef VFIOSCOPE_BPF_LATENCY_HIST_H
#define VFIOSCOPE_BPF_LATENCY_HIST_H

#include "state.h"

/* floor(log2), for v > 0, without a loop. */
static __always_inline __u32 hist_log2(__u64 v)
{
	__u32 log = (v > 0xffffffffull) << 5, more;

	v >>= log;
	more = (v > 0xffff) << 4;
	v >>= more;
	log |= more;
	more = (v > 0xff) << 3;
	v >>= more;
	log |= more;
	more = (v > 0xf) << 2;
	v >>= more;
	log |= more;
	more = (v > 0x3) << 1;
	v >>= more;
	log |= more;
	return log | (v >> 1);
}

/* A function of its own, which the verifier walks once and not for each call. */
__noinline __u32 hist_bucket(__u64 ns)
{
	__u32 log, sub;

	if (ns < (1 << VS_HIST_SUB_BITS))
		return ns;
	log = hist_log2(ns);
	if (log > VS_HIST_MAX_EXPONENT)
		return VS_HIST_BUCKETS - 1;
	sub = (ns >> (log - VS_HIST_SUB_BITS)) & ((1 << VS_HIST_SUB_BITS) - 1);
	return ((log - VS_HIST_SUB_BITS + 1) << VS_HIST_SUB_BITS) + sub;
}

static __always_inline void hist_add(struct vs_lat_hist *hist, __u64 ns)
{
	__u32 bucket = hist_bucket(ns);
	__u64 max = hist->max_ns, less = (max - ns) >> 63;

	hist->count++;
	hist->sum_ns += ns;
	/* Without a branch, for the verifier's time; clang must not know that less is 0 or 1. */
	barrier_var(less);
	hist->max_ns = max + (ns - max) * less;
	if (bucket < VS_HIST_BUCKETS)
		hist->buckets[bucket]++;
}

#endif

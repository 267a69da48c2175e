/* SPDX-License-Identifier: GPL-2.0 */
/* Counting a time. The same buckets as user/latency/hist.c, which a unit test compares. */
#ifndef VFIOSCOPE_BPF_LATENCY_HIST_H
#define VFIOSCOPE_BPF_LATENCY_HIST_H

#include "state.h"

/* A function of its own, which the verifier walks once and not for each call. */
__u32 hist_bucket(__u64 ns);

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

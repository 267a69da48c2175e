// SPDX-License-Identifier: GPL-2.0
/* The bucket that a time belongs to. */
#include "hist.h"

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

// SPDX-License-Identifier: GPL-2.0
#include "latency/hist.h"

#define SUBS (1u << VS_HIST_SUB_BITS)

unsigned int vs_hist__bucket(uint64_t ns)
{
	unsigned int log;

	if (ns < SUBS)
		return ns;
	log = 63 - __builtin_clzll(ns);
	if (log > VS_HIST_MAX_EXPONENT)
		return VS_HIST_BUCKETS - 1;
	return ((log - VS_HIST_SUB_BITS + 1) << VS_HIST_SUB_BITS) +
	       ((ns >> (log - VS_HIST_SUB_BITS)) & (SUBS - 1));
}

uint64_t vs_hist__floor(unsigned int bucket)
{
	unsigned int log = bucket >> VS_HIST_SUB_BITS;

	if (!log)
		return bucket;
	return (uint64_t)(SUBS + (bucket & (SUBS - 1))) << (log - 1);
}

void vs_hist__add(struct vs_hist *h, uint64_t ns)
{
	h->count++;
	h->sum_ns += ns;
	h->max_ns = ns > h->max_ns ? ns : h->max_ns;
	h->buckets[vs_hist__bucket(ns)]++;
}

void vs_hist__merge_raw(struct vs_hist *h, const struct vs_lat_hist *raw)
{
	h->count += raw->count;
	h->sum_ns += raw->sum_ns;
	h->max_ns = raw->max_ns > h->max_ns ? raw->max_ns : h->max_ns;
	for (unsigned int i = 0; i < VS_HIST_BUCKETS; i++)
		h->buckets[i] += raw->buckets[i];
}

void vs_hist__merge(struct vs_hist *h, const struct vs_hist *other)
{
	h->count += other->count;
	h->sum_ns += other->sum_ns;
	h->max_ns = other->max_ns > h->max_ns ? other->max_ns : h->max_ns;
	for (unsigned int i = 0; i < VS_HIST_BUCKETS; i++)
		h->buckets[i] += other->buckets[i];
}

void vs_hist__since(struct vs_hist *h, const struct vs_hist *now, const struct vs_hist *before)
{
	*h = (struct vs_hist){
		.count = now->count - before->count,
		.sum_ns = now->sum_ns - before->sum_ns,
	};
	for (unsigned int i = 0; i < VS_HIST_BUCKETS; i++) {
		h->buckets[i] = now->buckets[i] - before->buckets[i];
		if (h->buckets[i])
			h->max_ns = vs_hist__floor(i + 1) - 1;
	}
	if (h->max_ns > now->max_ns)
		h->max_ns = now->max_ns;
}

uint64_t vs_hist__percentile(const struct vs_hist *h, unsigned int permille)
{
	uint64_t rank = (h->count * permille + 999) / 1000, seen = 0, end;

	for (unsigned int i = 0; i < VS_HIST_BUCKETS && h->count; i++) {
		seen += h->buckets[i];
		if (seen < rank || !seen)
			continue;
		end = vs_hist__floor(i + 1) - 1;
		return end < h->max_ns && i + 1 < VS_HIST_BUCKETS ? end : h->max_ns;
	}
	return h->count ? h->max_ns : 0;
}

uint64_t vs_hist__mean(const struct vs_hist *h)
{
	return h->count ? h->sum_ns / h->count : 0;
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Histograms of times with four buckets to a power of two, as the BPF programs count
 * them (bpf/latency/hist.h), added up over CPUs. Pure.
 */
#ifndef VFIOSCOPE_LATENCY_HIST_H
#define VFIOSCOPE_LATENCY_HIST_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/latency.h"

struct vs_hist {
	uint64_t count;
	uint64_t sum_ns;
	uint64_t max_ns;
	uint64_t buckets[VS_HIST_BUCKETS];
};

/* The bucket of a time, and the times it holds: floor(b) <= ns < floor(b + 1). */
unsigned int vs_hist__bucket(uint64_t ns);
uint64_t vs_hist__floor(unsigned int bucket);

/* Counts one time. */
void vs_hist__add(struct vs_hist *h, uint64_t ns);

/* Adds what one CPU counted, or another histogram. */
void vs_hist__merge_raw(struct vs_hist *h, const struct vs_lat_hist *raw);
void vs_hist__merge(struct vs_hist *h, const struct vs_hist *other);

/* Computes the change since `before`, an earlier state of `now`. The maximum is that of the last bucket. */
void vs_hist__since(struct vs_hist *h, const struct vs_hist *now, const struct vs_hist *before);

/*
 * The time that `permille` of 1000 stay at or below, ns: the upper end of its bucket,
 * so at most a quarter too much, and never above the maximum. 0 without samples.
 */
uint64_t vs_hist__percentile(const struct vs_hist *h, unsigned int permille);

uint64_t vs_hist__mean(const struct vs_hist *h);	/* ns, 0 without samples */

#endif

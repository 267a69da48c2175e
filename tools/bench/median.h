/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by the loads of the benchmark. */
#ifndef VFIOSCOPE_BENCH_MEDIAN_H
#define VFIOSCOPE_BENCH_MEDIAN_H

#include <stdlib.h>
#include <time.h>

static inline double now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Sorts. A batch that another task disturbed does not move it. */
static inline double median(double *values, size_t nr)
{
	qsort(values, nr, sizeof(*values), by_size);
	return values[nr / 2];
}

#endif

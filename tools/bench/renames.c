// SPDX-License-Identifier: GPL-2.0
/*
 * A cheap system call with a tracepoint in it, in a loop: a task gives itself a name. Not
 * raw_syscalls: a program there sends each call on the slow way, which costs more than it.
 * usage: renames BATCHES     prints ns per call, of CPU time: the median over batches, and
 * the best tenth of them
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "median.h"

#define CALLS 5000

int main(int argc, char **argv)
{
	size_t batches = argc > 1 ? strtoul(argv[1], NULL, 10) : 100;
	double *ns = calloc(batches, sizeof(*ns)), middle;

	if (!ns || !batches)
		return 1;
	for (size_t i = 0; i < batches; i++) {
		double start = now_ns(CLOCK_THREAD_CPUTIME_ID);

		for (int call = 0; call < CALLS; call++)
			prctl(PR_SET_NAME, "renames", 0, 0, 0);
		ns[i] = (now_ns(CLOCK_THREAD_CPUTIME_ID) - start) / CALLS;
	}
	/* median() sorts. */
	middle = median(ns, batches);
	printf("%.2f %.2f\n", middle, ns[batches / 10]);
	free(ns);
	return 0;
}

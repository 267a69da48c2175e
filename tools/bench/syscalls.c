// SPDX-License-Identifier: GPL-2.0
/*
 * The cheapest system call in a loop, for the cost of a program on its tracepoint.
 * usage: syscalls BATCHES     prints ns per call, the median over batches, of CPU time
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "median.h"

#define CALLS 20000

int main(int argc, char **argv)
{
	size_t batches = argc > 1 ? strtoul(argv[1], NULL, 10) : 100;
	double *ns = calloc(batches, sizeof(*ns));

	if (!ns || !batches)
		return 1;
	for (size_t i = 0; i < batches; i++) {
		double start = now_ns(CLOCK_THREAD_CPUTIME_ID);

		for (int call = 0; call < CALLS; call++)
			syscall(SYS_getppid);
		ns[i] = (now_ns(CLOCK_THREAD_CPUTIME_ID) - start) / CALLS;
	}
	printf("%.2f\n", median(ns, batches));
	free(ns);
	return 0;
}

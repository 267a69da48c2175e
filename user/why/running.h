/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finds out what a running task is inside of. Its stack cannot be read from outside while it is on
 * a CPU: the frames in memory may be left from an earlier call. So a timer of perf's samples
 * the task, in a child (proc.h), because a CPU that takes no interrupts does not answer.
 */
#ifndef VFIOSCOPE_WHY_RUNNING_H
#define VFIOSCOPE_WHY_RUNNING_H

#include <stddef.h>
#include <stdint.h>

#include "event/view.h"

struct vs_running_sample {
	uint32_t nr_kernel, nr_user;	/* samples in each mode */
	uint32_t nr_frames;		/* of the last one in the kernel, innermost first */
	uint64_t frames[VS_STACK_LEN];
};

/*
 * Looks at each of these tasks for 0.1 s. answered[i] is as of vs_proc__guarded(): -1 when its CPU did
 * not answer, 0 when it was on no CPU or perf is not to be had. 0 or negative errno.
 */
int vs_running__sample(const uint32_t *tids, size_t nr, struct vs_running_sample *samples,
		       signed char *answered);

/* Takes the samples out of a ring of perf's; for tests. @size: a power of two. */
void vs_running__read_ring(const unsigned char *ring, uint64_t size, uint64_t tail, uint64_t head,
			   struct vs_running_sample *sample);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* A function of the kernel tells something of the stack that it stands in. */
#ifndef VFIOSCOPE_KLOG_FUNCTIONS_H
#define VFIOSCOPE_KLOG_FUNCTIONS_H

enum klog_function {
	KLOG_FN_SWITCH = 1,	/* the scheduler itself: only the top of a sleeping task's stack has it */
	KLOG_FN_MUTEX = 2,	/* waits for a mutex, */
	KLOG_FN_RWSEM = 4,	/* an rwsem, */
	KLOG_FN_SEMAPHORE = 8,	/* a semaphore, */
	KLOG_FN_COMPLETION = 16, /* a completion, without a time limit, */
	KLOG_FN_TIMED = 32,	/* or for some time at most */
	KLOG_FN_IRQ = 64,	/* an interrupt came here: the frames inside of it are not the task's own */
	KLOG_FN_DUMP = 128,	/* prints the stack: the task runs */
	KLOG_FN_END = 256,	/* nothing is outside of it */
};

#define KLOG_FN_WAITS (KLOG_FN_SWITCH | KLOG_FN_MUTEX | KLOG_FN_RWSEM | KLOG_FN_SEMAPHORE | \
		       KLOG_FN_COMPLETION | KLOG_FN_TIMED)

/* Returns the flags of "symbol+0x1 [module]"; it ignores a compiler's suffix (.isra.0, .llvm.123). */
unsigned int klog_function__flags(const char *frame);

#endif

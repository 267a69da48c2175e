/* SPDX-License-Identifier: GPL-2.0 */
/* How the kernel begins to tell of a fault of its own: one table, for a log that is read and one that is followed. */
#ifndef VFIOSCOPE_KLOG_SIGNS_H
#define VFIOSCOPE_KLOG_SIGNS_H

enum klog_sign {
	KLOG_SIGN_NONE,
	KLOG_SIGN_WARNS,	/* it goes on: WARN(), lockdep, sanitizers */
	KLOG_SIGN_KILLS,	/* the task that did it dies: an oops, BUG() */
	KLOG_SIGN_RUNS,		/* a CPU does not come to an end */
};

/* Of a message, without what stands before it in a log. */
enum klog_sign klog_sign__of(const char *words);

#endif

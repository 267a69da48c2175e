/* SPDX-License-Identifier: GPL-2.0 */
/* One table has the beginnings of the kernel's messages about its own faults, for all readers of logs. */
#ifndef VFIOSCOPE_KLOG_SIGNS_H
#define VFIOSCOPE_KLOG_SIGNS_H

enum klog_sign {
	KLOG_SIGN_NONE,
	KLOG_SIGN_WARNS,	/* the kernel continues: WARN(), lockdep, sanitizers */
	KLOG_SIGN_KILLS,	/* the task that did it dies: an oops, BUG() */
	KLOG_SIGN_RUNS,		/* a CPU does not come to an end */
};

/* @words: a message without the prefix that it has in a log. */
enum klog_sign klog_sign__of(const char *words);

#endif

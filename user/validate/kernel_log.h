/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's log from now on, and its taint: whether it complained meanwhile. */
#ifndef VFIOSCOPE_KERNEL_LOG_H
#define VFIOSCOPE_KERNEL_LOG_H

#include "validate/validation.h"

/* Begins at the end of /dev/kmsg, and reads the taint. The descriptor, or -1. */
int vs_kernel_log__open(struct vs_kernel_state *k);

/* Takes what is new. Does not wait. */
void vs_kernel_log__follow(int fd, struct vs_kernel_state *k);

/* For the end: the rest of the log, and the taint of now. */
void vs_kernel_log__close(int fd, struct vs_kernel_state *k);

/*
 * Whether a record of /dev/kmsg ("4,1234,56789,-;words") is a warning of the kernel
 * itself: WARN, BUG, oops, refcount, sanitizers, lockdep, a soft lockup, a hung task. Not
 * that of a process that crashed ("traps: foo[9] general protection fault"), whatever its name.
 */
bool vs_kernel_log__is_warning(const char *record);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* Follows the kernel's log and its taint, to see if the kernel complained meanwhile. */
#ifndef VFIOSCOPE_KERNEL_LOG_H
#define VFIOSCOPE_KERNEL_LOG_H

#include "validate/validation.h"

/* Begins at the end of /dev/kmsg, and reads the taint. Returns the descriptor, or -1. */
int vs_kernel_log__open(struct vs_kernel_state *k);

/* Takes the new records. Does not wait. */
void vs_kernel_log__follow(int fd, struct vs_kernel_state *k);

/* Takes the rest of the log and reads the taint again, then closes the descriptor. */
void vs_kernel_log__close(int fd, struct vs_kernel_state *k);

/*
 * Returns true if a record of /dev/kmsg ("4,1234,56789,-;words") is a warning of the kernel
 * itself: WARN, BUG, oops, refcount, sanitizers, lockdep, a soft lockup, a hung task. The message
 * of a crashed process ("traps: foo[9] general protection fault") is none, whatever its name.
 */
bool vs_kernel_log__is_warning(const char *record);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel stacks of all tasks, by a BPF iterator (v5.8): no lock, no /proc, no hook. */
#ifndef VFIOSCOPE_WHY_STACKS_H
#define VFIOSCOPE_WHY_STACKS_H

#include <stddef.h>

#include "bpf/stacks.h"

/*
 * All tasks of this process's PID namespace, in order of tid. An array of *nr rows for the
 * caller to free; NULL with errno: EPERM without CAP_BPF and CAP_PERFMON, or what else
 * the kernel said.
 */
struct vs_stack_row *vs_stacks__read(size_t *nr);

#endif

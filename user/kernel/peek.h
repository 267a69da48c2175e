/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads the memory of the running kernel and lists its tasks, hooking nothing: a
 * BPF program that runs only when asked (BPF_PROG_TEST_RUN, v5.10 for raw_tp), and
 * a task iterator (v5.8). An address that is not mapped gives an error.
 */
#ifndef VFIOSCOPE_SNAPSHOT_PEEK_H
#define VFIOSCOPE_SNAPSHOT_PEEK_H

#include "bpf/peek.h"
#include "bpf/stacks.h"
#include "kernel/mem.h"

struct vs_peek;

/*
 * Needs CAP_BPF and CAP_PERFMON (CAP_SYS_ADMIN before v5.8). NULL with errno: EPERM
 * without them, EACCES where the kernel loads the programs and then reads nothing for
 * anybody (lockdown=confidentiality), or what else it said.
 */
struct vs_peek *vs_peek__new(void);
void vs_peek__free(struct vs_peek *peek);	/* NULL is fine */

/* Whole or -EFAULT; longer reads take one system call for each 4 KiB. */
int vs_peek__read(struct vs_peek *peek, uint64_t address, void *buf, size_t len);

/* Many words, 64 with one system call. */
void vs_peek__words(struct vs_peek *peek, const uint64_t *addresses, uint64_t *values, bool *ok,
		    size_t nr);

/* Both as struct vs_mem; valid while the peek is. */
struct vs_mem vs_peek__mem(struct vs_peek *peek);

/*
 * All tasks of this process's PID namespace (the kernel's iterator shows no others).
 * Array of *nr rows for the caller to free; NULL with errno.
 */
struct vs_task_row *vs_peek__tasks(struct vs_peek *peek, size_t *nr);

/* As vs_peek__tasks(): every thread with its state and kernel stack, in order of tid. */
struct vs_stack_row *vs_peek__stacks(struct vs_peek *peek, size_t *nr);

/*
 * A descriptor of ours whose file is on the kernel's anonymous inode, as those of all
 * BPF programs: the way to what else is there.
 */
int vs_peek__anonymous_fd(const struct vs_peek *peek);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finds the lock that a sleeping task waits for, its owner, and the devices' locks that the
 * task holds, in the task's own kernel stack: a waiter of a mutex or rwsem has its
 * entry of the lock's list there. These are pure functions of kernel memory.
 */
#ifndef VFIOSCOPE_WHY_LOCKS_H
#define VFIOSCOPE_WHY_LOCKS_H

#include "bpf/stacks.h"
#include "evidence/evidence.h"
#include "kernel/mem.h"
#include "snapshot/kernel_space.h"
#include "snapshot/layout.h"

struct vs_locks {
	const struct vs_mem *mem;
	const struct vs_snap_layout *layout;
	struct vs_kernel_space space;
	/* Returns true if there is a task at this address. */
	bool (*is_task)(void *ctx, uint64_t address);
	void *ctx;
};

/*
 * Fills in what @task waits for; its lock_kind may already say that it is an rwsem. (Stacks lack
 * the frames of the scheduler and of mutexes, so usually it does not.) @outer: the return
 * address below which the frame lies that asks for the lock (vs_ev_task.lock_outside is about
 * the stack beyond it), or 0.
 */
void vs_locks__wait(const struct vs_locks *locks, const struct vs_stack_row *row, uint64_t outer,
		    struct vs_ev_task *task);

/* Returns true if the lock that @task waits for still names its dead_owner. */
bool vs_locks__still_names(const struct vs_locks *locks, const struct vs_ev_task *task);

/* Fills in the devices whose lock @task holds and whose address is on its stack. */
void vs_locks__held(const struct vs_locks *locks, const struct vs_stack_row *row,
		    struct vs_ev_task *task);

#endif

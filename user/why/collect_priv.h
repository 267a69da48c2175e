/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by the files that collect evidence only. */
#ifndef VFIOSCOPE_WHY_COLLECT_PRIV_H
#define VFIOSCOPE_WHY_COLLECT_PRIV_H

#include "bpf/stacks.h"
#include "evidence/names.h"
#include "snapshot/kernel_space.h"
#include "snapshot/walk.h"
#include "why/collect.h"

struct collect {
	const struct vs_collect_opts *opts;
	struct vs_evidence *e;
	struct vs_stack_row *rows;	/* in order of tid */
	size_t nr_rows;
	uint64_t *addresses;		/* of the tasks, sorted */
	struct vs_why_names *names;
	int names_error;
	struct vs_snapper *snapper;
	const struct vs_mem *mem;	/* NULL: cannot be read */
	const struct vs_snap_layout *layout;
	struct vs_kernel_space space;
	uint64_t now_ns;
	uint32_t self;			/* tgid of this process, whose tasks are left out; 0: none are */
	struct vs_snap_machine machine;	/* of a dump */
};

/* The row of a task, NULL if there is none. */
const struct vs_stack_row *collect_row_of(const struct collect *c, uint32_t tid);

/* Reports one more thing that the evidence does not have, and why. */
__attribute__((format(printf, 2, 3)))
void collect_say(struct vs_evidence *e, const char *format, ...);

/* Returns true if there is a task at that address; @ctx is a struct collect. */
bool collect_is_task(void *ctx, uint64_t address);

/* Converts a task's state in the kernel to the letter of ps(1). */
char collect_state_letter(uint32_t state);

/* Fills in the times: how long it has waited, and how old it is. */
void collect_take_times(const struct collect *c, const struct vs_stack_row *row,
			struct vs_ev_task *t);

/* Takes all about one task; 0 or -ENOMEM. The frames are the caller's to free in either case. */
int collect_take_task(struct collect *c, const struct vs_stack_row *row, struct vs_ev_task *t);

/*
 * Looks again, after a second and a bit, at tasks that sleep briefly in a driver: one that polls
 * never sleeps for long. Returns at once where there are none. 0 or -ENOMEM.
 */
int collect_see_rounds(struct collect *c);

/*
 * Looks twice, a second apart, at tasks that run inside of VFIO or of a driver, and keeps those that
 * stay there. Returns at once where there are none. 0 or -ENOMEM.
 */
int collect_see_running(struct collect *c);

/*
 * Looks again at owners of locks that are no tasks: one may have been created after the tasks were listed.
 * Returns at once if there are none. 0 or -ENOMEM.
 */
int collect_check_dead(struct collect *c);

/*
 * Where a lock names a task that was created after its first waiter went to sleep, that task becomes the
 * waiter's dead_owner. Pure; what it finds on a live host needs a second look (collect_check_dead()).
 */
void collect_bury_owners(struct vs_evidence *e);

/* Return true if a task writes to a sysfs attribute that removes devices, and if a name is of such a one. */
bool collect_is_writer(const struct vs_ev_task *t);
bool collect_is_attribute(const char *name);

/* Fills in which devices those tasks are about to remove; 0 or -ENOMEM. */
int collect_add_about(struct vs_evidence *e);

/* -- of a dump, which has neither /proc nor sysfs, and can be looked at once -- */

/* Fills in c->machine. */
void collect_dump_machine(struct collect *c);

/* Adds processes with a vhost device open. 0 or -ENOMEM. */
int collect_dump_openers(struct collect *c);

/*
 * Finds for how long a task that runs inside of VFIO or of a driver has had its CPU. If it may be inside of
 * one and its stack does not tell, the evidence is incomplete.
 */
void collect_dump_running(struct collect *c);

/* Fills in the devices that tasks are about to remove, command lines and control groups. */
void collect_dump_describe(struct collect *c);

/* Adds tasks of interest, then workers of the CPUs that have late works. 0 or -ENOMEM. */
int collect_add_tasks(struct collect *c);
int collect_add_workers(struct collect *c);

#endif

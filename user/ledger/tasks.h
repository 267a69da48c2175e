/* SPDX-License-Identifier: GPL-2.0 */
/* Tracks the notifier that each task is inside, and if that notifier found its group. */
#ifndef VFIOSCOPE_LEDGER_TASKS_H
#define VFIOSCOPE_LEDGER_TASKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/events.h"

struct vs_task {
	uint32_t tid;
	uint32_t cpu;
	char comm[VS_COMM_LEN];
	uint8_t action;		/* enum vs_action */
	bool got;		/* a get followed: the notifier found the group */
	uint64_t enter_ns, enter_seq;	/* 0: the entry was not seen */
	uint64_t ip;		/* of the entry */
	uint64_t chain;		/* 0 if not known */
	uint64_t group;		/* candidate by container_of, then the one found */
	int iommu_group;	/* -1 if not known */
	uint64_t get_ns, get_seq;	/* of the get seen there, 0: none */
	uint64_t get_ip;
	uint32_t get_cpu;
	int32_t get_refs;	/* the count after it */
};

struct vs_tasks;

struct vs_tasks *vs_tasks__new(size_t max);	/* NULL with errno set */
void vs_tasks__free(struct vs_tasks *t);	/* NULL is fine */

/* The task inside a notifier, NULL if it is in none. Valid until the next change. */
const struct vs_task *vs_tasks__find(struct vs_tasks *t, uint32_t tid);

/*
 * Follows notifier-enter, get in the notifier and notifier-exit. Returns true if a notifier event ended
 * without having found its group; *@gone is then that task.
 */
bool vs_tasks__feed(struct vs_tasks *t, const struct vs_event *e, struct vs_task *gone);

uint64_t vs_tasks__evicted(const struct vs_tasks *t);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Group identity and history. The iommu group number identifies a group; each life of it has an address
 * and a generation, which tell reused addresses and numbers apart. Events that name only one of the two
 * are completed with the other.
 */
#ifndef VFIOSCOPE_LEDGER_GROUPS_H
#define VFIOSCOPE_LEDGER_GROUPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/events.h"
#include "event/view.h"

/* The part of an event that the history keeps: 40 bytes. */
struct vs_past {
	uint64_t time_ns, seq;
	uint64_t ip;
	uint64_t address;	/* struct vfio_group * */
	uint32_t tid;
	int32_t refs;
	uint16_t cpu;
	uint16_t comm;		/* vs_groups__comm() */
	uint8_t type, context, action, flags;
};

struct vs_group_counts {
	uint64_t creates, releases, gets, puts;
	uint64_t found, not_found;
	uint64_t queued, started, ended;
};

struct vs_group {
	int number;		/* -1 if not known */
	uint64_t key;		/* private */
	uint64_t address;	/* of the present or last life, 0 if not known */
	uint64_t other_address;	/* private: a creator that came first, if two raced */
	uint32_t generation;	/* lives seen */
	bool alive;
	bool seen_before;	/* the present life began before tracing */
	bool devices_asked;	/* the owner has filled in the devices that the system knows */
	bool deadlocked;
	char *devices;		/* space-separated, NULL if none is known */
	struct vs_group_counts counts;
	struct vs_past *past;	/* private: vs_group__past() */
	uint32_t past_room, past_head, past_nr;
	uint64_t past_cut_seq;	/* the newest record that was overwritten */
};

struct vs_groups;

/* At most @max groups, each with its last @history events. NULL with errno set. */
struct vs_groups *vs_groups__new(size_t max, size_t history);
void vs_groups__free(struct vs_groups *g);	/* NULL is fine */

/*
 * Finds the group of an event, brings it up to date and adds the event to its history. Returns NULL
 * when the group cannot be found (or memory is short). @address is the group's address, 0 if not known;
 * for notifier-enter it need not be valid. Valid until the next call.
 */
struct vs_group *vs_groups__take(struct vs_groups *g, const struct vs_event *e,
				 uint64_t address);

/*
 * Adds a group that exists before any event mentions it. @address 0: not known. Returns NULL when
 * neither is known or memory is short.
 */
struct vs_group *vs_groups__know(struct vs_groups *g, int number, uint64_t address);

/* The group at an address or with a number, NULL if not known. Changes nothing. */
struct vs_group *vs_groups__at(struct vs_groups *g, uint64_t address);
struct vs_group *vs_groups__numbered(struct vs_groups *g, int number);

/* Adds a name unless the group has it already. */
void vs_group__add_device(struct vs_group *group, const char *device);

/* The @i-th event kept, 0 the oldest in order of arrival; NULL beyond the last. */
const struct vs_past *vs_group__past(const struct vs_group *group, size_t i);

/* The task name of a kept event, not terminated when VS_COMM_LEN long. */
const char *vs_groups__comm(const struct vs_groups *g, const struct vs_past *past);

/* Fills in the view of a group that the sinks show. NULL gives a view of an unknown group. */
void vs_group__view(const struct vs_group *group, struct vs_group_view *view);

struct vs_group *vs_groups__next(const struct vs_groups *g, const struct vs_group *group);
size_t vs_groups__count(const struct vs_groups *g);
uint64_t vs_groups__evicted(const struct vs_groups *g);

#endif

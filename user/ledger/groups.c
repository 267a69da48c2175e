// SPDX-License-Identifier: GPL-2.0
#include "ledger/groups.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/lru.h"
#include "event/record.h"
#include "ledger/comms.h"

/* One life of a group at an address; kept a while after its end for late events. */
struct life {
	uint64_t group;		/* key into groups */
	uint64_t ended_seq;	/* 0: alive */
};

struct vs_groups {
	struct vs_lru *groups;	/* by number, or by address while it has none */
	struct vs_lru *lives;	/* by address */
	struct vs_comms *comms;
	size_t history;
};

static void drop_group(void *ctx, void *value)
{
	struct vs_group *group = value;

	(void)ctx;
	free(group->devices);
	free(group->past);
}

struct vs_groups *vs_groups__new(size_t max, size_t history)
{
	struct vs_groups *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->history = history;
	g->groups = vs_lru__new(max, sizeof(struct vs_group), drop_group, g);
	g->lives = vs_lru__new(2 * max, sizeof(struct life), NULL, NULL);
	g->comms = vs_comms__new();
	if (g->groups && g->lives && g->comms)
		return g;
	vs_groups__free(g);
	errno = ENOMEM;
	return NULL;
}

void vs_groups__free(struct vs_groups *g)
{
	if (!g)
		return;
	vs_lru__free(g->groups);
	vs_lru__free(g->lives);
	vs_comms__free(g->comms);
	free(g);
}

/* Kernel addresses have the top bit set, numbers do not. */
static uint64_t key_of(int number, uint64_t address)
{
	return number >= 0 ? (uint64_t)number : address;
}

static struct vs_group *find_or_add(struct vs_groups *g, int number, uint64_t address)
{
	uint64_t key = key_of(number, address);
	struct vs_group *group = vs_lru__find(g->groups, key);

	if (group || (number < 0 && !address))
		return group;
	group = vs_lru__add(g->groups, key);
	if (group) {
		group->key = key;
		group->number = number;
	}
	return group;
}

static void fold_counts(struct vs_group_counts *to, const struct vs_group_counts *from)
{
	to->creates += from->creates;
	to->releases += from->releases;
	to->gets += from->gets;
	to->puts += from->puts;
	to->found += from->found;
	to->not_found += from->not_found;
	to->queued += from->queued;
	to->started += from->started;
	to->ended += from->ended;
}

/* We have learnt the number of a group that was known by its address only. */
static struct vs_group *adopt_number(struct vs_groups *g, struct vs_group *nameless,
				     struct life *life, int number)
{
	struct vs_group *group = vs_lru__find(g->groups, (uint64_t)number);
	uint64_t old = nameless->key;

	life->group = (uint64_t)number;
	/* In a recording that no kernel made an address may look like a number. */
	if (!group || group == nameless) {
		vs_lru__rekey(g->groups, old, life->group);
		nameless->key = life->group;
		nameless->number = number;
		return nameless;
	}
	fold_counts(&group->counts, &nameless->counts);
	group->generation += nameless->generation;
	group->address = nameless->address;
	group->alive = nameless->alive;
	group->seen_before = nameless->seen_before;
	vs_lru__del(g->groups, old);
	return group;
}

static struct vs_group *group_of_life(struct vs_groups *g, struct life *life, int number)
{
	struct vs_group *group = vs_lru__find(g->groups, life->group);

	if (group && group->number < 0 && number >= 0)
		return adopt_number(g, group, life, number);
	return group;
}

static struct vs_group *begin_life(struct vs_groups *g, const struct vs_event *e,
				   uint64_t address)
{
	struct vs_group *group = find_or_add(g, e->iommu_group, address);
	struct life *life;

	if (!group)
		return NULL;
	vs_lru__del(g->lives, address);
	life = vs_lru__add(g->lives, address);
	if (!life)
		return NULL;
	life->group = group->key;
	group->generation++;
	group->other_address = group->alive ? group->address : 0;
	group->address = address;
	group->alive = true;
	/* From 6.1 on create reports the number only: the address comes with the first use. */
	group->seen_before = e->type != VS_CREATE && group->generation == 1 &&
			     !group->counts.creates;
	return group;
}

/* Returns true if the event proves that the group at its address is alive. */
static bool proves_life(const struct vs_event *e)
{
	switch (e->type) {
	case VS_CREATE:
	case VS_REGISTER:
	case VS_UNREGISTER:
	case VS_GET:
	case VS_PUT:
	case VS_QUEUE:
	case VS_START:
	case VS_OPEN:
	case VS_CLOSE:
	case VS_RELEASE:
		return true;
	default:
		return false;
	}
}

static void end_life(struct vs_groups *g, struct vs_group *group, uint64_t address,
		     const struct vs_event *e)
{
	struct life *life = vs_lru__find(g->lives, address);

	if (!life || life->ended_seq)
		return;
	life->ended_seq = e->seq;
	if (group->address != address)
		return;
	life = vs_lru__find(g->lives, group->other_address);
	if (life && !life->ended_seq)
		group->address = group->other_address;
	else
		group->alive = false;
}

/*
 * Records of different CPUs are not strictly ordered: a record older than the end of a life still
 * belongs to that life.
 */
static bool begins_life(const struct vs_event *e, const struct life *life)
{
	if (!life)
		return proves_life(e);
	if (e->type == VS_CREATE)
		return true;
	return life->ended_seq && e->seq > life->ended_seq && e->type != VS_PUT &&
	       e->type != VS_RELEASE && proves_life(e);
}

static struct vs_group *identify(struct vs_groups *g, const struct vs_event *e,
				 uint64_t address)
{
	struct life *life = address ? vs_lru__find(g->lives, address) : NULL;

	if (address && begins_life(e, life))
		return begin_life(g, e, address);
	if (life)
		return group_of_life(g, life, e->iommu_group);
	return e->iommu_group >= 0 ? find_or_add(g, e->iommu_group, 0) : NULL;
}

static void count(struct vs_group_counts *c, const struct vs_event *e)
{
	c->creates += e->type == VS_CREATE;
	c->releases += e->type == VS_RELEASE;
	c->gets += e->type == VS_GET;
	c->puts += e->type == VS_PUT;
	c->queued += e->type == VS_QUEUE;
	c->started += e->type == VS_START;
	c->ended += e->type == VS_END;
}

static int grow_past(struct vs_group *group, size_t history)
{
	uint32_t room = group->past_room ? 2 * group->past_room : 16;
	struct vs_past *past;

	if (room > history)
		room = (uint32_t)history;
	past = realloc(group->past, room * sizeof(*past));
	if (!past)
		return -ENOMEM;
	group->past = past;
	group->past_room = room;
	return 0;
}

static struct vs_past *past_slot(struct vs_group *group, size_t history)
{
	uint32_t at;

	if (group->past_nr == group->past_room && group->past_room < history &&
	    grow_past(group, history))
		return NULL;
	at = (group->past_head + group->past_nr) % group->past_room;
	if (group->past_nr < group->past_room) {
		group->past_nr++;
	} else {
		group->past_cut_seq = group->past[at].seq;
		group->past_head = (group->past_head + 1) % group->past_room;
	}
	return &group->past[at];
}

static void remember(struct vs_groups *g, struct vs_group *group, const struct vs_event *e,
		     uint64_t address)
{
	struct vs_past *p = g->history ? past_slot(group, g->history) : NULL;

	if (!p)
		return;
	*p = (struct vs_past){
		.time_ns = e->time_ns,
		.seq = e->seq,
		.ip = e->ip,
		.address = address,
		.tid = e->tid,
		.refs = e->refs,
		.cpu = (uint16_t)e->cpu,
		.comm = vs_comms__number(g->comms, e->comm),
		.type = e->type,
		.context = e->context,
		.action = e->action,
		.flags = (uint8_t)e->flags,
	};
}

struct vs_group *vs_groups__take(struct vs_groups *g, const struct vs_event *e,
				 uint64_t address)
{
	struct vs_group *group = identify(g, e, address);

	if (!group)
		return NULL;
	count(&group->counts, e);
	/* A get or put already records the step of each change; devices have counts of their own. */
	if (e->type != VS_CHANGE && !vs_record__is_registration(e) && !vs_record__is_container(e))
		remember(g, group, e, address);
	/* A creator that lost a race unregisters and frees without a release. */
	if (e->type == VS_RELEASE || e->type == VS_UNREGISTER_NOTIFIER)
		end_life(g, group, address, e);
	return group;
}

struct vs_group *vs_groups__know(struct vs_groups *g, int number, uint64_t address)
{
	struct vs_event e = { .type = VS_GET, .iommu_group = number };
	struct vs_group *group = address ? begin_life(g, &e, address) : find_or_add(g, number, 0);

	if (group)
		group->seen_before = true;
	return group;
}

struct vs_group *vs_groups__at(struct vs_groups *g, uint64_t address)
{
	struct life *life = address ? vs_lru__find(g->lives, address) : NULL;

	return life ? vs_lru__find(g->groups, life->group) : NULL;
}

struct vs_group *vs_groups__numbered(struct vs_groups *g, int number)
{
	return number < 0 ? NULL : vs_lru__find(g->groups, (uint64_t)number);
}

static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = list; (at = strstr(at, word)); at += len)
		if ((at == list || at[-1] == ' ') && (!at[len] || at[len] == ' '))
			return true;
	return false;
}

void vs_group__add_device(struct vs_group *group, const char *device)
{
	size_t old = group->devices ? strlen(group->devices) : 0;
	char *grown;

	if (!*device || (old && has_word(group->devices, device)))
		return;
	if (old + strlen(device) + 2 > VS_DEVICES_LEN)
		return;
	grown = realloc(group->devices, old + strlen(device) + 2);
	if (!grown)
		return;
	group->devices = grown;
	if (old)
		grown[old++] = ' ';
	strcpy(grown + old, device);
}

const struct vs_past *vs_group__past(const struct vs_group *group, size_t i)
{
	if (i >= group->past_nr)
		return NULL;
	return &group->past[(group->past_head + i) % group->past_room];
}

const char *vs_groups__comm(const struct vs_groups *g, const struct vs_past *past)
{
	return vs_comms__name(g->comms, past->comm);
}

void vs_group__view(const struct vs_group *group, struct vs_group_view *view)
{
	*view = (struct vs_group_view){ .number = -1, .devices = "" };
	if (!group)
		return;
	view->known = true;
	view->seen_before = group->seen_before;
	view->number = group->number;
	view->generation = group->generation;
	view->address = group->address;
	view->devices = group->devices ? group->devices : "";
}

struct vs_group *vs_groups__next(const struct vs_groups *g, const struct vs_group *group)
{
	return vs_lru__next(g->groups, group);
}

size_t vs_groups__count(const struct vs_groups *g)
{
	return vs_lru__count(g->groups);
}

uint64_t vs_groups__evicted(const struct vs_groups *g)
{
	return vs_lru__evicted(g->groups);
}

// SPDX-License-Identifier: GPL-2.0
#include "ledger/stacks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/events.h"

struct stack {
	uint32_t nr;
	uint32_t chain;		/* next in the bucket, a number */
	__u64 frames[VS_SHORT_STACK_LEN];
};

struct vs_stacks {
	size_t max, count, room;
	uint64_t refused;
	struct stack *stacks;	/* number 1 is at 0 */
	uint32_t mask;
	uint32_t *buckets;
};

struct vs_stacks *vs_stacks__new(size_t max)
{
	struct vs_stacks *s = calloc(1, sizeof(*s));
	size_t nr = 16;

	if (!s)
		return NULL;
	while (nr < max)
		nr *= 2;
	s->max = max;
	s->mask = (uint32_t)nr - 1;
	s->buckets = calloc(nr, sizeof(*s->buckets));
	if (s->buckets)
		return s;
	vs_stacks__free(s);
	errno = ENOMEM;
	return NULL;
}

void vs_stacks__free(struct vs_stacks *s)
{
	if (!s)
		return;
	free(s->stacks);
	free(s->buckets);
	free(s);
}

static uint32_t *bucket_of(struct vs_stacks *s, const __u64 *frames, size_t nr)
{
	uint64_t hash = nr;

	for (size_t i = 0; i < nr; i++)
		hash = (hash ^ frames[i]) * 0x9e3779b97f4a7c15ull;
	return &s->buckets[(hash >> 32) & s->mask];
}

static int grow(struct vs_stacks *s)
{
	size_t room = s->room ? 2 * s->room : 16;
	struct stack *stacks;

	if (room > s->max)
		room = s->max;
	if (room == s->room)
		return -ENOSPC;
	stacks = realloc(s->stacks, room * sizeof(*stacks));
	if (!stacks)
		return -ENOMEM;
	s->stacks = stacks;
	s->room = room;
	return 0;
}

static uint32_t add(struct vs_stacks *s, uint32_t *bucket, const __u64 *frames, size_t nr)
{
	struct stack *stack;

	if (s->count == s->room && grow(s)) {
		s->refused++;
		return 0;
	}
	stack = &s->stacks[s->count++];
	stack->nr = (uint32_t)nr;
	stack->chain = *bucket;
	memcpy(stack->frames, frames, nr * sizeof(*frames));
	*bucket = (uint32_t)s->count;
	return *bucket;
}

uint32_t vs_stacks__number(struct vs_stacks *s, const __u64 *frames, size_t nr)
{
	uint32_t *bucket;

	if (nr > VS_SHORT_STACK_LEN)
		nr = VS_SHORT_STACK_LEN;
	if (!nr)
		return 0;
	bucket = bucket_of(s, frames, nr);
	for (uint32_t i = *bucket; i; i = s->stacks[i - 1].chain)
		if (s->stacks[i - 1].nr == nr &&
		    !memcmp(s->stacks[i - 1].frames, frames, nr * sizeof(*frames)))
			return i;
	return add(s, bucket, frames, nr);
}

const __u64 *vs_stacks__frames(const struct vs_stacks *s, uint32_t number, size_t *nr)
{
	*nr = number && number <= s->count ? s->stacks[number - 1].nr : 0;
	return *nr ? s->stacks[number - 1].frames : NULL;
}

size_t vs_stacks__count(const struct vs_stacks *s)
{
	return s->count;
}

uint64_t vs_stacks__refused(const struct vs_stacks *s)
{
	return s->refused;
}

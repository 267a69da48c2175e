// SPDX-License-Identifier: GPL-2.0
#include "base/lru.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX
#define CHUNK 64

/* Sits in front of each value. */
struct node {
	uint64_t key;
	uint32_t self;
	uint32_t chain;			/* next in the bucket, or in the free list */
	uint32_t older, newer;
};

struct vs_lru {
	size_t max, stride, value_size;
	size_t count;
	uint64_t evicted;
	uint32_t used;			/* nodes ever handed out */
	uint32_t free_nodes;
	uint32_t oldest, newest;
	uint32_t mask;
	uint32_t *buckets;
	char **chunks;
	vs_lru_drop_fn drop;
	void *ctx;
};

static struct node *node_at(const struct vs_lru *l, uint32_t i)
{
	return (struct node *)(l->chunks[i / CHUNK] + (i % CHUNK) * l->stride);
}

static void *value_of(struct node *n)
{
	return n + 1;
}

static uint32_t *bucket_of(const struct vs_lru *l, uint64_t key)
{
	return &l->buckets[(key * 0x9e3779b97f4a7c15ull >> 32) & l->mask];
}

static int init(struct vs_lru *l)
{
	size_t nr = 16;

	while (nr < l->max)
		nr *= 2;
	l->buckets = malloc(nr * sizeof(*l->buckets));
	l->chunks = calloc(l->max / CHUNK + 1, sizeof(*l->chunks));
	if (!l->buckets || !l->chunks)
		return -ENOMEM;
	memset(l->buckets, 0xff, nr * sizeof(*l->buckets));
	l->mask = (uint32_t)nr - 1;
	l->free_nodes = l->oldest = l->newest = NONE;
	return 0;
}

struct vs_lru *vs_lru__new(size_t max, size_t value_size, vs_lru_drop_fn drop, void *ctx)
{
	struct vs_lru *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->max = max ? max : 1;
	l->value_size = value_size;
	l->stride = (sizeof(struct node) + value_size + 7) & ~(size_t)7;
	l->drop = drop;
	l->ctx = ctx;
	l->oldest = NONE;
	if (!init(l))
		return l;
	vs_lru__free(l);
	errno = ENOMEM;
	return NULL;
}

static void drop(struct vs_lru *l, struct node *n)
{
	if (l->drop)
		l->drop(l->ctx, value_of(n));
}

void vs_lru__free(struct vs_lru *l)
{
	if (!l)
		return;
	for (uint32_t i = l->oldest; i != NONE; i = node_at(l, i)->newer)
		drop(l, node_at(l, i));
	for (size_t i = 0; l->chunks && i <= l->max / CHUNK; i++)
		free(l->chunks[i]);
	free(l->chunks);
	free(l->buckets);
	free(l);
}

static void unlink_age(struct vs_lru *l, struct node *n)
{
	if (n->older != NONE)
		node_at(l, n->older)->newer = n->newer;
	else
		l->oldest = n->newer;
	if (n->newer != NONE)
		node_at(l, n->newer)->older = n->older;
	else
		l->newest = n->older;
}

static void link_newest(struct vs_lru *l, struct node *n)
{
	n->older = l->newest;
	n->newer = NONE;
	if (l->newest != NONE)
		node_at(l, l->newest)->newer = n->self;
	else
		l->oldest = n->self;
	l->newest = n->self;
}

static void hash_in(struct vs_lru *l, struct node *n, uint64_t key)
{
	uint32_t *bucket = bucket_of(l, key);

	n->key = key;
	n->chain = *bucket;
	*bucket = n->self;
}

static void hash_out(struct vs_lru *l, struct node *n)
{
	uint32_t *at = bucket_of(l, n->key);

	while (*at != n->self)
		at = &node_at(l, *at)->chain;
	*at = n->chain;
}

static struct node *lookup(const struct vs_lru *l, uint64_t key)
{
	for (uint32_t i = *bucket_of(l, key); i != NONE; i = node_at(l, i)->chain)
		if (node_at(l, i)->key == key)
			return node_at(l, i);
	return NULL;
}

void *vs_lru__find(struct vs_lru *l, uint64_t key)
{
	struct node *n = lookup(l, key);

	if (!n)
		return NULL;
	if (l->newest != n->self) {
		unlink_age(l, n);
		link_newest(l, n);
	}
	return value_of(n);
}

static void remove_node(struct vs_lru *l, struct node *n)
{
	drop(l, n);
	hash_out(l, n);
	unlink_age(l, n);
	n->chain = l->free_nodes;
	l->free_nodes = n->self;
	l->count--;
}

static struct node *fresh_node(struct vs_lru *l)
{
	char **chunk = &l->chunks[l->used / CHUNK];
	struct node *n;

	if (!*chunk)
		*chunk = malloc(CHUNK * l->stride);
	if (!*chunk)
		return NULL;
	n = node_at(l, l->used);
	n->self = l->used++;
	return n;
}

static struct node *take_node(struct vs_lru *l)
{
	struct node *n;

	if (l->count == l->max) {
		l->evicted++;
		remove_node(l, node_at(l, l->oldest));
	}
	if (l->free_nodes == NONE)
		return fresh_node(l);
	n = node_at(l, l->free_nodes);
	l->free_nodes = n->chain;
	return n;
}

void *vs_lru__add(struct vs_lru *l, uint64_t key)
{
	struct node *n = take_node(l);

	if (!n)
		return NULL;
	memset(value_of(n), 0, l->value_size);
	hash_in(l, n, key);
	link_newest(l, n);
	l->count++;
	return value_of(n);
}

void vs_lru__del(struct vs_lru *l, uint64_t key)
{
	struct node *n = lookup(l, key);

	if (n)
		remove_node(l, n);
}

void vs_lru__clear(struct vs_lru *l)
{
	while (l->oldest != NONE)
		remove_node(l, node_at(l, l->oldest));
}

void vs_lru__rekey(struct vs_lru *l, uint64_t old, uint64_t new)
{
	struct node *n = lookup(l, old);

	if (!n)
		return;
	hash_out(l, n);
	hash_in(l, n, new);
}

size_t vs_lru__count(const struct vs_lru *l)
{
	return l->count;
}

uint64_t vs_lru__evicted(const struct vs_lru *l)
{
	return l->evicted;
}

void *vs_lru__next(const struct vs_lru *l, const void *value)
{
	const struct node *n = value;
	uint32_t i = value ? n[-1].newer : l->oldest;

	return i == NONE ? NULL : value_of(node_at(l, i));
}

// SPDX-License-Identifier: GPL-2.0
#include "ledger/ref_pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 256

struct node {
	struct vs_ref ref;	/* first: a node is its reference */
	uint64_t key;
	struct node *chain;	/* next older in the bucket, or in the free list */
	struct node *older, *newer;
	const struct vs_ref_list *list;
};

struct vs_ref_pool {
	size_t max, count, used;
	uint64_t refused;
	uint32_t mask;
	struct node **buckets;
	struct node **chunks;
	struct node *free_nodes;
};

static int init(struct vs_ref_pool *p)
{
	size_t nr = 16;

	while (nr < p->max)
		nr *= 2;
	p->mask = (uint32_t)nr - 1;
	p->buckets = calloc(nr, sizeof(*p->buckets));
	p->chunks = calloc(p->max / CHUNK + 1, sizeof(*p->chunks));
	return p->buckets && p->chunks ? 0 : -ENOMEM;
}

struct vs_ref_pool *vs_ref_pool__new(size_t max)
{
	struct vs_ref_pool *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->max = max;
	if (!init(p))
		return p;
	vs_ref_pool__free(p);
	errno = ENOMEM;
	return NULL;
}

void vs_ref_pool__free(struct vs_ref_pool *p)
{
	if (!p)
		return;
	for (size_t i = 0; p->chunks && i <= p->max / CHUNK; i++)
		free(p->chunks[i]);
	free(p->chunks);
	free(p->buckets);
	free(p);
}

static struct node **bucket_of(const struct vs_ref_pool *p, uint64_t key)
{
	return &p->buckets[(key * 0x9e3779b97f4a7c15ull >> 32) & p->mask];
}

static struct node *fresh_node(struct vs_ref_pool *p)
{
	struct node **chunk = &p->chunks[p->used / CHUNK];

	if (!*chunk)
		*chunk = malloc(CHUNK * sizeof(**chunk));
	return *chunk ? &(*chunk)[p->used++ % CHUNK] : NULL;
}

static struct node *take_node(struct vs_ref_pool *p)
{
	struct node *n = p->free_nodes;

	if (n)
		p->free_nodes = n->chain;
	else if (p->used < p->max)
		n = fresh_node(p);
	return n;
}

static void hash_in(struct vs_ref_pool *p, struct node *n, uint64_t key)
{
	struct node **bucket = bucket_of(p, key);

	n->key = key;
	n->chain = *bucket;
	*bucket = n;
}

static void hash_out(struct vs_ref_pool *p, struct node *n)
{
	struct node **at = bucket_of(p, n->key);

	while (*at != n)
		at = &(*at)->chain;
	*at = n->chain;
}

static void list_in(struct vs_ref_list *list, struct node *n)
{
	n->list = list;
	n->older = (struct node *)list->newest;
	if (n->older)
		n->older->newer = n;
	list->newest = &n->ref;
	list->nr++;
}

static void list_out(struct vs_ref_list *list, struct node *n)
{
	if (n->older)
		n->older->newer = n->newer;
	if (n->newer)
		n->newer->older = n->older;
	else
		list->newest = (struct vs_ref *)n->older;
	list->nr--;
}

struct vs_ref *vs_ref_pool__add(struct vs_ref_pool *p, struct vs_ref_list *list, uint64_t key)
{
	struct node *n = take_node(p);

	if (!n) {
		p->refused++;
		return NULL;
	}
	memset(n, 0, sizeof(*n));
	hash_in(p, n, key);
	list_in(list, n);
	p->count++;
	return &n->ref;
}

void vs_ref_pool__del(struct vs_ref_pool *p, struct vs_ref_list *list, struct vs_ref *ref)
{
	struct node *n = (struct node *)ref;

	hash_out(p, n);
	list_out(list, n);
	n->chain = p->free_nodes;
	p->free_nodes = n;
	p->count--;
}

bool vs_ref_pool__is_in(const struct vs_ref_list *list, const struct vs_ref *ref)
{
	return ((const struct node *)ref)->list == list;
}

void vs_ref_pool__rekey(struct vs_ref_pool *p, struct vs_ref *ref, uint64_t key)
{
	struct node *n = (struct node *)ref;

	hash_out(p, n);
	hash_in(p, n, key);
}

struct vs_ref *vs_ref_pool__held(const struct vs_ref_pool *p, uint64_t key, struct vs_ref *ref)
{
	struct node *n = ref ? ((struct node *)ref)->chain : *bucket_of(p, key);

	while (n && n->key != key)
		n = n->chain;
	return (struct vs_ref *)n;
}

struct vs_ref *vs_ref_pool__older(const struct vs_ref *ref)
{
	return (struct vs_ref *)((const struct node *)ref)->older;
}

size_t vs_ref_pool__count(const struct vs_ref_pool *p)
{
	return p->count;
}

uint64_t vs_ref_pool__refused(const struct vs_ref_pool *p)
{
	return p->refused;
}

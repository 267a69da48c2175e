// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "probe/merge.h"

struct held {
	uint64_t order;
	uint64_t serial;	/* equal ones keep the order of arrival */
	size_t offset, len;	/* in the bytes below */
};

struct vs_merge {
	struct held *held;
	size_t nr, room;
	unsigned char *bytes;
	size_t used, bytes_room;
	uint64_t serial;
};

struct vs_merge *vs_merge__new(void)
{
	return calloc(1, sizeof(struct vs_merge));
}

void vs_merge__free(struct vs_merge *m)
{
	if (!m)
		return;
	free(m->held);
	free(m->bytes);
	free(m);
}

static int reserve(void **array, size_t *room, size_t need, size_t size)
{
	size_t wanted = *room;
	void *grown;

	while (wanted < need)
		wanted = wanted ? 2 * wanted : 256;
	if (wanted == *room)
		return 0;
	grown = realloc(*array, wanted * size);
	if (!grown)
		return -ENOMEM;
	*array = grown;
	*room = wanted;
	return 0;
}

int vs_merge__add(struct vs_merge *m, uint64_t order, const void *record, size_t len)
{
	if (reserve((void **)&m->held, &m->room, m->nr + 1, sizeof(*m->held)) ||
	    reserve((void **)&m->bytes, &m->bytes_room, m->used + len, 1))
		return -ENOMEM;
	memcpy(m->bytes + m->used, record, len);
	m->held[m->nr++] = (struct held){ order, m->serial++, m->used, len };
	m->used += len;
	return 0;
}

static int by_order(const void *a, const void *b)
{
	const struct held *x = a, *y = b;

	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	return x->serial < y->serial ? -1 : 1;
}

/*
 * The few records that stay, some milliseconds' worth, move to the front, in the order of their
 * bytes, so that none is overwritten before it has moved.
 */
static int by_offset(const void *a, const void *b)
{
	const struct held *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static void keep_from(struct vs_merge *m, size_t first)
{
	m->nr -= first;
	memmove(m->held, m->held + first, m->nr * sizeof(*m->held));
	qsort(m->held, m->nr, sizeof(*m->held), by_offset);
	m->used = 0;
	for (size_t i = 0; i < m->nr; i++) {
		struct held *h = &m->held[i];

		memmove(m->bytes + m->used, m->bytes + h->offset, h->len);
		h->offset = m->used;
		m->used += h->len;
	}
}

size_t vs_merge__drain(struct vs_merge *m, uint64_t until,
		       void (*each)(void *ctx, const void *record, size_t len), void *ctx)
{
	size_t nr = 0;

	if (!m->nr)
		return 0;
	qsort(m->held, m->nr, sizeof(*m->held), by_order);
	for (; nr < m->nr && m->held[nr].order < until; nr++)
		each(ctx, m->bytes + m->held[nr].offset, m->held[nr].len);
	if (nr == m->nr)
		m->nr = m->used = 0;
	else
		keep_from(m, nr);
	return nr;
}

size_t vs_merge__held(const struct vs_merge *m)
{
	return m->nr;
}

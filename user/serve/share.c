// SPDX-License-Identifier: GPL-2.0
#include "serve/share.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* What only the tracer writes. */
struct pages {
	_Atomic uint64_t number;	/* of the last page that is whole, from 1; it is in buffer number % 2 */
	struct vs_share_page page[2];
};

struct vs_share {
	struct pages *pages;
	struct vs_share_counts *counts;
};

static void *map(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

struct vs_share *vs_share__new(void)
{
	struct vs_share *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->pages = map(sizeof(*s->pages));
	s->counts = map(sizeof(*s->counts));
	if (s->pages && s->counts)
		return s;
	vs_share__free(s);
	errno = ENOMEM;
	return NULL;
}

void vs_share__free(struct vs_share *s)
{
	if (!s)
		return;
	if (s->pages)
		munmap(s->pages, sizeof(*s->pages));
	if (s->counts)
		munmap(s->counts, sizeof(*s->counts));
	free(s);
}

int vs_share__read_only(struct vs_share *s)
{
	return mprotect(s->pages, sizeof(*s->pages), PROT_READ) ? -errno : 0;
}

struct vs_share_page *vs_share__next(struct vs_share *s)
{
	return &s->pages->page[(atomic_load(&s->pages->number) + 1) % 2];
}

void vs_share__publish(struct vs_share *s)
{
	atomic_fetch_add(&s->pages->number, 1);
}

static uint32_t copy(const struct vs_share_page *p, enum vs_share_text which, char *buf)
{
	uint32_t len = p->len[which];

	len = len < VS_SHARE_TEXT ? len : VS_SHARE_TEXT;
	memcpy(buf, p->text[which], len);
	return len;
}

/* The writer comes once a second: a copy that it has overtaken is made again, and succeeds. */
long vs_share__read(const struct vs_share *s, enum vs_share_text which, char buf[VS_SHARE_TEXT])
{
	uint64_t number, after = atomic_load(&s->pages->number);
	uint32_t len;

	do {
		number = after;
		if (!number)
			return -ENODATA;
		len = copy(&s->pages->page[number % 2], which, buf);
		atomic_thread_fence(memory_order_seq_cst);
		after = atomic_load(&s->pages->number);
	} while (after != number);
	return len;
}

uint64_t vs_share__time(const struct vs_share *s, bool *up)
{
	uint64_t number, after = atomic_load(&s->pages->number), time;

	do {
		number = after;
		time = number ? s->pages->page[number % 2].mono_ns : 0;
		*up = number && s->pages->page[number % 2].up;
		atomic_thread_fence(memory_order_seq_cst);
		after = atomic_load(&s->pages->number);
	} while (after != number);
	return time;
}

struct vs_share_counts *vs_share__counts(struct vs_share *s)
{
	return s->counts;
}

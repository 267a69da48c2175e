// SPDX-License-Identifier: GPL-2.0
#include "record/rows.h"

#include <stdlib.h>
#include <string.h>

#include "bpf/events.h"

#define MOST_WORDS 65536	/* in one dictionary; what comes later is written out each time */
#define MOST_BYTES (4u << 20)
#define BUCKETS 16384

/* A word is any sequence of bytes: a pointer, a task, a stack. */
struct word {
	uint32_t at, len;
	uint32_t hash;
	uint32_t next;		/* of the same bucket, +1 */
};

struct words {
	struct word *words;
	size_t nr, room;
	struct vs_pack bytes;
	uint32_t buckets[BUCKETS];	/* +1; 0: empty */
};

struct task {
	uint32_t tgid, tid;
	char comm[VS_COMM_LEN];
};

struct last {
	struct vs_event e;
	size_t tail_len;
	uint8_t tail[VS_ROW_MOST - sizeof(struct vs_event)];
};

struct vs_event_rows {
	struct words pointers, tasks, tails;
	struct last *last[256];	/* by type */
	uint64_t time_ns, seq;
};

enum {
	HAS_HEAD = 1 << 0, HAS_CPU = 1 << 1, HAS_TASK = 1 << 2, HAS_GROUP = 1 << 3, HAS_IP = 1 << 4,
	HAS_OBJECT = 1 << 5, HAS_CTX_OBJECT = 1 << 6, HAS_CTX_GROUP = 1 << 7, HAS_NUMBER = 1 << 8,
	HAS_REFS = 1 << 9, HAS_FLAGS = 1 << 10, HAS_PLACE = 1 << 11, HAS_TAIL = 1 << 12,
	HAS_SEQ = 1 << 13,
};

static const struct {
	unsigned int bit;
	size_t offset;
} pointers[] = {
	{ HAS_GROUP, offsetof(struct vs_event, group) },
	{ HAS_IP, offsetof(struct vs_event, ip) },
	{ HAS_OBJECT, offsetof(struct vs_event, object) },
	{ HAS_CTX_OBJECT, offsetof(struct vs_event, ctx_object) },
	{ HAS_CTX_GROUP, offsetof(struct vs_event, ctx_group) },
};

#define NR_POINTERS (sizeof(pointers) / sizeof(pointers[0]))

/* -- dictionaries -- */

static uint32_t hash_of(const uint8_t *data, size_t len)
{
	uint64_t hash = 0x9e3779b97f4a7c15ull ^ len;

	for (; len >= 8; data += 8, len -= 8) {
		uint64_t part;

		memcpy(&part, data, 8);
		hash = (hash ^ part) * 0xff51afd7ed558ccdull;
		hash ^= hash >> 32;
	}
	while (len--)
		hash = (hash ^ *data++) * 0x100000001b3ull;
	return (uint32_t)(hash ^ hash >> 29);
}

static bool grow(struct words *w)
{
	size_t room = w->room ? 2 * w->room : 64;
	struct word *words;

	if (w->nr < w->room)
		return true;
	words = realloc(w->words, room * sizeof(*words));
	if (!words)
		return false;
	w->words = words;
	w->room = room;
	return true;
}

/* Both sides add the same words in the same order, so both stop at the same one. */
static bool add_word(struct words *w, const uint8_t *data, size_t len)
{
	uint32_t hash = hash_of(data, len);

	if (w->nr >= MOST_WORDS || w->bytes.len + len > MOST_BYTES)
		return true;
	if (!grow(w))
		return false;
	w->words[w->nr] = (struct word){
		.at = (uint32_t)w->bytes.len, .len = (uint32_t)len, .hash = hash,
		.next = w->buckets[hash % BUCKETS],
	};
	w->buckets[hash % BUCKETS] = (uint32_t)++w->nr;
	vs_pack__bytes(&w->bytes, data, len);
	return !w->bytes.failed;
}

static uint32_t find_word(const struct words *w, const uint8_t *data, size_t len)
{
	uint32_t hash = hash_of(data, len), at = w->buckets[hash % BUCKETS];

	for (; at; at = w->words[at - 1].next) {
		const struct word *word = &w->words[at - 1];

		if (word->hash == hash && word->len == len &&
		    (!len || !memcmp(w->bytes.data + word->at, data, len)))
			return at;
	}
	return 0;
}

static void pack_word(struct words *w, const void *data, size_t len, struct vs_pack *p)
{
	uint32_t at = find_word(w, data, len);

	vs_pack__number(p, at);
	if (at)
		return;
	vs_pack__blob(p, data, len);
	p->failed |= !add_word(w, data, len);
}

static const uint8_t *unpack_word(struct words *w, struct vs_packed *u, size_t *len)
{
	uint64_t at = vs_packed__number(u);
	const uint8_t *data;

	*len = 0;
	if (u->failed || at > w->nr) {
		u->failed = true;
		return NULL;
	}
	if (at) {
		*len = w->words[at - 1].len;
		return w->bytes.data ? w->bytes.data + w->words[at - 1].at : (const uint8_t *)"";
	}
	data = vs_packed__blob(u, len);
	if (data && !add_word(w, data, *len))
		u->failed = true;
	return data;
}

/* A word of a known length. */
static void unpack_fixed(struct words *w, struct vs_packed *u, void *buf, size_t size)
{
	size_t len;
	const uint8_t *data = unpack_word(w, u, &len);

	if (data && len == size)
		memcpy(buf, data, size);
	else
		u->failed = true;
}

static void reset_words(struct words *w)
{
	w->nr = 0;
	w->bytes.len = 0;
	w->bytes.failed = false;
	memset(w->buckets, 0, sizeof(w->buckets));
}

static void free_words(struct words *w)
{
	free(w->words);
	vs_pack__free(&w->bytes);
}

/* -- rows -- */

struct vs_event_rows *vs_event_rows__new(void)
{
	return calloc(1, sizeof(struct vs_event_rows));
}

void vs_event_rows__free(struct vs_event_rows *r)
{
	if (!r)
		return;
	free_words(&r->pointers);
	free_words(&r->tasks);
	free_words(&r->tails);
	for (size_t i = 0; i < 256; i++)
		free(r->last[i]);
	free(r);
}

void vs_event_rows__reset(struct vs_event_rows *r)
{
	reset_words(&r->pointers);
	reset_words(&r->tasks);
	reset_words(&r->tails);
	for (size_t i = 0; i < 256; i++)
		if (r->last[i])
			memset(r->last[i], 0, sizeof(*r->last[i]));
	r->time_ns = r->seq = 0;
}

static struct last *last_of(struct vs_event_rows *r, unsigned int type)
{
	if (!r->last[type])
		r->last[type] = calloc(1, sizeof(struct last));
	return r->last[type];
}

static struct task task_of(const struct vs_event *e)
{
	struct task t = { e->tgid, e->tid, "" };

	memcpy(t.comm, e->comm, sizeof(t.comm));
	return t;
}

static uint64_t pointer_in(const struct vs_event *e, size_t i)
{
	uint64_t value;

	memcpy(&value, (const char *)e + pointers[i].offset, sizeof(value));
	return value;
}

static uint32_t place_of(const struct vs_event *e)
{
	return (uint32_t)e->context | (uint32_t)e->action << 8 | (uint32_t)e->pad << 16;
}

static size_t trimmed(const uint8_t *data, size_t len)
{
	while (len && !data[len - 1])
		len--;
	return len;
}

static unsigned int differs(const struct vs_event_rows *r, const struct last *last, const struct vs_event *e,
			    const uint8_t *tail, size_t len)
{
	struct task now = task_of(e), then = task_of(&last->e);
	unsigned int mask = 0;

	mask |= e->size != last->e.size || e->version != last->e.version ? HAS_HEAD : 0;
	mask |= e->cpu != last->e.cpu ? HAS_CPU : 0;
	mask |= memcmp(&now, &then, sizeof(now)) ? HAS_TASK : 0;
	for (size_t i = 0; i < NR_POINTERS; i++)
		mask |= pointer_in(e, i) != pointer_in(&last->e, i) ? pointers[i].bit : 0;
	mask |= e->iommu_group != last->e.iommu_group ? HAS_NUMBER : 0;
	mask |= e->refs != last->e.refs ? HAS_REFS : 0;
	mask |= e->flags != last->e.flags ? HAS_FLAGS : 0;
	mask |= place_of(e) != place_of(&last->e) ? HAS_PLACE : 0;
	mask |= len != last->tail_len || memcmp(tail, last->tail, len) ? HAS_TAIL : 0;
	return mask | (e->seq != r->seq + 1 ? HAS_SEQ : 0);
}

static void pack_members(struct vs_event_rows *r, unsigned int mask, const struct vs_event *e,
			 struct vs_pack *p)
{
	struct task task = task_of(e);

	if (mask & HAS_HEAD) {
		vs_pack__number(p, e->size);
		vs_pack__number(p, e->version);
	}
	if (mask & HAS_SEQ)
		vs_pack__signed(p, (int64_t)(e->seq - r->seq));
	if (mask & HAS_CPU)
		vs_pack__number(p, e->cpu);
	if (mask & HAS_TASK)
		pack_word(&r->tasks, &task, sizeof(task), p);
	for (size_t i = 0; i < NR_POINTERS; i++)
		if (mask & pointers[i].bit)
			pack_word(&r->pointers, (const char *)e + pointers[i].offset, 8, p);
	if (mask & HAS_NUMBER)
		vs_pack__signed(p, e->iommu_group);
	if (mask & HAS_REFS)
		vs_pack__signed(p, e->refs);
	if (mask & HAS_FLAGS)
		vs_pack__number(p, e->flags);
	if (mask & HAS_PLACE)
		vs_pack__number(p, place_of(e));
}

bool vs_event_rows__pack(struct vs_event_rows *r, const void *record, size_t len, struct vs_pack *p)
{
	const uint8_t *tail = (const uint8_t *)record + sizeof(struct vs_event);
	struct last *last;
	struct vs_event e;
	unsigned int mask;
	size_t nr;

	if (len < sizeof(e) || len > VS_ROW_MOST)
		return false;
	memcpy(&e, record, sizeof(e));
	last = last_of(r, e.type);
	if (e.size != len || !last)
		return false;
	nr = trimmed(tail, len - sizeof(e));
	mask = differs(r, last, &e, tail, nr);
	vs_pack__number(p, e.type);
	vs_pack__number(p, mask);
	vs_pack__signed(p, (int64_t)(e.time_ns - r->time_ns));
	pack_members(r, mask, &e, p);
	if (mask & HAS_TAIL) {
		pack_word(&r->tails, tail, nr, p);
		memcpy(last->tail, tail, nr);
		last->tail_len = nr;
	}
	last->e = e;
	r->time_ns = e.time_ns;
	r->seq = e.seq;
	return true;
}

static void unpack_task(struct vs_event_rows *r, struct vs_packed *u, struct vs_event *e)
{
	struct task task = { 0 };

	unpack_fixed(&r->tasks, u, &task, sizeof(task));
	e->tgid = task.tgid;
	e->tid = task.tid;
	memcpy(e->comm, task.comm, sizeof(e->comm));
}

static void unpack_place(struct vs_packed *u, struct vs_event *e)
{
	uint64_t place = vs_packed__number(u);

	e->context = (uint8_t)place;
	e->action = (uint8_t)(place >> 8);
	e->pad = (uint16_t)(place >> 16);
}

static void unpack_members(struct vs_event_rows *r, uint64_t mask, struct vs_packed *u, struct vs_event *e)
{
	if (mask & HAS_HEAD) {
		e->size = (uint16_t)vs_packed__number(u);
		e->version = (uint8_t)vs_packed__number(u);
	}
	e->seq = r->seq + 1;
	if (mask & HAS_SEQ)
		e->seq = r->seq + (uint64_t)vs_packed__signed(u);
	if (mask & HAS_CPU)
		e->cpu = (uint32_t)vs_packed__number(u);
	if (mask & HAS_TASK)
		unpack_task(r, u, e);
	for (size_t i = 0; i < NR_POINTERS; i++)
		if (mask & pointers[i].bit)
			unpack_fixed(&r->pointers, u, (char *)e + pointers[i].offset, 8);
	if (mask & HAS_NUMBER)
		e->iommu_group = (int32_t)vs_packed__signed(u);
	if (mask & HAS_REFS)
		e->refs = (int32_t)vs_packed__signed(u);
	if (mask & HAS_FLAGS)
		e->flags = (uint32_t)vs_packed__number(u);
	if (mask & HAS_PLACE)
		unpack_place(u, e);
}

static void unpack_tail(struct vs_event_rows *r, struct vs_packed *u, struct last *last)
{
	size_t len;
	const uint8_t *data = unpack_word(&r->tails, u, &len);

	if (!data || len > sizeof(last->tail)) {
		u->failed = true;
		return;
	}
	memcpy(last->tail, data, len);
	last->tail_len = len;
}

size_t vs_event_rows__unpack(struct vs_event_rows *r, struct vs_packed *u, void *buf)
{
	uint64_t type = vs_packed__number(u), mask = vs_packed__number(u);
	int64_t after = vs_packed__signed(u);
	struct last *last = type < 256 && !u->failed ? last_of(r, (unsigned int)type) : NULL;
	struct vs_event e;

	if (!last)
		return 0;
	e = last->e;
	e.type = (uint8_t)type;
	e.time_ns = r->time_ns + (uint64_t)after;
	unpack_members(r, mask, u, &e);
	if (mask & HAS_TAIL)
		unpack_tail(r, u, last);
	if (u->failed || e.size < sizeof(e) + last->tail_len || e.size > VS_ROW_MOST)
		return 0;
	last->e = e;
	r->time_ns = e.time_ns;
	r->seq = e.seq;
	memset(buf, 0, e.size);
	memcpy(buf, &e, sizeof(e));
	memcpy((uint8_t *)buf + sizeof(e), last->tail, last->tail_len);
	return e.size;
}

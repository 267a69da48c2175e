// SPDX-License-Identifier: GPL-2.0
/*
 * scripts/kallsyms.c writes, each aligned to 8, in 7.x to 4:
 *   until v6.3: offsets, relative_base, num_syms, names, markers, [seqs_of_names,]
 *               token_table, token_index
 *   later:      num_syms, names, markers, token_table, token_index, offsets, relative_base, ...
 *   7.x:        the same, but each offset counts from its own place, and there is no base
 * A name is a length and that many tokens; the tokens' texts are in token_table.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "code/kallsyms_tables.h"

#define MAX_SYMS	(1u << 20)
#define MIN_SYMS	300		/* fewer have no second marker to check with */
#define MAX_NAME	512
#define MAX_NAMES	(64u << 20)	/* bytes, all unpacked */
#define MAX_TABLES	1024		/* places that look like token_table */
#define MAX_WORK	(64u << 20)	/* tokens of names; a kernel has some 2 million, read twice */
#define SEARCH_BACK	(48u << 20)	/* names are that near to token_table */

struct tables {
	const uint8_t *data;
	size_t len;
	size_t tokens[256];		/* where each text is */
	size_t token_table, token_index;
	size_t num_syms, names;
	size_t nr;
	size_t work;
	size_t total;			/* bytes of all names with their NUL */
};

static uint32_t le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t le64(const uint8_t *p)
{
	return le32(p) | (uint64_t)le32(p + 4) << 32;
}

static size_t align8(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

/* ---- token_table: digits are tokens of themselves, at their codes ---- */

static bool walk_tokens_back(struct tables *t, size_t at)
{
	size_t pos = at;

	for (int token = '0' - 1; token >= 0; token--) {
		size_t start = pos - 1;	/* its NUL */

		while (start > 0 && t->data[start - 1]) {
			if (at - start > 48 * MAX_NAME)
				return false;
			start--;
		}
		if (start == pos - 1 || !start)
			return false;
		pos = start;
	}
	t->token_table = pos;
	return true;
}

static bool walk_tokens(struct tables *t)
{
	size_t pos = t->token_table;

	for (int token = 0; token < 256; token++) {
		size_t end = pos + strnlen((const char *)t->data + pos,
					   t->len - pos < MAX_NAME ? t->len - pos : MAX_NAME);

		if (end >= t->len || t->data[end])
			return false;
		t->tokens[token] = pos;
		pos = end + 1;
	}
	t->token_index = pos;
	return true;
}

/* token_index repeats where each token is: proof that this is the table. */
static bool check_index(struct tables *t)
{
	for (size_t try = t->token_index; try < t->token_index + 16; try++) {
		int token = 0;

		if (try > t->len || t->len - try < 512)
			return false;
		while (token < 256 &&
		       (size_t)(t->data[try + 2 * token] | t->data[try + 2 * token + 1] << 8) ==
		       t->tokens[token] - t->token_table)
			token++;
		if (token == 256) {
			t->token_index = try;
			return true;
		}
	}
	return false;
}

static bool find_tokens(struct tables *t)
{
	static const char digits[] = "0\0001\0002\0003\0004\0005\0006\0007\0008\0009";
	const uint8_t *at = t->data;

	for (unsigned int tries = 0; tries < MAX_TABLES; tries++) {
		at = memmem(at, t->len - (size_t)(at - t->data), digits, sizeof(digits));
		if (!at)
			return false;
		if (at > t->data && walk_tokens_back(t, (size_t)(at - t->data)) &&
		    walk_tokens(t) && check_index(t))
			return true;
		at++;
	}
	return false;
}

/* ---- names ---- */

/* Returns the length of the entry at `pos` in tokens; moves `pos` to the first. 0 when it is none. */
static size_t entry_len(const struct tables *t, size_t *pos)
{
	size_t len = t->data[(*pos)++];

	/* two bytes for long names, since v6.1; earlier lengths were below 128 */
	if (len & 0x80)
		len = (len & 0x7f) | (size_t)t->data[(*pos)++] << 7;
	return len;
}

/* Unpacks the entry into `buf`, and advances. Returns its length, 0 when it makes no sense. */
static size_t take_name(struct tables *t, size_t *pos, char buf[MAX_NAME])
{
	size_t tokens, used = 0;

	if (*pos + 2 > t->token_table)
		return 0;
	tokens = entry_len(t, pos);
	t->work += tokens;
	if (!tokens || tokens > t->token_table - *pos || t->work > MAX_WORK)
		return 0;
	for (; tokens; tokens--) {
		const char *text = (const char *)t->data + t->tokens[t->data[(*pos)++]];
		size_t len = strlen(text);

		if (used + len >= MAX_NAME)
			return 0;
		memcpy(buf + used, text, len);
		used += len;
	}
	buf[used] = '\0';
	return used;
}

static bool is_type(char c)
{
	return c && strchr("aAbBcCdDgGiInNprRsStTuUvVwW?-", c);
}

/* Reads all names of a candidate; `*second` is where the 257th is, for the marker. */
static bool check_names(struct tables *t, size_t *end, size_t *second)
{
	size_t pos = t->names;
	char buf[MAX_NAME];

	t->total = 0;
	for (size_t i = 0; i < t->nr; i++) {
		size_t len;

		if (i == 256)
			*second = pos - t->names;
		len = take_name(t, &pos, buf);
		if (len < 2 || !is_type(buf[0]))
			return false;
		t->total += len;
	}
	*end = pos;
	return t->total <= MAX_NAMES;
}

static bool check_markers(const struct tables *t, size_t end, size_t second)
{
	for (size_t at = end; at < end + 16; at++) {
		if (at > t->len || t->len - at < 16)
			return false;
		if (!le32(t->data + at) && le32(t->data + at + 4) == second)
			return true;
		/* 64 bits each until v4.19 */
		if (!le64(t->data + at) && le64(t->data + at + 8) == second)
			return true;
	}
	return false;
}

static bool check_candidate(struct tables *t, size_t num_syms, size_t names)
{
	size_t end = 0, second = 0;

	t->num_syms = num_syms;
	t->names = names;
	t->nr = le32(t->data + num_syms);
	return check_names(t, &end, &second) && check_markers(t, end, second);
}

static bool find_names(struct tables *t)
{
	size_t low = t->token_table > SEARCH_BACK ? t->token_table - SEARCH_BACK : 0;

	for (size_t at = (t->token_table & ~(size_t)3); at >= low + 12 && t->work < MAX_WORK;
	     at -= 4) {
		size_t num_syms = at - 12;
		uint32_t nr = le32(t->data + num_syms);

		if (nr < MIN_SYMS || nr > MAX_SYMS || num_syms + 8 + nr > t->token_table)
			continue;
		if (check_candidate(t, num_syms, num_syms + 8) ||
		    check_candidate(t, num_syms, num_syms + 4))
			return true;
	}
	return false;
}

/* ---- addresses ---- */

struct addresses {
	const uint8_t *offsets;
	uint64_t base;
	bool wide;		/* 64 bits, absolute: before v4.6 */
	bool percpu;		/* KALLSYMS_ABSOLUTE_PERCPU: those above zero are absolute */
	bool from_place;	/* offsets count from where they are; base is a guess */
};

/* A possible base for offsets that say only how far symbols are apart. */
#define SOME_BASE 0xffffffff81000000ull

static uint64_t address_of(const struct addresses *a, size_t i)
{
	int32_t off;

	if (a->wide)
		return le64(a->offsets + 8 * i);
	off = (int32_t)le32(a->offsets + 4 * i);
	if (a->from_place)
		return a->base + 4 * i + (uint64_t)(int64_t)off;
	if (!a->percpu)
		return a->base + (uint32_t)off;
	return off >= 0 ? (uint64_t)off : a->base - 1 - (uint64_t)(int64_t)off;
}

static bool has_negative_half(const struct addresses *a, size_t nr)
{
	size_t negative = 0;

	for (size_t i = 0; i < nr; i++)
		negative += le32(a->offsets + 4 * i) >> 31;
	return negative > nr / 2;
}

/* A table has to be sorted: otherwise it is none. */
static bool is_plausible(struct addresses *a, size_t nr)
{
	size_t wrong = 0;
	uint64_t last = 0;

	a->percpu = !a->wide && !a->from_place && has_negative_half(a, nr);
	for (size_t i = 0; i < nr; i++) {
		uint64_t addr = address_of(a, i);

		wrong += addr < last;
		last = addr;
	}
	return wrong <= nr / 1000 && address_of(a, nr - 1) > address_of(a, 0);
}

/* Looks after token_index; the base follows the offsets. */
static bool addresses_behind(const struct tables *t, struct addresses *a)
{
	size_t at = t->token_index + 512, base = at + align8(4 * t->nr);

	if (base + 8 > t->len)
		return false;
	*a = (struct addresses){ .offsets = t->data + at, .base = le64(t->data + base) };
	if (is_plausible(a, t->nr))
		return true;
	*a = (struct addresses){ .offsets = t->data + at, .base = SOME_BASE, .from_place = true };
	return is_plausible(a, t->nr);
}

/* Looks before num_syms. */
static bool addresses_before(const struct tables *t, struct addresses *a)
{
	size_t offsets = align8(4 * t->nr) + 8, wide = 8 * t->nr;

	if (offsets <= t->num_syms) {
		*a = (struct addresses){ .offsets = t->data + t->num_syms - offsets,
					 .base = le64(t->data + t->num_syms - 8) };
		if (is_plausible(a, t->nr))
			return true;
	}
	if (wide > t->num_syms)
		return false;
	*a = (struct addresses){ .offsets = t->data + t->num_syms - wide, .wide = true };
	return is_plausible(a, t->nr);
}

/* ---- result ---- */

static int fill(struct tables *t, const struct addresses *a, struct vs_image_syms *out)
{
	size_t pos = t->names, used = 0;
	char buf[MAX_NAME];

	t->work = 0;	/* we read this once within the limit, so we can read it again */
	out->syms = calloc(t->nr, sizeof(*out->syms));
	out->names = malloc(t->total + 1);
	if (!out->syms || !out->names)
		return -ENOMEM;
	for (size_t i = 0; i < t->nr; i++) {
		size_t len = take_name(t, &pos, buf);

		/* the first letter is the type */
		out->syms[i] = (struct vs_ksym){ address_of(a, i), buf[0], out->names + used };
		memcpy(out->names + used, buf + 1, len);
		used += len;
	}
	out->nr = t->nr;
	return 0;
}

/* Moves all so that _text is where it has to be. */
static void move(struct vs_image_syms *out, uint64_t text)
{
	uint64_t by = 0;

	for (size_t i = 0; i < out->nr && !by; i++)
		if (!strcmp(out->syms[i].name, "_text"))
			by = text - out->syms[i].addr;
	for (size_t i = 0; i < out->nr; i++)
		out->syms[i].addr += by;
}

int vs_image_syms__read(const void *data, size_t len, uint64_t text, struct vs_image_syms *out)
{
	struct tables t = { .data = data, .len = len };
	struct addresses a;
	int err;

	memset(out, 0, sizeof(*out));
	if (!find_tokens(&t) || !find_names(&t))
		return -ENOENT;
	if (!addresses_behind(&t, &a) && !addresses_before(&t, &a))
		return -ENOENT;
	err = fill(&t, &a, out);
	if (err)
		vs_image_syms__free(out);
	else if (a.from_place)
		move(out, text);
	return err;
}

void vs_image_syms__free(struct vs_image_syms *syms)
{
	free(syms->syms);
	free(syms->names);
	memset(syms, 0, sizeof(*syms));
}

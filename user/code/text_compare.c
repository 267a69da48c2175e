// SPDX-License-Identifier: GPL-2.0
#include "code/text_compare.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "code/decode.h"

#define INT3		0xcc
#define JMP		0xe9
#define JUMP_BYTES	5

struct comparison {
	const struct vs_text_section *section;
	const uint8_t *memory;
	uint8_t *pass;		/* for each byte: nonzero accepts any value in memory */
	struct vs_text_diff *diff;
};

static bool differs(const struct comparison *c, uint64_t at)
{
	return !c->pass[at] && c->memory[at] != c->section->bytes[at];
}

static void let_pass(struct comparison *c, uint64_t at, uint64_t len)
{
	if (at < c->section->len)
		memset(c->pass + at, 1, len < c->section->len - at ? len : c->section->len - at);
}

static void pass_probes(struct comparison *c, uint64_t addr, const struct vs_text_probes *probes)
{
	for (size_t i = 0; i < probes->nr; i++)
		if (probes->addrs[i] >= addr)
			let_pass(c, probes->addrs[i] - addr, JUMP_BYTES);
}

static void see_jump(struct comparison *c, const struct vs_text_func *func, uint64_t at)
{
	let_pass(c, at, JUMP_BYTES);
	c->diff->jump = c->diff->jump ? c->diff->jump : func;
	c->diff->nr_jumps++;
}

/* Uses the boundaries of instructions in the file: memory may have changed. */
static void guess_probes(struct comparison *c, const struct vs_text_func *func)
{
	uint64_t at = func->off, end = func->off + func->size;
	struct vs_insn insn;

	for (; at < end && vs_decode__x86(c->section->bytes + at, end - at, at, &insn);
	     at += insn.len) {
		if (!differs(c, at))
			continue;
		if (c->memory[at] == INT3)
			let_pass(c, at, 1);
		else if (c->memory[at] == JMP)
			see_jump(c, func, at);
	}
}

static void compare_func(struct comparison *c, const struct vs_text_func *func)
{
	struct vs_text_diff *diff = c->diff;
	uint64_t first = 0;
	size_t nr = 0;

	for (uint64_t i = 0; i < func->size; i++) {
		c->section->differs[func->off + i] = differs(c, func->off + i);
		if (c->section->differs[func->off + i] && !nr++)
			first = i;
	}
	diff->bytes += func->size;
	diff->nr_funcs++;
	diff->nr_differ += nr > 0;
	if (!nr || diff->func)
		return;
	diff->func = func;
	diff->off = first;
	diff->nr_bytes = nr;
}

static bool is_in(const struct comparison *c, const struct vs_text_func *func)
{
	return func->off <= c->section->len && func->size <= c->section->len - func->off;
}

int vs_text_compare__section(struct vs_text_image *image, size_t section, const uint8_t *memory,
			     uint64_t addr, const struct vs_text_probes *probes,
			     struct vs_text_diff *diff)
{
	struct comparison c = { &image->sections[section], memory, NULL, diff };

	c.pass = malloc(c.section->len + 1);
	if (!c.pass)
		return -ENOMEM;
	memcpy(c.pass, c.section->may_change, c.section->len);
	pass_probes(&c, addr, probes);
	for (size_t i = 0; i < image->nr_funcs; i++) {
		const struct vs_text_func *func = &image->funcs[i];

		if (func->section != section || !is_in(&c, func))
			continue;
		if (!probes->known)
			guess_probes(&c, func);
		compare_func(&c, func);
	}
	free(c.pass);
	return 0;
}

bool vs_text_probes__parse(const char *line, uint64_t *addr)
{
	char *end;

	*addr = strtoull(line, &end, 16);
	return end > line && *end == ' ' && *addr;
}

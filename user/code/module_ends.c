// SPDX-License-Identifier: GPL-2.0
/*
 * Checks if the code of a nameless function ends where we take the function to end. If it does not,
 * the next start is wrong: a place inside of the function.
 */
#include <string.h>

#include "code/scan_module.h"

enum flow { GOES_ON, ENDS, PADDING };

static uint32_t le_word(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static enum flow flow_x86(const uint8_t *p, const struct vs_insn *insn)
{
	const uint8_t *end = p + insn->len;

	while (p < end - 1 && (*p == 0x66 || *p == 0x2e))
		p++;
	if (*p == 0x90 || *p == 0xcc)				/* nop, int3 */
		return PADDING;
	if (end - p >= 2 && p[0] == 0x0f && p[1] == 0x1f)	/* a long nop */
		return PADDING;
	if (end - p == 2 && p[0] == 0x0f && p[1] == 0x0b)	/* ud2: BUG() */
		return ENDS;
	return insn->ends ? ENDS : GOES_ON;
}

static enum flow flow_aarch64(const uint8_t *p, const struct vs_insn *insn)
{
	uint32_t w = le_word(p);

	if (w == 0xd503201f || !w)				/* nop */
		return PADDING;
	if ((w & 0xffe0001f) == 0xd4200000)			/* brk: BUG() */
		return ENDS;
	return insn->ends ? ENDS : GOES_ON;
}

static enum flow flow_ppc64(const uint8_t *p, const struct vs_insn *insn)
{
	uint32_t w = le_word(p);

	(void)insn;
	if (w == 0x60000000 || !w)				/* nop */
		return PADDING;
	if (w == 0x4e800020 || w == 0x4e800420 ||		/* blr, bctr */
	    (w & 0xfc000001) == 0x48000000 ||			/* b */
	    w == 0x0fe00000)					/* trap: BUG() */
		return ENDS;
	return GOES_ON;
}

/* Branches have a mask: 0 is never taken, 15 always. */
static enum flow flow_s390(const uint8_t *p, const struct vs_insn *insn)
{
	bool branches = p[0] == 0x07 || p[0] == 0x47 ||		/* bcr, bc */
			((p[0] == 0xa7 || p[0] == 0xc0) && (p[1] & 0xf) == 4);	/* brc, brcl */

	(void)insn;
	if (branches && !(p[1] >> 4))
		return PADDING;
	if ((branches && p[1] >> 4 == 15) || p[0] == 0xaf)	/* mc: BUG() */
		return ENDS;
	return GOES_ON;
}

static enum flow flow_of(const struct vs_elf *elf, const uint8_t *p, const struct vs_insn *insn)
{
	switch (elf->ehdr.e_machine) {
	case EM_X86_64:
		return flow_x86(p, insn);
	case EM_AARCH64:
		return flow_aarch64(p, insn);
	case EM_PPC64:
		return flow_ppc64(p, insn);
	default:
		return flow_s390(p, insn);
	}
}

/* Returns true for a call after which compilers put nothing. */
static bool never_returns(const struct vs_elf *elf, const struct vs_elf_section *sect,
			  uint64_t off, const struct vs_insn *insn)
{
	static const char *const names[] = {
		"__stack_chk_fail", "panic", "fortify_panic", "__fortify_panic", NULL
	};
	size_t reloc = vs_elf__relocs_before(sect, off);
	GElf_Sym sym;

	return insn->kind == VS_INSN_CALL && reloc < sect->nr_relocs &&
	       sect->relocs[reloc].off < off + insn->len &&
	       vs_elf__symbol(elf, sect->relocs[reloc].sym, &sym) &&
	       vs_code__is_any_of(vs_elf__symbol_name(elf, &sym), names);
}

/* Returns true if execution continues after the last instruction, padding aside. */
static bool goes_on(const struct vs_module *m, const struct vs_code_func *func, vs_decoder decoder)
{
	const struct vs_elf_section *sect = &m->elf->sections[func->section_index];
	enum flow last = ENDS;

	for (uint64_t off = func->addr; off < func->addr + func->size;) {
		uint64_t left = func->addr + func->size - off;
		struct vs_insn insn;
		enum flow flow;

		/* vs_code_func.unread reports bytes that cannot be read */
		if (!decoder(sect->bytes + off, left, off, &insn))
			return false;
		flow = flow_of(m->elf, sect->bytes + off, &insn);
		if (flow == GOES_ON && never_returns(m->elf, sect, off, &insn))
			flow = ENDS;
		if (flow != PADDING)
			last = flow;
		off += insn.len;
	}
	return last == GOES_ON;
}

void vs_module__mark_open_ends(struct vs_module *m, vs_decoder decoder)
{
	for (size_t i = 0; decoder && i + 1 < m->code->nr_funcs; i++) {
		struct vs_code_func *func = &m->code->funcs[i];

		if (!func->named && !func[1].named &&
		    func->section_index == func[1].section_index && goes_on(m, func, decoder))
			func->end_unsure = true;
	}
}

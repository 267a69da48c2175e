// SPDX-License-Identifier: GPL-2.0
/*
 * The functions of a module: those of the symbol table; in a file stripped of local symbols those
 * that ftrace's list, stored addresses and calls lead to.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "code/scan_module.h"

#define MAX_ROUNDS 16

bool vs_module__is_table(const struct vs_elf_section *sect)
{
	/* ppc64 loads addresses from .toc; ftrace has a list of all functions */
	return !strcmp(sect->name, ".toc") || !strcmp(sect->name, "__mcount_loc") ||
	       !strcmp(sect->name, "__patchable_function_entries");
}

static int add_symbols(struct vs_module *m)
{
	for (size_t i = 0; i < m->elf->nr_funcs; i++) {
		const struct vs_elf_func *from = &m->elf->funcs[i];
		struct vs_code_func func = {
			.name = from->name, .section = m->elf->sections[from->section].name,
			.addr = from->off, .size = from->size, .section_index = from->section,
			.named = true,
		};
		int err;

		/* aliases: the first is the best name */
		if (i && from[-1].section == from->section && from[-1].off == from->off)
			continue;
		err = vs_code__add_func(m->code, &func);
		if (err)
			return err;
	}
	return 0;
}

static int compare_funcs(const void *va, const void *vb)
{
	const struct vs_code_func *a = va, *b = vb;

	if (a->section_index != b->section_index)
		return a->section_index < b->section_index ? -1 : 1;
	if (a->addr != b->addr)
		return a->addr < b->addr ? -1 : 1;
	return b->named - a->named;
}

static void sort_funcs(struct vs_code *code)
{
	if (code->nr_funcs)
		qsort(code->funcs, code->nr_funcs, sizeof(*code->funcs), compare_funcs);
}

uint32_t vs_module__func_at(const struct vs_code *code, size_t nr, uint32_t section, uint64_t off)
{
	size_t lo = 0, hi = nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct vs_code_func *func = &code->funcs[mid];

		if (func->section_index < section ||
		    (func->section_index == section && func->addr <= off))
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo || code->funcs[lo - 1].section_index != section ||
	    off - code->funcs[lo - 1].addr >= code->funcs[lo - 1].size)
		return VS_CODE_NONE;
	return (uint32_t)(lo - 1);
}

const struct vs_elf_section *vs_module__points_into(const struct vs_elf *elf,
						    const struct vs_elf_reloc *reloc,
						    uint32_t *index, uint64_t *off)
{
	const struct vs_elf_section *sect;
	GElf_Sym sym;

	if (!vs_elf__symbol(elf, reloc->sym, &sym))
		return NULL;
	sect = vs_elf__section_of(elf, &sym);
	*index = sym.st_shndx;
	*off = sym.st_value + (uint64_t)reloc->addend;
	return sect;
}

static bool is_function_list(const struct vs_elf_section *sect)
{
	return vs_module__is_table(sect) && strcmp(sect->name, ".toc");
}

/*
 * With -pg (arm64 before v5.5), and -mprofile-kernel of ppc64, the list has the calls of _mcount.
 * These are after the prologue, where no function starts.
 */
static bool is_profiling_call(const struct vs_elf *elf, const struct vs_elf_reloc *entry)
{
	static const char *const names[] = { "_mcount", "mcount", NULL };
	const struct vs_elf_section *sect;
	uint32_t index;
	uint64_t off;
	GElf_Sym sym;
	size_t i;

	sect = vs_module__points_into(elf, entry, &index, &off);
	i = sect ? vs_elf__relocs_before(sect, off) : 0;
	return sect && i < sect->nr_relocs && sect->relocs[i].off - off < 4 &&
	       vs_elf__symbol(elf, sect->relocs[i].sym, &sym) &&
	       vs_code__is_any_of(vs_elf__symbol_name(elf, &sym), names);
}

/*
 * Returns true if ftrace's list has each function that can be traced; not if it has calls of
 * _mcount instead.
 */
static bool has_function_list(const struct vs_elf *elf)
{
	bool found = false;

	for (size_t i = 1; i < elf->nr_sections; i++) {
		const struct vs_elf_section *sect = &elf->sections[i];

		if (!is_function_list(sect))
			continue;
		found = true;
		for (size_t r = 0; r < sect->nr_relocs; r++)
			if (is_profiling_call(elf, &sect->relocs[r]))
				return false;
	}
	return found;
}

/*
 * Adds a function without a name, in a file stripped of local symbols: ftrace's list or a stored
 * address leads outside of all known ones. The size comes later.
 */
static int add_nameless(struct vs_module *m, size_t nr_named, const struct vs_elf_reloc *reloc,
			int64_t adjust)
{
	const struct vs_elf_section *sect;
	struct vs_code_func func = { .size = 1 };

	sect = vs_module__points_into(m->elf, reloc, &func.section_index, &func.addr);
	func.addr += (uint64_t)adjust;
	if (!sect || !vs_elf__is_code(sect) || func.addr >= sect->len ||
	    vs_module__func_at(m->code, nr_named, func.section_index, func.addr) != VS_CODE_NONE)
		return 0;
	func.section = sect->name;
	func.name = vs_code__make_name(m->code, sect->name, func.addr);
	return func.name ? vs_code__add_func(m->code, &func) : -ENOMEM;
}

/*
 * Landing pads are in front of the place in ftrace's list: endbr64, and on arm64 bti c or paciasp
 * (v5.8).
 */
static int64_t entry_adjust(const struct vs_module *m, const struct vs_elf_reloc *reloc)
{
	static const struct {
		uint16_t machine;
		uint8_t bytes[4];
	} pads[] = {
		{ EM_X86_64, { 0xf3, 0x0f, 0x1e, 0xfa } },	/* endbr64 */
		{ EM_AARCH64, { 0x5f, 0x24, 0x03, 0xd5 } },	/* bti c */
		{ EM_AARCH64, { 0x3f, 0x23, 0x03, 0xd5 } },	/* paciasp */
	};
	const struct vs_elf_section *sect;
	uint32_t index;
	uint64_t off;

	sect = vs_module__points_into(m->elf, reloc, &index, &off);
	if (!sect || !sect->bytes || off < 4 || off > sect->len)
		return 0;
	for (size_t i = 0; i < sizeof(pads) / sizeof(pads[0]); i++)
		if (m->elf->ehdr.e_machine == pads[i].machine &&
		    !memcmp(sect->bytes + off - 4, pads[i].bytes, 4))
			return -4;
	return 0;
}

bool vs_module__is_pc_relative_x86(const struct vs_elf *elf, const struct vs_elf_reloc *reloc)
{
	return elf->ehdr.e_machine == EM_X86_64 &&
	       (reloc->type == R_X86_64_PC32 || reloc->type == R_X86_64_PLT32);
}

static int add_nameless_of(struct vs_module *m, size_t nr_named,
			   const struct vs_elf_section *sect)
{
	bool table = vs_module__is_table(sect);

	for (size_t i = 0; i < sect->nr_relocs; i++) {
		const struct vs_elf_reloc *reloc = &sect->relocs[i];
		int64_t adjust = 0;
		int err;

		if (table)
			adjust = entry_adjust(m, reloc);
		else if (vs_module__is_pc_relative_x86(m->elf, reloc))
			adjust = 4;
		else if (m->elf->ehdr.e_machine == EM_S390)
			adjust = -2;
		err = add_nameless(m, nr_named, reloc, adjust);
		if (err)
			return err;
	}
	return 0;
}

/* A nameless function ends where the next one starts; none may reach into another: a file can lie. */
static void size_funcs(struct vs_module *m)
{
	struct vs_code *code = m->code;
	size_t kept = 0;

	sort_funcs(code);
	for (size_t i = 0; i < code->nr_funcs; i++) {
		const struct vs_code_func *func = &code->funcs[i], *last = func - 1;

		if (i && !func->named && last->section_index == func->section_index &&
		    last->addr == func->addr)
			continue;
		code->funcs[kept++] = *func;
	}
	code->nr_funcs = kept;
	for (size_t i = 0; i < kept; i++) {
		struct vs_code_func *func = &code->funcs[i];
		uint64_t end = m->elf->sections[func->section_index].len;

		if (i + 1 < kept && func[1].section_index == func->section_index)
			end = func[1].addr;
		if (!func->named || func->size > end - func->addr)
			func->size = end - func->addr;
	}
}

static int add_piece(struct vs_module *m, const struct vs_code_func *whole, uint64_t addr)
{
	struct vs_code_func func = *whole;

	func.addr = addr;
	func.name = vs_code__make_name(m->code, whole->section, addr);
	return func.name ? vs_code__add_func(m->code, &func) : -ENOMEM;
}

/*
 * Without ftrace's list we do not know where a nameless function ends. So we cut it after each jump
 * and return: the code that follows belongs to it only if it jumps there, and we see jumps.
 */
static int split(struct vs_module *m, size_t index, vs_decoder decoder)
{
	const struct vs_code_func whole = m->code->funcs[index];
	const uint8_t *bytes = m->elf->sections[whole.section_index].bytes + whole.addr;
	uint64_t off = 0;
	int err = 0;

	while (off < whole.size && !err) {
		struct vs_insn insn;

		if (!decoder(bytes + off, whole.size - off, whole.addr + off, &insn))
			break;
		off += insn.len;
		if (insn.ends && off < whole.size)
			err = add_piece(m, &whole, whole.addr + off);
	}
	return err;
}

/* On these two only the decoder says after which instructions execution does not continue. */
static bool can_split(const struct vs_elf *elf)
{
	return elf->ehdr.e_machine == EM_X86_64 || elf->ehdr.e_machine == EM_AARCH64;
}

/* Adds a function that is only called, from its own section: no symbol or relocation leads to it. */
static int add_target(struct vs_module *m, uint32_t index, const struct vs_insn *insn, uint64_t off)
{
	const struct vs_code_func *from = &m->code->funcs[index];
	const struct vs_elf_section *sect = &m->elf->sections[from->section_index];
	struct vs_code_func func = {
		.section = sect->name, .section_index = from->section_index, .addr = insn->target,
		.size = 1,
	};
	size_t reloc = vs_elf__relocs_before(sect, from->addr + off);

	if ((insn->kind != VS_INSN_CALL && insn->kind != VS_INSN_JUMP) || insn->target >= sect->len)
		return 0;
	if (reloc < sect->nr_relocs && sect->relocs[reloc].off < from->addr + off + insn->len)
		return 0;
	func.name = vs_code__make_name(m->code, sect->name, func.addr);
	return func.name ? vs_code__add_func(m->code, &func) : -ENOMEM;
}

/* Adds the functions that the first `nr` call outside of all of them. */
static int add_targets(struct vs_module *m, size_t nr, vs_decoder decoder)
{
	int err = 0;

	for (uint32_t i = 0; i < nr && !err; i++) {
		const struct vs_code_func func = m->code->funcs[i];
		const uint8_t *bytes = m->elf->sections[func.section_index].bytes + func.addr;
		struct vs_insn insn;

		for (uint64_t off = 0; off < func.size && !err; off += insn.len) {
			if (!decoder(bytes + off, func.size - off, func.addr + off, &insn))
				break;
			if (vs_module__func_at(m->code, nr, func.section_index, insn.target) ==
			    VS_CODE_NONE)
				err = add_target(m, i, &insn, off);
		}
	}
	return err;
}

/* New functions call more: repeats until there are none, at most MAX_ROUNDS times. */
static int find_targets(struct vs_module *m, vs_decoder decoder)
{
	size_t nr = 0;
	int err = 0;

	for (int round = 0; round < MAX_ROUNDS && nr != m->code->nr_funcs && !err; round++) {
		nr = m->code->nr_funcs;
		err = add_targets(m, nr, decoder);
		if (!err)
			size_funcs(m);
	}
	return err;
}

static int split_nameless(struct vs_module *m, vs_decoder decoder)
{
	size_t nr;
	int err;

	if (!decoder)
		return 0;
	err = find_targets(m, decoder);
	nr = m->code->nr_funcs;
	for (size_t i = 0; i < nr && !err; i++) {
		if (m->code->funcs[i].named)
			continue;
		m->code->funcs[i].piece = can_split(m->elf);
		m->code->funcs[i].end_unsure = !can_split(m->elf);
		if (can_split(m->elf))
			err = split(m, i, decoder);
	}
	if (!err)
		size_funcs(m);
	return err;
}

int vs_module__add_funcs(struct vs_module *m, vs_decoder decoder)
{
	int err = add_symbols(m);
	size_t nr_named = m->code->nr_funcs;
	bool has_list = has_function_list(m->elf);

	sort_funcs(m->code);
	for (size_t i = 1; i < m->elf->nr_sections && !err; i++)
		if (has_list || !is_function_list(&m->elf->sections[i]))
			err = add_nameless_of(m, nr_named, &m->elf->sections[i]);
	if (err)
		return err;
	size_funcs(m);
	if (!has_list)
		err = split_nameless(m, decoder);
	if (!err)
		vs_module__mark_open_ends(m, decoder);
	return err;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The facts of a module. Calls of other modules and of the kernel are relocations,
 * with names. Calls inside a section may have none: the assembler resolves those to
 * local functions, so instructions are decoded, too.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/scan.h"

#define MAX_ROUNDS 16

struct module {
	const struct vs_elf *elf;
	struct vs_code *code;
	const struct vs_elf_section *section;	/* of the function that is scanned */
	uint64_t func_off;			/* its start in the section */
};

static bool is_pointer_table(const struct vs_elf_section *sect)
{
	/* ppc64 loads addresses from .toc; ftrace has a list of all functions */
	return !strcmp(sect->name, ".toc") || !strcmp(sect->name, "__mcount_loc") ||
	       !strcmp(sect->name, "__patchable_function_entries");
}

static bool wants_relocs(const struct vs_elf_section *sect)
{
	return vs_elf__is_code(sect) || is_pointer_table(sect);
}

const struct vs_elf_opts vs_scan__module_opts = {
	.linked = true, .stripped = true, .relocs_of = wants_relocs,
};

/* ---- functions ---- */

static int add_symbols(struct module *m)
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

/* The function that contains the place, of the first `nr`; VS_CODE_NONE for none. */
static uint32_t func_at(const struct vs_code *code, size_t nr, uint32_t section, uint64_t off)
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

/* Where a relocation points, when that is inside a section of this file. */
static const struct vs_elf_section *points_into(const struct vs_elf *elf,
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

/* ftrace's: each function that can be traced is in it. */
static bool has_function_list(const struct vs_elf *elf)
{
	return vs_elf__section(elf, "__mcount_loc") ||
	       vs_elf__section(elf, "__patchable_function_entries");
}

/*
 * Functions without a name, in a file stripped of local symbols: where ftrace's list
 * or a stored address leads outside of all known ones. The size comes later.
 */
static int add_nameless(struct module *m, size_t nr_named, const struct vs_elf_reloc *reloc,
			int64_t adjust)
{
	const struct vs_elf_section *sect;
	struct vs_code_func func = { .size = 1 };

	sect = points_into(m->elf, reloc, &func.section_index, &func.addr);
	func.addr += (uint64_t)adjust;
	if (!sect || !vs_elf__is_code(sect) || func.addr >= sect->len ||
	    func_at(m->code, nr_named, func.section_index, func.addr) != VS_CODE_NONE)
		return 0;
	func.section = sect->name;
	func.name = vs_code__make_name(m->code, sect->name, func.addr);
	return func.name ? vs_code__add_func(m->code, &func) : -ENOMEM;
}

/* endbr64 is in front of the call that ftrace's list points at */
static int64_t entry_adjust(const struct module *m, const struct vs_elf_reloc *reloc)
{
	static const uint8_t endbr64[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	const struct vs_elf_section *sect;
	uint32_t index;
	uint64_t off;

	sect = points_into(m->elf, reloc, &index, &off);
	if (!sect || !sect->bytes || off < sizeof(endbr64) || off > sect->len)
		return 0;
	return memcmp(sect->bytes + off - sizeof(endbr64), endbr64, sizeof(endbr64)) ? 0 : -4;
}

static bool is_pc_relative_x86(const struct vs_elf *elf, const struct vs_elf_reloc *reloc)
{
	return elf->ehdr.e_machine == EM_X86_64 &&
	       (reloc->type == R_X86_64_PC32 || reloc->type == R_X86_64_PLT32);
}

static int add_nameless_of(struct module *m, size_t nr_named, const struct vs_elf_section *sect)
{
	bool table = is_pointer_table(sect);

	for (size_t i = 0; i < sect->nr_relocs; i++) {
		const struct vs_elf_reloc *reloc = &sect->relocs[i];
		int64_t adjust = 0;
		int err;

		if (table)
			adjust = entry_adjust(m, reloc);
		else if (is_pc_relative_x86(m->elf, reloc))
			adjust = 4;
		else if (m->elf->ehdr.e_machine == EM_S390)
			adjust = -2;
		err = add_nameless(m, nr_named, reloc, adjust);
		if (err)
			return err;
	}
	return 0;
}

/* A nameless function ends where the next one starts; none reaches into another: a file can lie. */
static void size_funcs(struct module *m)
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

static int add_piece(struct module *m, const struct vs_code_func *whole, uint64_t addr)
{
	struct vs_code_func func = *whole;

	func.addr = addr;
	func.name = vs_code__make_name(m->code, whole->section, addr);
	return func.name ? vs_code__add_func(m->code, &func) : -ENOMEM;
}

/*
 * Without ftrace's list it is not known where a nameless function ends. So it is cut behind
 * each jump and return: what follows belongs to it only if it jumps there, and jumps are seen.
 */
static int split(struct module *m, size_t index, vs_decoder decoder)
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

/* Behind which instructions nothing goes on, is told on these two only. */
static bool can_split(const struct vs_elf *elf)
{
	return elf->ehdr.e_machine == EM_X86_64 || elf->ehdr.e_machine == EM_AARCH64;
}

/* A function that is only called, from its own section: no symbol, no relocation tells of it. */
static int add_target(struct module *m, uint32_t index, const struct vs_insn *insn, uint64_t off)
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

/* Adds what the first `nr` functions call outside of all of them. */
static int add_targets(struct module *m, size_t nr, vs_decoder decoder)
{
	int err = 0;

	for (uint32_t i = 0; i < nr && !err; i++) {
		const struct vs_code_func func = m->code->funcs[i];
		const uint8_t *bytes = m->elf->sections[func.section_index].bytes + func.addr;
		struct vs_insn insn;

		for (uint64_t off = 0; off < func.size && !err; off += insn.len) {
			if (!decoder(bytes + off, func.size - off, func.addr + off, &insn))
				break;
			if (func_at(m->code, nr, func.section_index, insn.target) == VS_CODE_NONE)
				err = add_target(m, i, &insn, off);
		}
	}
	return err;
}

/* What is found calls more: as often as it takes, within reason. */
static int find_targets(struct module *m, vs_decoder decoder)
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

static int split_nameless(struct module *m, vs_decoder decoder)
{
	size_t nr;
	int err;

	if (!decoder || has_function_list(m->elf))
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

static int add_funcs(struct module *m, vs_decoder decoder)
{
	int err = add_symbols(m);
	size_t nr_named = m->code->nr_funcs;

	sort_funcs(m->code);
	for (size_t i = 1; i < m->elf->nr_sections && !err; i++)
		err = add_nameless_of(m, nr_named, &m->elf->sections[i]);
	if (err)
		return err;
	size_funcs(m);
	return split_nameless(m, decoder);
}

/* ---- references ---- */

/* How far the relocated field is from what its addend counts from. */
static int64_t addend_adjust(const struct module *m, const struct vs_elf_reloc *reloc,
			     uint64_t insn_off, const struct vs_insn *insn)
{
	if (is_pc_relative_x86(m->elf, reloc))
		return (int64_t)(insn_off + insn->len - reloc->off);
	if (m->elf->ehdr.e_machine == EM_S390)
		return (int64_t)insn_off - (int64_t)reloc->off;
	return 0;
}

static bool is_thunk(const char *name)
{
	return !strncmp(name, "__x86_indirect_", 15);
}

static bool is_call_insn(const struct vs_insn *insn)
{
	return insn->kind == VS_INSN_CALL;
}

static int add_branch_outside(struct vs_scan *scan, uint64_t off, const struct vs_insn *insn,
			      const char *name)
{
	enum vs_ref_kind kind = is_call_insn(insn) ? VS_REF_CALL : VS_REF_JUMP;

	if (!strcmp(name, "__x86_return_thunk") || !*name)
		return 0;
	if (is_thunk(name)) {
		/* a jump, too: kernels with thunks have no jump tables */
		kind = VS_REF_INDIRECT;
		name = NULL;
	}
	return vs_scan__add(scan, off, kind, VS_CODE_NONE, name, VS_REF_BY_RELOCATION);
}

static int add_branch(struct vs_scan *scan, uint64_t off, const struct vs_insn *insn,
		      uint32_t section, uint64_t target, enum vs_ref_source source)
{
	uint32_t func = func_at(scan->code, scan->code->nr_funcs, section, target);
	bool is_start = func != VS_CODE_NONE && scan->code->funcs[func].addr == target;

	/* a loop; but a call of itself is one */
	if (func == scan->func && !(is_start && is_call_insn(insn)))
		return 0;
	return vs_scan__add(scan, off, is_call_insn(insn) ? VS_REF_CALL : VS_REF_JUMP, func, NULL,
			    source);
}

static int add_relocated_branch(struct vs_scan *scan, uint64_t off, const struct vs_insn *insn,
				const struct vs_elf_reloc *reloc)
{
	const struct module *m = scan->ctx;
	const struct vs_elf_section *sect;
	uint32_t index;
	uint64_t target;
	GElf_Sym sym;

	sect = points_into(m->elf, reloc, &index, &target);
	if (sect && vs_elf__is_code(sect)) {
		target += (uint64_t)addend_adjust(m, reloc, m->func_off + off, insn);
		return add_branch(scan, off, insn, index, target, VS_REF_BY_RELOCATION);
	}
	if (!vs_elf__symbol(m->elf, reloc->sym, &sym))
		return 0;
	return add_branch_outside(scan, off, insn, vs_elf__symbol_name(m->elf, &sym));
}

/* Follows a pointer in .toc to what it points at. */
static const struct vs_elf_reloc *behind_table(const struct vs_elf_section *sect, uint64_t off)
{
	size_t i = vs_elf__relocs_before(sect, off);

	return i < sect->nr_relocs && sect->relocs[i].off == off ? &sect->relocs[i] : NULL;
}

/* Some entries of a function: itself, and on ppc64 behind its first two instructions. */
static bool is_entry(const struct vs_code_func *func, uint64_t off)
{
	return off == func->addr || off == func->addr + 8;
}

static int add_address(struct vs_scan *scan, uint64_t off, uint32_t section, uint64_t target,
		       enum vs_ref_source source)
{
	uint32_t func = func_at(scan->code, scan->code->nr_funcs, section, target);

	if (func == VS_CODE_NONE || func == scan->func ||
	    !is_entry(&scan->code->funcs[func], target))
		return 0;
	return vs_scan__add(scan, off, VS_REF_ADDRESS, func, NULL, source);
}

static int add_relocated_address(struct vs_scan *scan, uint64_t off, const struct vs_insn *insn,
				 const struct vs_elf_reloc *reloc)
{
	const struct module *m = scan->ctx;
	const struct vs_elf_section *sect;
	uint32_t index;
	uint64_t target;

	sect = points_into(m->elf, reloc, &index, &target);
	if (sect && is_pointer_table(sect)) {
		reloc = behind_table(sect, target);
		sect = reloc ? points_into(m->elf, reloc, &index, &target) : NULL;
	} else if (sect)
		target += (uint64_t)addend_adjust(m, reloc, m->func_off + off, insn);
	if (!sect || !vs_elf__is_code(sect))
		return 0;
	return add_address(scan, off, index, target, VS_REF_BY_RELOCATION);
}

/* A call through a pointer that has a name: pv_ops of paravirtualisation, known to be harmless. */
static int add_indirect(struct vs_scan *scan, uint64_t off, const struct vs_elf_reloc *reloc)
{
	const struct module *m = scan->ctx;
	const char *name = NULL;
	GElf_Sym sym;

	if (reloc && vs_elf__symbol(m->elf, reloc->sym, &sym))
		name = vs_elf__symbol_name(m->elf, &sym);
	return vs_scan__add(scan, off, VS_REF_INDIRECT, VS_CODE_NONE, name && *name ? name : NULL,
			    VS_REF_BY_INSTRUCTION);
}

static int add_unrelocated(struct vs_scan *scan, uint64_t off, const struct vs_insn *insn)
{
	uint32_t section = scan->code->funcs[scan->func].section_index;

	switch (insn->kind) {
	case VS_INSN_CALL:
	case VS_INSN_JUMP:
		return add_branch(scan, off, insn, section, insn->target, VS_REF_BY_INSTRUCTION);
	case VS_INSN_INDIRECT_JUMP:
		/* in a function that is not cut, most likely a switch */
		return scan->code->funcs[scan->func].piece ? add_indirect(scan, off, NULL) : 0;
	case VS_INSN_ADDRESS:
		if (!insn->pc_relative)
			return 0;
		return add_address(scan, off, section, insn->target, VS_REF_BY_INSTRUCTION);
	default:
		return 0;
	}
}

static int add_relocated(struct vs_scan *scan, uint64_t off, const struct vs_insn *insn,
			 const struct vs_elf_reloc *reloc)
{
	if (insn->kind == VS_INSN_CALL || insn->kind == VS_INSN_JUMP)
		return add_relocated_branch(scan, off, insn, reloc);
	return add_relocated_address(scan, off, insn, reloc);
}

static int see_insn(struct vs_scan *scan, uint64_t off, const struct vs_insn *insn)
{
	const struct module *m = scan->ctx;
	const struct vs_elf_section *sect = m->section;
	uint64_t at = m->func_off + off;
	size_t first = vs_elf__relocs_before(sect, at), end = first;
	int err = 0;

	while (end < sect->nr_relocs && sect->relocs[end].off < at + insn->len)
		end++;
	if (insn->kind == VS_INSN_INDIRECT_CALL)
		return add_indirect(scan, off, end > first ? &sect->relocs[first] : NULL);
	for (size_t i = first; i < end && !err; i++)
		err = add_relocated(scan, off, insn, &sect->relocs[i]);
	return err || end > first ? err : add_unrelocated(scan, off, insn);
}

static int scan_func(struct module *m, uint32_t index, vs_decoder decoder)
{
	const struct vs_code_func *func = &m->code->funcs[index];
	struct vs_scan scan = {
		.code = m->code, .decoder = decoder, .func = index, .insn = see_insn, .ctx = m,
		.len = func->size, .pc = func->addr,
	};

	m->section = &m->elf->sections[func->section_index];
	m->func_off = func->addr;
	scan.bytes = m->section->bytes + func->addr;
	return vs_scan__func(&scan);
}

int vs_scan__module(const struct vs_elf *elf, struct vs_code *code)
{
	vs_decoder decoder = elf->arch ? vs_decode__for(elf->arch->name) : NULL;
	struct module m = { .elf = elf, .code = code };
	int err;

	memset(code, 0, sizeof(*code));
	code->decoded = decoder;
	err = add_funcs(&m, decoder);
	for (uint32_t i = 0; decoder && i < code->nr_funcs && !err; i++)
		err = scan_func(&m, i, decoder);
	vs_code__sort_refs(code);
	if (err)
		vs_code__free(code);
	return err;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The facts of a module. Calls of other modules and of the kernel are relocations,
 * with names. Calls inside a section may have none: the assembler resolves those to
 * local functions, so instructions are decoded, too.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "code/scan_module.h"

static bool wants_relocs(const struct vs_elf_section *sect)
{
	return vs_elf__is_code(sect) || vs_module__is_table(sect);
}

const struct vs_elf_opts vs_scan__module_opts = {
	.linked = true, .stripped = true, .relocs_of = wants_relocs,
};

/* Returns the distance from the relocated field to the place that its addend counts from. */
static int64_t addend_adjust(const struct vs_module *m, const struct vs_elf_reloc *reloc,
			     uint64_t insn_off, const struct vs_insn *insn)
{
	if (vs_module__is_pc_relative_x86(m->elf, reloc))
		return (int64_t)(insn_off + insn->len - reloc->off);
	if (m->elf->ehdr.e_machine == EM_S390)
		return (int64_t)insn_off - (int64_t)reloc->off;
	return 0;
}

static bool is_call_insn(const struct vs_insn *insn)
{
	return insn->kind == VS_INSN_CALL;
}

static int add_branch_outside(struct vs_scan *scan, uint64_t off, const struct vs_insn *insn,
			      const char *name)
{
	enum vs_ref_kind kind = is_call_insn(insn) ? VS_REF_CALL : VS_REF_JUMP;

	return *name ? vs_scan__add(scan, off, kind, VS_CODE_NONE, name, VS_REF_BY_RELOCATION) : 0;
}

static int add_branch(struct vs_scan *scan, uint64_t off, const struct vs_insn *insn,
		      uint32_t section, uint64_t target, enum vs_ref_source source)
{
	uint32_t func = vs_module__func_at(scan->code, scan->code->nr_funcs, section, target);
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
	const struct vs_module *m = scan->ctx;
	const struct vs_elf_section *sect;
	const char *name;
	uint32_t index;
	uint64_t target;
	GElf_Sym sym;

	if (!vs_elf__symbol(m->elf, reloc->sym, &sym))
		return 0;
	name = vs_elf__symbol_name(m->elf, &sym);
	/* gcc puts those of s390x into the module itself */
	if (vs_scan__is_thunk(name))
		return vs_scan__add_thunk(scan, off, insn, name);
	sect = vs_module__points_into(m->elf, reloc, &index, &target);
	if (!sect || !vs_elf__is_code(sect))
		return add_branch_outside(scan, off, insn, name);
	target += (uint64_t)addend_adjust(m, reloc, m->func_off + off, insn);
	return add_branch(scan, off, insn, index, target, VS_REF_BY_RELOCATION);
}

/* Follows a pointer in .toc to its target. */
static const struct vs_elf_reloc *behind_table(const struct vs_elf_section *sect, uint64_t off)
{
	size_t i = vs_elf__relocs_before(sect, off);

	return i < sect->nr_relocs && sect->relocs[i].off == off ? &sect->relocs[i] : NULL;
}

/* A function has two entries: its start, and on ppc64 the place after its first two instructions. */
static bool is_entry(const struct vs_code_func *func, uint64_t off)
{
	return off == func->addr || off == func->addr + 8;
}

static int add_address(struct vs_scan *scan, uint64_t off, uint32_t section, uint64_t target,
		       enum vs_ref_source source)
{
	uint32_t func = vs_module__func_at(scan->code, scan->code->nr_funcs, section, target);

	if (func == VS_CODE_NONE || func == scan->func ||
	    !is_entry(&scan->code->funcs[func], target))
		return 0;
	return vs_scan__add(scan, off, VS_REF_ADDRESS, func, NULL, source);
}

static int add_relocated_address(struct vs_scan *scan, uint64_t off, const struct vs_insn *insn,
				 const struct vs_elf_reloc *reloc)
{
	const struct vs_module *m = scan->ctx;
	const struct vs_elf_section *sect;
	uint32_t index;
	uint64_t target;

	sect = vs_module__points_into(m->elf, reloc, &index, &target);
	if (sect && vs_module__is_table(sect)) {
		reloc = behind_table(sect, target);
		sect = reloc ? vs_module__points_into(m->elf, reloc, &index, &target) : NULL;
	} else if (sect)
		target += (uint64_t)addend_adjust(m, reloc, m->func_off + off, insn);
	if (!sect || !vs_elf__is_code(sect))
		return 0;
	return add_address(scan, off, index, target, VS_REF_BY_RELOCATION);
}

/* A call through a pointer that has a name: pv_ops of paravirtualisation, known to be harmless. */
static int add_indirect(struct vs_scan *scan, uint64_t off, const struct vs_elf_reloc *reloc)
{
	const struct vs_module *m = scan->ctx;
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
	const struct vs_module *m = scan->ctx;
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

static int scan_func(struct vs_module *m, uint32_t index, vs_decoder decoder)
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
	struct vs_module m = { .elf = elf, .code = code };
	int err;

	memset(code, 0, sizeof(*code));
	code->decoded = decoder;
	err = vs_module__add_funcs(&m, decoder);
	for (uint32_t i = 0; decoder && i < code->nr_funcs && !err; i++)
		err = scan_func(&m, i, decoder);
	vs_code__sort_refs(code);
	if (err)
		vs_code__free(code);
	return err;
}

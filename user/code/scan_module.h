/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by the two halves of a module's scan: its functions, and their references. */
#ifndef VFIOSCOPE_SCAN_MODULE_H
#define VFIOSCOPE_SCAN_MODULE_H

#include "code/scan.h"

struct vs_module {
	const struct vs_elf *elf;
	struct vs_code *code;
	const struct vs_elf_section *section;	/* of the function that is scanned */
	uint64_t func_off;			/* its start in the section */
};

/* Returns true for .toc of ppc64, and ftrace's list of functions. */
bool vs_module__is_table(const struct vs_elf_section *sect);

/* Fills code->funcs, sorted by section and address. 0 or -ENOMEM, -E2BIG. */
int vs_module__add_funcs(struct vs_module *m, vs_decoder decoder);

/* Sets end_unsure of the nameless functions whose code continues into another nameless one. */
void vs_module__mark_open_ends(struct vs_module *m, vs_decoder decoder);

/* Returns the function that contains the place, of the first `nr`; VS_CODE_NONE for none. */
uint32_t vs_module__func_at(const struct vs_code *code, size_t nr, uint32_t section,
			     uint64_t off);

/* Finds the place that a relocation points to, if it is inside a section of this file; else NULL. */
const struct vs_elf_section *vs_module__points_into(const struct vs_elf *elf,
							 const struct vs_elf_reloc *reloc,
							 uint32_t *index, uint64_t *off);

/* Returns true if the addend counts from the end of the instruction. */
bool vs_module__is_pc_relative_x86(const struct vs_elf *elf, const struct vs_elf_reloc *reloc);

#endif

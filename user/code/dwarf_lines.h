/* SPDX-License-Identifier: GPL-2.0 */
/* Reads source lines from debug information, in this process: vs_inspect__add_lines() is safer. */
#ifndef VFIOSCOPE_DWARF_LINES_H
#define VFIOSCOPE_DWARF_LINES_H

#include "code/elf_file.h"

struct vs_dwarf;

struct vs_dwarf_place {
	char source[256];	/* "drivers/vfio/vfio.c:415" of the function, or "" */
	char inlined[256];	/* "kref_put_mutex < vfio_group_put", "" for none */
};

/* NULL with errno: ENOENT when there is no debug information that can be read, ENOMEM. */
struct vs_dwarf *vs_dwarf__open(const struct vs_elf *elf);
void vs_dwarf__close(struct vs_dwarf *dwarf);

/* `section`: index in a relocatable file, where `addr` counts from its start; otherwise ignored. */
void vs_dwarf__look_up(struct vs_dwarf *dwarf, uint32_t section, uint64_t addr,
		       struct vs_dwarf_place *place);

#endif

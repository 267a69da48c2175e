/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by the elf_*.c files only. */
#ifndef VFIOSCOPE_ELF_PRIV_H
#define VFIOSCOPE_ELF_PRIV_H

#include "code/elf_file.h"

/* Writes the words to elf->error and returns `err`. */
__attribute__((format(printf, 3, 4)))
int vs_elf__fail(struct vs_elf *elf, int err, const char *fmt, ...);
int vs_elf__no_memory(struct vs_elf *elf);
int vs_elf__damaged_at(struct vs_elf *elf, const char *what, size_t index);

const struct vs_elf_arch *vs_elf__arch_of(const GElf_Ehdr *ehdr);

/* The entries of a symbol or relocation table, in host byte order. */
int vs_elf__table(struct vs_elf *elf, size_t index, Elf_Type type, Elf_Data **data);
size_t vs_elf__nr(const struct vs_elf *elf, const Elf_Data *data);

int vs_elf__load_relocs(struct vs_elf *elf,
			bool (*relocs_of)(const struct vs_elf_section *section));

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An ELF image that is not trusted: a kernel module or a vmlinux. Sections are
 * checked once, in vs_elf__open(), to lie in the file and not to overlap, so
 * everything after that is bounded by the size of the file.
 *
 * All functions return 0 or a negative errno; -ENOEXEC is "not a file that can be
 * read", with words in vs_elf.error.
 */
#ifndef VFIOSCOPE_ELF_FILE_H
#define VFIOSCOPE_ELF_FILE_H

#include <gelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VS_ELF_MAX_NAME 511	/* KSYM_NAME_LEN - 1 since v6.1, 127 before */

struct vs_elf_reloc {
	uint64_t off;		/* bytes from the start of the section */
	int64_t addend;
	uint32_t type;		/* R_X86_64_PLT32 ... */
	uint32_t sym;		/* index into the symbol table */
};

struct vs_elf_section {
	GElf_Shdr hdr;
	const char *name;
	const uint8_t *bytes;	/* NULL for .bss */
	size_t len;		/* of bytes */
	struct vs_elf_reloc *relocs; /* by offset; only where vs_elf_opts.relocs_of said so */
	size_t nr_relocs;
};

struct vs_elf_func {
	const char *name;	/* as in .symtab, suffixes (.isra.0) kept */
	uint32_t section;	/* index */
	uint8_t rank;		/* among aliases, the lowest is shown */
	uint64_t off;		/* bytes from the start of the section */
	uint64_t size;		/* bytes */
};

/* The way in which an architecture relocates a call. */
struct vs_elf_arch {
	uint16_t machine;
	const char *name;	/* "x86_64", "aarch64", "ppc64", "s390x" */
	uint32_t call_relocs[2];
	uint8_t reloc_at;	/* bytes from the start of the instruction */
	bool (*is_call)(const uint8_t *insn);	/* NULL: only calls have these types */
};

struct vs_elf {
	Elf *elf;
	const uint8_t *data;
	size_t len;
	GElf_Ehdr ehdr;
	const struct vs_elf_arch *arch;	/* NULL: one that is not known */
	struct vs_elf_section *sections;
	size_t nr_sections;
	size_t symtab;		/* index of its section, 0: stripped */
	Elf_Data *symbols;
	const char *names;	/* string table of the symbols */
	size_t names_len;
	struct vs_elf_func *funcs; /* by section, offset, rank, name */
	size_t nr_funcs;
	char error[160];	/* words for the last failure, one line */
};

struct vs_elf_opts {
	bool linked;		/* takes a vmlinux, too; otherwise only relocatable files */
	bool stripped;		/* no symbol table is fine */
	/* Returns true for sections whose relocations are wanted, of those that have bytes. NULL: none. */
	bool (*relocs_of)(const struct vs_elf_section *section);
};

/* `data` has to outlive *elf. On failure *elf holds only `error` and needs no close. */
int vs_elf__open(const void *data, size_t len, const struct vs_elf_opts *opts,
		 struct vs_elf *elf);
void vs_elf__close(struct vs_elf *elf);

bool vs_elf__is_code(const struct vs_elf_section *section);

/* Returns the innermost function there, the first of its aliases; NULL for none. */
const struct vs_elf_func *vs_elf__func_at(const struct vs_elf *elf, uint32_t section,
					  uint64_t off);

/* Reads the symbol. False when there is none. */
bool vs_elf__symbol(const struct vs_elf *elf, uint32_t index, GElf_Sym *sym);

/* "" for a section symbol or a name that is not inside the table. */
const char *vs_elf__symbol_name(const struct vs_elf *elf, const GElf_Sym *sym);

/* Returns the section that defines a symbol; NULL for undefined, absolute and common ones. */
struct vs_elf_section *vs_elf__section_of(const struct vs_elf *elf, const GElf_Sym *sym);

/* NULL when there is none. */
const struct vs_elf_section *vs_elf__section(const struct vs_elf *elf, const char *name);

/*
 * Finds the place that a relocation of a list in data names, by address or relative to itself:
 * section and offset. False when it is not in this file.
 */
bool vs_elf__target(const struct vs_elf *elf, const struct vs_elf_reloc *reloc, uint32_t *section,
		    uint64_t *off);

/* Returns how many relocations are before `off`. */
size_t vs_elf__relocs_before(const struct vs_elf_section *section, uint64_t off);

/* Returns true if a relocation is that of a call or a tail call. */
bool vs_elf__is_call(const struct vs_elf *elf, const struct vs_elf_section *section,
		     const struct vs_elf_reloc *reloc);

/* Calls `each` for the notes of all sections until it returns true. */
void vs_elf__notes(const struct vs_elf *elf,
		   bool (*each)(void *ctx, const GElf_Nhdr *note, const char *name,
				const uint8_t *desc),
		   void *ctx);

/*
 * Makes room for one more in an array that doubles whenever its length is a power of two; NULL when
 * out of memory: then the old array is still there.
 */
void *vs_elf__grow(void *array, size_t nr, size_t size);

#endif

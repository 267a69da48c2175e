/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The text of a kernel module as its file has it, and the bytes that the kernel changes by itself
 * once they are in memory: for the module's address (relocations), for this CPU (alternatives,
 * locks, returns, indirect calls), and for features that are on (static keys and calls, ftrace).
 * All other bytes have to be in memory as they are here. x86-64 only.
 */
#ifndef VFIOSCOPE_TEXT_IMAGE_H
#define VFIOSCOPE_TEXT_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "code/elf_file.h"

struct vs_text_section {
	char *name;		/* ".text" */
	uint8_t *bytes;		/* as in the file */
	uint8_t *may_change;	/* for each of them: not 0 where the kernel changes it */
	uint8_t *differs;	/* for each: not 0 where memory was different when compared */
	size_t len;
};

struct vs_text_func {
	char *name;		/* as in .symtab */
	uint32_t section;	/* index into vs_text_image.sections */
	uint64_t off;		/* bytes from the start of the section */
	uint64_t size;		/* bytes */
};

struct vs_text_image {
	struct vs_text_section *sections; /* that stay in memory and have functions */
	size_t nr_sections;
	struct vs_text_func *funcs; /* by section and offset, one for each place */
	size_t nr_funcs;
	size_t nr_ranges;	/* that may change, as listed: they may overlap */
	char error[120];	/* why it cannot be compared with memory; "" when it can */
};

/* vs_elf_opts.relocs_of has to choose these sections, among others, for vs_text_image__new(). */
bool vs_text_image__wants_relocs(const struct vs_elf_section *section);

/* Copies what it needs. NULL with errno: ENOMEM; ENOTSUP for another architecture. */
struct vs_text_image *vs_text_image__new(const struct vs_elf *elf);
void vs_text_image__free(struct vs_text_image *image);	/* NULL is fine */

/*
 * Returns true if the instruction at `off` of the section of that name was different in memory when
 * it was compared. False if it was not compared. NULL is fine.
 */
bool vs_text_image__is_changed(const struct vs_text_image *image, const char *section,
			       uint64_t off);

/* Marks no byte as different: nothing was compared, or that does not count any more. */
void vs_text_image__forget(struct vs_text_image *image);

/* Allows `len` bytes from `off` on to change, as far as they are in the section. */
void vs_text_section__allow(struct vs_text_section *section, uint64_t off, uint64_t len);

#endif

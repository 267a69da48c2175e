/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finds what the kernel changes in a module's text, by the lists that the module itself brings:
 * module_finalize() and what it calls, ftrace, jump labels, static calls (arch/x86, 4.15 to 7.x).
 * It takes whole instructions if the kernel replaces them. It is a part of text_image.c.
 */
#ifndef VFIOSCOPE_TEXT_MUTABLE_H
#define VFIOSCOPE_TEXT_MUTABLE_H

#include <stdbool.h>

#include "code/text_image.h"

/* Returns true if it is such a list: then its relocations are wanted. */
bool vs_text_mutable__is_list(const struct vs_elf_section *section);

/*
 * Marks these bytes in `image`. `places` has the index in it of each section of the file;
 * UINT32_MAX: it is not there. A list of an unknown form goes to image->error.
 */
void vs_text_mutable__mark(const struct vs_elf *elf, const uint32_t *places,
			   struct vs_text_image *image);

#endif

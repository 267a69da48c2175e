/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the kernel changes in a module's text, by the lists that the module itself brings:
 * module_finalize() and what it calls, ftrace, jump labels, static calls (arch/x86, 4.15 to
 * 7.x). Whole instructions where the kernel puts others in their place. A part of
 * text_image.c.
 */
#ifndef VFIOSCOPE_TEXT_MUTABLE_H
#define VFIOSCOPE_TEXT_MUTABLE_H

#include <stdbool.h>

#include "text/text_image.h"

/* Whether it is such a list: its relocations are wanted. */
bool vs_text_mutable__is_list(const struct vs_elf_section *section);

/*
 * Marks it in `image`, whose sections are where `places` says, by index of the file's
 * sections; UINT32_MAX: not there. A list of a form that is not known goes to image->error.
 */
void vs_text_mutable__mark(const struct vs_elf *elf, const uint32_t *places,
			   struct vs_text_image *image);

#endif

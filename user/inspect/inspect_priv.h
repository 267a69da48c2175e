/* SPDX-License-Identifier: GPL-2.0 */
/* Shared inside this folder only. */
#ifndef VFIOSCOPE_INSPECT_PRIV_H
#define VFIOSCOPE_INSPECT_PRIV_H

#include "code/elf_file.h"
#include "code/scan.h"
#include "inspect/inspect.h"

/* Writes the words to in->error and returns `err`. */
__attribute__((format(printf, 3, 4)))
int vs_inspect__fail(struct vs_inspection *in, int err, const char *fmt, ...);

__attribute__((format(printf, 2, 3)))
void vs_inspect__note(struct vs_inspection *in, const char *fmt, ...);

/* Gives the verdict INCONCLUSIVE without looking at the code. */
__attribute__((format(printf, 2, 3)))
void vs_inspect__inconclusive(struct vs_inspection *in, const char *fmt, ...);

/* Inspects an ELF image: a module, or a vmlinux. `lines`: read debug information, too. */
int vs_inspect__elf(const void *data, size_t len, bool lines, struct vs_inspection *in);

/* Inspects a kernel that is no ELF file: aarch64's Image. */
int vs_inspect__raw(const void *data, size_t len, struct vs_inspection *in);

/* Judges the facts, and copies what is shown. */
int vs_inspect__code(const struct vs_code *code, struct vs_inspection *in);

/* "Linux version X": copies X. */
void vs_inspect__find_release(const void *data, size_t len, char *release, size_t size);

/*
 * Adds source lines and inlined functions to all places, from debug information.
 * Reads it in a child process with limits: libdw is not made for hostile input.
 */
void vs_inspect__add_lines(const struct vs_elf *elf, struct vs_inspection *in);

#endif

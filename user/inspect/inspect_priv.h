/* SPDX-License-Identifier: GPL-2.0 */
/* Shared inside the room only. */
#ifndef VFIOSCOPE_INSPECT_PRIV_H
#define VFIOSCOPE_INSPECT_PRIV_H

#include "elf/elf_file.h"
#include "inspect/inspect.h"
#include "inspect/scan.h"

/* Writes the words to in->error and returns `err`. */
__attribute__((format(printf, 3, 4)))
int vs_inspect__fail(struct vs_inspection *in, int err, const char *fmt, ...);

__attribute__((format(printf, 2, 3)))
void vs_inspect__note(struct vs_inspection *in, const char *fmt, ...);

/* A verdict of INCONCLUSIVE that the code was not even asked for. */
__attribute__((format(printf, 2, 3)))
void vs_inspect__inconclusive(struct vs_inspection *in, const char *fmt, ...);

/* An ELF image: a module, or a vmlinux. */
int vs_inspect__elf(const void *data, size_t len, struct vs_inspection *in);

/* Judges the facts, and copies what is shown. */
int vs_inspect__code(const struct vs_code *code, struct vs_inspection *in);

/* Finds out what is packed in a boot image: an ELF or raw kernel in `out`. -ENOEXEC when it is none. */
struct vs_unpack;
int vs_inspect__unpack_image(const void *data, size_t len, struct vs_unpack *out,
			     const char **compression);

/* A kernel without a symbol table: what is left is kallsyms. */
int vs_inspect__image(const void *data, size_t len, const char *machine, struct vs_inspection *in);

/* The banner "Linux version X": copies X. */
void vs_inspect__find_release(const void *data, size_t len, char *release, size_t size);

/* Adds source lines and inlined functions to all places, where debug information has them. */
void vs_inspect__add_lines(const struct vs_elf *elf, const struct vs_code *code,
			   const struct vs_judgement *judgement, struct vs_inspection *in);

#endif

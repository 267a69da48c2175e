/* SPDX-License-Identifier: GPL-2.0 */
/* Symbols of the running kernel, from /proc/kallsyms. */
#ifndef VFIOSCOPE_KALLSYMS_H
#define VFIOSCOPE_KALLSYMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct vs_symbol {
	uint64_t addr;		/* 0 when the kernel hides addresses */
	char type;		/* as nm(1) prints it */
	const char *name;	/* valid during the callback only */
	const char *module;	/* "" for vmlinux */
};

/*
 * Calls `each` for every line of an open kallsyms file until it returns
 * nonzero, and returns that. Lines that do not parse are passed over.
 */
int vs_kallsyms__each(FILE *file, int (*each)(void *ctx, const struct vs_symbol *symbol),
		      void *ctx);

/* A table for lookups by address. */
struct vs_ksyms;

/*
 * Reads the whole file: some 20 ms, and 5 MB of memory while the table lives.
 * NULL with errno set; EPERM when addresses are hidden.
 */
struct vs_ksyms *vs_ksyms__read(FILE *file);
void vs_ksyms__free(struct vs_ksyms *ksyms);	/* NULL is fine */

/*
 * "name", "name+0x1a" or "name+0x1a [module]" of an address in the kernel image
 * or a module. False for others (the heap) and where no symbol is near.
 */
bool vs_ksyms__lookup(const struct vs_ksyms *ksyms, uint64_t addr, char *buf, size_t size);

/* Returns true if the symbol at or below the address is a function. */
bool vs_ksyms__is_code(const struct vs_ksyms *ksyms, uint64_t addr);

/* The lowest address of a symbol of this name, 0 if there is none. Looks at all of them. */
uint64_t vs_ksyms__find(const struct vs_ksyms *ksyms, const char *name);

/* The same of "name.part.0", where a compiler has put most of a function that it split; 0 if it has not. */
uint64_t vs_ksyms__find_part(const struct vs_ksyms *ksyms, const char *name);

#endif

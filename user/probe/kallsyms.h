/* SPDX-License-Identifier: GPL-2.0 */
/* Symbols of the running kernel, from /proc/kallsyms. */
#ifndef VFIOSCOPE_KALLSYMS_H
#define VFIOSCOPE_KALLSYMS_H

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

/*
 * Name of the symbol that holds `addr`, as "name+0x1a" or "name+0x1a [module]".
 * Reads the whole table (0.1 s, more on a slow machine): for rare use.
 * -ENOENT when no symbol is at or below it; -EPERM when addresses are hidden.
 */
int vs_kallsyms__lookup(uint64_t addr, char *buf, size_t size);

#endif

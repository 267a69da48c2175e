/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kernel stacks of x86_64 by the kernel's own ORC tables, as it walks them itself: for each address of
 * code they tell where the frame of the caller is. Pure functions of kernel memory.
 */
#ifndef VFIOSCOPE_CORE_ORC_H
#define VFIOSCOPE_CORE_ORC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/layout.h"
#include "kernel/mem.h"

/* A table of vmlinux or of a module: @nr distances, and as many entries. */
struct vs_orc_table {
	uint64_t ips, entries;
	uint64_t nr;
	uint64_t low, high;	/* the code that it is of: it may tell of init code, too, which is gone */
};

/* The numbers of registers in the entries: those of v4.14, and v7.0 has others. */
struct vs_orc_numbers {
	unsigned int prev_sp, bp, sp, bp_indirect, sp_indirect;
};

struct vs_orc {
	const struct vs_orc_numbers *numbers; /* NULL: not known, and then there are no stacks */
	const struct vs_mem *mem;
	const struct vs_core_layout *layout;
	struct vs_orc_table *tables; /* by address */
	size_t nr_tables;
	bool (*is_code)(void *ctx, uint64_t address);
	bool (*is_skipped)(void *ctx, uint64_t address); /* of the scheduler: in no stack that the kernel shows */
	void *ctx;
};

struct vs_orc_start {
	uint64_t ip, sp, bp;
	bool signal;		/* @ip is where it was interrupted, not a return address */
	uint64_t stack, stack_end; /* nothing outside of it is believed; 0: an interrupt has a stack of its own */
};

/* Adds a table whose bounds are checked here. 0 or -ENOMEM; one that makes no sense is left out. */
int vs_orc__add(struct vs_orc *orc, const struct vs_orc_table *table);
void vs_orc__sort(struct vs_orc *orc);

/*
 * Learns the numbers of registers from the entry of a function, where the caller's frame is found by the stack
 * pointer. @function: the address of any. Call after vs_orc__sort().
 */
void vs_orc__learn(struct vs_orc *orc, uint64_t function);
void vs_orc__free(struct vs_orc *orc);

/*
 * Finds return addresses, innermost first, up to @max. Returns their number; *whole is true if it came to the
 * end of the stack, or to @max.
 */
size_t vs_orc__walk(const struct vs_orc *orc, const struct vs_orc_start *start, uint64_t *frames, size_t max,
		    bool *whole);

/* Finds where a sleeping task continues. Returns false if that cannot be read. */
bool vs_orc__of_sleeper(const struct vs_orc *orc, uint64_t task, struct vs_orc_start *start);

#endif

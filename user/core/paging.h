/* SPDX-License-Identifier: GPL-2.0 */
/* Virtual addresses of x86_64 in a dump: page tables of four or five levels. */
#ifndef VFIOSCOPE_CORE_PAGING_H
#define VFIOSCOPE_CORE_PAGING_H

#include "core/file.h"

#define VS_PAGING_SLOTS 1024

struct vs_paging {
	struct vs_core *core;
	uint64_t root;		/* physical address of the top table */
	uint64_t not_address;	/* bits of an entry that memory encryption uses */
	bool five_levels;
	struct {
		uint64_t page;	/* address / 4096 + 1; 0: empty */
		uint64_t at;	/* physical */
	} known[VS_PAGING_SLOTS];
};

void vs_paging__begin(struct vs_paging *p, struct vs_core *core, uint64_t root, bool five_levels,
		      uint64_t not_address);

/*
 * The physical address. @size: how large the page is, or how much around the address is not mapped; NULL:
 * of no interest. -EFAULT: not mapped, or a table is not in the dump.
 */
int vs_paging__find(struct vs_paging *p, uint64_t address, uint64_t *physical, uint64_t *size);

/* All of it, or an error as of vs_core__read(). */
int vs_paging__read(struct vs_paging *p, uint64_t address, void *buf, size_t len);

#endif

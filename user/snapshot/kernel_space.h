/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tells which words may be pointers into the running kernel. The width of addresses differs: x86_64
 * has four or five levels of page tables, arm64 39 to 52 bits. So it takes the width from the kernel's
 * own addresses, not from a constant. It only saves reads: the memory read decides.
 */
#ifndef VFIOSCOPE_SNAPSHOT_KERNEL_SPACE_H
#define VFIOSCOPE_SNAPSHOT_KERNEL_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The last page is in the kernel's half of the address space whatever its width: it serves where
 * some address of that half is enough.
 */
#define VS_KERNEL_SPACE_LAST_PAGE (-4096ull)

struct vs_kernel_space {
	uint64_t lowest;	/* no pointer is below it */
};

/*
 * @direct_map: where the direct map begins (page_offset_base of x86_64), or 0 where the kernel does
 * not say. @known: addresses of objects of the kernel, @nr of them, at least one. Without
 * @direct_map the space begins where the lowest of them loses its leading ones.
 */
struct vs_kernel_space vs_kernel_space__of(uint64_t direct_map, const uint64_t *known, size_t nr);

/* Returns true if an aligned object of the kernel may be at this address. */
static inline bool vs_kernel_space__has(const struct vs_kernel_space *space, uint64_t word)
{
	return word >= space->lowest && !(word & 7);
}

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* Compares the text of a module in memory with that of its file. Pure. */
#ifndef VFIOSCOPE_TEXT_COMPARE_H
#define VFIOSCOPE_TEXT_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "code/text_image.h"

/*
 * Places where anybody's kprobes are, by address. One in the text is a breakpoint of one
 * byte, an optimised one a jump of five.
 */
struct vs_text_probes {
	const uint64_t *addrs;
	size_t nr;
	/*
	 * False: we do not know them. Then a breakpoint at the start of an instruction counts as a
	 * probe, and the comparison ignores it; a jump may be one, and is counted.
	 */
	bool known;
};

struct vs_text_diff {
	size_t bytes;		/* compared */
	size_t nr_funcs;	/* compared */
	size_t nr_differ;	/* functions that differ */
	/* The first of them: valid as long as the image is. */
	const struct vs_text_func *func;
	uint64_t off;		/* of its first byte that differs, from its start */
	size_t nr_bytes;	/* of its bytes that differ */
	size_t nr_jumps;	/* where a probe may be, but we do not know */
	const struct vs_text_func *jump; /* where the first one is */
};

/*
 * Compares one section of `image`: `memory` has its bytes, and was at `addr`. Adds to *diff, which
 * starts all zero, and fills in which bytes of the section differ. 0 or -ENOMEM.
 */
int vs_text_compare__section(struct vs_text_image *image, size_t section, const uint8_t *memory,
			     uint64_t addr, const struct vs_text_probes *probes,
			     struct vs_text_diff *diff);

/*
 * Reads the address that a line of /sys/kernel/debug/kprobes/list begins with. False when it has
 * none, or the kernel hides it.
 */
bool vs_text_probes__parse(const char *line, uint64_t *addr);

#endif

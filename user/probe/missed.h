/* SPDX-License-Identifier: GPL-2.0 */
/* Reads how often the kernel left a program out, where it counts that. */
#ifndef VFIOSCOPE_MISSED_H
#define VFIOSCOPE_MISSED_H

#include <stdint.h>

#include "bpf/missed.h"

/*
 * Adds to *missed the runs of the program that were left out because it was
 * running on that CPU already. -ENOTSUP before v5.12 (9ed9e9ba2337).
 */
int vs_missed__program(int prog_fd, uint64_t *missed);

/* The program that looks into the kernel's memory (bpf/missed_programs.h). */
struct vs_missed_reader {
	int prog;		/* descriptor of its program, negative: there is none */
	struct vs_missed_ask *ask;
};

struct vs_missed_kprobe {
	int link;		/* descriptors */
	int event;
	uint64_t addr;
};

/*
 * Adds the hits that a kprobe missed, as the kernel tells since v6.7 (3acf8ace6823), or as its memory has
 * it. -ENOTSUP where neither can be had.
 */
int vs_missed__kprobe(const struct vs_missed_reader *reader, const struct vs_missed_kprobe *probe,
		      uint64_t *missed);

#endif

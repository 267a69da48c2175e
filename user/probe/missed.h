/* SPDX-License-Identifier: GPL-2.0 */
/* How often the kernel left a program out, where it counts that. */
#ifndef VFIOSCOPE_MISSED_H
#define VFIOSCOPE_MISSED_H

#include <stdint.h>

/*
 * Adds to *missed the runs of the program that were left out because it was
 * running on that CPU already. -ENOTSUP before v5.12 (9ed9e9ba2337).
 */
int vs_missed__program(int prog_fd, uint64_t *missed);

/* Adds the hits that a kprobe link missed. -ENOTSUP before v6.7 (3acf8ace6823). */
int vs_missed__kprobe(int link_fd, uint64_t *missed);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kernel addresses to names, ready when it matters: the symbol table is read in
 * the background, because a finding has to be out before the host is gone.
 */
#ifndef VFIOSCOPE_SYMBOLIZER_H
#define VFIOSCOPE_SYMBOLIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vs_symbolizer;

/* Starts to read. NULL with errno set. */
struct vs_symbolizer *vs_symbolizer__new(void);
void vs_symbolizer__free(struct vs_symbolizer *s);	/* NULL is fine; waits for the reading */

/*
 * As vs_ksyms__lookup(). Waits 50 ms at most, once, for the first table. What
 * it says of a module is believed only for addresses inside that module as it is
 * loaded now: no neighbour may lend its name.
 */
bool vs_symbolizer__lookup(struct vs_symbolizer *s, uint64_t addr, char *buf, size_t size);

/* Reads again, in the background, if modules came or went since. Call it now and then. */
void vs_symbolizer__refresh(struct vs_symbolizer *s);

#endif

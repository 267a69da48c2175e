/* SPDX-License-Identifier: GPL-2.0 */
/* Arrays that grow by one row at a time. */
#ifndef VFIOSCOPE_ROWS_H
#define VFIOSCOPE_ROWS_H

#include <stddef.h>

/*
 * Room for one more row of `size` bytes, zeroed, counted in *nr; NULL without memory.
 * `rows` is the address of the array's pointer. Any other row may move.
 */
void *vs_rows__add(void *rows, size_t *nr, size_t size);

#endif

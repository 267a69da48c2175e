/* SPDX-License-Identifier: GPL-2.0 */
/* Pieces of text: times in units people read, wrapped lines. */
#ifndef VFIOSCOPE_WORDS_H
#define VFIOSCOPE_WORDS_H

#include <stddef.h>
#include <stdint.h>

#include "base/out.h"

/* Appends to a string of at most @size bytes with its NUL; the part that does not fit is cut. */
void vs_words__append(char *buf, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Writes "850 ns", "3 us", "12.5 ms", "2.0 s". */
void vs_words__duration(char *buf, size_t size, uint64_t ns);

/* Writes "45 s", "12m 3s", "3h 12m", "5d 2h"; below 10 s like vs_words__duration(). */
void vs_words__age(char *buf, size_t size, uint64_t ns);

/*
 * Writes words from column @col on, wrapped before @width (0: never), later lines indented by @indent.
 * Ends the line. It does not wrap between quotation marks: a name (vs_name__quote()) must not begin a
 * line. Nor does it wrap within a command: half of one may do another thing.
 */
void vs_words__wrap(struct vs_out *o, const char *text, size_t col, size_t indent,
		    size_t width);

#endif

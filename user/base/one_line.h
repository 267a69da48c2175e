/* SPDX-License-Identifier: GPL-2.0 */
/* One line about an error, whatever it quotes: names and paths may hold anything. */
#ifndef VFIOSCOPE_ONE_LINE_H
#define VFIOSCOPE_ONE_LINE_H

#include <stddef.h>

#define VS_ONE_LINE 199		/* characters at most, without the newline */

/*
 * Makes "WHO: words: what" or, without `what` (NULL), "WHO: words". Bytes that are not printable ASCII
 * become \xNN; the longest part loses its middle until the line is short enough. `buf` has room for
 * VS_ONE_LINE characters and a NUL.
 */
void vs_one_line__make(char buf[VS_ONE_LINE + 1], const char *who, const char *words,
		       const char *what);

/*
 * Makes "WHO: words; try: command; see vfioscope doctor". A command is there to be typed: the line has
 * all of it or, if it does not fit, none, and doctor shows it. `command`: "" for none.
 */
void vs_one_line__advise(char buf[VS_ONE_LINE + 1], const char *who, const char *words,
			 const char *command);

/* Writes the same to stderr, with a newline, in one write. */
void vs_one_line__say(const char *who, const char *words, const char *what);
void vs_one_line__say_advice(const char *who, const char *words, const char *command);

#endif

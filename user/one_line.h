/* SPDX-License-Identifier: GPL-2.0 */
/* One line about what went wrong, whatever it quotes: names and paths may hold anything. */
#ifndef VFIOSCOPE_ONE_LINE_H
#define VFIOSCOPE_ONE_LINE_H

#include <stddef.h>

#define VS_ONE_LINE 199		/* characters at most, without the newline */

/*
 * "WHO: words: what" or, without `what` (NULL), "WHO: words". What is not printable ASCII
 * becomes \xNN; the longest part loses its middle until the line is short enough. `buf`
 * has room for VS_ONE_LINE characters and a NUL.
 */
void vs_one_line__make(char buf[VS_ONE_LINE + 1], const char *who, const char *words,
		       const char *what);

/*
 * "WHO: words; try: command; see vfioscope doctor". A command is typed as it stands: it is whole, or it is
 * not there, and doctor has it. `command`: "" for none.
 */
void vs_one_line__advise(char buf[VS_ONE_LINE + 1], const char *who, const char *words,
			 const char *command);

/* The same on stderr, with a newline, in one write. */
void vs_one_line__say(const char *who, const char *words, const char *what);
void vs_one_line__say_advice(const char *who, const char *words, const char *command);

#endif

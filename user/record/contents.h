/* SPDX-License-Identifier: GPL-2.0 */
/* What a recording has and has not, in words. */
#ifndef VFIOSCOPE_RECORD_CONTENTS_H
#define VFIOSCOPE_RECORD_CONTENTS_H

#include <stdbool.h>
#include <stdio.h>

#include "record/replay.h"

/* Returns true if nothing is missing but what a ring has overwritten at its beginning. */
bool vs_contents__are_whole(const struct vs_reader *reader, const struct vs_run_row *rows, int nr);

/* Prints a page; the reader has been read to its end. */
void vs_contents__print(FILE *out, const char *path, const struct vs_reader *reader,
			const struct vs_run_row *rows, int nr);

#endif

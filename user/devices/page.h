/* SPDX-License-Identifier: GPL-2.0 */
/* Lines with a label in front, wrapped: what the pages of `devices` and `can` are made of. */
#ifndef VFIOSCOPE_DEVICES_PAGE_H
#define VFIOSCOPE_DEVICES_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/out.h"
#include "evidence/evidence.h"

#define VS_PAGE_LABEL 10	/* columns of "NOT KNOWN " */

struct vs_page {
	struct vs_out out;
	size_t width;
	bool color;
};

/* Columns to fill: those of the terminal, or 80 without one (0). */
size_t vs_page__width(unsigned int columns);

/* Writes one line with its label, "" for one that goes on; the format's values are escaped. */
__attribute__((format(printf, 3, 4)))
void vs_page__row(struct vs_page *p, const char *label, const char *format, ...);

/* Writes what could not be looked at, if VFIO is there at all. */
void vs_page__limits(struct vs_page *p, const struct vs_evidence *e);

#endif

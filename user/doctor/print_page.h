/* SPDX-License-Identifier: GPL-2.0 */
/* The layout of doctor's page, shared by the files of its sections. */
#ifndef VFIOSCOPE_SINK_DOCTOR_PAGE_H
#define VFIOSCOPE_SINK_DOCTOR_PAGE_H

#include "base/out.h"

#define VS_PAGE_LABEL 16	/* the length of the longest hook, "group-unregister" */

struct vs_page {
	struct vs_out *out;
	unsigned int width;	/* columns, 0: no terminal, nothing is wrapped */
};

/* Writes text at column `indent`, wrapped between words; the output has reached that column already. */
void vs_page__wrapped(const struct vs_page *page, unsigned int indent, const char *text);

/* Write "  label  words" and "  - words". */
void vs_page__line(const struct vs_page *page, const char *label, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void vs_page__item(const struct vs_page *page, const char *text);

#endif

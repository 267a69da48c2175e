// SPDX-License-Identifier: GPL-2.0
#include "doctor/print_page.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/words.h"

#define NARROWEST 60

void vs_page__wrapped(const struct vs_page *page, unsigned int indent, const char *text)
{
	vs_words__wrap(page->out, text, indent, indent, page->width < NARROWEST ? 0 : page->width);
}

void vs_page__line(const struct vs_page *page, const char *label, const char *fmt, ...)
{
	unsigned int indent = 2 + VS_PAGE_LABEL + 2;
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	vs_out__printf(page->out, "  %-*s  ", VS_PAGE_LABEL, label);
	vs_page__wrapped(page, indent, text);
}

void vs_page__item(const struct vs_page *page, const char *text)
{
	vs_out__puts(page->out, "  - ");
	vs_page__wrapped(page, 4, text);
}

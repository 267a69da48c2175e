// SPDX-License-Identifier: GPL-2.0
#include "sink/doctor_page.h"

#include <stdarg.h>
#include <string.h>

#define NARROWEST 60

void vs_page__wrapped(const struct vs_page *page, unsigned int indent, unsigned int column,
		      const char *text)
{
	unsigned int width = page->width < NARROWEST ? 0 : page->width;

	while (*text) {
		unsigned int len = strcspn(text, " ");

		if (width && column > indent && column + len > width) {
			fprintf(page->out, "\n%*s", (int)indent, "");
			column = indent;
		}
		fprintf(page->out, "%s%.*s", column > indent ? " " : "", (int)len, text);
		column += len + 1;
		text += len + !!text[len];
	}
	fputc('\n', page->out);
}

void vs_page__line(const struct vs_page *page, const char *label, const char *fmt, ...)
{
	unsigned int indent = 2 + VS_PAGE_LABEL + 2;
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fprintf(page->out, "  %-*s  ", VS_PAGE_LABEL, label);
	vs_page__wrapped(page, indent, indent, text);
}

void vs_page__item(const struct vs_page *page, const char *text)
{
	fprintf(page->out, "  - ");
	vs_page__wrapped(page, 4, 4, text);
}

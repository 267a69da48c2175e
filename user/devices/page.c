// SPDX-License-Identifier: GPL-2.0
#include "devices/page.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/words.h"

#define NARROWEST 60
#define WHOLE 80		/* without a terminal */

size_t vs_page__width(unsigned int columns)
{
	return !columns ? WHOLE : columns < NARROWEST ? NARROWEST : columns;
}

void vs_page__row(struct vs_page *p, const char *label, const char *format, ...)
{
	char text[2600];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	vs_out__printf(&p->out, "%-*s", VS_PAGE_LABEL, label);
	vs_words__wrap(&p->out, text, VS_PAGE_LABEL, VS_PAGE_LABEL, p->width);
}

void vs_page__limits(struct vs_page *p, const struct vs_evidence *e)
{
	if (!e->has_vfio)
		return;
	if (e->words[0])
		vs_page__row(p, "LIMITS", "%s", e->words);
	if (vs_evidence__is_partial(e))
		vs_page__row(p, e->words[0] ? "" : "LIMITS", "%s", e->snapshot.words);
}

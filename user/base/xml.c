// SPDX-License-Identifier: GPL-2.0
#include "base/xml.h"

void vs_xml__text(struct vs_out *o, const char *text)
{
	for (; *text; text++) {
		if (*text == '&')
			vs_out__puts(o, "&amp;");
		else if (*text == '<')
			vs_out__puts(o, "&lt;");
		else if (*text == '>')
			vs_out__puts(o, "&gt;");
		else if (*text == '"')
			vs_out__puts(o, "&quot;");
		else
			vs_out__add(o, text, 1);
	}
}

void vs_xml__attribute(struct vs_out *o, const char *name, const char *value)
{
	vs_out__printf(o, " %s=\"", name);
	vs_xml__text(o, value);
	vs_out__puts(o, "\"");
}

// SPDX-License-Identifier: GPL-2.0
#include "one_line.h"

#include <stdio.h>
#include <string.h>

#define MOST 90

static void put(const char *text)
{
	size_t i;

	for (i = 0; text[i] && i < MOST; i++)
		putc(text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?', stderr);
	if (text[i])
		fputs("...", stderr);
}

void st_say_line(const char *words, const char *what)
{
	fputs("vfio-stress: ", stderr);
	put(words);
	if (what)
		fputs(": ", stderr);
	put(what ? what : "");
	putc('\n', stderr);
}

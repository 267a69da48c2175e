// SPDX-License-Identifier: GPL-2.0
#include "base/words.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LONGEST_COMMAND 50	/* a longer one is a sentence of ours, and wrapped */
#define LONGEST_ECHO 70		/* no sentence begins with that word; a line of 80 columns has room for it */

void vs_words__append(char *buf, size_t size, const char *fmt, ...)
{
	size_t len = strlen(buf);
	va_list args;

	va_start(args, fmt);
	vsnprintf(buf + len, size - len, fmt, args);
	va_end(args);
}

void vs_words__duration(char *buf, size_t size, uint64_t ns)
{
	if (ns < 1000)
		snprintf(buf, size, "%u ns", (unsigned int)ns);
	else if (ns < 1000000)
		snprintf(buf, size, "%llu us", (unsigned long long)(ns + 500) / 1000);
	else if (ns < 1000000000)
		snprintf(buf, size, "%.1f ms", (double)ns / 1e6);
	else
		snprintf(buf, size, "%.1f s", (double)ns / 1e9);
}

void vs_words__age(char *buf, size_t size, uint64_t ns)
{
	unsigned long long s = ns / 1000000000;

	if (s < 10)
		vs_words__duration(buf, size, ns);
	else if (s < 60)
		snprintf(buf, size, "%llu s", s);
	else if (s < 3600)
		snprintf(buf, size, "%llum %llus", s / 60, s % 60);
	else if (s < 86400)
		snprintf(buf, size, "%lluh %llum", s / 3600, s / 60 % 60);
	else
		snprintf(buf, size, "%llud %lluh", s / 86400, s / 3600 % 24);
}

/*
 * Returns the length of a command that begins here, to be typed unchanged; punctuation of the sentence
 * ends it.
 */
static size_t command_length(const char *text)
{
	static const char *const first[] = { "echo ", "dmesg |", "vfioscope " };
	size_t from = *text == '(', len = from;
	bool is = false;

	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++)
		is |= !strncmp(text + from, first[i], strlen(first[i]));
	while (is && text[len] && !(strchr(",;.:)", text[len]) && strchr(" ", text[len + 1])))
		len++;
	return is && len <= (strncmp(text + from, "echo ", 5) ? LONGEST_COMMAND : LONGEST_ECHO) ? len : 0;
}

/* Returns the length up to a blank where a line may be wrapped. */
static size_t word_length(const char *text)
{
	size_t len = command_length(text);

	while (text[len] && text[len] != ' ') {
		const char *end = text[len] == '"' ? strchr(text + len + 1, '"') : NULL;

		len = end ? (size_t)(end - text) + 1 : len + 1;
	}
	return len;
}

void vs_words__wrap(struct vs_out *o, const char *text, size_t col, size_t indent,
		    size_t width)
{
	bool fresh = true;

	while (*text) {
		size_t blanks = strspn(text, " "), len = word_length(text + blanks);

		if (!fresh && width && col + blanks + len > width) {
			vs_out__puts(o, "\n");
			vs_out__fill(o, ' ', indent);
			col = indent;
			fresh = true;
		}
		blanks = fresh && col == indent ? 0 : blanks;
		vs_out__fill(o, ' ', blanks);
		text += strspn(text, " ");
		vs_out__add(o, text, len);
		col += blanks + len;
		text += len;
		fresh = false;
	}
	vs_out__puts(o, "\n");
}

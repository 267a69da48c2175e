// SPDX-License-Identifier: GPL-2.0
#include "klog/json_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Returns the place after `"KEY" :`, NULL if the line has none. A line of other text may have anything. */
static const char *value_of(const char *line, const char *key)
{
	const char *at = line;
	size_t len = strlen(key);

	while ((at = strstr(at, key))) {
		const char *end = at + len;

		at++;
		end += strspn(end, " \t");
		if (*end == ':')
			return end + 1 + strspn(end + 1, " \t");
	}
	return NULL;
}

static char plain_escape(char c)
{
	switch (c) {
	case 'n':
		return '\n';
	case 't':
	case 'r':
	case 'b':
	case 'f':
		return ' ';
	default:
		return c;
	}
}

/* Takes text up to its closing quote. Characters outside of ASCII are not needed: symbols have none. */
static void take_text(const char *p, char *buf, size_t size)
{
	size_t used = 0;

	while (*p && *p != '"' && used + 1 < size) {
		if (*p != '\\') {
			buf[used++] = *p++;
		} else if (p[1] == 'u' && strnlen(p, 6) == 6) {
			char digits[5] = { p[2], p[3], p[4], p[5] };
			unsigned long code = strtoul(digits, NULL, 16);

			buf[used++] = code >= ' ' && code < 0x7f ? (char)code : code == '\n' ? '\n' : ' ';
			p += 6;
		} else if (p[1]) {
			buf[used++] = plain_escape(p[1]);
			p += 2;
		} else {
			break;
		}
	}
	buf[used] = '\0';
}

/* journalctl writes a message with any odd byte as an array of numbers. */
static void take_bytes(const char *p, char *buf, size_t size)
{
	size_t used = 0;
	char *end;

	while (*p && *p != ']' && used + 1 < size) {
		unsigned long byte = strtoul(p, &end, 10);

		if (end == p)
			break;
		buf[used++] = byte && byte < 0x100 ? (char)byte : ' ';
		p = end + strspn(end, ", ");
	}
	buf[used] = '\0';
}

static void take_when(const char *line, char *when, size_t size)
{
	const char *at = value_of(line, "\"__REALTIME_TIMESTAMP\"");
	struct tm tm;
	time_t seconds;

	if (!at || *at != '"')
		return;
	seconds = (time_t)(strtoull(at + 1, NULL, 10) / 1000000);
	if (gmtime_r(&seconds, &tm))
		strftime(when, size, "%Y-%m-%d %H:%M:%SZ", &tm);
}

bool klog_json_line__message(const char *line, char *message, size_t size, char *when,
			     size_t when_size)
{
	static const char *const keys[] = { "\"MESSAGE\"", "\"message\"", "\"log\"", "\"msg\"" };
	const char *start = line, *at = NULL;

	while (*start == ' ' || *start == '\t' || *start == ',' || *start == '[')
		start++;
	if (*start != '{' && *start != '"')
		return false;
	for (size_t i = 0; !at && i < sizeof(keys) / sizeof(keys[0]); i++)
		at = value_of(start, keys[i]);
	if (!at || (*at != '"' && *at != '['))
		return false;
	if (*at == '"')
		take_text(at + 1, message, size);
	else
		take_bytes(at + 1, message, size);
	take_when(line, when, when_size);
	return true;
}

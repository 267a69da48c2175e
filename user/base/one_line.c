// SPDX-License-Identifier: GPL-2.0
#include "base/one_line.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/name.h"
#include "base/words.h"

#define WHO 40
#define CUT " ... "
#define TRY "; try: "
#define SEE "; see vfioscope doctor"
#define LEAST_WORDS 40	/* room for the error, beside a command */

/* Escapes the text, and cuts it to `most` characters in the middle, as both ends tell something. */
static void quote(char buf[VS_ONE_LINE + 1], const char *text, size_t most)
{
	size_t len = strlen(text), head = (most - strlen(CUT)) * 2 / 3, tail;
	char front[4 * VS_ONE_LINE + 1], back[4 * VS_ONE_LINE + 1];

	vs_name__escape(front, sizeof(front), text, VS_ONE_LINE);
	if (len <= VS_ONE_LINE && strlen(front) <= most) {
		strcpy(buf, front);
		return;
	}
	tail = most - strlen(CUT) - head;
	vs_name__escape(back, sizeof(back), text + (len > tail ? len - tail : 0), tail);
	if (strlen(back) > tail)
		memmove(back, back + strlen(back) - tail, tail + 1);
	snprintf(buf, VS_ONE_LINE + 1, "%.*s" CUT "%.*s", (int)head, front, (int)tail, back);
}

static size_t shown(const char *text)
{
	size_t nr = 0;

	for (; *text && nr < 4 * VS_ONE_LINE; text++)
		nr += *text >= 0x20 && *text < 0x7f ? 1 : 4;
	return nr;
}

/* Returns the part's share of `room`: the shorter part is whole, or both have half. */
static size_t share(size_t room, size_t mine, size_t other)
{
	if (mine + other <= room || mine <= room / 2)
		return mine;
	return other < room / 2 ? room - other : room / 2;
}

void vs_one_line__make(char buf[VS_ONE_LINE + 1], const char *who, const char *words,
		       const char *what)
{
	char first[VS_ONE_LINE + 1], second[VS_ONE_LINE + 1] = "";
	size_t room = VS_ONE_LINE - strnlen(who, WHO) - strlen(": ");
	size_t other = what ? shown(what) + strlen(": ") : 0;

	quote(first, words, share(room, shown(words), other));
	if (what)
		quote(second, what, share(room, other, shown(words)) - strlen(": "));
	snprintf(buf, VS_ONE_LINE + 1, "%.*s: ", WHO, who);
	strncat(buf, first, VS_ONE_LINE - strlen(buf));
	strncat(buf, what ? ": " : "", VS_ONE_LINE - strlen(buf));
	strncat(buf, second, VS_ONE_LINE - strlen(buf));
}

void vs_one_line__advise(char buf[VS_ONE_LINE + 1], const char *who, const char *words,
			 const char *command)
{
	size_t room = VS_ONE_LINE - strnlen(who, WHO) - strlen(": ");
	char tail[VS_ONE_LINE + 1], first[VS_ONE_LINE + 1];
	size_t len = snprintf(tail, sizeof(tail), "%s%s" SEE, *command ? TRY : "", command);

	if (len > room - LEAST_WORDS || shown(command) != strlen(command))
		len = snprintf(tail, sizeof(tail), SEE);
	quote(first, words, room - len);
	snprintf(buf, VS_ONE_LINE + 1, "%.*s: ", WHO, who);
	strncat(buf, first, VS_ONE_LINE - strlen(buf));
	strncat(buf, tail, VS_ONE_LINE - strlen(buf));
}

static void write_line(char line[VS_ONE_LINE + 2])
{
	size_t len = strlen(line);

	line[len++] = '\n';
	if (write(STDERR_FILENO, line, len) < 0)
		return;	/* there is no other place to report it */
}

void vs_one_line__say(const char *who, const char *words, const char *what)
{
	char line[VS_ONE_LINE + 2];

	vs_one_line__make(line, who, words, what);
	write_line(line);
}

void vs_one_line__say_advice(const char *who, const char *words, const char *command)
{
	char line[VS_ONE_LINE + 2];

	vs_one_line__advise(line, who, words, command);
	write_line(line);
}

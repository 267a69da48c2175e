// SPDX-License-Identifier: GPL-2.0
#include "base/name.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

size_t vs_name__byte(char to[VS_NAME_BYTE], unsigned char byte)
{
	static const char digits[] = "0123456789abcdef";

	if (byte >= 0x20 && byte < 0x7f) {
		to[0] = (char)byte;
		return 1;
	}
	to[0] = '\\';
	to[1] = 'x';
	to[2] = digits[byte >> 4];
	to[3] = digits[byte & 15];
	return VS_NAME_BYTE;
}

/* A quotation mark in a quoted name would end it. */
static size_t quoted_byte(char to[VS_NAME_BYTE], unsigned char byte)
{
	if (byte != '"')
		return vs_name__byte(to, byte);
	memcpy(to, "\\x22", VS_NAME_BYTE);
	return VS_NAME_BYTE;
}

typedef size_t put_byte(char to[VS_NAME_BYTE], unsigned char byte);

/*
 * Writes as many bytes as fit into @room characters. Returns the length; *@used is the number of bytes
 * written.
 */
static size_t put_bytes(char *buf, size_t room, const char *name, size_t max, put_byte *put,
			size_t *used)
{
	size_t len = 0, nr;
	char one[VS_NAME_BYTE];

	for (*used = 0; *used < max && name[*used]; (*used)++) {
		nr = put(one, (unsigned char)name[*used]);
		if (nr > room - len)
			break;
		memcpy(buf + len, one, nr);
		len += nr;
	}
	return len;
}

/* Puts @mark on both sides of the name; cuts the name if it does not fit. */
static size_t put_name(char *buf, size_t size, const char *name, size_t max, const char *mark)
{
	size_t marks = 2 * strlen(mark), cut = strlen(VS_NAME_CUT), used, len;
	put_byte *put = marks ? quoted_byte : vs_name__byte;
	bool whole;

	if (size <= marks + cut) {
		if (size)
			*buf = '\0';
		return 0;
	}
	len = put_bytes(buf + marks / 2, size - 1 - marks, name, max, put, &used);
	whole = used == max || !name[used];
	if (!whole)
		len = put_bytes(buf + marks / 2, size - 1 - marks - cut, name, max, put, &used);
	memcpy(buf, mark, marks / 2);
	memcpy(buf + marks / 2 + len, mark, marks / 2);
	strcpy(buf + marks + len, whole ? "" : VS_NAME_CUT);
	return marks + len + (whole ? 0 : cut);
}

size_t vs_name__escape(char *buf, size_t size, const char *name, size_t max)
{
	return put_name(buf, size, name, max, "");
}

/*
 * Returns true for "kworker/u16:2+events", "(sd-pam)", "0000:00:05.0", "/usr/bin/qemu": no blanks, no
 * brackets.
 */
static bool is_plain(const char *name, size_t max)
{
	size_t i;

	for (i = 0; i < max && name[i]; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("_-./:+@=,%#~()", name[i]))
			return false;
	return i > 0;
}

size_t vs_name__quote(char *buf, size_t size, const char *name, size_t max)
{
	return put_name(buf, size, name, max, is_plain(name, max) ? "" : "\"");
}

size_t vs_name__in_quotes(char *buf, size_t size, const char *name, size_t max)
{
	return put_name(buf, size, name, max, "\"");
}

void vs_name__task(char buf[VS_TASK_LEN], const char comm[VS_COMM_LEN], uint32_t tid, size_t width)
{
	char name[VS_NAME_BYTE * VS_COMM_LEN + 3], id[16];
	size_t len = (size_t)snprintf(id, sizeof(id), "[%u]", tid);
	int most = width > len ? (int)(width - len) : 1;

	if (width) {
		vs_name__escape(name, sizeof(name), comm, VS_COMM_LEN);
		snprintf(buf, VS_TASK_LEN, "%.*s%s", most, name, id);
		return;
	}
	vs_name__quote(name, sizeof(name), comm, VS_COMM_LEN);
	if (*comm)
		snprintf(buf, VS_TASK_LEN, "%s%s", name, id);
	else if (tid)	/* /proc/PID/stack has no names */
		snprintf(buf, VS_TASK_LEN, "task %u", tid);
	else
		snprintf(buf, VS_TASK_LEN, "a task");
}

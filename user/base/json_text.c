// SPDX-License-Identifier: GPL-2.0
#include "base/json_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/name.h"

/*
 * Returns the length of the UTF-8 sequence that begins here, 0 if none does. jansson decides what is
 * valid.
 */
static size_t utf8_length(const char *bytes, size_t len)
{
	unsigned char first = (unsigned char)*bytes;
	size_t nr = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	json_t *value = nr <= len ? json_stringn(bytes, nr) : NULL;

	json_decref(value);
	return value ? nr : 0;
}

/* Handles names that are not valid UTF-8 as a whole. */
static json_t *mixed(const char *bytes, size_t len)
{
	char *buf = malloc(VS_NAME_BYTE * len + 1);
	json_t *value = NULL;
	size_t used = 0, nr;

	for (size_t i = 0; buf && i < len; i += nr ? nr : 1) {
		nr = utf8_length(bytes + i, len - i);
		if (nr)
			memcpy(buf + used, bytes + i, nr);
		used += nr ? nr : vs_name__byte(buf + used, (unsigned char)bytes[i]);
	}
	if (buf)
		value = json_stringn(buf, used);
	free(buf);
	return value;
}

json_t *vs_json_text__new(const char *bytes, size_t max)
{
	size_t len = strnlen(bytes, max);
	json_t *value = json_stringn(bytes, len);

	return value ? value : mixed(bytes, len);
}

/* jansson takes DEL as printable; it can only occur in strings. */
static char *without_del(char *text)
{
	size_t nr = 0;
	char *made, *to;

	for (const char *at = text; *at; at++)
		nr += *at == 0x7f;
	if (!nr)
		return text;
	made = to = malloc(strlen(text) + 5 * nr + 1);
	for (const char *at = text; made && *at; at++) {
		if (*at == 0x7f)
			to = stpcpy(to, "\\u007f");
		else
			*to++ = *at;
	}
	if (made)
		*to = '\0';
	free(text);
	return made;
}

char *vs_json_text__dump(const json_t *root, size_t flags)
{
	char *text = json_dumps(root, flags | JSON_ENSURE_ASCII);

	return text ? without_del(text) : NULL;
}

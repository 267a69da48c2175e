/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Strings in JSON. They keep a stranger's name as it is (name.h): a character that is not printable
 * ASCII is written as \uNNNN, and a byte that is no UTF-8 as the four characters \xNN.
 */
#ifndef VFIOSCOPE_JSON_TEXT_H
#define VFIOSCOPE_JSON_TEXT_H

#include <jansson.h>
#include <stddef.h>

/* Returns a string of the bytes up to a NUL, @max at most; a new reference, NULL when out of memory. */
json_t *vs_json_text__new(const char *bytes, size_t max);

/*
 * @flags: JSON_COMPACT or JSON_INDENT(). Returns printable ASCII and newlines, malloc'ed; NULL without
 * memory.
 */
char *vs_json_text__dump(const json_t *root, size_t flags);

#endif

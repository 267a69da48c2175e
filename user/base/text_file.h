/* SPDX-License-Identifier: GPL-2.0 */
/* Small files as one string. */
#ifndef VFIOSCOPE_TEXT_FILE_H
#define VFIOSCOPE_TEXT_FILE_H

/*
 * Returns the whole file, malloc'ed. NULL with errno: ENODATA when it is empty, EILSEQ when it has a
 * NUL, EFBIG from 64 MiB on.
 */
char *vs_text_file__read(const char *path);

/* Returns the reason, from that errno, why the file could not be read. */
const char *vs_text_file__why(int err);

/* Writes @text and a newline; replaces an existing file. Returns 0 or negative errno. */
int vs_text_file__write(const char *path, const char *text);

#endif

// SPDX-License-Identifier: GPL-2.0
#include "base/text_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE 65536u
#define MOST (64u << 20)	/* none of our files has nearly as much */

/* Files of /proc/sys fail to be read in large pieces (5.10: ENOMEM above 4 MiB). */
static int read_all(FILE *file, char **text, size_t *len)
{
	size_t got = 1;
	char *more;

	for (*len = 0; got && *len < MOST; *len += got) {
		more = realloc(*text, *len + PIECE + 1);
		if (!more)
			return -ENOMEM;
		*text = more;
		got = fread(more + *len, 1, PIECE, file);
		if (ferror(file))
			return -errno;
	}
	(*text)[*len] = '\0';
	return *len < MOST ? 0 : -EFBIG;
}

/* Returns 0, or the error of the text as negative errno. */
static int check(const char *text, size_t len)
{
	if (strlen(text) < len)
		return -EILSEQ;
	return len ? 0 : -ENODATA;
}

char *vs_text_file__read(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t len = 0;
	int err = file ? read_all(file, &text, &len) : -errno;

	if (file)
		fclose(file);
	if (!err)
		err = check(text, len);
	if (!err)
		return text;
	free(text);
	errno = -err;
	return NULL;
}

const char *vs_text_file__why(int err)
{
	switch (err) {
	case ENODATA:
		return "the file is empty";
	case EILSEQ:
		return "not a text file";
	default:
		return strerror(err);
	}
}

int vs_text_file__write(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");
	int err;

	if (!file)
		return -errno;
	err = fputs(text, file) < 0 || putc('\n', file) < 0 ? -errno : 0;
	if (fclose(file) && !err)
		err = -errno;
	return err;
}

// SPDX-License-Identifier: GPL-2.0
#include "text_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST (64u << 20)	/* far more than any of our files has */

/* 0, or what is wrong with it: negative errno. */
static int read_all(FILE *file, char *text, size_t room)
{
	size_t len = fread(text, 1, room, file);

	if (ferror(file))
		return -errno;
	if (len == room)
		return -EFBIG;
	text[len] = '\0';
	if (strlen(text) < len)
		return -EILSEQ;
	return len ? 0 : -ENODATA;
}

char *vs_text_file__read(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = file ? malloc(MOST) : NULL;
	int err = file && text ? read_all(file, text, MOST) : -errno;

	if (file)
		fclose(file);
	if (!err)
		return realloc(text, strlen(text) + 1);
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

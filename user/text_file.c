// SPDX-License-Identifier: GPL-2.0
#include "text_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

char *vs_text_file__read(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t room = 0;
	ssize_t len;

	if (!file)
		return NULL;
	len = getdelim(&text, &room, '\0', file);
	fclose(file);
	if (len >= 0)
		return text;
	free(text);
	errno = ENODATA;
	return NULL;
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

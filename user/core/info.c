// SPDX-License-Identifier: GPL-2.0
#include "core/info.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool vs_core_info__text(const char *info, const char *name, char *buf, size_t size)
{
	size_t len = strlen(name);

	for (const char *line = info; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, len) || line[len] != '=')
			continue;
		line += len + 1;
		snprintf(buf, size, "%.*s", (int)strcspn(line, "\n"), line);
		return true;
	}
	return false;
}

bool vs_core_info__number(const char *info, const char *name, int base, uint64_t *value)
{
	char text[32], *end;

	if (!vs_core_info__text(info, name, text, sizeof(text)) || !text[0])
		return false;
	errno = 0;
	*value = strtoull(text, &end, base);
	return !errno && !*end;
}

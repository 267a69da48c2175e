// SPDX-License-Identifier: GPL-2.0
#include "cmd/display.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/exit_codes.h"

int vs_display__init(struct vs_display *d)
{
	d->filter = vs_filter__new();
	return d->filter ? 0 : -ENOMEM;
}

void vs_display__fini(struct vs_display *d)
{
	vs_filter__free(d->filter);
}

int vs_display__add_filter(void *options, int kind, const char *value, char *error, size_t size)
{
	struct vs_display *d = options;

	return vs_filter__add(d->filter, kind, value, error, size);
}

int vs_display__check_color(const char *word, const struct vs_command *command)
{
	if (!word || !strcmp(word, "auto") || !strcmp(word, "always") || !strcmp(word, "never"))
		return VS_EXIT_OK;
	return vs_command__fail(command, VS_EXIT_USAGE, "--color is one of auto, always, never", NULL);
}

int vs_display__check(const struct vs_display *d, const struct vs_command *command)
{
	if (d->ring_size & (d->ring_size - 1))
		return vs_command__fail(command, VS_EXIT_USAGE,
					"--ring-size must be a power of two, such as 512K, 4M", NULL);
	return vs_display__check_color(d->color, command);
}

bool vs_display__wants_color(const char *word, int fd)
{
	if (word && strcmp(word, "auto"))
		return !strcmp(word, "always");
	return isatty(fd) && !getenv("NO_COLOR");
}

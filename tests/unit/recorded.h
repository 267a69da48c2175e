/* SPDX-License-Identifier: GPL-2.0 */
/* Reads what was recorded on the kernels of the lab, for the tests that rest on it. */
#ifndef VFIOSCOPE_TEST_RECORDED_H
#define VFIOSCOPE_TEST_RECORDED_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The whole file, malloc'ed; it must be there and not be empty. */
static inline char *read_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t room = 0;

	if (!file)
		fail_msg("%s: %s", path, strerror(errno));
	assert_true(getdelim(&text, &room, '\0', file) > 0);
	fclose(file);
	return text;
}

/* tests/facts/NAME.json, or that of $VS_FACTS; malloc'ed. */
static inline char *read_recorded(const char *name)
{
	const char *dir = getenv("VS_FACTS");
	char path[512];

	snprintf(path, sizeof(path), "%s/%s.json", dir ? dir : "tests/facts", name);
	return read_file(path);
}

#endif

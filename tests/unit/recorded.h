/* SPDX-License-Identifier: GPL-2.0 */
/* Facts recorded on the kernels of the lab, for the tests that plan from them. */
#ifndef VFIOSCOPE_TEST_RECORDED_H
#define VFIOSCOPE_TEST_RECORDED_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* tests/facts/NAME.json, or that of $VS_FACTS; malloc'ed. */
static inline char *read_recorded(const char *name)
{
	const char *dir = getenv("VS_FACTS");
	char path[512], *text = NULL;
	size_t room = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s.json", dir ? dir : "tests/facts", name);
	file = fopen(path, "re");
	if (!file)
		fail_msg("%s: %s", path, strerror(errno));
	assert_true(getdelim(&text, &room, '\0', file) > 0);
	fclose(file);
	return text;
}

#endif

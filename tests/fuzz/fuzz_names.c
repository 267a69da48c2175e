// SPDX-License-Identifier: GPL-2.0
/* A stranger's name in every record, through every sink: tests/unit/names_lab.h. */
#include <stdint.h>

#include "tests/unit/names_lab.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *evidence;

static char *read_evidence(void)
{
	FILE *file = fopen("tests/evidence/fixed-device.json", "r");

	if (!file)
		abort();	/* to be run in the top folder */
	fseek(file, 0, SEEK_END);
	return names_of_fd(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct names_page bad;
	const char *fault;
	char *name;

	if (!evidence)
		evidence = read_evidence();
	name = calloc(1, size + 1);
	memcpy(name, data, size);
	fault = names_try(name, evidence, &bad);
	if (fault) {
		fprintf(stderr, "%s: %s, of the name \"%s\"\n%s\n", bad.what, fault, name, bad.text);
		abort();
	}
	free(name);
	return 0;
}

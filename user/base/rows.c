// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "base/rows.h"

#define FIRST 16

/* Full at 16, 32, 64...: the capacity needs not be kept. */
static int is_full(size_t nr)
{
	return !nr || (nr >= FIRST && !(nr & (nr - 1)));
}

void *vs_rows__add(void *rows, size_t *nr, size_t size)
{
	char *array;

	memcpy(&array, rows, sizeof(array));
	if (is_full(*nr)) {
		array = realloc(array, (*nr ? 2 * *nr : FIRST) * size);
		if (!array)
			return NULL;
		memcpy(rows, &array, sizeof(array));
	}
	return memset(array + (*nr)++ * size, 0, size);
}

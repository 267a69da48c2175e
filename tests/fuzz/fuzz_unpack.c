// SPDX-License-Identifier: GPL-2.0
/* Boot image headers and decompressors. */
#include <stdint.h>

#include "code/boot_image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vs_unpack out = { .max = 4 << 20 };
	const char *compression;

	if (vs_boot_image__is_packed(data, size))
		vs_boot_image__unpack(data, size, &out, &compression);
	vs_unpack__free(&out);
	return 0;
}

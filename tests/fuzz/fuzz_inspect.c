// SPDX-License-Identifier: GPL-2.0
/* Everything that a file goes through: unpacking, ELF, relocations, instructions, verdict. */
#include <stdint.h>

#include "inspect/inspect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vs_inspection in;

	vs_inspect__bytes(data, size, &in);
	vs_inspection__free(&in);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
/* Instructions of all architectures: no length of zero, none beyond the end. */
#include <stdint.h>
#include <stdlib.h>

#include "code/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void sweep(vs_decoder decoder, const uint8_t *data, size_t size)
{
	size_t off = 0;
	struct vs_insn insn;

	while (off < size && decoder(data + off, size - off, off, &insn)) {
		if (!insn.len || insn.len > size - off)
			abort();
		off += insn.len;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	sweep(vs_decode__x86, data, size);
	sweep(vs_decode__aarch64, data, size);
	sweep(vs_decode__ppc64, data, size);
	sweep(vs_decode__s390, data, size);
	return 0;
}

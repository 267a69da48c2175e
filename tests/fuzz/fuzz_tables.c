// SPDX-License-Identifier: GPL-2.0
/* The kallsyms tables inside an image, and a scan of the code that they name. */
#include <stdint.h>
#include <string.h>

#include "code/kallsyms_tables.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct image {
	const uint8_t *data;
	size_t size;
};

static int read_anywhere(void *ctx, uint64_t addr, void *buf, size_t len)
{
	const struct image *image = ctx;

	for (size_t i = 0; i < len; i++)
		((uint8_t *)buf)[i] = image->data[(addr + i) % image->size];
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const machines[] = { "x86_64", "aarch64", "s390x", "ppc64" };
	struct image image = { data, size };
	struct vs_image_syms syms;
	struct vs_code code;

	if (!size || vs_image_syms__read(data, size, 0xffffffff81000000ull, &syms))
		return 0;
	struct vs_kernel_text text = {
		.machine = machines[data[0] % 4], .syms = syms.syms, .nr_syms = syms.nr,
		.read = read_anywhere, .ctx = &image,
	};

	if (!vs_scan__kernel(&text, &code))
		vs_code__free(&code);
	vs_image_syms__free(&syms);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
/* Dumps of a machine's memory: formats, notes, page tables, the search for a kernel. */
#include <stdint.h>
#include <stdio.h>

#include "core/image.h"
#include "core/info.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(struct vs_core *core)
{
	static struct vs_paging paging;
	char error[200], text[80];
	uint8_t bytes[100];
	uint64_t at, area;

	for (uint64_t physical = 0; physical < 64ull << 20; physical += (1 << 18) + 4091)
		vs_core__read(core, physical, bytes, sizeof(bytes));
	vs_core_info__text(core->info, "OSRELEASE", text, sizeof(text));
	if (vs_core_image__paging(core, &paging, error, sizeof(error)))
		vs_paging__begin(&paging, core, 0x1000, core->nr_cpus & 1, 0);
	for (int i = 0; i < 64; i++) {
		vs_paging__find(&paging, (uint64_t)i * 0x0404040404041000ull, &at, &area);
		vs_paging__read(&paging, ~(uint64_t)i * 4096, bytes, sizeof(bytes));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vs_core core;
	char error[300];

	if (!vs_core__open_memory(data, size, &core, error, sizeof(error)))
		look(&core);
	vs_core__close(&core);
	return 0;
}

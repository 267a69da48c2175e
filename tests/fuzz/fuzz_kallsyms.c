// SPDX-License-Identifier: GPL-2.0
/* The text of /proc/kallsyms. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "kernel/kallsyms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FILE *file = size ? fmemopen((void *)(uintptr_t)data, size, "r") : NULL;
	struct vs_ksyms *ksyms;
	uint64_t addr = 0;
	char buf[64];

	if (!file)
		return 0;
	ksyms = vs_ksyms__read(file);
	fclose(file);
	if (!ksyms)
		return 0;
	memcpy(&addr, data, size < sizeof(addr) ? size : sizeof(addr));
	vs_ksyms__lookup(ksyms, addr, buf, sizeof(buf));
	vs_ksyms__lookup(ksyms, 0xffffffff81000123ull, buf, sizeof(buf));
	vs_ksyms__free(ksyms);
	return 0;
}

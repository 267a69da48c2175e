// SPDX-License-Identifier: GPL-2.0
/* The module reader of the probes: call sites, locked adds. */
#include <stdint.h>

#include "vfio/kmod.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const callees[] = { "refcount_dec_and_mutex_lock", "queue_work_on", NULL };
	struct vs_kmod kmod;

	if (!vs_kmod__parse(data, size, callees, &kmod))
		vs_kmod__free(&kmod);
	return 0;
}

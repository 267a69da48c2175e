// SPDX-License-Identifier: GPL-2.0
#include "snapshot/kernel_space.h"

/* The lowest address with as many leading ones: where a half of some width begins. */
static uint64_t half_of(uint64_t address)
{
	int ones = ~address ? __builtin_clzll(~address) : 64;

	return ones ? ~0ull << (64 - ones) : 0;
}

struct vs_kernel_space vs_kernel_space__of(uint64_t direct_map, const uint64_t *known, size_t nr)
{
	uint64_t lowest = ~0ull;

	for (size_t i = 0; i < nr; i++)
		if (known[i] && known[i] < lowest)
			lowest = known[i];
	if (!direct_map || direct_map > lowest)
		direct_map = nr ? half_of(lowest) : 0;
	return (struct vs_kernel_space){ direct_map };
}

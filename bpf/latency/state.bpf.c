// SPDX-License-Identifier: GPL-2.0
/* Defines the maps and variables that state.h declares. */
#define VS_STATE_EXTERN
#include "state.h"

struct vs_lat_config cfg = {};
__u64 losses[VS_LAT_LOSS_KERNEL_END] = {};
__u32 groups_born = 0;
__s64 waiting = 0;

const volatile bool all_works = false;
const volatile bool many_targets = true;
const volatile bool want_blame = true;
const volatile bool want_wakeups = false;
const volatile bool want_events = true;
const volatile bool want_samples = false;
const volatile __u32 set_bits = 12;

__noinline int is_target(__u64 func)
{
	int found = 0;

	for (int i = 0; i < VS_LAT_TARGETS; i++)
		found |= func == cfg.targets[i];
	return found;
}

char LICENSE[] SEC("license") = "GPL";

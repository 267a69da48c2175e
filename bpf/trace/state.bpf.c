// SPDX-License-Identifier: GPL-2.0
/* Defines the maps and variables that state.h declares. */
#define VS_STATE_EXTERN
#include "state.h"

struct vs_sequence sequence = {};
struct vs_config cfg = {};
__u32 unseen_groups = 0;
__u32 module_changes = 0;
struct vs_ended ended = {};
__u64 watch_runs = 0;
__u64 losses[VS_LOSS_KERNEL_END] = {};
const volatile __u32 ring_bytes = 1 << 20;
const volatile __u64 skew_ns = 0;

char LICENSE[] SEC("license") = "GPL";

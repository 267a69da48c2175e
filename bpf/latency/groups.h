/* SPDX-License-Identifier: GPL-2.0 */
/* References that only queued works hold, by group. */
#ifndef VFIOSCOPE_LATENCY_GROUPS_H
#define VFIOSCOPE_LATENCY_GROUPS_H

#include "state.h"

static __always_inline void reference_queued(__u64 group, __s32 number)
{
	struct vs_lat_group zero = {}, *g = bpf_map_lookup_elem(&groups, &group);

	if (!g) {
		bpf_map_update_elem(&groups, &group, &zero, BPF_NOEXIST);
		g = bpf_map_lookup_elem(&groups, &group);
	}
	if (!g) {
		count_loss(VS_LAT_LOSS_GROUPS_FULL);
		return;
	}
	__sync_fetch_and_add(&g->now, 1);
	g->number = number;
	if (g->now > g->peak)
		g->peak = g->now;
}

static __always_inline void reference_dropped(__u64 group)
{
	struct vs_lat_group *g = group ? bpf_map_lookup_elem(&groups, &group) : 0;

	if (g)
		__sync_fetch_and_add(&g->now, -1);
}

#endif

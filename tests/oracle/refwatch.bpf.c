// SPDX-License-Identifier: GPL-2.0
/* Counts the hits of a write watchpoint by instruction, and by the zero flag after it. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "refwatch.h"

struct bpf_perf_event_data {
	struct pt_regs regs;
	__u64 sample_period;
	__u64 addr;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, struct write_place);
	__type(value, __u64);
} writes SEC(".maps");

SEC("perf_event")
int on_write(struct bpf_perf_event_data *ctx)
{
	struct write_place place = {
		.ip = ctx->regs.ip,
		.zero = (ctx->regs.flags >> ZERO_FLAG_BIT) & 1,
	};
	__u64 none = 0, *count;

	bpf_map_update_elem(&writes, &place, &none, BPF_NOEXIST);
	count = bpf_map_lookup_elem(&writes, &place);
	if (count)
		__sync_fetch_and_add(count, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";

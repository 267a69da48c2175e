// SPDX-License-Identifier: GPL-2.0
/*
 * Kernel memory for user space to walk in. Nothing is hooked: these run only when
 * user space asks, by BPF_PROG_TEST_RUN (raw_tp since v5.10, 1b4d60ec162f), and a
 * bad address gives an error, not an oops.
 */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>

#include "peek.h"

char LICENSE[] SEC("license") = "GPL";

struct vs_peek_area area;

SEC("raw_tp")
int peek_words(void *ctx)
{
	__u32 nr = area.nr_words;

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < VS_PEEK_WORDS; i++) {
		if (i >= nr)
			break;
		area.errors[i] = bpf_probe_read_kernel(&area.values[i], sizeof(__u64),
						       (void *)area.addresses[i]);
	}
	return 0;
}

SEC("raw_tp")
int peek_block(void *ctx)
{
	__u32 len = area.block_len;

	if (len > VS_PEEK_BLOCK)
		return 0;
	area.block_error = bpf_probe_read_kernel(area.block, len, (void *)area.block_address);
	return 0;
}

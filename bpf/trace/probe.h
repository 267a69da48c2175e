/* SPDX-License-Identifier: GPL-2.0 */
/* Where a kprobe has stopped. */
#ifndef VFIOSCOPE_PROBE_H
#define VFIOSCOPE_PROBE_H

#include "state.h"

/* A kprobe reports the byte after its breakpoint. */
static __always_inline __u64 probe_ip(struct pt_regs *ctx)
{
	return ctx->ip - 1;
}

/* Through a copy: no verifier lets a program index its registers. */
static __always_inline __u64 read_register(struct pt_regs *ctx, __u16 offset)
{
	__u64 value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), (char *)ctx + offset);
	return value;
}

#endif

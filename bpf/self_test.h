/* SPDX-License-Identifier: GPL-2.0 */
/* What the programs of selftest/ send, and to what. Shared with user/doctor/self_test.c. */
#ifndef VFIOSCOPE_SELF_TEST_H
#define VFIOSCOPE_SELF_TEST_H

#ifndef __bpf__
#include <linux/types.h>
#endif

enum vs_test_kind {
	VS_TEST_TRACEPOINT = 0,	/* raw */
	VS_TEST_TP_BTF,
	VS_TEST_FENTRY,
	VS_TEST_FEXIT,
	VS_TEST_KPROBE_ENTRY,
	VS_TEST_KPROBE_INSIDE,
	VS_TEST_WATCHPOINT,
	VS_TEST_END,
};

#define VS_TEST_TOKEN 8	/* bytes of the thread's new name that are compared */

struct vs_test_event {
	__u32 kind;
	__u32 pad;
	__u64 time_ns;	/* CLOCK_MONOTONIC, in the program */
	__u64 comm;	/* address of the name in the thread's task_struct */
};

_Static_assert(sizeof(struct vs_test_event) == 24, "no padding leaks");

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* A question to bpf/missed_programs.h: how many hits has the kprobe of a perf event of ours missed? */
#ifndef VFIOSCOPE_BPF_MISSED_H
#define VFIOSCOPE_BPF_MISSED_H

#ifndef __bpf__
#include <linux/types.h>
#endif

struct vs_missed_ask {
	__u64 addr;		/* where the kprobe is */
	__u64 nmissed;		/* the answer */
	__u32 fd;		/* of the perf event, in the process that asks */
	__u32 known;		/* 0: it could not be found there */
};

#endif

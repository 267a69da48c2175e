// SPDX-License-Identifier: GPL-2.0
/*
 * What `latency` does for a work that is not followed, on the tracepoint of a cheap
 * system call: the same test on a value read from memory, the same look whether logs
 * are kept.
 */
#include "latency/state.h"

SEC("tp_btf/sys_enter")
int BPF_PROG(miss, struct pt_regs *regs, long id)
{
	if (is_logging())
		count_total(queued);
	if (is_wanted(regs->orig_ax))
		count_total(started);
	return 0;
}

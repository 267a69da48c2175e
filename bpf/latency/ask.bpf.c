// SPDX-License-Identifier: GPL-2.0
/*
 * Whether works still wait. cancel_work() has no tracepoint, and what is freed then is never heard of
 * again. Hooks nothing: it runs when user space asks (BPF_PROG_TEST_RUN, raw_tp since v5.10).
 */
#include "life.h"

struct vs_lat_ask ask = {};

SEC("raw_tp")
int work_ask(void *ctx)
{
	__u32 nr = ask.nr;

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < VS_LAT_ASKED; i++) {
		if (i >= nr)
			break;
		ask.waits[i] = table_is_queued(ask.works[i], ask.funcs[i]);
	}
	return 0;
}

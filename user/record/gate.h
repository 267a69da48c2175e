/* SPDX-License-Identifier: GPL-2.0 */
/* A sink in front of another: it lets through what belongs to a time, and always start and summary. */
#ifndef VFIOSCOPE_RECORD_GATE_H
#define VFIOSCOPE_RECORD_GATE_H

#include <stdint.h>

#include "sink/sink.h"

struct vs_gate {
	struct vs_sink sink;	/* first; private */
	struct vs_sink *sinks[1];
	struct vs_sink *inner;	/* the caller's */
	uint64_t from_ns, to_ns;	/* CLOCK_MONOTONIC; 0: no limit */
	uint64_t now_ns;
};

/* For vs_session_opts.sinks. The gate must live longer than the session. */
struct vs_sink *const *vs_gate__sinks(struct vs_gate *gate);

/* Sets the time of what comes next; @gate is a struct vs_gate. */
void vs_gate__time(void *gate, uint64_t time_ns);

#endif

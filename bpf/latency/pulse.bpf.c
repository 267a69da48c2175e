// SPDX-License-Identifier: GPL-2.0
/* The heartbeat of this object: whether its kinds of probes fire. */
#include "state.h"

static __always_inline void stop_telling(void)
{
	if (cfg.deferred_func)	/* other works are followed by tracepoints, which have no switch */
		cfg.ready = 0;
}

#include "pulse_programs.h"

/* SPDX-License-Identifier: GPL-2.0 */
/* This sink turns a session's events and findings into evidence; it prints nothing. */
#ifndef VFIOSCOPE_GATHER_H
#define VFIOSCOPE_GATHER_H

#include "bpf/events.h"
#include "sink/sink.h"
#include "validate/validation.h"

struct vs_gather {
	struct vs_sink sink;	/* for vs_session_opts.sinks; must stay where it is */
	struct vs_validation *v;
	bool deadlock;		/* VFIO's: its task will never return */
	uint32_t deadlock_tid;	/* of the first one */
	bool bug;		/* any finding of that grade: going on proves nothing more */
	bool news;		/* a hazard or bug since the caller last cleared it */
	/* A finding of this kind had the full grade of its kind: nothing was lost until then. */
	bool certain[VS_FINDING_KINDS];
};

/* @v is the caller's, zeroed but for what he has filled in. */
void vs_gather__init(struct vs_gather *g, struct vs_validation *v);

/* Takes each event, for vs_live.seen. */
void vs_gather__event(struct vs_gather *g, const struct vs_event *e);

#endif

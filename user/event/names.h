/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Names of what the event ABI numbers: types, contexts, notifier actions and
 * causes of loss. The same names are used in text, in NDJSON and in filters.
 */
#ifndef VFIOSCOPE_EVENT_NAMES_H
#define VFIOSCOPE_EVENT_NAMES_H

#include "bpf/events.h"

/*
 * Causes of loss that only user space can know; numbered on from the kernel's
 * enum vs_loss, so that one array indexed by cause holds both.
 */
enum vs_user_loss {
	VS_LOSS_PROBE_MISSED = VS_LOSS_KERNEL_END, /* kprobe nmissed */
	VS_LOSS_RECURSION,	/* a BPF program skipped: already running on that CPU */
	VS_LOSS_WATCH_MISSED,	/* a watchpoint was hit, its program not run */
	VS_LOSS_WATCH_UNDECODED, /* a watchpoint was hit, what was written could not be told */
	VS_LOSS_CPU_UNWATCHED,	/* a CPU came online after a watchpoint was set */
	VS_LOSS_LATE,		/* a record that came seconds after its time */
	VS_LOSS_GROUP_EVICTED,	/* more groups than the ledger keeps */
	VS_LOSS_WORK_EVICTED,	/* more outstanding deferred puts than the ledger keeps */
	VS_LOSS_TASK_EVICTED,	/* more tasks in a notifier than the ledger keeps */
	VS_LOSS_REF_REFUSED,	/* more references, stacks or groups than the ledger keeps */
	VS_LOSS_UNKNOWN_TYPE,	/* record of a type this program does not know */
	VS_LOSS_NEWER_RECORD,	/* record of a newer ABI version */
	VS_LOSS_BAD_RECORD,	/* record with impossible sizes */
	VS_LOSS_END,
};

/* NULL for a number without a name. */
const char *vs_type__name(unsigned int type);

/* enum vs_type, or -ENOENT. */
int vs_type__parse(const char *name);

/* "process", "notifier", "worker", "chain"; "?" for an unknown one. */
const char *vs_context__name(unsigned int context);

/* "BOUND_DRIVER" ...; "" for VS_ACT_NONE, "?" for an unknown one. */
const char *vs_action__name(unsigned int action);

/* Short token ("ring-full"); "?" for an unknown cause. */
const char *vs_loss__name(unsigned int cause);

/* Says what happened, in words ("ring buffer full"). */
const char *vs_loss__words(unsigned int cause);

/* Says what to do about it ("use --ring-size"), "" if nothing can be done. */
const char *vs_loss__hint(unsigned int cause);

/* Names the unit of the count: "events", "deferred puts" ... */
const char *vs_loss__unit(unsigned int cause);

#endif

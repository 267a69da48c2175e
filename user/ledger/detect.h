/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Findings from the stream of events. A release by a task inside the notifier is
 * the bug; the change of the chain that follows from the same task is its proof,
 * awaited for VS_PROOF_WAIT_NS at most, because the host may hang any moment.
 */
#ifndef VFIOSCOPE_LEDGER_DETECT_H
#define VFIOSCOPE_LEDGER_DETECT_H

#include <stddef.h>
#include <stdint.h>

#include "ledger/finding.h"
#include "ledger/groups.h"
#include "ledger/said.h"
#include "ledger/sites.h"
#include "ledger/tasks.h"

#define VS_PROOF_WAIT_NS 50000000ull
#define VS_BUGS_KEPT 64	/* each is a task lost until reboot */

struct vs_detect_opts {
	void *ctx;
	void (*say)(void *ctx, struct vs_finding *f);
	/* /proc/TID/stack; may be NULL; 0 or negative errno. */
	int (*kernel_stack)(void *ctx, uint32_t tid, char *buf, size_t size);
	/* True if the kernel has skipped probes so far; called before each finding. May be NULL. */
	bool (*was_skipped)(void *ctx);
	struct vs_sites *sites;		/* borrowed */
	struct vs_groups *groups;	/* borrowed */
	struct vs_tasks *tasks;		/* borrowed */
};

struct vs_detect;

struct vs_detect *vs_detect__new(const struct vs_detect_opts *opts);	/* NULL with errno set */
void vs_detect__free(struct vs_detect *d);	/* NULL is fine */

/* @group: what vs_groups__take() gave for @e, may be NULL. */
void vs_detect__feed(struct vs_detect *d, const struct vs_event *e,
		     const struct vs_group *group);

/* Reports, without their proof, the bugs that have waited long enough at @now_ns. */
void vs_detect__tick(struct vs_detect *d, uint64_t now_ns);

/* Returns the time when the next tick is due, 0 if nothing waits. */
uint64_t vs_detect__deadline(const struct vs_detect *d);

/* Findings so far, by kind; array of VS_FINDING_KINDS. */
const uint64_t *vs_detect__counts(const struct vs_detect *d);

/* The @i-th bug said, NULL beyond the last. Their pictures are kept too. */
const struct vs_finding *vs_detect__bug(const struct vs_detect *d, size_t i);

#endif

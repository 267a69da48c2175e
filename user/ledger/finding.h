/* SPDX-License-Identifier: GPL-2.0 */
/* A finding is plain data for the sinks. */
#ifndef VFIOSCOPE_LEDGER_FINDING_H
#define VFIOSCOPE_LEDGER_FINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/events.h"
#include "event/view.h"
#include "ledger/ref.h"

enum vs_grade {
	VS_GRADE_INFO,		/* worth knowing */
	VS_GRADE_HAZARD,	/* harmless this time */
	VS_GRADE_BUG,		/* it happened */
	VS_GRADES,
};

enum vs_finding_kind {
	VS_NEAR_MISS,		/* info: the deferral just prevented the deadlock */
	VS_PUT_IN_NOTIFIER,	/* hazard */
	VS_NOTIFIER_DEADLOCK,	/* bug */
	VS_CHAIN_DEADLOCK_FOUND, /* bug */
	VS_REF_LEAK,		/* bug: nobody will put this reference */
	VS_PUT_WITHOUT_GET,	/* bug: a put of a reference that nobody holds */
	VS_RELEASED_WHILE_HELD,	/* bug: the last put came too early */
	VS_USE_AFTER_RELEASE,	/* bug: a get or put on a group that is dead */
	VS_OLD_REFERENCE,	/* info */
	VS_UNREGISTER_WAITS,	/* info: an unbind waits for users of its device */
	VS_FINDING_KINDS,
};

#define VS_PICTURE_ROWS 24	/* a screen; of more, pairs are folded, then others' rows in the middle are cut */
#define VS_STACK_TEXT_LEN 4096
#define VS_DOUBT_LEN 120

/* One row of the interleaving: an event of the deadlocked task or of another. */
struct vs_picture_row {
	uint64_t time_ns;
	uint8_t type;		/* enum vs_type */
	uint8_t action;		/* enum vs_action */
	bool other;		/* another task: the right column */
	bool has_refs;
	bool last;		/* put that is known to have been the last one */
	int refs;		/* as in struct vs_event */
	unsigned int pairs;	/* pairs of its task that the row replaces; 0: an event */
	uint32_t tid;
	uint32_t cpu;
	char comm[VS_COMM_LEN];
	char site[VS_SITE_LEN];	/* "" if not known */
};

struct vs_picture {
	size_t nr;
	size_t cut;		/* rows of others left out after the first half */
	size_t other_puts;	/* puts by other tasks, those in folded pairs included */
	bool complete;		/* the history reaches back to the notifier's entry */
	bool reordered;		/* rows are in the order the counts prove, not of time */
	struct vs_picture_row rows[VS_PICTURE_ROWS];
};

struct vs_finding {
	enum vs_finding_kind kind;
	enum vs_grade grade;
	uint64_t number;	/* counts findings of this kind, from 1 */
	uint64_t time_ns;	/* when it happened, CLOCK_MONOTONIC */
	uint64_t said_ns;	/* when it was handed to the sinks, 0 without a clock */
	uint32_t tid, tgid, cpu;
	char comm[VS_COMM_LEN];
	uint8_t action;		/* enum vs_action of the notifier */
	bool last_said;		/* hazards: later ones at this site are only counted */
	struct vs_group_view group;	/* devices valid during the call only */
	char site[VS_SITE_LEN];	/* the put; of references: the get, if there is one */

	/*
	 * The finding may be wrong. For references `doubt` says why, and the grade is hazard. For
	 * deadlocks and puts inside the notifier the kernel skipped probes, and no stack proves the
	 * finding.
	 */
	bool uncertain;
	char doubt[VS_DOUBT_LEN];

	/* References only. */
	bool has_ref;
	struct vs_ref ref;
	char words[240];	/* what is wrong with it */

	/* Deadlocks only. */
	bool registering;	/* by register, not unregister */
	bool release_seen;
	bool unregister_seen;	/* iommu_group_unregister_notifier was entered */
	bool proven;		/* the change of the chain from inside was seen */
	uint64_t chain;		/* struct blocking_notifier_head *, 0 if not known */
	uint64_t block;		/* struct notifier_block * */
	uint64_t entered_ns;	/* the task entered the chain, 0 if not known */
	char chain_name[VS_SITE_LEN];	/* symbol, "" if it has none */
	char callback[VS_SITE_LEN];	/* function the chain was calling, "" if not known */
	char call_place[VS_SITE_LEN];	/* the function that called the chain */
	char change_place[VS_SITE_LEN];	/* the function that changes it from inside */
	size_t nr_stack;	/* references have one too: of the get, or of the put */
	uint64_t stack[VS_STACK_LEN];	/* innermost first */
	char stack_text[VS_STACK_TEXT_LEN]; /* a frame a line, "" if not known */
	struct vs_picture picture;
};

const char *vs_grade__name(enum vs_grade grade);	/* "bug" ... */
const char *vs_finding__name(enum vs_finding_kind kind);	/* "notifier-deadlock" ... */
enum vs_grade vs_finding__grade(enum vs_finding_kind kind);

bool vs_finding__is_deadlock(enum vs_finding_kind kind);

/* The task, CPU and time of @f are those of @e. */
void vs_finding__set_task(struct vs_finding *f, const struct vs_event *e);

/* One line in words, without name and grade. Returns its length. */
size_t vs_finding__words(const struct vs_finding *f, char *buf, size_t size);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Judges the facts of a binary. The code shows if the notifier defers its put; version numbers play
 * no part. Background: docs/inspect.md.
 */
#ifndef VFIOSCOPE_VERDICT_H
#define VFIOSCOPE_VERDICT_H

#include "code/code.h"
#include "vfio/fix.h"

enum vs_verdict {
	VS_VERDICT_INCONCLUSIVE = 0,
	VS_VERDICT_FIXED,		/* v4.13 to v5.15: the notifier defers its put */
	VS_VERDICT_VULNERABLE,		/* v3.6 to v4.12: it puts, inside the notifier chain */
	VS_VERDICT_NOT_APPLICABLE,	/* since v5.16: it takes no reference, or there is none */
};

/* "FIXED", "VULNERABLE", "NOT-APPLICABLE", "INCONCLUSIVE" */
const char *vs_verdict__name(enum vs_verdict verdict);

/* Returns the colour of the word on a terminal, for vs_out__style(). */
const char *vs_verdict__style(enum vs_verdict verdict);

enum vs_site_class {
	VS_SITE_PUT = 1,	/* drops a group reference, or calls a function that does */
	VS_SITE_GET,		/* takes one, or calls a function that does */
};

struct vs_code_site {
	enum vs_site_class class;
	bool inlined;		/* the operation itself, not a call of vfio_group_put or its kind */
	uint32_t func;
	uint64_t off;		/* bytes from the start of func */
	const char *callee;	/* NULL for a locked add */
};

struct vs_citation {
	uint32_t func;		/* VS_CODE_NONE: of the file as a whole */
	uint64_t off;		/* bytes from the start of func */
	bool whole;		/* of func as a whole, off says nothing */
	char what[160];		/* "calls queue_work_on" */
	char why[160];		/* "the put is deferred to a work queue" */
};

#define VS_EVIDENCE_MAX 24

/* Points into the vs_code it was made from. */
struct vs_judgement {
	enum vs_verdict verdict; /* by fix alone */
	struct vs_fix_facts facts;
	enum vs_fix fix;	/* by facts alone */
	bool has_vfio;		/* the core of VFIO is in it */
	char reason[200];	/* one sentence */
	char era[64];		/* "v4.13 to v5.15", "" when not known */
	struct vs_citation evidence[VS_EVIDENCE_MAX];
	size_t nr_evidence;
	struct vs_code_site *sites; /* by func, offset */
	size_t nr_sites;
	const struct vs_code_ref **calls; /* calls by the notifier, its parts included */
	size_t nr_calls;
};

/* 0 or -ENOMEM. */
int vs_judge(const struct vs_code *code, struct vs_judgement *judgement);
void vs_judgement__free(struct vs_judgement *judgement);

/*
 * Reads only the facts that show the fix, from a module's unpacked ELF file. Returns false, and knows
 * nothing, if its code could not be followed.
 */
bool vs_judge__module(const void *elf, size_t len, struct vs_fix_facts *facts);

#endif

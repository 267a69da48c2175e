/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finds the obstacles to vfioscope on this host, each with its knob, what it costs and what to do:
 * a pure function of gathered facts.
 */
#ifndef VFIOSCOPE_DOCTOR_CHECKS_H
#define VFIOSCOPE_DOCTOR_CHECKS_H

#include <stdbool.h>
#include <stddef.h>

#include "doctor/env.h"
#include "privilege/caps.h"
#include "probe/facts.h"

enum vs_diag_status {
	VS_DIAG_OK = 0,
	VS_DIAG_NOTE,		/* not as it should be, but nothing is lost by it */
	VS_DIAG_WEAKER,	/* part of an answer is lost */
	VS_DIAG_BLOCKS,	/* something that is required is lost */
	VS_DIAG_UNKNOWN,	/* cannot be known here, or does not exist in this kernel */
};

/* "ok", "note", "weaker", "blocks", "unknown" */
const char *vs_diag_status__name(enum vs_diag_status status);

/* The command to use when only root is missing; a verb that cannot start names itself instead. */
#define VS_DIAG_AS_ROOT "sudo vfioscope doctor"

struct vs_diag_result {
	const char *id;		/* stable: "kptr-restrict" */
	const char *knob;	/* as an administrator knows it: "kernel.kptr_restrict" */
	enum vs_diag_status status;
	const char *covered_by;	/* id of the check that has the same cause, or NULL */
	unsigned int works;	/* bit N: enum vs_work N is what suffers */
	bool starts;		/* they start nevertheless, and see less */
	int exit_status;	/* of these, where they do not run: enum vs_exit */
	char value[80];		/* what it is now: "2" */
	char what[240];		/* what is wrong */
	char cost[240];		/* what is lost by it */
	char remedy[240];	/* what to do, in words; "" when the command says all */
	char command[160];	/* for a shell, "" when there is none */
};

#define VS_MAX_DIAGS 40

struct vs_diags {
	struct vs_diag_result results[VS_MAX_DIAGS];
	size_t nr;
};

/* Runs all checks, in the table's order; earlier ones explain later ones. */
void vs_diags__run(const struct vs_facts *facts, const struct vs_env *env,
		    struct vs_diags *checks);

/* By id; NULL when there is no such check. */
const struct vs_diag_result *vs_diags__get(const struct vs_diags *checks, const char *id);

/* Returns the first check that blocks `work` and that no other one covers; NULL for none. */
const struct vs_diag_result *vs_diags__blocker(const struct vs_diags *checks,
						 enum vs_work work);

/* VS_EXIT_OK, or the status of what blocks: missing privileges before anything else. */
int vs_diags__exit_status(const struct vs_diags *checks);

#endif

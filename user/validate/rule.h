/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Derives the verdict from the evidence alone. FIXED needs every check passed; anything
 * missing, lost or contradictory makes it INCONCLUSIVE. docs/validate.md has the table.
 */
#ifndef VFIOSCOPE_RULE_H
#define VFIOSCOPE_RULE_H

#include "validate/validation.h"
#include "vfio/verdict.h"

enum vs_check_id {
	VS_CHECK_CODE,		/* the verdict from the code of vfio */
	VS_CHECK_PROBES,	/* every hook that applies is armed, and stayed so */
	VS_CHECK_STRESS,	/* the load ran and put everything back */
	VS_CHECK_PATH,		/* the dangerous path ran often enough */
	VS_CHECK_LOSSES,	/* nothing was lost */
	VS_CHECK_DEADLOCK,	/* no deadlock */
	VS_CHECK_NOTIFIER,	/* no put inside the notifier */
	VS_CHECK_ACCOUNTS,	/* each event that found a group was deferred, run and ended */
	VS_CHECK_REFERENCES,	/* no leak, no put too many */
	VS_CHECK_KERNEL,	/* no new taint, no warning */
	VS_CHECKS,
};

enum vs_check_status {
	VS_CHECK_PASS = 0,
	VS_CHECK_FAIL,		/* something is wrong */
	VS_CHECK_UNKNOWN,	/* the evidence does not decide it: no FIXED */
	VS_CHECK_SKIP,		/* has no meaning here */
};

struct vs_check {
	enum vs_check_status status;
	char words[320];	/* one line: what was seen, or why that does not decide it */
};

struct vs_ruling {
	enum vs_verdict verdict;
	bool failed;		/* some check failed, whatever the verdict */
	char reason[400];	/* one sentence */
	struct vs_check checks[VS_CHECKS];
};

void vs_rule(const struct vs_validation *v, struct vs_ruling *r);

const char *vs_check__name(enum vs_check_id id);	/* "path" ... */
const char *vs_check__what(enum vs_check_id id);	/* in words: "the path ran" */
const char *vs_check_status__name(enum vs_check_status status);	/* "pass" ... */

/* The style sets the exit status of the process; VS_STYLE_PLAIN uses enum vs_exit. */
enum vs_exit_style {
	VS_STYLE_PLAIN = 0,
	VS_STYLE_KSELFTEST,	/* 0 pass, 1 fail, 4 skip: tools/testing/selftests/kselftest.h */
	VS_STYLE_LTP,		/* 0 TPASS, 1 TFAIL, 2 TBROK, 32 TCONF: LTP's tst_res_flags.h */
};

/* -EINVAL for an unknown name. */
int vs_exit_style__parse(const char *name);
int vs_ruling__exit(const struct vs_ruling *r, enum vs_exit_style style);

/* Converts an enum vs_exit to that style, where an error kept `validate` from judging. */
int vs_failure__exit(int status, enum vs_exit_style style);

#endif

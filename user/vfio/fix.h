/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Answers if the fix of the notifier deadlock is present (811642d8d8a8, v4.13): one answer, from VFIO's
 * code, for every command that gives it. A pure function; it looks at no version number.
 */
#ifndef VFIOSCOPE_FIX_H
#define VFIOSCOPE_FIX_H

enum vs_known { VS_NOT_KNOWN = 0, VS_NO, VS_YES };

/* The facts that the code shows. NO requires that all of the code in question was read. */
struct vs_fix_facts {
	enum vs_known notifier;	/* VFIO has a notifier in the chain of IOMMU groups */
	enum vs_known puts;	/* the notifier, or a function that it calls, drops a reference */
	enum vs_known defers;	/* it queues a work that drops one */
	enum vs_known takes;	/* it takes one */
};

enum vs_fix {
	VS_FIX_UNKNOWN = 0,	/* not all of the code could be read, or it is no known one */
	VS_FIX_PRESENT,		/* the notifier defers its put */
	VS_FIX_BOTH,		/* it both puts and defers: for which object is not known */
	VS_FIX_ABSENT,		/* the notifier puts directly */
	VS_FIX_NO_REFERENCE,	/* the notifier takes none (63b150fde7a2, v5.16) */
	VS_FIX_NO_NOTIFIER,	/* there is no notifier (3b86f317c9c7, v5.19) */
	VS_FIXES
};

enum vs_fix vs_fix__of(const struct vs_fix_facts *facts);

/* "unknown", "present", "both", "absent", "no-reference", "no-notifier"; NULL is "unknown". */
const char *vs_fix__name(enum vs_fix fix);
enum vs_fix vs_fix__named(const char *name);

/* Returns one sentence, which includes the reason for the answer. */
const char *vs_fix__words(enum vs_fix fix);

/* "unknown", "no", "yes" */
const char *vs_known__name(enum vs_known known);
enum vs_known vs_known__named(const char *name);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by the rules of a verdict, its words, and its list of sites. */
#ifndef VFIOSCOPE_VERDICT_PRIV_H
#define VFIOSCOPE_VERDICT_PRIV_H

#include "code/walk.h"
#include "vfio/verdict.h"

struct vs_judge {
	const struct vs_code *code;
	struct vs_judgement *out;
	struct vs_walk notifier;	/* functions that the notifier reaches by direct calls */
};

/* Sets fix and verdict from out->facts, and era and reason. */
__attribute__((format(printf, 3, 4)))
void vs_decide(struct vs_judge *j, const char *era, const char *fmt, ...);

/* Adds evidence: a reference, or words about a function; leaves it out when there is too much. */
void vs_cite__ref(struct vs_judge *j, const struct vs_code_ref *ref, const char *why);

__attribute__((format(printf, 4, 5)))
void vs_cite__func(struct vs_judge *j, uint32_t func, const char *why, const char *fmt, ...);

/* Adds the calls that lead from the notifier to the function of `ref`, then `ref` itself. */
void vs_cite__chain(struct vs_judge *j, const struct vs_walk *walk, const struct vs_code_ref *ref,
		    const char *why);

/* Fills out->sites. 0 or -ENOMEM. */
int vs_judge__list_sites(struct vs_judge *j);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by the files of the plan only. */
#ifndef VFIOSCOPE_PROBE_PLAN_PRIV_H
#define VFIOSCOPE_PROBE_PLAN_PRIV_H

#include "probe/plan.h"
#include "vfio/functions.h"


/* The input and the output of planning. */
struct planner {
	const struct vs_facts *facts;
	struct vs_plan *plan;
	bool out_of_memory;
};

/* -- plan_era.c: what the facts say about this kernel's era -- */

/* Returns true if VFIO's symbols could be read. */
bool plan_vfio_known(const struct vs_facts *facts);

/* Returns true if VFIO is built without groups; false also where its functions are not known. */
bool plan_has_no_groups(const struct vs_facts *facts);

/* Fills the plan's layout; its fix is known. */
void plan_find_layout(struct planner *p);

/* Returns true if this kernel has what a hook is about; the words are for one that has not. */
bool plan_applies(const struct planner *p, enum vs_applies which);
const char *plan_not_applicable_words(const struct vs_plan *plan, enum vs_applies applies);

/* -- plan_rungs.c: the ways in which a hook can be reached -- */

/* Words for row->how. */
__attribute__((format(printf, 2, 3)))
void plan_say_how(struct vs_plan_row *row, const char *fmt, ...);

/* Status, row->how and row->advice in one. */
void plan_settle(struct vs_plan_row *row, enum vs_hook_status status, const char *how,
		 const char *advice);

/* Adds the probes of one rung. False: it does not hold, and row->how says why not. */
bool plan_rung(struct planner *p, struct vs_plan_row *row, const struct vs_rung *rung);

#endif

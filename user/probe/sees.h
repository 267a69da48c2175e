/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Says what can be seen of each counter and each wait of VFIO on one kernel, from the plan and the
 * facts it was made from, in words for people who need not know how. Pure.
 */
#ifndef VFIOSCOPE_SEES_H
#define VFIOSCOPE_SEES_H

#include "probe/plan.h"

enum vs_sees_part {
	VS_SEES_GETS,		/* each taking of a reference, when it happens */
	VS_SEES_PUTS,
	VS_SEES_HOLDERS,	/* the tasks that have one now */
	VS_SEES_WAITS,		/* the tasks that wait for them to go */
	VS_SEES_PARTS,
};

enum vs_sees_answer {
	VS_SEES_YES,
	VS_SEES_PARTLY,		/* words say what not */
	VS_SEES_LATER,		/* when vfio.ko is loaded */
	VS_SEES_NO,		/* words say why not */
	VS_SEES_NOTHING,	/* there is no such thing on this kernel */
};

struct vs_sees_cell {
	enum vs_sees_answer answer;
	char words[200];	/* "each, with the exact count after it" */
	char how[160];		/* by which probe; "" when by none */
};

struct vs_sees {
	const char *subject;	/* "group", "device", "container" ... */
	const char *what;	/* "references that keep a group" */
	const char *counter;	/* "vfio_group.drivers", NULL: it has none */
	struct vs_sees_cell cells[VS_SEES_PARTS];
};

#define VS_SEES_SUBJECTS 6

/* All subjects, in an order that is always the same. */
void vs_sees__find(const struct vs_facts *facts, const struct vs_plan *plan,
		   struct vs_sees rows[VS_SEES_SUBJECTS]);

const char *vs_sees_part__name(enum vs_sees_part part);		/* "gets" ... */
const char *vs_sees_answer__name(enum vs_sees_answer answer);	/* "yes", "no" ... */

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* Verdicts for people and for programs. */
#ifndef VFIOSCOPE_SINK_WHY_H
#define VFIOSCOPE_SINK_WHY_H

#include <jansson.h>

#include "why/classify.h"

struct vs_why_report {
	const struct vs_evidence *evidence;
	const struct vs_why *why;
	int exit_status;	/* enum vs_exit */
	unsigned int width;	/* columns; 0: no terminal, 80 are assumed */
	bool color;
};

/* Returns 0 or negative errno of the write. */
int vs_why__print_text(int fd, const struct vs_why_report *r);
int vs_why__print_json(int fd, const struct vs_why_report *r); /* one object, docs/why.md */

/* Returns what that object has of a holder; a new reference, NULL without memory. */
json_t *vs_why__holder_json(const struct vs_why_holder *h);

/* Prints the report for a bug tracker. */
int vs_why__print_markdown(int fd, const struct vs_why_report *r);

#endif

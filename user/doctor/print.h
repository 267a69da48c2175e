/* SPDX-License-Identifier: GPL-2.0 */
/* The findings of `doctor`, as text and JSON. */
#ifndef VFIOSCOPE_SINK_DOCTOR_H
#define VFIOSCOPE_SINK_DOCTOR_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/out.h"
#include "doctor/checks.h"
#include "doctor/self_test.h"
#include "probe/engine.h"
#include "probe/facts.h"
#include "probe/plan.h"

#define VS_DOCTOR_FAILURES 8

struct vs_doctor_report {
	const struct vs_facts *facts;
	const struct vs_plan *plan;
	const struct vs_diags *checks;
	bool recorded;		/* the facts come from a file */
	bool privileges_missing; /* the plan then assumes root */

	bool tested;		/* --self-test was asked for */
	char test_error[200];	/* "" when all went without an error */
	uint64_t test_ns;	/* from the start until all were armed */
	struct vs_engine_times times;
	size_t test_armed;	/* probes */
	size_t map_bytes;
	char failures[VS_DOCTOR_FAILURES][200]; /* hooks that were planned, but could not be armed */
	size_t nr_failures;
	struct vs_self_test fired; /* one probe of each kind, made to fire */

	int exit_status;	/* enum vs_exit */
	bool verbose;		/* as text: all checks, probes and what can be seen, not only what matters here */
	bool color;
};

/* Keeps the words of hooks that `armed` reports as missing and the plan did not. */
void vs_doctor__note_failures(struct vs_doctor_report *report, const struct vs_plan *armed);

/* `width` is in columns; 0: it is no terminal, and nothing is cut. */
void vs_doctor__print_text(struct vs_out *out, const struct vs_doctor_report *report, unsigned int width);
void vs_doctor__print_json(struct vs_out *out, const struct vs_doctor_report *report);

/* Returns the object that print_json() prints; the caller owns it. */
json_t *vs_doctor__to_json(const struct vs_doctor_report *report);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* What `doctor` found, as text and JSON. */
#ifndef VFIOSCOPE_SINK_DOCTOR_H
#define VFIOSCOPE_SINK_DOCTOR_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "doctor/checks.h"
#include "doctor/self_test.h"
#include "probe/engine.h"
#include "probe/facts.h"
#include "probe/plan.h"
#include "sink/out.h"

#define VS_DOCTOR_FAILURES 8

struct vs_doctor_report {
	const struct vs_facts *facts;
	const struct vs_plan *plan;
	const struct vs_diags *checks;
	bool recorded;		/* the facts come from a file */
	bool privileges_missing; /* then the plan is what root would get */

	bool tested;		/* --self-test was asked for */
	char test_error[200];	/* "" when everything went */
	uint64_t test_ns;	/* start to all armed */
	struct vs_engine_times times;
	size_t test_armed;	/* probes */
	size_t map_bytes;
	char failures[VS_DOCTOR_FAILURES][200]; /* hooks that could not be armed after all */
	size_t nr_failures;
	struct vs_self_test fired; /* one probe of each kind, made to fire */

	int exit_status;	/* enum vs_exit */
};

/* Keeps the words of hooks that `armed` has as missing while the plan had not. */
void vs_doctor__note_failures(struct vs_doctor_report *report, const struct vs_plan *armed);

/* `width` in columns, 0: no terminal, nothing is cut. */
void vs_doctor__print_text(struct vs_out *out, const struct vs_doctor_report *report, unsigned int width);
void vs_doctor__print_json(struct vs_out *out, const struct vs_doctor_report *report);

/* What print_json() prints; the caller owns it. */
json_t *vs_doctor__to_json(const struct vs_doctor_report *report);

#endif

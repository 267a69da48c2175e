/* SPDX-License-Identifier: GPL-2.0 */
/* The part of doctor's page that says what we can see, as text and JSON. */
#ifndef VFIOSCOPE_SINK_DOCTOR_SEES_H
#define VFIOSCOPE_SINK_DOCTOR_SEES_H

#include <jansson.h>

#include "base/out.h"
#include "probe/sees.h"

/* Prints the part under its own heading; `width` is in columns, 0: nothing is wrapped. */
void vs_doctor_sees__print(struct vs_out *out, const struct vs_facts *facts, const struct vs_plan *plan,
			   unsigned int width);

/* Returns an array, a new reference. */
json_t *vs_doctor_sees__json(const struct vs_facts *facts, const struct vs_plan *plan);

#endif

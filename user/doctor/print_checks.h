/* SPDX-License-Identifier: GPL-2.0 */
/* doctor's checks (doctor/checks.h) and self-test, as text and JSON. */
#ifndef VFIOSCOPE_SINK_DOCTOR_CHECKS_H
#define VFIOSCOPE_SINK_DOCTOR_CHECKS_H

#include <jansson.h>

#include "doctor/checks.h"
#include "doctor/print_page.h"
#include "doctor/self_test.h"

/* Writes what is lost on this host, and what to do about it. */
void vs_doctor__put_problems(const struct vs_page *page, const struct vs_diags *checks);

/* Prints problems first, each with its cost and its remedy; then the checks that passed. */
void vs_doctor__put_checks(const struct vs_page *page, const struct vs_diags *checks);

/* Returns an array; the caller owns it. NULL when out of memory. */
json_t *vs_doctor__checks_to_json(const struct vs_diags *checks);

void vs_doctor__put_self_test(const struct vs_page *page, const struct vs_self_test *test);
json_t *vs_doctor__self_test_to_json(const struct vs_self_test *test);

#endif

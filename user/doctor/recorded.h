/* SPDX-License-Identifier: GPL-2.0 */
/* Keeps facts and environment in one file: doctor --save-facts, doctor --facts. */
#ifndef VFIOSCOPE_DOCTOR_RECORDED_H
#define VFIOSCOPE_DOCTOR_RECORDED_H

#include <jansson.h>

#include "doctor/env.h"
#include "probe/facts.h"

/* Returns the facts (facts.h) with the environment as "host". NULL with errno; the caller owns it. */
json_t *vs_recorded__to_json(const struct vs_facts *facts, const struct vs_env *env);

/*
 * Reads such a text, or one of facts alone: then it calls vs_env__unknown(). -EINVAL with one line
 * of words in `error`. Free the facts after success only.
 */
int vs_recorded__from_text(const char *text, struct vs_facts *facts, struct vs_env *env,
			   char *error, size_t size);

#endif

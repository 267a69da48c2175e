/* SPDX-License-Identifier: GPL-2.0 */
/* Names the knob that stands in the way of a verb that could not start, in one line. */
#ifndef VFIOSCOPE_DOCTOR_BLOCKER_H
#define VFIOSCOPE_DOCTOR_BLOCKER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/opts.h"
#include "privilege/caps.h"

/*
 * Asks the host as doctor does, which takes some 100 ms, and prints one line on stderr: what is in
 * the way of `work`, the command that helps, and where to read more. If doctor knows of nothing, it
 * prints `words` as they are. Returns the exit status: that of the obstacle, or `status`.
 */
int vs_blocker__fail(const struct vs_command *command, enum vs_work work, int status,
		     const char *words);

/*
 * Writes what is in the way of `work` to `buf`, as "knob: what", for a caller that continues
 * without it. Returns false where doctor knows of nothing; `buf` is then "".
 */
bool vs_blocker__words(enum vs_work work, char *buf, size_t size);

/* The work of a verb: "trace", "refs"...; VS_WORK_TRACE for others that arm probes. */
enum vs_work vs_blocker__work(const struct vs_command *command);

#endif

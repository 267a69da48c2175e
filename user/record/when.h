/* SPDX-License-Identifier: GPL-2.0 */
/* Times of a recorded run, as people say them. */
#ifndef VFIOSCOPE_RECORD_WHEN_H
#define VFIOSCOPE_RECORD_WHEN_H

#include <stdint.h>

#include "record/kinds.h"

/*
 * Reads "10s" (after @clock, the start of the run), "12:03:04" (the first one after it), or
 * "2026-01-31T12:03:04", both in UTC and with a fraction if wanted. Sets *@mono_ns. 0 or -EINVAL.
 */
int vs_when__parse(const char *words, const struct vs_record_clock *clock, uint64_t *mono_ns);

#endif

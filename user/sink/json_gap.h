/* SPDX-License-Identifier: GPL-2.0 */
/* Gaps in NDJSON, the same for every verb (docs/events.md). */
#ifndef VFIOSCOPE_SINK_JSON_GAP_H
#define VFIOSCOPE_SINK_JSON_GAP_H

#include <jansson.h>

#include "ledger/gaps.h"

/* Returns an object without type and schema. NULL: out of memory. */
json_t *vs_json__gap(const struct vs_gap_row *row);

json_t *vs_json__gaps(const struct vs_gap_row *rows, size_t nr);

#endif

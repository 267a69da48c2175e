/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VFIOSCOPE_SINK_JSON_OUT_H
#define VFIOSCOPE_SINK_JSON_OUT_H

#include <jansson.h>

#include "base/out.h"

/*
 * Writes one JSON document (json_text.h) and a newline. @flags: JSON_COMPACT or JSON_INDENT(). Takes
 * the reference. When out of memory, in which case @root may be NULL, it sets o->error to -ENOMEM.
 */
void vs_json_out__put(struct vs_out *o, json_t *root, size_t flags);

#endif

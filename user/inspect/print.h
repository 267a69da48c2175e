/* SPDX-License-Identifier: GPL-2.0 */
/* The findings of `inspect`, as text and JSON. */
#ifndef VFIOSCOPE_SINK_INSPECT_H
#define VFIOSCOPE_SINK_INSPECT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/out.h"
#include "inspect/gate.h"
#include "inspect/inspect.h"
#include "inspect/tree.h"

/* `width` is the column to wrap at, 0: never. */
void vs_inspect__print_text(struct vs_out *o, const struct vs_inspection *in, unsigned int width, bool color);

/* Cuts paths to fit `width`; 0: they stay whole. */
void vs_inspect__print_tree_text(struct vs_out *o, const struct vs_tree *tree, unsigned int width);

/* Return the record of docs/inspect.md, a new reference; NULL without memory. */
json_t *vs_inspect__json(const struct vs_inspection *in);
json_t *vs_inspect__tree_json(const struct vs_tree *tree);

/*
 * Prints the result of a comparison (gate.h) below the page. `baseline`, `expect`: the files that it was
 * made with, NULL without one.
 */
void vs_inspect__print_gate(struct vs_out *o, const struct vs_gate *gate, const char *baseline,
			    const char *expect, unsigned int width);

/* Returns the same for the record: an array of its rows, a new reference. */
json_t *vs_inspect__gate_json(const struct vs_gate *gate);

/*
 * Prints a JUnit report: a test case for each file of the record `now`, with what the comparison has
 * found in it. A file fails where its verdict is VULNERABLE and that was not expected, or where the
 * comparison fails; INCONCLUSIVE is skipped, and a file that cannot be read is an error.
 */
void vs_inspect__print_junit(struct vs_out *o, const json_t *now, const struct vs_gate *gate);

#endif

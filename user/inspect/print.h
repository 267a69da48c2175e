/* SPDX-License-Identifier: GPL-2.0 */
/* The findings of `inspect`, as text and JSON. */
#ifndef VFIOSCOPE_SINK_INSPECT_H
#define VFIOSCOPE_SINK_INSPECT_H

#include "base/out.h"
#include "inspect/inspect.h"
#include "inspect/tree.h"

/* `width` is the column to wrap at, 0: never. `exit_status`: enum vs_exit. */
void vs_inspect__print_text(struct vs_out *o, const struct vs_inspection *in, unsigned int width);
void vs_inspect__print_json(struct vs_out *o, const struct vs_inspection *in, int exit_status);

/* Cuts paths to fit `width`; 0: they stay whole. */
void vs_inspect__print_tree_text(struct vs_out *o, const struct vs_tree *tree, unsigned int width);
void vs_inspect__print_tree_json(struct vs_out *o, const struct vs_tree *tree, int exit_status);

#endif

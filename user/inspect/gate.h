/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A gate for builds: compares the records of `inspect` (docs/inspect.md) with those of an earlier build,
 * and with a table of expected verdicts. Pure.
 */
#ifndef VFIOSCOPE_GATE_H
#define VFIOSCOPE_GATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum vs_gate_kind {
	VS_GATE_VERDICT,	/* another verdict than in the baseline */
	VS_GATE_GAINED,		/* a place, a call or a file that the baseline does not have */
	VS_GATE_LOST,
	VS_GATE_MOVED,		/* the same place at another offset in its function: no difference */
	VS_GATE_UNEXPECTED,	/* another verdict than in the table, or a file that no line has */
	VS_GATE_EXPECTED,	/* the verdict of the table: no difference */
	VS_GATE_UNMATCHED,	/* a line of the table that no file has */
	VS_GATE_KINDS
};

struct vs_gate_row {
	enum vs_gate_kind kind;
	char *file;		/* as in the record; of a table, its pattern */
	char *words;		/* one sentence */
};

struct vs_gate {
	struct vs_gate_row *rows;
	size_t nr;
	size_t nr_of[VS_GATE_KINDS];
	char error[200];	/* words for a failure, one line */
};

/* "verdict", "gained", "lost", "moved", "unexpected", "expected", "unmatched" */
const char *vs_gate_kind__name(enum vs_gate_kind kind);

/*
 * Adds a row for each difference between two records of inspect, both of one file or both of a folder;
 * files of a folder are told apart by path. `gate` is zero, or has rows already. 0; -EINVAL with words:
 * the two cannot be compared; -ENOMEM. Free in all cases.
 */
int vs_gate__baseline(struct vs_gate *gate, const json_t *old, const json_t *now);

/*
 * Adds a row for each file of the record: as expected or not. A line of the table is a verdict and a
 * glob(7) pattern for a path, which need not begin at the start, or for a kernel release; the first one
 * that matches counts; "#" begins a comment. The same errors; -EINVAL names the line.
 */
int vs_gate__expect(struct vs_gate *gate, const char *table, const json_t *now);

/* Returns true if nothing is other than in the baseline and in the table. */
bool vs_gate__passes(const struct vs_gate *gate);

/* Returns true if the table expects the verdict that this file has. */
bool vs_gate__is_expected(const struct vs_gate *gate, const char *file);

void vs_gate__free(struct vs_gate *gate);

#endif

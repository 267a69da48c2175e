/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Everything that a session is told comes through one door, as one of these. The door is where a run
 * is recorded, and where a recording goes in again: both runs take the same way.
 */
#ifndef VFIOSCOPE_RUN_INPUT_H
#define VFIOSCOPE_RUN_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Recordings have these numbers: kinds are only added. */
enum vs_input_kind {
	VS_IN_START = 1,	/* start */
	VS_IN_PROBES,		/* rows, nr */
	VS_IN_SEED,		/* snapshot */
	VS_IN_RESEED,		/* snapshot: of the references alone, where gets are not seen */
	VS_IN_GETS_SEEN,	/* what: enum vs_input_gets */
	VS_IN_WATCHED,		/* address, number, time_ns, seq */
	VS_IN_EVENT,		/* record, len */
	VS_IN_TICK,		/* time_ns, what: enum vs_refs_due */
	VS_IN_LOSS,		/* what: the cause, total, since_ns, time_ns */
	VS_IN_LOSS_NOT_REPORTED, /* what: the cause */
	VS_IN_GAP,		/* gap */
	VS_IN_GAP_BEGINS,	/* what: enum vs_gap_why, time_ns, words */
	VS_IN_GAP_ENDS,		/* what: enum vs_gap_why, time_ns */
	VS_IN_NOTICE,		/* time_ns, words */
	VS_IN_CHECK,		/* snapshot */
	VS_IN_CHECK_REGISTRATIONS, /* snapshot */
	VS_IN_LEDGER,		/* snapshot, time_ns, what: enum vs_input_ledger */
	VS_IN_FINISH,		/* time_ns */
	VS_IN_END
};

enum vs_input_gets {
	VS_GETS_OF_GROUPS = 1 << 0,
	VS_GETS_OF_DEVICES = 1 << 1,
};

enum vs_input_ledger {
	VS_LEDGER_TRACED = 1 << 0,
	VS_LEDGER_LAST = 1 << 1,
	VS_LEDGER_STACKS = 1 << 2,
};

struct vs_snapshot;
struct vs_start;
struct vs_probe_row;
struct vs_gap_row;
struct vs_finding;

/* All that is pointed to is borrowed; members that a kind does not list are 0. Times are CLOCK_MONOTONIC. */
struct vs_input {
	enum vs_input_kind kind;
	unsigned int what;
	int number;
	uint64_t time_ns;
	uint64_t since_ns;
	uint64_t total;
	uint64_t address;
	uint64_t seq;
	const void *record;
	size_t len;
	const char *words;
	const struct vs_snapshot *snapshot;
	const struct vs_start *start;
	const struct vs_probe_row *rows;
	size_t nr;
	const struct vs_gap_row *gap;
};

/* Hears of each input. */
struct vs_input_ear {
	/* The session takes an input: what it asks until heard() belongs to that input. */
	void (*begins)(void *ctx);
	/* It has taken this one, and was changed by it if @changed. */
	void (*heard)(void *ctx, const struct vs_input *in, bool changed);
	/* It makes a finding. */
	void (*said)(void *ctx, const struct vs_finding *f);
	void *ctx;
};

#endif

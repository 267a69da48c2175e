/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tape of a run: hears all that its session is told, and all that the session asks and is answered,
 * and puts it into a recording. It decides nothing about the run, and never makes it wait.
 *
 *	vs_tape__listen(t, &session_opts)	between the session and its owner
 *	vs_tape__poll(t, now)			after each fetch of events
 *	vs_tape__end(t, status, now)		the run ended well
 */
#ifndef VFIOSCOPE_RECORD_TAPE_H
#define VFIOSCOPE_RECORD_TAPE_H

#include <stdbool.h>
#include <stdint.h>

#include "record/kinds.h"
#include "record/writer.h"
#include "run/session.h"

/* Where the units go. All are called by the thread of the session, and return at once. */
struct vs_tape_out {
	int (*write)(void *ctx, uint64_t offset, const void *data, size_t len, uint32_t inputs);
	void (*sync)(void *ctx);	/* what was written is to reach the disk soon */
	/* Inputs in units that could not be written after all, so far; what follows them in their slot is lost. */
	uint64_t (*lost)(void *ctx);
	void (*pinned)(void *ctx, const struct vs_vfr_super *super); /* a superblock has to be written */
	void *ctx;
};

struct vs_tape_opts {
	struct vs_tape_out out;
	struct vs_record_run run;
	struct vs_vfr_super super;	/* as in the file; copied */
	uint64_t first_slot, first_seq;	/* to be written */
	uint16_t session;
	uint64_t sync_ns;	/* 0: 5 s */
	uint64_t before_ns, after_ns;	/* of a ring: a bug keeps this much around it, 0: 60 s, 10 s */
	/* Where the session will be; its ledger is repeated in each slot. May be NULL. */
	struct vs_session *const *of;
	/* The same moment on the clocks. NULL: none is recorded. */
	void (*clock)(struct vs_record_clock *clock);
};

struct vs_tape;

/* NULL with errno set. */
struct vs_tape *vs_tape__new(const struct vs_tape_opts *opts);
void vs_tape__free(struct vs_tape *t);	/* NULL is fine; what was not polled is lost */

/* Call it with the options of vs_session__new(), complete; the tape must live longer than the session. */
void vs_tape__listen(struct vs_tape *t, struct vs_session_opts *opts);

/* Writes what it has heard. */
void vs_tape__poll(struct vs_tape *t, uint64_t now_ns);

/* The run has ended, with that exit status. */
void vs_tape__end(struct vs_tape *t, int status, uint64_t now_ns);

/* Inputs that could not be put into the recording, without those that out.lost() counts. */
uint64_t vs_tape__missing(const struct vs_tape *t);
uint64_t vs_tape__written(const struct vs_tape *t);	/* bytes */

#endif

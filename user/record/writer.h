/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Puts records into slots. What it was given since the last flush is one unit, which is whole or not
 * there. Where it writes is its owner's: it knows no files.
 */
#ifndef VFIOSCOPE_RECORD_WRITER_H
#define VFIOSCOPE_RECORD_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/format.h"

struct vs_writer;

struct vs_writer_opts {
	uint64_t slots;		/* 0: the file grows */
	uint64_t first_slot;	/* to write to */
	uint64_t first_seq;	/* of units */
	uint16_t session;
	/*
	 * Writes at that offset. 0, or a negative errno: then the unit counts as not recorded, and what
	 * comes next begins a new slot.
	 */
	int (*write)(void *ctx, uint64_t offset, const void *data, size_t len, uint32_t inputs);
	/* Puts all that a reader must know who begins at the slot that was opened. */
	void (*state)(void *ctx, struct vs_writer *w);
	/* Returns true for slots that a ring must not take again. May be NULL. */
	bool (*is_pinned)(void *ctx, uint64_t slot);
	void *ctx;
};

/* NULL with errno set. */
struct vs_writer *vs_writer__new(const struct vs_writer_opts *opts);
void vs_writer__free(struct vs_writer *w);	/* NULL is fine; flushes nothing */

/* Puts a record of any length. */
void vs_writer__put(struct vs_writer *w, unsigned int kind, const void *body, size_t len);

/* Puts an event as it came out of the rings. */
void vs_writer__event(struct vs_writer *w, const void *record, size_t len);

/* What is put between these two counts as one input: answers and the input that they belong to. */
void vs_writer__input_begins(struct vs_writer *w);
void vs_writer__input_ends(struct vs_writer *w);

/* Writes what waits as a unit made at @time_ns; nothing if nothing waits. */
void vs_writer__flush(struct vs_writer *w, uint64_t time_ns, unsigned int flags);

bool vs_writer__waits(const struct vs_writer *w);	/* for a flush */
uint64_t vs_writer__slot(const struct vs_writer *w);	/* that it writes to, or will */
uint64_t vs_writer__written(const struct vs_writer *w);	/* bytes */

/* Inputs that could not be written so far; not those that the owner loses later. */
uint64_t vs_writer__missing(const struct vs_writer *w);

#endif

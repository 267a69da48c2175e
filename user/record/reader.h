/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads the records of a recording in the order in which they were written, over all slots, whatever the
 * bytes are: what cannot be read is counted, and reading goes on behind it.
 */
#ifndef VFIOSCOPE_RECORD_READER_H
#define VFIOSCOPE_RECORD_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/format.h"

/* Where the bytes come from. */
struct vs_source {
	int fd;			/* -1: memory */
	const uint8_t *memory;
	uint64_t len;
};

/* One record. The body is valid until the next call, and aligned as an event. */
struct vs_read {
	unsigned int kind;	/* enum vs_record_kind, enum vs_input_kind, or unknown */
	const void *body;
	size_t len;
	bool state;		/* repeats what was known when the slot began */
	bool jump;		/* something is missing right before it, or it is the first one */
	bool bug;		/* a finding of grade bug was made in its unit */
	uint16_t session;
	uint64_t slot, seq;	/* of its unit */
	uint64_t time_ns;	/* of its unit */
};

struct vs_read_damage {
	uint64_t missing;	/* units that are not there: overwritten, or not readable */
	uint64_t holes;		/* places where some are missing */
	uint64_t damaged;	/* units with a wrong sum, or that say nothing sensible; among the missing */
	uint64_t first_ns, last_ns;	/* units next to the first and last hole were written then; 0 */
	uint64_t odd;		/* records that say nothing sensible */
};

struct vs_reader;

/*
 * The source is copied, its memory or descriptor borrowed. NULL with one line in @error: it is no
 * recording, or a newer one.
 */
struct vs_reader *vs_reader__new(const struct vs_source *source, char *error, size_t size);
void vs_reader__free(struct vs_reader *r);	/* NULL is fine */

/* Returns true with the next record; false at the end. */
bool vs_reader__next(struct vs_reader *r, struct vs_read *record);

/* Begins again at the first record. */
void vs_reader__rewind(struct vs_reader *r);

const struct vs_vfr_super *vs_reader__super(const struct vs_reader *r);
/* Complete once vs_reader__next() has returned false. */
const struct vs_read_damage *vs_reader__damage(const struct vs_reader *r);
uint64_t vs_reader__slots(const struct vs_reader *r);	/* with something in them */

/* Where a writer goes on behind all that there is. */
struct vs_read_end {
	uint64_t slot;		/* the slot written last; meaningless if there is none */
	uint64_t seq;		/* of the unit written last, 0: there is none */
	uint16_t session;	/* the highest */
};

void vs_reader__end(struct vs_reader *r, struct vs_read_end *end);

#endif

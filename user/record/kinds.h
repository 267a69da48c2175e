/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The records of a recording, and what each is made of. Numbers below 64 are inputs of a session
 * (input.h). Kinds are only added, and members are only added at the end of a body.
 */
#ifndef VFIOSCOPE_RECORD_KINDS_H
#define VFIOSCOPE_RECORD_KINDS_H

#include <stdbool.h>
#include <stdint.h>

#include "run/input.h"
#include "ledger/ref.h"
#include "record/pack.h"

enum vs_record_kind {
	/* Answers that the session asked for while it took the input that follows. */
	VS_REC_NAME = 64,	/* of a kernel address, "": not known */
	VS_REC_DEVICES,		/* of an iommu group */
	VS_REC_STACK,		/* text of a task's kernel stack */
	VS_REC_ALIVE,
	VS_REC_LOST,
	VS_REC_SKIPPED,
	VS_REC_BLIND,
	VS_REC_NOW,
	/* Others. */
	VS_REC_ROW = 80,	/* an event that rows.h has packed */
	VS_REC_SNAPSHOT,	/* the snapshot of the inputs that follow */
	VS_REC_SNAPSHOT_AGAIN,	/* the same contents, looked at anew */
	VS_REC_RUN,		/* which verb records, and its limits */
	VS_REC_CLOCK,		/* one moment on the clocks */
	VS_REC_NOT_RECORDED,	/* so many inputs of the run could not be written up to here */
	VS_REC_EXIT,		/* the run's exit status: it ended well */
	VS_REC_PART,		/* a piece of a long record */
	VS_REC_WHOLE,		/* the kind and length of the pieces before */
	VS_REC_STATE_BEGINS,	/* a slot begins: what follows repeats what is known by then */
	VS_REC_STATE_ENDS,
	VS_REC_REFERENCE,	/* of the state: a live reference and its get */
};

/* One answer; @text is "" and the numbers are 0 where a kind does not have them. */
struct vs_answer {
	uint64_t key;		/* address, iommu group, tid, tgid */
	int64_t value;		/* what the call returned */
	const char *text;
};

struct vs_record_run {
	char verb[16];
	char version[32];
	bool keep_refs;
	bool exact;
	uint64_t older_ns;
	uint64_t max_refs;
};

struct vs_record_clock {
	uint64_t mono_ns, boot_ns, wall_ns;
};

struct vs_record_missing {
	uint64_t nr;		/* inputs of the run, up to then */
	uint64_t to_ns;
};

struct vs_record_reference {
	struct vs_ref ref;
	size_t nr_frames;
	__u64 frames[VS_SHORT_STACK_LEN];
};

/* Each packs one body, or reads it back: then 0, or -EINVAL. */
void vs_pack__answer(struct vs_pack *p, const struct vs_answer *a);
/* The text is copied into @buf. */
int vs_packed__answer(struct vs_packed *u, struct vs_answer *a, char *buf, size_t size);
void vs_pack__run(struct vs_pack *p, const struct vs_record_run *run);
int vs_packed__run(struct vs_packed *u, struct vs_record_run *run);
void vs_pack__clock(struct vs_pack *p, const struct vs_record_clock *clock);
int vs_packed__clock(struct vs_packed *u, struct vs_record_clock *clock);
void vs_pack__missing(struct vs_pack *p, const struct vs_record_missing *missing);
int vs_packed__missing(struct vs_packed *u, struct vs_record_missing *missing);

void vs_pack__reference(struct vs_pack *p, const struct vs_record_reference *reference);
int vs_packed__reference(struct vs_packed *u, struct vs_record_reference *reference);

/* Packs an input without its snapshot, and its event as it came. */
void vs_pack__input(struct vs_pack *p, const struct vs_input *in);

/* What a read input points to. All zeroes: nothing. */
struct vs_input_room;

struct vs_input_room *vs_input_room__new(void);
void vs_input_room__free(struct vs_input_room *room);	/* NULL is fine */

/*
 * Reads an input of that kind. It points into @room, until the next call; what a start and probes point
 * to stays until @room is freed. Returns 0, -ENOENT for a kind that is not known, -EINVAL, -ENOMEM.
 */
int vs_packed__input(struct vs_packed *u, unsigned int kind, struct vs_input_room *room,
		     struct vs_input *in);

/* The contents of a snapshot, and the times that it was taken at. */
void vs_pack__snapshot(struct vs_pack *p, const struct vs_snapshot *s);
void vs_pack__snapshot_times(struct vs_pack *p, const struct vs_snapshot *s);
/* Reads them into an empty one; free it with vs_snapshot__free() in any case. 0, -EINVAL, -ENOMEM. */
int vs_packed__snapshot(struct vs_packed *u, struct vs_snapshot *s);
int vs_packed__snapshot_times(struct vs_packed *u, struct vs_snapshot *s);

#endif

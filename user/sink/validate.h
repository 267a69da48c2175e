/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The report of `validate`, in the forms that people and machines read. Each writes
 * into a buffer; nothing is flushed.
 */
#ifndef VFIOSCOPE_SINK_VALIDATE_H
#define VFIOSCOPE_SINK_VALIDATE_H

#include "sink/out.h"
#include "validate/rule.h"

struct vs_validate_page {
	const struct vs_validation *v;
	const struct vs_ruling *r;
	int exit_status;
	unsigned int width;	/* text: columns to wrap at, 0: never */
};

void vs_validate__text(struct vs_out *o, const struct vs_validate_page *p);
/* KTAP version 1: Documentation/dev-tools/ktap.rst. Unknown is SKIP. */
void vs_validate__tap(struct vs_out *o, const struct vs_validate_page *p);
void vs_validate__junit(struct vs_out *o, const struct vs_validate_page *p);
void vs_validate__json(struct vs_out *o, const struct vs_validate_page *p);
void vs_validate__markdown(struct vs_out *o, const struct vs_validate_page *p);

typedef void vs_validate_printer(struct vs_out *o, const struct vs_validate_page *p);

/*
 * One of the above into a file, on the disk when this returns. The file is replaced by a
 * whole one: a reader, and a host that hangs, find this report or the one before. What is
 * at FILE.part goes, and no link there is followed: others may write in the folder. A
 * terminal, a serial line or a pipe is written to as it is. 0 or negative errno.
 */
int vs_validate__to_file(const char *path, vs_validate_printer *print,
			 const struct vs_validate_page *p);

/* "2026-11-22T14:03:00Z" */
void vs_validate__time(char *buf, size_t size, uint64_t wall_ns);

#endif

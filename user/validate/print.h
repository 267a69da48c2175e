/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The report of `validate`, in the forms that people and machines read. Each printer writes into a
 * buffer and flushes nothing.
 */
#ifndef VFIOSCOPE_SINK_VALIDATE_H
#define VFIOSCOPE_SINK_VALIDATE_H

#include "base/out.h"
#include "validate/rule.h"

struct vs_validate_page {
	const struct vs_validation *v;
	const struct vs_ruling *r;
	int exit_status;
	unsigned int width;	/* text: columns to wrap at, 0: never */
	bool color;		/* text */
};

void vs_validate__text(struct vs_out *o, const struct vs_validate_page *p);
/* KTAP version 1: Documentation/dev-tools/ktap.rst. Unknown is SKIP. */
void vs_validate__tap(struct vs_out *o, const struct vs_validate_page *p);
void vs_validate__junit(struct vs_out *o, const struct vs_validate_page *p);
void vs_validate__json(struct vs_out *o, const struct vs_validate_page *p);
void vs_validate__markdown(struct vs_out *o, const struct vs_validate_page *p);

typedef void vs_validate_printer(struct vs_out *o, const struct vs_validate_page *p);

/*
 * Writes one of the above to a file, which is on the disk when this returns. A whole file replaces the
 * old one: a reader, and a host that hangs, find this report or the one before it. An existing
 * FILE.part is removed, and no link there is followed: others may write in the folder. A terminal, a
 * serial line or a pipe is written to directly. Returns 0 or negative errno.
 */
int vs_validate__to_file(const char *path, vs_validate_printer *print,
			 const struct vs_validate_page *p);

/* Writes "2026-11-22T14:03:00Z". */
void vs_validate__time(char *buf, size_t size, uint64_t wall_ns);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* A growing buffer in front of a file descriptor. No stdio: nothing is held back. */
#ifndef VFIOSCOPE_SINK_OUT_H
#define VFIOSCOPE_SINK_OUT_H

#include <stdbool.h>
#include <stddef.h>

struct vs_out {
	int fd;
	int error;	/* the first one, negative errno; then output is dropped */
	size_t len, room;
	char *buf;
	bool regular;	/* a file: writing does not wait for a reader */
	bool plain;	/* control characters become \xNN: a name must not command a terminal */
};

void vs_out__init(struct vs_out *o, int fd);
void vs_out__fini(struct vs_out *o);	/* does not flush */

void vs_out__add(struct vs_out *o, const char *data, size_t len);
void vs_out__puts(struct vs_out *o, const char *text);
void vs_out__printf(struct vs_out *o, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* As it is in plain mode, too: our own colours. */
void vs_out__style(struct vs_out *o, const char *sequence);
void vs_out__fill(struct vs_out *o, char c, size_t nr);

/*
 * Writes all, waiting as long as the reader takes; once vs_stop__asked(), for 2 s at most, then it
 * fails with -ETIMEDOUT. Returns o->error.
 */
int vs_out__flush(struct vs_out *o);

/* As above once much has gathered: called between lines. */
void vs_out__relax(struct vs_out *o);

/* Whether a write would be taken at once. */
bool vs_out__ready(const struct vs_out *o);

/* fdatasync(2); a descriptor that cannot is fine. */
void vs_out__sync(struct vs_out *o);

#endif

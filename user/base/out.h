/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A growing buffer in front of a file descriptor. It does not use stdio, so nothing is held back.
 *
 * The call separates our own words from strangers' bytes (name.h): only vs_out__puts(), the format of
 * vs_out__printf(), vs_out__fill() and vs_out__style() begin lines and colours; they take literals, or
 * characters of ours. Every value is escaped.
 */
#ifndef VFIOSCOPE_SINK_OUT_H
#define VFIOSCOPE_SINK_OUT_H

#include <stdbool.h>
#include <stddef.h>

struct vs_out {
	int fd;		/* -1: vs_out__flush() keeps all in buf */
	int error;	/* the first one, negative errno; then output is dropped */
	size_t len, room;
	char *buf;
	bool regular;	/* a file: writing does not wait for a reader */
	const char *style; /* style of the next output, "" for none */
	bool styled;	/* the style was written to the terminal */
};

void vs_out__init(struct vs_out *o, int fd);
void vs_out__fini(struct vs_out *o);	/* does not flush */

/* Writes our own words: a literal, with its newlines. */
#define vs_out__puts(o, literal) vs_out__raw(o, "" literal, sizeof(literal) - 1)

/* Write values: bytes that are not printable ASCII become \xNN. */
void vs_out__add(struct vs_out *o, const char *data, size_t len);
void vs_out__text(struct vs_out *o, const char *text);

/*
 * The format is a literal of our own; its strings are values as above, padded by their width on the
 * screen. Knows the conversions d i u x X c s f and their sizes.
 */
#define vs_out__printf(o, format, ...) vs_out__format(o, "" format, ##__VA_ARGS__)
void vs_out__format(struct vs_out *o, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#define VS_STYLE_OFF "\033[0m"

/*
 * Writes from here on in this colour, a literal; VS_STYLE_OFF ends it, "" changes nothing. Each
 * coloured line begins and ends its colour itself, so a pager, grep or a log can take a line alone.
 */
void vs_out__style(struct vs_out *o, const char *sequence);

/* Write unchanged: for words of our own, and for JSON, which has its own escapes (json_text.h). */
void vs_out__raw(struct vs_out *o, const char *data, size_t len);
void vs_out__fill(struct vs_out *o, char c, size_t nr);

/*
 * Writes all, and waits as long as the reader needs; once vs_stop__asked(), it waits for 2 s at most,
 * then fails with -ETIMEDOUT. Returns o->error.
 */
int vs_out__flush(struct vs_out *o);

/* Flushes once much has gathered: call it between lines. */
void vs_out__relax(struct vs_out *o);

/* Returns true if a write would not wait. */
bool vs_out__ready(const struct vs_out *o);

/* Calls fdatasync(2); a descriptor without it is no error. */
void vs_out__sync(struct vs_out *o);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A growing buffer in front of a file descriptor. No stdio: nothing is held back.
 *
 * What we say ourselves is told apart from strangers' bytes (name.h) by the call: only
 * vs_out__puts(), the format of vs_out__printf(), vs_out__fill() and vs_out__style() begin lines and
 * colours; they take literals, or characters of ours. Whatever is put in as a value is escaped.
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
	const char *style; /* of what comes, "" for none */
	bool styled;	/* the terminal has been told so */
};

void vs_out__init(struct vs_out *o, int fd);
void vs_out__fini(struct vs_out *o);	/* does not flush */

/* Our own words: a literal, newlines and all. */
#define vs_out__puts(o, literal) vs_out__raw(o, "" literal, sizeof(literal) - 1)

/* Values: what is not printable ASCII becomes \xNN. */
void vs_out__add(struct vs_out *o, const char *data, size_t len);
void vs_out__text(struct vs_out *o, const char *text);

/*
 * The format is a literal of our own; strings that go into it are values as above, padded by what is
 * shown of them. Knows the conversions d i u x X c s f and their sizes.
 */
#define vs_out__printf(o, format, ...) vs_out__format(o, "" format, ##__VA_ARGS__)
void vs_out__format(struct vs_out *o, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#define VS_STYLE_OFF "\033[0m"

/*
 * From here on in this colour, a literal; VS_STYLE_OFF ends it, "" changes nothing. Each line that is coloured begins and ends
 * its colour itself, so a pager, grep or a log can take a line alone.
 */
void vs_out__style(struct vs_out *o, const char *sequence);

/* As it is: words of our own, and JSON, which knows how to escape (json_text.h). */
void vs_out__raw(struct vs_out *o, const char *data, size_t len);
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

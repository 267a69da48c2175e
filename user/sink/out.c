// SPDX-License-Identifier: GPL-2.0
#include "sink/out.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stop.h"

#define RELAX (32 * 1024)
#define LOOK_MS 250	/* a signal may come right before poll() */
#define STOP_LOOKS 8	/* 2 s */

void vs_out__init(struct vs_out *o, int fd)
{
	struct stat st;

	*o = (struct vs_out){ .fd = fd };
	o->regular = !fstat(fd, &st) && S_ISREG(st.st_mode);
}

void vs_out__fini(struct vs_out *o)
{
	free(o->buf);
}

static bool reserve(struct vs_out *o, size_t len)
{
	size_t room = o->room ? o->room : 4096;
	char *buf = NULL;

	if (o->error)
		return false;
	while (room < SIZE_MAX / 2 && room - o->len < len)
		room *= 2;
	if (room == o->room)
		return true;
	if (room - o->len >= len)
		buf = realloc(o->buf, room);
	if (!buf) {
		o->error = -ENOMEM;
		return false;
	}
	o->buf = buf;
	o->room = room;
	return true;
}

static void add_raw(struct vs_out *o, const char *data, size_t len)
{
	if (!reserve(o, len))
		return;
	memcpy(o->buf + o->len, data, len);
	o->len += len;
}

static bool is_harmless(char c)
{
	return c == '\n' || (c >= 0x20 && c < 0x7f);
}

static void add_plain(struct vs_out *o, const char *data, size_t len)
{
	char escaped[5];
	size_t run;

	while (len) {
		for (run = 0; run < len && is_harmless(data[run]); run++)
			;
		add_raw(o, data, run);
		if (run < len) {
			snprintf(escaped, sizeof(escaped), "\\x%02x", (unsigned char)data[run++]);
			add_raw(o, escaped, 4);
		}
		data += run;
		len -= run;
	}
}

void vs_out__add(struct vs_out *o, const char *data, size_t len)
{
	(o->plain ? add_plain : add_raw)(o, data, len);
}

void vs_out__style(struct vs_out *o, const char *sequence)
{
	add_raw(o, sequence, strlen(sequence));
}

void vs_out__puts(struct vs_out *o, const char *text)
{
	vs_out__add(o, text, strlen(text));
}

void vs_out__printf(struct vs_out *o, const char *fmt, ...)
{
	va_list args;
	char *text;
	int len;

	va_start(args, fmt);
	len = vasprintf(&text, fmt, args);
	va_end(args);
	if (len < 0) {
		o->error = o->error ? o->error : -ENOMEM;
		return;
	}
	vs_out__add(o, text, (size_t)len);
	free(text);
}

void vs_out__fill(struct vs_out *o, char c, size_t nr)
{
	if (!reserve(o, nr))
		return;
	memset(o->buf + o->len, c, nr);
	o->len += nr;
}

/*
 * A reader may stand still (Ctrl-S, a pager): it is waited for, also on a descriptor that somebody
 * made non-blocking, but not for long once we are asked to stop.
 */
static bool is_taken(struct vs_out *o)
{
	struct pollfd p = { .fd = o->fd, .events = POLLOUT };
	unsigned int asked = 0;

	while (poll(&p, 1, LOOK_MS) != 1) {
		asked += vs_stop__asked();
		if (asked < STOP_LOOKS)
			continue;
		o->error = -ETIMEDOUT;
		return false;
	}
	return true;
}

/* What is written at once: so much of it a pipe that can be written to takes without waiting. */
static size_t piece(const struct vs_out *o, size_t left)
{
	return o->regular || left < PIPE_BUF ? left : PIPE_BUF;
}

int vs_out__flush(struct vs_out *o)
{
	size_t done = 0;

	while (!o->error && done < o->len && (o->regular || is_taken(o))) {
		ssize_t n = write(o->fd, o->buf + done, piece(o, o->len - done));

		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR && errno != EAGAIN)
			o->error = -errno;
	}
	o->len = 0;
	return o->error;
}

void vs_out__relax(struct vs_out *o)
{
	if (o->len >= RELAX)
		vs_out__flush(o);
}

bool vs_out__ready(const struct vs_out *o)
{
	struct pollfd p = { .fd = o->fd, .events = POLLOUT };

	return poll(&p, 1, 0) == 1;
}

void vs_out__sync(struct vs_out *o)
{
	if (fdatasync(o->fd) && errno != EINVAL && errno != EROFS && !o->error)
		o->error = -errno;
}

// SPDX-License-Identifier: GPL-2.0
#include "base/out.h"

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

#include "base/name.h"
#include "base/stop.h"

#define RELAX (32 * 1024)
#define LOOK_MS 250	/* a signal may come just ahead of poll() */
#define STOP_LOOKS 8	/* 2 s */

void vs_out__init(struct vs_out *o, int fd)
{
	struct stat st;

	*o = (struct vs_out){ .fd = fd, .style = "" };
	o->regular = fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode);
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

static void put(struct vs_out *o, const char *data, size_t len)
{
	if (!reserve(o, len))
		return;
	memcpy(o->buf + o->len, data, len);
	o->len += len;
}

/* -- colours -- */

static void begin_style(struct vs_out *o)
{
	if (o->styled || !*o->style)
		return;
	put(o, o->style, strlen(o->style));
	o->styled = true;
}

static void end_style(struct vs_out *o)
{
	if (o->styled)
		put(o, VS_STYLE_OFF, strlen(VS_STYLE_OFF));
	o->styled = false;
}

void vs_out__style(struct vs_out *o, const char *sequence)
{
	if (!*sequence)
		return;
	end_style(o);
	o->style = strcmp(sequence, VS_STYLE_OFF) ? sequence : "";
}

/* -- text -- */

void vs_out__raw(struct vs_out *o, const char *data, size_t len)
{
	while (*o->style && len) {
		const char *newline = memchr(data, '\n', len);
		size_t line = newline ? (size_t)(newline - data) : len;

		if (line)
			begin_style(o);
		put(o, data, line);
		if (newline) {
			end_style(o);
			put(o, "\n", 1);
			line++;
		}
		data += line;
		len -= line;
	}
	put(o, data, len);
}

void vs_out__add(struct vs_out *o, const char *data, size_t len)
{
	if (len)
		begin_style(o);
	if (len > SIZE_MAX / VS_NAME_BYTE || !reserve(o, VS_NAME_BYTE * len))
		return;
	for (size_t i = 0; i < len; i++)
		o->len += vs_name__byte(o->buf + o->len, (unsigned char)data[i]);
}

void vs_out__text(struct vs_out *o, const char *text)
{
	vs_out__add(o, text, strlen(text));
}

/* -- formats -- */

/* One conversion, "%-*.6f", with the values of its stars. */
struct conversion {
	char flags[8];
	int width, precision;	/* precision -1: none */
	int longs;		/* number of l in the size: l, ll; z is l */
	char kind;
};

static int take_number(const char **at, va_list *args)
{
	int number = 0;

	if (**at == '*') {
		++*at;
		return va_arg(*args, int);
	}
	for (; **at >= '0' && **at <= '9'; ++*at)
		number = 10 * number + **at - '0';
	return number;
}

static const char *take_conversion(const char *at, struct conversion *c, va_list *args)
{
	size_t flags = strspn(at, "-+ #0");

	*c = (struct conversion){ .precision = -1 };
	for (size_t i = 0; i < flags && i < sizeof(c->flags) - 1; i++)
		c->flags[i] = at[i];
	at += flags;
	c->width = take_number(&at, args);
	if (*at == '.') {
		at++;
		c->precision = take_number(&at, args);
	}
	for (; *at == 'l' || *at == 'z'; at++)
		c->longs++;
	c->kind = *at;
	return at + !!*at;
}

static void add_string(struct vs_out *o, const struct conversion *c, const char *text)
{
	size_t len = c->precision < 0 ? strlen(text) : strnlen(text, (size_t)c->precision);
	bool left = c->width < 0 || strchr(c->flags, '-');
	size_t width = (size_t)abs(c->width), start, shown, pad;

	if (len || width)
		begin_style(o);
	start = o->len;
	vs_out__add(o, text, len);
	shown = o->len - start;
	pad = shown < width ? width - shown : 0;
	vs_out__fill(o, ' ', pad);
	if (left || !pad || o->error)
		return;
	memmove(o->buf + start + pad, o->buf + start, shown);
	memset(o->buf + start, ' ', pad);
}

static void add_number(struct vs_out *o, const struct conversion *c, va_list *args)
{
	char format[16], text[400];	/* holds a double without an exponent, 310 digits */
	int len;

	snprintf(format, sizeof(format), "%%%s*.*%s%c", c->flags,
		 c->kind == 'f' || !c->longs ? "" : c->longs == 1 ? "l" : "ll", c->kind);
	if (c->kind == 'f')
		len = snprintf(text, sizeof(text), format, c->width, c->precision,
			       va_arg(*args, double));
	else if (c->longs == 0)
		len = snprintf(text, sizeof(text), format, c->width, c->precision,
			       va_arg(*args, int));
	else if (c->longs == 1)
		len = snprintf(text, sizeof(text), format, c->width, c->precision,
			       va_arg(*args, long));
	else
		len = snprintf(text, sizeof(text), format, c->width, c->precision,
			       va_arg(*args, long long));
	vs_out__raw(o, text, len < (int)sizeof(text) ? (size_t)len : sizeof(text) - 1);
}

static void add_value(struct vs_out *o, const struct conversion *c, va_list *args)
{
	char one;

	switch (c->kind) {
	case 's':
		add_string(o, c, va_arg(*args, const char *));
		break;
	case 'c':
		one = (char)va_arg(*args, int);
		vs_out__add(o, &one, 1);
		break;
	case '%':
		vs_out__raw(o, "%", 1);
		break;
	default:
		add_number(o, c, args);
	}
}

void vs_out__format(struct vs_out *o, const char *format, ...)
{
	struct conversion c;
	va_list args;
	size_t len;

	va_start(args, format);
	while (*format) {
		len = strcspn(format, "%");
		vs_out__raw(o, format, len);
		format += len;
		if (!*format)
			break;
		format = take_conversion(format + 1, &c, &args);
		add_value(o, &c, &args);
	}
	va_end(args);
}

void vs_out__fill(struct vs_out *o, char c, size_t nr)
{
	if (nr)
		begin_style(o);
	if (!reserve(o, nr))
		return;
	memset(o->buf + o->len, c, nr);
	o->len += nr;
}

/*
 * A reader may stop reading (Ctrl-S, a pager): we wait for it, even on a descriptor that somebody made
 * non-blocking, but not for long once we are asked to stop.
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

/* PIPE_BUF: poll() says writable when at least this much fits. */
static size_t piece(const struct vs_out *o, size_t left)
{
	return o->regular || left < PIPE_BUF ? left : PIPE_BUF;
}

int vs_out__flush(struct vs_out *o)
{
	size_t done = 0;

	if (o->fd < 0)
		return o->error;
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

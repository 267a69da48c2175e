/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The rendered page in memory that two processes share: the tracer writes, the porch copies. Neither waits for
 * the other: there are two buffers, and a reader that was overtaken copies again.
 */
#ifndef VFIOSCOPE_SERVE_SHARE_H
#define VFIOSCOPE_SERVE_SHARE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "serve/page.h"

#define VS_SHARE_TEXT 65536	/* room for each text */

enum vs_share_text { VS_SHARE_METRICS, VS_SHARE_OPENMETRICS, VS_SHARE_STATUS, VS_SHARE_TEXTS };

/* One moment of the page. */
struct vs_share_page {
	uint64_t mono_ns;	/* CLOCK_MONOTONIC */
	uint32_t up;
	uint32_t len[VS_SHARE_TEXTS];
	char text[VS_SHARE_TEXTS][VS_SHARE_TEXT];
};

/* What the porch tells: numbers, which the tracer only copies onto the page. */
struct vs_share_counts {
	_Atomic uint64_t requests[VS_PAGE_CODES];
	_Atomic uint64_t refused;
	_Atomic int confined;
};

struct vs_share;

/* Maps the memory; call it before fork(2). NULL with errno. */
struct vs_share *vs_share__new(void);
void vs_share__free(struct vs_share *s);	/* NULL is fine */

/* From here on this process can only read the page. Returns 0 or negative errno. */
int vs_share__read_only(struct vs_share *s);

/* Returns the buffer for the next page, which nobody reads yet; fill it in, then publish it. */
struct vs_share_page *vs_share__next(struct vs_share *s);
void vs_share__publish(struct vs_share *s);

/* Copies one text of the last page. Returns its length, or -ENODATA while there is none. */
long vs_share__read(const struct vs_share *s, enum vs_share_text which, char buf[VS_SHARE_TEXT]);

/* Returns the moment of the last page, CLOCK_MONOTONIC, 0: none yet; and if it says up. */
uint64_t vs_share__time(const struct vs_share *s, bool *up);

struct vs_share_counts *vs_share__counts(struct vs_share *s);

#endif

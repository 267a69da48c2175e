/* SPDX-License-Identifier: GPL-2.0 */
/* Options shared by the verbs that show events live. */
#ifndef VFIOSCOPE_DISPLAY_H
#define VFIOSCOPE_DISPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/opts.h"
#include "event/filter.h"

struct vs_display {
	struct vs_filter *filter;	/* made by vs_display__init() */
	uint64_t ring_size;	/* bytes, 0: the default */
	const char *output;	/* a file to write to as well, or NULL */
	const char *record;	/* a recording to make as well, or NULL */
	const char *color;	/* auto, always, never; NULL: auto */
	bool json;
	bool debug;
};

/* Rows for a table of options whose structure has a struct vs_display as its first member. */
#define VS_DISPLAY_FILTER(n, l, m, h, k) \
	{ .name = n, .letter = l, .kind = VS_OPT_LIST, .metavar = m, .help = h, \
	  .add = vs_display__add_filter, .arg = k }
#define VS_DISPLAY_COMMON \
	{ "ring-size", 0, VS_OPT_SIZE, "SIZE", "event buffers in the kernel, together (4M)", \
	  offsetof(struct vs_display, ring_size), 4096, 256 << 20, NULL, 0 }, \
	VS_DISPLAY_COLOR(struct vs_display, color), \
	{ "debug", 0, VS_OPT_FLAG, NULL, "let libbpf and the verifier speak on stderr", \
	  offsetof(struct vs_display, debug), 0, 0, NULL, 0 }
#define VS_DISPLAY_JSON \
	{ "json", 'j', VS_OPT_FLAG, NULL, "NDJSON, one object a line (docs/events.md)", \
	  offsetof(struct vs_display, json), 0, 0, NULL, 0 }

#define VS_DISPLAY_RECORD \
	{ "record", 0, VS_OPT_TEXT, "FILE", "record the run into FILE as well: see report", \
	  offsetof(struct vs_display, record), 0, 0, NULL, 0 }

int vs_display__init(struct vs_display *d);	/* 0 or -ENOMEM */
void vs_display__fini(struct vs_display *d);

/* Serves as struct vs_opt.add. */
int vs_display__add_filter(void *options, int kind, const char *value, char *error, size_t size);

/* Returns VS_EXIT_OK, or VS_EXIT_USAGE after one line on stderr. */
int vs_display__check(const struct vs_display *d, const struct vs_command *command);

/* Returns true if text on this descriptor is to be coloured, by the --color that was given (NULL: none). */
bool vs_display__wants_color(const char *word, int fd);

/* The row of --color for a table of options; @o is the structure, @m its const char * member. */
#define VS_DISPLAY_COLOR(o, m) \
	{ "color", 0, VS_OPT_TEXT, "WHEN", "auto, always, never (NO_COLOR is respected)", \
	  offsetof(o, m), 0, 0, NULL, 0 }

/* Returns VS_EXIT_OK, or VS_EXIT_USAGE after one line on stderr if @word is no value of --color. */
int vs_display__check_color(const char *word, const struct vs_command *command);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Command line options as tables bound to a structure: one row holds name, type,
 * range and help, so that parsing and help cannot drift apart.
 */
#ifndef VFIOSCOPE_OPTS_H
#define VFIOSCOPE_OPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum vs_opt_kind {
	VS_OPT_FLAG,		/* bool, set to true */
	VS_OPT_TEXT,		/* const char *, points into argv */
	VS_OPT_DURATION,	/* uint64_t, ns: 500ms, 10s, 2m, 1h; seconds without a unit */
	VS_OPT_SIZE,		/* uint64_t, bytes: 64K, 1M */
	VS_OPT_NUMBER,		/* uint64_t */
	VS_OPT_LIST,		/* calls `add` for each occurrence */
};

struct vs_opt {
	const char *name;	/* without the dashes; NULL ends a table */
	char letter;		/* short form, or 0 */
	enum vs_opt_kind kind;
	const char *metavar;	/* NULL for flags */
	const char *help;
	size_t offset;		/* of the member in the options structure */
	uint64_t min, max;	/* VS_OPT_DURATION, VS_OPT_SIZE, VS_OPT_NUMBER; inclusive */
	/* VS_OPT_LIST: returns 0, or negative with a sentence in `error`. `arg` is vs_opt.arg. */
	int (*add)(void *options, int arg, const char *value, char *error, size_t size);
	int arg;
};

struct vs_command {
	const char *name;
	const char *summary;	/* one line, for the list of commands */
	const char *operands;	/* shown after the name, "" for none */
	const struct vs_opt *opts;
	const char *epilogue;	/* examples and notes, shown under the options */
	const char *statuses;	/* its own table of exit statuses; NULL: VS_EXIT_HELP */
	int (*run)(int argc, char **argv);
};

enum { VS_OPTS_HELP = 1 };

/*
 * Parses argv[1..] into `options`. Returns the index of the first operand,
 * -VS_OPTS_HELP after printing help, or -EINVAL after one line on stderr.
 */
int vs_opts__parse(const struct vs_command *command, int argc, char **argv, void *options);

/*
 * Writes one line to stderr: "vfioscope NAME: words: what", or without `what` when that is NULL.
 * Returns `status`.
 */
int vs_command__fail(const struct vs_command *command, int status, const char *words,
		     const char *what);

/*
 * Checks that a verb's output was written: @err is 0 or the first write error, negative errno. Returns
 * @status, or VS_EXIT_FAILURE after one line on stderr; a bug stays a bug. A reader that closed its end
 * (EPIPE) has read all it wanted.
 */
int vs_command__written(const struct vs_command *command, int status, int err);

/* Does the same with a command that fixes it ("": none), as vs_one_line__advise(). */
int vs_command__advise(const struct vs_command *command, int status, const char *words,
		       const char *remedy);

/* Parse "90", "500ms", "2m" as ns; "1M" as bytes. Return 0, or -EINVAL, -ERANGE. */
int vs_opts__duration(const char *text, uint64_t *ns);
int vs_opts__size(const char *text, uint64_t *bytes);
/* Parses digits only. */
int vs_opts__number(const char *text, uint64_t *number);

#endif

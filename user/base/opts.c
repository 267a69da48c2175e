// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/exit_codes.h"
#include "base/one_line.h"
#include "base/opts.h"

#define MAX_OPTS 32	/* bits of `seen` */
#define HELP_CODE (256 + MAX_OPTS)
#define HELP_COLUMN 26	/* the column of an option's description */

struct unit {
	const char *name;
	uint64_t factor;
};

static int parse_with_units(const char *text, const struct unit *units, uint64_t *value)
{
	char *end;
	uint64_t number;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno)
		return -ERANGE;
	for (; units->name; units++) {
		if (strcmp(end, units->name))
			continue;
		return __builtin_mul_overflow(number, units->factor, value) ? -ERANGE : 0;
	}
	return -EINVAL;
}

int vs_opts__duration(const char *text, uint64_t *ns)
{
	static const struct unit units[] = {
		{ "", 1000000000 }, { "s", 1000000000 }, { "ms", 1000000 }, { "us", 1000 },
		{ "m", 60000000000 }, { "h", 3600000000000 }, { NULL, 0 },
	};

	return parse_with_units(text, units, ns);
}

int vs_opts__size(const char *text, uint64_t *bytes)
{
	static const struct unit units[] = {
		{ "", 1 }, { "K", 1 << 10 }, { "M", 1 << 20 }, { "G", 1 << 30 }, { NULL, 0 },
	};

	return parse_with_units(text, units, bytes);
}

int vs_opts__number(const char *text, uint64_t *number)
{
	static const struct unit units[] = { { "", 1 }, { NULL, 0 } };

	return parse_with_units(text, units, number);
}

static void print_option(const struct vs_opt *opt)
{
	char left[64], letter[8] = "   ";

	if (opt->letter)
		snprintf(letter, sizeof(letter), "-%c,", opt->letter);
	snprintf(left, sizeof(left), "%s --%s%s%s", letter, opt->name, opt->metavar ? " " : "",
		 opt->metavar ? opt->metavar : "");
	if (strlen(left) > HELP_COLUMN)
		printf("  %s\n  %*s %s\n", left, HELP_COLUMN, "", opt->help);
	else
		printf("  %-*s %s\n", HELP_COLUMN, left, opt->help);
}

static void print_help(const struct vs_command *command)
{
	printf("usage: vfioscope %s [options]%s%s\n\n%s\n\noptions\n", command->name,
	       command->operands[0] ? " " : "", command->operands, command->summary);
	for (const struct vs_opt *opt = command->opts; opt->name; opt++)
		print_option(opt);
	printf("      --btf FILE             the kernel's types, where it offers none itself\n"
	       "  -h, --help                 this text\n\n%s\n%s", command->epilogue,
	       command->statuses ? command->statuses : VS_EXIT_HELP);
}

int vs_command__fail(const struct vs_command *command, int status, const char *words,
		     const char *what)
{
	char who[40];

	snprintf(who, sizeof(who), "vfioscope %s", command->name);
	vs_one_line__say(who, words, what);
	return status;
}

int vs_command__written(const struct vs_command *command, int status, int err)
{
	if (!err || err == -EPIPE)
		return status;
	vs_command__fail(command, VS_EXIT_FAILURE, "cannot write", strerror(-err));
	return status == VS_EXIT_BUG ? status : VS_EXIT_FAILURE;
}

int vs_command__advise(const struct vs_command *command, int status, const char *words,
		       const char *remedy)
{
	char who[40];

	snprintf(who, sizeof(who), "vfioscope %s", command->name);
	vs_one_line__say_advice(who, words, remedy);
	return status;
}

static int complain(const struct vs_command *command, const char *name, const char *words)
{
	char option[40];

	snprintf(option, sizeof(option), "--%s", name);
	return vs_command__fail(command, -EINVAL, option, words);
}

static int set_number(const struct vs_command *command, const struct vs_opt *opt,
		      const char *text, uint64_t *target)
{
	int err = opt->kind == VS_OPT_DURATION ? vs_opts__duration(text, target) :
		  opt->kind == VS_OPT_NUMBER ? vs_opts__number(text, target) :
					       vs_opts__size(text, target);
	char words[160];

	if (!err && *target >= opt->min && *target <= opt->max)
		return 0;
	if (opt->kind == VS_OPT_DURATION)
		snprintf(words, sizeof(words),
			 "\"%.40s\" is not a time of %" PRIu64 " ms to %" PRIu64
			 " h, such as 500ms, 10s, 2m", text, opt->min / 1000000,
			 opt->max / 3600000000000);
	else if (opt->kind == VS_OPT_NUMBER)
		snprintf(words, sizeof(words), "\"%.40s\" is not a number of %" PRIu64 " to %" PRIu64,
			 text, opt->min, opt->max);
	else
		snprintf(words, sizeof(words),
			 "\"%.40s\" is not a size of %" PRIu64 "K to %" PRIu64
			 "M, such as 512K, 4M", text, opt->min >> 10, opt->max >> 20);
	return complain(command, opt->name, words);
}

static int set_option(const struct vs_command *command, const struct vs_opt *opt,
		      const char *value, void *options)
{
	void *target = (char *)options + opt->offset;
	char words[400];

	if (value && !*value)
		return complain(command, opt->name, "needs a value");
	switch (opt->kind) {
	case VS_OPT_FLAG:
		*(bool *)target = true;
		return 0;
	case VS_OPT_TEXT:
		*(const char **)target = value;
		return 0;
	case VS_OPT_DURATION:
	case VS_OPT_SIZE:
	case VS_OPT_NUMBER:
		return set_number(command, opt, value, target);
	case VS_OPT_LIST:
		if (!opt->add(options, opt->arg, value, words, sizeof(words)))
			return 0;
		return complain(command, opt->name, words);
	}
	return -EINVAL;
}

/* Converts the table for getopt_long(); an option's code is 256 + its index. */
static void fill_getopt(const struct vs_opt *opts, struct option *longs, char *shorts)
{
	size_t i;

	*shorts++ = ':';
	*shorts++ = 'h';
	for (i = 0; opts[i].name && i < MAX_OPTS; i++) {
		longs[i] = (struct option){ opts[i].name, opts[i].kind == VS_OPT_FLAG
					    ? no_argument : required_argument, NULL, 256 + (int)i };
		if (!opts[i].letter)
			continue;
		*shorts++ = opts[i].letter;
		if (opts[i].kind != VS_OPT_FLAG)
			*shorts++ = ':';
	}
	longs[i] = (struct option){ "help", no_argument, NULL, HELP_CODE };
	*shorts = '\0';
}

static const struct vs_opt *find_option(const struct vs_opt *opts, int code)
{
	if (code >= 256)
		return &opts[code - 256];
	for (; opts->name; opts++)
		if (opts->letter == code)
			return opts;
	return NULL;
}

/* In the middle of "-qz" getopt's index has not moved past that word yet. */
static int wrong_option(const struct vs_command *command, int code, char **argv)
{
	const char letter[] = { '-', (char)optopt, '\0' };
	bool is_letter = optopt > 0 && optopt < 256;
	char words[100];

	snprintf(words, sizeof(words), "%s; see vfioscope %s --help", code == ':' ?
		 "needs a value" : optopt >= 256 ? "takes no value" : "no such option",
		 command->name);
	return vs_command__fail(command, -EINVAL, is_letter ? letter : argv[optind - 1], words);
}

/* With two values nobody knows which was meant. A flag or a list option may be repeated. */
static bool is_second(const struct vs_command *command, const struct vs_opt *opt, uint32_t *seen)
{
	uint32_t bit = 1u << (opt - command->opts);
	bool second = *seen & bit;

	*seen |= bit;
	return second && opt->kind != VS_OPT_FLAG && opt->kind != VS_OPT_LIST;
}

int vs_opts__parse(const struct vs_command *command, int argc, char **argv, void *options)
{
	struct option longs[MAX_OPTS + 2] = {};
	char shorts[2 * MAX_OPTS + 4];
	const struct vs_opt *opt;
	uint32_t seen = 0;
	int code, err;

	fill_getopt(command->opts, longs, shorts);
	optind = 0;	/* makes glibc forget a half-read word of an earlier call */
	opterr = 0;
	while ((code = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (code == 'h' || code == HELP_CODE) {
			print_help(command);
			return -VS_OPTS_HELP;
		}
		if (code == '?' || code == ':')
			return wrong_option(command, code, argv);
		opt = find_option(command->opts, code);
		if (is_second(command, opt, &seen))
			return complain(command, opt->name, "given twice");
		err = set_option(command, opt, optarg, options);
		if (err)
			return err;
	}
	return optind;
}

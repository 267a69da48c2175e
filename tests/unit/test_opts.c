// SPDX-License-Identifier: GPL-2.0
/* Options as tables: values, ranges, and the words on wrong usage. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/exit_codes.h"
#include "base/opts.h"

#define MAX_ARGS 16
#define SECOND 1000000000ULL

struct options {
	bool quiet, json;
	const char *output;
	uint64_t duration, size;
	char list[64];
	int list_arg;
	uint64_t cycles;
};

static struct options got;
static char out[8192], err[2048];

/* Refuses "bad", joins the others. */
static int add(void *options, int arg, const char *value, char *error, size_t size)
{
	struct options *o = options;
	size_t len = strlen(o->list);

	if (!strcmp(value, "bad")) {
		snprintf(error, size, "\"bad\" is no group");
		return -EINVAL;
	}
	o->list_arg = arg;
	snprintf(o->list + len, sizeof(o->list) - len, "%s%s", len ? "," : "", value);
	return 0;
}

static const struct vs_opt table[] = {
	{ .name = "quiet", .letter = 'q', .kind = VS_OPT_FLAG, .help = "say less",
	  .offset = offsetof(struct options, quiet) },
	{ .name = "json", .kind = VS_OPT_FLAG, .help = "for machines",
	  .offset = offsetof(struct options, json) },
	{ .name = "output", .letter = 'o', .kind = VS_OPT_TEXT, .metavar = "FILE",
	  .help = "write to FILE", .offset = offsetof(struct options, output) },
	{ .name = "duration", .letter = 'd', .kind = VS_OPT_DURATION, .metavar = "TIME",
	  .help = "stop after", .offset = offsetof(struct options, duration),
	  .min = SECOND / 100, .max = 24 * 3600 * SECOND },
	{ .name = "ring-size", .kind = VS_OPT_SIZE, .metavar = "SIZE", .help = "buffer",
	  .offset = offsetof(struct options, size), .min = 64 << 10, .max = 64 << 20 },
	{ .name = "cycles", .kind = VS_OPT_NUMBER, .metavar = "N", .help = "so many",
	  .offset = offsetof(struct options, cycles), .min = 1, .max = 5000 },
	{ .name = "group", .letter = 'g', .kind = VS_OPT_LIST, .metavar = "N",
	  .help = "only this group", .add = add, .arg = 42 },
	{ .name = NULL },
};

static const struct vs_command command = {
	.name = "watch", .summary = "watches groups", .operands = "[FILE]",
	.opts = table, .epilogue = "an example\n",
};

/* Everything written to a descriptor while it is redirected. */
static int redirect(FILE *stream, FILE *file)
{
	int kept;

	fflush(stream);
	kept = dup(fileno(stream));
	assert_int_not_equal(dup2(fileno(file), fileno(stream)), -1);
	return kept;
}

static void restore(FILE *stream, int kept, FILE *file, char *buf, size_t size)
{
	fflush(stream);
	dup2(kept, fileno(stream));
	close(kept);
	rewind(file);
	buf[fread(buf, 1, size - 1, file)] = '\0';
	fclose(file);
}

/* The arguments after the command's name, separated by single spaces; "_" is an empty one. */
static int parse_as(const struct vs_command *c, void *options, const char *args)
{
	static char words[512];
	char *argv[MAX_ARGS] = { (char *)"watch" }, *word, *rest = words;
	FILE *out_file = tmpfile(), *err_file = tmpfile();
	int argc = 1, kept_out, kept_err, ret;

	snprintf(words, sizeof(words), "%s", args);
	while ((word = strsep(&rest, " ")))
		if (*word)
			argv[argc++] = strcmp(word, "_") ? word : (char *)"";
	kept_out = redirect(stdout, out_file);
	kept_err = redirect(stderr, err_file);
	ret = vs_opts__parse(c, argc, argv, options);
	restore(stdout, kept_out, out_file, out, sizeof(out));
	restore(stderr, kept_err, err_file, err, sizeof(err));
	return ret;
}

static int parse(const char *args)
{
	memset(&got, 0, sizeof(got));
	return parse_as(&command, &got, args);
}

/* One line on stderr that names the command and has `words`; nothing on stdout. */
static void assert_refused(const char *args, const char *words)
{
	int ret = parse(args);

	if (ret != -EINVAL || !strstr(err, words))
		fail_msg("\"%s\": %d, \"%s\" lacks \"%s\"", args, ret, err, words);
	assert_int_equal(strncmp(err, "vfioscope watch: ", 17), 0);
	assert_ptr_equal(strchr(err, '\n'), err + strlen(err) - 1);
	assert_string_equal(out, "");
}

static void assert_silent(void)
{
	assert_string_equal(err, "");
	assert_string_equal(out, "");
}

static void test_durations(void **state)
{
	static const struct { const char *text; uint64_t ns; } good[] = {
		{ "0", 0 }, { "90", 90 * SECOND }, { "10s", 10 * SECOND }, { "500ms", SECOND / 2 },
		{ "7us", 7000 }, { "2m", 120 * SECOND }, { "1h", 3600 * SECOND },
		{ "007s", 7 * SECOND }, { "18446744073", 18446744073 * SECOND },
	};
	uint64_t ns;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(vs_opts__duration(good[i].text, &ns), 0);
		assert_int_equal(ns, good[i].ns);
	}
}

static void test_wrong_durations(void **state)
{
	static const char *const bad[] = {
		"", "s", "-1", "+1", " 1", "1 s", "1.5s", "1d", "1S", "1ss", "0x10", "1m30s", "inf",
	};
	uint64_t ns;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (vs_opts__duration(bad[i], &ns) != -EINVAL)
			fail_msg("\"%s\" was taken", bad[i]);
	assert_int_equal(vs_opts__duration("18446744074", &ns), -ERANGE);
	assert_int_equal(vs_opts__duration("99999999999999999999", &ns), -ERANGE);
	assert_int_equal(vs_opts__duration("5124096h", &ns), -ERANGE);
}

static void test_sizes(void **state)
{
	static const struct { const char *text; uint64_t bytes; } good[] = {
		{ "0", 0 }, { "4096", 4096 }, { "64K", 65536 }, { "1M", 1 << 20 },
		{ "3G", 3ULL << 30 }, { "18446744073709551615", UINT64_MAX },
	};
	uint64_t bytes;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(vs_opts__size(good[i].text, &bytes), 0);
		assert_int_equal(bytes, good[i].bytes);
	}
	assert_int_equal(vs_opts__size("1KB", &bytes), -EINVAL);
	assert_int_equal(vs_opts__size("1k", &bytes), -EINVAL);
	assert_int_equal(vs_opts__size("-64K", &bytes), -EINVAL);
	assert_int_equal(vs_opts__size("K", &bytes), -EINVAL);
	assert_int_equal(vs_opts__size("18446744073709551616", &bytes), -ERANGE);
	assert_int_equal(vs_opts__size("17179869184G", &bytes), -ERANGE);
}

static void test_nothing_given(void **state)
{
	(void)state;
	assert_int_equal(parse(""), 1);
	assert_silent();
	assert_false(got.quiet);
	assert_null(got.output);
	assert_int_equal(got.duration, 0);
}

static void test_long_forms(void **state)
{
	(void)state;
	assert_int_equal(parse("--quiet --json --output f --duration=500ms --ring-size 1M"), 8);
	assert_silent();
	assert_true(got.quiet);
	assert_true(got.json);
	assert_string_equal(got.output, "f");
	assert_int_equal(got.duration, SECOND / 2);
	assert_int_equal(got.size, 1 << 20);
}

static void test_short_forms(void **state)
{
	(void)state;
	assert_int_equal(parse("-qof -d 2m -g3"), 5);
	assert_silent();
	assert_true(got.quiet);
	assert_false(got.json);
	assert_string_equal(got.output, "f");
	assert_int_equal(got.duration, 120 * SECOND);
	assert_string_equal(got.list, "3");
}

static void test_a_second_value_is_refused(void **state)
{
	(void)state;
	assert_refused("-d 1s -d 1s", "--duration: given twice");
	assert_refused("-o a --output=b", "--output: given twice");
}

static void test_parses_twice(void **state)
{
	(void)state;
	assert_int_equal(parse("-q -q x"), 3);
	assert_int_equal(parse("-o f y"), 3);
	assert_false(got.quiet);
	assert_string_equal(got.output, "f");
	assert_int_equal(parse("-zq"), -EINVAL);
	assert_int_equal(parse("-o f y"), 3);
	assert_false(got.quiet);
}

static void test_operands(void **state)
{
	(void)state;
	assert_int_equal(parse("-q file"), 2);
	assert_int_equal(parse("-q -- --json"), 3);
	assert_false(got.json);
	assert_int_equal(parse("-o -"), 3);
	assert_string_equal(got.output, "-");
	assert_int_equal(parse("-"), 1);
	assert_silent();
}

/* Options may follow an operand: what is left over is the operand. */
static void test_operand_first(void **state)
{
	(void)state;
	assert_int_equal(parse("file -q"), 2);
	assert_true(got.quiet);
}

static void test_lists(void **state)
{
	(void)state;
	assert_int_equal(parse("--group 1 -g 2 --group=3"), 6);
	assert_string_equal(got.list, "1,2,3");
	assert_int_equal(got.list_arg, 42);
	assert_refused("-g 1 -g bad -g 2", "--group: \"bad\" is no group");
	assert_string_equal(got.list, "1");
}

static void test_unknown(void **state)
{
	(void)state;
	assert_refused("--nonsense", "--nonsense: no such option");
	assert_refused("-q --nonsense=3 -j", "--nonsense=3: no such option");
	assert_refused("-z", "-z: no such option");
	assert_refused("-zq", "-z: no such option");
	assert_refused("-j -qz", "-j: no such option");
	assert_refused("--nonsense", "see vfioscope watch --help");
}

static void test_value_missing(void **state)
{
	(void)state;
	assert_refused("--output", "--output: needs a value");
	assert_refused("-q -d", "-d: needs a value");
	assert_refused("-qg", "-g: needs a value");
}

static void test_value_too_much(void **state)
{
	(void)state;
	assert_refused("--quiet=3", "--quiet=3: takes no value");
	assert_false(got.quiet);
	assert_refused("--help=3", "--help=3: takes no value");
}

static void test_abbreviations(void **state)
{
	(void)state;
	assert_int_equal(parse("--dur 1s"), 3);
	assert_int_equal(got.duration, SECOND);
	assert_refused("--=1", "--=1: no such option");
}

static void test_duration_range(void **state)
{
	(void)state;
	assert_int_equal(parse("-d 10ms"), 3);
	assert_int_equal(parse("-d 24h"), 3);
	assert_refused("-d 9ms", "--duration: \"9ms\" is not a time of 10 ms to 24 h");
	assert_refused("-d 0", "such as 500ms, 10s, 2m");
	assert_refused("-d 25h", "\"25h\"");
	assert_refused("-d 1e3", "\"1e3\"");
	assert_refused("-d 99999999999999999999", "is not a time");
	assert_refused("-d _", "--duration: needs a value");
}

static void test_size_range(void **state)
{
	(void)state;
	assert_int_equal(parse("--ring-size 64K"), 3);
	assert_int_equal(parse("--ring-size 64M"), 3);
	assert_refused("--ring-size 65535", "\"65535\" is not a size of 64K to 64M");
	assert_refused("--ring-size 1G", "--ring-size: \"1G\" is not a size");
	assert_refused("--ring-size many", "such as 512K, 4M");
}

static void test_numbers(void **state)
{
	(void)state;
	assert_int_equal(parse("--cycles 5000"), 3);
	assert_int_equal(got.cycles, 5000);
	assert_refused("--cycles 0", "--cycles: \"0\" is not a number of 1 to 5000");
	assert_refused("--cycles 5001", "is not a number");
	assert_refused("--cycles 1K", "is not a number");
	assert_refused("--cycles -1", "is not a number");
	assert_refused("--cycles 99999999999999999999999", "is not a number");
}

static void test_long_value_is_cut(void **state)
{
	char args[300] = "-d ";

	(void)state;
	memset(args + 3, '9', 250);
	assert_refused(args, "\"9999999999999999999999999999999999999999\" is");
}

static void assert_help(const char *args)
{
	assert_int_equal(parse(args), -VS_OPTS_HELP);
	assert_string_equal(err, "");
	assert_int_equal(strncmp(out, "usage: vfioscope watch [options] [FILE]\n\nwatches groups\n",
				 strlen("usage: vfioscope watch [options] [FILE]\n\nwatches groups\n")),
			 0);
	assert_non_null(strstr(out, "\n  -h, --help  "));
	assert_non_null(strstr(out, "\n\nan example\n"));
	assert_non_null(strstr(out, VS_EXIT_HELP));
}

static void test_help(void **state)
{
	char row[96];

	(void)state;
	assert_help("--help");
	assert_help("-h");
	assert_help("-q -h --nonsense");
	for (const struct vs_opt *opt = table; opt->name; opt++) {
		snprintf(row, sizeof(row), " --%s%s%s ", opt->name, opt->metavar ? " " : "",
			 opt->metavar ? opt->metavar : "");
		assert_non_null(strstr(out, row));
		assert_non_null(strstr(out, opt->help));
	}
	assert_non_null(strstr(out, "\n  -d, --duration TIME "));
	assert_non_null(strstr(out, "\n      --json "));
}

static void test_help_without_operands(void **state)
{
	static const struct vs_opt none[] = { { .name = NULL } };
	const struct vs_command bare = { .name = "bare", .summary = "s", .operands = "",
					 .opts = none, .epilogue = "" };

	(void)state;
	assert_int_equal(parse_as(&bare, NULL, "-h"), -VS_OPTS_HELP);
	assert_int_equal(strncmp(out, "usage: vfioscope bare [options]\n", 32), 0);
	assert_int_equal(parse_as(&bare, NULL, "a b"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_wrong_durations),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_nothing_given),
		cmocka_unit_test(test_long_forms),
		cmocka_unit_test(test_short_forms),
		cmocka_unit_test(test_a_second_value_is_refused),
		cmocka_unit_test(test_parses_twice),
		cmocka_unit_test(test_operands),
		cmocka_unit_test(test_operand_first),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_value_missing),
		cmocka_unit_test(test_value_too_much),
		cmocka_unit_test(test_abbreviations),
		cmocka_unit_test(test_duration_range),
		cmocka_unit_test(test_size_range),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_long_value_is_cut),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_help_without_operands),
	};

	return cmocka_run_group_tests_name("opts", tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0
/* The report as a file in a folder where others can write, too. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "validate/print.h"

static char folder[40], report[60], part[66], other[60];

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/vs-report.XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(report, sizeof(report), "%s/report", folder);
	snprintf(part, sizeof(part), "%s.part", report);
	snprintf(other, sizeof(other), "%s/other", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(report);
	unlink(other);
	rmdir(part);
	unlink(part);
	return rmdir(folder);
}

static void print(struct vs_out *o, const struct vs_validate_page *page)
{
	(void)page;
	vs_out__puts(o, "the report");
}

static void write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void holds(const char *path, const char *text)
{
	char found[40] = "";
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	assert_true(fgets(found, sizeof(found), file) || !*text);
	fclose(file);
	assert_string_equal(found, text);
}

static void is_a_file(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(st.st_nlink, 1);
}

static void a_report_is_replaced_by_a_whole_one(void **state)
{
	(void)state;
	assert_int_equal(vs_validate__to_file(report, print, NULL), 0);
	holds(report, "the report");
	write_text(report, "the one before, which was longer");
	assert_int_equal(vs_validate__to_file(report, print, NULL), 0);
	holds(report, "the report");
	assert_int_equal(access(part, F_OK), -1);
}

/* Somebody's, in the place where the report is written to first. */
static void a_link_is_not_followed(void **state)
{
	static int (*const make[])(const char *, const char *) = { symlink, link };

	(void)state;
	for (size_t i = 0; i < sizeof(make) / sizeof(make[0]); i++) {
		write_text(other, "precious");
		assert_int_equal(make[i](other, part), 0);
		assert_int_equal(vs_validate__to_file(report, print, NULL), 0);
		holds(other, "precious");
		holds(report, "the report");
		is_a_file(report);
	}
}

static void a_link_to_nothing_makes_nothing(void **state)
{
	(void)state;
	assert_int_equal(symlink(other, part), 0);
	assert_int_equal(vs_validate__to_file(report, print, NULL), 0);
	assert_int_equal(access(other, F_OK), -1);
	is_a_file(report);
}

static void what_an_earlier_run_left_is_no_obstacle(void **state)
{
	(void)state;
	write_text(part, "half a rep");
	assert_int_equal(vs_validate__to_file(report, print, NULL), 0);
	holds(report, "the report");
}

static void what_cannot_go_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(mkdir(part, 0755), 0);
	assert_int_equal(vs_validate__to_file(report, print, NULL), -EISDIR);
	assert_int_equal(access(report, F_OK), -1);
}

/* /dev/stdout is such a one: it stays a link. */
static void a_link_as_the_report_is_written_through(void **state)
{
	struct stat st;

	(void)state;
	write_text(other, "");
	assert_int_equal(symlink(other, report), 0);
	assert_int_equal(vs_validate__to_file(report, print, NULL), 0);
	holds(other, "the report");
	assert_int_equal(lstat(report, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_FOLDER(a_report_is_replaced_by_a_whole_one),
		IN_A_FOLDER(a_link_is_not_followed),
		IN_A_FOLDER(a_link_to_nothing_makes_nothing),
		IN_A_FOLDER(what_an_earlier_run_left_is_no_obstacle),
		IN_A_FOLDER(what_cannot_go_is_an_error),
		IN_A_FOLDER(a_link_as_the_report_is_written_through),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

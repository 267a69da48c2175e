// SPDX-License-Identifier: GPL-2.0
/* What doctor says can be seen, for the kernels whose facts were recorded, and some that were made up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "doctor/print_coverage.h"
#include "probe/sees.h"
#include "recorded.h"

static struct vs_facts facts;
static struct vs_plan plan;
static struct vs_sees rows[VS_SEES_SUBJECTS];

static void load(const char *name)
{
	char *text = read_recorded(name), error[200] = "";

	assert_int_equal(vs_facts__from_json(text, &facts, error, sizeof(error)), 0);
	free(text);
}

static void find(void)
{
	assert_int_equal(vs_plan__make(&facts, &plan), 0);
	vs_sees__find(&facts, &plan, rows);
}

static int teardown(void **state)
{
	(void)state;
	vs_plan__free(&plan);
	vs_facts__free(&facts);
	return 0;
}

static const struct vs_sees *row_of(const char *subject)
{
	for (size_t i = 0; i < VS_SEES_SUBJECTS; i++)
		if (!strcmp(rows[i].subject, subject))
			return &rows[i];
	fail_msg("nothing about %s", subject);
	return NULL;
}

static void assert_seen(const char *subject, enum vs_sees_part part, enum vs_sees_answer answer,
			const char *words)
{
	const struct vs_sees_cell *cell = &row_of(subject)->cells[part];

	if (cell->answer != answer || !strstr(cell->words, words))
		fail_msg("%s %s: %s, \"%s\"", subject, vs_sees_part__name(part),
			 vs_sees_answer__name(cell->answer), cell->words);
	/* What a probe sees has its probe, and what is seen by none has not. */
	if (part == VS_SEES_GETS || part == VS_SEES_PUTS)
		assert_int_equal(answer == VS_SEES_YES || answer == VS_SEES_PARTLY ||
				 answer == VS_SEES_LATER, cell->how[0] != '\0');
}

static void the_first_era(void **state)
{
	(void)state;
	load("fixed");
	find();
	assert_string_equal(row_of("group")->counter, "vfio_group.kref");
	assert_seen("group", VS_SEES_GETS, VS_SEES_YES, "exact");
	assert_seen("group", VS_SEES_PUTS, VS_SEES_YES, "just before");
	assert_seen("group", VS_SEES_HOLDERS, VS_SEES_YES, "KVM");
	assert_seen("device", VS_SEES_WAITS, VS_SEES_YES, "unbind");
	assert_string_equal(row_of("group-file")->counter, "vfio_group.opened");
	assert_seen("container", VS_SEES_GETS, VS_SEES_NO, "once a second");
	assert_seen("container", VS_SEES_WAITS, VS_SEES_PARTLY, "vfioscope why");
	assert_seen("deferred-put", VS_SEES_GETS, VS_SEES_YES, "each");
}

static void the_later_ones(void **state)
{
	static const char *const later[] = { "6.1", "6.12", "7.x" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		load(later[i]);
		find();
		assert_string_equal(row_of("group")->counter, "vfio_group.drivers");
		assert_seen("group", VS_SEES_HOLDERS, VS_SEES_YES, "files and KVM keep none");
		assert_seen("device", VS_SEES_GETS, VS_SEES_YES, "exact");
		assert_seen("device", VS_SEES_PUTS, VS_SEES_YES, "exact");
		assert_seen("container", VS_SEES_GETS, VS_SEES_YES, "just before");
		assert_seen("container", VS_SEES_WAITS, VS_SEES_NOTHING, "nothing waits");
		assert_seen("deferred-put", VS_SEES_GETS, VS_SEES_NOTHING, "no notifier");
		assert_seen("iommufd", VS_SEES_GETS, VS_SEES_NOTHING, "without iommufd");
		if (i < 2)
			teardown(NULL);
	}
}

static void with_iommufd(void **state)
{
	(void)state;
	load("iommufd");
	find();
	assert_seen("iommufd", VS_SEES_GETS, VS_SEES_YES, "each");
	assert_seen("iommufd", VS_SEES_PUTS, VS_SEES_YES, "each");
	assert_seen("iommufd", VS_SEES_HOLDERS, VS_SEES_YES, "/dev/iommu");
	assert_seen("iommufd", VS_SEES_WAITS, VS_SEES_PARTLY, "vfioscope why");
}

static void without_groups(void **state)
{
	(void)state;
	load("cdev");
	find();
	assert_seen("group", VS_SEES_GETS, VS_SEES_NOTHING, "without groups");
	assert_seen("group-file", VS_SEES_HOLDERS, VS_SEES_NOTHING, "without groups");
	assert_seen("container", VS_SEES_PUTS, VS_SEES_NOTHING, "without groups");
	assert_seen("device", VS_SEES_WAITS, VS_SEES_YES, "unbind");
	assert_seen("iommufd", VS_SEES_GETS, VS_SEES_YES, "each");
}

/* What cannot be looked into was not built without anything. */
static void without_a_vfio_nothing_is_said_of_iommufd(void **state)
{
	size_t nr;

	(void)state;
	load("6.12");
	nr = facts.vfio.nr_funcs;
	facts.vfio.nr_funcs = 0;
	find();
	assert_seen("iommufd", VS_SEES_GETS, VS_SEES_NO, "no vfio");
	assert_seen("iommufd", VS_SEES_WAITS, VS_SEES_NO, "no vfio");
	facts.vfio.nr_funcs = nr;
}

static void what_comes_with_the_module(void **state)
{
	(void)state;
	load("6.12-not-loaded");
	find();
	assert_seen("device", VS_SEES_GETS, VS_SEES_LATER, "loaded");
	assert_seen("device", VS_SEES_WAITS, VS_SEES_LATER, "loaded");
	assert_seen("device", VS_SEES_HOLDERS, VS_SEES_PARTLY, "once a second");
}

static void what_is_missing_says_why(void **state)
{
	(void)state;
	load("6.12");
	facts.ftrace_enabled = 0;
	find();
	assert_seen("container", VS_SEES_GETS, VS_SEES_NO, "ftrace_enabled");
	assert_seen("device", VS_SEES_WAITS, VS_SEES_NO, "ftrace_enabled");
	assert_seen("device", VS_SEES_PUTS, VS_SEES_YES, "exact");
}

static void nothing_is_known(void **state)
{
	(void)state;
	memset(&facts, 0, sizeof(facts));
	find();
	assert_seen("group", VS_SEES_GETS, VS_SEES_NO, "");
	assert_seen("device", VS_SEES_WAITS, VS_SEES_NO, "");
}

static void as_json_each_part_has_an_answer(void **state)
{
	json_t *array, *row;
	size_t i;

	(void)state;
	load("7.x");
	assert_int_equal(vs_plan__make(&facts, &plan), 0);
	array = vs_doctor_sees__json(&facts, &plan);
	assert_int_equal(json_array_size(array), VS_SEES_SUBJECTS);
	json_array_foreach(array, i, row)
		for (int part = 0; part < VS_SEES_PARTS; part++) {
			json_t *cell = json_object_get(row, vs_sees_part__name(part));

			assert_true(json_is_string(json_object_get(cell, "seen")));
			assert_true(json_string_length(json_object_get(cell, "words")) > 3);
		}
	json_decref(array);
}

static void as_text_no_line_is_too_long(void **state)
{
	struct vs_out out;

	(void)state;
	load("7.x");
	assert_int_equal(vs_plan__make(&facts, &plan), 0);
	vs_out__init(&out, -1);
	vs_doctor_sees__print(&out, &facts, &plan, 80);
	vs_out__raw(&out, "", 1);
	for (char *line = strtok(out.buf, "\n"); line; line = strtok(NULL, "\n"))
		assert_true(strlen(line) <= 80);
	vs_out__fini(&out);
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_first_era),
		TEST(the_later_ones),
		TEST(with_iommufd), TEST(without_groups), TEST(without_a_vfio_nothing_is_said_of_iommufd),
		TEST(what_comes_with_the_module),
		TEST(what_is_missing_says_why),
		TEST(nothing_is_known),
		TEST(as_json_each_part_has_an_answer),
		TEST(as_text_no_line_is_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

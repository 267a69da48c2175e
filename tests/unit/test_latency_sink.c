// SPDX-License-Identifier: GPL-2.0
/* What `latency` prints: lines that fit, numbers that are there, JSON that parses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "latency/print.h"

#define MS 1000000ull
#define LONG_NAME "a_work_function_whose_name_is_longer_than_most"

static bool name(void *ctx, uint64_t addr, char *buf, size_t size)
{
	(void)ctx;
	if (addr == 0xdead)
		return false;
	snprintf(buf, size, "%s", addr == 0xc0 ? LONG_NAME : "vfio_group_put_bg");
	return true;
}

static void fill_split(struct vs_split *s, enum vs_split_kind kind, uint64_t func, int64_t value)
{
	*s = (struct vs_split){ .kind = kind, .func = func, .value = value, .overdue = 3 };
	for (uint64_t i = 1; i < 2000; i++)
		for (int k = 0; k < VS_LAT_KINDS; k++)
			vs_hist__add(&s->kinds[k], i * i * 257);
}

static void fill_worst(struct vs_worst *w)
{
	struct vs_worst_row *row = &w->rows[0];

	w->nr = w->room = 1;
	row->work = (struct vs_lat_event){ .func = 0xdead, .start_ns = 100 * MS, .name = "events",
					   .q = { .queue_ns = 59 * MS, .pool = 2, .pool_cpu = 1,
						  .max_active = 256, .number = -1 } };
	row->blame = (struct vs_blame){ .nr = 3, .delay_ns = 41 * MS, .ahead = 12 };
	row->blame.parts[0] = (struct vs_blame_part){ VS_BLAME_HELD, 30 * MS, 0xc0, 2, 0, "" };
	row->blame.parts[1] = (struct vs_blame_part){ VS_BLAME_TASK, 10 * MS, 0, -1, 77, "qemu\377" };
	row->blame.parts[2] = (struct vs_blame_part){ VS_BLAME_UNKNOWN, 1 * MS, 0, -1, 0, "" };
}

static struct vs_report *new_report(void)
{
	struct vs_report *r = calloc(1, sizeof(*r));

	*r = (struct vs_report){ .deferred = true, .blame = { .when = "full" }, .time_ns = 10000 * MS, .armed_ns = 1,
				 .group_peak = 5, .group_number = 42, .nr_splits = 5 };
	r->splits = calloc(r->nr_splits, sizeof(*r->splits));
	fill_split(&r->splits[0], VS_SPLIT_FUNC, 0xf0, 0);
	fill_split(&r->splits[1], VS_SPLIT_CPU, 0xf0, 0);
	fill_split(&r->splits[2], VS_SPLIT_CPU, 0xf0, 1);
	fill_split(&r->splits[3], VS_SPLIT_RELEASED, 0xf0, 0);
	fill_split(&r->splits[4], VS_SPLIT_RELEASED, 0xf0, 1);
	r->totals = (struct vs_lat_totals){ .queued = 1999, .started = 1999, .ended = 1999,
					    .unknown_start = 4, .cancelled = 2, .peak = 9 };
	vs_backlog__init(&r->backlog, 0, 100 * MS);
	vs_backlog__sample(&r->backlog, 500 * MS, 9);
	fill_worst(&r->worst);
	r->cost = (struct vs_report_cost){ .wanted = true, .measured = true, .programs = 5,
					   .runs = 100000, .run_ns = 3000000 };
	return r;
}

static void free_report(struct vs_report *r)
{
	vs_report__free(r);
	free(r);
}

/* All that a sink writes about a run, malloc'ed. */
static char *output(const struct vs_report *r, bool json, size_t width)
{
	static const char *const names[] = { "vfio_group_put_bg" };
	struct vs_late late = { .kind = VS_LATE_OVERDUE, .func = 0xc0, .age_ns = 120 * MS,
				.time_ns = 200 * MS, .group = 1, .number = 42, .pool = 2,
				.pool_cpu = 1 };
	struct vs_latency_start start = { .version = "1", .kernel = "5.10.0-46-amd64",
					  .names = names, .nr_names = 1,
					  .followed_by = "kprobes", .blame = "late" };
	struct vs_interval interval = { .time_ns = 1000 * MS, .queued = 5 };
	FILE *file = tmpfile();
	struct vs_latency_sink_opts opts = { .fd = fileno(file), .json = json, .width = width,
					     .top = 10, .resolve = name };
	struct vs_latency_sink s;
	char *text = NULL;
	size_t room = 0;

	vs_latency_sink__init(&s, &opts);
	s.ops->start(&s, &start);
	s.ops->notice(&s, 1, "words");
	s.ops->late(&s, &late);
	s.ops->work(&s, &r->worst.rows[0].work);
	s.ops->interval(&s, &interval);
	s.ops->report(&s, r);
	assert_int_equal(vs_latency_sink__flush(&s), 0);
	vs_latency_sink__fini(&s);
	rewind(file);
	assert_true(getdelim(&text, &room, '\0', file) > 0);
	fclose(file);
	return text;
}

/* Lines of --events are for files and pipes: they are not cut. */
static void check_width(size_t width)
{
	struct vs_report *r = new_report();
	char *text = output(r, false, width), *at = text;

	for (char *line; (line = strsep(&at, "\n"));)
		if (!strstr(line, " waited ") && strlen(line) > width)
			fail_msg("%zu columns: %s", strlen(line), line);
	free(text);
	free_report(r);
}

static void test_text_fits(void **state)
{
	(void)state;
	check_width(80);
	check_width(120);
}

static void has(const char *text, const char *words)
{
	if (!strstr(text, words))
		fail_msg("not there: %s\n%s", words, text);
}

static void test_text_says_all(void **state)
{
	struct vs_report *r = new_report();
	char *text = output(r, false, 0);

	(void)state;
	has(text, "FINDING hazard overdue: " LONG_NAME " of group 42 was queued 120.0 ms ago, not "
	    "started (pool 2, cpu 1)");
	has(text, "0xdead delayed 41.0 ms: 30.0 ms behind max_active 256 of");
	has(text, "\"qemu\\xff\"[77]");
	has(text, "released              1999");
	has(text, "cpu 1                 1999");
	has(text, "peak 9, now 0 queued and 0 running");
	has(text, "5 at once, on group 42");
	has(text, "losses      none");
	has(text, "100000 runs of 5 programs took 3.0 ms: 30 ns each");
	has(text, "4 more started, not seen to be queued");
	free(text);
	free_report(r);
}

static void test_losses_are_loud(void **state)
{
	struct vs_report *r = new_report();
	char *text;

	(void)state;
	r->losses[VS_LAT_LOSS_WORKS_FULL] = 7;
	r->not_reported[VS_LAT_LOSS_RECURSION] = true;
	text = output(r, false, 0);
	has(text, "LOSSES      7 works not followed");
	has(text, "incomplete");
	has(text, "not reported by this kernel");
	assert_null(strstr(text, "losses      none"));
	free(text);
	free_report(r);
}

static void test_nothing_happened(void **state)
{
	struct vs_report *r = calloc(1, sizeof(*r));
	char *text;

	(void)state;
	r->group_number = -1;
	r->blame.when = "late";
	text = output(r, false, 80);
	has(text, "queued 0, started 0, ended 0");
	free(text);
	text = output(r, true, 0);
	has(text, "\"count\":0");
	free(text);
	free_report(r);
}

/* The last object of that type; the caller's reference. */
static json_t *find(char *text, const char *type)
{
	json_t *found = NULL;

	for (char *line; (line = strsep(&text, "\n"));) {
		json_t *o = *line ? json_loads(line, 0, NULL) : NULL;

		if (*line)
			assert_non_null(o);
		if (o && !strcmp(json_string_value(json_object_get(o, "type")), type)) {
			json_decref(found);
			found = json_incref(o);
		}
		json_decref(o);
	}
	assert_non_null(found);
	return found;
}

static json_int_t number(const json_t *o, const char *key)
{
	assert_true(json_is_integer(json_object_get(o, key)));
	return json_integer_value(json_object_get(o, key));
}

static void test_json_has_all(void **state)
{
	struct vs_report *r = new_report();
	char *text = output(r, true, 0);
	json_t *o = find(text, "report"), *slow, *part, *hist;
	json_int_t sum = 0;
	size_t i;

	(void)state;
	slow = json_array_get(json_object_get(o, "slowest"), 0);
	json_array_foreach(json_object_get(slow, "parts"), i, part)
		sum += number(part, "ns");
	assert_int_equal(sum, number(slow, "delay_ns"));
	assert_int_equal(json_array_size(json_object_get(o, "splits")), 5);
	hist = json_object_get(o, "queued_to_started");
	assert_int_equal(number(hist, "count"), 1999);
	assert_int_equal(number(hist, "max_ns"), 1999 * 1999 * 257);
	assert_int_equal(number(json_object_get(o, "references"), "group"), 42);
	json_decref(o);
	free(text);
	free_report(r);
}

static void test_every_json_type_parses(void **state)
{
	static const char *const types[] = { "start", "notice", "finding", "work", "interval" };
	struct vs_report *r = new_report();

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		char *text = output(r, true, 0);

		json_decref(find(text, types[i]));
		free(text);
	}
	free_report(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_fits),
		cmocka_unit_test(test_text_says_all),
		cmocka_unit_test(test_losses_are_loud),
		cmocka_unit_test(test_nothing_happened),
		cmocka_unit_test(test_json_has_all),
		cmocka_unit_test(test_every_json_type_parses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

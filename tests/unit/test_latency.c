// SPDX-License-Identifier: GPL-2.0
/* Histograms, reports, backlog, late works and names: the pure parts of user/latency/. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "latency/backlog.h"
#include "latency/hist.h"
#include "latency/report.h"
#include "latency/targets.h"
#include "latency/watch.h"
#include "latency/worst.h"

#define MS 1000000ull

/* The one of the programs, compiled for the host. */
#define VFIOSCOPE_LATENCY_STATE_H
#define __noinline
#define barrier_var(v) __asm__ volatile("" : "+r"(v))
#include "bpf/latency/hist.bpf.c"

/* -- histograms -- */

static void test_buckets_are_those_of_the_programs(void **state)
{
	(void)state;
	for (unsigned int shift = 0; shift < 63; shift++)
		for (int off = -3; off <= 3; off++) {
			uint64_t ns = (1ull << shift) + (uint64_t)(int64_t)off;

			if ((int64_t)ns >= 0)
				assert_int_equal(vs_hist__bucket(ns), hist_bucket(ns));
		}
	for (uint64_t ns = 0; ns < 100000; ns++)
		assert_int_equal(vs_hist__bucket(ns), hist_bucket(ns));
}

static void test_bucket_holds_its_times(void **state)
{
	(void)state;
	for (unsigned int b = 0; b + 1 < VS_HIST_BUCKETS; b++) {
		assert_int_equal(vs_hist__bucket(vs_hist__floor(b)), b);
		assert_int_equal(vs_hist__bucket(vs_hist__floor(b + 1) - 1), b);
	}
	assert_int_equal(vs_hist__bucket(UINT64_MAX), VS_HIST_BUCKETS - 1);
}

static void test_programs_add_as_user_space_does(void **state)
{
	struct vs_lat_hist raw = {};
	struct vs_hist from_raw = {}, direct = {};

	(void)state;
	for (uint64_t ns = 1; ns < 1ull << 40; ns = ns * 5 / 3 + 1) {
		hist_add(&raw, ns);
		vs_hist__add(&direct, ns);
	}
	vs_hist__merge_raw(&from_raw, &raw);
	assert_memory_equal(&from_raw, &direct, sizeof(direct));
}

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Against the samples themselves: the same bucket, for each percentile. */
static void test_percentiles_agree_with_samples(void **state)
{
	static const unsigned int permille[] = { 1, 500, 900, 990, 999, 1000 };
	enum { NR = 5000 };
	uint64_t samples[NR], seed = 42;
	struct vs_hist h = {};

	(void)state;
	for (size_t i = 0; i < NR; i++) {
		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		samples[i] = (seed >> 33) % (1ull << (8 + (seed >> 60)));
		vs_hist__add(&h, samples[i]);
	}
	qsort(samples, NR, sizeof(samples[0]), by_value);
	for (size_t i = 0; i < sizeof(permille) / sizeof(permille[0]); i++) {
		uint64_t exact = samples[(NR * permille[i] + 999) / 1000 - 1];
		uint64_t got = vs_hist__percentile(&h, permille[i]);

		assert_int_equal(vs_hist__bucket(got), vs_hist__bucket(exact));
		assert_true(got >= exact);
	}
	assert_int_equal(vs_hist__percentile(&h, 1000), samples[NR - 1]);
}

static void test_percentile_of_few(void **state)
{
	struct vs_hist h = {};

	(void)state;
	assert_int_equal(vs_hist__percentile(&h, 500), 0);
	assert_int_equal(vs_hist__mean(&h), 0);
	vs_hist__add(&h, 1000);
	assert_int_equal(vs_hist__percentile(&h, 1), 1000);
	assert_int_equal(vs_hist__percentile(&h, 999), 1000);
	vs_hist__add(&h, UINT64_MAX / 2);
	assert_int_equal(vs_hist__percentile(&h, 999), UINT64_MAX / 2);
}

static void test_since_is_the_difference(void **state)
{
	struct vs_hist before = {}, now, diff;

	(void)state;
	vs_hist__add(&before, 50 * MS);
	now = before;
	vs_hist__add(&now, 1000);
	vs_hist__since(&diff, &now, &before);
	assert_int_equal(diff.count, 1);
	assert_int_equal(diff.sum_ns, 1000);
	assert_int_equal(vs_hist__bucket(diff.max_ns), vs_hist__bucket(1000));
	vs_hist__since(&diff, &now, &now);
	assert_int_equal(diff.count, 0);
	assert_int_equal(diff.max_ns, 0);
}

/* -- backlog -- */

static void test_backlog_keeps_its_peaks(void **state)
{
	struct vs_backlog b;

	(void)state;
	vs_backlog__init(&b, 1000, 10);
	vs_backlog__sample(&b, 1005, 3);
	vs_backlog__sample(&b, 1009, 1);
	assert_int_equal(b.nr, 1);
	assert_int_equal(b.cells[0], 3);
	vs_backlog__sample(&b, 1000 + 10 * (VS_BACKLOG_CELLS - 1), 7);
	assert_int_equal(b.nr, VS_BACKLOG_CELLS);
	vs_backlog__sample(&b, 1000 + 10 * VS_BACKLOG_CELLS, 2);
	assert_int_equal(b.cell_ns, 20);
	assert_int_equal(b.nr, VS_BACKLOG_CELLS / 2 + 1);
	assert_int_equal(b.cells[0], 3);
	assert_int_equal(b.cells[VS_BACKLOG_CELLS / 2 - 1], 7);
	assert_int_equal(b.cells[VS_BACKLOG_CELLS / 2], 2);
}

static void test_backlog_after_a_long_silence(void **state)
{
	struct vs_backlog b;

	(void)state;
	vs_backlog__init(&b, 0, 1);
	vs_backlog__sample(&b, 0, 5);
	vs_backlog__sample(&b, 1000000000, 9);
	assert_true(b.nr <= VS_BACKLOG_CELLS);
	assert_int_equal(b.cells[0], 5);
	assert_int_equal(b.cells[b.nr - 1], 9);
}

/* -- worst -- */

static void offer(struct vs_worst *w, uint64_t delay)
{
	struct vs_worst_row row = { .blame.delay_ns = delay };

	vs_worst__offer(w, &row);
}

static void test_worst_are_sorted_and_bounded(void **state)
{
	struct vs_worst *w = calloc(1, sizeof(*w));

	(void)state;
	w->room = 3;
	for (uint64_t i = 1; i <= 100; i++)
		offer(w, i * 37 % 101);
	assert_int_equal(w->nr, 3);
	assert_int_equal(w->rows[0].blame.delay_ns, 100);
	assert_int_equal(w->rows[1].blame.delay_ns, 99);
	assert_int_equal(w->rows[2].blame.delay_ns, 98);
	assert_false(vs_worst__wants(w, 98));
	assert_true(vs_worst__wants(w, 101));
	free(w);
}

/* -- late works -- */

static struct vs_lat_queued queued_at(uint64_t ns)
{
	return (struct vs_lat_queued){ .queue_ns = ns, .number = 7, .pool = 2, .pool_cpu = 1 };
}

static void test_overdue_is_told_once(void **state)
{
	struct vs_watch w = { .overdue_ns = 100 * MS, .lost_ns = 1000 * MS };
	struct vs_lat_work work = { .work = 0x1000, .func = 0xf };
	struct vs_lat_queued q = queued_at(5 * MS);
	struct vs_late late;

	(void)state;
	assert_false(vs_watch__queued(&w, &work, &q, 100 * MS, &late));
	assert_true(vs_watch__queued(&w, &work, &q, 106 * MS, &late));
	assert_int_equal(late.kind, VS_LATE_OVERDUE);
	assert_int_equal(late.age_ns, 101 * MS);
	assert_false(late.bug);
	assert_false(vs_watch__queued(&w, &work, &q, 200 * MS, &late));
	/* The same memory, queued anew. */
	q = queued_at(300 * MS);
	assert_true(vs_watch__queued(&w, &work, &q, 401 * MS, &late));
	assert_int_equal(w.counts[VS_LATE_OVERDUE], 2);
	vs_watch__fini(&w);
}

static void test_overdue_becomes_lost(void **state)
{
	struct vs_watch w = { .overdue_ns = 100 * MS, .lost_ns = 1000 * MS, .deferred_func = 0xf };
	struct vs_lat_work work = { .work = 0x1000, .func = 0xf };
	struct vs_lat_queued q = queued_at(1);
	struct vs_late late;

	(void)state;
	assert_true(vs_watch__queued(&w, &work, &q, 200 * MS, &late));
	assert_true(vs_watch__queued(&w, &work, &q, 1001 * MS, &late));
	assert_int_equal(late.kind, VS_LATE_LOST);
	assert_true(late.bug);
	assert_false(vs_watch__queued(&w, &work, &q, 2000 * MS, &late));
	work.func = 0xe;	/* others may be cancelled */
	work.work = 0x2000;
	assert_true(vs_watch__queued(&w, &work, &q, 1001 * MS, &late));
	assert_false(late.bug);
	vs_watch__fini(&w);
}

static void test_running_and_ended_works(void **state)
{
	struct vs_watch w = { .overdue_ns = 100 * MS, .lost_ns = 1000 * MS };
	struct vs_lat_run run = { .work = 0x1000, .start_ns = 2 * MS, .q = queued_at(MS), .tid = 9 };
	struct vs_lat_event e = { .type = VS_LAT_DONE, .work = 0x1000, .start_ns = 2 * MS,
				  .end_ns = 150 * MS, .q = queued_at(MS) };
	struct vs_late late;

	(void)state;
	assert_true(vs_watch__running(&w, &run, 120 * MS, &late));
	assert_int_equal(late.kind, VS_LATE_OVERDUE);
	assert_int_equal(late.tid, 9);
	/* Its end is no news. */
	assert_false(vs_watch__record(&w, &e, &late));
	e.work = 0x2000;
	assert_true(vs_watch__record(&w, &e, &late));
	assert_int_equal(late.age_ns, 149 * MS);
	e.work = 0x3000;
	e.end_ns = 50 * MS;
	assert_false(vs_watch__record(&w, &e, &late));
	vs_watch__fini(&w);
}

static void test_no_alarm_without_limits(void **state)
{
	struct vs_watch w = {};
	struct vs_lat_work work = { .work = 1 };
	struct vs_lat_queued q = queued_at(1);
	struct vs_late late;

	(void)state;
	assert_false(vs_watch__queued(&w, &work, &q, UINT64_MAX, &late));
}

static void test_freed_first_is_a_bug(void **state)
{
	struct vs_watch w = { .deferred_func = 0xf };
	struct vs_lat_event e = { .type = VS_LAT_FREED, .time_ns = 9, .q.number = 3, .tid = 5 };
	struct vs_late late;

	(void)state;
	assert_true(vs_watch__record(&w, &e, &late));
	assert_int_equal(late.kind, VS_LATE_FREED);
	assert_true(late.bug);
	assert_int_equal(late.number, 3);
}

/* However many are late at once, and however often one looks. */
static void test_each_late_work_counts_once(void **state)
{
	struct vs_watch w = { .overdue_ns = MS };
	struct vs_lat_queued q = queued_at(1);
	struct vs_late late;

	(void)state;
	for (int look = 0; look < 3; look++)
		for (uint64_t i = 1; i <= 20000; i++) {
			struct vs_lat_work work = { .work = i * 64 };

			assert_int_equal(vs_watch__queued(&w, &work, &q, 10 * MS, &late), !look);
		}
	assert_int_equal(w.counts[VS_LATE_OVERDUE], 20000);
	vs_watch__fini(&w);
}

/* -- names -- */

static const char symbols[] =
	"ffffffff81000000 T do_work\n"
	"ffffffff81000100 d do_work\n"
	"ffffffff81000200 t twice\n"
	"ffffffff81000300 t twice\n"
	"ffffffffc0000000 t vfio_group_put_bg\t[vfio]\n";

static int resolve(struct vs_targets *t, const char *text)
{
	FILE *file = fmemopen((void *)text, strlen(text), "r");
	int err = vs_targets__resolve(t, file);

	fclose(file);
	return err;
}

static void test_names_to_addresses(void **state)
{
	struct vs_targets t = {};

	(void)state;
	assert_int_equal(vs_targets__add(&t, "vfio_group_put_bg"), 0);
	assert_int_equal(vs_targets__add(&t, "twice"), 0);
	assert_int_equal(vs_targets__add(&t, "twice"), 0);
	assert_int_equal(vs_targets__add(&t, "do_work"), 0);
	assert_int_equal(vs_targets__add(&t, "nowhere"), 0);
	assert_int_equal(t.nr_names, 4);
	assert_int_equal(resolve(&t, symbols), 0);
	assert_int_equal(t.nr, 4);
	assert_int_equal(vs_targets__found(&t, 0), 1);
	assert_int_equal(vs_targets__found(&t, 1), 2);
	assert_int_equal(vs_targets__found(&t, 3), 0);
	assert_string_equal(vs_targets__name(&t, 0xffffffff81000300), "twice");
	assert_null(vs_targets__name(&t, 0xffffffff81000100));
	assert_null(vs_targets__name(&t, 0));
	/* The module is gone. */
	assert_int_equal(resolve(&t, "ffffffff81000000 T do_work\n"), 0);
	assert_int_equal(t.nr, 1);
	assert_int_equal(vs_targets__found(&t, 0), 0);
}

static void test_names_are_bounded(void **state)
{
	static char names[VS_LAT_TARGETS + 1][16];
	struct vs_targets t = {};
	char text[1024] = "";

	(void)state;
	for (int i = 0; i <= VS_LAT_TARGETS; i++) {
		snprintf(names[i], sizeof(names[i]), "f%d", i);
		assert_int_equal(vs_targets__add(&t, names[i]), i < VS_LAT_TARGETS ? 0 : -ENOSPC);
	}
	for (int i = 0; i < VS_LAT_TARGETS + 3; i++)
		sprintf(text + strlen(text), "ffffffff8100%04x t f0\n", i + 1);
	assert_int_equal(resolve(&t, text), 0);
	assert_int_equal(t.nr, VS_LAT_TARGETS);
	assert_int_equal(t.left_out, 3);
}

static void test_hidden_addresses(void **state)
{
	struct vs_targets t = {};

	(void)state;
	vs_targets__add(&t, "do_work");
	assert_int_equal(resolve(&t, "0000000000000000 T do_work\n"), -EPERM);
}

/* -- report -- */

static void fill(struct vs_lat_row *row, uint64_t wait, uint64_t run, int nr)
{
	for (int i = 0; i < nr; i++) {
		hist_add(&row->kinds[VS_LAT_WAIT], wait);
		hist_add(&row->kinds[VS_LAT_RUN], run);
		hist_add(&row->kinds[VS_LAT_TOTAL], wait + run);
	}
}

static const struct vs_split *split(const struct vs_report *r, enum vs_split_kind kind,
				    uint64_t func, int64_t value)
{
	for (size_t i = 0; i < r->nr_splits; i++)
		if (r->splits[i].kind == kind && r->splits[i].func == func &&
		    r->splits[i].value == value)
			return &r->splits[i];
	return NULL;
}

static void test_splits_add_up(void **state)
{
	struct vs_lat_row *cpus = calloc(2, sizeof(*cpus));
	struct vs_report r = { .deferred = true };
	struct vs_lat_key key = { .func = 0xa, .pool = 2 };
	struct vs_hist kinds[VS_LAT_KINDS];

	(void)state;
	fill(&cpus[0], 1000, 10, 3);
	fill(&cpus[1], 2000, 20, 5);
	vs_report__add_row(&r, &key, cpus, 2);
	key.released = 1;
	key.pool = 4;
	memset(&cpus[1], 0, sizeof(cpus[1]));
	vs_report__add_row(&r, &key, cpus, 2);
	vs_report__sort(&r);
	assert_int_equal(split(&r, VS_SPLIT_FUNC, 0xa, 0)->kinds[VS_LAT_TOTAL].count, 11);
	assert_int_equal(split(&r, VS_SPLIT_CPU, 0xa, 0)->kinds[VS_LAT_WAIT].count, 6);
	assert_int_equal(split(&r, VS_SPLIT_CPU, 0xa, 1)->kinds[VS_LAT_WAIT].count, 5);
	assert_int_equal(split(&r, VS_SPLIT_POOL, 0xa, 2)->kinds[VS_LAT_WAIT].count, 8);
	assert_int_equal(split(&r, VS_SPLIT_RELEASED, 0xa, 1)->kinds[VS_LAT_WAIT].count, 3);
	assert_null(split(&r, VS_SPLIT_POOL, 0xa, 3));
	vs_report__sum(&r, kinds);
	assert_int_equal(kinds[VS_LAT_WAIT].sum_ns, 6 * 1000 + 5 * 2000);
	assert_int_equal(kinds[VS_LAT_WAIT].max_ns, 2000);
	vs_report__clear(&r);
	assert_int_equal(r.nr_splits, 0);
	vs_report__free(&r);
	free(cpus);
}

static void test_most_waited_for_comes_first(void **state)
{
	struct vs_lat_row *cpu = calloc(1, sizeof(*cpu));
	struct vs_report r = { .all = true };
	struct vs_lat_key key = { .pool = -1 };

	(void)state;
	for (uint64_t func = 1; func <= 40; func++) {
		memset(cpu, 0, sizeof(*cpu));
		fill(cpu, func * 7 % 41, 1, 1);
		key.func = func;
		vs_report__add_row(&r, &key, cpu, 1);
	}
	vs_report__sort(&r);
	assert_int_equal(r.nr_splits, 40);
	for (size_t i = 1; i < r.nr_splits; i++)
		assert_true(r.splits[i - 1].kinds[VS_LAT_WAIT].sum_ns >=
			    r.splits[i].kinds[VS_LAT_WAIT].sum_ns);
	vs_report__free(&r);
	free(cpu);
}

static void test_each_loss_has_a_name_and_counts(void **state)
{
	struct vs_report r = {};

	(void)state;
	for (unsigned int i = 0; i < VS_LAT_LOSS_END; i++) {
		assert_non_null(vs_lat_loss__name(i));
		assert_non_null(vs_lat_loss__words(i));
		r.losses[i] = 2;
	}
	assert_int_equal(vs_report__lost(&r), 2 * VS_LAT_LOSS_END);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buckets_are_those_of_the_programs),
		cmocka_unit_test(test_bucket_holds_its_times),
		cmocka_unit_test(test_programs_add_as_user_space_does),
		cmocka_unit_test(test_percentiles_agree_with_samples),
		cmocka_unit_test(test_percentile_of_few),
		cmocka_unit_test(test_since_is_the_difference),
		cmocka_unit_test(test_backlog_keeps_its_peaks),
		cmocka_unit_test(test_backlog_after_a_long_silence),
		cmocka_unit_test(test_worst_are_sorted_and_bounded),
		cmocka_unit_test(test_overdue_is_told_once),
		cmocka_unit_test(test_overdue_becomes_lost),
		cmocka_unit_test(test_running_and_ended_works),
		cmocka_unit_test(test_no_alarm_without_limits),
		cmocka_unit_test(test_freed_first_is_a_bug),
		cmocka_unit_test(test_each_late_work_counts_once),
		cmocka_unit_test(test_names_to_addresses),
		cmocka_unit_test(test_names_are_bounded),
		cmocka_unit_test(test_hidden_addresses),
		cmocka_unit_test(test_splits_add_up),
		cmocka_unit_test(test_most_waited_for_comes_first),
		cmocka_unit_test(test_each_loss_has_a_name_and_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

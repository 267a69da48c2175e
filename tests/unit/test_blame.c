// SPDX-License-Identifier: GPL-2.0
/* What delayed a work, on made-up logs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "latency/blame.h"
#include "latency/print.h"

#define MS 1000000ull
#define CULPRIT 0xc0u
#define OTHER 0xc1u
#define VICTIM 0xf0u
#define POOL 2
#define PWQ 0x900u

struct scene {
	struct vs_lat_log entries[2][64];
	struct vs_cpu_log logs[2];
	struct vs_lat_event work;
	struct vs_blame blame;
	uint64_t watched_ns;	/* 0: all the time */
};

/* Queued at 0 (1 ns), activated at once, started at `start_ms` on cpu 1 by worker 50. */
static struct scene *new_scene(uint64_t start_ms)
{
	struct scene *s = calloc(1, sizeof(*s));

	for (int cpu = 0; cpu < 2; cpu++)
		s->logs[cpu].entries = s->entries[cpu];
	s->work = (struct vs_lat_event){
		.func = VICTIM, .cpu = 1, .tid = 50, .start_ns = start_ms * MS + 1,
		.q = { .queue_ns = 1, .activate_ns = 200, .pool = POOL, .pool_cpu = 1, .pwq = PWQ,
		       .nr_idle = 1, .max_active = 16, .number = -1 },
		.name = "events",
	};
	return s;
}

static void add(struct scene *s, int cpu, struct vs_lat_log entry)
{
	entry.time_ns = entry.time_ns * MS + 1;
	s->entries[cpu][s->logs[cpu].nr++] = entry;
}

#define LOG(cpu, ms, k, ...) add(s, cpu, (struct vs_lat_log){ .time_ns = ms, .what = k, __VA_ARGS__ })
#define WORKER .pool = POOL, .pwq = PWQ

static void explain(struct scene *s)
{
	uint64_t sum = 0;

	vs_blame__explain(&s->blame, &s->work, s->logs, 2, s->watched_ns);
	for (size_t i = 0; i < s->blame.nr; i++) {
		sum += s->blame.parts[i].ns;
		assert_true(!i || s->blame.parts[i - 1].ns >= s->blame.parts[i].ns);
	}
	assert_int_equal(sum, s->blame.delay_ns);
	assert_int_equal(s->blame.delay_ns, s->work.start_ns - s->work.q.queue_ns);
}

/* The time that `why` (and `func`) got, in ms. */
static uint64_t ms_of(const struct scene *s, enum vs_blame_why why, uint64_t func)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < s->blame.nr; i++)
		if (s->blame.parts[i].why == why && s->blame.parts[i].func == func)
			sum += s->blame.parts[i].ns;
	return (sum + MS / 2) / MS;
}

static bool name(void *ctx, uint64_t addr, char *buf, size_t size)
{
	(void)ctx;
	snprintf(buf, size, "%s", addr == CULPRIT ? "drm_fb_helper_damage_work" : "other_work");
	return true;
}

static void says(const struct scene *s, const char *expected)
{
	struct vs_latency_sink sink = { .opts.resolve = name };
	struct vs_worst_row row = { .work = s->work, .blame = s->blame };
	char words[800];

	vs_latency_words__blame(&sink, &row, words, sizeof(words));
	assert_string_equal(words, expected);
}

static void test_behind_a_work_without_a_switch(void **state)
{
	struct scene *s = new_scene(41);

	(void)state;
	LOG(1, 38, VS_LAT_END, WORKER, .tid = 50, .func = CULPRIT);
	LOG(1, 41, VS_LAT_START, WORKER, .tid = 50, .func = VICTIM);
	explain(s);
	assert_int_equal(ms_of(s, VS_BLAME_WORK, CULPRIT), 38);
	assert_int_equal(ms_of(s, VS_BLAME_WORKER, 0), 3);
	assert_int_equal(s->blame.ahead, 0);
	says(s, "delayed 41.0 ms: 38.0 ms behind drm_fb_helper_damage_work on pool 2 (cpu 1), "
		"3.0 ms worker wakeup");
	free(s);
}

static void test_works_one_after_the_other(void **state)
{
	struct scene *s = new_scene(30);

	(void)state;
	LOG(1, 10, VS_LAT_END, WORKER, .tid = 50, .func = CULPRIT);
	LOG(1, 10, VS_LAT_START, WORKER, .tid = 50, .func = OTHER);
	LOG(1, 25, VS_LAT_END, WORKER, .tid = 50, .func = OTHER);
	LOG(1, 25, VS_LAT_START, WORKER, .tid = 50, .func = CULPRIT);
	LOG(1, 30, VS_LAT_END, WORKER, .tid = 50, .func = CULPRIT);
	LOG(1, 30, VS_LAT_START, WORKER, .tid = 50, .func = VICTIM);
	explain(s);
	assert_int_equal(ms_of(s, VS_BLAME_WORK, CULPRIT), 15);
	assert_int_equal(ms_of(s, VS_BLAME_WORK, OTHER), 15);
	assert_int_equal(s->blame.ahead, 2);
	free(s);
}

/* The culprit goes to sleep: the pool's next worker takes over, the culprit never ends. */
static void test_culprit_that_sleeps_in_the_end(void **state)
{
	struct scene *s = new_scene(20);

	(void)state;
	LOG(1, 18, VS_LAT_SWITCH, WORKER, .tid = 49, .func = CULPRIT, .next_tid = 0);
	LOG(1, 19, VS_LAT_SWITCH, .pool = -1, .tid = 0, .next_tid = 50, .comm = "swapper/1");
	LOG(1, 20, VS_LAT_START, WORKER, .tid = 50, .func = VICTIM);
	explain(s);
	assert_int_equal(ms_of(s, VS_BLAME_WORK, CULPRIT), 18);
	assert_int_equal(ms_of(s, VS_BLAME_WORKER, 0), 2);
	free(s);
}

static void test_cpu_taken_by_a_task(void **state)
{
	struct scene *s = new_scene(50);

	(void)state;
	LOG(1, 40, VS_LAT_SWITCH, .pool = -1, .tid = 77, .comm = "spin", .next_tid = 50);
	LOG(1, 50, VS_LAT_START, WORKER, .tid = 50, .func = VICTIM);
	explain(s);
	assert_int_equal(ms_of(s, VS_BLAME_TASK, 0), 40);
	says(s, "delayed 50.0 ms: 40.0 ms CPU taken by spin[77], 10.0 ms worker wakeup");
	free(s);
}

static void test_cpu_taken_by_a_work_of_another_pool(void **state)
{
	struct scene *s = new_scene(12);

	(void)state;
	LOG(1, 12, VS_LAT_SWITCH, .pool = 3, .tid = 60, .func = CULPRIT, .next_tid = 50);
	LOG(1, 12, VS_LAT_START, WORKER, .tid = 50, .func = VICTIM);
	explain(s);
	assert_int_equal(ms_of(s, VS_BLAME_OTHER_POOL, CULPRIT), 12);
	says(s, "delayed 12.0 ms: 12.0 ms CPU taken by drm_fb_helper_damage_work on pool 3");
	free(s);
}

static void test_no_idle_worker(void **state)
{
	struct scene *s = new_scene(5);

	(void)state;
	s->work.q.nr_idle = 0;
	LOG(1, 4, VS_LAT_SWITCH, .pool = -1, .tid = 0, .next_tid = 50, .comm = "swapper/1");
	LOG(1, 5, VS_LAT_START, WORKER, .tid = 50, .func = VICTIM);
	explain(s);
	assert_int_equal(ms_of(s, VS_BLAME_NO_WORKER, 0), 4);
	free(s);
}

static void test_behind_max_active(void **state)
{
	struct scene *s = new_scene(60);

	(void)state;
	s->work.q.activate_ns = 59 * MS + 1;
	s->work.q.nr_active = s->work.q.max_active = 1;
	s->work.tid = 51;
	/* It sleeps: the CPU is idle, or does other things. */
	LOG(1, 1, VS_LAT_START, WORKER, .tid = 51, .func = CULPRIT);
	LOG(1, 2, VS_LAT_SWITCH, WORKER, .tid = 51, .func = CULPRIT, .next_tid = 0);
	LOG(1, 30, VS_LAT_SWITCH, .pool = -1, .tid = 0, .next_tid = 99);
	LOG(1, 40, VS_LAT_SWITCH, .pool = -1, .tid = 99, .next_tid = 51, .comm = "bystander");
	LOG(1, 59, VS_LAT_END, WORKER, .tid = 51, .func = CULPRIT);
	LOG(1, 60, VS_LAT_START, WORKER, .tid = 51, .func = VICTIM);
	explain(s);
	assert_true(s->blame.at_max_active);
	assert_int_equal(ms_of(s, VS_BLAME_HELD, CULPRIT), 58);
	assert_int_equal(ms_of(s, VS_BLAME_TASK, 0), 0);
	says(s, "delayed 60.0 ms: 58.0 ms behind max_active 1 of events, held by "
		"drm_fb_helper_damage_work on pool 2 (cpu 1), 2.0 ms worker wakeup; "
		"1 work of its pool went first");
	free(s);
}

/* Slow to be activated, but there was room: no place was waited for. */
static void test_room_below_max_active(void **state)
{
	struct scene *s = new_scene(10);

	(void)state;
	s->work.q.activate_ns = MS + 1;
	LOG(1, 10, VS_LAT_END, WORKER, .tid = 50, .func = CULPRIT);
	LOG(1, 10, VS_LAT_START, WORKER, .tid = 50, .func = VICTIM);
	explain(s);
	assert_false(s->blame.at_max_active);
	assert_int_equal(ms_of(s, VS_BLAME_WORK, CULPRIT), 10);
	/* An unbound pool of v6.9 and later does not tell: the time has to. */
	s->work.q.max_active = -1;
	explain(s);
	assert_true(s->blame.at_max_active);
	free(s);
}

/* Two kinds of works hold the places, for different times: each moment is shared. */
static void test_max_active_is_shared(void **state)
{
	struct scene *s = new_scene(40);

	(void)state;
	s->work.q.activate_ns = 40 * MS + 1;
	s->work.q.nr_active = 16;
	/* Both began before the log did: only their ends are there. */
	LOG(1, 20, VS_LAT_END, WORKER, .tid = 51, .func = OTHER);
	LOG(1, 40, VS_LAT_END, WORKER, .tid = 52, .func = CULPRIT);
	LOG(1, 40, VS_LAT_START, WORKER, .tid = 52, .func = VICTIM);
	explain(s);
	assert_int_equal(ms_of(s, VS_BLAME_HELD, OTHER), 10);
	assert_int_equal(ms_of(s, VS_BLAME_HELD, CULPRIT), 30);
	free(s);
}

/* Works of another workqueue on the same pool hold no place of this one. */
static void test_max_active_is_of_one_workqueue(void **state)
{
	struct scene *s = new_scene(20);

	(void)state;
	s->work.q.activate_ns = 20 * MS + 1;
	s->work.q.nr_active = 16;
	LOG(1, 10, VS_LAT_END, .pool = POOL, .pwq = 0x800, .tid = 51, .func = OTHER);
	LOG(1, 20, VS_LAT_END, WORKER, .tid = 51, .func = CULPRIT);
	LOG(1, 20, VS_LAT_START, WORKER, .tid = 51, .func = VICTIM);
	explain(s);
	assert_int_equal(ms_of(s, VS_BLAME_HELD, OTHER), 0);
	assert_int_equal(ms_of(s, VS_BLAME_HELD, CULPRIT), 20);
	free(s);
}

/* The holder of the one place waits itself: for whatever has the CPU. */
static void test_holder_that_waits(void **state)
{
	struct scene *s = new_scene(30);

	(void)state;
	s->work.q.activate_ns = 30 * MS + 1;
	s->work.q.nr_active = 16;
	LOG(1, 20, VS_LAT_SWITCH, .pool = -1, .tid = 77, .comm = "spin", .next_tid = 51);
	LOG(1, 20, VS_LAT_START, WORKER, .tid = 51, .func = CULPRIT);
	LOG(1, 30, VS_LAT_END, WORKER, .tid = 51, .func = CULPRIT);
	LOG(1, 30, VS_LAT_START, WORKER, .tid = 51, .func = VICTIM);
	explain(s);
	assert_int_equal(ms_of(s, VS_BLAME_TASK, 0), 20);
	assert_int_equal(ms_of(s, VS_BLAME_HELD, CULPRIT), 10);
	free(s);
}

static void test_unbound_pool_goes_by_the_cpu_of_the_start(void **state)
{
	struct scene *s = new_scene(9);

	(void)state;
	s->work.q.pool_cpu = -1;
	s->work.cpu = 0;
	LOG(1, 9, VS_LAT_SWITCH, .pool = -1, .tid = 1, .comm = "elsewhere", .next_tid = 2);
	LOG(0, 9, VS_LAT_SWITCH, .pool = -1, .tid = 77, .comm = "spin", .next_tid = 50);
	LOG(0, 9, VS_LAT_START, WORKER, .tid = 50, .func = VICTIM);
	explain(s);
	says(s, "delayed 9.0 ms: 9.0 ms CPU taken by spin[77]");
	free(s);
}

static void test_what_was_written_over_is_not_explained(void **state)
{
	struct scene *s = new_scene(50);

	(void)state;
	s->logs[1].cut = true;
	LOG(1, 30, VS_LAT_END, WORKER, .tid = 50, .func = CULPRIT);
	LOG(1, 50, VS_LAT_START, WORKER, .tid = 50, .func = VICTIM);
	explain(s);
	assert_int_equal(ms_of(s, VS_BLAME_UNKNOWN, 0), 30);
	assert_int_equal(ms_of(s, VS_BLAME_WORK, CULPRIT), 0);
	free(s);
}

static void test_no_log_at_all(void **state)
{
	struct scene *s = new_scene(7);

	(void)state;
	explain(s);
	says(s, "delayed 7.0 ms: 7.0 ms not explained");
	s->work.q.pool_cpu = 4711;	/* no such CPU */
	explain(s);
	assert_int_equal(ms_of(s, VS_BLAME_UNKNOWN, 0), 7);
	vs_blame__explain(&s->blame, &s->work, NULL, 0, 0);
	assert_int_equal(ms_of(s, VS_BLAME_UNKNOWN, 0), 7);
	free(s);
}

/* Attached when 10 ms of 50 were over: the CPU's log begins later. */
static void test_what_was_not_watched_is_told_apart(void **state)
{
	struct scene *s = new_scene(50);

	(void)state;
	s->watched_ns = 10 * MS + 1;
	LOG(1, 30, VS_LAT_END, WORKER, .tid = 50, .func = CULPRIT);
	LOG(1, 50, VS_LAT_START, WORKER, .tid = 50, .func = VICTIM);
	explain(s);
	assert_int_equal(ms_of(s, VS_BLAME_UNWATCHED, 0), 10);
	assert_int_equal(ms_of(s, VS_BLAME_WORK, CULPRIT), 20);
	assert_int_equal(ms_of(s, VS_BLAME_WORKER, 0), 20);
	s->watched_ns = UINT64_MAX;
	explain(s);
	assert_int_equal(ms_of(s, VS_BLAME_UNWATCHED, 0), 50);
	assert_int_equal(s->blame.nr, 1);
	free(s);
}

/* Held at max_active before blame was attached, and after. */
static void test_max_active_half_watched(void **state)
{
	struct scene *s = new_scene(50);

	(void)state;
	s->work.q.nr_active = s->work.q.max_active;
	s->work.q.activate_ns = 40 * MS + 1;
	s->watched_ns = 15 * MS + 1;
	LOG(1, 40, VS_LAT_END, WORKER, .tid = 60, .func = CULPRIT);
	LOG(1, 50, VS_LAT_START, WORKER, .tid = 50, .func = VICTIM);
	explain(s);
	assert_int_equal(ms_of(s, VS_BLAME_UNWATCHED, 0), 15);
	assert_int_equal(ms_of(s, VS_BLAME_HELD, CULPRIT), 25);
	assert_true(s->blame.at_max_active);
	free(s);
}

static void test_many_culprits_still_add_up(void **state)
{
	struct scene *s = new_scene(60);

	(void)state;
	for (uint32_t i = 1; i <= 60; i++)
		LOG(1, i, VS_LAT_SWITCH, .pool = -1, .tid = 100 + i, .next_tid = 101 + i);
	explain(s);
	assert_int_equal(s->blame.nr, VS_BLAME_PARTS);
	free(s);
}

/* -- cutting a log -- */

static struct vs_lat_cpu_log *new_log(uint64_t nr)
{
	struct vs_lat_cpu_log *log = calloc(1, sizeof(*log));

	for (uint64_t i = 0; i < nr; i++)
		log->entries[i % VS_LAT_LOG] = (struct vs_lat_log){ .time_ns = i * 10, .tid = i };
	log->position = nr;
	return log;
}

static void check_slice(uint64_t nr, uint64_t from, uint64_t to, size_t expected, uint64_t first,
			bool cut_expected)
{
	struct vs_lat_cpu_log *log = new_log(nr);
	struct vs_lat_log *out = calloc(VS_LAT_LOG, sizeof(*out));
	bool cut;

	assert_int_equal(vs_blame__slice(log, from, to, out, &cut), expected);
	assert_int_equal(cut, cut_expected);
	for (size_t i = 0; i < expected; i++)
		assert_int_equal(out[i].time_ns, first + 10 * i);
	free(out);
	free(log);
}

static void test_slice(void **state)
{
	(void)state;
	check_slice(0, 0, 100, 0, 0, false);
	check_slice(100, 200, 300, 11, 200, false);
	check_slice(100, 0, 5000, 100, 0, false);
	check_slice(100, 5000, 6000, 0, 0, false);
	/* 1000 entries were written over: the oldest of the others may be being written. */
	check_slice(VS_LAT_LOG + 1000, 0, 100000000, VS_LAT_LOG - 2, 10020, true);
	check_slice(VS_LAT_LOG + 1000, 20000, 20100, 11, 20000, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_behind_a_work_without_a_switch),
		cmocka_unit_test(test_works_one_after_the_other),
		cmocka_unit_test(test_culprit_that_sleeps_in_the_end),
		cmocka_unit_test(test_cpu_taken_by_a_task),
		cmocka_unit_test(test_cpu_taken_by_a_work_of_another_pool),
		cmocka_unit_test(test_no_idle_worker),
		cmocka_unit_test(test_behind_max_active),
		cmocka_unit_test(test_room_below_max_active),
		cmocka_unit_test(test_max_active_is_shared),
		cmocka_unit_test(test_max_active_is_of_one_workqueue),
		cmocka_unit_test(test_holder_that_waits),
		cmocka_unit_test(test_unbound_pool_goes_by_the_cpu_of_the_start),
		cmocka_unit_test(test_what_was_written_over_is_not_explained),
		cmocka_unit_test(test_no_log_at_all),
		cmocka_unit_test(test_what_was_not_watched_is_told_apart),
		cmocka_unit_test(test_max_active_half_watched),
		cmocka_unit_test(test_many_culprits_still_add_up),
		cmocka_unit_test(test_slice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0
/* Records of several rings, brought into one order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bpf/events.h"
#include "probe/merge.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define MAX_RECORDS 200000
#define MAX_TAIL 64

/* A record whose length and tail follow from its number, so that a mix-up shows. */
struct sample {
	struct vs_event e;
	unsigned char tail[MAX_TAIL];
};

/* What drain handed over: times and the numbers that the records carry. */
struct seen {
	uint64_t times[MAX_RECORDS];
	uint64_t ids[MAX_RECORDS];
	size_t nr;
};

static struct seen seen;
static uint32_t random_state;

static uint32_t next_random(void)
{
	random_state = random_state * 1664525 + 1013904223;
	return random_state >> 8;
}

static size_t tail_of(uint64_t id)
{
	return id * 7 % (MAX_TAIL + 1);
}

static void add(struct vs_merge *m, uint64_t time_ns, uint64_t id)
{
	struct sample s = { .e = { .time_ns = time_ns, .object = id } };
	size_t tail = tail_of(id);

	memset(s.tail, (int)(id & 0xff), tail);
	assert_int_equal(vs_merge__add(m, time_ns, &s, sizeof(s.e) + tail), 0);
}

static void note(void *ctx, const void *record, size_t len)
{
	struct seen *to = ctx;
	struct sample s;

	assert_in_range(len, sizeof(s.e), sizeof(s));
	memcpy(&s, record, len);
	assert_int_equal(len, sizeof(s.e) + tail_of(s.e.object));
	for (size_t i = 0; i < len - sizeof(s.e); i++)
		assert_int_equal(s.tail[i], s.e.object & 0xff);
	assert_true(to->nr < MAX_RECORDS);
	to->times[to->nr] = s.e.time_ns;
	to->ids[to->nr++] = s.e.object;
}

static size_t drain(struct vs_merge *m, uint64_t until_ns)
{
	size_t before = seen.nr;
	size_t nr = vs_merge__drain(m, until_ns, note, &seen);

	assert_int_equal(seen.nr - before, nr);
	return nr;
}

static void assert_ids(const uint64_t *ids, size_t nr)
{
	assert_int_equal(seen.nr, nr);
	for (size_t i = 0; i < nr; i++)
		assert_int_equal(seen.ids[i], ids[i]);
}

static int setup(void **state)
{
	memset(&seen, 0, sizeof(seen));
	*state = vs_merge__new();
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	vs_merge__free(*state);
	return 0;
}

static void test_empty(void **state)
{
	assert_int_equal(drain(*state, UINT64_MAX), 0);
	assert_int_equal(vs_merge__held(*state), 0);
	vs_merge__free(NULL);
}

static void test_rings_interleave(void **state)
{
	static const uint64_t order[] = { 1, 4, 2, 5, 6, 3 };

	add(*state, 10, 1);
	add(*state, 30, 2);
	add(*state, 60, 3);
	add(*state, 20, 4);
	add(*state, 40, 5);
	add(*state, 50, 6);
	assert_int_equal(vs_merge__held(*state), 6);
	assert_int_equal(drain(*state, UINT64_MAX), 6);
	assert_ids(order, ARRAY_SIZE(order));
	assert_int_equal(vs_merge__held(*state), 0);
}

static void test_equal_times_keep_arrival(void **state)
{
	for (uint64_t id = 1; id <= 500; id++)
		add(*state, 7, id);
	assert_int_equal(drain(*state, UINT64_MAX), 500);
	for (size_t i = 0; i < 500; i++)
		assert_int_equal(seen.ids[i], i + 1);
}

/* Those that came before a drain go before those that came after it. */
static void test_equal_times_across_drains(void **state)
{
	static const uint64_t order[] = { 1, 2, 3, 4, 5 };

	add(*state, 5, 1);
	add(*state, 9, 2);
	add(*state, 9, 3);
	assert_int_equal(drain(*state, 9), 1);
	add(*state, 9, 4);
	add(*state, 9, 5);
	assert_int_equal(drain(*state, UINT64_MAX), 4);
	assert_ids(order, ARRAY_SIZE(order));
}

static void test_until_is_exclusive(void **state)
{
	static const uint64_t order[] = { 1, 2, 3 };

	add(*state, 100, 2);
	add(*state, 99, 1);
	add(*state, 101, 3);
	assert_int_equal(drain(*state, 99), 0);
	assert_int_equal(vs_merge__held(*state), 3);
	assert_int_equal(drain(*state, 100), 1);
	assert_int_equal(drain(*state, 101), 1);
	assert_int_equal(drain(*state, 102), 1);
	assert_ids(order, ARRAY_SIZE(order));
}

static void test_zero_hands_over_nothing(void **state)
{
	add(*state, 0, 1);
	assert_int_equal(drain(*state, 0), 0);
	assert_int_equal(vs_merge__held(*state), 1);
	assert_int_equal(drain(*state, 1), 1);
}

static void test_copies_the_record(void **state)
{
	struct vs_event e = { .time_ns = 3, .object = 0 };

	assert_int_equal(vs_merge__add(*state, e.time_ns, &e, sizeof(e)), 0);
	memset(&e, 0xff, sizeof(e));
	assert_int_equal(drain(*state, UINT64_MAX), 1);
	assert_int_equal(seen.times[0], 3);
}

struct expected {
	uint64_t time_ns, id;
};

static int by_time_then_id(const void *a, const void *b)
{
	const struct expected *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

/* What a drain until `until` had to hand over of `held`: a plain sort, then a cut. */
static void assert_drained(struct expected *held, size_t *nr, uint64_t until,
			   const struct seen *got)
{
	size_t cut = 0;

	qsort(held, *nr, sizeof(*held), by_time_then_id);
	while (cut < *nr && held[cut].time_ns < until)
		cut++;
	assert_int_equal(got->nr, cut);
	for (size_t i = 0; i < cut; i++) {
		assert_int_equal(got->times[i], held[i].time_ns);
		assert_int_equal(got->ids[i], held[i].id);
	}
	*nr -= cut;
	memmove(held, held + cut, *nr * sizeof(*held));
}

/* Any times, some late, some twice; drains that leave something, nothing or all. */
static void round_of_drains(struct vs_merge *m, uint64_t *id)
{
	struct expected held[512];
	uint64_t now = next_random() % 1000, until;
	size_t nr = 0;

	for (int drains = 1 + next_random() % 8; drains; drains--) {
		for (int adds = next_random() % 40; adds; adds--) {
			held[nr] = (struct expected){ now + next_random() % 64, ++*id };
			add(m, held[nr].time_ns, *id);
			nr++;
		}
		until = drains == 1 ? UINT64_MAX : now + next_random() % 96;
		seen.nr = 0;
		drain(m, until);
		assert_drained(held, &nr, until, &seen);
		assert_int_equal(vs_merge__held(m), nr);
		now += next_random() % 48;
	}
	assert_int_equal(nr, 0);
}

static void test_like_a_plain_sort(void **state)
{
	uint64_t id = 0;

	random_state = 20260722;
	for (int i = 0; i < 1000; i++)
		round_of_drains(*state, &id);
	assert_in_range(id, 50000, 200000);
}

/* Four rings of 40,000, drained each 1,000 with the newest held back. */
static void test_big_volume(void **state)
{
	const uint64_t per_ring = 40000;
	size_t total = 0;

	for (uint64_t i = 0; i < per_ring; i++) {
		for (uint64_t ring = 0; ring < 4; ring++)
			add(*state, 100 * i + 25 * (3 - ring), 4 * i + ring);
		if (i % 1000 == 999)
			total += drain(*state, 100 * (i - 10));
	}
	assert_int_equal(vs_merge__held(*state), 4 * 11);
	total += drain(*state, UINT64_MAX);
	assert_int_equal(total, 4 * per_ring);
	for (size_t i = 1; i < total; i++)
		assert_int_equal(seen.times[i] - seen.times[i - 1], 25);
}

static void test_big_volume_at_once(void **state)
{
	for (uint64_t i = 0; i < MAX_RECORDS; i++)
		add(*state, MAX_RECORDS - i, i);
	assert_int_equal(drain(*state, MAX_RECORDS / 2), MAX_RECORDS / 2 - 1);
	assert_int_equal(drain(*state, UINT64_MAX), MAX_RECORDS / 2 + 1);
	for (size_t i = 0; i < MAX_RECORDS; i++)
		assert_int_equal(seen.times[i], i + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_empty),
		TEST(test_rings_interleave),
		TEST(test_equal_times_keep_arrival),
		TEST(test_equal_times_across_drains),
		TEST(test_until_is_exclusive),
		TEST(test_zero_hands_over_nothing),
		TEST(test_copies_the_record),
		TEST(test_like_a_plain_sort),
		TEST(test_big_volume),
		TEST(test_big_volume_at_once),
	};

	return cmocka_run_group_tests_name("merge", tests, NULL, NULL);
}

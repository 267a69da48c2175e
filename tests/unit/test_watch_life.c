// SPDX-License-Identifier: GPL-2.0
/* When a watched group is gone: by its release, however late it is told, or by not being found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "probe/watch_life.h"

#define GROUP 0xffff888004a1c000ull
#define OTHER 0xffff888004a1d000ull
#define SECOND 1000000000ull

static void release_after_birth_is_known(void **state)
{
	struct vs_releases r = { 0 };

	(void)state;
	assert_false(vs_releases__since(&r, GROUP, 10));
	vs_releases__add(&r, GROUP, 20);
	assert_true(vs_releases__since(&r, GROUP, 10));
	assert_false(vs_releases__since(&r, OTHER, 10));
}

static void release_of_an_earlier_life_is_not(void **state)
{
	struct vs_releases r = { 0 };

	(void)state;
	vs_releases__add(&r, GROUP, 20);
	assert_false(vs_releases__since(&r, GROUP, 30));
	vs_releases__add(&r, GROUP, 40);
	assert_true(vs_releases__since(&r, GROUP, 30));
	vs_releases__add(&r, GROUP, 25);	/* fetched late, from another CPU */
	assert_true(vs_releases__since(&r, GROUP, 30));
}

static void without_room_it_may_have_been(void **state)
{
	struct vs_releases r = { 0 };

	(void)state;
	vs_releases__add(&r, GROUP, 20);
	for (uint64_t i = 0; i < VS_RELEASES; i++)
		vs_releases__add(&r, OTHER + i * 4096, 100 + i);
	assert_true(vs_releases__since(&r, GROUP, 10));
	assert_false(vs_releases__since(&r, GROUP, 20));
	assert_true(vs_releases__since(&r, OTHER, 50));
}

static void found_is_alive(void **state)
{
	struct vs_watch_life life = { .group = GROUP, .seen_seq = 5 };
	uint64_t groups[] = { OTHER, GROUP };

	(void)state;
	for (uint64_t s = 1; s < 5; s++)
		assert_false(vs_watch_life__is_over(&life, groups, 2, s * SECOND, s * SECOND));
}

static void absent_for_long_is_gone(void **state)
{
	struct vs_watch_life life = { .group = GROUP, .seen_seq = 5 };
	uint64_t groups[] = { OTHER, GROUP };

	(void)state;
	assert_false(vs_watch_life__is_over(&life, groups, 1, SECOND, SECOND));
	assert_false(vs_watch_life__is_over(&life, groups, 1, SECOND + SECOND / 10, SECOND + SECOND / 10));
	assert_false(vs_watch_life__is_over(&life, groups, 2, 2 * SECOND, 2 * SECOND));	/* it was in creation */
	assert_false(vs_watch_life__is_over(&life, groups, 1, 3 * SECOND, 3 * SECOND));
	assert_true(vs_watch_life__is_over(&life, groups, 1, 4 * SECOND, 4 * SECOND));
}

static void nothing_exists(void **state)
{
	struct vs_watch_life life = { .group = GROUP, .seen_seq = 5 };

	(void)state;
	assert_false(vs_watch_life__is_over(&life, NULL, 0, SECOND, SECOND));
	assert_true(vs_watch_life__is_over(&life, NULL, 0, 2 * SECOND, 2 * SECOND));
}

static void older_look_says_nothing(void **state)
{
	struct vs_watch_life life = { .group = GROUP, .seen_seq = 3 * SECOND };

	(void)state;
	assert_false(vs_watch_life__is_over(&life, NULL, 0, 2 * SECOND, 2 * SECOND));
	assert_int_equal(life.absent_ns, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(release_after_birth_is_known),
		cmocka_unit_test(release_of_an_earlier_life_is_not),
		cmocka_unit_test(without_room_it_may_have_been),
		cmocka_unit_test(found_is_alive),
		cmocka_unit_test(absent_for_long_is_gone),
		cmocka_unit_test(nothing_exists),
		cmocka_unit_test(older_look_says_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

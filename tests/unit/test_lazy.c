// SPDX-License-Identifier: GPL-2.0
/* When late mode attaches and detaches, and when a sample is taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bpf/latency.h"
#include "latency/lazy.h"
#include "latency/places.h"
#include "latency/sampler.h"

#define MS 1000000ull
#define SECOND (1000 * MS)

/* -- late mode -- */

static void test_sleeps_until_it_is_woken(void **state)
{
	struct vs_lazy lazy = {};

	(void)state;
	assert_int_equal(vs_lazy__next(&lazy, SECOND), UINT64_MAX);
	vs_lazy__woken(&lazy, SECOND);
	assert_int_equal(vs_lazy__next(&lazy, SECOND), VS_LAZY_LOOK_NS);
	/* The programs wake it no more often than this: until then it has to look. */
	assert_int_equal(vs_lazy__next(&lazy, SECOND + VS_LAT_WAKE_EVERY_NS), VS_LAZY_LOOK_NS);
	assert_int_equal(vs_lazy__next(&lazy, 2 * SECOND), UINT64_MAX);
}

static void test_short_waits_attach_nothing(void **state)
{
	struct vs_lazy lazy = {};

	(void)state;
	vs_lazy__woken(&lazy, SECOND);
	for (uint64_t now = SECOND; now < 2 * SECOND; now += MS)
		assert_int_equal(vs_lazy__look(&lazy, now, now / MS % 2), VS_LAZY_NOTHING);
}

static void test_long_wait_attaches_once(void **state)
{
	struct vs_lazy lazy = {};

	(void)state;
	vs_lazy__woken(&lazy, SECOND);
	assert_int_equal(vs_lazy__look(&lazy, SECOND, true), VS_LAZY_NOTHING);
	assert_int_equal(vs_lazy__look(&lazy, SECOND + MS, true), VS_LAZY_NOTHING);
	assert_int_equal(vs_lazy__look(&lazy, SECOND + 2 * MS, true), VS_LAZY_ATTACH);
	assert_int_equal(vs_lazy__look(&lazy, SECOND + 3 * MS, true), VS_LAZY_NOTHING);
	assert_int_equal(vs_lazy__next(&lazy, SECOND + 3 * MS), VS_LAZY_SELDOM_NS);
}

static void test_detaches_when_nothing_has_waited_for_long(void **state)
{
	struct vs_lazy lazy = {};

	(void)state;
	vs_lazy__look(&lazy, SECOND, true);
	assert_int_equal(vs_lazy__look(&lazy, SECOND + 5 * MS, true), VS_LAZY_ATTACH);
	assert_int_equal(vs_lazy__look(&lazy, 2 * SECOND, false), VS_LAZY_NOTHING);
	/* A wait of any length keeps it. */
	assert_int_equal(vs_lazy__look(&lazy, 2 * SECOND + MS, true), VS_LAZY_NOTHING);
	assert_int_equal(vs_lazy__look(&lazy, 4 * SECOND, false), VS_LAZY_NOTHING);
	assert_int_equal(vs_lazy__look(&lazy, 5 * SECOND, false), VS_LAZY_DETACH);
	assert_int_equal(vs_lazy__look(&lazy, 6 * SECOND, false), VS_LAZY_NOTHING);
}

/* -- samples -- */

static void test_a_window_of_each_n(void **state)
{
	struct vs_sampler s = { .n = 4 };
	uint64_t attached = 0, windows = 0;

	(void)state;
	for (uint64_t now = SECOND; now < 11 * SECOND; now += 10 * MS) {
		enum vs_sampler_step step = vs_sampler__look(&s, now, true);

		windows += step == VS_SAMPLER_OPEN;
		attached += vs_sampler__attached(&s) ? 10 * MS : 0;
		assert_true(vs_sampler__next(&s, now) > 0);
	}
	assert_in_range(windows, 9, 11);
	assert_in_range(attached, 2400 * MS, 2900 * MS);
}

static void test_a_window_is_open_until_its_works_have_ended(void **state)
{
	struct vs_sampler s = { .n = 4 };

	(void)state;
	assert_int_equal(vs_sampler__look(&s, SECOND, false), VS_SAMPLER_OPEN);
	assert_int_equal(vs_sampler__look(&s, SECOND + VS_SAMPLER_WINDOW_NS, false),
			 VS_SAMPLER_NO_MORE);
	assert_int_equal(vs_sampler__look(&s, SECOND + VS_SAMPLER_WINDOW_NS + MS, false),
			 VS_SAMPLER_NOTHING);
	assert_int_equal(vs_sampler__look(&s, SECOND + VS_SAMPLER_WINDOW_NS + 2 * MS, true),
			 VS_SAMPLER_CLOSE);
	assert_false(vs_sampler__attached(&s));
	assert_int_equal(s.cut, 0);
}

static void test_works_that_do_not_end_are_cut(void **state)
{
	struct vs_sampler s = { .n = 4 };

	(void)state;
	vs_sampler__look(&s, SECOND, false);
	vs_sampler__look(&s, SECOND + VS_SAMPLER_WINDOW_NS, false);
	assert_int_equal(vs_sampler__look(&s, SECOND + 2 * VS_SAMPLER_WINDOW_NS, false),
			 VS_SAMPLER_CLOSE);
	assert_int_equal(s.cut, 1);
}

/* -- where a deferred put is seen -- */

static struct vs_kmod_func funcs[] = {
	{ .name = "vfio_iommu_group_notifier", .section = ".text", .size = 0x200 },
	{ .name = "vfio_group_put_bg", .section = ".text", .section_off = 0x300, .size = 0x35 },
	{ .name = "vfio_create_group", .section = ".text", .section_off = 0x400, .size = 0x100 },
};

static struct vs_kmod_site sites[] = {
	{ .kind = VS_SITE_CALL, .func = 0, .func_off = 0x115, .callee = "queue_work_on" },
	{ .kind = VS_SITE_CALL, .func = 2, .func_off = 0x20, .callee = "kfree" },
	{ .kind = VS_SITE_CALL, .func = 1, .func_off = 0x30, .callee = "kfree" },
};

static struct vs_facts new_facts(void)
{
	return (struct vs_facts){
		.machine = "x86_64", .kprobe_pmu = true, .ftrace_enabled = 1, .vfio_file = true,
		.vfio = { .funcs = funcs, .nr_funcs = 3, .sites = sites, .nr_sites = 3 },
	};
}

static const struct vs_probe *probe(const struct vs_plan *plan, const char *program)
{
	for (size_t i = 0; i < plan->nr_probes; i++)
		if (!strcmp(plan->probes[i].program, program))
			return &plan->probes[i];
	return NULL;
}

static void test_places(void **state)
{
	struct vs_facts facts = new_facts();
	struct vs_plan places;

	(void)state;
	assert_true(vs_places__find(&facts, &places));
	assert_int_equal(places.nr_probes, 4);
	assert_int_equal(probe(&places, "put_queue")->offset, 0x115);
	assert_int_equal(probe(&places, "put_queued")->offset, 0x11a);
	assert_int_equal(probe(&places, "put_start")->offset, 0);
	assert_int_equal(probe(&places, "put_end")->offset, 0x30);
	assert_ptr_equal(probe(&places, "put_end")->func, &funcs[1]);
	vs_plan__free(&places);
}

/* One that is not there makes all of them useless. */
static void test_places_all_or_none(void **state)
{
	struct vs_facts facts = new_facts();
	struct vs_plan places;

	(void)state;
	facts.vfio.nr_sites = 2;
	assert_false(vs_places__find(&facts, &places));
	assert_int_equal(places.nr_probes, 0);
	facts = new_facts();
	facts.ftrace_enabled = 0;
	assert_false(vs_places__find(&facts, &places));
	facts = new_facts();
	facts.vfio_file = false;
	assert_false(vs_places__find(&facts, &places));
}

/* On other machines, and behind a jump at the end of a function, nothing can be read. */
static void test_place_behind_the_call_is_optional(void **state)
{
	struct vs_facts facts = new_facts();
	struct vs_plan places;

	(void)state;
	strcpy(facts.machine, "aarch64");
	assert_true(vs_places__find(&facts, &places));
	assert_null(probe(&places, "put_queued"));
	vs_plan__free(&places);
	facts = new_facts();
	funcs[0].size = 0x11a;
	assert_true(vs_places__find(&facts, &places));
	assert_null(probe(&places, "put_queued"));
	vs_plan__free(&places);
	funcs[0].size = 0x200;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sleeps_until_it_is_woken),
		cmocka_unit_test(test_short_waits_attach_nothing),
		cmocka_unit_test(test_long_wait_attaches_once),
		cmocka_unit_test(test_detaches_when_nothing_has_waited_for_long),
		cmocka_unit_test(test_a_window_of_each_n),
		cmocka_unit_test(test_a_window_is_open_until_its_works_have_ended),
		cmocka_unit_test(test_works_that_do_not_end_are_cut),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_places_all_or_none),
		cmocka_unit_test(test_place_behind_the_call_is_optional),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

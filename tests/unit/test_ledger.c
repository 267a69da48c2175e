// SPDX-License-Identifier: GPL-2.0
/* The bounded table, group identity, histories, tasks and deferred puts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/lru.h"
#include "ledger/comms.h"
#include "ledger/deferred.h"
#include "ledger/groups.h"
#include "ledger/tasks.h"
#include "scenario.h"

static void count_drop(void *ctx, void *value)
{
	(void)value;
	++*(int *)ctx;
}

static void lru_evicts_the_longest_unused(void **state)
{
	int drops = 0;
	struct vs_lru *l = vs_lru__new(3, sizeof(int), count_drop, &drops);

	(void)state;
	for (uint64_t key = 1; key <= 3; key++)
		*(int *)vs_lru__add(l, key) = (int)key;
	assert_non_null(vs_lru__find(l, 1));
	assert_non_null(vs_lru__add(l, 4));
	assert_null(vs_lru__find(l, 2));
	assert_int_equal(*(int *)vs_lru__find(l, 1), 1);
	assert_int_equal(vs_lru__evicted(l), 1);
	assert_int_equal(vs_lru__count(l), 3);
	vs_lru__free(l);
	assert_int_equal(drops, 4);
}

static void lru_holds_many_and_keeps_them_in_place(void **state)
{
	struct vs_lru *l = vs_lru__new(1000, sizeof(uint64_t), NULL, NULL);
	uint64_t *first = vs_lru__add(l, 0);
	size_t seen = 0;

	(void)state;
	for (uint64_t key = 1; key < 1000; key++)
		*(uint64_t *)vs_lru__add(l, key * 4096) = key;
	assert_ptr_equal(vs_lru__find(l, 0), first);
	for (uint64_t key = 1; key < 1000; key += 2)
		vs_lru__del(l, key * 4096);
	for (uint64_t key = 2; key < 1000; key += 2)
		assert_int_equal(*(uint64_t *)vs_lru__find(l, key * 4096), key);
	for (void *v = NULL; (v = vs_lru__next(l, v)); )
		seen++;
	assert_int_equal(seen, 500);
	vs_lru__rekey(l, 0, 7);
	assert_ptr_equal(vs_lru__find(l, 7), first);
	assert_null(vs_lru__find(l, 0));
	assert_int_equal(vs_lru__evicted(l), 0);
	vs_lru__free(l);
}

static void comms_are_kept_once(void **state)
{
	struct vs_comms *c = vs_comms__new();
	char name[VS_COMM_LEN] = "sh";
	uint16_t number = vs_comms__number(c, name);

	(void)state;
	assert_int_equal(vs_comms__number(c, name), number);
	assert_string_equal(vs_comms__name(c, number), "sh");
	for (int i = 0; i < 5000; i++) {
		memset(name, 0, sizeof(name));
		snprintf(name, sizeof(name), "task-%d", i % 10000);
		vs_comms__number(c, name);
	}
	assert_int_equal(vs_comms__number(c, name), 0);
	assert_string_equal(vs_comms__name(c, 0), "?");
	vs_comms__free(c);
}

static struct vs_group *take(struct vs_groups *g, struct vs_event e)
{
	return vs_groups__take(g, &e, e.group);
}

static void address_and_number_complete_each_other(void **state)
{
	struct vs_groups *g = vs_groups__new(16, 8);
	struct vs_event e = event(VS_CREATE, sh, 0);
	struct vs_group *group = take(g, e);

	(void)state;
	assert_int_equal(group->number, 1);
	assert_false(group->seen_before);
	e = event(VS_GET, sh, 1);
	e.iommu_group = -1;
	assert_ptr_equal(take(g, e), group);
	e = event(VS_REGISTER, sh, 2);
	e.group = 0;
	assert_ptr_equal(take(g, e), group);
	assert_int_equal(group->generation, 1);
	vs_groups__free(g);
}

static void reused_address_is_a_new_life(void **state)
{
	struct vs_groups *g = vs_groups__new(16, 8);
	struct vs_group *group = take(g, event(VS_CREATE, sh, 0));

	(void)state;
	take(g, event(VS_RELEASE, sh, 10));
	assert_false(group->alive);
	/* From another CPU, older than the release: still the old life. */
	take(g, event(VS_PUT, other_sh, 9));
	assert_int_equal(group->generation, 1);
	take(g, event(VS_CREATE, sh, 20));
	assert_int_equal(group->generation, 2);
	assert_true(group->alive);
	/* The create of a third life was lost. */
	take(g, event(VS_RELEASE, sh, 30));
	take(g, event(VS_GET, sh, 40));
	assert_int_equal(group->generation, 3);
	assert_false(group->seen_before);
	vs_groups__free(g);
}

static void reused_address_of_another_number_is_another_group(void **state)
{
	struct vs_groups *g = vs_groups__new(16, 8);
	struct vs_event e = event(VS_CREATE, sh, 20);

	(void)state;
	take(g, event(VS_CREATE, sh, 0));
	take(g, event(VS_RELEASE, sh, 10));
	e.iommu_group = 2;
	assert_int_equal(take(g, e)->number, 2);
	assert_int_equal(vs_groups__count(g), 2);
	assert_int_equal(vs_groups__at(g, GROUP)->number, 2);
	vs_groups__free(g);
}

static void group_from_before_is_made_at_first_sight(void **state)
{
	struct vs_groups *g = vs_groups__new(16, 8);
	struct vs_event e = event(VS_GET, sh, 0);
	struct vs_group *group;

	(void)state;
	e.iommu_group = -1;
	group = take(g, e);
	assert_true(group->seen_before);
	assert_int_equal(group->number, -1);
	group = take(g, event(VS_PUT, sh, 1));
	assert_int_equal(group->number, 1);
	assert_int_equal(group->counts.gets, 1);
	assert_int_equal(group->counts.puts, 1);
	assert_int_equal(vs_groups__count(g), 1);
	assert_ptr_equal(vs_groups__numbered(g, 1), group);
	vs_groups__free(g);
}

static void number_learnt_late_joins_the_known_group(void **state)
{
	struct vs_groups *g = vs_groups__new(16, 8);
	struct vs_event e = event(VS_REGISTER, sh, 0);

	(void)state;
	e.group = 0;
	take(g, e);
	e = event(VS_GET, sh, 1);
	e.iommu_group = -1;
	take(g, e);
	assert_int_equal(vs_groups__count(g), 2);
	assert_int_equal(take(g, event(VS_GET, sh, 2))->counts.gets, 2);
	assert_int_equal(vs_groups__count(g), 1);
	vs_groups__free(g);
}

static void candidate_of_a_notifier_makes_no_group(void **state)
{
	struct vs_groups *g = vs_groups__new(16, 8);
	struct vs_event e = event(VS_NOTIFIER_ENTER, sh, 0);

	(void)state;
	e.iommu_group = -1;
	assert_null(take(g, e));
	assert_int_equal(vs_groups__count(g), 0);
	vs_groups__free(g);
}

static void loser_of_a_race_to_create_ends_quietly(void **state)
{
	struct vs_groups *g = vs_groups__new(16, 8);
	struct vs_event e = event(VS_CREATE, other_sh, 1);
	struct vs_group *group = take(g, event(VS_CREATE, sh, 0));

	(void)state;
	e.group = GROUP + 1024;
	take(g, e);
	e = event(VS_UNREGISTER_NOTIFIER, other_sh, 2);
	e.group = GROUP + 1024;
	take(g, e);
	assert_true(group->alive);
	assert_int_equal(group->address, GROUP);
	vs_groups__free(g);
}

static void history_keeps_the_last(void **state)
{
	struct vs_groups *g = vs_groups__new(16, 20);
	struct vs_group *group = NULL;

	(void)state;
	for (int i = 0; i < 50; i++)
		group = take(g, event(VS_GET, sh, (uint64_t)i));
	assert_int_equal(vs_group__past(group, 0)->time_ns, T0 + 30000);
	assert_int_equal(vs_group__past(group, 19)->time_ns, T0 + 49000);
	assert_null(vs_group__past(group, 20));
	assert_int_equal(group->past_cut_seq, T0 + 29000);
	assert_string_equal(vs_groups__comm(g, vs_group__past(group, 0)), "sh");
	vs_groups__free(g);
}

static void groups_are_bounded(void **state)
{
	struct vs_groups *g = vs_groups__new(4, 8);

	(void)state;
	for (int i = 0; i < 10; i++) {
		struct vs_event e = event(VS_CREATE, sh, (uint64_t)i);

		e.group += (uint64_t)i * 1024;
		e.iommu_group = i;
		assert_non_null(take(g, e));
	}
	assert_int_equal(vs_groups__count(g), 4);
	assert_int_equal(vs_groups__evicted(g), 6);
	assert_null(vs_groups__numbered(g, 5));
	assert_non_null(vs_groups__numbered(g, 6));
	vs_groups__free(g);
}

static void devices_are_listed_once(void **state)
{
	struct vs_groups *g = vs_groups__new(4, 8);
	struct vs_group *group = take(g, event(VS_CREATE, sh, 0));
	char name[VS_DEVICE_LEN];

	(void)state;
	vs_group__add_device(group, "0000:00:05.1");
	vs_group__add_device(group, "0000:00:05.1");
	vs_group__add_device(group, "");
	vs_group__add_device(group, "00:05.1");
	assert_string_equal(group->devices, "0000:00:05.1 00:05.1");
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "0000:01:%02x.0", i);
		vs_group__add_device(group, name);
	}
	assert_true(strlen(group->devices) < VS_DEVICES_LEN);
	vs_groups__free(g);
}

static bool task_feed(struct vs_tasks *t, struct vs_event e, struct vs_task *gone)
{
	return vs_tasks__feed(t, &e, gone);
}

static void notifier_without_a_get_found_nothing(void **state)
{
	struct vs_tasks *t = vs_tasks__new(4);
	struct vs_event enter = in_notifier(event(VS_NOTIFIER_ENTER, sh, 0), VS_ACT_BOUND_DRIVER);
	struct vs_event get = in_notifier(event(VS_GET, sh, 1), VS_ACT_BOUND_DRIVER);
	struct vs_event leave = event(VS_NOTIFIER_EXIT, sh, 2);
	struct vs_task gone;

	(void)state;
	assert_false(task_feed(t, enter, &gone));
	assert_true(task_feed(t, leave, &gone));
	assert_int_equal(gone.group, GROUP);
	task_feed(t, enter, &gone);
	task_feed(t, get, &gone);
	assert_true(vs_tasks__find(t, 431)->got);
	assert_false(task_feed(t, leave, &gone));
	assert_null(vs_tasks__find(t, 431));
	/* Two notifiers on one chain: the second enter closes the first. */
	task_feed(t, enter, &gone);
	assert_true(task_feed(t, enter, &gone));
	vs_tasks__free(t);
}

static const struct vs_deferred *deferred_feed(struct vs_deferreds *d, struct vs_event e,
					       uint64_t get_ns)
{
	return vs_deferreds__feed(d, &e, 1, 1, get_ns);
}

static void deferred_put_is_joined(void **state)
{
	struct vs_deferreds *d = vs_deferreds__new(4);
	const struct vs_deferred *done;

	(void)state;
	deferred_feed(d, of_object(event(VS_QUEUE, sh, 5), WORK), T0 + 2000);
	assert_int_equal(vs_deferreds__outstanding(d), 1);
	assert_int_equal(vs_deferreds__group(d, WORK), GROUP);
	deferred_feed(d, of_object(event(VS_START, worker, 125), WORK), 0);
	deferred_feed(d, in_worker(event(VS_PUT, worker, 126), WORK), 0);
	deferred_feed(d, in_worker(event(VS_RELEASE, worker, 127), WORK), 0);
	done = deferred_feed(d, of_object(event(VS_END, worker, 130), WORK), 0);
	assert_non_null(done);
	assert_int_equal(done->get_ns, T0 + 2000);
	assert_int_equal(done->queue_ns, T0 + 5000);
	assert_int_equal(done->start_ns, T0 + 125000);
	assert_int_equal(done->put_ns, T0 + 126000);
	assert_int_equal(done->release_ns, T0 + 127000);
	assert_int_equal(done->end_ns, T0 + 130000);
	assert_int_equal(done->tid, 431);
	assert_int_equal(done->worker_tid, 33);
	assert_int_equal(vs_deferreds__stats(d)->wait.max_ns, 120000);
	assert_int_equal(vs_deferreds__stats(d)->released, 1);
	assert_int_equal(vs_deferreds__outstanding(d), 0);
	vs_deferreds__free(d);
}

static void puts_of_others_are_not_joined(void **state)
{
	struct vs_deferreds *d = vs_deferreds__new(4);

	(void)state;
	deferred_feed(d, of_object(event(VS_QUEUE, sh, 5), WORK), 0);
	deferred_feed(d, event(VS_PUT, sh, 6), 0);
	deferred_feed(d, in_worker(event(VS_PUT, worker, 6), WORK + 64), 0);
	deferred_feed(d, of_object(event(VS_START, worker, 7), WORK), 0);
	assert_int_equal(deferred_feed(d, of_object(event(VS_END, worker, 9), WORK), 0)->put_ns, 0);
	vs_deferreds__free(d);
}

static void what_is_missing_is_counted(void **state)
{
	struct vs_deferreds *d = vs_deferreds__new(2);
	const struct vs_deferred_stats *stats = vs_deferreds__stats(d);

	(void)state;
	/* Queued before tracing began. */
	deferred_feed(d, of_object(event(VS_START, worker, 1), WORK), 0);
	assert_non_null(deferred_feed(d, of_object(event(VS_END, worker, 2), WORK), 0));
	assert_null(deferred_feed(d, of_object(event(VS_END, worker, 3), WORK), 0));
	assert_int_equal(stats->unpaired, 2);
	/* Its end was lost: the address comes back. */
	deferred_feed(d, of_object(event(VS_QUEUE, sh, 4), WORK), 0);
	deferred_feed(d, of_object(event(VS_QUEUE, sh, 5), WORK), 0);
	assert_int_equal(stats->unended, 1);
	deferred_feed(d, of_object(event(VS_QUEUE, sh, 6), WORK + 64), 0);
	deferred_feed(d, of_object(event(VS_QUEUE, sh, 7), WORK + 128), 0);
	assert_int_equal(stats->evicted, 1);
	assert_int_equal(stats->queued, 4);
	assert_int_equal(stats->ended, 2);
	vs_deferreds__free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lru_evicts_the_longest_unused),
		cmocka_unit_test(lru_holds_many_and_keeps_them_in_place),
		cmocka_unit_test(comms_are_kept_once),
		cmocka_unit_test(address_and_number_complete_each_other),
		cmocka_unit_test(reused_address_is_a_new_life),
		cmocka_unit_test(reused_address_of_another_number_is_another_group),
		cmocka_unit_test(group_from_before_is_made_at_first_sight),
		cmocka_unit_test(number_learnt_late_joins_the_known_group),
		cmocka_unit_test(candidate_of_a_notifier_makes_no_group),
		cmocka_unit_test(loser_of_a_race_to_create_ends_quietly),
		cmocka_unit_test(history_keeps_the_last),
		cmocka_unit_test(groups_are_bounded),
		cmocka_unit_test(devices_are_listed_once),
		cmocka_unit_test(notifier_without_a_get_found_nothing),
		cmocka_unit_test(deferred_put_is_joined),
		cmocka_unit_test(puts_of_others_are_not_joined),
		cmocka_unit_test(what_is_missing_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

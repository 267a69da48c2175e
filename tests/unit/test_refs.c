// SPDX-License-Identifier: GPL-2.0
/* The ledger of references: who holds what, and what is wrong with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger/said.h"
#include "refs_lab.h"
#include "vfio/functions.h"

static void places_have_roles(void **state)
{
	(void)state;
	assert_int_equal(vs_role__of("vfio_group_fops_open+0x47"), VS_ROLE_OPEN);
	assert_int_equal(vs_role__of("vfio_group_put.part.0"), VS_ROLE_HELPER);
	assert_int_equal(vs_role__of("vfio_group_put.isra.0.part.1+0x3 [vfio]"), VS_ROLE_HELPER);
	assert_int_equal(vs_role__of("vfio_register_group_dev.cold"), VS_ROLE_REGISTER);
	assert_int_equal(vs_role__of("vfio_pin_pages"), VS_ROLE_LOOKUP);
	assert_int_equal(vs_role__of("vfio_pin_pages_remote+0x1"), VS_ROLE_UNKNOWN);
	assert_int_equal(vs_role__of("vfio_group_pu"), VS_ROLE_UNKNOWN);
	assert_int_equal(vs_role__of("0xffffffffc0400000"), VS_ROLE_UNKNOWN);
	assert_int_equal(vs_role__of(""), VS_ROLE_UNKNOWN);
}

/* -- devices -- */

static void devices_hold_their_group(void **state)
{
	struct lab *l = lab_new();
	const struct vs_ref *ref;

	(void)state;
	do_create(l, sh, 0, DEV1);
	do_join(l, sh, 100, DEV2, 2);
	ref = newest(l, 1);
	assert_int_equal(ref->class, VS_REF_DEVICE);
	assert_int_equal(ref->object, DEV2);
	assert_string_equal(ref->device, "0000:00:05.1");
	assert_int_equal(vs_refs__numbered(l->r, 1)->live.nr, 2);
	do_leave(l, other_sh, 200, DEV1, 2);
	assert_int_equal(newest(l, 1)->object, DEV2);
	do_leave(l, other_sh, 300, DEV2, 1);
	do_release(l, other_sh, 310);
	assert_clean(l, 0);
	assert_int_equal(vs_refs__lifetimes(l->r)->classes[VS_REF_DEVICE].count, 2);
	assert_null(vs_refs__numbered(l->r, 1));
	lab_free(l);
}

static void without_stacks_the_task_tells_that_it_registers(void **state)
{
	struct lab *l = lab_new();

	(void)state;
	do_create(l, sh, 0, DEV1);
	do_enter_register(l, sh, 100, DEV2);
	lab_send(l, get(sh, 102, 2, P_FROM_IOMMU));
	assert_int_equal(newest(l, 1)->class, VS_REF_DEVICE);
	/* Its later lookups are lookups. */
	lab_send(l, get(sh, 110, 3, P_FROM_IOMMU));
	assert_int_equal(newest(l, 1)->class, VS_REF_LOOKUP);
	lab_send(l, put(sh, 112, 3, P_DEV_GET_PUT));
	do_leave(l, sh, 200, DEV2, 2);
	/* Nor are its puts those of a device that has left. */
	lab_send(l, get(sh, 210, 2, P_FROM_IOMMU));
	lab_send(l, put(sh, 212, 2, P_PUT));
	assert_clean(l, 1);
	lab_free(l);
}

static void a_device_that_is_there_already_is_refused(void **state)
{
	struct lab *l = lab_new();

	(void)state;
	do_create(l, sh, 0, DEV1);
	do_join(l, sh, 100, DEV2, 2);
	lab_send(l, put(sh, 105, 2, P_REGISTER_PUT));
	assert_int_equal(newest(l, 1)->object, DEV1);
	/* The same object again: the reference that goes is the new one. */
	do_join(l, other_sh, 200, DEV1, 2);
	lab_send(l, put(other_sh, 205, 2, P_REGISTER_PUT));
	assert_int_equal(newest(l, 1)->get_ns, T0 + 2000);
	do_leave(l, sh, 300, DEV1, 1);
	do_release(l, sh, 310);
	assert_clean(l, 0);
	lab_free(l);
}

static void a_creator_that_lost_leaves_no_trace(void **state)
{
	struct lab *l = lab_new();

	(void)state;
	for (int kernel_order = 0; kernel_order < 2; kernel_order++) {
		uint64_t us = 1000 * (uint64_t)kernel_order;
		struct vs_event win = get(other_sh, us + 20, 2, P_REGISTER_GET);
		struct vs_event lose = of_object(lab_event(VS_UNREGISTER_NOTIFIER, other_sh,
							   us + 21), BLOCK);

		do_create(l, sh, us, DEV1);
		do_enter_register(l, other_sh, us + 1, DEV2);
		lab_send(l, of_group(lab_event(VS_CREATE, other_sh, us + 2), GROUP_B, 1));
		if (kernel_order)
			lab_send(l, win);
		lab_send(l, of_group(lose, GROUP_B, 1));
		if (!kernel_order)
			lab_send(l, win);
		/* 5.16: its memory is freed by the same function as a released one. */
		lose.type = VS_RELEASE;
		lose.flags = VS_F_FREED;
		lose.time_ns += 1000;
		lose.seq += 1000;
		lab_send(l, of_group(lose, GROUP_B, -1));
		assert_int_equal(vs_refs__numbered(l->r, 1)->address, GROUP);
		assert_int_equal(totals(l).live, 2);
		do_leave(l, other_sh, us + 100, DEV2, 2);
		do_leave(l, sh, us + 200, DEV1, 1);
		do_release(l, sh, us + 210);
	}
	assert_clean(l, 0);
	assert_int_equal(totals(l).forgotten, 2);
	lab_free(l);
}

/* -- files -- */

static void files_hold_their_group(void **state)
{
	struct lab *l = lab_new();

	(void)state;
	do_create(l, sh, 0, DEV1);
	do_open(l, qemu, 100, 2);
	assert_int_equal(newest(l, 1)->class, VS_REF_FILE);
	assert_int_equal(newest(l, 1)->tgid, qemu.tid);
	/* Passed on: another process closes it. */
	do_close(l, other_vm, 300, FILE1, 2);
	do_open(l, qemu, 400, 2);
	do_close(l, vcpu, 500, FILE2, 2);
	assert_clean(l, 1);
	assert_int_equal(totals(l).guessed, 0);
	lab_free(l);
}

/* Each order of two opens of which one fails: by two processes, or by the same thread. */
static void the_open_that_fails_is_the_one_that_goes(void **state)
{
	(void)state;
	for (int i = 0; i < 8; i++) {
		struct lab *l = lab_new();
		struct who first = qemu, second = i & 4 ? qemu : other_vm;
		bool swapped = i & 1 && !(i & 4), late = i & 2;

		do_create(l, sh, 0, DEV1);
		do_open(l, first, 100, 2);
		if (late)
			do_open(l, second, 200, 3);
		else
			do_open(l, second, 101, 3);
		lab_send(l, put(swapped ? first : second, 205, 3, P_OPEN_PUT));
		assert_int_equal(newest(l, 1)->tid, swapped ? second.tid : first.tid);
		assert_int_equal(newest(l, 1)->get_ns,
				 T0 + (swapped ? late ? 200000 : 101000 : 100000));
		do_close(l, swapped ? second : first, 300, FILE1, 2);
		assert_clean(l, 1);
		assert_int_equal(totals(l).guessed, 0);
		lab_free(l);
	}
}

/* 5.16 and later: open tells the file, many may be open. */
static void files_are_told_apart_where_they_are_known(void **state)
{
	struct lab *l = lab_new();

	(void)state;
	do_create(l, sh, 0, DEV1);
	lab_send(l, get(qemu, 100, 2, P_OPEN_GET));
	lab_send(l, of_object(lab_event(VS_OPEN, qemu, 101), FILE1));
	lab_send(l, get(qemu, 110, 3, P_OPEN_GET));
	lab_send(l, of_object(lab_event(VS_OPEN, qemu, 111), FILE2));
	do_close(l, other_vm, 200, FILE2, 3);
	assert_int_equal(newest(l, 1)->object, FILE1);
	do_close(l, other_vm, 300, FILE1, 2);
	assert_clean(l, 1);
	assert_int_equal(totals(l).guessed, 0);
	lab_free(l);
}

/* -- the notifier -- */

static void the_fixed_notifier_hands_its_reference_on(void **state)
{
	struct lab *l = lab_new();

	(void)state;
	do_create(l, sh, 0, DEV1);
	do_notifier_get(l, sh, 100, 2);
	assert_int_equal(newest(l, 1)->class, VS_REF_NOTIFIER);
	do_queue(l, sh, 102, WORK);
	do_exit(l, sh, 104);
	assert_int_equal(newest(l, 1)->class, VS_REF_DEFERRED);
	assert_int_equal(newest(l, 1)->object, WORK);
	assert_int_equal(newest(l, 1)->get_ip, P_NOTIFIER_GET);
	do_work(l, 200, WORK, 2);
	/* Many at once, their works in another order. */
	do_notifier_get(l, sh, 300, 2);
	do_notifier_get(l, other_sh, 301, 3);
	do_queue(l, other_sh, 302, WORK2);
	do_queue(l, sh, 303, WORK);
	do_exit(l, sh, 304);
	do_exit(l, other_sh, 304);
	do_work(l, 310, WORK, 3);
	do_work(l, 320, WORK2, 2);
	assert_clean(l, 1);
	assert_int_equal(vs_refs__lifetimes(l->r)->classes[VS_REF_DEFERRED].count, 3);
	lab_free(l);
}

static void the_unfixed_notifier_puts_its_reference(void **state)
{
	struct lab *l = lab_new();

	(void)state;
	do_create(l, sh, 0, DEV1);
	do_notifier_get(l, sh, 100, 2);
	lab_send(l, in_chain(put(sh, 102, 2, P_NOTIFIER_PUT)));
	do_exit(l, sh, 104);
	do_notifier_get(l, sh, 200, 2);
	do_leave(l, other_sh, 201, DEV1, 2);
	lab_send(l, in_chain(put(sh, 205, 1, P_NOTIFIER_PUT)));
	lab_send(l, in_chain(lab_event(VS_RELEASE, sh, 206)));
	assert_clean(l, 0);
	lab_free(l);
}

/* The work is freed before it ends, and its memory may be the next work by then. */
static void a_work_may_be_queued_anew_before_it_ends(void **state)
{
	struct lab *l = lab_new();

	(void)state;
	do_create(l, sh, 0, DEV1);
	do_notifier_get(l, sh, 100, 2);
	do_queue(l, sh, 102, WORK);
	do_exit(l, sh, 104);
	do_start(l, 110, WORK);
	do_put_bg(l, 111, WORK, 2);
	do_notifier_get(l, sh, 111, 2);
	do_queue(l, sh, 112, WORK);
	do_end(l, 113, WORK);
	do_exit(l, sh, 114);
	do_work(l, 120, WORK, 2);
	assert_clean(l, 1);
	lab_free(l);
}

/* -- the external-user API, lookups -- */

static void external_users_may_be_many(void **state)
{
	struct lab *l = lab_new();

	(void)state;
	do_create(l, sh, 0, DEV1);
	do_open(l, qemu, 50, 2);
	lab_send(l, get(qemu, 100, 3, P_EXT_GET));
	assert_int_equal(newest(l, 1)->class, VS_REF_EXTERNAL);
	lab_send(l, get(other_vm, 110, 4, P_EXT_GET));
	lab_send(l, get(qemu, 120, 5, P_EXT_GET));
	/* By another thread of the process that took it; by nobody who took one. */
	lab_send(l, put(vcpu, 200, 5, P_EXT_PUT));
	lab_send(l, put(other_vm, 210, 4, P_EXT_PUT));
	assert_int_equal(newest(l, 1)->tid, qemu.tid);
	lab_send(l, put(sh, 220, 3, P_EXT_PUT));
	do_close(l, qemu, 300, FILE1, 2);
	assert_clean(l, 1);
	assert_int_equal(vs_refs__lifetimes(l->r)->classes[VS_REF_EXTERNAL].count, 3);
	assert_int_equal(totals(l).guessed, 1);
	lab_free(l);
}

static void an_external_get_by_device_may_fail(void **state)
{
	struct lab *l = lab_new();

	(void)state;
	do_create(l, sh, 0, DEV1);
	lab_stack(l, get(qemu, 100, 2, P_FROM_IOMMU), P_IN_EXT_DEV);
	assert_int_equal(newest(l, 1)->class, VS_REF_EXTERNAL);
	lab_stack(l, get(qemu, 110, 3, P_FROM_IOMMU), P_IN_EXT_DEV);
	lab_send(l, put(qemu, 111, 3, P_EXT_DEV_PUT));
	assert_int_equal(newest(l, 1)->get_ns, T0 + 100000);
	lab_send(l, put(qemu, 200, 2, P_EXT_PUT));
	/* Without stacks the get looks like a lookup; its put tells. */
	lab_send(l, get(qemu, 300, 2, P_FROM_IOMMU));
	lab_send(l, put(vcpu, 400, 2, P_EXT_PUT));
	assert_clean(l, 1);
	assert_int_equal(totals(l).guessed, 1);
	lab_free(l);
}

static void lookups_nest(void **state)
{
	struct lab *l = lab_new();

	(void)state;
	do_create(l, sh, 0, DEV1);
	lab_stack(l, get(qemu, 100, 2, P_FROM_IOMMU), P_IN_DEVICE_GET);
	lab_stack(l, get(qemu, 101, 3, P_FROM_IOMMU), P_IN_PIN);
	lab_stack(l, get(vcpu, 102, 4, P_FROM_IOMMU), P_IN_PIN);
	do_open(l, qemu, 103, 5);
	lab_send(l, put(qemu, 104, 5, P_PIN));
	lab_send(l, put(vcpu, 105, 4, P_PIN));
	lab_send(l, put(qemu, 106, 3, P_DEV_GET_PUT));
	assert_int_equal(newest(l, 1)->class, VS_REF_FILE);
	do_close(l, qemu, 200, FILE1, 2);
	assert_clean(l, 1);
	assert_int_equal(vs_refs__lifetimes(l->r)->classes[VS_REF_LOOKUP].max_ns, 6000);
	lab_free(l);
}

/* vfio_group_put as a function of its own: the caller tells, or what the task does. */
static void puts_in_a_helper_ask_the_caller(void **state)
{
	struct lab *l = lab_new();

	(void)state;
	do_create(l, sh, 0, DEV1);
	do_join(l, sh, 50, DEV2, 2);
	do_open(l, qemu, 100, 3);
	do_enter_close(l, qemu, 200, FILE1);
	lab_stack(l, put(qemu, 202, 3, P_PUT_PART), P_IN_CLOSE);
	do_open(l, qemu, 300, 3);
	do_enter_close(l, qemu, 400, FILE1);
	lab_send(l, put(qemu, 402, 3, P_PUT));
	/* Its last call: the frame is gone, the caller's caller is seen. */
	lab_send(l, get(qemu, 500, 3, P_EXT_GET));
	lab_stack(l, put(qemu, 600, 3, P_PUT), P_IN_KVM);
	do_enter_unregister(l, sh, 700, DEV1);
	lab_stack(l, put(sh, 702, 2, P_PUT), P_IN_BIND);
	assert_int_equal(newest(l, 1)->object, DEV2);
	do_join(l, sh, 800, DEV1, 2);
	lab_send(l, put(sh, 802, 2, P_PUT));
	assert_int_equal(newest(l, 1)->object, DEV2);
	assert_clean(l, 1);
	lab_free(l);
}

static void an_unknown_function_may_take_and_drop(void **state)
{
	struct lab *l = lab_new();

	(void)state;
	do_create(l, sh, 0, DEV1);
	lab_send(l, get(sh, 100, 2, P_OTHER));
	assert_int_equal(newest(l, 1)->class, VS_REF_LOOKUP);
	lab_send(l, put(sh, 102, 2, P_OTHER));
	assert_clean(l, 1);
	lab_free(l);
}

/* -- records out of order -- */

static void a_put_may_come_before_its_get(void **state)
{
	struct lab *l = lab_new();

	(void)state;
	do_create(l, sh, 0, DEV1);
	lab_send(l, put(qemu, 105, 2, P_PIN));
	assert_int_equal(totals(l).waiting, 1);
	lab_stack(l, get(qemu, 100, 2, P_FROM_IOMMU), P_IN_PIN);
	assert_int_equal(totals(l).waiting, 0);
	/* A put that waits is not that of a later get. */
	lab_send(l, put(qemu, 205, 2, P_PIN));
	lab_stack(l, get(qemu, 210, 3, P_FROM_IOMMU), P_IN_PIN);
	assert_int_equal(totals(l).waiting, 1);
	lab_stack(l, get(qemu, 200, 2, P_FROM_IOMMU), P_IN_PIN);
	lab_send(l, put(qemu, 212, 2, P_PIN));
	/* Of a file, of an external user, of a device. */
	do_close(l, qemu, 305, FILE1, 2);
	do_open(l, qemu, 300, 2);
	lab_send(l, put(vcpu, 405, 2, P_EXT_PUT));
	lab_send(l, get(qemu, 400, 2, P_EXT_GET));
	assert_clean(l, 1);
	lab_free(l);
}

static void the_deferred_put_may_come_in_any_order(void **state)
{
	static const int orders[][3] = {
		{ 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		struct lab *l = lab_new();

		do_create(l, sh, 0, DEV1);
		for (int j = 0; j < 3; j++) {
			if (orders[i][j] == 0)
				do_notifier_get(l, sh, 100, 2);
			else if (orders[i][j] == 1)
				do_queue(l, sh, 102, WORK);
			else
				do_put_bg(l, 110, WORK, 2);
		}
		assert_clean(l, 1);
		lab_free(l);
	}
}

/* A life with a deferred put that is the last one; tasks move between CPUs in the middle of it. */
static void a_life_on_many_cpus(struct lab *l, uint64_t us)
{
	const struct who moved = { 2, 431, "sh" }, moved_worker = { 3, 33, "kworker/0:1" };

	do_create(l, sh, us, DEV1);
	do_join(l, other_sh, us + 100, DEV2, 2);
	do_notifier_get(l, sh, us + 110, 3);
	do_enter_unregister(l, other_sh, us + 111, DEV2);
	do_queue(l, moved, us + 113, WORK);
	do_exit(l, sh, us + 114);
	lab_send(l, put(other_sh, us + 116, 3, P_UNREGISTER));
	do_leave(l, moved, us + 120, DEV1, 2);
	do_start(l, us + 125, WORK);
	lab_send(l, in_worker(put(moved_worker, us + 126, 1, P_PUT_BG), WORK));
	lab_send(l, in_worker(lab_event(VS_RELEASE, moved_worker, us + 127), WORK));
	lab_send(l, of_object(lab_event(VS_UNREGISTER_NOTIFIER, worker, us + 128), BLOCK));
	do_end(l, us + 129, WORK);
}

/*
 * Clocks of CPUs that are up to 1 ms apart, and that step back: the lives, their puts and the works
 * that are queued anew at the same address are what they were.
 */
static void clocks_may_differ(void **state)
{
	struct lab *l = lab_new();
	uint32_t seed = 1;

	(void)state;
	l->merge = vs_merge__new();
	for (uint64_t us = 0; us < 400 * 150; us += 150) {
		for (int cpu = 0; cpu < 4; cpu++) {
			seed = seed * 1664525 + 1013904223;
			cpu_skew_ns[cpu] = (int64_t)(seed >> 8) % 1000000;
		}
		a_life_on_many_cpus(l, us);
	}
	memset(cpu_skew_ns, 0, sizeof(cpu_skew_ns));
	vs_merge__drain(l->merge, UINT64_MAX, lab_take, l);
	vs_merge__free(l->merge);
	assert_clean(l, 0);
	assert_int_equal(totals(l).guessed, 0);
	lab_free(l);
}

/* A finding about one group does not judge what waits for another. */
static void other_groups_wait_for_their_late_records(void **state)
{
	struct lab *l = lab_new();

	(void)state;
	do_create(l, sh, 0, DEV1);
	lab_send(l, of_group(lab_event(VS_CREATE, other_sh, 5), GROUP_B, 2));
	lab_send(l, of_group(put(qemu, 205, 2, P_PIN), GROUP_B, 2));
	/* The other group's life ends, and its address is used anew. */
	do_leave(l, sh, 206, DEV1, 1);
	do_release(l, sh, 210);
	do_create(l, sh, 220, DEV1);
	lab_stack(l, of_group(get(qemu, 200, 2, P_FROM_IOMMU), GROUP_B, 2), P_IN_PIN);
	assert_clean(l, 2);
	lab_free(l);
}

/* -- lives -- */

static void an_address_is_used_anew_at_once(void **state)
{
	struct lab *l = lab_new();

	(void)state;
	for (uint64_t us = 0; us < 300; us += 30) {
		do_create(l, sh, us, DEV1);
		assert_int_equal(vs_refs__numbered(l->r, 1)->births, 1);
		do_leave(l, sh, us + 10, DEV1, 1);
		do_release(l, sh, us + 20);
	}
	assert_clean(l, 0);
	assert_int_equal(totals(l).births, 10);
	assert_int_equal(totals(l).puts, 10);
	lab_free(l);
}

/* 6.1 and later: create tells the number only, the put is the first to tell the address. */
static void number_only_lives_come_and_go_at_one_address(void **state)
{
	struct lab *l = lab_new();

	(void)state;
	for (uint64_t us = 0; us < 1000; us += 100) {
		struct vs_event freed = of_group(lab_event(VS_RELEASE, sh, us + 20), GROUP, -1);
		bool two = us % 200;

		do_enter_register(l, sh, us, DEV1);
		lab_send(l, of_group(lab_event(VS_CREATE, sh, us + 2), 0, 1));
		if (two)
			do_join(l, sh, us + 4, DEV2, 2);
		assert_int_equal(vs_refs__numbered(l->r, 1)->live.nr, two ? 2 : 1);
		if (two)
			do_leave(l, sh, us + 8, DEV2, 2);
		do_leave(l, sh, us + 12, DEV1, 1);
		assert_int_equal(vs_refs__numbered(l->r, 1)->address, GROUP);
		assert_int_equal(vs_refs__numbered(l->r, 1)->live.nr, 0);
		freed.flags = VS_F_FREED;
		lab_send(l, freed);
	}
	assert_clean(l, 0);
	assert_int_equal(totals(l).births, 10);
	lab_free(l);
}

/* The memory of a group may be freed long after the next group of that number exists. */
static void the_newest_life_of_a_number_is_shown(void **state)
{
	struct lab *l = lab_new();
	struct vs_event freed = of_group(lab_event(VS_RELEASE, sh, 500), GROUP, -1);

	(void)state;
	do_enter_register(l, sh, 0, DEV1);
	lab_send(l, of_group(lab_event(VS_CREATE, sh, 2), 0, 1));
	do_leave(l, sh, 100, DEV1, 1);
	do_enter_register(l, sh, 200, DEV1);
	lab_send(l, of_group(lab_event(VS_CREATE, sh, 202), 0, 1));
	assert_int_equal(vs_refs__numbered(l->r, 1)->live.nr, 1);
	lab_stack(l, of_group(get(sh, 210, 2, P_FROM_IOMMU), GROUP_B, 1), P_IN_PIN);
	assert_int_equal(vs_refs__numbered(l->r, 1)->address, GROUP_B);
	lab_send(l, of_group(put(sh, 212, 2, P_PIN), GROUP_B, 1));
	freed.flags = VS_F_FREED;
	lab_send(l, freed);
	assert_clean(l, 1);
	lab_free(l);
}

static void two_probes_tell_of_one_birth(void **state)
{
	struct lab *l = lab_new();

	(void)state;
	for (uint64_t us = 0; us < 200; us += 100) {
		do_enter_register(l, sh, us, DEV1);
		lab_send(l, of_group(lab_event(VS_CREATE, sh, us + 1), 0, 1));
		lab_send(l, of_object(lab_event(VS_CREATE, sh, us + 2), BLOCK));
		assert_int_equal(vs_refs__numbered(l->r, 1)->live.nr, 1);
		do_leave(l, sh, us + 10, DEV1, 1);
		do_release(l, sh, us + 20);
	}
	assert_clean(l, 0);
	assert_int_equal(totals(l).births, 2);
	lab_free(l);
}

/* Two groups at once whose addresses are not known yet: each keeps its own. */
static void number_only_lives_do_not_mix(void **state)
{
	struct lab *l = lab_new();

	(void)state;
	/* No register was seen: their references look alike. */
	lab_send(l, of_group(lab_event(VS_CREATE, sh, 2), 0, 1));
	lab_send(l, of_group(lab_event(VS_CREATE, sh, 3), 0, 2));
	lab_send(l, of_group(put(sh, 13, 1, P_UNREGISTER), GROUP_B, 2));
	assert_int_equal(vs_refs__numbered(l->r, 1)->live.nr, 1);
	assert_int_equal(vs_refs__numbered(l->r, 2)->live.nr, 0);
	lab_send(l, of_group(put(sh, 23, 1, P_UNREGISTER), GROUP, 1));
	assert_clean(l, 0);
	lab_free(l);
}

static void a_module_may_be_loaded_elsewhere(void **state)
{
	struct lab *l = lab_new();
	struct vs_event gone = of_group(lab_event(VS_MODULE_FREE, sh, 50), 0, -1);

	(void)state;
	do_create(l, sh, 0, DEV1);
	do_leave(l, sh, 10, DEV1, 1);
	do_release(l, sh, 20);
	lab_send(l, gone);
	do_create(l, sh, 100, DEV1);
	assert_clean(l, 1);
	lab_free(l);
}

/* -- findings -- */

static void a_leak_in_the_notifier_is_found(void **state)
{
	struct lab *l = lab_new();
	const struct vs_finding *f;

	(void)state;
	do_create(l, sh, 0, DEV1);
	for (uint64_t us = 100; us < 800; us += 100) {
		do_notifier_get(l, sh, us, 2);
		if (us != 700)
			do_queue(l, sh, us + 2, WORK);
		do_exit(l, sh, us + 4);
		if (us != 700)
			do_work(l, us + 10, WORK, 2);
	}
	do_exit(l, sh, 800);
	f = only_bug(l, VS_REF_LEAK, "vfio_iommu_group_notifier+0x79");
	assert_true(f->has_ref && f->ref.leaked);
	assert_int_equal(f->ref.get_ns, T0 + 700000);
	assert_int_equal(f->group.number, 1);
	/* It is not the work's that comes next. */
	do_notifier_get(l, sh, 900, 3);
	do_queue(l, sh, 902, WORK);
	do_exit(l, sh, 904);
	do_work(l, 910, WORK, 3);
	only_bug(l, VS_REF_LEAK, "vfio_iommu_group_notifier+0x79");
	assert_int_equal(totals(l).live, 2);
	assert_int_equal(totals(l).unattributed, 0);
	lab_free(l);
}

static void a_work_that_does_not_put_is_found(void **state)
{
	struct lab *l = lab_new();

	(void)state;
	do_create(l, sh, 0, DEV1);
	do_notifier_get(l, sh, 100, 2);
	do_queue(l, sh, 102, WORK);
	do_exit(l, sh, 104);
	do_start(l, 110, WORK);
	do_end(l, 112, WORK);
	only_bug(l, VS_REF_LEAK, "vfio_iommu_group_notifier+0x79");
	/* Said once, though the memory of the work goes on. */
	do_notifier_get(l, sh, 200, 3);
	do_queue(l, sh, 202, WORK2);
	do_exit(l, sh, 204);
	do_work(l, 210, WORK2, 3);
	do_start(l, 220, WORK);
	do_end(l, 222, WORK);
	only_bug(l, VS_REF_LEAK, "vfio_iommu_group_notifier+0x79");
	assert_int_equal(totals(l).live, 2);
	lab_free(l);
}

/* Everything that follows in that life follows from it; the next life is another. */
static void do_double_put(struct lab *l, uint64_t us)
{
	do_create(l, sh, us, DEV1);
	do_open(l, qemu, us + 10, 2);
	do_close(l, qemu, us + 20, FILE1, 2);
	lab_send(l, put(qemu, us + 24, 1, P_CLOSE));
	do_release(l, qemu, us + 25);
	do_leave(l, sh, us + 30, DEV1, 0);
}

static void a_double_put_is_found_once(void **state)
{
	struct lab *l = lab_new();
	const uint64_t *counts = vs_refs__counts(l->r);

	(void)state;
	do_double_put(l, 0);
	only_bug(l, VS_PUT_WITHOUT_GET, "vfio_group_fops_release+0x31");
	assert_int_equal(l->said[0].tid, qemu.tid);
	assert_int_equal(l->said[0].time_ns, T0 + 24000);
	assert_int_equal(totals(l).unattributed, 1);
	assert_true(totals(l).after_bug > 0);
	assert_int_equal(totals(l).live, 0);
	/* Also when the site has been said often enough. */
	for (uint64_t us = 100; us < 1000; us += 100)
		do_double_put(l, us);
	settled(l);
	assert_int_equal(l->nr, 3);
	assert_true(l->said[2].last_said);
	assert_int_equal(counts[VS_PUT_WITHOUT_GET], 10);
	assert_int_equal(counts[VS_RELEASED_WHILE_HELD], 0);
	assert_int_equal(counts[VS_USE_AFTER_RELEASE], 0);
	lab_free(l);
}

static void the_caller_of_a_helper_is_the_site(void **state)
{
	struct lab *l = lab_new();
	const struct vs_finding *f;

	(void)state;
	do_create(l, sh, 0, DEV1);
	do_enter_close(l, qemu, 20, FILE1);
	lab_stack(l, put(qemu, 22, 1, P_PUT), P_IN_CLOSE);
	do_release(l, qemu, 24);
	f = only_bug(l, VS_PUT_WITHOUT_GET, "vfio_group_fops_release+0x36");
	assert_int_equal(f->nr_stack, 3);
	assert_int_equal(f->stack[0], P_PUT);
	lab_free(l);
}

static void a_reference_queued_twice_is_found(void **state)
{
	struct lab *l = lab_new();

	(void)state;
	do_create(l, sh, 0, DEV1);
	do_open(l, qemu, 50, 2);
	do_notifier_get(l, sh, 100, 3);
	do_queue(l, sh, 102, WORK);
	do_queue(l, sh, 103, WORK2);
	do_exit(l, sh, 104);
	do_work(l, 110, WORK, 3);
	do_work(l, 120, WORK2, 2);
	do_close(l, qemu, 200, FILE1, 1);
	do_release(l, qemu, 205);
	do_leave(l, sh, 300, DEV1, 0);
	only_bug(l, VS_PUT_WITHOUT_GET, "vfio_iommu_group_notifier");
	assert_int_equal(l->said[0].time_ns, T0 + 103000);
	lab_free(l);
}

static void a_release_while_held_is_found(void **state)
{
	struct lab *l = lab_new();
	const struct vs_finding *f;

	(void)state;
	do_create(l, sh, 0, DEV1);
	do_open(l, qemu, 10, 2);
	do_leave(l, sh, 20, DEV1, 2);
	do_release(l, sh, 25);
	vs_refs__tick(l->r, T0 + 90 * 1000000);
	assert_int_equal(l->nr, 0);
	vs_refs__tick(l->r, T0 + 200 * 1000000);
	assert_int_equal(l->nr, 1);
	f = &l->said[0];
	assert_int_equal(f->kind, VS_RELEASED_WHILE_HELD);
	assert_string_equal(f->site, "vfio_group_fops_open+0x47");
	assert_int_equal(f->ref.class, VS_REF_FILE);
	assert_int_equal(f->tid, sh.tid);
	assert_int_equal(totals(l).live, 0);
	/* The file may have been closed unseen. If it is closed now, it was not. */
	assert_int_equal(f->grade, VS_GRADE_HAZARD);
	assert_true(f->uncertain);
	do_close(l, qemu, SECOND, FILE1, 0);
	only_bug(l, VS_USE_AFTER_RELEASE, "vfio_group_fops_release+0x31");
	lab_free(l);
}

/* What the ledger believes after records that came in the wrong order, or were missed. */
static void what_the_kernel_contradicts_is_no_bug(void **state)
{
	static const struct {
		bool late_get, missed_put, missed_get, released;
		const char *doubt;
	} cases[] = {
		{ true, false, false, false, "nothing" },
		{ true, false, false, true, "released" },
		{ false, true, false, false, "the kernel's counter is 1, and by the ledger it would be 2" },
		{ false, true, false, true, "fell to zero" },
		{ false, false, true, false, "the kernel's counter is 1, and by the ledger it would be 0" },
		{ false, false, true, true, "as it should be" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lab *l = lab_new();
		size_t doubts = 0;

		do_create(l, sh, 0, DEV1);
		if (!cases[i].late_get && !cases[i].missed_get)
			do_notifier_get(l, other_sh, 100, 2);
		if (!cases[i].missed_put)
			do_queue(l, other_sh, 102, WORK);
		if (cases[i].late_get)
			do_notifier_get(l, other_sh, 104, 2);
		do_exit(l, other_sh, 106);
		if (!cases[i].missed_put)
			do_work(l, 110, WORK, 2);
		else	/* by a put that has no probe: the next reading tells */
			lab_counter(l, &(struct vs_event){ .group = GROUP })->refs = 1;
		if (cases[i].released) {
			do_leave(l, sh, 120, DEV1, 1);
			do_release(l, sh, 125);
		}
		settled(l);
		assert_true(l->nr > 0);
		for (size_t k = 0; k < l->nr; k++) {
			assert_int_equal(l->said[k].grade, VS_GRADE_HAZARD);
			assert_true(l->said[k].uncertain);
			doubts += strstr(l->said[k].doubt, cases[i].doubt) != NULL;
		}
		if (!doubts)
			print_error("%zu: %s\n", i, l->said[0].doubt);
		assert_true(doubts);
		for (int kind = 0; kind < VS_FINDING_KINDS; kind++)
			assert_int_equal(vs_refs__counts(l->r)[kind], 0);
		lab_free(l);
	}
}

/* A busy group that leaks again and again: however many wait for a look, each is a bug then. */
static void a_thousand_leaks_are_as_many_bugs(void **state)
{
	struct lab *l = lab_new();

	(void)state;
	do_create(l, sh, 0, DEV1);
	for (uint64_t i = 0; i < 1000; i++) {
		do_notifier_get(l, other_sh, 100 + 4 * i, 2 + i);
		do_exit(l, other_sh, 102 + 4 * i);
	}
	settled(l);
	assert_int_equal(vs_refs__counts(l->r)[VS_REF_LEAK], 1000);
	assert_int_equal(totals(l).uncertain, 0);
	assert_int_equal(l->nr, VS_SAID_PER_SITE);
	assert_int_equal(l->said[0].grade, VS_GRADE_BUG);
	lab_free(l);
}

/* What was in doubt does not take the place of what is sure. */
static void doubts_hide_no_bug(void **state)
{
	struct lab *l = lab_new();

	(void)state;
	do_create(l, sh, 0, DEV1);
	for (uint64_t i = 0; i < 5; i++) {
		do_notifier_get(l, other_sh, 100 + 10 * i, 2);
		do_exit(l, other_sh, 102 + 10 * i);
		lab_counter(l, &(struct vs_event){ .group = GROUP })->refs = 1;
	}
	do_leave(l, sh, 200, DEV1, 1);
	do_release(l, sh, 205);
	settled(l);
	assert_int_equal(vs_refs__counts(l->r)[VS_REF_LEAK], 0);
	assert_true(totals(l).uncertain >= 5);
	do_create(l, sh, SECOND, DEV1);
	do_notifier_get(l, other_sh, SECOND + 100, 2);
	do_exit(l, other_sh, SECOND + 102);
	settled(l);
	assert_int_equal(vs_refs__counts(l->r)[VS_REF_LEAK], 1);
	assert_int_equal(l->said[l->nr - 1].grade, VS_GRADE_BUG);
	lab_free(l);
}

/* A leak is said once the kernel's counter has it, too, and not before. */
static void a_finding_waits_for_the_kernel(void **state)
{
	struct lab *l = lab_new();

	(void)state;
	do_create(l, sh, 0, DEV1);
	do_notifier_get(l, other_sh, 100, 2);
	assert_false(vs_refs__wants_look(l->r));
	do_exit(l, other_sh, 106);
	assert_true(vs_refs__wants_look(l->r));
	vs_refs__tick(l->r, T0 + 5 * SECOND * 1000);
	assert_int_equal(l->nr, 0);
	lab_look(l);
	assert_false(vs_refs__wants_look(l->r));
	only_bug(l, VS_REF_LEAK, "vfio_iommu_group_notifier+0x79");
	lab_free(l);
}

/* A group that no look finds quiet: said after a while, with its doubt. */
static void a_finding_about_a_busy_group_is_said_in_the_end(void **state)
{
	struct lab *l = lab_new();

	(void)state;
	do_create(l, sh, 0, DEV1);
	do_notifier_get(l, other_sh, 100, 2);
	do_exit(l, other_sh, 106);
	for (uint64_t i = 0; i < 40; i++) {
		uint64_t us = 1000 + i * SECOND / 5;
		struct picture_of p;

		snap_init(&p, us);
		snap_group(&p, GROUP, 1, 2, VS_SNAP_UNKNOWN);
		lab_stack(l, get(qemu, us + 100, 3, P_FROM_IOMMU), P_IN_PIN);
		lab_send(l, put(qemu, us + 200, 3, P_PIN));
		vs_refs__check(l->r, &p.s);
		assert_int_equal(l->nr, i >= 24);
	}
	assert_true(l->said[0].uncertain);
	assert_non_null(strstr(l->said[0].doubt, "in use at every look"));
	lab_free(l);
}

/* The put comes late, but comes. */
static void a_release_before_a_late_put_is_fine(void **state)
{
	struct lab *l = lab_new();

	(void)state;
	do_create(l, sh, 0, DEV1);
	do_open(l, qemu, 10, 2);
	do_leave(l, sh, 20, DEV1, 1);
	do_release(l, sh, 25);
	vs_refs__tick(l->r, T0 + 50 * 1000000);
	do_close(l, qemu, 15, FILE1, 2);
	vs_refs__tick(l->r, T0 + 200 * 1000000);
	assert_clean(l, 0);
	lab_free(l);
}

static void all_groups_released_while_held_are_found(void **state)
{
	struct lab *l = lab_new();

	(void)state;
	for (int i = 0; i < 8; i++) {
		uint64_t group = GROUP + (uint64_t)i * 4096;

		lab_send(l, of_group(lab_event(VS_CREATE, sh, (uint64_t)i), group, i));
		lab_send(l, of_group(put(qemu, 10, 1, P_CLOSE), group, i));
		lab_send(l, of_group(lab_event(VS_RELEASE, qemu, 20), group, i));
	}
	settled(l);
	assert_int_equal(vs_refs__counts(l->r)[VS_PUT_WITHOUT_GET], 8);
	assert_int_equal(totals(l).live, 0);
	lab_free(l);
}

static void use_of_a_released_group_is_found(void **state)
{
	(void)state;
	for (int puts = 0; puts < 2; puts++) {
		struct lab *l = lab_new();

		do_create(l, sh, 0, DEV1);
		do_leave(l, sh, 10, DEV1, 1);
		do_release(l, sh, 20);
		/* In time before it, from another CPU: late only. */
		lab_send(l, get(qemu, 4, 3, P_PIN));
		lab_send(l, put(qemu, 5, 3, P_PIN));
		assert_int_equal(l->nr, 0);
		if (puts)
			lab_send(l, put(qemu, 30, 1, P_CLOSE));
		else
			lab_send(l, get(qemu, 30, 2, P_EXT_GET));
		only_bug(l, VS_USE_AFTER_RELEASE, puts ? "vfio_group_fops_release+0x31" :
			 "vfio_group_get_external_user+0x4d");
		lab_free(l);
	}
}

/* The create of the next life was lost, and that is known. */
static void after_a_loss_a_life_may_begin_without_a_create(void **state)
{
	struct lab *l = lab_new();

	(void)state;
	do_create(l, sh, 0, DEV1);
	do_leave(l, sh, 10, DEV1, 1);
	do_release(l, sh, 20);
	vs_refs__lossy(l->r);
	lab_send(l, get(qemu, 30, 2, P_EXT_GET));
	assert_clean(l, 1);
	lab_free(l);
}

static void a_second_release_is_found(void **state)
{
	struct lab *l = lab_new();

	(void)state;
	do_create(l, sh, 0, DEV1);
	do_leave(l, sh, 10, DEV1, 1);
	do_release(l, sh, 20);
	do_release(l, other_sh, 30);
	only_bug(l, VS_USE_AFTER_RELEASE, "");
	lab_free(l);
}

static void dead_counters_are_found(void **state)
{
	static const struct {
		bool get;
		int value;
		bool bug;
	} cases[] = {
		{ true, 2, false }, { true, 1, true }, { true, 0, true },
		{ true, -1073741824 + 1, true },
		{ false, 1, false }, { false, 0, true }, { false, -1073741824, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lab *l = lab_new();

		do_create(l, sh, 0, DEV1);
		lab_send(l, get(qemu, 10, cases[i].get ? cases[i].value : 2, P_PIN));
		lab_send(l, put(qemu, 12, cases[i].get ? 2 : cases[i].value, P_PIN));
		if (cases[i].bug)
			only_bug(l, VS_USE_AFTER_RELEASE, "vfio_pin_pages+0x90");
		else
			assert_clean(l, 1);
		lab_free(l);
	}
}

static void old_references_are_said_once(void **state)
{
	struct lab *l = lab_with((struct vs_refs_opts){ .older_ns = 10000000000ull });

	(void)state;
	do_create(l, sh, 0, DEV1);
	lab_stack(l, get(qemu, 100, 2, P_FROM_IOMMU), P_IN_EXT_DEV);
	lab_send(l, get(qemu, 8 * SECOND, 3, P_EXT_GET));
	vs_refs__tick(l->r, T0 + 9999000000ull);
	assert_int_equal(l->nr, 0);
	vs_refs__tick(l->r, T0 + 12000000000ull);
	vs_refs__tick(l->r, T0 + 14000000000ull);
	assert_int_equal(l->nr, 2);	/* the device, and the first of the two */
	assert_int_equal(l->said[0].kind, VS_OLD_REFERENCE);
	assert_int_equal(l->said[0].grade, VS_GRADE_INFO);
	assert_string_equal(l->said[0].site, "vfio_group_get_external_user_from_dev+0x24");
	assert_int_equal(l->said[0].nr_stack, 3);
	vs_refs__tick(l->r, T0 + 20000000000ull);
	assert_int_equal(l->nr, 3);
	vs_refs__tick(l->r, T0 + 90000000000ull);
	assert_int_equal(l->nr, 3);
	lab_free(l);
}

/* A put whose get was not seen waits for it; before it is judged, probes are found silent. */
static void who_falls_silent_accuses_nobody(void **state)
{
	struct lab *l = lab_new();

	(void)state;
	do_create(l, sh, 0, DEV1);
	do_queue(l, sh, 10, WORK);
	lab_send(l, put(qemu, 20, 1, P_EXT_PUT));
	vs_refs__blind(l->r);
	assert_int_equal(settled(l).live, 0);
	assert_int_equal(l->nr, 0);
	lab_free(l);
}

static bool is_blind(void *ctx)
{
	(void)ctx;
	return true;
}

static void while_blind_no_bug_is_said(void **state)
{
	struct lab *l = lab_with((struct vs_refs_opts){ .is_blind = is_blind });

	(void)state;
	do_double_put(l, 0);
	settled(l);
	assert_int_equal(l->nr, 0);
	assert_int_equal(totals(l).uncertain, 0);
	lab_free(l);
}

static void after_a_loss_nothing_is_a_bug(void **state)
{
	struct lab *l = lab_new();

	(void)state;
	vs_refs__lossy(l->r);
	do_double_put(l, 0);
	settled(l);
	assert_true(l->nr > 0);
	for (size_t i = 0; i < l->nr; i++) {
		assert_int_equal(l->said[i].grade, VS_GRADE_HAZARD);
		assert_true(l->said[i].uncertain);
	}
	for (int i = 0; i < VS_FINDING_KINDS; i++)
		assert_int_equal(vs_refs__counts(l->r)[i], 0);
	assert_int_equal(totals(l).uncertain, l->nr);
	lab_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_have_roles),
		cmocka_unit_test(devices_hold_their_group),
		cmocka_unit_test(without_stacks_the_task_tells_that_it_registers),
		cmocka_unit_test(a_device_that_is_there_already_is_refused),
		cmocka_unit_test(a_creator_that_lost_leaves_no_trace),
		cmocka_unit_test(files_hold_their_group),
		cmocka_unit_test(the_open_that_fails_is_the_one_that_goes),
		cmocka_unit_test(files_are_told_apart_where_they_are_known),
		cmocka_unit_test(the_fixed_notifier_hands_its_reference_on),
		cmocka_unit_test(the_unfixed_notifier_puts_its_reference),
		cmocka_unit_test(a_work_may_be_queued_anew_before_it_ends),
		cmocka_unit_test(external_users_may_be_many),
		cmocka_unit_test(an_external_get_by_device_may_fail),
		cmocka_unit_test(lookups_nest),
		cmocka_unit_test(puts_in_a_helper_ask_the_caller),
		cmocka_unit_test(an_unknown_function_may_take_and_drop),
		cmocka_unit_test(a_put_may_come_before_its_get),
		cmocka_unit_test(the_deferred_put_may_come_in_any_order),
		cmocka_unit_test(clocks_may_differ),
		cmocka_unit_test(other_groups_wait_for_their_late_records),
		cmocka_unit_test(an_address_is_used_anew_at_once),
		cmocka_unit_test(number_only_lives_come_and_go_at_one_address),
		cmocka_unit_test(the_newest_life_of_a_number_is_shown),
		cmocka_unit_test(two_probes_tell_of_one_birth),
		cmocka_unit_test(number_only_lives_do_not_mix),
		cmocka_unit_test(a_module_may_be_loaded_elsewhere),
		cmocka_unit_test(a_leak_in_the_notifier_is_found),
		cmocka_unit_test(a_work_that_does_not_put_is_found),
		cmocka_unit_test(a_double_put_is_found_once),
		cmocka_unit_test(the_caller_of_a_helper_is_the_site),
		cmocka_unit_test(a_reference_queued_twice_is_found),
		cmocka_unit_test(a_release_while_held_is_found),
		cmocka_unit_test(what_the_kernel_contradicts_is_no_bug),
		cmocka_unit_test(a_thousand_leaks_are_as_many_bugs),
		cmocka_unit_test(doubts_hide_no_bug),
		cmocka_unit_test(a_finding_waits_for_the_kernel),
		cmocka_unit_test(a_finding_about_a_busy_group_is_said_in_the_end),
		cmocka_unit_test(a_release_before_a_late_put_is_fine),
		cmocka_unit_test(all_groups_released_while_held_are_found),
		cmocka_unit_test(use_of_a_released_group_is_found),
		cmocka_unit_test(after_a_loss_a_life_may_begin_without_a_create),
		cmocka_unit_test(a_second_release_is_found),
		cmocka_unit_test(dead_counters_are_found),
		cmocka_unit_test(old_references_are_said_once),
		cmocka_unit_test(after_a_loss_nothing_is_a_bug),
		cmocka_unit_test(who_falls_silent_accuses_nobody),
		cmocka_unit_test(while_blind_no_bug_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0
/* The ledger of references against snapshots, watchpoints, its bounds, and rubbish. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "refs_lab.h"

#include "ledger/refs_report.h"
#include "sink/text.h"

/* -- the beginning -- */

/* Snapshots are taken 1 s after T0, for 1 ms. */
#define SNAP SECOND
#define LATER (2 * SECOND)

static size_t count_class(const struct vs_book *b, unsigned int class)
{
	size_t nr = 0;

	for (const struct vs_ref *ref = b->live.newest; ref; ref = vs_ref_pool__older(ref))
		nr += ref->class == class;
	return nr;
}

/* A group with one device, one file of qemu's, what else is in @count unknown. */
static struct lab *seeded_with(int32_t count, struct vs_refs_opts opts)
{
	struct lab *l = lab_with(opts);
	struct picture_of p;

	snap_init(&p, SNAP);
	snap_group(&p, GROUP, 1, count, 1);
	snap_device(&p, DEV1, GROUP);
	snap_fd(&p, VS_SNAP_GROUP_FILE, FILE1, GROUP, qemu.tid);
	vs_groups__know(l->groups, 1, GROUP);
	vs_refs__seed(l->r, &p.s);
	return l;
}

static struct lab *seeded(int32_t count)
{
	return seeded_with(count, (struct vs_refs_opts){});
}

/* A virtual CPU stood still between the probe and the instruction, and the group is gone since. */
static void a_difference_is_of_what_is_quiet_since(void **state)
{
	struct lab *l = seeded(2);
	struct picture_of p;

	(void)state;
	snap_init(&p, 3 * SECOND);
	snap_group(&p, GROUP, 1, 3, 1);
	vs_refs__check(l->r, &p.s);
	assert_true(vs_refs__any_differs(l->r));
	do_leave(l, sh, 4 * SECOND, DEV1, 2);
	assert_false(vs_refs__any_differs(l->r));
	lab_free(l);
}

/* Loaded and in use before its probes were armed, and gone again before the snapshot. */
static void a_life_before_the_snapshot_is_no_bug(void **state)
{
	struct lab *l = lab_new();
	struct picture_of p;

	(void)state;
	vs_refs__unseen(l->r, T0 + 50 * 1000);
	do_create(l, sh, 10, DEV1);
	snap_init(&p, 200);
	vs_refs__seed(l->r, &p.s);
	do_leave(l, sh, 100, DEV1, 1);
	settled(l);
	assert_int_equal(l->nr, 0);
	/* What follows is judged as ever. */
	do_create(l, sh, SECOND, DEV1);
	lab_send(l, put(qemu, SECOND + 100, 2, P_OTHER));
	settled(l);
	assert_true(l->nr > 0);
	lab_free(l);
}

/* They are as old as the snapshot at least. */
static void old_ones_from_before_are_said(void **state)
{
	struct lab *l = seeded_with(2, (struct vs_refs_opts){ .older_ns = 10000000000ull });

	(void)state;
	vs_refs__tick(l->r, T0 + 5000000000ull);
	assert_int_equal(l->nr, 0);
	vs_refs__tick(l->r, T0 + 3600000000000ull);
	vs_refs__tick(l->r, T0 + 3700000000000ull);
	assert_int_equal(l->nr, 2);
	assert_int_equal(l->said[0].kind, VS_OLD_REFERENCE);
	lab_free(l);
}

static void what_exists_is_found(void **state)
{
	struct lab *l = lab_new();
	const struct vs_book *b;
	struct picture_of p;

	(void)state;
	snap_init(&p, SNAP);
	snap_group(&p, GROUP, 1, 6, 1);
	snap_group(&p, GROUP_B, 2, 2, 1);
	snap_group(&p, 0, 3, VS_SNAP_UNKNOWN, VS_SNAP_UNKNOWN);
	snap_device(&p, DEV1, GROUP);
	snap_device(&p, DEV2, GROUP);
	snap_fd(&p, VS_SNAP_GROUP_FILE, FILE1, GROUP, qemu.tid);
	snap_fd(&p, VS_SNAP_GROUP_FILE, FILE1, GROUP, qemu.tid);	/* dup */
	snap_fd(&p, VS_SNAP_GROUP_FILE, FILE1, GROUP, other_vm.tid);	/* inherited */
	snap_fd(&p, VS_SNAP_KVM_FILE, FILE2, GROUP, qemu.tid);
	snap_fd(&p, VS_SNAP_KVM_FILE, FILE2, GROUP_B, qemu.tid);	/* the same KVM */
	snap_fd(&p, VS_SNAP_KVM_FILE, FILE2, GROUP_B, other_vm.tid);	/* inherited */
	vs_refs__seed(l->r, &p.s);
	b = vs_refs__numbered(l->r, 1);
	assert_int_equal(count_class(b, VS_REF_DEVICE), 2);
	assert_int_equal(count_class(b, VS_REF_FILE), 1);
	assert_int_equal(count_class(b, VS_REF_EXTERNAL), 1);
	assert_int_equal(b->unknown, 2);
	assert_int_equal(b->refs, 6);
	b = vs_refs__numbered(l->r, 2);
	/* Open, though no descriptor could be seen. */
	assert_int_equal(count_class(b, VS_REF_FILE), 1);
	assert_int_equal(count_class(b, VS_REF_EXTERNAL), 1);
	assert_int_equal(b->unknown, 0);
	assert_null(vs_refs__numbered(l->r, 3));
	assert_clean(l, 6);
	lab_free(l);
}

static void what_was_found_is_put(void **state)
{
	struct lab *l = seeded(4);

	(void)state;
	do_close(l, qemu, LATER, FILE1, 4);
	lab_send(l, put(qemu, LATER + 10, 3, P_EXT_PUT));
	do_work(l, LATER + 20, WORK, 2);
	do_leave(l, sh, LATER + 30, DEV1, 1);
	do_release(l, sh, LATER + 40);
	assert_clean(l, 0);
	assert_int_equal(totals(l).before, 2);
	assert_int_equal(totals(l).found, 2);
	lab_free(l);
}

/* Nobody counts more than the kernel did. */
static void one_put_too_many_is_found(void **state)
{
	struct lab *l = seeded(3);

	(void)state;
	lab_send(l, put(qemu, LATER, 3, P_EXT_PUT));
	lab_send(l, put(qemu, LATER + 10, 2, P_EXT_PUT));
	only_bug(l, VS_PUT_WITHOUT_GET, "vfio_group_put_external_user+0x18");
	assert_int_equal(l->said[0].time_ns, T0 + (LATER + 10) * 1000);
	lab_free(l);
}

static void puts_are_from_before_where_counters_are_not_known(void **state)
{
	struct lab *l = seeded(VS_SNAP_UNKNOWN);

	(void)state;
	for (uint64_t us = 0; us < 10; us++)
		lab_send(l, put(qemu, LATER + us, 3, P_EXT_PUT));
	assert_clean(l, 2);
	assert_int_equal(totals(l).before, 10);
	lab_free(l);
}

/* No snapshot: what is seen first in use was there before. */
static void without_a_snapshot_puts_are_from_before(void **state)
{
	struct lab *l = lab_new();

	(void)state;
	do_close(l, qemu, 0, FILE1, 2);
	do_leave(l, sh, 10, DEV1, 1);
	do_release(l, sh, 20);
	assert_clean(l, 0);
	assert_int_equal(totals(l).before, 2);
	/* The next life is known from its beginning. */
	do_create(l, sh, 100, DEV1);
	do_close(l, qemu, 110, FILE1, 1);
	do_release(l, qemu, 115);
	only_bug(l, VS_PUT_WITHOUT_GET, "vfio_group_fops_release+0x31");
	lab_free(l);
}

/* -- what happened between the arming and the end of the snapshot -- */

static void what_the_snapshot_saw_begin_is_not_counted_twice(void **state)
{
	struct lab *l = seeded(3);	/* a lookup was on its way, too */

	(void)state;
	do_enter_register(l, sh, SNAP - 50, DEV1);
	lab_stack(l, get(sh, SNAP - 48, 2, P_FROM_IOMMU), P_IN_REGISTER);
	do_open(l, qemu, SNAP - 40, 3);
	lab_stack(l, get(vcpu, SNAP - 30, 4, P_FROM_IOMMU), P_IN_PIN);
	assert_int_equal(vs_refs__numbered(l->r, 1)->live.nr, 3);
	assert_int_equal(vs_refs__numbered(l->r, 1)->unknown, 0);
	assert_int_equal(vs_refs__numbered(l->r, 1)->live.newest->origin, VS_REF_SEEN);
	lab_send(l, put(vcpu, LATER, 3, P_PIN));
	do_close(l, qemu, LATER + 10, FILE1, 2);
	do_leave(l, sh, LATER + 20, DEV1, 1);
	do_release(l, sh, LATER + 30);
	assert_clean(l, 0);
	assert_int_equal(totals(l).before, 0);
	lab_free(l);
}

static void a_group_that_was_created_meanwhile_is_one(void **state)
{
	(void)state;
	for (int number_only = 0; number_only < 2; number_only++) {
		struct lab *l = seeded(2);
		struct vs_event e = lab_event(VS_CREATE, sh, SNAP - 90);

		do_enter_register(l, sh, SNAP - 92, DEV1);
		lab_send(l, number_only ? of_group(e, 0, 1) : e);
		do_open(l, qemu, SNAP + 10, 2);
		assert_int_equal(totals(l).live, 2);
		assert_int_equal(totals(l).groups, 1);
		do_close(l, qemu, LATER, FILE1, 2);
		do_leave(l, sh, LATER + 10, DEV1, 1);
		do_release(l, sh, LATER + 20);
		assert_clean(l, 0);
		lab_free(l);
	}
}

/* It was open before all this; somebody else's open fails while the snapshot is taken. */
static void an_open_that_fails_meanwhile_takes_no_file(void **state)
{
	static const uint64_t ends[] = { SNAP - 10, SNAP + 500, LATER };

	(void)state;
	for (int i = 0; i < 6; i++) {
		struct lab *l = seeded(2 + (i & 1));
		struct who w = i & 1 ? other_vm : qemu;

		do_open(l, w, SNAP - 20, 3);
		lab_send(l, put(w, ends[i / 2], 3, P_OPEN_PUT));
		assert_int_equal(newest(l, 1)->class, VS_REF_FILE);
		assert_int_equal(newest(l, 1)->tgid, qemu.tid);
		assert_int_equal(newest(l, 1)->origin, VS_REF_FOUND);
		do_close(l, qemu, LATER + 10, FILE1, 2);
		do_leave(l, sh, LATER + 20, DEV1, 1);
		do_release(l, sh, LATER + 30);
		assert_clean(l, 0);
		lab_free(l);
	}
}

/* Lookups come and go all the time; a reference that nobody knows must survive them. */
static void lookups_meanwhile_use_up_nothing(void **state)
{
	struct lab *l = seeded(3);

	(void)state;
	for (uint64_t us = SNAP - 500; us < SNAP + 1500; us += 100) {
		lab_stack(l, get(vcpu, us, 4, P_FROM_IOMMU), P_IN_PIN);
		lab_send(l, put(vcpu, us + 50, 4, P_PIN));
	}
	assert_int_equal(vs_refs__numbered(l->r, 1)->unknown, 1);
	lab_send(l, put(other_vm, LATER, 3, P_EXT_PUT));
	assert_clean(l, 2);
	assert_int_equal(totals(l).before, 1);
	lab_free(l);
}

/* Counted with the group, gone before the files were looked at: and the other way round. */
static void what_ended_meanwhile_is_from_before(void **state)
{
	(void)state;
	for (int32_t count = 2; count < 4; count++) {
		struct lab *l = seeded(count);

		lab_send(l, put(qemu, SNAP + 100, 3, P_EXT_PUT));
		assert_clean(l, 2);
		assert_int_equal(totals(l).before, 1);
		lab_free(l);
	}
}

static void a_file_reopened_meanwhile_is_one(void **state)
{
	struct lab *l = seeded(2);

	(void)state;
	do_close(l, qemu, SNAP - 100, FILE2, 2);
	do_open(l, qemu, SNAP - 50, 2);
	assert_int_equal(newest(l, 1)->object, FILE1);
	do_close(l, qemu, LATER, FILE1, 2);
	assert_clean(l, 1);
	lab_free(l);
}

/* -- later snapshots -- */

static void check_at(struct lab *l, uint64_t us, int32_t count, int32_t opened)
{
	struct picture_of p;

	snap_init(&p, us);
	snap_group(&p, GROUP, 1, count, opened);
	vs_refs__check(l->r, &p.s);
}

static void the_kernel_agrees_or_not(void **state)
{
	struct lab *l = lab_new();

	(void)state;
	do_create(l, sh, 0, DEV1);
	do_open(l, qemu, 10, 2);
	check_at(l, SECOND / 2, 3, 1);
	assert_true(vs_refs__numbered(l->r, 1)->differs);
	check_at(l, SECOND / 2, 2, 1);
	assert_false(vs_refs__numbered(l->r, 1)->differs);
	assert_int_equal(vs_refs__numbered(l->r, 1)->kernel_refs, 2);
	/* A group in use meanwhile is left out; so is a counter that cannot be read. */
	lab_stack(l, get(qemu, SECOND + 1, 3, P_FROM_IOMMU), P_IN_PIN);
	check_at(l, SECOND, 2, 1);
	assert_false(vs_refs__numbered(l->r, 1)->differs);
	check_at(l, 2 * SECOND, VS_SNAP_UNKNOWN, 1);
	assert_false(vs_refs__numbered(l->r, 1)->differs);
	lab_send(l, put(qemu, 3 * SECOND, 3, P_PIN));
	assert_clean(l, 2);
	lab_free(l);
}

static void doubts_of_the_beginning_are_settled(void **state)
{
	struct lab *l = seeded(3);	/* a lookup was counted */

	(void)state;
	lab_stack(l, get(vcpu, SNAP + 100, 3, P_FROM_IOMMU), P_IN_PIN);
	lab_send(l, put(vcpu, SNAP + 200, 3, P_PIN));
	assert_int_equal(vs_refs__numbered(l->r, 1)->unknown, 1);
	check_at(l, LATER, 2, 1);
	assert_int_equal(vs_refs__numbered(l->r, 1)->unknown, 0);
	assert_false(vs_refs__numbered(l->r, 1)->differs);
	/* Once only: what is lost later is a difference. */
	check_at(l, LATER, 1, 1);
	assert_true(vs_refs__numbered(l->r, 1)->differs);
	assert_clean(l, 2);
	lab_free(l);
}

static void file_snapshot(struct picture_of *p, int32_t count, int32_t opened, uint32_t tgid)
{
	snap_init(p, 5 * SECOND);
	snap_group(p, GROUP, 1, count, opened);
	if (tgid)
		snap_fd(p, VS_SNAP_GROUP_FILE, FILE1, GROUP, tgid);
}

/* A failing open that keeps its reference, by another process or by the same. */
static void a_file_leak_is_found(void **state)
{
	(void)state;
	for (int same = 0; same < 2; same++) {
		struct lab *l = lab_new();
		struct picture_of p;

		do_create(l, sh, 0, DEV1);
		do_open(l, qemu, 100, 2);
		do_open(l, same ? qemu : other_vm, 200, 3);
		file_snapshot(&p, 3, 1, qemu.tid);
		snap_fd(&p, VS_SNAP_GROUP_FILE, FILE1, GROUP, qemu.tid);	/* dup */
		vs_refs__check(l->r, &p.s);
		vs_refs__check(l->r, &p.s);
		only_bug(l, VS_REF_LEAK, "vfio_group_fops_open+0x47");
		assert_int_equal(l->said[0].ref.get_ns, T0 + 200000);
		assert_false(vs_refs__numbered(l->r, 1)->differs);
		lab_free(l);
	}
}

static void files_that_are_somewhere_are_no_leak(void **state)
{
	(void)state;
	for (int i = 0; i < 6; i++) {
		struct lab *l = lab_new();
		struct picture_of p;

		do_create(l, sh, 0, DEV1);
		do_open(l, qemu, i == 1 ? 4 * SECOND + 500000 : 100, 2);
		file_snapshot(&p, 2, 1, qemu.tid);
		if (i == 1)		/* just opened: may fail still */
			file_snapshot(&p, 2, 0, 0);
		else if (i == 2)	/* passed to another process */
			file_snapshot(&p, 2, 1, other_vm.tid);
		else if (i == 3)	/* held by the kernel only, or on its way in a socket */
			file_snapshot(&p, 2, 1, 0);
		else if (i == 4)	/* not counted, from 5.19 on */
			p.s.files_counted = false, p.groups[0].opened = 0;
		else if (i == 5)	/* not looked at */
			p.s.scope.fds = false, p.groups[0].opened = 0;
		vs_refs__check(l->r, &p.s);
		assert_clean(l, 2);
		lab_free(l);
	}
}

/* Its opener count is down already, its put comes. */
static void a_file_that_is_being_closed_is_no_leak(void **state)
{
	struct lab *l = lab_new();
	struct picture_of p;

	(void)state;
	do_create(l, sh, 0, DEV1);
	do_open(l, qemu, 100, 2);
	do_enter_close(l, qemu, 5 * SECOND - 10, FILE1);
	file_snapshot(&p, 2, 0, 0);
	vs_refs__check(l->r, &p.s);
	assert_clean(l, 2);
	lab_free(l);
}

static void an_external_leak_is_found(void **state)
{
	struct lab *l = lab_new();
	struct picture_of p;

	(void)state;
	do_create(l, sh, 0, DEV1);
	lab_send(l, get(qemu, 100, 2, P_EXT_GET));
	lab_send(l, get(other_vm, 110, 3, P_EXT_GET));
	file_snapshot(&p, 3, 0, 0);
	vs_refs__check(l->r, &p.s);
	assert_int_equal(l->nr, 0);
	l->dead = qemu.tid;
	/* Not all files were seen: its KVM may be there, and it, too. */
	p.s.scope.fds = false;
	vs_refs__check(l->r, &p.s);
	assert_int_equal(l->nr, 0);
	p.s.scope.fds = true;
	/* Its KVM lives on in a child. */
	snap_fd(&p, VS_SNAP_KVM_FILE, FILE2, GROUP, sh.tid);
	vs_refs__check(l->r, &p.s);
	assert_int_equal(l->nr, 0);
	file_snapshot(&p, 3, 0, 0);
	vs_refs__check(l->r, &p.s);
	vs_refs__check(l->r, &p.s);
	only_bug(l, VS_REF_LEAK, "vfio_group_get_external_user+0x4d");
	assert_int_equal(l->said[0].tgid, qemu.tid);
	lab_free(l);
}

/* A driver of mediated devices took it in open(); who opened gave the device away, and is gone. */
static void what_an_open_device_holds_is_no_leak(void **state)
{
	struct lab *l = lab_new();
	struct picture_of p;

	(void)state;
	do_create(l, sh, 0, DEV1);
	lab_send(l, get(qemu, 100, 2, P_EXT_GET));
	l->dead = qemu.tid;
	file_snapshot(&p, 2, 0, 0);
	snap_device(&p, DEV1, GROUP);
	snap_device(&p, DEV2, GROUP_B);
	snap_fd(&p, VS_SNAP_DEVICE_FILE, FILE1, DEV1, other_vm.tid);
	vs_refs__check(l->r, &p.s);
	assert_int_equal(l->nr, 0);
	/* Of one that left the list it is not known whose it is. */
	p.fds[0].object = DEV1 + 8;
	vs_refs__check(l->r, &p.s);
	assert_int_equal(l->nr, 0);
	/* Its memory is mapped still; or not all mappings were seen. */
	p.fds[0].object = DEV2;
	p.maps[p.s.nr_maps++] = (struct vs_snap_map){ .device = DEV1, .tgid = other_vm.tid };
	vs_refs__check(l->r, &p.s);
	assert_int_equal(l->nr, 0);
	p.maps[0].device = DEV2;
	p.s.scope.maps = false;
	vs_refs__check(l->r, &p.s);
	assert_int_equal(l->nr, 0);
	/* Those of another group's device are no excuse. */
	p.s.scope.maps = true;
	vs_refs__check(l->r, &p.s);
	only_bug(l, VS_REF_LEAK, "vfio_group_get_external_user+0x4d");
	lab_free(l);
}

/* -- what is compared -- */

/* The number of groups that were not, since @since; @why: of one of them. */
static size_t uncompared(struct lab *l, uint64_t since, const char *why)
{
	struct vs_refs_uncompared u;

	vs_refs__uncompared(l->r, T0 + since * 1000, &u);
	if (u.nr)
		assert_non_null(strstr(u.why, why));
	else
		assert_null(u.why);
	return u.nr;
}

/* Whatever its counter says, an event since the look began may be in it or not. */
static void a_busy_group_is_not_compared(void **state)
{
	struct lab *l = lab_new();

	(void)state;
	do_create(l, sh, 0, DEV1);
	assert_int_equal(uncompared(l, SECOND, "did not list it"), 1);
	do_open(l, qemu, 3 * SECOND + 1, 2);
	check_at(l, 3 * SECOND, 7, 1);
	assert_int_equal(uncompared(l, 3 * SECOND, "busy at every look"), 1);
	check_at(l, 4 * SECOND, 2, 1);
	assert_int_equal(uncompared(l, 3 * SECOND, ""), 0);
	/* Busy again, at another look of the same series: it was compared once. */
	do_close(l, qemu, 5 * SECOND + 1, FILE1, 2);
	check_at(l, 5 * SECOND, 7, 0);
	assert_int_equal(uncompared(l, 3 * SECOND, ""), 0);
	assert_int_equal(uncompared(l, 5 * SECOND, "busy"), 1);
	do_leave(l, sh, 6 * SECOND, DEV1, 1);
	do_release(l, sh, 6 * SECOND + 10);
	assert_int_equal(uncompared(l, 5 * SECOND, ""), 0);
	lab_free(l);
}

/* Whether it still differs is for the next look to tell. */
static void a_difference_of_a_busy_group_is_not_settled(void **state)
{
	struct lab *l = lab_new();

	(void)state;
	do_create(l, sh, 0, DEV1);
	check_at(l, 3 * SECOND, 2, 0);
	assert_true(vs_refs__any_differs(l->r));
	assert_int_equal(uncompared(l, 3 * SECOND, ""), 0);
	do_open(l, qemu, 4 * SECOND, 2);
	assert_false(vs_refs__any_differs(l->r));
	assert_int_equal(uncompared(l, 3 * SECOND, "busy at every look"), 1);
	lab_free(l);
}

static void a_counter_that_is_unknown_is_not_compared(void **state)
{
	struct lab *l = lab_new();

	(void)state;
	do_create(l, sh, 0, DEV1);
	check_at(l, 3 * SECOND, VS_SNAP_UNKNOWN, 0);
	assert_int_equal(uncompared(l, 3 * SECOND, "could not be read"), 1);
	check_at(l, 4 * SECOND, 1, 0);
	assert_int_equal(uncompared(l, 3 * SECOND, ""), 0);
	vs_refs__watched(l->r, GROUP_B, 2, T0 + SECOND, T0 + SECOND);
	assert_int_equal(uncompared(l, 3 * SECOND, "to begin with"), 1);
	lab_free(l);
}

/* -- watchpoints -- */

static void do_change(struct lab *l, struct who w, uint64_t us, int value, unsigned int flag)
{
	struct vs_event e = of_object(refs(lab_event(VS_CHANGE, w, us), value, P_OTHER), COUNTER);

	e.flags |= flag;
	lab_stack(l, e, P_IN_BIND);
}

static const struct vs_ref_exact *watched(struct lab *l)
{
	do_create(l, sh, 0, DEV1);
	vs_refs__watched(l->r, GROUP, -1, T0 + 10000, T0 + 10000);
	return &vs_refs__numbered(l->r, 1)->exact;
}

static void each_change_has_its_get_or_put(void **state)
{
	struct lab *l = lab_new();
	const struct vs_ref_exact *x = watched(l);

	(void)state;
	do_change(l, qemu, 20, 2, VS_F_TAKEN);
	lab_send(l, get(qemu, 20, 2, P_PIN));
	do_change(l, vcpu, 21, 3, VS_F_TAKEN);
	lab_send(l, put(qemu, 22, 3, P_PIN));
	lab_send(l, get(vcpu, 22, 3, P_PIN));
	do_change(l, qemu, 22, 2, VS_F_DROPPED);
	lab_send(l, put(vcpu, 23, 2, P_PIN));
	do_change(l, vcpu, 23, 1, 0);	/* neither flag: its put waits */
	do_leave(l, sh, 30, DEV1, 1);
	do_change(l, sh, 34, 0, VS_F_DROPPED);
	assert_int_equal(x->last_refs, 0);
	do_release(l, sh, 35);
	assert_clean(l, 0);
	assert_int_equal(x->changes, 5);
	assert_int_equal(x->gets, 2);
	assert_int_equal(x->puts, 3);
	assert_int_equal(x->paired, 5);
	assert_int_equal(x->differences, 0);
	lab_free(l);
}

static void one_without_the_other_is_a_difference(void **state)
{
	static const struct {
		int change_up, value, get, put, change_down, paired;
	} cases[] = {
		{ 1, 2, 1, 1, 1, 2 }, { 0, 2, 1, 1, 1, 1 }, { 1, 2, 0, 1, 1, 1 },
		{ 1, 2, 1, 0, 1, 1 }, { 1, 2, 1, 1, 0, 1 }, { 1, 3, 1, 1, 1, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lab *l = lab_new();
		const struct vs_ref_exact *x = watched(l);

		if (cases[i].change_up)
			do_change(l, qemu, 20, cases[i].value, VS_F_TAKEN);
		if (cases[i].get)
			lab_send(l, get(qemu, 21, 2, P_PIN));
		if (cases[i].put)
			lab_send(l, put(qemu, 22, 2, P_PIN));
		if (cases[i].change_down)
			do_change(l, qemu, 23, 1, VS_F_DROPPED);
		settled(l);
		settled(l);
		assert_int_equal(x->differences, i ? 1 : 0);
		assert_int_equal(x->paired, cases[i].paired);
		assert_int_equal(x->gets + x->puts + x->changes,
				 2 * x->paired + x->differences + (i == 5));
		lab_free(l);
	}
}

/* The put was made before the watchpoints were armed, its change after that. */
static void what_was_on_its_way_is_no_difference(void **state)
{
	struct lab *l = lab_new();
	const struct vs_ref_exact *x;

	(void)state;
	do_create(l, sh, 0, DEV1);
	do_open(l, qemu, 1, 2);
	vs_refs__watched(l->r, GROUP, -1, T0 + 10000, T0 + 10000);
	x = &vs_refs__numbered(l->r, 1)->exact;
	lab_send(l, put(qemu, 9, 2, P_CLOSE));
	do_change(l, qemu, 11, 1, VS_F_DROPPED);
	assert_clean(l, 1);
	assert_int_equal(x->differences, 0);
	assert_int_equal(x->puts, 0);
	assert_int_equal(totals(l).differences, 0);
	lab_free(l);
}

static void groups_are_paired_apart(void **state)
{
	struct lab *l = lab_new();
	const struct vs_ref_exact *x = watched(l);

	(void)state;
	lab_send(l, of_group(lab_event(VS_CREATE, sh, 5), GROUP_B, 2));
	vs_refs__watched(l->r, GROUP_B, -1, T0 + 10000, T0 + 10000);
	lab_send(l, get(qemu, 19, 2, P_PIN));	/* without a change */
	lab_send(l, put(qemu, 20, 2, P_PIN));
	lab_send(l, of_group(get(qemu, 21, 2, P_PIN), GROUP_B, 2));
	do_change(l, qemu, 22, 1, VS_F_DROPPED);
	lab_send(l, of_group(put(qemu, 23, 2, P_PIN), GROUP_B, 2));
	settled(l);
	assert_int_equal(x->differences, 1);
	assert_int_equal(x->paired, 1);
	assert_int_equal(vs_refs__numbered(l->r, 2)->exact.differences, 2);
	lab_free(l);
}

/* -- bounds -- */

/* v5.19 and later: create tells the number only, a snapshot the address. Two lives at one. */
static void a_number_only_life_has_the_address_it_is_watched_at(void **state)
{
	struct lab *l = lab_new();

	(void)state;
	for (uint64_t us = 0; us < 2000; us += 1000) {
		struct vs_event freed = of_group(lab_event(VS_RELEASE, sh, us + 200), GROUP, -1);

		do_enter_register(l, sh, us, DEV1);
		lab_send(l, of_group(lab_event(VS_CREATE, sh, us + 2), 0, 1));
		vs_refs__watched(l->r, GROUP, 1, T0 + (us + 10) * 1000, T0 + (us + 10) * 1000);
		assert_int_equal(totals(l).groups, 1);
		assert_int_equal(vs_refs__numbered(l->r, 1)->address, GROUP);
		assert_int_equal(vs_refs__numbered(l->r, 1)->live.nr, 1);
		do_leave(l, sh, us + 100, DEV1, 1);
		do_change(l, sh, us + 104, 0, VS_F_DROPPED);
		assert_int_equal(vs_refs__numbered(l->r, 1)->exact.paired, 1);
		freed.flags = VS_F_FREED;
		lab_send(l, freed);
	}
	assert_int_equal(totals(l).differences, 0);
	assert_clean(l, 0);
	lab_free(l);
}

/* Nothing told of its birth, so nothing says what it must have. */
static void a_group_that_is_only_watched_does_not_differ(void **state)
{
	struct vs_snap_group group = { .address = GROUP_B, .number = 2, .refs = 3, .opened = 0 };
	struct vs_snapshot s = { .start_ns = T0 + 2000000, .end_ns = T0 + 3000000,
				 .start_seq = T0 + 2000000, .end_seq = T0 + 3000000, .groups = &group,
				 .nr_groups = 1, .scope.groups = true };
	struct lab *l = lab_new();

	(void)state;
	vs_refs__watched(l->r, GROUP_B, 2, T0 + 1000000, T0 + 1000000);
	vs_refs__check(l->r, &s);
	assert_false(vs_refs__any_differs(l->r));
	lab_free(l);
}

static void references_without_room_are_counted(void **state)
{
	struct lab *l = lab_with((struct vs_refs_opts){ .max_refs = 4 });

	(void)state;
	do_create(l, sh, 0, DEV1);
	for (int i = 0; i < 10; i++)
		lab_send(l, get(qemu, 10 + (uint64_t)i, 2 + i, P_EXT_GET));
	assert_int_equal(totals(l).live, 4);
	assert_int_equal(totals(l).refused_refs, 7);
	assert_int_equal(vs_refs__refused(l->r), 7);
	check_at(l, 5 * SECOND, 11, 0);
	assert_false(vs_refs__numbered(l->r, 1)->differs);
	for (int i = 0; i < 10; i++)
		lab_send(l, put(qemu, 6 * SECOND + (uint64_t)i, 11 - i, P_EXT_PUT));
	assert_clean(l, 1);
	/* A queue whose get found no room. */
	for (int i = 0; i < 4; i++)
		lab_send(l, get(qemu, 7 * SECOND, 2 + i, P_EXT_GET));
	do_notifier_get(l, sh, 7 * SECOND + 10, 6);
	do_queue(l, sh, 7 * SECOND + 12, WORK);
	do_exit(l, sh, 7 * SECOND + 14);
	do_work(l, 7 * SECOND + 20, WORK, 6);
	assert_clean(l, 4);
	lab_free(l);
}

static void groups_without_room_are_counted(void **state)
{
	struct lab *l = lab_with((struct vs_refs_opts){ .max_groups = 4 });

	(void)state;
	for (int i = 0; i < 10; i++)
		lab_send(l, of_group(lab_event(VS_CREATE, sh, (uint64_t)i),
				     GROUP + 4096ull * (uint64_t)i, i));
	assert_int_equal(totals(l).live, 4);
	assert_int_equal(totals(l).evicted_groups, 6);
	/* What they held is not known any more. */
	for (int i = 0; i < 10; i++)
		lab_send(l, of_group(put(sh, 100 + (uint64_t)i, 1, P_UNREGISTER),
				     GROUP + 4096ull * (uint64_t)i, i));
	settled(l);
	assert_int_equal(l->nr, 0);
	assert_int_equal(totals(l).births, 10);
	assert_int_equal(totals(l).puts, 10);
	lab_free(l);
}

/* Lives that are over do not push out a group that is quiet. */
static void the_dead_make_room_first(void **state)
{
	struct lab *l = lab_with((struct vs_refs_opts){ .max_groups = 8 });

	(void)state;
	lab_send(l, of_group(lab_event(VS_CREATE, sh, 0), GROUP_B, 2));
	for (uint64_t i = 1; i < 100; i++) {
		uint64_t group = GROUP_B + 4096 * i, us = i * SECOND;

		lab_send(l, of_group(lab_event(VS_CREATE, sh, us), group, 1));
		lab_send(l, of_group(put(sh, us + 10, 1, P_UNREGISTER), group, 1));
		lab_send(l, of_group(lab_event(VS_RELEASE, sh, us + 20), group, 1));
		vs_refs__tick(l->r, T0 + us * 1000 + 500000000);
	}
	assert_int_equal(totals(l).evicted_groups, 0);
	assert_int_equal(vs_refs__numbered(l->r, 2)->live.nr, 1);
	assert_int_equal(totals(l).births, 100);
	assert_clean(l, 1);
	lab_free(l);
}

static void stacks_without_room_are_counted(void **state)
{
	struct lab *l = lab_with((struct vs_refs_opts){ .max_stacks = 4 });
	size_t nr;

	(void)state;
	do_create(l, sh, 0, DEV1);
	for (uint64_t i = 0; i < 10; i++) {
		lab_stack(l, get(qemu, 10 + i, 2 + (int)i, P_EXT_GET), 0x1000 + i);
		lab_stack(l, get(qemu, 10 + i, 2 + (int)i, P_EXT_GET), 0x1000);
	}
	assert_int_equal(totals(l).refused_stacks, 6);
	assert_int_equal(vs_stacks__count(vs_refs__stacks(l->r)), 4);
	vs_stacks__frames(vs_refs__stacks(l->r), newest(l, 1)->stack, &nr);
	assert_int_equal(nr, 3);
	assert_null(vs_stacks__frames(vs_refs__stacks(l->r), 5, &nr));
	assert_clean(l, 21);
	lab_free(l);
}

static void more_puts_wait_than_there_is_room(void **state)
{
	struct lab *l = lab_new();

	(void)state;
	for (uint64_t i = 0; i < 1000; i++)
		lab_send(l, put(qemu, i, 2, P_EXT_PUT));
	assert_clean(l, 0);
	assert_int_equal(totals(l).before, 1000);
	lab_free(l);
}

/* -- rubbish -- */

static uint64_t seed = 0x5eed;

static uint64_t random64(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static uint64_t one_of(const uint64_t *values, size_t nr)
{
	return random64() % 64 ? values[random64() % nr] : random64();
}

/* Valid by size and type; the rest is anything, mostly what makes trouble with others. */
static const struct vs_event *rubbish(struct vs_alarm_event *room, uint64_t i)
{
	static const uint64_t groups[] = { 0, 1, 2, GROUP, GROUP_B, GROUP_B + 1, WORK };
	static const uint64_t objects[] = { 0, 1, DEV1, DEV2, FILE1, WORK, WORK2, GROUP };
	static const uint64_t frames[] = { 0, 4, VS_SHORT_STACK_LEN, UINT32_MAX };
	struct vs_event *e = &room->e;
	struct vs_stack_event *s = (void *)room;

	for (size_t at = 0; at < sizeof(*room) / 8; at++)
		((uint64_t *)room)[at] = random64();
	e->size = sizeof(*room);
	e->version = VS_ABI_VERSION;
	e->type = (__u8)(1 + random64() % (VS_TYPE_END - 1));
	e->group = one_of(groups, 7);
	e->ctx_group = one_of(groups, 7);
	e->object = one_of(objects, 8);
	e->ctx_object = one_of(objects, 8);
	e->tid = (__u32)(random64() % 4);
	e->tgid = (__u32)(random64() % 3);
	e->seq = e->time_ns = T0 + i * 1000 + random64() % 4000;
	e->iommu_group = (__s32)(random64() % 4) - 1;
	e->ip = P_REGISTER_GET + random64() % (P_END - P_REGISTER_GET + 1);
	e->context = (__u8)(random64() % 4);
	e->refs = (__s32)(random64() % 6);
	s->nr_stack = (__u32)one_of(frames, 4);
	return e;
}

static void seed_rubbish(struct lab *l)
{
	struct picture_of p;

	snap_init(&p, 1000);
	snap_group(&p, GROUP, 1, 9, 5);
	snap_group(&p, GROUP, 2, -9, -5);
	snap_group(&p, 1, 1, 0, 0);
	snap_device(&p, DEV1, GROUP);
	snap_device(&p, GROUP, 1);
	for (int i = 0; i < 8; i++)
		snap_fd(&p, (enum vs_snap_file_kind)(random64() % 6), FILE1, GROUP,
			(uint32_t)random64() % 4);
	vs_refs__seed(l->r, &p.s);
	p.s.start_seq = p.s.start_ns = T0 + random64() % 300000000;
	vs_refs__check(l->r, &p.s);
}

static void rubbish_does_no_harm(void **state)
{
	(void)state;
	for (int run = 0; run < 8; run++) {
		struct lab *l = lab_with((struct vs_refs_opts){
			.max_refs = run & 1 ? 64 : 0, .max_groups = run & 2 ? 3 : 0,
			.max_stacks = run & 4 ? 8 : 0, .older_ns = 1000000,
		});
		struct vs_alarm_event room;

		if (run & 1)
			seed_rubbish(l);
		vs_refs__watched(l->r, GROUP, -1, T0, T0);
		for (uint64_t i = 0; i < 40000; i++) {
			const struct vs_event *e = rubbish(&room, i);

			if (i % 3)
				lab_feed(l, e);
			else
				vs_refs__feed(l->r, e, NULL);
			if (i % 1000 == 0)
				vs_refs__tick(l->r, e->time_ns);
			if (i % 5000 == 0)
				totals(l), seed_rubbish(l);
		}
		settled(l);
		lab_free(l);
	}
}

/* A sound stream, its records shuffled a little: everything is matched still. */
static void shuffled_records_are_matched(void **state)
{
	enum { LANES = 8, CYCLES = 2000 };
	struct lab *l = lab_new();

	(void)state;
	do_create(l, sh, 0, DEV1);
	for (uint64_t i = 1; i < CYCLES; i++) {
		struct vs_event lane[2 * LANES];

		for (unsigned int j = 0; j < LANES; j++) {
			struct who w = { j % 2, 600 + j, "shuffled" };
			uint64_t at = i * 100 + random64() % 20;

			lane[2 * j] = get(w, at, 9, P_PIN);
			lane[2 * j + 1] = put(w, at + 1 + random64() % 70, 9, P_PIN);
		}
		for (size_t j = 2 * LANES; j > 1; j--) {
			size_t other = random64() % j;
			struct vs_event e = lane[j - 1];

			lane[j - 1] = lane[other];
			lane[other] = e;
		}
		for (size_t j = 0; j < 2 * LANES; j++)
			lab_send(l, lane[j]);
		vs_refs__tick(l->r, T0 + i * 100000);
	}
	assert_clean(l, 1);
	assert_int_equal(totals(l).gets, (CYCLES - 1) * LANES);
	lab_free(l);
}

/* -- what the text says -- */

static const char *devices_of(void *ctx, int number)
{
	(void)ctx;
	return number == 1 ? "0000:00:05.0 0000:00:05.1" : "";
}

/* ledger_text: at 10 s after T0 */
static const char *ledger_text(const struct lab *l, const struct vs_snapshot *s, bool traced)
{
	static char words[8192];
	struct vs_refs_report_opts opts = {
		.refs = l->r, .snapshot = s, .sites = l->sites, .now_ns = T0 + 10 * SECOND * 1000, .traced = traced,
		.devices = devices_of,
	};
	struct vs_refs_report *r = vs_refs_report__new(&opts);
	struct vs_text text = { .start_ns = T0 };

	assert_non_null(r);
	vs_out__init(&text.out, -1);
	vs_text__ledger(&text, r);
	snprintf(words, sizeof(words), "%.*s", (int)text.out.len, text.out.buf);
	vs_out__fini(&text.out);
	vs_refs_report__free(r);
	return words;
}

static void the_text_of_a_look(void **state)
{
	struct lab *l = lab_new();
	struct picture_of p;

	(void)state;
	snap_init(&p, SNAP);
	snap_group(&p, GROUP, 1, 5, 1);
	snap_device(&p, DEV1, GROUP);
	snap_device(&p, DEV2, GROUP);
	snap_fd(&p, VS_SNAP_GROUP_FILE, FILE1, GROUP, qemu.tid);
	snap_fd(&p, VS_SNAP_GROUP_FILE, FILE1, GROUP, other_vm.tid);	/* inherited */
	vs_refs__seed(l->r, &p.s);
	assert_string_equal(ledger_text(l, &p.s, false),
			    "group 1 (0000:00:05.0 0000:00:05.1) has 5 references\n"
			    "  1-2/5 by nobody that can be seen: no device, open file or KVM accounts for them\n"
			    "  3/5 by device 0000:00:05.0\n"
			    "  4/5 by device 0000:00:05.0\n"
			    "  5/5 by qemu[4711] fd 3, qemu[5000] fd 3 /dev/vfio/1\n");
	lab_free(l);
}

static void the_text_while_it_is_traced(void **state)
{
	struct lab *l = lab_new();
	struct picture_of p;
	const char *text;

	(void)state;
	do_create(l, sh, 0, DEV1);
	do_open(l, qemu, 100, 2);
	file_snapshot(&p, 2, 1, qemu.tid);
	vs_refs__check(l->r, &p.s);
	text = ledger_text(l, &p.s, true);
	assert_memory_equal(text, "---- ledger at 10 s ----", 24);
	assert_string_equal(strchr(text, '\n'),
			    "\ngroup 1 (0000:00:05.0 0000:00:05.1) has 2 references\n"
			    "  1/2 by device 0000:00:05.0, for 10.0 s, born with the group\n"
			    "  2/2 by qemu[4711] fd 3 /dev/vfio/1, for 10.0 s, at vfio_group_fops_open+0x47\n"
			    "references  2 live in 1 group; seen: 1 born with their group, 1 get, 0 puts; "
			    "unattributed 0\n");
	lab_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_exists_is_found),
		cmocka_unit_test(what_was_found_is_put),
		cmocka_unit_test(one_put_too_many_is_found),
		cmocka_unit_test(puts_are_from_before_where_counters_are_not_known),
		cmocka_unit_test(without_a_snapshot_puts_are_from_before),
		cmocka_unit_test(what_the_snapshot_saw_begin_is_not_counted_twice),
		cmocka_unit_test(a_group_that_was_created_meanwhile_is_one),
		cmocka_unit_test(an_open_that_fails_meanwhile_takes_no_file),
		cmocka_unit_test(lookups_meanwhile_use_up_nothing),
		cmocka_unit_test(what_ended_meanwhile_is_from_before),
		cmocka_unit_test(a_file_reopened_meanwhile_is_one),
		cmocka_unit_test(the_kernel_agrees_or_not),
		cmocka_unit_test(doubts_of_the_beginning_are_settled),
		cmocka_unit_test(a_file_leak_is_found),
		cmocka_unit_test(files_that_are_somewhere_are_no_leak),
		cmocka_unit_test(a_file_that_is_being_closed_is_no_leak),
		cmocka_unit_test(an_external_leak_is_found),
		cmocka_unit_test(what_an_open_device_holds_is_no_leak),
		cmocka_unit_test(a_busy_group_is_not_compared),
		cmocka_unit_test(a_difference_of_a_busy_group_is_not_settled),
		cmocka_unit_test(a_counter_that_is_unknown_is_not_compared),
		cmocka_unit_test(old_ones_from_before_are_said),
		cmocka_unit_test(a_life_before_the_snapshot_is_no_bug),
		cmocka_unit_test(a_difference_is_of_what_is_quiet_since),
		cmocka_unit_test(each_change_has_its_get_or_put),
		cmocka_unit_test(one_without_the_other_is_a_difference),
		cmocka_unit_test(what_was_on_its_way_is_no_difference),
		cmocka_unit_test(groups_are_paired_apart),
		cmocka_unit_test(a_number_only_life_has_the_address_it_is_watched_at),
		cmocka_unit_test(a_group_that_is_only_watched_does_not_differ),
		cmocka_unit_test(references_without_room_are_counted),
		cmocka_unit_test(groups_without_room_are_counted),
		cmocka_unit_test(the_dead_make_room_first),
		cmocka_unit_test(stacks_without_room_are_counted),
		cmocka_unit_test(more_puts_wait_than_there_is_room),
		cmocka_unit_test(rubbish_does_no_harm),
		cmocka_unit_test(shuffled_records_are_matched),
		cmocka_unit_test(the_text_of_a_look),
		cmocka_unit_test(the_text_while_it_is_traced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0
/* Recordings that were cut, torn, overwritten or made by another version. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "record_lab.h"

/* A reader that goes to the end of a file fills this in. */
struct told {
	uint64_t events, units, odd, missing, last_seq;
	bool ended;
};

static struct told read_all(const struct lab_file *f)
{
	struct vs_reader *r = lab_reader(f);
	struct told t = { 0 };
	struct vs_read one;

	assert_non_null(r);
	while (vs_reader__next(r, &one)) {
		t.events += one.kind == VS_IN_EVENT;
		t.units += one.seq != t.last_seq;
		t.last_seq = one.seq;
		t.ended |= one.kind == VS_REC_EXIT;
	}
	t.missing = vs_reader__damage(r)->missing;
	t.odd = vs_reader__damage(r)->odd;
	vs_reader__free(r);
	return t;
}

/* Each unit is there, or missing and told so, or the run has no end. */
static void assert_told(const struct told *t, const struct told *whole)
{
	assert_int_equal(t->odd, 0);
	assert_true(t->units + t->missing == whole->units || !t->ended);
	assert_true(t->units + t->missing <= whole->units);
}

static struct told make(struct lab_file *f, int rounds)
{
	struct printed live;
	struct told t;

	lab_file_init(f);
	record_work(f, 0, rounds, &live);
	forget(&live);
	t = read_all(f);
	assert_true(t.ended);
	assert_int_equal(t.missing + t.odd, 0);
	return t;
}

static void a_flipped_byte_costs_its_slot_at_most(void **state)
{
	struct told whole, t;
	struct lab_file f;
	uint64_t step = getenv("SOAK") ? 1 : 499;

	(void)state;
	whole = make(&f, 600);
	for (uint64_t at = VS_VFR_SLOTS_AT; at < f.len; at += step) {
		f.data[at] ^= 0x5a;
		t = read_all(&f);
		assert_told(&t, &whole);
		/* All slots but one are as they were. */
		assert_true(t.units * 2 > whole.units || f.len < VS_VFR_SLOTS_AT + 3 * VS_VFR_SLOT);
		f.data[at] ^= 0x5a;
	}
	lab_file_free(&f);
}

static void one_superblock_is_enough(void **state)
{
	struct vs_source s = { .fd = -1 };
	struct lab_file f;
	char error[200];

	(void)state;
	make(&f, 3);
	vs_vfr_super__write(&(struct vs_vfr_super){ .major = 1, .generation = 2, .slot_size = VS_VFR_SLOT }, f.data);
	memset(f.data + VS_VFR_SUPER, 0xff, 100);
	assert_true(read_all(&f).ended);
	memset(f.data, 0, 100);
	s.memory = f.data;
	s.len = f.len;
	assert_null(vs_reader__new(&s, error, sizeof(error)));
	assert_string_equal(error, "not a recording of vfioscope");
	lab_file_free(&f);
}

static void a_cut_file_has_all_that_was_before(void **state)
{
	struct told t, last = { 0 };
	struct lab_file f;
	uint64_t len;

	(void)state;
	make(&f, 300);
	len = f.len;
	for (f.len = VS_VFR_SLOTS_AT; f.len <= len; f.len += 337) {
		t = read_all(&f);
		assert_true(t.events >= last.events && t.missing <= 1);
		assert_false(t.ended && t.missing);
		last = t;
	}
	lab_file_free(&f);
}

static void *copy_of(const struct lab_file *f)
{
	void *copy = malloc(f->len);

	assert_non_null(copy);
	memcpy(copy, f->data, f->len);
	return copy;
}

/*
 * The power fails: of what was written after the last sync, any sectors are on the disk, and others are
 * not. What was synced is there; all else is there or told.
 */
static void what_power_loss_leaves_is_read(void **state)
{
	int states = getenv("SOAK") ? 10000 : 300;
	struct told whole, t;
	struct lab_file f, disk;
	uint8_t *all;

	(void)state;
	whole = make(&f, 300);
	all = copy_of(&f);
	disk = f;
	disk.data = calloc(1, f.len);
	for (int i = 0; i < states; i++) {
		size_t synced = noise() % f.nr_writes, until = synced + noise() % (f.nr_writes - synced + 1);
		uint64_t seq = 0;

		memset(disk.data, 0, f.len);
		memcpy(disk.data, all, VS_VFR_SLOTS_AT);
		for (size_t w = 0; w < until; w++) {
			const struct lab_write *one = &f.writes[w];

			if (one->offset < VS_VFR_SLOTS_AT)
				continue;
			seq += w < synced;
			for (uint64_t at = one->offset; at < one->offset + one->len;) {
				uint64_t next = (at / 512 + 1) * 512, end = one->offset + one->len;
				uint64_t len = (next < end ? next : end) - at;

				if (w < synced || noise() % 2)
					memcpy(disk.data + at, all + at, len);
				at += len;
			}
		}
		t = read_all(&disk);
		assert_told(&t, &whole);
		assert_true(t.units >= seq);
	}
	free(disk.data);
	free(all);
	lab_file_free(&f);
}

/* -- rings -- */

static void a_ring_has_the_newest(void **state)
{
	struct printed live, again;
	struct vs_replay_result result;
	struct vs_run_row *rows;
	struct vs_reader *r;
	struct lab_file f;
	uint64_t size;

	(void)state;
	lab_file_init(&f);
	record_work(&f, 4, 2500, &live);
	size = f.len;
	assert_true(size <= VS_VFR_SLOTS_AT + 4 * VS_VFR_SLOT);
	r = lab_reader(&f);
	assert_int_equal(vs_replay__list(r, &rows), 1);
	assert_int_equal(vs_reader__slots(r), 4);
	assert_false(rows[0].begun);
	assert_true(rows[0].ended);
	assert_int_equal(vs_reader__damage(r)->missing, 0);
	vs_reader__free(r);
	free(rows);
	result = replay(&f, 1, &again);
	assert_false(result.whole);
	assert_int_equal(result.session.by_grade[VS_GRADE_BUG], 0);
	assert_non_null(strstr(again.text[0], "the recording begins in the middle of the run"));
	assert_int_equal(result.session.blind_gaps, 1);
	forget(&live);
	forget(&again);
	lab_file_free(&f);
}

#define DEVICE 0xffff888004000100ull

static void feed_device_born(struct vs_session *s)
{
	struct vs_event e = of_object(event(VS_REGISTER, sh, 0), DEVICE);

	e.group = 0;
	feed_device(s, e, "0000:00:05.0");
	feed(s, of_object(event(VS_CREATE, sh, 4), BLOCK));
}

static void look_at_it(struct vs_session *s, uint64_t us)
{
	struct vs_snap_group groups[] = { { .address = GROUP, .number = 1, .refs = 1, .opened = 0 } };
	struct vs_snap_device devices[] = {
		{ .address = DEVICE, .group = GROUP, .number = 1, .refs = 1, .name = "0000:00:05.0" },
	};
	struct vs_snapshot look = {
		.start_ns = T0 + us * 1000, .end_ns = T0 + us * 1000 + 500, .start_seq = T0 + us * 1000,
		.end_seq = T0 + us * 1000, .scope = { true, true, true, true }, .groups = groups,
		.nr_groups = 1, .devices = devices, .nr_devices = 1,
	};

	vs_session__check(s, &look);
}

/* The ring has overwritten the get long ago; who reads it knows when that was all the same. */
static void a_reference_keeps_its_age(void **state)
{
	struct printed live, again;
	struct vs_tape *tape;
	struct vs_session *s;
	struct lab_file f;
	uint64_t us;

	(void)state;
	lab_file_init(&f);
	tape = lab_tape(&f, 4, NULL);
	print_begins(&live);
	s = begin(tape, &live);
	feed_device_born(s);
	us = work(s, tape, 2500, 100);
	look_at_it(s, us);
	vs_tape__poll(tape, T0 + us * 1000);
	vs_session__free(s);
	vs_tape__free(tape);
	print_ends(&live);
	replay(&f, 1, &again);
	assert_non_null(strstr(again.text[0], "the recording begins in the middle of the run"));
	assert_non_null(strstr(again.text[0], "0000:00:05.0, for 50 s, born with the group"));
	forget(&live);
	forget(&again);
	lab_file_free(&f);
}

/* A bug, and then more than the ring has room for, and another run behind it. */
static void a_bug_is_kept(void **state)
{
	struct printed live, again;
	struct vs_read_end end;
	struct vs_reader *r;
	struct vs_tape *tape;
	struct vs_session *s;
	struct lab_file f;
	uint64_t us;

	(void)state;
	lab_file_init(&f);
	tape = lab_tape(&f, 8, NULL);
	print_begins(&live);
	s = begin(tape, &live);
	feed_deadlock(s);
	vs_tape__poll(tape, T0 + 960000);
	assert_int_equal(f.syncs, 1);
	us = work(s, tape, 4000, 20000000);
	vs_session__free(s);	/* killed */
	vs_tape__free(tape);
	print_ends(&live);
	forget(&live);

	r = lab_reader(&f);
	vs_reader__end(r, &end);
	vs_reader__free(r);
	tape = lab_tape(&f, 8, &end);
	print_begins(&live);
	s = begin(tape, &live);
	work(s, tape, 4000, us + 1000000);
	end_run(tape, s, 0);
	print_ends(&live);
	assert_true(f.len <= VS_VFR_SLOTS_AT + 8 * VS_VFR_SLOT);
	assert_int_equal(replay(&f, 1, &again).session.findings[VS_NOTIFIER_DEADLOCK], 1);
	assert_non_null(strstr(again.text[0], "BUG"));
	assert_non_null(strstr(again.text[0], "the recording ends here, but the run did not"));
	forget(&again);
	replay(&f, 2, &again);
	forget(&again);
	forget(&live);
	lab_file_free(&f);
}

static bool first_two(void *ctx, uint64_t slot)
{
	(void)ctx;
	return slot < 2;
}

static void no_state(void *ctx, struct vs_writer *w)
{
	(void)ctx;
	(void)w;
}

static void a_run_does_not_begin_in_what_a_bug_keeps(void **state)
{
	struct vs_writer *w = vs_writer__new(&(struct vs_writer_opts){
		.slots = 4, .first_slot = 0, .first_seq = 1, .session = 2, .write = lab_write,
		.state = no_state, .is_pinned = first_two,
	});

	(void)state;
	assert_int_equal(vs_writer__slot(w), 2);
	vs_writer__free(w);
}

/* -- disks that fail -- */

static void what_is_not_recorded_is_counted(void **state)
{
	struct printed live, again;
	struct vs_replay_result result;
	struct vs_run_row *rows;
	struct vs_reader *r;
	struct vs_tape *tape;
	struct vs_session *s;
	struct lab_file f;
	uint64_t us, missing;

	(void)state;
	lab_file_init(&f);
	tape = lab_tape(&f, 0, NULL);
	print_begins(&live);
	s = begin(tape, &live);
	us = work(s, tape, 10, 100);
	assert_int_equal(vs_tape__missing(tape), 0);
	f.refuse = 5;
	us = work(s, tape, 10, us);
	missing = vs_tape__missing(tape);
	assert_int_equal(missing, 5 * 8);	/* rounds of 7 events and a notice */
	work(s, tape, 10, us);
	assert_int_equal(vs_tape__missing(tape), missing);
	end_run(tape, s, 5);
	print_ends(&live);
	r = lab_reader(&f);
	assert_int_equal(vs_replay__list(r, &rows), 1);
	assert_int_equal(rows[0].not_recorded, missing);
	assert_true(rows[0].begun && rows[0].ended);
	vs_reader__free(r);
	free(rows);
	result = replay(&f, 1, &again);
	assert_false(result.whole);
	assert_non_null(strstr(again.text[0], "40 inputs of this run before this moment are not in the recording"));
	forget(&live);
	forget(&again);
	lab_file_free(&f);
}

/* -- other versions -- */

static void what_is_newer_is_skipped_and_counted(void **state)
{
	uint8_t big[5000] = "something that a later version records";
	struct vs_run_row *rows;
	struct vs_writer *w;
	struct vs_reader *r;
	struct lab_file f;

	(void)state;
	lab_file_init(&f);
	lab_pinned(&f, &(struct vs_vfr_super){ .major = 1, .minor = 9, .generation = 2, .compatible = 8,
					       .slot_size = VS_VFR_SLOT });
	w = vs_writer__new(&(struct vs_writer_opts){ .first_seq = 1, .session = 1, .write = lab_write,
						     .state = no_state, .ctx = &f });
	vs_writer__put(w, 1000, big, 20);
	vs_writer__put(w, 70000, big, sizeof(big));
	vs_writer__put(w, 63, big, 0);
	vs_writer__flush(w, T0, 0);
	vs_writer__free(w);
	r = lab_reader(&f);
	assert_int_equal(vs_replay__list(r, &rows), 1);
	assert_int_equal(rows[0].unknown, 3);
	assert_int_equal(vs_reader__damage(r)->odd, 0);
	vs_reader__free(r);
	free(rows);
	lab_file_free(&f);
}

static void what_cannot_be_read_is_refused_in_one_sentence(void **state)
{
	struct vs_vfr_super super = { .major = 2, .generation = 9, .slot_size = VS_VFR_SLOT };
	struct vs_source s = { .fd = -1 };
	struct lab_file f;
	char error[200];

	(void)state;
	make(&f, 3);
	s.memory = f.data;
	s.len = f.len;
	lab_pinned(&f, &super);
	assert_null(vs_reader__new(&s, error, sizeof(error)));
	assert_int_equal(errno, ENOTSUP);
	assert_string_equal(error, "a recording of format 2: this vfioscope reads up to 1");
	super.major = 1;
	super.incompatible = 4;
	lab_pinned(&f, &super);
	assert_null(vs_reader__new(&s, error, sizeof(error)));
	assert_non_null(strstr(error, "features that this vfioscope does not know (flags 0x4)"));
	s.len = 100;
	assert_null(vs_reader__new(&s, error, sizeof(error)));
	lab_file_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flipped_byte_costs_its_slot_at_most),
		cmocka_unit_test(one_superblock_is_enough),
		cmocka_unit_test(a_cut_file_has_all_that_was_before),
		cmocka_unit_test(what_power_loss_leaves_is_read),
		cmocka_unit_test(a_ring_has_the_newest),
		cmocka_unit_test(a_reference_keeps_its_age),
		cmocka_unit_test(a_bug_is_kept),
		cmocka_unit_test(a_run_does_not_begin_in_what_a_bug_keeps),
		cmocka_unit_test(what_is_not_recorded_is_counted),
		cmocka_unit_test(what_is_newer_is_skipped_and_counted),
		cmocka_unit_test(what_cannot_be_read_is_refused_in_one_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

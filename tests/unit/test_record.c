// SPDX-License-Identifier: GPL-2.0
/* Recordings: what goes in comes out again, and what is damaged is said. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "record/rows.h"
#include "record_lab.h"

/* Runs it live beside a tape, and once more from the tape. */
static void expect_same(scenario_fn scenario)
{
	struct printed live, again;
	struct vs_replay_result result;
	struct lab_file f;
	struct vs_session *s;
	struct vs_tape *tape;

	lab_file_init(&f);
	tape = lab_tape(&f, 0, NULL);
	print_begins(&live);
	s = begin(tape, &live);
	scenario(s);
	end_run(tape, s, 3);
	print_ends(&live);
	result = replay(&f, 1, &again);
	assert_string_equal(again.text[0], live.text[0]);
	assert_string_equal(again.text[1], live.text[1]);
	assert_true(strlen(live.text[0]) > 300);
	assert_true(result.whole && result.ended);
	assert_int_equal(result.status, 3);
	assert_int_equal(result.unanswered + result.bad, 0);
	forget(&live);
	forget(&again);
	lab_file_free(&f);
}

static void seen_and_lost(struct vs_session *s)
{
	feed_create(s, 0);
	vs_session__loss_not_reported(s, VS_LOSS_RECURSION);
	vs_session__loss(s, VS_LOSS_RING_FULL, 0);
	feed_fixed(s, 100, WORK, 0);
	vs_session__tick(s, T0 + 900000000);
	feed_fixed(s, 1000, WORK, 1);
	vs_session__loss(s, VS_LOSS_RING_FULL, 12);
	vs_session__loss(s, VS_LOSS_RECURSION, 1);
	vs_session__gap(s, &(struct vs_gap_row){ .why = VS_GAP_LOADED, .from_ns = T0 - 900000,
						 .to_ns = T0 + 2200000, .groups = -1 });
	vs_session__gap_begins(s, VS_GAP_PATCHED, T0 + 2300000, "livepatch_x replaces functions");
	vs_session__gap_begins(s, VS_GAP_PATCHED, T0 + 2400000, "livepatch_x replaces functions");
	vs_session__notice(s, T0 + 2500000, "something");
	vs_session__gap_ends(s, VS_GAP_PATCHED, T0 + 2600000);
	vs_session__set_probes(s, probes, 1);
	vs_session__feed(s, "short", 5);
	vs_session__tick(s, T0 + 3000000000ull);
}

static void ledger(struct vs_session *s)
{
	struct vs_snap_group groups[] = {
		{ .address = GROUP, .number = 1, .refs = 3, .opened = VS_SNAP_UNKNOWN, .container_users = 1 },
	};
	struct vs_snap_device devices[] = {
		{ .address = 0xffff888004000100ull, .group = GROUP, .number = 1, .refs = 2,
		  .open_count = VS_SNAP_UNKNOWN, .name = "0000:00:05.0", .driver = "vfio-pci" },
	};
	struct vs_snap_fd fds[] = {
		{ .kind = VS_SNAP_GROUP_FILE, .file = 0xffff888004000200ull, .object = GROUP, .tgid = 77,
		  .fd = 9, .comm = "qemu" },
		{ .kind = VS_SNAP_DEVICE_FILE, .via = VS_VIA_SOCKET, .file = 0xffff888004000300ull,
		  .object = 0xffff888004000100ull, .tgid = 78, .fd = -1, .comm = "qemu" },
	};
	struct vs_snap_map maps[] = {
		{ .file = 0xffff888004000300ull, .device = 0xffff888004000100ull, .mm = 1, .start = 4096,
		  .end = 8192, .tgid = 78, .comm = "qemu" },
	};
	struct vs_snapshot look = {
		.start_ns = T0 + 1000, .end_ns = T0 + 2000, .scope = { true, true, true, true },
		.files_counted = true, .words = "", .groups = groups, .nr_groups = 1,
		.devices = devices, .nr_devices = 1, .fds = fds, .nr_fds = 2, .maps = maps, .nr_maps = 1,
	};
	struct vs_ledger_opts opts = { .snapshot = &look, .now_ns = T0 + 3000, .traced = true };

	vs_session__gets_seen(s, true, false);
	vs_session__seed(s, &look);
	vs_session__say_ledger(s, &opts);
	feed_fixed(s, 100, WORK, 0);
	vs_session__tick(s, T0 + 1000000000ull);
	for (int i = 1; i < 4; i++) {
		look.start_ns = T0 + (uint64_t)i * 1000000000;
		look.end_ns = look.start_ns + 1000;
		look.start_seq = look.end_seq = look.start_ns;
		if (i == 3)
			groups[0].refs = 7;
		vs_session__check(s, &look);
		vs_session__check_registrations(s, &look);
	}
	vs_session__watched(s, GROUP, 1, T0 + 3100000000ull, T0 + 3100000000ull);
	vs_session__reseed(s, &look);
	opts.last = opts.stacks = true;
	opts.now_ns = T0 + 4000000000ull;
	vs_session__say_ledger(s, &opts);
}

static void a_run_is_repeated_byte_for_byte(void **state)
{
	(void)state;
	expect_same(feed_deadlock);
	expect_same(seen_and_lost);
	expect_same(ledger);
}

/* -- rows -- */

static void rows_lose_no_byte(void **state)
{
	struct vs_event_rows *out = vs_event_rows__new(), *in = vs_event_rows__new();
	_Alignas(16) uint8_t record[600], back[VS_ROW_MOST];
	struct vs_pack p = { 0 };
	uint64_t seed = 1;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		size_t len = sizeof(struct vs_event) + (size_t)(i % 7) * 40;
		struct vs_packed u;

		for (size_t at = 0; at < len; at += 1 + (i % 3 == 0 ? 0 : seed % 61)) {
			seed = seed * 6364136223846793005ull + 1442695040888963407ull;
			record[at] = (uint8_t)(seed >> 33);
		}
		memset(record + len, 0, sizeof(record) - len);
		((struct vs_event *)record)->size = (uint16_t)len;
		((struct vs_event *)record)->type = (uint8_t)(i % 5);
		p.len = 0;
		assert_true(vs_event_rows__pack(out, record, len, &p));
		u = (struct vs_packed){ .data = p.data, .len = p.len };
		assert_int_equal(vs_event_rows__unpack(in, &u, back), len);
		assert_memory_equal(back, record, len);
		assert_int_equal(u.at, u.len);
		if (i % 6000 == 5999) {
			vs_event_rows__reset(out);
			vs_event_rows__reset(in);
		}
	}
	assert_false(vs_event_rows__pack(out, record, 20, &p));
	vs_event_rows__free(out);
	vs_event_rows__free(in);
	vs_pack__free(&p);
}

/* -- many slots -- */

static void slots_follow_each_other(void **state)
{
	struct printed live, again;
	struct vs_run_row *rows;
	struct vs_reader *r;
	struct lab_file f;
	uint64_t events;

	(void)state;
	lab_file_init(&f);
	events = record_work(&f, 0, 700, &live);
	assert_true(f.len > VS_VFR_SLOTS_AT + 2 * VS_VFR_SLOT);
	r = lab_reader(&f);
	assert_int_equal(vs_replay__list(r, &rows), 1);
	assert_int_equal(rows[0].events, events);
	assert_true(rows[0].begun && rows[0].ended);
	assert_int_equal(rows[0].unknown + rows[0].not_recorded, 0);
	assert_int_equal(vs_reader__damage(r)->missing, 0);
	vs_reader__free(r);
	free(rows);
	assert_true(replay(&f, 1, &again).whole);
	assert_string_equal(again.text[1], live.text[1]);
	forget(&live);
	forget(&again);
	lab_file_free(&f);
}

/* -- recordings of earlier formats -- */

static void record_golden(const char *path)
{
	struct printed live;
	struct lab_file f;
	struct vs_tape *tape;
	struct vs_session *s;
	FILE *file;

	lab_file_init(&f);
	tape = lab_tape(&f, 0, NULL);
	print_begins(&live);
	s = begin(tape, &live);
	ledger(s);
	seen_and_lost(s);
	feed_deadlock(s);
	end_run(tape, s, 3);
	print_ends(&live);
	file = fopen(path, "wb");
	assert_non_null(file);
	fwrite(f.data, 1, f.len, file);
	fclose(file);
	forget(&live);
	lab_file_free(&f);
}

/* A recording of each format is kept for ever. VS_GOLDEN_WRITE makes that of a new one. */
static void earlier_formats_are_read(void **state)
{
	static const char vfr[] = "tests/recordings/1.0.vfr";
	struct vs_replay_result result;
	struct printed again;
	struct lab_file f;
	ssize_t len;
	int fd;

	(void)state;
	if (getenv("VS_GOLDEN_WRITE") && access(vfr, F_OK))
		record_golden(vfr);
	lab_file_init(&f);
	fd = open(vfr, O_RDONLY);
	assert_true(fd >= 0);
	len = read(fd, f.data, LAB_MOST);
	close(fd);
	assert_true(len > VS_VFR_SLOTS_AT);
	f.len = (uint64_t)len;
	result = replay(&f, 1, &again);
	assert_true(result.whole && result.ended);
	assert_int_equal(result.status, 3);
	assert_int_equal(result.bad, 0);
	assert_int_equal(result.session.findings[VS_NOTIFIER_DEADLOCK], 1);
	assert_int_equal(result.session.events, 35);
	assert_int_equal(result.session.lost, 14);
	assert_non_null(strstr(again.text[1], "livepatch_x replaces functions"));
	assert_non_null(strstr(again.text[1], "qemu"));
	forget(&again);
	lab_file_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_lose_no_byte),
		cmocka_unit_test(a_run_is_repeated_byte_for_byte),
		cmocka_unit_test(slots_follow_each_other),
		cmocka_unit_test(earlier_formats_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0
/* The page of a session, its texts, the memory that two processes share, and what status makes of it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "busy_page.h"
#include "serve/judge.h"
#include "serve/metrics.h"
#include "serve/share.h"
#include "serve/state.h"

static struct vs_page page;
static struct vs_sink *sink;
static struct vs_session *session;
static struct vs_out text;

static int setup(void **state)
{
	(void)state;
	begin_page(&page);
	sink = vs_page__sink(&page);
	session = page_session(&sink);
	assert_non_null(session);
	vs_out__init(&text, -1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	vs_session__free(session);
	vs_sink__free(sink);
	vs_out__fini(&text);
	return 0;
}

static const char *metrics(enum vs_metrics_form form)
{
	text.len = 0;
	vs_metrics__write(&text, &page, form);
	vs_out__raw(&text, "", 1);
	assert_int_equal(text.error, 0);
	return text.buf;
}

static void assert_line(const char *all, const char *line)
{
	char whole[400];

	snprintf(whole, sizeof(whole), "\n%s\n", line);
	if (!strstr(all, whole))
		fail_msg("no line \"%s\" in\n%s", line, all);
}

/* -- the page -- */

static void a_deadlock_is_a_task_that_never_returns(void **state)
{
	const char *all;

	(void)state;
	feed_deadlock(session);
	assert_true(page.changed);
	take_page(&page, session, sink, 2000);
	all = metrics(VS_METRICS_PROMETHEUS);
	assert_line(all, "vfioscope_deadlocked_tasks{chain=\"vfio\"} 1");
	assert_line(all, "vfioscope_deadlocked_tasks{chain=\"other\"} 0");
	assert_line(all, "vfioscope_findings_total{finding=\"notifier-deadlock\",grade=\"bug\"} 1");
	assert_line(all, "vfioscope_findings_total{finding=\"reference-leak\",grade=\"hazard\"} 0");
	assert_line(all, "vfioscope_last_finding_time_seconds{grade=\"info\"} 0.000000000");
	assert_line(all, "vfioscope_kernel_fix_info{verdict=\"absent\",vfio=\"module\",kernel=\"5.10.0-46-amd64\"} 1");
	assert_line(all, "vfioscope_group_creates_total 1");
	assert_line(all, "vfioscope_up 1");
	assert_null(strstr(all, "vfioscope_down_info{"));
}

static void deferred_puts_are_in_their_buckets(void **state)
{
	const char *all;

	(void)state;
	feed_create(session, 0);
	feed_fixed(session, 100, WORK, 0);
	take_page(&page, session, sink, 2000);
	all = metrics(VS_METRICS_PROMETHEUS);
	/* 120 us from queue to start: above 2^16 ns, below 2^17. */
	assert_line(all, "vfioscope_deferred_put_start_seconds_bucket{le=\"0.000065536\"} 0");
	assert_line(all, "vfioscope_deferred_put_start_seconds_bucket{le=\"0.000131072\"} 1");
	assert_line(all, "vfioscope_deferred_put_start_seconds_bucket{le=\"+Inf\"} 1");
	assert_line(all, "vfioscope_deferred_put_start_seconds_sum 0.000120000");
	assert_line(all, "vfioscope_deferred_puts_queued_total 1");
	assert_line(all, "vfioscope_deferred_puts_waiting 0");
	assert_line(all, "vfioscope_notifier_events_total{group_found=\"true\"} 1");
}

/* Two files of one process are one series: a page with a series twice is refused as a whole. */
static void a_wait_names_each_holder_once_and_escaped(void **state)
{
	const char *all;

	(void)state;
	feed_create(session, 0);
	feed_wait(session, 100);
	take_page(&page, session, sink, 8000200);
	assert_int_equal(page.unbinds_waiting, 1);
	assert_int_equal(page.waits[0].nr_holders, 1);
	all = metrics(VS_METRICS_PROMETHEUS);
	assert_line(all, "vfioscope_unbind_wait_holder_info{device=\"0000:00:05.0\",group=\"1\",how=\"file\","
			 "comm=\"qemu \\\"a\\\\b\\\\x0a\"} 1");
	assert_line(all, "vfioscope_unbind_wait_start_time_seconds{device=\"0000:00:05.0\",group=\"1\"} "
			 "1700001000.000200000");
	assert_line(all, "vfioscope_unbind_oldest_wait_start_time_seconds 1700001000.000200000");
	feed_reference(session, VS_REG_PUT, qemu, 8000300, IP_IOCTL, 1);
	feed_reference(session, VS_REG_PUT, qemu, 8000310, IP_IOCTL, 0);
	feed(session, event(VS_PUT, sh, 8000320));
	take_page(&page, session, sink, 8000400);
	all = metrics(VS_METRICS_PROMETHEUS);
	assert_null(strstr(all, "vfioscope_unbind_wait_holder_info{"));
	assert_line(all, "vfioscope_unbind_oldest_wait_start_time_seconds 0.000000000");
	assert_line(all, "vfioscope_unbind_wait_seconds_bucket{le=\"5.0\"} 0");
	assert_line(all, "vfioscope_unbind_wait_seconds_bucket{le=\"10.0\"} 1");
}

static void a_deferred_put_that_does_not_start_is_lost(void **state)
{
	struct vs_event queue = in_notifier(event(VS_QUEUE, sh, 105), VS_ACT_UNBOUND_DRIVER);

	(void)state;
	feed_create(session, 0);
	feed(session, of_object(refs(queue, 2, 0), WORK));
	take_page(&page, session, sink, 9000000);
	assert_line(metrics(VS_METRICS_PROMETHEUS), "vfioscope_deferred_puts_lost 0");
	take_page(&page, session, sink, 10000105);
	assert_line(metrics(VS_METRICS_PROMETHEUS), "vfioscope_deferred_puts_lost 1");
}

static void losses_and_gaps_are_told_by_cause(void **state)
{
	const char *all;

	(void)state;
	feed_create(session, 0);
	vs_session__loss(session, VS_LOSS_RING_FULL, 7);
	vs_session__loss_not_reported(session, VS_LOSS_PROBE_MISSED);
	vs_session__gap_begins(session, VS_GAP_PATCHED, T0 + 1000000, "x");
	take_page(&page, session, sink, 2001000);
	all = metrics(VS_METRICS_PROMETHEUS);
	assert_line(all, "vfioscope_lost_events_total{cause=\"ring-full\"} 7");
	assert_null(strstr(all, "cause=\"probe-missed\""));
	assert_line(all, "vfioscope_loss_causes_unreported 1");
	assert_line(all, "vfioscope_blind{why=\"patched\"} 1");
	assert_line(all, "vfioscope_blind_seconds_total{why=\"patched\"} 2.000000000");
	vs_session__gap_ends(session, VS_GAP_PATCHED, T0 + 3001000000);
	take_page(&page, session, sink, 9000000);
	all = metrics(VS_METRICS_PROMETHEUS);
	assert_line(all, "vfioscope_blind{why=\"patched\"} 0");
	assert_line(all, "vfioscope_blind_seconds_total{why=\"patched\"} 3.000000000");
}

/* Each series is there from the first page on, and a page at all limits fits into its memory. */
static void the_series_are_the_same_from_the_first_page_on(void **state)
{
	size_t calm = 0, busy = 0;

	(void)state;
	take_page(&page, session, sink, 0);
	for (const char *c = metrics(VS_METRICS_PROMETHEUS); *c; c++)
		calm += *c == '\n';
	feed_deadlock(session);
	feed_fixed(session, 2000, WORK, 0);
	take_page(&page, session, sink, 4000);
	for (const char *c = metrics(VS_METRICS_PROMETHEUS); *c; c++)
		busy += *c == '\n';
	assert_int_equal(calm, busy);
	fill_waits(&page);
	assert_in_range(strlen(metrics(VS_METRICS_OPENMETRICS)), 20000, VS_SHARE_TEXT);
}

static void each_form_has_what_is_its_own(void **state)
{
	const char *all;

	(void)state;
	take_page(&page, session, sink, 0);
	all = metrics(VS_METRICS_TEXTFILE);
	assert_null(strstr(all, "process_"));
	assert_line(all, "# TYPE vfioscope_group_creates_total counter");
	all = metrics(VS_METRICS_OPENMETRICS);
	assert_line(all, "# TYPE vfioscope_group_creates counter");
	assert_line(all, "vfioscope_group_creates_total 0");
	assert_string_equal(all + strlen(all) - strlen("\n# EOF\n"), "\n# EOF\n");
	assert_null(strstr(metrics(VS_METRICS_PROMETHEUS), "# EOF"));
}

static void the_longest_waits_stay(void **state)
{
	struct vs_registrations *r = vs_session__registrations(session);

	(void)state;
	for (unsigned int i = 0; i < VS_PAGE_WAITS + 3; i++) {
		/* The newest come first, so that the order of the list is not that of time. */
		uint64_t at = 1000 * (VS_PAGE_WAITS + 3 - i);
		struct vs_device_event d = { .e = of_object(event(VS_REGISTER, sh, at), DEVICE + 4096 * i) };
		struct vs_registration_event put = { .nr_stack = 2, .stack = { IP_REG_PUT, IP_DEV_UNREGISTER } };

		d.e.size = sizeof(d);
		snprintf(d.device, sizeof(d.device), "0000:00:%02x.0", i);
		vs_registrations__feed(r, &d.e);
		d.e.type = VS_UNREGISTER;
		d.e.tid = d.e.tgid = 1000 + i;
		vs_registrations__feed(r, &d.e);
		put.e = refs(event(VS_REG_PUT, sh, at + 1), 1, IP_REG_PUT);
		put.e.size = sizeof(put);
		put.e.object = DEVICE + 4096 * i;
		put.e.tid = put.e.tgid = 1000 + i;
		vs_registrations__feed(r, &put.e);
	}
	take_page(&page, session, sink, 100000);
	assert_int_equal(page.unbinds_waiting, VS_PAGE_WAITS + 3);
	assert_int_equal(page.nr_waits, VS_PAGE_WAITS);
	assert_int_equal(page.dropped, 3);
	assert_string_equal(page.waits[0].device, "0000:00:12.0");
	for (size_t i = 1; i < page.nr_waits; i++)
		assert_true(page.waits[i - 1].start_ns < page.waits[i].start_ns);
	assert_int_equal(page.oldest_wait_ns, page.waits[0].start_ns);
}

/* -- the shared memory -- */

static void a_page_is_read_once_it_is_whole(void **state)
{
	static char buf[VS_SHARE_TEXT];
	struct vs_share *s = vs_share__new();
	bool up;

	(void)state;
	assert_non_null(s);
	assert_int_equal(vs_share__read(s, VS_SHARE_METRICS, buf), -ENODATA);
	assert_int_equal(vs_share__time(s, &up), 0);
	for (char c = 'a'; c < 'e'; c++) {
		struct vs_share_page *next = vs_share__next(s);

		next->mono_ns = (uint64_t)c;
		next->up = c != 'd';
		next->len[VS_SHARE_METRICS] = 3;
		memset(next->text[VS_SHARE_METRICS], c, 3);
		if (c > 'a') {
			assert_int_equal(vs_share__read(s, VS_SHARE_METRICS, buf), 3);
			assert_int_equal(buf[2], c - 1);
		}
		vs_share__publish(s);
	}
	assert_int_equal(vs_share__time(s, &up), 'd');
	assert_false(up);
	vs_share__free(s);
}

/* -- what status makes of it -- */

static void assert_judged(enum vs_matter matter, double later_s, enum vs_answer answer, const char *words)
{
	json_t *state = vs_state__json(&page);
	double now = (double)page.wall_ns / 1e9 + later_s;
	struct vs_judgement j;

	vs_judge__state(state, matter, now, 300, &j);
	json_decref(state);
	assert_int_equal(j.answer, answer);
	assert_string_equal(j.words, words);
}

static void a_deadlock_is_told_whatever_else_is_not_known(void **state)
{
	static const char words[] = "deadlock: 1 task waits for a lock that it holds; only a reset helps";

	(void)state;
	take_page(&page, session, sink, 0);
	assert_judged(VS_MATTER_DEADLOCK, 1, VS_ANSWER_NO, "deadlock: none seen");
	feed_deadlock(session);
	vs_session__loss(session, VS_LOSS_RING_FULL, 7);
	take_page(&page, session, sink, 2000);
	assert_judged(VS_MATTER_DEADLOCK, 1, VS_ANSWER_YES, words);
	assert_judged(VS_MATTER_DEADLOCK, 100, VS_ANSWER_YES, words);
}

static void what_was_not_seen_is_not_known(void **state)
{
	(void)state;
	take_page(&page, session, sink, 0);
	assert_judged(VS_MATTER_DEADLOCK, 6, VS_ANSWER_UNKNOWN,
		      "deadlock: not known: vfioscope hangs: its page is from 6.0 s ago");
	assert_judged(VS_MATTER_BLIND, 6, VS_ANSWER_YES, "blind: vfioscope hangs: its page is from 6.0 s ago");
	vs_session__loss(session, VS_LOSS_RING_FULL, 7);
	take_page(&page, session, sink, 0);
	assert_judged(VS_MATTER_DEADLOCK, 1, VS_ANSWER_UNKNOWN, "deadlock: not known: lost 7 ring-full");
	assert_judged(VS_MATTER_BLIND, 1, VS_ANSWER_NO, "blind: no");
	page.up = false;
	strcpy(page.down, "no kprobes");
	assert_judged(VS_MATTER_UNBIND, 1, VS_ANSWER_UNKNOWN,
		      "unbind: not known: does not trace: no kprobes, lost 7 ring-full");
	assert_judged(VS_MATTER_BLIND, 1, VS_ANSWER_YES, "blind: does not trace: no kprobes");
}

static void a_wait_is_a_matter_once_it_is_old(void **state)
{
	(void)state;
	feed_create(session, 0);
	feed_wait(session, 100);
	take_page(&page, session, sink, 299000000);
	assert_judged(VS_MATTER_UNBIND, 0, VS_ANSWER_NO, "unbind: none waits for long");
	take_page(&page, session, sink, 301000000);
	assert_judged(VS_MATTER_UNBIND, 0, VS_ANSWER_YES,
		      "unbind: 0000:00:05.0 waits for 5m 0s for qemu \"a\\b\\x0a (file)");
	/* It may have ended since that page. */
	assert_judged(VS_MATTER_UNBIND, 100, VS_ANSWER_UNKNOWN,
		      "unbind: not known: vfioscope hangs: its page is from 1m 40s ago");
}

static void what_is_no_state_is_not_known(void **state)
{
	json_t *none = json_object();
	struct vs_judgement j;

	(void)state;
	for (enum vs_matter m = 0; m < VS_MATTERS; m++) {
		vs_judge__state(none, m, 1e9, 300, &j);
		assert_int_equal(j.answer, m == VS_MATTER_BLIND ? VS_ANSWER_YES : VS_ANSWER_UNKNOWN);
	}
	json_decref(none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_deadlock_is_a_task_that_never_returns, setup, teardown),
		cmocka_unit_test_setup_teardown(deferred_puts_are_in_their_buckets, setup, teardown),
		cmocka_unit_test_setup_teardown(a_wait_names_each_holder_once_and_escaped, setup, teardown),
		cmocka_unit_test_setup_teardown(a_deferred_put_that_does_not_start_is_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(losses_and_gaps_are_told_by_cause, setup, teardown),
		cmocka_unit_test_setup_teardown(the_series_are_the_same_from_the_first_page_on, setup, teardown),
		cmocka_unit_test_setup_teardown(each_form_has_what_is_its_own, setup, teardown),
		cmocka_unit_test_setup_teardown(the_longest_waits_stay, setup, teardown),
		cmocka_unit_test(a_page_is_read_once_it_is_whole),
		cmocka_unit_test_setup_teardown(a_deadlock_is_told_whatever_else_is_not_known, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_not_seen_is_not_known, setup, teardown),
		cmocka_unit_test_setup_teardown(a_wait_is_a_matter_once_it_is_old, setup, teardown),
		cmocka_unit_test(what_is_no_state_is_not_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0
/* Findings of whole sessions, and the places that a stack tells. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger/detect.h"
#include "ledger/frames.h"
#include "scenario.h"

/* A sink that keeps the last finding and counts calls. */
struct probe_sink {
	struct vs_sink base;
	int events, deferred, findings, losses;
	struct vs_finding last;
	char devices[VS_DEVICES_LEN];
	struct vs_summary sum;
	struct vs_loss_row last_loss;
};

static void on_start(struct vs_sink *s, const struct vs_start *start)
{
	(void)s;
	(void)start;
}

static void on_event(struct vs_sink *s, const struct vs_view *v)
{
	(void)v;
	((struct probe_sink *)s)->events++;
}

static void on_deferred(struct vs_sink *s, const struct vs_deferred *d,
			const struct vs_group_view *group)
{
	(void)d;
	(void)group;
	((struct probe_sink *)s)->deferred++;
}

static void on_finding(struct vs_sink *s, const struct vs_finding *f)
{
	struct probe_sink *p = (struct probe_sink *)s;

	p->findings++;
	p->last = *f;
	snprintf(p->devices, sizeof(p->devices), "%s", f->group.devices);
}

static void on_loss(struct vs_sink *s, const struct vs_loss_row *l)
{
	((struct probe_sink *)s)->losses++;
	((struct probe_sink *)s)->last_loss = *l;
}

static void on_gap(struct vs_sink *s, const struct vs_gap_row *g)
{
	(void)s;
	(void)g;
}

static void on_notice(struct vs_sink *s, uint64_t time_ns, const char *words)
{
	(void)s;
	(void)time_ns;
	(void)words;
}

static void on_summary(struct vs_sink *s, const struct vs_summary *sum)
{
	((struct probe_sink *)s)->sum = *sum;
}

static int on_flush(struct vs_sink *s)
{
	(void)s;
	return 0;
}

static void on_free(struct vs_sink *s)
{
	(void)s;
}

static const struct vs_sink_ops probe_ops = {
	.start = on_start, .event = on_event, .deferred = on_deferred, .finding = on_finding,
	.loss = on_loss, .gap = on_gap, .notice = on_notice, .summary = on_summary,
	.flush = on_flush, .free = on_free,
};

static struct probe_sink sink;

static int proc_stack(void *ctx, uint32_t tid, char *buf, size_t size)
{
	(void)ctx;
	if (tid != sh.tid)
		return -ESRCH;
	snprintf(buf, size, "[<0>] rwsem_down_write_slowpath+0x24b/0x5d0\n"
			    "[<0>] blocking_notifier_chain_unregister+0x1c/0xb0\n"
			    "[<0>] vfio_group_release+0xa1/0x120 [vfio]\n"
			    "[<0>] vfio_iommu_group_notifier+0xcd/0x1a0 [vfio]\n"
			    "[<0>] blocking_notifier_call_chain+0x43/0x60\n"
			    "[<0>] iommu_bus_notifier+0x9f/0x100\n");
	return 0;
}

static struct vs_session *session(const struct vs_filter *filter)
{
	static struct vs_sink *sinks[1];
	struct vs_session_opts o = {
		.calls = { resolve, two_devices, proc_stack, clock_2ms },
		.filter = filter,
		.sinks = sinks,
		.nr_sinks = 1,
	};

	memset(&sink, 0, sizeof(sink));
	sink.base.ops = &probe_ops;
	sinks[0] = &sink.base;
	return vs_session__new(&o);
}

static void deadlock_is_found_once_with_everything(void **state)
{
	struct vs_session *s = session(NULL);
	const struct vs_finding *f = &sink.last;

	(void)state;
	feed_deadlock(s);
	assert_int_equal(sink.findings, 2);
	assert_int_equal(f->kind, VS_NOTIFIER_DEADLOCK);
	assert_int_equal(f->grade, VS_GRADE_BUG);
	assert_int_equal(f->tid, 431);
	assert_int_equal(f->time_ns, T0 + 934000);
	assert_int_equal(f->said_ns - f->time_ns, 1066000);
	assert_true(f->proven && f->release_seen && f->unregister_seen);
	assert_int_equal(f->chain, CHAIN);
	assert_int_equal(f->block, BLOCK);
	assert_string_equal(f->callback, "vfio_iommu_group_notifier");
	assert_string_equal(f->call_place, "iommu_bus_notifier+0x9f");
	assert_string_equal(f->change_place, "vfio_group_release+0xa1");
	assert_string_equal(sink.devices, "0000:00:05.0 0000:00:05.1");
	assert_int_equal(vs_session__deadline(s), 0);
	vs_session__finish(s, 0, NULL);
	assert_int_equal(sink.findings, 2);
	assert_int_equal(sink.sum.nr_bugs, 1);
	vs_session__free(s);
}

static void picture_is_in_order_and_tells_tasks_apart(void **state)
{
	struct vs_session *s = session(NULL);
	const struct vs_picture *p = &sink.last.picture;

	(void)state;
	feed_deadlock(s);
	assert_int_equal(p->nr, 7);
	assert_int_equal(p->other_puts, 1);
	assert_true(p->complete);
	assert_int_equal(p->rows[0].type, VS_NOTIFIER_ENTER);
	/* The fatal put was hit first, but its count says that it came second. */
	assert_true(p->reordered);
	assert_true(p->rows[2].other && !p->rows[2].last);
	assert_true(p->rows[3].last && !p->rows[3].other);
	assert_true(p->rows[2].time_ns > p->rows[3].time_ns);
	vs_session__free(s);
}

/* A CPU that stands still between its get and its put: others fill the history meanwhile. */
static void the_culprits_get_is_always_there(void **state)
{
	struct vs_session *s = session(NULL);
	const struct vs_picture *p = &sink.last.picture;
	size_t own_gets = 0, took_down = 0;

	(void)state;
	feed_create(s, 0);
	feed_enter(s, sh, 900, VS_ACT_UNBIND_DRIVER, "0000:00:05.1");
	feed(s, in_notifier(refs(event(VS_GET, sh, 903), 2, IP_TRY_GET), VS_ACT_UNBIND_DRIVER));
	for (uint64_t us = 904; us < 904 + 400; us += 4) {
		feed(s, refs(event(VS_GET, other_sh, us), 3, IP_TRY_GET));
		feed(s, refs(event(VS_PUT, other_sh, us + 2), 3, IP_DEL_DEV_PUT));
	}
	for (uint64_t us = 8480; us < 8520; us++)
		if (us == 8500)
			feed(s, refs(event(VS_PUT, other_sh, us), 2, IP_DEL_DEV_PUT));
		else
			feed_enter(s, other_sh, us, VS_ACT_UNBIND_DRIVER, "0000:00:05.0");
	feed(s, in_notifier(refs(event(VS_PUT, sh, 8903), 1, IP_NOTIFIER_PUT), VS_ACT_UNBIND_DRIVER));
	feed(s, in_notifier(event(VS_RELEASE, sh, 8905), VS_ACT_UNBIND_DRIVER));
	feed_alarm(s, of_object(in_notifier(event(VS_CHAIN_DEADLOCK, sh, 8952), VS_ACT_UNBIND_DRIVER),
				BLOCK), CALLBACK, stack_510, sizeof(stack_510) / sizeof(stack_510[0]));
	for (size_t i = 0; i < p->nr; i++) {
		own_gets += p->rows[i].type == VS_GET && !p->rows[i].other;
		took_down += p->rows[i].type == VS_PUT && p->rows[i].time_ns == T0 + 8500000;
	}
	assert_int_equal(p->nr, VS_PICTURE_ROWS);
	assert_true(p->cut > 0);
	assert_int_equal(p->rows[0].type, VS_NOTIFIER_ENTER);
	assert_int_equal(own_gets, 1);
	assert_int_equal(took_down, 1);
	assert_int_equal(p->rows[1].refs, 2);
	assert_string_equal(p->rows[1].comm, "sh");
	vs_session__free(s);
}

/*
 * As seen on 5.10: the other put's probe is hit when the get is done but not yet
 * reported. `reading` is what the fatal put read.
 */
static const struct vs_picture *get_beside_a_put(struct vs_session *s, int reading)
{
	feed_create(s, 0);
	feed_enter(s, sh, 900, VS_ACT_UNBIND_DRIVER, "0000:00:05.1");
	feed(s, refs(event(VS_PUT, other_sh, 903), 2, IP_TRY_GET));
	feed(s, event(VS_NOTIFIER_EXIT, other_sh, 904));
	feed_device(s, event(VS_UNREGISTER, other_sh, 905), "0000:00:05.0");
	feed(s, in_notifier(refs(event(VS_GET, sh, 906), 2, IP_TRY_GET), VS_ACT_UNBIND_DRIVER));
	feed(s, in_notifier(refs(event(VS_PUT, sh, 910), reading, IP_TRY_GET),
			    VS_ACT_UNBIND_DRIVER));
	feed(s, in_notifier(event(VS_RELEASE, sh, 934), VS_ACT_UNBIND_DRIVER));
	feed_proof(s, sh);
	return &sink.last.picture;
}

static void picture_follows_the_counts_where_times_lie(void **state)
{
	struct vs_session *s = session(NULL);
	const struct vs_picture *p = get_beside_a_put(s, 1);

	(void)state;
	assert_true(p->reordered);
	assert_int_equal(p->rows[1].type, VS_GET);
	assert_true(p->rows[2].type == VS_PUT && p->rows[2].other);
	vs_session__free(s);
}

static void picture_keeps_times_that_the_counts_allow(void **state)
{
	struct vs_session *s = session(NULL);
	const struct vs_picture *p = get_beside_a_put(s, 2);

	(void)state;
	assert_false(p->reordered);
	assert_true(p->rows[1].type == VS_PUT && p->rows[1].other);
	assert_int_equal(p->rows[3].type, VS_GET);
	vs_session__free(s);
}

/* The other's put: probe hit before the entry, done after the get. */
static void put_before_entry(struct vs_session *s, int read)
{
	feed_create(s, 0);
	feed(s, refs(event(VS_PUT, other_sh, 899), read, IP_TRY_GET));
	feed_enter(s, sh, 900, VS_ACT_UNBIND_DRIVER, "0000:00:05.1");
	feed(s, in_notifier(refs(event(VS_GET, sh, 906), 2, IP_TRY_GET), VS_ACT_UNBIND_DRIVER));
	feed(s, in_notifier(refs(event(VS_PUT, sh, 910), 1, IP_TRY_GET), VS_ACT_UNBIND_DRIVER));
	feed(s, in_notifier(event(VS_RELEASE, sh, 934), VS_ACT_UNBIND_DRIVER));
	feed_proof(s, sh);
}

static void picture_has_the_put_that_began_before_the_entry(void **state)
{
	const struct vs_picture *p = &sink.last.picture;
	struct vs_session *s = session(NULL);

	(void)state;
	put_before_entry(s, 1);
	assert_int_equal(p->other_puts, 1);
	assert_true(p->reordered);
	assert_int_equal(p->rows[0].type, VS_NOTIFIER_ENTER);
	assert_int_equal(p->rows[1].type, VS_GET);
	assert_true(p->rows[2].type == VS_PUT && p->rows[2].other);
	assert_true(p->rows[3].last);
	vs_session__free(s);
}

/*
 * As seen on 5.10: the other task had unbound a device before, and does it again. The probe of its second put is
 * hit after the entry and before the get; the first one is long done, since the task went on.
 */
static void picture_moves_the_put_that_was_not_yet_done(void **state)
{
	const struct vs_picture *p = &sink.last.picture;
	struct vs_session *s = session(NULL);

	(void)state;
	feed_create(s, 0);
	feed(s, refs(event(VS_PUT, other_sh, 880), 1, IP_DEL_DEV_PUT));
	feed_device(s, event(VS_UNREGISTER, other_sh, 890), "0000:00:05.0");
	feed_enter(s, sh, 900, VS_ACT_UNBIND_DRIVER, "0000:00:05.1");
	feed_device(s, event(VS_UNREGISTER, other_sh, 902), "0000:00:05.0");
	feed(s, refs(event(VS_PUT, other_sh, 904), 1, IP_DEL_DEV_PUT));
	feed(s, in_notifier(refs(event(VS_GET, sh, 906), 2, IP_TRY_GET), VS_ACT_UNBIND_DRIVER));
	feed(s, in_notifier(refs(event(VS_PUT, sh, 910), 1, IP_NOTIFIER_PUT), VS_ACT_UNBIND_DRIVER));
	feed(s, in_notifier(event(VS_RELEASE, sh, 934), VS_ACT_UNBIND_DRIVER));
	feed_proof(s, sh);
	assert_int_equal(p->other_puts, 1);
	assert_true(p->reordered);
	assert_int_equal(p->rows[2].type, VS_GET);
	assert_true(p->rows[3].type == VS_PUT && p->rows[3].other);
	assert_int_equal(p->rows[3].time_ns, T0 + 904000);
	assert_true(p->rows[4].last);
	vs_session__free(s);
}

static void picture_leaves_out_a_put_that_was_done_before_the_entry(void **state)
{
	struct vs_session *s = session(NULL);

	(void)state;
	put_before_entry(s, 2);
	assert_int_equal(sink.last.picture.other_puts, 0);
	vs_session__free(s);
}

static void picture_has_its_entry_even_if_the_group_was_unknown_then(void **state)
{
	struct vs_session *s = session(NULL);
	struct vs_event enter = in_notifier(event(VS_NOTIFIER_ENTER, sh, 900),
					    VS_ACT_UNBOUND_DRIVER);

	(void)state;
	enter.group = 0;
	enter.iommu_group = -1;
	feed_device(s, enter, "0000:00:05.0");
	feed(s, in_notifier(refs(event(VS_GET, sh, 903), 2, IP_TRY_GET), VS_ACT_UNBOUND_DRIVER));
	feed(s, in_notifier(event(VS_RELEASE, sh, 934), VS_ACT_UNBOUND_DRIVER));
	feed_proof(s, sh);
	assert_int_equal(sink.last.picture.rows[0].type, VS_NOTIFIER_ENTER);
	assert_string_equal(sink.last.picture.rows[0].comm, "sh");
	assert_true(sink.last.group.seen_before);
	vs_session__free(s);
}

static void long_picture_is_cut_in_the_middle(void **state)
{
	struct vs_session *s = session(NULL);

	(void)state;
	feed_create(s, 0);
	feed_enter(s, sh, 10, VS_ACT_BOUND_DRIVER, "0000:00:05.0");
	for (int i = 0; i < 50; i++)
		feed(s, refs(event(VS_GET, other_sh, 11 + (uint64_t)i), 2, IP_TRY_GET));
	feed(s, in_notifier(event(VS_RELEASE, sh, 934), VS_ACT_BOUND_DRIVER));
	feed_proof(s, sh);
	assert_int_equal(sink.last.picture.nr, VS_PICTURE_ROWS);
	assert_int_equal(sink.last.picture.cut, 54 - VS_PICTURE_ROWS);
	assert_int_equal(sink.last.picture.rows[0].type, VS_NOTIFIER_ENTER);
	assert_int_equal(sink.last.picture.rows[VS_PICTURE_ROWS - 1].type, VS_CHAIN_DEADLOCK);
	vs_session__free(s);
}

/* A virtual CPU stood still: others went on for long before the put that made the difference. */
static void pairs_of_others_are_folded(void **state)
{
	struct vs_session *s = session(NULL);
	const struct vs_picture *p = &sink.last.picture;
	const struct who third = { 2, 433, "qemu" };

	(void)state;
	feed_create(s, 0);
	feed_enter(s, sh, 10, VS_ACT_BOUND_DRIVER, "0000:00:05.0");
	feed(s, in_notifier(refs(event(VS_GET, sh, 11), 2, IP_TRY_GET), VS_ACT_BOUND_DRIVER));
	for (uint64_t i = 0; i < 20; i++) {
		feed(s, refs(event(VS_GET, other_sh, 20 + 10 * i), 3, IP_TRY_GET));
		if (i < 4)
			feed(s, refs(event(VS_GET, third, 21 + 10 * i), 4, IP_TRY_GET));
		feed(s, refs(event(VS_PUT, other_sh, 22 + 10 * i), 3, IP_DEL_DEV_PUT));
		if (i < 4)
			feed(s, refs(event(VS_PUT, third, 23 + 10 * i), 3, IP_DEL_DEV_PUT));
	}
	feed(s, refs(event(VS_PUT, other_sh, 300), 2, IP_DEL_DEV_PUT));
	feed(s, in_notifier(refs(event(VS_PUT, sh, 301), 1, IP_NOTIFIER_PUT), VS_ACT_BOUND_DRIVER));
	feed(s, in_notifier(event(VS_RELEASE, sh, 934), VS_ACT_BOUND_DRIVER));
	feed_proof(s, sh);
	assert_int_equal(p->cut, 0);
	assert_int_equal(p->other_puts, 25);
	assert_int_equal(p->nr, 9);
	assert_int_equal(p->rows[0].type, VS_NOTIFIER_ENTER);
	assert_int_equal(p->rows[1].type, VS_GET);
	assert_false(p->rows[1].other);
	assert_int_equal(p->rows[2].pairs, 20);
	assert_int_equal(p->rows[2].tid, other_sh.tid);
	assert_int_equal(p->rows[3].pairs, 4);
	assert_int_equal(p->rows[3].tid, third.tid);
	assert_int_equal(p->rows[4].type, VS_PUT);
	assert_int_equal(p->rows[4].pairs, 0);
	assert_int_equal(p->rows[4].refs, 2);
	assert_false(p->rows[5].other);
	assert_true(p->rows[5].last);
	vs_session__free(s);
}

/* Its own rows are never left out, wherever they are. */
static void what_it_did_itself_is_never_cut(void **state)
{
	struct vs_session *s = session(NULL);
	const struct vs_picture *p = &sink.last.picture;
	size_t own = 0;

	(void)state;
	feed_create(s, 0);
	feed_enter(s, sh, 10, VS_ACT_BOUND_DRIVER, "0000:00:05.0");
	for (uint64_t i = 0; i < 50; i++) {
		if (i == 25)
			feed(s, in_notifier(refs(event(VS_GET, sh, 11 + i), 3, IP_TRY_GET),
					    VS_ACT_BOUND_DRIVER));
		else
			feed(s, refs(event(VS_GET, other_sh, 11 + i), 2, IP_TRY_GET));
	}
	feed(s, in_notifier(event(VS_RELEASE, sh, 934), VS_ACT_BOUND_DRIVER));
	feed_proof(s, sh);
	assert_int_equal(p->nr, VS_PICTURE_ROWS);
	for (size_t i = 0; i < p->nr; i++)
		own += !p->rows[i].other;
	assert_int_equal(own, 5);
	vs_session__free(s);
}

static void history_that_is_too_short_is_said(void **state)
{
	struct vs_session *s = session(NULL);

	(void)state;
	feed_create(s, 0);
	feed_enter(s, sh, 10, VS_ACT_BOUND_DRIVER, "0000:00:05.0");
	for (int i = 0; i < 100; i++)
		feed(s, refs(event(VS_GET, other_sh, 11 + (uint64_t)i), 2, IP_TRY_GET));
	feed(s, in_notifier(event(VS_RELEASE, sh, 934), VS_ACT_BOUND_DRIVER));
	feed_proof(s, sh);
	assert_false(sink.last.picture.complete);
	vs_session__free(s);
}

static void without_proof_it_waits_20_ms_and_reads_the_stack(void **state)
{
	struct vs_session *s = session(NULL);

	(void)state;
	feed_until_release(s, sh, other_sh, 0);
	assert_int_equal(sink.findings, 1);
	assert_int_equal(vs_session__deadline(s), T0 + 934000 + VS_PROOF_WAIT_NS);
	vs_session__tick(s, T0 + 934000 + VS_PROOF_WAIT_NS - 1);
	assert_int_equal(sink.findings, 1);
	vs_session__tick(s, T0 + 934000 + VS_PROOF_WAIT_NS);
	assert_int_equal(sink.findings, 2);
	assert_false(sink.last.proven);
	assert_string_equal(sink.last.call_place, "iommu_bus_notifier+0x9f");
	assert_string_equal(sink.last.change_place, "vfio_group_release+0xa1");
	assert_int_equal(sink.last.picture.other_puts, 0);
	/* The proof after that makes no second finding. */
	feed_proof(s, sh);
	assert_int_equal(sink.findings, 2);
	vs_session__finish(s, 0, NULL);
	assert_true(sink.sum.bugs[0]->proven);
	vs_session__free(s);
}

static bool skipping;

static bool some_skipped(void *ctx)
{
	(void)ctx;
	return skipping;
}

/* Said by the probes alone, or by the stack, too. */
static void say_deadlock_of(struct who task, struct who other, bool skipped)
{
	static struct vs_sink *sinks[1] = { &sink.base };
	struct vs_session *s;

	memset(&sink, 0, sizeof(sink));
	sink.base.ops = &probe_ops;
	skipping = skipped;
	s = vs_session__new(&(struct vs_session_opts){
		.calls = { resolve, two_devices, proc_stack, clock_2ms, NULL, NULL, some_skipped },
		.sinks = sinks, .nr_sinks = 1 });
	feed_until_release(s, task, other, 0);
	vs_session__tick(s, UINT64_MAX);
	vs_session__free(s);
}

/* The return of a chain that was skipped: its task seems to be inside still. */
static void after_skipped_probes_a_stack_makes_it_sure(void **state)
{
	char words[400];

	(void)state;
	say_deadlock_of(other_sh, sh, false);
	assert_int_equal(sink.last.kind, VS_NOTIFIER_DEADLOCK);
	assert_false(sink.last.uncertain);
	say_deadlock_of(sh, other_sh, true);
	assert_int_equal(sink.last.kind, VS_NOTIFIER_DEADLOCK);
	assert_false(sink.last.uncertain);
	say_deadlock_of(other_sh, sh, true);
	assert_int_equal(sink.last.kind, VS_NOTIFIER_DEADLOCK);
	assert_true(sink.last.uncertain);
	vs_finding__words(&sink.last, words, sizeof(words));
	assert_non_null(strstr(words, "may be wrong"));
}

static void finish_does_not_forget_what_waits(void **state)
{
	struct vs_session *s = session(NULL);
	struct vs_session_result result;

	(void)state;
	feed_until_release(s, sh, other_sh, 1);
	vs_session__finish(s, T0 + 1000000, &result);
	assert_int_equal(result.findings[VS_NOTIFIER_DEADLOCK], 1);
	assert_int_equal(result.by_grade[VS_GRADE_BUG], 1);
	vs_session__free(s);
}

static void unregister_alone_is_enough(void **state)
{
	struct vs_session *s = session(NULL);

	(void)state;
	feed_create(s, 0);
	feed_enter(s, sh, 900, VS_ACT_UNBOUND_DRIVER, "0000:00:05.1");
	feed_unregister(s, sh);
	vs_session__tick(s, UINT64_MAX);
	assert_int_equal(sink.last.kind, VS_NOTIFIER_DEADLOCK);
	assert_false(sink.last.release_seen);
	assert_int_equal(sink.last.group.number, 1);
	vs_session__free(s);
}

static void two_tasks_are_two_findings(void **state)
{
	struct vs_session *s = session(NULL);

	(void)state;
	feed_deadlock(s);
	feed_until_release(s, other_sh, sh, 1);
	feed_proof(s, other_sh);
	vs_session__finish(s, 0, NULL);
	assert_int_equal(sink.sum.findings[VS_NOTIFIER_DEADLOCK], 2);
	vs_session__free(s);
}

static void filters_hide_events_but_no_finding(void **state)
{
	struct vs_filter *f = vs_filter__new();
	char words[256];
	struct vs_session *s;

	(void)state;
	vs_filter__add(f, VS_FILTER_GROUP, "99", words, sizeof(words));
	s = session(f);
	feed_deadlock(s);
	assert_int_equal(sink.events, 0);
	assert_int_equal(sink.findings, 2);
	vs_session__free(s);
	vs_filter__free(f);
}

static void any_chain_of_any_subsystem(void **state)
{
	static const unsigned long long stack[] = { 0x1001, 0x1002, 0x1010, 0x1006, 0x1007, 0x1011 };
	struct vs_session *s = session(NULL);
	struct vs_event e = event(VS_CHAIN_DEADLOCK, other_sh, 50);

	(void)state;
	e.context = VS_CTX_CHAIN;
	e.ctx_object = REBOOT_CHAIN;
	e.iommu_group = -1;
	feed_alarm(s, e, 0, stack, 6);
	assert_int_equal(sink.last.kind, VS_CHAIN_DEADLOCK_FOUND);
	assert_string_equal(sink.last.chain_name, "reboot_notifier_list");
	assert_string_equal(sink.last.callback, "buggy_reboot");
	assert_string_equal(sink.last.change_place, "buggy_reboot+0x22");
	assert_string_equal(sink.last.call_place, "kernel_restart_prepare+0x1c");
	assert_false(sink.last.group.known);
	assert_false(sink.last.registering);
	e.tid = 7;
	e.flags |= VS_F_REGISTERING;
	feed_alarm(s, e, 0, stack, 6);
	assert_true(sink.last.registering);
	assert_int_equal(sink.findings, 2);
	vs_session__free(s);
}

static void another_chain_around_the_notifier_is_not_vfios(void **state)
{
	struct vs_session *s = session(NULL);
	struct vs_event e;

	(void)state;
	feed_create(s, 0);
	feed_enter(s, sh, 10, VS_ACT_BOUND_DRIVER, "0000:00:05.0");
	e = in_notifier(event(VS_CHAIN_DEADLOCK, sh, 20), VS_ACT_BOUND_DRIVER);
	e.ctx_object = REBOOT_CHAIN;
	feed_alarm(s, e, 0, NULL, 0);
	assert_int_equal(sink.last.kind, VS_CHAIN_DEADLOCK_FOUND);
	vs_session__free(s);
}

static void freeing_or_another_group_is_no_deadlock(void **state)
{
	struct vs_session *s = session(NULL);
	struct vs_event e = in_notifier(event(VS_RELEASE, sh, 5), VS_ACT_BOUND_DRIVER);

	(void)state;
	e.flags |= VS_F_FREED;
	feed(s, e);
	e = in_notifier(event(VS_RELEASE, sh, 6), VS_ACT_BOUND_DRIVER);
	e.group = GROUP + 1024;
	feed(s, e);
	feed(s, in_worker(event(VS_RELEASE, worker, 7), WORK));
	feed(s, event(VS_UNREGISTER_NOTIFIER, sh, 8));
	vs_session__tick(s, UINT64_MAX);
	assert_int_equal(sink.findings, 0);
	vs_session__free(s);
}

static void hazards_beyond_three_of_a_site_are_only_counted(void **state)
{
	struct vs_session *s = session(NULL);

	(void)state;
	for (uint64_t i = 0; i < 25; i++)
		feed(s, in_notifier(refs(event(VS_PUT, sh, i), 3, IP_NOTIFIER_PUT), 1));
	assert_int_equal(sink.findings, 3);
	assert_true(sink.last.last_said);
	feed(s, in_notifier(refs(event(VS_PUT, sh, 30), 3, IP_DEL_DEV_PUT), 1));
	assert_int_equal(sink.findings, 4);
	vs_session__finish(s, 0, NULL);
	assert_int_equal(sink.sum.findings[VS_PUT_IN_NOTIFIER], 26);
	vs_session__free(s);
}

static void fixed_kernel_is_quiet_and_conserves(void **state)
{
	struct vs_session *s = session(NULL);
	struct vs_session_result result;

	(void)state;
	feed_create(s, 0);
	for (uint64_t i = 0; i < 3000; i++)
		feed_fixed(s, 100 + i * 1000, WORK + i % 7 * 64, 0);
	vs_session__finish(s, 0, &result);
	assert_int_equal(result.by_grade[VS_GRADE_BUG], 0);
	assert_int_equal(result.by_grade[VS_GRADE_HAZARD], 0);
	assert_int_equal(result.lost, 0);
	assert_int_equal(result.outstanding, 0);
	assert_int_equal(sink.deferred, 3000);
	assert_int_equal(sink.sum.found, 3000);
	assert_int_equal(sink.sum.not_found, 0);
	assert_int_equal(sink.sum.by_type[VS_QUEUE], 3000);
	assert_int_equal(sink.sum.by_type[VS_END], 3000);
	assert_int_equal(sink.sum.nr_groups, 1);
	vs_session__free(s);
}

static void near_miss_is_certain_at_the_queue(void **state)
{
	struct vs_session *s = session(NULL);

	(void)state;
	feed_create(s, 0);
	feed_fixed(s, 100, WORK, 1);
	assert_int_equal(sink.findings, 1);
	assert_int_equal(sink.last.kind, VS_NEAR_MISS);
	assert_int_equal(sink.last.grade, VS_GRADE_INFO);
	vs_session__free(s);
}

static void losses_grow_in_the_stream(void **state)
{
	struct vs_session *s = session(NULL);
	struct vs_session_result result;
	struct vs_event e = event(VS_TYPE_END, sh, 0);

	(void)state;
	vs_session__loss(s, VS_LOSS_RING_FULL, 0);
	assert_int_equal(sink.losses, 0);
	vs_session__loss(s, VS_LOSS_RING_FULL, 5);
	vs_session__loss(s, VS_LOSS_RING_FULL, 5);
	vs_session__loss(s, VS_LOSS_RING_FULL, 12);
	assert_int_equal(sink.losses, 2);
	assert_int_equal(sink.last_loss.grown, 7);
	/* It was lost since it was looked at last. */
	assert_int_equal(sink.last_loss.since_ns, clock_2ms(NULL));
	assert_int_equal(vs_session__feed(s, &e, sizeof(e)), -ENOENT);
	assert_int_equal(vs_session__feed(s, &e, 3), -EINVAL);
	vs_session__tick(s, T0);
	assert_int_equal(sink.losses, 4);
	vs_session__loss(s, 9999, 1);
	vs_session__result(s, &result);
	assert_int_equal(result.lost, 14);
	vs_session__free(s);
}

static void records_at_odd_addresses_are_fine(void **state)
{
	struct vs_session *s = session(NULL);
	struct vs_event e = event(VS_GET, sh, 0);
	char buf[sizeof(e) + 1];

	(void)state;
	memcpy(buf + 1, &e, sizeof(e));
	assert_int_equal(vs_session__feed(s, buf + 1, sizeof(e)), 0);
	assert_int_equal(sink.events, 1);
	vs_session__free(s);
}

/* Whatever comes, nothing but counting happens: run under sanitizers. */
static void noise_does_no_harm(void **state)
{
	struct vs_session *s = session(NULL);
	unsigned int seed = 1;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		struct vs_alarm_event a;
		unsigned char *bytes = (unsigned char *)&a;

		for (size_t k = 0; k < sizeof(a); k++)
			bytes[k] = (unsigned char)((seed = seed * 1103515245 + 12345) >> 24);
		a.e.size = sizeof(a);
		a.e.version = 1;
		a.e.type %= VS_TYPE_END + 1;
		a.e.context %= 5;
		a.e.group = seed & 64 ? GROUP + seed % 9 * 1024 : 0;
		a.e.object = WORK + seed % 11 * 64;
		a.e.tid = seed >> 8 & 31;
		if (seed & 128)
			a.e.iommu_group = (int)(seed >> 16 & 7);
		vs_session__feed(s, &a, sizeof(a));
	}
	vs_session__finish(s, 0, NULL);
	vs_session__free(s);
}

static void places_need_no_names(void **state)
{
	struct vs_frames f;
	char change[VS_SITE_LEN], call[VS_SITE_LEN], callback[VS_SITE_LEN] = "";

	(void)state;
	vs_frames__parse(&f, "");
	vs_frames__places(&f, change, call, callback);
	assert_string_equal(change, "");
	vs_frames__parse(&f, "[<0>] blocking_notifier_call_chain+0x1/0x2\n");
	vs_frames__places(&f, change, call, callback);
	assert_string_equal(call, "");
	assert_string_equal(callback, "");
	vs_frames__parse(&f, "garbage\n\n[<0>] \n[<0>] blocking_notifier_chain_register+0x1/0x2");
	vs_frames__places(&f, change, call, callback);
	assert_int_equal(f.nr, 2);
	assert_string_equal(change, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_culprits_get_is_always_there),
		cmocka_unit_test(deadlock_is_found_once_with_everything),
		cmocka_unit_test(picture_is_in_order_and_tells_tasks_apart),
		cmocka_unit_test(picture_follows_the_counts_where_times_lie),
		cmocka_unit_test(picture_keeps_times_that_the_counts_allow),
		cmocka_unit_test(picture_has_the_put_that_began_before_the_entry),
		cmocka_unit_test(picture_moves_the_put_that_was_not_yet_done),
		cmocka_unit_test(picture_leaves_out_a_put_that_was_done_before_the_entry),
		cmocka_unit_test(picture_has_its_entry_even_if_the_group_was_unknown_then),
		cmocka_unit_test(long_picture_is_cut_in_the_middle),
		cmocka_unit_test(pairs_of_others_are_folded),
		cmocka_unit_test(what_it_did_itself_is_never_cut),
		cmocka_unit_test(history_that_is_too_short_is_said),
		cmocka_unit_test(without_proof_it_waits_20_ms_and_reads_the_stack),
		cmocka_unit_test(after_skipped_probes_a_stack_makes_it_sure),
		cmocka_unit_test(finish_does_not_forget_what_waits),
		cmocka_unit_test(unregister_alone_is_enough),
		cmocka_unit_test(two_tasks_are_two_findings),
		cmocka_unit_test(filters_hide_events_but_no_finding),
		cmocka_unit_test(any_chain_of_any_subsystem),
		cmocka_unit_test(another_chain_around_the_notifier_is_not_vfios),
		cmocka_unit_test(freeing_or_another_group_is_no_deadlock),
		cmocka_unit_test(hazards_beyond_three_of_a_site_are_only_counted),
		cmocka_unit_test(fixed_kernel_is_quiet_and_conserves),
		cmocka_unit_test(near_miss_is_certain_at_the_queue),
		cmocka_unit_test(losses_grow_in_the_stream),
		cmocka_unit_test(records_at_odd_addresses_are_fine),
		cmocka_unit_test(noise_does_no_harm),
		cmocka_unit_test(places_need_no_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

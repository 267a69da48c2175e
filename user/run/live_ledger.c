// SPDX-License-Identifier: GPL-2.0
#include "run/live_ledger.h"

#include <stdio.h>
#include <string.h>

#include "base/exit_codes.h"
#include "base/host.h"

#define CATCH_UP_NS 2000000000ull
#define CHECK_NS 1000000000ull	/* the ledger is compared with the kernel this often */
#define IDLE_NS 60000000000ull	/* where there is nothing to see, if that is wanted */
#define SOON_NS 200000000ull	/* while a finding waits for that */

int vs_live_ledger__show(struct vs_live_ledger *l, const struct vs_snapshot *s, bool last, char *error)
{
	struct vs_ledger_opts opts = {
		.snapshot = s,
		.now_ns = vs_host__mono_ns(),
		.traced = l->traced,
		.last = last,
		.stacks = l->stacks,
	};
	int err = vs_session__say_ledger(l->live->session, &opts);

	if (err)
		snprintf(error, VS_LOOK_WORDS, "cannot show the ledger: %s", strerror(-err));
	vs_session__flush(l->live->session);
	l->shown_ns = opts.now_ns;
	return err;
}

/* Without gets the ledger would miss new references: each snapshot seeds it anew. */
static bool sees(const struct vs_live_ledger *l, const char *hook)
{
	const struct vs_plan_row *row = vs_plan__row(vs_engine__plan(l->live->engine), hook);

	return row && row->status == VS_HOOK_READY;
}

static bool sees_gets(const struct vs_live_ledger *l)
{
	return sees(l, "get");
}

static void check(struct vs_live_ledger *l, const struct vs_snapshot *s, bool last)
{
	bool caught_up = vs_live__caught_up(l->live, s->end_seq, last ? CATCH_UP_NS : 0);

	if (!sees_gets(l)) {
		vs_session__reseed(l->live->session, s);
	} else if (caught_up) {
		vs_session__check(l->live->session, s);
		l->differs = vs_refs__any_differs(vs_session__refs(l->live->session));
	}
	if (caught_up)
		vs_session__check_registrations(l->live->session, s);
}

int vs_live_ledger__look(struct vs_live_ledger *l, bool show, bool last, char *error)
{
	struct vs_snapshot s;
	int err = vs_live__look(l->live, l->snapper, &s, error, VS_LOOK_WORDS);

	if (err)
		return err;
	check(l, &s, last);
	if (l->exact && !last)
		vs_live_watch__look(&l->watch, &s);
	if (show)
		err = vs_live_ledger__show(l, &s, last, error);
	vs_snapshot__free(&s);
	return err;
}

static void note_failed(struct vs_live_ledger *l, const char *error)
{
	char words[VS_LOOK_WORDS + 80];

	if (!l->failed_looks++ || strcmp(l->failed_words, error)) {
		snprintf(l->failed_words, sizeof(l->failed_words), "%s", error);
		snprintf(words, sizeof(words), "%s: the ledger is not compared with the kernel",
			 error);
		vs_session__notice(l->live->session, vs_host__mono_ns(), words);
	}
}

static uint64_t events(const struct vs_live_ledger *l)
{
	struct vs_session_result result;

	vs_session__result(l->live->session, &result);
	return result.events;
}

static bool is_due(struct vs_live_ledger *l, uint64_t now_ns)
{
	uint64_t age = now_ns - l->checked_ns;

	if (vs_refs__wants_look(vs_session__refs(l->live->session)))
		return age >= SOON_NS;
	if (age < CHECK_NS)
		return false;
	return !l->spare || age >= IDLE_NS || events(l) != l->checked_events;
}

void vs_live_ledger__each(struct vs_live_ledger *l, uint64_t now_ns, bool show)
{
	char error[VS_LOOK_WORDS];

	if (!show && !is_due(l, now_ns))
		return;
	l->checked_ns = now_ns;
	l->checked_events = events(l);
	if (vs_live_ledger__look(l, show, false, error)) {
		note_failed(l, error);
		l->shown_ns = show ? now_ns : l->shown_ns;
	}
}

int vs_live_ledger__begin(struct vs_live_ledger *l, char *error)
{
	struct vs_snapshot s;
	int err = vs_live__look(l->live, l->snapper, &s, error, VS_LOOK_WORDS);

	if (err)
		return err;
	vs_session__gets_seen(l->live->session, sees_gets(l),
			      sees(l, "registration-get") && sees(l, "registration-put"));
	vs_session__seed(l->live->session, &s);
	if (l->exact)
		vs_live_watch__look(&l->watch, &s);
	if (!l->silent)
		err = vs_live_ledger__show(l, &s, false, error);
	vs_snapshot__free(&s);
	return err;
}

void vs_live_ledger__begin_again(struct vs_live_ledger *l)
{
	char error[VS_LOOK_WORDS];

	if (vs_live_ledger__begin(l, error))
		note_failed(l, error);
}

int vs_live_ledger__verdict(const struct vs_live_ledger *l, const struct vs_session_result *result)
{
	struct vs_registrations_totals devices;
	struct vs_refs_totals totals;

	vs_registrations__totals(vs_session__registrations(l->live->session), &devices);
	vs_refs__totals(vs_session__refs(l->live->session), &totals);
	if (result->by_grade[VS_GRADE_BUG])
		return VS_EXIT_BUG;
	if (result->lost || result->blind_gaps || l->failed_looks || totals.unattributed ||
	    totals.uncertain || totals.differences || l->differs || devices.unattributed ||
	    devices.refused || devices.differ)
		return VS_EXIT_INCONCLUSIVE;
	return vs_plan__complete(vs_engine__plan(l->live->engine)) ? VS_EXIT_OK : VS_EXIT_UNAVAILABLE;
}

int vs_live_ledger__conclude(struct vs_live_ledger *l, const struct vs_command *command, int status)
{
	struct vs_session_result result;
	char error[VS_LOOK_WORDS];
	int found;

	if (!status && vs_live_ledger__look(l, true, true, error))
		status = vs_command__fail(command, VS_EXIT_FAILURE, error, NULL);
	vs_live__drain(l->live);
	vs_session__finish(l->live->session, vs_host__mono_ns(), &result);
	found = vs_command__written(command, vs_live_ledger__verdict(l, &result), result.write_error);
	return status && found != VS_EXIT_BUG ? status : found;
}

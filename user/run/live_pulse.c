// SPDX-License-Identifier: GPL-2.0
#include "run/live_pulse.h"

#include "base/exit_codes.h"
#include "base/host.h"

#define BEAT_NS 250000000ull
#define CANNOT_ASK "this host gives no way to ask whether kprobes fire: should somebody switch them " \
		   "off, that is not noticed"
#define CANNOT_SEE "kprobes are asked four times a second whether they fire, and nobody here can see their " \
		   "switch: off for less than 0.25 s is not noticed"

int vs_live__pulse_begins(struct vs_live *l)
{
	struct vs_beat_answer answer = vs_engine__beat(l->engine);

	l->pulse.at_start = answer;
	return answer.silent ? vs_command__advise(l->command, VS_EXIT_UNAVAILABLE,
						  vs_beat__words(&answer), vs_beat__remedy(&answer))
			     : VS_EXIT_OK;
}

void vs_live__pulse_notice(struct vs_live *l, uint64_t now)
{
	const struct vs_pulse *pulse = vs_engine__pulse(l->engine);

	if (!vs_engine__facts(l->engine)->kprobe_pmu)
		return;
	if (!vs_pulse__asks_kprobes(pulse))
		vs_session__notice(l->session, now, CANNOT_ASK);
	else if (!vs_pulse__sees_switch(pulse))
		vs_session__notice(l->session, now, CANNOT_SEE);
}

/* Groups that exist when the probes fire again may have been created unseen. */
static void fire_again(struct vs_live *l, uint64_t now)
{
	l->pulse.blind = false;
	vs_engine__hold(l->engine, false);
	vs_session__gap_ends(l->session, VS_GAP_SILENT, now);
	if (l->rearmed)
		l->rearmed(l->ctx);
}

static bool is_due(const struct vs_live *l, uint64_t now, bool busy)
{
	return busy || l->pulse.doubted || now - l->pulse.asked_ns >= BEAT_NS ||
	       vs_pulse__was_touched(vs_engine__pulse(l->engine));
}

void vs_live__pulse(struct vs_live *l, uint64_t now, bool busy)
{
	struct vs_live_pulse *p = &l->pulse;
	struct vs_beat_answer answer;

	if (!is_due(l, now, busy))
		return;
	answer = vs_engine__beat(l->engine);
	p->asked_ns = now;
	p->doubted = false;
	/* This is needed each time: vfio.ko may have been loaded again meanwhile. */
	if (answer.since_ns)
		vs_engine__hold(l->engine, true);
	if (answer.since_ns && !p->blind)
		vs_session__gap_begins(l->session, VS_GAP_SILENT, answer.since_ns,
				       vs_beat__words(&answer));
	else if (!answer.since_ns && p->blind)
		fire_again(l, now);
	p->blind = answer.since_ns;
}

/* If some puts are not seen, lifetimes seem to have no end. */
static bool sees_puts(const struct vs_live *l)
{
	const struct vs_plan_row *row = vs_plan__row(vs_engine__plan(l->engine), "put");

	return row && row->status == VS_HOOK_READY;
}

bool vs_live__is_blind(struct vs_live *l)
{
	struct vs_live_pulse *p = &l->pulse;

	if (!sees_puts(l))
		return true;
	if (!p->blind && !p->doubted)
		p->doubted = !vs_engine__is_well(l->engine);
	return p->blind || p->doubted;
}

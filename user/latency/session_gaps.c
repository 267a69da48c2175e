// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>

#include "base/exit_codes.h"
#include "base/host.h"
#include "latency/session_priv.h"
#include "probe/patched.h"
#include "probe/pulse.h"

static void say_gap(struct vs_lat_session *s, const struct vs_gap_row *row)
{
	if (row)
		s->sink.ops->gap(&s->sink, row);
}

/* Between the loading of a module and this moment its works were not followed. */
void lat_say_loaded(struct vs_lat_session *s)
{
	bool births = s->chain && vs_chain__sees_births(s->chain);
	struct vs_gap_row row = {
		.why = VS_GAP_LOADED,
		.from_ns = s->loaded_ns,
		.to_ns = vs_host__mono_ns(),
		.groups = births ? (int64_t)vs_lat__births(s->lat) : -1,
	};

	if (!s->deferred)
		snprintf(row.words, sizeof(row.words), "%s", s->loaded);
	vs_gaps__add(&s->report.gaps, &row);
	say_gap(s, &row);
}

/* We do not know what a livepatch makes of the functions at both ends of a deferred put. */
void lat_check_patches(struct vs_lat_session *s, uint64_t now)
{
	struct vs_gaps *gaps = &s->report.gaps;
	char words[160];

	if (!s->deferred)
		return;
	if (vs_patched__find("", words, sizeof(words)))
		say_gap(s, vs_gaps__begin(gaps, VS_GAP_PATCHED,
					  s->patches_ns ? s->patches_ns : now, words));
	else
		say_gap(s, vs_gaps__end(gaps, VS_GAP_PATCHED, now));
	s->patches_ns = now;
}

/* Reports the comparison that was made last. `from`: since when a change may be there. */
void lat_tell_text(struct vs_lat_session *s, uint64_t from, uint64_t now)
{
	struct vs_gaps *gaps = &s->report.gaps;
	char words[VS_TEXT_NEWS_WORDS];

	if (!s->chain)
		return;
	switch (vs_text_watch__take(&s->text, vs_chain__text(s->chain), now, words)) {
	case VS_TEXT_IS_OTHER:
		say_gap(s, vs_gaps__begin(gaps, VS_GAP_CHANGED, from, words));
		break;
	case VS_TEXT_IN_ORDER:
		say_gap(s, vs_gaps__end(gaps, VS_GAP_CHANGED, now));
		break;
	case VS_TEXT_LAPSED:
		lat_notice(s, words);
		break;
	case VS_TEXT_NO_NEWS:
		break;
	}
}

int lat_pulse_begins(struct vs_lat_session *s)
{
	struct vs_beat_answer answer = vs_lat__beat(s->lat);

	return answer.silent ? vs_command__advise(s->opts.command, VS_EXIT_UNAVAILABLE,
						  vs_beat__words(&answer), vs_beat__remedy(&answer))
			     : VS_EXIT_OK;
}

/* A put whose start or end was not seen would look like a lost one. */
void lat_pulse(struct vs_lat_session *s, uint64_t now)
{
	struct vs_gaps *gaps = &s->report.gaps;
	struct vs_beat_answer answer = vs_lat__beat(s->lat);

	if (answer.since_ns) {
		vs_lat__ready(s->lat, false);
		say_gap(s, s->blind ? NULL : vs_gaps__begin(gaps, VS_GAP_SILENT, answer.since_ns,
							    vs_beat__words(&answer)));
	} else if (s->blind) {
		vs_lat__ready_again(s->lat);
		say_gap(s, vs_gaps__end(gaps, VS_GAP_SILENT, now));
	}
	s->blind = answer.since_ns;
}

void lat_compare_text(struct vs_lat_session *s, uint64_t now)
{
	if (s->chain)
		vs_chain__check_text(s->chain);
	lat_tell_text(s, s->text.compared_ns, now);
}

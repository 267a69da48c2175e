// SPDX-License-Identifier: GPL-2.0
#include "run/live_vfio.h"

#include <stdio.h>

#include "base/host.h"
#include "probe/patched.h"

#define CANNOT "vfio.ko was loaded, but none of its probes can be armed; see vfioscope doctor"

void vs_live__vfio_event(struct vs_live *l, const struct vs_event *e)
{
	if (e->type == VS_MODULE_LOAD) {
		l->loaded_ns = e->time_ns;
		l->gap_ns = l->gap_ns ? l->gap_ns : e->time_ns;
	} else if (e->type == VS_MODULE_FREE) {
		l->gone_ns = e->time_ns;
	}
}

static void refresh_rows(struct vs_live *l)
{
	bool filled = !vs_live__fill_rows(l);

	vs_session__set_probes(l->session, filled ? l->rows : NULL,
			       filled ? vs_engine__plan(l->engine)->nr_rows : 0);
}

/* `armed` is the number of probes that went with it. */
static void say_gone(struct vs_live *l, int armed)
{
	char words[160];

	if (armed > 0)
		snprintf(words, sizeof(words), "vfio.ko was unloaded, and its %d probes are gone "
			 "with it; they will be armed again when it is loaded", armed);
	else
		snprintf(words, sizeof(words), "vfio.ko was unloaded; its probes will be armed "
			 "when it is loaded again");
	vs_session__notice(l->session, l->gone_ns, words);
	vs_session__gap_ends(l->session, VS_GAP_BLIND, l->gone_ns);
	vs_session__gap_ends(l->session, VS_GAP_CHANGED, l->gone_ns);
}

/* vfio.ko existed unfollowed between the two times. Groups are counted for its last life only. */
static void say_gap(struct vs_live *l, uint64_t to_ns)
{
	struct vs_gap_row row = {
		.why = VS_GAP_LOADED,
		.from_ns = l->gap_ns,
		.to_ns = to_ns,
		.to_seq = vs_engine__begun(l->engine),
		.groups = l->gap_ns == l->loaded_ns ? vs_engine__unseen_groups(l->engine) : -1,
	};

	vs_session__gap(l->session, &row);
}

static const struct vs_plan_row *first_blind(const struct vs_plan *plan)
{
	for (size_t i = 0; i < plan->nr_rows; i++) {
		const struct vs_plan_row *row = &plan->rows[i];

		if (row->hook->required &&
		    (row->status == VS_HOOK_MISSING || row->status == VS_HOOK_PARTIAL))
			return row;
	}
	return NULL;
}

bool vs_live__sees_all(const struct vs_live *l)
{
	return !first_blind(vs_engine__plan(l->engine));
}

/* We can see less of this vfio.ko than of the expected one. */
static void say_blind(struct vs_live *l, int armed)
{
	const struct vs_plan_row *row = first_blind(vs_engine__plan(l->engine));
	char words[160] = CANNOT;

	if (armed > 0 && row)
		snprintf(words, sizeof(words), "this vfio.ko cannot be followed as the one "
			 "before; %s is %s: %.80s", row->hook->name,
			 vs_hook_status__name(row->status), row->how);
	if (armed <= 0 || (row && l->saw_all))
		vs_session__gap_begins(l->session, VS_GAP_BLIND, l->loaded_ns, words);
}

void vs_live__tell_text(struct vs_live *l, uint64_t from, uint64_t now)
{
	char words[VS_TEXT_NEWS_WORDS];

	switch (vs_text_watch__take(&l->text, vs_engine__text(l->engine), now, words)) {
	case VS_TEXT_IS_OTHER:
		vs_session__gap_begins(l->session, VS_GAP_CHANGED, from, words);
		break;
	case VS_TEXT_IN_ORDER:
		vs_session__gap_ends(l->session, VS_GAP_CHANGED, now);
		break;
	case VS_TEXT_LAPSED:
		vs_session__notice(l->session, now, words);
		break;
	case VS_TEXT_NO_NEWS:
		break;
	}
}

static void compare_text(struct vs_live *l, uint64_t now)
{
	vs_engine__check_text(l->engine);
	vs_live__tell_text(l, l->text.compared_ns, now);
}

static void arm(struct vs_live *l)
{
	int nr = vs_engine__vfio_loaded(l->engine);
	uint64_t now = vs_host__mono_ns();

	refresh_rows(l);
	if (nr > 0)
		say_gap(l, now);
	say_blind(l, nr);
	if (nr > 0 && l->rearmed)
		l->rearmed(l->ctx);
	vs_live__check_patches(l, now);
	vs_live__tell_text(l, l->loaded_ns, now);
}

/* If several events came since the last look, the last one tells the present state. */
void vs_live__follow_vfio(struct vs_live *l)
{
	bool back = l->loaded_ns > l->gone_ns;

	if (l->gone_ns) {
		int armed = vs_engine__vfio_gone(l->engine);

		refresh_rows(l);
		if (l->loaded_ns && !back)
			say_gap(l, l->gone_ns);
		say_gone(l, armed);
	}
	if (back)
		arm(l);
	l->loaded_ns = l->gone_ns = l->gap_ns = 0;
}

void vs_live__check_patches(struct vs_live *l, uint64_t now)
{
	char words[160];

	if (vs_patched__find("", words, sizeof(words)))
		vs_session__gap_begins(l->session, VS_GAP_PATCHED,
				       l->patches_ns ? l->patches_ns : now, words);
	else
		vs_session__gap_ends(l->session, VS_GAP_PATCHED, now);
	l->patches_ns = now;
}

/*
 * An event may have been lost, or its tracepoint may be missing. The first sighting may be ahead of an
 * event that is still on its way to us.
 */
static void check_presence(struct vs_live *l, uint64_t now)
{
	bool moved = vs_engine__vfio_moved(l->engine);

	if (!moved)
		l->right_ns = now;
	if (moved && l->moved) {
		if (vs_engine__facts(l->engine)->vfio_state == VS_KMOD_LOADED)
			l->gone_ns = l->right_ns;
		if (vs_kmod__is_loaded("", "vfio"))
			l->loaded_ns = l->gap_ns = l->right_ns + 1;
		vs_live__follow_vfio(l);
		moved = false;
	}
	l->moved = moved;
}

void vs_live__check_vfio(struct vs_live *l, uint64_t now)
{
	check_presence(l, now);
	vs_live__check_patches(l, now);
	if (vs_text_watch__is_due(&l->text, now))
		compare_text(l, now);
}

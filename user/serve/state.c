// SPDX-License-Identifier: GPL-2.0
#include "serve/state.h"

#include "base/json_text.h"

static void set(json_t *o, const char *key, json_t *value)
{
	json_object_set_new(o, key, value);
}

static void set_count(json_t *o, const char *key, uint64_t value)
{
	set(o, key, json_integer((json_int_t)value));
}

/* Seconds since 1970; null for a moment that there never was. */
static json_t *moment(const struct vs_page *p, uint64_t mono_ns)
{
	return mono_ns ? json_real(vs_page__wall_ns(p, mono_ns) / 1e9) : json_null();
}

static json_t *holders(const struct vs_page_wait *w)
{
	json_t *all = json_array();

	for (size_t i = 0; i < w->nr_holders; i++) {
		json_t *o = json_object();

		set(o, "how", json_string(vs_page_how__name(w->holders[i].how)));
		set(o, "comm", vs_json_text__new(w->holders[i].comm, sizeof(w->holders[i].comm)));
		json_array_append_new(all, o);
	}
	return all;
}

static json_t *waits(const struct vs_page *p)
{
	json_t *all = json_array();

	for (size_t i = 0; i < p->nr_waits; i++) {
		const struct vs_page_wait *w = &p->waits[i];
		json_t *o = json_object();

		set(o, "device", vs_json_text__new(w->device, sizeof(w->device)));
		set(o, "group", json_integer(w->group));
		set(o, "since", moment(p, w->start_ns));
		set(o, "holders", holders(w));
		json_array_append_new(all, o);
	}
	return all;
}

static json_t *losses(const struct vs_page *p)
{
	json_t *o = json_object();

	for (unsigned int i = 0; i < VS_LOSS_END; i++)
		if (p->losses[i].total)
			set_count(o, vs_loss__name(i), p->losses[i].total);
	return o;
}

static json_t *blind(const struct vs_page *p)
{
	json_t *all = json_array();

	for (unsigned int i = 0; i < VS_GAP_REASONS; i++)
		if (p->blind[i])
			json_array_append_new(all, json_string(vs_gap_why__name(i)));
	return all;
}

static json_t *hooks(const struct vs_page *p)
{
	json_t *o = json_object();

	for (unsigned int i = 0; i < VS_PAGE_STATUSES; i++)
		set_count(o, vs_hook_status__name(i), p->hooks[i][0] + p->hooks[i][1]);
	return o;
}

static json_t *groups(const struct vs_page *p)
{
	json_t *o = json_object();

	for (unsigned int i = 0; i < VS_PAGE_SUSPICIONS; i++)
		set_count(o, vs_suspicion__name(i), p->groups[i]);
	return o;
}

static json_t *references(const struct vs_page *p)
{
	json_t *o = json_object();

	for (unsigned int i = 0; i < VS_PAGE_CLASSES; i++)
		set_count(o, vs_page_class__name(i), p->references[i]);
	return o;
}

static uint64_t bugs(const struct vs_page *p)
{
	uint64_t nr = 0;

	for (int kind = 0; kind < VS_FINDING_KINDS; kind++)
		nr += p->findings[kind][VS_GRADE_BUG];
	return nr;
}

/* The newest first. */
static json_t *findings(const struct vs_page *p)
{
	json_t *all = json_array();

	for (size_t i = p->nr_lines; i > 0 && p->nr_lines - i < VS_PAGE_LINES; i--) {
		const struct vs_page_line *l = &p->lines[(i - 1) % VS_PAGE_LINES];
		json_t *o = json_object();

		set(o, "name", json_string(vs_finding__name(l->kind)));
		set(o, "grade", json_string(vs_grade__name(l->grade)));
		set(o, "time", moment(p, l->time_ns));
		set(o, "words", vs_json_text__new(l->words, sizeof(l->words)));
		json_array_append_new(all, o);
	}
	return all;
}

json_t *vs_state__json(const struct vs_page *p)
{
	json_t *o = json_object();

	set(o, "type", json_string("status"));
	set(o, "schema", json_integer(VS_STATE_SCHEMA));
	set(o, "version", json_string(p->version));
	set(o, "kernel", json_string(p->kernel));
	set(o, "time", moment(p, p->mono_ns));
	set(o, "started", moment(p, p->started_ns));
	set(o, "up", json_boolean(p->up));
	set(o, "down", vs_json_text__new(p->down, sizeof(p->down)));
	set(o, "fix", json_string(vs_fix__name(p->fix)));
	set(o, "vfio", json_string(p->vfio));
	set_count(o, "deadlocked_tasks", vs_page__deadlocked(p, VS_NOTIFIER_DEADLOCK) +
		  vs_page__deadlocked(p, VS_CHAIN_DEADLOCK_FOUND));
	set_count(o, "unbinds_waiting", p->unbinds_waiting);
	set(o, "oldest_wait", moment(p, p->oldest_wait_ns));
	set(o, "waits", waits(p));
	set(o, "blind", blind(p));
	set_count(o, "required_hooks_missing", p->hooks[VS_HOOK_MISSING][1] + p->hooks[VS_HOOK_PARTIAL][1]);
	set(o, "hooks", hooks(p));
	set_count(o, "probes", p->probes_armed);
	set(o, "losses", losses(p));
	set(o, "groups", groups(p));
	set(o, "references", references(p));
	set_count(o, "deferred_puts_waiting", p->outstanding);
	set_count(o, "deferred_puts_lost", p->overdue);
	set_count(o, "bugs", bugs(p));
	set(o, "findings", findings(p));
	return o;
}

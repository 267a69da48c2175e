// SPDX-License-Identifier: GPL-2.0
/* The "ledger" record of docs/events.md. */
#include "sink/json.h"

static json_t *stack_json(const struct vs_refs_report *r, uint32_t number)
{
	json_t *array = json_array();
	size_t nr;
	const __u64 *frames = vs_stacks__frames(r->stacks, number, &nr);

	for (size_t i = 0; i < nr; i++)
		json_array_append_new(array, text(vs_sites__name(r->sites, frames[i]), VS_SITE_LEN));
	return array;
}

static json_t *user_json(const struct vs_refs_report_user *u)
{
	json_t *o = json_object();

	set(o, "pid", u->tgid ? json_integer(u->tgid) : json_null());
	set(o, "comm", u->tgid ? text(u->comm, VS_COMM_LEN) : json_null());
	set(o, "fd", u->fd >= 0 ? json_integer(u->fd) : json_null());
	if (u->fd < 0) {
		set(o, "start", hex(u->start));
		set(o, "end", hex(u->end));
	}
	return o;
}

static json_t *users_json(const struct vs_refs_report_users *users)
{
	json_t *array = json_array();

	for (size_t i = 0; i < users->nr; i++)
		json_array_append_new(array, user_json(&users->named[i]));
	return array;
}

static const char *site_name(const struct vs_refs_report *r, uint64_t ip)
{
	return ip ? vs_sites__name(r->sites, ip) : "";
}

static void set_ref(json_t *o, const struct vs_refs_report *r, const struct vs_ref *ref)
{
	set(o, "class", json_string(vs_ref_class__name(ref->class)));
	set(o, "leaked", json_boolean(ref->leaked));
	set(o, "seen_before", json_boolean(ref->origin == VS_REF_FOUND));
	set(o, "object", hex(ref->object));
	set(o, "device", string_or_null(ref->device));
	set(o, "pid", ref->tgid ? json_integer(ref->tgid) : json_null());
	set(o, "tid", ref->tid ? json_integer(ref->tid) : json_null());
	set(o, "comm", ref->tid ? text(ref->comm, VS_COMM_LEN) : json_null());
	set(o, "get_ns", time_or_null(vs_ref__knows_get(ref) ? ref->get_ns : 0));
	set(o, "site", string_or_null(site_name(r, ref->get_ip)));
}

static json_t *row_json(const struct vs_refs_report *r, const struct vs_refs_report_row *row)
{
	json_t *o = json_object();

	set_int(o, "count", row->nr);
	if (!row->ref) {
		set(o, "class", json_null());
		return o;
	}
	set_ref(o, r, row->ref);
	set(o, "stack", stack_json(r, row->ref->stack));
	set(o, "place", string_or_null(site_name(r, row->place)));
	if (row->caller)
		set(o, "caller", string_or_null(site_name(r, row->caller)));
	if (row->driver[0])
		set(o, "driver", text(row->driver, VS_SITE_LEN));
	set(o, "users", users_json(&row->users));
	if (row->users.more)
		set_int(o, "more_users", row->users.more);
	return o;
}

static json_t *exact_json(const struct vs_ref_exact *x)
{
	json_t *o;

	if (!x->since_ns)
		return json_null();
	o = json_object();
	set_int(o, "since_ns", x->since_ns);
	set_int(o, "changes", x->changes);
	set_int(o, "gets", x->gets);
	set_int(o, "puts", x->puts);
	set_int(o, "paired", x->paired);
	set_int(o, "differences", x->differences);
	return o;
}

static json_t *count_or_null(int32_t count)
{
	return count == VS_SNAP_UNKNOWN ? json_null() : json_integer(count);
}

static void set_book(json_t *o, const struct vs_book *b)
{
	set(o, "released", json_boolean(b->released));
	set(o, "broken", json_boolean(b->broken));
	set_int(o, "births", b->births);
	set_int(o, "gets", b->gets);
	set_int(o, "puts", b->puts);
	set_int(o, "before", b->before);
	set_int(o, "unattributed", b->unattributed);
	set_int(o, "guessed", b->guessed);
	set_int(o, "unknown", b->unknown);
	set(o, "refs", count_or_null(b->refs));
	set(o, "kernel_refs", count_or_null(b->kernel_refs));
	set(o, "differs", json_boolean(b->differs));
	set(o, "exact", exact_json(&b->exact));
}

/* The fields are absent when the snapshot does not have the group. */
static void set_container(json_t *o, const struct vs_refs_report_group *g)
{
	if (!g->now)
		return;
	set(o, "opened", count_or_null(g->now->opened));
	set(o, "container", hex(g->now->container));
	set(o, "container_users", count_or_null(g->now->container_users));
	set(o, "container_by", users_json(&g->container));
}

static json_t *ledger_group_json(const struct vs_refs_report *r, const struct vs_refs_report_group *g)
{
	json_t *o = group_json(&g->view), *rows = json_array();

	set(o, "suspicion", json_string(vs_suspicion__name(g->suspicion)));
	set_int(o, "references", g->nr_refs);
	if (g->book)
		set_book(o, g->book);
	for (size_t i = 0; i < g->nr_rows; i++)
		json_array_append_new(rows, row_json(r, &g->rows[i]));
	set(o, "holders", rows);
	set_container(o, g);
	set(o, "registrations", vs_json__registrations(r, &g->view));
	if (g->open.nr)
		set(o, "open_by", users_json(&g->open));
	return o;
}

static json_t *totals_json(const struct vs_refs_totals *n)
{
	json_t *o = json_object();

	set_int(o, "live", n->live);
	set_int(o, "groups", n->groups);
	set_int(o, "births", n->births);
	set_int(o, "gets", n->gets);
	set_int(o, "puts", n->puts);
	set_int(o, "before", n->before);
	set_int(o, "unattributed", n->unattributed);
	set_int(o, "guessed", n->guessed);
	set_int(o, "after_bug", n->after_bug);
	set_int(o, "uncertain", n->uncertain);
	set_int(o, "changes", n->changes);
	set_int(o, "differences", n->differences);
	return o;
}

static json_t *buckets_json(const struct vs_lifetime *l)
{
	json_t *array = json_array();

	for (int i = 0; i < VS_LIFETIME_BUCKETS; i++)
		if (l->buckets[i])
			json_array_append_new(array, json_pack("{s:I, s:I}", "from_ns",
							       (json_int_t)(1ull << i), "count",
							       (json_int_t)l->buckets[i]));
	return array;
}

static json_t *lifetimes_json(const struct vs_lifetimes *l)
{
	json_t *o = json_object();

	for (unsigned int i = 0; i < VS_REF_CLASSES; i++) {
		json_t *class = json_object();

		set_int(class, "count", l->classes[i].count);
		set_int(class, "min_ns", l->classes[i].min_ns);
		set_int(class, "max_ns", l->classes[i].max_ns);
		set_int(class, "sum_ns", l->classes[i].sum_ns);
		set(class, "buckets", buckets_json(&l->classes[i]));
		set(o, vs_ref_class__name(i), class);
	}
	return o;
}

static json_t *longest_json(const struct vs_refs_report *r)
{
	json_t *array = json_array();

	for (size_t i = 0; i < r->lifetimes->nr_longest; i++) {
		const struct vs_ref *ref = &r->lifetimes->longest[i];
		json_t *o = json_object();

		set_ref(o, r, ref);
		set_int(o, "put_ns", ref->put_ns);
		set(o, "put_site", string_or_null(site_name(r, ref->put_ip)));
		json_array_append_new(array, o);
	}
	return array;
}

json_t *vs_json__ledger(const struct vs_refs_report *r)
{
	json_t *o = record("ledger"), *groups = json_array();

	set_int(o, "time_ns", r->time_ns);
	set(o, "traced", json_boolean(r->traced));
	set(o, "not_looked_at", string_or_null(r->snapshot->words));
	for (size_t i = 0; i < r->nr_groups; i++)
		json_array_append_new(groups, ledger_group_json(r, &r->groups[i]));
	set(o, "groups", groups);
	if (r->traced)
		set(o, "totals", totals_json(&r->totals));
	if (r->traced && r->registrations)
		set(o, "registrations", vs_json__registration_totals(r));
	if (r->last) {
		set(o, "lifetimes", lifetimes_json(r->lifetimes));
		set(o, "longest", longest_json(r));
	}
	return o;
}

// SPDX-License-Identifier: GPL-2.0
/* The devices' own references, and the waits for them, as in docs/events.md. */
#include "sink/json.h"

static const char *site_name(struct vs_sites *sites, uint64_t ip)
{
	return ip ? vs_sites__name(sites, ip) : "";
}

static json_t *int_or_null(int64_t value, bool known)
{
	return known ? json_integer(value) : json_null();
}

static json_t *comm_or_null(const char *comm, uint32_t tid)
{
	return tid ? text(comm, VS_COMM_LEN) : json_null();
}

static json_t *wait_json(const struct vs_unregister *w, struct vs_sites *sites)
{
	json_t *o = json_object();

	set(o, "pid", int_or_null(w->tgid, w->tgid));
	set(o, "tid", int_or_null(w->tid, w->tid));
	set(o, "comm", comm_or_null(w->comm, w->tid));
	set(o, "start_ns", time_or_null(w->start_ns));
	set(o, "put_ns", time_or_null(w->put_ns));
	set(o, "done_ns", time_or_null(w->done_ns));
	set(o, "end_ns", time_or_null(w->end_ns));
	set(o, "references", int_or_null(w->refs, w->put_ns));
	set(o, "last_pid", int_or_null(w->last_tgid, w->last_tgid));
	set(o, "last_comm", comm_or_null(w->last_comm, w->last_tid));
	set(o, "last_site", string_or_null(site_name(sites, w->last_place)));
	return o;
}

json_t *vs_json__wait(const struct vs_registration_book *b, const struct vs_group_view *g,
		      struct vs_sites *sites)
{
	json_t *o = record("wait"), *wait = wait_json(&b->wait, sites);

	set_int(o, "time_ns", b->wait.end_ns);
	set(o, "group", group_json(g));
	set(o, "device", string_or_null(b->device));
	set(o, "object", hex(b->address));
	json_object_update(o, wait);
	json_decref(wait);
	return o;
}

static json_t *stack_json(const struct vs_refs_report *r, uint32_t number)
{
	json_t *array = json_array();
	size_t nr;
	const __u64 *frames = vs_stacks__frames(vs_registrations__stacks(r->registrations), number,
						&nr);

	for (size_t i = 0; i < nr; i++)
		json_array_append_new(array, text(vs_sites__name(r->sites, frames[i]), VS_SITE_LEN));
	return array;
}

static json_t *holder_json(const struct vs_refs_report *r, const struct vs_registration *ref)
{
	json_t *o = json_object();

	set(o, "class", json_string("registration"));
	set(o, "held_by", json_string(vs_registration_class__name(ref->class)));
	set(o, "seen_before", json_boolean(ref->found));
	set(o, "pid", int_or_null(ref->tgid, ref->tgid));
	set(o, "comm", comm_or_null(ref->comm, ref->tgid));
	set(o, "fd", int_or_null(ref->fd, ref->fd >= 0));
	set(o, "object", hex(ref->file));
	set(o, "get_ns", time_or_null(ref->found ? 0 : ref->get_ns));
	set(o, "site", string_or_null(site_name(r->sites, ref->place)));
	set(o, "stack", stack_json(r, ref->stack));
	return o;
}

static json_t *count_or_null(int32_t count)
{
	return int_or_null(count, count != VS_SNAP_UNKNOWN);
}

static json_t *device_json(const struct vs_refs_report *r, const struct vs_registration_book *b)
{
	json_t *o = json_object(), *holders = json_array();

	set(o, "device", string_or_null(b->device));
	set(o, "object", hex(b->address));
	set_int(o, "references", b->nr + b->unknown);
	set(o, "refs", count_or_null(b->refs));
	set(o, "kernel_refs", count_or_null(b->kernel_refs));
	set(o, "differs", json_boolean(b->differs));
	set_int(o, "gets", b->gets);
	set_int(o, "puts", b->puts);
	set_int(o, "before", b->before);
	set_int(o, "unattributed", b->unattributed);
	set_int(o, "guessed", b->guessed);
	set_int(o, "unknown", b->unknown);
	for (const struct vs_registration *ref = b->newest; ref; ref = ref->older)
		json_array_append_new(holders, holder_json(r, ref));
	set(o, "holders", holders);
	set(o, "waits", json_boolean(vs_registration_book__waits(b)));
	set(o, "unregister", b->waiting ? wait_json(&b->wait, r->sites) : json_null());
	return o;
}

json_t *vs_json__registrations(const struct vs_refs_report *r, const struct vs_group_view *g)
{
	const struct vs_registration_book *b = NULL;
	json_t *array = json_array();

	while (r->registrations && (b = vs_registrations__next(r->registrations, b)))
		if (vs_refs_report__is_of(b, g))
			json_array_append_new(array, device_json(r, b));
	return array;
}

json_t *vs_json__registration_totals(const struct vs_refs_report *r)
{
	struct vs_registrations_totals n;
	json_t *o = json_object();

	vs_registrations__totals(r->registrations, &n);
	set_int(o, "devices", n.devices);
	set_int(o, "live", n.live);
	set_int(o, "births", n.births);
	set_int(o, "gets", n.gets);
	set_int(o, "puts", n.puts);
	set_int(o, "before", n.before);
	set_int(o, "unattributed", n.unattributed);
	set_int(o, "guessed", n.guessed);
	set_int(o, "differ", n.differ);
	set_int(o, "waits", n.waits);
	return o;
}

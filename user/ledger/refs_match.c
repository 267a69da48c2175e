// SPDX-License-Identifier: GPL-2.0
/*
 * Each get becomes a reference of its holder; each put ends the one that the same
 * holder has. What tells the holder: the function that the place belongs to, and
 * what the task was doing there (registering a device, closing a file, running a work).
 */
#include <stdio.h>
#include <string.h>

#include "event/record.h"
#include "ledger/refs_priv.h"

/* -- whose place is it -- */

static enum vs_role role_at(struct vs_refs *r, uint64_t ip)
{
	struct site_role *slot = &r->roles[(ip * 0x9e3779b97f4a7c15ull >> 40) % SITE_CACHE];

	if (slot->ip != ip) {
		slot->ip = ip;
		slot->role = vs_role__of(vs_sites__name(r->opts.sites, ip));
	}
	return slot->role;
}

static enum vs_role role_by_context(struct vs_refs *r, const struct vs_event *e)
{
	const struct ref_task *task = refs_task(r, e->tid);

	if (e->context == VS_CTX_NOTIFIER)
		return VS_ROLE_NOTIFIER;
	if (e->context == VS_CTX_WORKER)
		return VS_ROLE_DEFERRED;
	if (task && e->type == VS_GET && task->registering && !task->registered)
		return VS_ROLE_REGISTER;
	if (task && e->type == VS_PUT && task->unregistering)
		return VS_ROLE_UNREGISTER;
	return VS_ROLE_LOOKUP;
}

static enum vs_role role_of(struct vs_refs *r, const struct vs_event *e)
{
	const struct vs_stack_event *s = vs_record__stack(e);
	enum vs_role role = role_at(r, e->ip);

	for (size_t i = 1; role == VS_ROLE_HELPER && s && i < vs_stack__length(s); i++)
		role = role_at(r, s->stack[i]);
	return role == VS_ROLE_HELPER ? role_by_context(r, e) : role;
}

static unsigned int class_of(enum vs_role role)
{
	switch (role) {
	case VS_ROLE_NOTIFIER:
		return VS_REF_NOTIFIER;
	case VS_ROLE_REGISTER:
	case VS_ROLE_UNREGISTER:
		return VS_REF_DEVICE;
	case VS_ROLE_OPEN:
	case VS_ROLE_CLOSE:
		return VS_REF_FILE;
	case VS_ROLE_EXTERNAL_GET:
	case VS_ROLE_EXTERNAL_PUT:
		return VS_REF_EXTERNAL;
	case VS_ROLE_DEFERRED:
		return VS_REF_DEFERRED;
	default:
		return VS_REF_LOOKUP;
	}
}

/* -- holders -- */

/*
 * Devices and works are found by their own address, tasks by their thread, files
 * and external users by the group. Different holders may share a key: is_holder().
 */
uint64_t refs_key(unsigned int class, uint64_t group, uint64_t object)
{
	if (class == VS_REF_FILE || class == VS_REF_EXTERNAL || !object)
		object = group;
	return object << 3 | class;
}

static bool is_task_held(unsigned int class)
{
	return class == VS_REF_NOTIFIER || class == VS_REF_LOOKUP;
}

/* Whether this reference can be the one of class @class that @e drops or hands on. */
static bool is_holder(const struct vs_ref *ref, unsigned int class, const struct vs_event *e)
{
	if (ref->class != class || (e->group && ref->group && ref->group != e->group))
		return false;
	return !is_task_held(class) || ref->tid == e->tid;
}

/* The device that this task registers, or unregisters. */
static uint64_t device_of(struct vs_refs *r, const struct vs_event *e, enum vs_role role)
{
	const struct ref_task *task = refs_task(r, e->tid);

	if (!task)
		return 0;
	return role == VS_ROLE_UNREGISTER ? task->unregistering : task->registering;
}

static uint64_t key_of(struct vs_refs *r, const struct vs_event *e, enum vs_role role)
{
	unsigned int class = class_of(role);
	uint64_t object = e->tid;

	if (class == VS_REF_DEVICE)
		object = device_of(r, e, role);
	else if (class == VS_REF_DEFERRED)
		object = e->ctx_object;
	return refs_key(class, e->group, object);
}

static uint32_t stack_of(struct vs_refs *r, const struct vs_event *e)
{
	const struct vs_stack_event *s = vs_record__stack(e);

	return s ? vs_stacks__number(r->stacks, s->stack, vs_stack__length(s)) : 0;
}

static struct vs_ref *add_ref(struct vs_refs *r, struct vs_book *b, unsigned int class,
			      const struct vs_event *e, uint64_t key)
{
	struct ref_task *task = class == VS_REF_DEVICE ? refs_task(r, e->tid) : NULL;
	struct vs_ref *ref = vs_ref_pool__add(r->pool, &b->live, key);

	if (!ref)
		return NULL;
	ref->class = (uint8_t)class;
	ref->stack = stack_of(r, e);
	ref->group = b->address;
	ref->get_ns = e->time_ns;
	ref->get_ip = e->ip;
	ref->tid = e->tid;
	ref->tgid = e->tgid;
	memcpy(ref->comm, e->comm, sizeof(ref->comm));
	if (task) {
		task->registered = true;
		ref->object = task->registering;
		memcpy(ref->device, task->device, sizeof(ref->device));
	}
	return ref;
}

void refs_forget(struct vs_refs *r, struct vs_book *b, struct vs_ref *ref)
{
	vs_ref_pool__del(r->pool, &b->live, ref);
}

static void end_ref(struct vs_refs *r, struct vs_book *b, struct vs_ref *ref,
		    const struct vs_event *e)
{
	ref->put_ns = e->time_ns;
	ref->put_ip = e->ip;
	vs_lifetimes__add(&r->lifetimes, ref);
	refs_forget(r, b, ref);
}

/* How well a reference fits a put: 0 not at all, 3 is certain. */
static int fitness(const struct vs_ref *ref, const struct vs_event *e, enum vs_role role,
		   uint64_t file)
{
	if (!is_holder(ref, class_of(role), e))
		return 0;
	if (role == VS_ROLE_CLOSE && file && ref->object)
		return ref->object == file ? 3 : 0;
	if (role != VS_ROLE_CLOSE && ref->tid == e->tid)
		return 3;
	return ref->tgid == e->tgid ? 2 : 1;
}

/*
 * Of several the best; of equal ones the oldest: a file that was opened first is closed
 * first. More than one that fits less than certainly is a guess, and counted.
 */
static struct vs_ref *choose(struct vs_refs *r, struct vs_book *b, uint64_t key,
			     const struct vs_event *e, enum vs_role role)
{
	const struct ref_task *task = refs_task(r, e->tid);
	uint64_t file = task ? task->file : 0;
	struct vs_ref *best = NULL, *ref = NULL;
	int most = 1, equal = 0;

	while ((ref = vs_ref_pool__held(r->pool, key, ref))) {
		int fit = fitness(ref, e, role, file);

		if (fit < most)
			continue;
		equal = fit == most ? equal + 1 : 1;
		most = fit;
		best = ref;
	}
	b->guessed += most < 3 && equal > 1;
	return best;
}

/* A reference whose device was not known when it was taken. */
static struct vs_ref *nameless_device(struct vs_book *b)
{
	struct vs_ref *found = NULL;

	for (struct vs_ref *ref = b->live.newest; ref; ref = vs_ref_pool__older(ref)) {
		if (ref->class != VS_REF_DEVICE || ref->object)
			continue;
		if (found)
			return NULL;
		found = ref;
	}
	return found;
}

static struct vs_ref *find_held(struct vs_refs *r, struct vs_book *b, const struct vs_event *e,
				enum vs_role role)
{
	struct vs_ref *ref = choose(r, b, key_of(r, e, role), e, role);

	if (!ref && class_of(role) == VS_REF_DEVICE)
		ref = nameless_device(b);
	return ref;
}

/* A reference from before tracing began, by what the snapshot knows and when it was. */
static bool began_before(struct vs_refs *r, struct vs_book *b, const struct vs_event *e)
{
	if (b->unknown) {
		b->unknown--;
		return true;
	}
	return b->seen_before && (!r->seeded_ns || e->time_ns <= r->seeded_ns);
}

/* -- gets -- */

/* The snapshot was taken while this went on: it has the reference already. */
static void replace_found(struct vs_refs *r, struct vs_book *b, const struct vs_event *e,
			  unsigned int class, uint64_t key)
{
	struct vs_ref *ref = NULL;

	if (e->time_ns > r->seeded_ns || !b->seen_before)
		return;
	while ((ref = vs_ref_pool__held(r->pool, key, ref)))
		if (ref->class == class && ref->origin == VS_REF_FOUND) {
			refs_forget(r, b, ref);
			return;
		}
	if (b->unknown)
		b->unknown--;
}

/* A put that was taken out of its ring before its get. */
static bool joins_orphan(struct vs_refs *r, struct vs_book *b, struct vs_ref *ref, uint64_t key)
{
	for (size_t i = 0; i < r->nr_orphans; i++) {
		struct orphan *o = &r->orphans[i];

		if (o->key != key || o->e.time_ns < ref->get_ns || !is_holder(ref, o->class, &o->e))
			continue;
		end_ref(r, b, ref, &o->e);
		*o = r->orphans[--r->nr_orphans];
		return true;
	}
	return false;
}

static struct vs_ref *take(struct vs_refs *r, struct vs_book *b, const struct vs_event *e,
			   enum vs_role role)
{
	uint64_t key = key_of(r, e, role);
	struct vs_ref *ref;

	replace_found(r, b, e, class_of(role), key);
	ref = add_ref(r, b, class_of(role), e, key);
	return ref && joins_orphan(r, b, ref, key) ? NULL : ref;
}

void refs_on_birth(struct vs_refs *r, struct vs_book *b, const struct vs_event *e)
{
	/* Two probes tell of one birth where the function is not inlined. */
	if (b->births)
		return;
	b->births++;
	take(r, b, e, VS_ROLE_REGISTER);
}

static void pair_get(struct vs_refs *r, struct vs_book *b, const struct vs_event *e)
{
	struct ref_task *task = refs_task(r, e->tid);

	if (!b->exact.since_ns || e->time_ns < b->exact.since_ns)
		return;
	b->exact.gets++;
	if (task && task->change_open && task->change_group == e->group &&
	    task->change_refs == e->refs)
		b->exact.paired++;
	else
		b->exact.differences++;
	if (task)
		task->change_open = false;
}

void refs_on_get(struct vs_refs *r, struct vs_book *b, const struct vs_event *e)
{
	b->gets++;
	if (e->flags & VS_F_REFS)
		b->refs = e->refs;
	pair_get(r, b, e);
	take(r, b, e, role_of(r, e));
}

/* The open that its get belongs to is the newest one of this task. */
void refs_on_open(struct vs_refs *r, struct vs_book *b, const struct vs_event *e)
{
	uint64_t key = refs_key(VS_REF_FILE, b->address, 0);
	struct vs_ref *ref = NULL;

	while (e->object && (ref = vs_ref_pool__held(r->pool, key, ref)))
		if (ref->tid == e->tid && !ref->object) {
			ref->object = e->object;
			return;
		}
}

/* -- deferred puts -- */

/* What the task took in the notifier of this group and has not handed on. */
static struct vs_ref *notifier_ref(struct vs_refs *r, const struct vs_event *e)
{
	uint64_t key = refs_key(VS_REF_NOTIFIER, e->group, e->tid);
	struct vs_ref *ref = NULL;

	while ((ref = vs_ref_pool__held(r->pool, key, ref)))
		if (is_holder(ref, VS_REF_NOTIFIER, e) && !ref->leaked)
			return ref;
	return NULL;
}

/* Its get was before the probes were armed, or there was none. */
static struct vs_ref *queued_without_get(struct vs_refs *r, struct vs_book *b,
					 const struct vs_event *e, uint64_t key)
{
	struct vs_ref *ref;

	if (!began_before(r, b, e))
		refs_say(r, VS_PUT_WITHOUT_GET, b, NULL, e,
			 "a deferred put was queued for a reference that the notifier did not take");
	ref = add_ref(r, b, VS_REF_DEFERRED, e, key);
	if (ref)
		ref->origin = VS_REF_FOUND;
	return ref;
}

void refs_on_queue(struct vs_refs *r, struct vs_book *b, const struct vs_event *e)
{
	uint64_t key = refs_key(VS_REF_DEFERRED, e->group, e->object);
	struct vs_ref *ref = notifier_ref(r, e);

	if (!ref)
		ref = queued_without_get(r, b, e, key);
	if (!ref)
		return;
	vs_ref_pool__rekey(r->pool, ref, key);
	ref->class = VS_REF_DEFERRED;
	ref->object = e->object;
	ref->queue_ns = e->time_ns;
}

void refs_on_end(struct vs_refs *r, const struct vs_event *e)
{
	uint64_t key = refs_key(VS_REF_DEFERRED, 0, e->object);
	struct vs_ref *ref = vs_ref_pool__held(r->pool, key, NULL);
	struct vs_book *b = ref ? refs_book_at(r, ref->group) : NULL;

	if (b && !ref->leaked)
		refs_say_leak(r, b, ref, e, "its deferred put ended without dropping it");
}

/* What the task took in the notifier is the work's now, or put: or nobody's. */
void refs_on_notifier_exit(struct vs_refs *r, const struct vs_event *e)
{
	struct vs_event any = { .tid = e->tid };
	struct vs_book *b;
	struct vs_ref *ref;

	while ((ref = notifier_ref(r, &any))) {
		b = refs_book_at(r, ref->group);
		ref->leaked = true;
		if (b)
			refs_say_leak(r, b, ref, e,
				      "the notifier took it, and returned without a put or a queued one");
	}
}

/* -- puts -- */

static void pair_put(struct vs_refs *r, struct vs_book *b, const struct vs_event *e)
{
	struct ref_task *task = refs_task(r, e->tid);

	if (!b->exact.since_ns || e->time_ns < b->exact.since_ns)
		return;
	b->exact.puts++;
	if (!task)
		task = vs_lru__add(r->tasks, e->tid);
	if (!task)
		return;
	b->exact.differences += task->put_open;
	task->put_open = true;
}

static void keep_orphan(struct vs_refs *r, const struct vs_event *e, unsigned int class,
			uint64_t key)
{
	struct orphan *o;

	if (r->nr_orphans == ORPHANS)
		refs_settle_orphans(r, UINT64_MAX);
	o = &r->orphans[r->nr_orphans++];
	*o = (struct orphan){
		.e = *e, .key = key, .stack = stack_of(r, e), .class = (uint8_t)class,
	};
	o->e.size = sizeof(o->e);
}

void refs_on_put(struct vs_refs *r, struct vs_book *b, const struct vs_event *e)
{
	enum vs_role role = role_of(r, e);
	struct vs_ref *ref = find_held(r, b, e, role);

	b->puts++;
	pair_put(r, b, e);
	if (ref)
		end_ref(r, b, ref, e);
	else
		keep_orphan(r, e, class_of(role), key_of(r, e, role));
}

static void judge(struct vs_refs *r, const struct orphan *o)
{
	struct vs_book *b = refs_book_at(r, o->e.group);
	char words[120];

	if (!b)
		return;
	if (b->broken) {
		b->after_bug++;
	} else if (began_before(r, b, &o->e)) {
		b->before++;
	} else {
		b->unattributed++;
		snprintf(words, sizeof(words), "nobody holds a reference of class %s that this put could drop",
			 vs_ref_class__name(o->class));
		refs_say(r, VS_PUT_WITHOUT_GET, b, NULL, &o->e, words);
	}
}

void refs_settle_orphans(struct vs_refs *r, uint64_t now_ns)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->nr_orphans; i++) {
		struct orphan *o = &r->orphans[i];

		if (now_ns == UINT64_MAX || now_ns > o->e.time_ns + VS_SETTLE_NS)
			judge(r, o);
		else
			r->orphans[kept++] = *o;
	}
	r->nr_orphans = kept;
}

/* -- watchpoints -- */

static void change_up(struct ref_task *task, struct vs_book *b, const struct vs_event *e)
{
	b->exact.differences += task->change_open;
	task->change_open = true;
	task->change_group = e->group;
	task->change_refs = e->refs;
}

static void change_down(struct ref_task *task, struct vs_book *b)
{
	if (task->put_open)
		b->exact.paired++;
	else
		b->exact.differences++;
	task->put_open = false;
}

void refs_on_change(struct vs_refs *r, struct vs_book *b, const struct vs_event *e)
{
	struct ref_task *task = refs_task(r, e->tid);

	if (!b->exact.since_ns || e->time_ns < b->exact.since_ns)
		return;
	b->exact.changes++;
	if (e->flags & VS_F_REFS)
		b->exact.last_refs = b->refs = e->refs;
	if (!task)
		task = vs_lru__add(r->tasks, e->tid);
	if (!task)
		return;
	if (e->flags & VS_F_TAKEN)
		change_up(task, b, e);
	else
		change_down(task, b);
}

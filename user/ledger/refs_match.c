// SPDX-License-Identifier: GPL-2.0
/*
 * Each get becomes a reference of its holder; each put ends the one that the same holder has. The
 * holder follows from the function that the place belongs to, and from what the task was doing there
 * (registering a device, closing a file, running a work).
 */
#include <string.h>

#include "ledger/refs_priv.h"

/* -- holders -- */

static bool is_task_held(unsigned int class)
{
	return class == VS_REF_NOTIFIER || class == VS_REF_LOOKUP;
}

/* One process may drop a reference that another one took. */
static bool is_passed_on(unsigned int class)
{
	return class == VS_REF_FILE || class == VS_REF_EXTERNAL;
}

/*
 * Devices and works are found by their own address, tasks by their thread, files and
 * external users by the group and the process. Different holders may share a key:
 * is_holder().
 */
uint64_t refs_key(unsigned int class, uint64_t group, uint64_t object)
{
	if (is_passed_on(class))
		return (group << 3 | class) ^ object << 42;
	if (!object && !is_task_held(class))
		object = group;
	return object << 3 | class;
}

/* Returns true if this reference can be the one of class @class that @e drops or hands on. */
static bool is_holder(const struct vs_book *b, const struct vs_ref *ref, unsigned int class,
		      const struct vs_event *e)
{
	if (ref->class != class || !vs_ref_pool__is_in(&b->live, ref))
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
	unsigned int class = refs_class_of(role);
	uint64_t object = is_passed_on(class) ? e->tgid : e->tid;

	if (class == VS_REF_DEVICE)
		object = device_of(r, e, role);
	else if (class == VS_REF_DEFERRED)
		object = e->ctx_object;
	return refs_key(class, e->group, object);
}

static struct vs_ref *add_ref(struct vs_refs *r, struct vs_book *b, unsigned int class,
			      const struct vs_event *e, uint64_t key)
{
	struct ref_task *task = class == VS_REF_DEVICE ? refs_task(r, e->tid) : NULL;
	struct vs_ref *ref = vs_ref_pool__add(r->pool, &b->live, key);

	if (!ref) {	/* its put will count as one of an unknown holder */
		b->unknown++;
		return NULL;
	}
	ref->class = (uint8_t)class;
	ref->stack = refs_stack_of(r, e);
	ref->group = b->address;
	ref->get_ns = e->time_ns;
	ref->get_seq = e->seq;
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
	b->forgotten++;
	vs_ref_pool__del(r->pool, &b->live, ref);
}

static void end_ref(struct vs_refs *r, struct vs_book *b, struct vs_ref *ref,
		    const struct vs_event *e)
{
	if (ref->leaked)
		refs_was_put(r, b, ref);
	ref->put_ns = e->time_ns;
	ref->put_ip = e->ip;
	vs_lifetimes__add(&r->lifetimes, ref);
	vs_ref_pool__del(r->pool, &b->live, ref);
}

static bool is_known_by_object(const struct vs_ref *ref)
{
	return ref->object && (ref->class == VS_REF_DEVICE || ref->class == VS_REF_DEFERRED);
}

/* The snapshot has this reference, so its holder puts it later than @e. */
static bool is_put_later(const struct vs_refs *r, const struct vs_ref *ref, const struct vs_event *e)
{
	return ref->origin == VS_REF_FOUND && !ref->queue_seq && r->seeded &&
	       e->seq <= r->seed_start_seq;
}

/* Rates how a reference fits a put: 0 not at all, 3 for certain. */
static int fitness(const struct vs_refs *r, const struct vs_book *b, const struct vs_ref *ref,
		   const struct vs_event *e, enum vs_role role, uint64_t file)
{
	if (!is_holder(b, ref, refs_class_of(role), e) || is_put_later(r, ref, e))
		return 0;
	if (role == VS_ROLE_CLOSE && file && ref->object)
		return ref->object == file ? 3 : 0;
	if (is_known_by_object(ref))
		return 3;
	if (role != VS_ROLE_CLOSE && ref->tid == e->tid)
		return 3;
	return ref->tgid == e->tgid ? 2 : 1;
}

/* The call, or its error path, puts the reference that it took itself: the newest one. */
static bool is_nested(enum vs_role role)
{
	return role == VS_ROLE_OPEN || role == VS_ROLE_REGISTER || role == VS_ROLE_LOOKUP ||
	       role == VS_ROLE_EXTERNAL_GET || role == VS_ROLE_NOTIFIER;
}

struct choice {
	struct vs_ref *best;
	int fit;
	int equal;	/* references with the same fit */
};

/*
 * Chooses the best fit. Among equal ones it takes the newest within one call, else the oldest, as the
 * file opened first is closed first. References come newest first.
 */
static void consider(struct choice *c, struct vs_ref *ref, int fit, enum vs_role role)
{
	if (!fit || fit < c->fit)
		return;
	c->equal = fit == c->fit ? c->equal + 1 : 1;
	if (fit > c->fit || !is_nested(role))
		c->best = ref;
	c->fit = fit;
}

/* If several references fit, but none for certain, the choice is a guess, and is counted. */
static struct vs_ref *choose(struct vs_refs *r, struct vs_book *b, uint64_t key,
			     const struct vs_event *e, enum vs_role role)
{
	const struct ref_task *task = refs_task(r, e->tid);
	uint64_t file = task ? task->file : 0;
	struct choice c = { 0 };
	struct vs_ref *ref = NULL;

	while ((ref = vs_ref_pool__held(r->pool, key, ref)))
		consider(&c, ref, fitness(r, b, ref, e, role, file), role);
	if (is_passed_on(refs_class_of(role)) && (!c.best || (c.fit < 3 && role == VS_ROLE_CLOSE))) {
		c = (struct choice){ 0 };
		for (ref = b->live.newest; ref; ref = vs_ref_pool__older(ref))
			consider(&c, ref, fitness(r, b, ref, e, role, file), role);
	}
	b->guessed += c.fit < 3 && c.equal > 1;
	return c.best;
}

/*
 * A reference whose device was not known when it was taken. Of several the newest one: the snapshot may
 * have found those before it as well.
 */
static struct vs_ref *nameless_device(struct vs_book *b)
{
	struct vs_ref *found = NULL;

	for (struct vs_ref *ref = b->live.newest; ref; ref = vs_ref_pool__older(ref)) {
		if (ref->class != VS_REF_DEVICE || ref->object)
			continue;
		if (found) {
			b->guessed++;
			break;
		}
		found = ref;
	}
	return found;
}

/*
 * The task began to unregister before probes were armed, or while they were silent: we do not know
 * which device leaves, and assume one that the snapshot found. If that is wrong, the put of the other
 * device comes later.
 */
static struct vs_ref *some_device(struct vs_refs *r, struct vs_book *b, const struct vs_event *e)
{
	bool known = device_of(r, e, VS_ROLE_UNREGISTER);
	struct vs_ref *found = NULL;

	for (struct vs_ref *ref = b->live.newest; ref; ref = vs_ref_pool__older(ref))
		if (ref->class == VS_REF_DEVICE && ref->origin == VS_REF_FOUND && !is_put_later(r, ref, e))
			found = ref;
	if (!found || (known && !b->mistaken))
		return NULL;
	b->guessed++;
	b->mistaken = known ? b->mistaken - 1 : b->mistaken + 1;
	return found;
}

/*
 * A get in a helper without a stack does not show its purpose. Returns the oldest such one of this
 * process.
 */
static struct vs_ref *nameless_external(struct vs_refs *r, struct vs_book *b,
					const struct vs_event *e)
{
	struct vs_ref *found = NULL;

	for (struct vs_ref *ref = b->live.newest; ref; ref = vs_ref_pool__older(ref))
		if (ref->class == VS_REF_LOOKUP && !ref->stack && ref->tgid == e->tgid &&
		    refs_role_at(r, ref->get_ip) == VS_ROLE_HELPER)
			found = ref;
	b->guessed += found != NULL;
	return found;
}

static struct vs_ref *find_held(struct vs_refs *r, struct vs_book *b, const struct vs_event *e,
				enum vs_role role)
{
	struct vs_ref *ref = NULL;

	/* A device that began to leave unseen was there before those that joined since. */
	if (role == VS_ROLE_UNREGISTER && !device_of(r, e, role))
		ref = some_device(r, b, e);
	if (!ref)
		ref = choose(r, b, key_of(r, e, role), e, role);
	if (!ref && refs_class_of(role) == VS_REF_DEVICE)
		ref = nameless_device(b);
	if (!ref && role == VS_ROLE_UNREGISTER)
		ref = some_device(r, b, e);
	if (!ref && role == VS_ROLE_EXTERNAL_PUT)
		ref = nameless_external(r, b, e);
	return ref;
}

/*
 * A put in a helper may not show its caller: it has no stack, or it was a tail call of the caller,
 * whose frame is gone.
 */
static struct vs_ref *find_by_guess(struct vs_refs *r, struct vs_book *b,
				    const struct vs_event *e)
{
	static const enum vs_role roles[] = {
		VS_ROLE_LOOKUP, VS_ROLE_REGISTER, VS_ROLE_OPEN, VS_ROLE_EXTERNAL_PUT,
	};
	struct vs_ref *ref = NULL;

	for (size_t i = 0; !ref && i < sizeof(roles) / sizeof(roles[0]); i++) {
		ref = choose(r, b, key_of(r, e, roles[i]), e, roles[i]);
		if (ref && roles[i] != VS_ROLE_EXTERNAL_PUT && ref->tid != e->tid)
			ref = NULL;
	}
	b->guessed += ref && ref->class != VS_REF_LOOKUP;
	return ref;
}

/* -- gets -- */

static struct vs_ref *found_with(struct vs_refs *r, struct vs_book *b, const struct vs_event *e,
				 unsigned int class, uint64_t key)
{
	struct vs_ref *ref = NULL;

	while ((ref = vs_ref_pool__held(r->pool, key, ref)))
		if (ref->origin == VS_REF_FOUND && is_holder(b, ref, class, e))
			return ref;
	return NULL;
}

/* Returns the found reference that is the one taken by @e, or a found one of an unknown process. */
static struct vs_ref *found_twin(struct vs_refs *r, struct vs_book *b, const struct vs_event *e,
				 unsigned int class, uint64_t key)
{
	struct vs_ref *twin = found_with(r, b, e, class, key);

	if (!twin && is_passed_on(class))
		twin = found_with(r, b, e, class, refs_key(class, b->address, 0));
	return twin;
}

/*
 * Takes one from `unknown` if the get came before the snapshot, which then counted it for an unseen
 * holder.
 */
static enum in_snapshot take_unknown(struct vs_refs *r, struct vs_book *b,
				     const struct vs_event *e)
{
	if (!b->unknown)
		return SNAP_NOTHING;
	if (e->seq > r->seed_start_seq)
		return SNAP_NOTHING;
	b->unknown--;
	return SNAP_UNKNOWN;
}

/* The snapshot was taken after this get, or during it: it may have the reference already. */
static enum in_snapshot replace_found(struct vs_refs *r, struct vs_book *b,
				      const struct vs_event *e, unsigned int class,
				      uint64_t key, uint64_t *object)
{
	struct vs_ref *twin;

	if (e->seq > r->seeded_seq || !b->seen_before)
		return SNAP_NOTHING;
	twin = found_twin(r, b, e, class, key);
	if (!twin && class == VS_REF_DEVICE && !device_of(r, e, VS_ROLE_REGISTER))
		return SNAP_NOTHING;	/* device not known: it may be among the found ones */
	if (!twin)
		return take_unknown(r, b, e);
	*object = twin->object;
	refs_forget(r, b, twin);
	/* It was found after the counter was read, so the counter may have included another one instead. */
	b->beyond += refs_was_meanwhile(r, b, e);
	return SNAP_FOUND;
}

/* In the order of the stream it was queued before it was taken. */
static void complete_queued(struct vs_refs *r, struct vs_book *b, struct vs_ref *ref,
			    const struct vs_event *queue)
{
	uint64_t key = refs_key(VS_REF_DEFERRED, b->address, queue->object);
	struct vs_ref *other = vs_ref_pool__held(r->pool, key, NULL);

	if (other && is_holder(b, other, VS_REF_DEFERRED, queue) &&
	    other->queue_seq == queue->seq) {
		other->origin = VS_REF_SEEN;
		other->get_ns = ref->get_ns;
		other->get_seq = ref->get_seq;
		other->get_ip = ref->get_ip;
		other->stack = ref->stack;
	}
	refs_forget(r, b, ref);
}

/* Returns true if an orphan, read from its ring before its get, belongs to this get. */
static bool joins_orphan(struct vs_refs *r, struct vs_book *b, struct vs_ref *ref, uint64_t key)
{
	for (size_t i = 0; i < r->nr_orphans; i++) {
		struct orphan *o = &r->orphans[i];

		if ((o->key != key && !is_passed_on(o->class)) || o->book != b ||
		    o->e.seq < ref->get_seq || !is_holder(b, ref, o->class, &o->e))
			continue;
		if (o->e.type == VS_QUEUE)
			complete_queued(r, b, ref, &o->e);
		else
			end_ref(r, b, ref, &o->e);
		*o = r->orphans[--r->nr_orphans];
		return true;
	}
	return false;
}

/* Its device is not known, so the snapshot may have found it as well. */
static bool may_be_found_too(const struct vs_refs *r, const struct vs_book *b,
			     const struct vs_event *e, const struct vs_ref *ref)
{
	return ref->class == VS_REF_DEVICE && !ref->object && refs_was_meanwhile(r, b, e);
}

static void take(struct vs_refs *r, struct vs_book *b, const struct vs_event *e,
		 enum vs_role role)
{
	uint64_t key = key_of(r, e, role), object = 0;
	enum in_snapshot had = replace_found(r, b, e, refs_class_of(role), key, &object);
	struct vs_ref *ref = add_ref(r, b, refs_class_of(role), e, key);

	if (!ref) {
		b->forgotten++;
		return;
	}
	ref->snapshot = (uint8_t)had;
	if (object)
		ref->object = object;
	b->beyond += may_be_found_too(r, b, e, ref);
	joins_orphan(r, b, ref, key);
}

void refs_on_birth(struct vs_refs *r, struct vs_book *b, const struct vs_event *e)
{
	/* Two probes report one birth where the function is not inlined. */
	if (b->births)
		return;
	b->births++;
	b->created_seq = e->seq;
	take(r, b, e, VS_ROLE_REGISTER);
}

void refs_on_get(struct vs_refs *r, struct vs_book *b, const struct vs_event *e)
{
	b->gets++;
	if (e->flags & VS_F_REFS)
		b->refs = e->refs;
	refs_pair_get(r, b, e);
	take(r, b, e, refs_role_of(r, e));
}

/* The get of this open is the newest file reference of this task. */
void refs_on_open(struct vs_refs *r, struct vs_book *b, const struct vs_event *e)
{
	uint64_t key = refs_key(VS_REF_FILE, b->address, e->tgid);
	struct vs_ref *ref = NULL;

	while (e->object && (ref = vs_ref_pool__held(r->pool, key, ref)))
		if (ref->tid == e->tid && !ref->object) {
			ref->object = e->object;
			return;
		}
}

/* -- deferred puts -- */

/*
 * Returns the reference that the task took in the notifier of this group (NULL: of any) and has not
 * handed on.
 */
static struct vs_ref *notifier_ref(struct vs_refs *r, const struct vs_book *b, uint32_t tid)
{
	uint64_t key = refs_key(VS_REF_NOTIFIER, 0, tid);
	struct vs_ref *ref = NULL;

	while ((ref = vs_ref_pool__held(r->pool, key, ref)))
		if (ref->tid == tid && !ref->leaked && (!b || vs_ref_pool__is_in(&b->live, ref)))
			return ref;
	return NULL;
}

/* Its get is late, or came before the probes were armed, or there was none. */
static struct vs_ref *queued_without_get(struct vs_refs *r, struct vs_book *b,
					 const struct vs_event *e, uint64_t key)
{
	struct vs_ref *ref = add_ref(r, b, VS_REF_DEFERRED, e, key);

	refs_keep_orphan(r, b, e, VS_REF_NOTIFIER, refs_key(VS_REF_NOTIFIER, 0, e->tid));
	if (!ref)
		return NULL;
	b->found++;
	ref->origin = VS_REF_FOUND;
	return ref;
}

void refs_on_queue(struct vs_refs *r, struct vs_book *b, const struct vs_event *e)
{
	uint64_t key = refs_key(VS_REF_DEFERRED, b->address, e->object);
	struct vs_ref *ref = notifier_ref(r, b, e->tid);

	if (!ref)
		ref = queued_without_get(r, b, e, key);
	if (!ref)
		return;
	vs_ref_pool__rekey(r->pool, ref, key);
	ref->class = VS_REF_DEFERRED;
	ref->object = e->object;
	ref->queue_seq = e->seq;
	joins_orphan(r, b, ref, key);
}

void refs_on_start(struct vs_refs *r, const struct vs_event *e)
{
	struct ref_task *task = refs_task_or_new(r, e->tid);

	if (task)
		task->work_seq = e->seq;
}

/*
 * The work's memory is freed before the work ends, and may have been queued anew by then: only a
 * reference queued before the start of this work is its own.
 */
void refs_on_end(struct vs_refs *r, const struct vs_event *e)
{
	uint64_t key = refs_key(VS_REF_DEFERRED, 0, e->object);
	struct vs_ref *ref = vs_ref_pool__held(r->pool, key, NULL);
	struct vs_book *b = ref ? refs_book_at(r, ref->group) : NULL;
	struct ref_task *task = refs_task(r, e->tid);
	uint64_t started = task ? task->work_seq : 0;

	if (task)
		task->work_seq = 0;
	if (b && !ref->leaked && ref->queue_seq <= started)
		refs_say_leak(r, b, ref, e, "its deferred put ended without dropping it");
}

/* The task has put the reference that it took in the notifier, or given it to the work; else it leaks. */
void refs_on_notifier_exit(struct vs_refs *r, const struct vs_event *e)
{
	struct vs_book *b;
	struct vs_ref *ref;

	while ((ref = notifier_ref(r, NULL, e->tid))) {
		b = refs_book_at(r, ref->group);
		ref->leaked = true;
		if (b)
			refs_say_leak(r, b, ref, e,
				      "the notifier took it, and returned without a put or a queued one");
	}
}

/* -- puts -- */

/* Get and put both came before the snapshot ended: the get may have replaced another reference. */
static void restore_unseen(struct vs_refs *r, struct vs_book *b, const struct vs_ref *ref,
			   const struct vs_event *e)
{
	bool sure = ref->snapshot == SNAP_FOUND && ref->class != VS_REF_EXTERNAL;

	if (ref->snapshot == SNAP_NOTHING || sure || e->seq > r->seeded_seq)
		return;
	b->unknown++;
}

/* A failed open did not take the found file reference: that one belongs to another open. */
static bool is_anothers(const struct vs_ref *ref, enum vs_role role)
{
	return role == VS_ROLE_OPEN && ref->snapshot == SNAP_FOUND;
}

static void give_back(struct vs_book *b, struct vs_ref *ref)
{
	ref->origin = VS_REF_FOUND;
	ref->snapshot = SNAP_NOTHING;
	ref->get_ip = 0;
	ref->stack = 0;
	b->found++;
}

/* We did not see which file was closed: @ref may still be there, and in the snapshot's counter. */
static bool may_be_of_another(struct vs_refs *r, const struct vs_book *b, const struct vs_ref *ref,
			      const struct vs_event *e, enum vs_role role)
{
	const struct ref_task *task = refs_task(r, e->tid);

	if (role != VS_ROLE_CLOSE && role != VS_ROLE_EXTERNAL_PUT)
		return false;
	if (task && task->file && task->file == ref->object)
		return false;
	return b->seen_before && r->seeded && e->seq <= r->seeded_seq;
}

static void put_ref(struct vs_refs *r, struct vs_book *b, struct vs_ref *ref,
		    const struct vs_event *e, enum vs_role role)
{
	struct ref_task *task = refs_task(r, e->tid);

	if (task && role == VS_ROLE_UNREGISTER)
		task->leaving = false;
	if (task && role == VS_ROLE_CLOSE)
		task->closing = false;
	if (is_anothers(ref, role)) {
		give_back(b, ref);
		return;
	}
	restore_unseen(r, b, ref, e);
	b->beyond += may_be_of_another(r, b, ref, e, role);
	end_ref(r, b, ref, e);
}

void refs_on_put(struct vs_refs *r, struct vs_book *b, const struct vs_event *e)
{
	enum vs_role role = refs_role_of(r, e);
	struct vs_ref *ref = find_held(r, b, e, role);

	if (!ref && !refs_is_told_by_place(r, e))
		ref = find_by_guess(r, b, e);
	b->puts++;
	refs_pair_put(r, b, e);
	if (ref)
		put_ref(r, b, ref, e, role);
	else
		refs_keep_orphan(r, b, e, refs_class_of(role), key_of(r, e, role));
}

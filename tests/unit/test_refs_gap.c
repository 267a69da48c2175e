// SPDX-License-Identifier: GPL-2.0
/*
 * The ledger of references after a time in which probes were silent. A small kernel is simulated step by
 * step: tasks register and unregister devices, open and close, look up, and go through the notifier with
 * its deferred put. An operation and the record that tells of it are different steps, and any task may
 * stand still between them. Probes fall silent at every position, and the snapshot that ends the gap is read in
 * steps of its own: the counter, the devices, the files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "refs_lab.h"

#define STEP_US 10
#define TASKS 5
#define STEPS 220
#define BUFFERED 512
#define HELD 4

enum act {
	A_REGISTER, A_UNREGISTER, A_OPEN, A_CLOSE, A_LOOKUP, A_NOTIFIER, A_WORK,
	A_REGISTER_LATER, A_UNREGISTER_LATER, A_ACTS,
};

struct task {
	struct who who;
	enum act act;
	int at;			/* the step of it, 0: begins something new */
	uint64_t group, device, file, work;	/* `group` 0: it has none */
	int value;
	uint32_t asleep;	/* rounds */
};

struct kernel {
	uint64_t group;		/* 0: there is none */
	bool listed;
	int count;
	uint64_t devices[2];	/* in the group's list */
	uint64_t files[HELD];
	uint32_t openers[HELD];
	uint64_t works[HELD];	/* pending */
	uint64_t ended[2];	/* addresses of groups that are not freed yet */
	uint64_t next_object;
	struct task tasks[TASKS];
};

struct run {
	struct lab *l;
	struct kernel k;
	uint64_t random, us;
	bool firing, reading;	/* probes; what they tell goes to the ledger at once */
	bool number_only;	/* a create has no address: 6.1 and later */
	bool later;		/* there, too: only devices hold their group, and it is freed late */
	struct vs_alarm_event kept[BUFFERED];
	size_t nr_kept;
	struct picture_of p;
	size_t tried;		/* faults */
};

static uint32_t random_below(struct run *r, uint32_t n)
{
	r->random ^= r->random << 13;
	r->random ^= r->random >> 7;
	r->random ^= r->random << 17;
	return (uint32_t)((r->random >> 20) % n);
}

/* -- records -- */

static void hand_on(struct run *r, const struct vs_event *e)
{
	uint64_t address = e->group ? e->group : e->ctx_group;

	vs_refs__feed(r->l->r, e, vs_groups__take(r->l->groups, e, address));
}

static void record(struct run *r, const void *data)
{
	const struct vs_event *e = data;

	r->us += STEP_US;
	if (!r->firing)
		return;
	if (r->reading) {
		hand_on(r, e);
		return;
	}
	assert_true(r->nr_kept < BUFFERED);
	memcpy(&r->kept[r->nr_kept++], e, e->size);
}

static void hand_on_kept(struct run *r)
{
	for (size_t i = 0; i < r->nr_kept; i++)
		hand_on(r, &r->kept[i].e);
	r->nr_kept = 0;
	r->reading = true;
}

static struct vs_event of_task(struct run *r, const struct task *t, unsigned int type)
{
	return of_group(lab_event(type, t->who, r->us), t->group, 1);
}

static void tell(struct run *r, struct vs_event e)
{
	record(r, &e);
}

static void tell_device(struct run *r, const struct task *t, unsigned int type)
{
	struct vs_device_event d = { .e = of_group(lab_event(type, t->who, r->us), 0, 1) };

	d.e.size = sizeof(d);
	d.e.object = t->device;
	snprintf(d.device, sizeof(d.device), "0000:00:05.%d", (int)(t->device & 1));
	record(r, &d);
}

/* A get tells the value after it, a put the one before. */
static void tell_get(struct run *r, const struct task *t, uint64_t place, uint64_t caller)
{
	struct vs_stack_event s = {
		.e = refs(of_task(r, t, VS_GET), t->value, place), .nr_stack = 2,
	};

	s.e.size = sizeof(s);
	s.stack[0] = place;
	s.stack[1] = caller;
	if (place == P_NOTIFIER_GET)
		s.e = in_chain(s.e);
	record(r, &s);
}

static struct vs_event a_put(struct run *r, const struct task *t, uint64_t place)
{
	return refs(of_task(r, t, VS_PUT), r->k.count, place);
}

/* -- what tasks do, a step at a time -- */

static uint64_t new_object(struct run *r)
{
	return DEV1 + 0x10000 + (r->k.next_object += 0x100);
}

static uint64_t *place_in(uint64_t *list, size_t nr, uint64_t value)
{
	for (size_t i = 0; i < nr; i++)
		if (list[i] == value)
			return &list[i];
	return NULL;
}

/* A reference of the group that is listed; an atomic step of its own. */
static bool take(struct run *r, struct task *t)
{
	t->group = r->k.listed && r->k.count ? r->k.group : 0;
	if (t->group)
		t->value = ++r->k.count;
	return t->group;
}

/* 0: not the last. */
static bool drop(struct run *r)
{
	assert_true(r->k.count > 0);
	return !--r->k.count;
}

/* The last reference is gone; the group leaves the list in a step of its own. */
static bool release(struct run *r, struct task *t, int first)
{
	if (t->at == first) {
		tell(r, of_task(r, t, VS_RELEASE));
	} else {
		r->k.listed = false;
		r->k.group = 0;
		tell(r, of_object(of_task(r, t, VS_UNREGISTER_NOTIFIER), BLOCK));
		return true;
	}
	t->at++;
	return false;
}

/* The put at step @first, and what follows of it. True: done. */
static bool put_step(struct run *r, struct task *t, int first, uint64_t place)
{
	struct vs_event e;

	if (t->at == first) {
		e = a_put(r, t, place);
		tell(r, place == P_PUT_BG ? in_worker(e, t->work) : e);
	} else if (t->at == first + 1) {
		if (!drop(r))
			return true;
	} else {
		return release(r, t, first + 2);
	}
	t->at++;
	return false;
}

static bool create(struct run *r, struct task *t)
{
	struct vs_event e;

	if (t->at == 2) {
		r->k.group = random_below(r, 3) ? GROUP : GROUP_B;
		r->k.count = 1;
		t->group = r->k.group;
		e = of_object(of_task(r, t, VS_CREATE), BLOCK);
		tell(r, r->number_only ? of_group(e, 0, 1) : e);
	} else if (t->at == 3) {
		r->k.listed = true;
	} else {
		*place_in(r->k.devices, 2, 0) = t->device;
		return true;
	}
	t->at++;
	return false;
}

static bool join(struct run *r, struct task *t)
{
	if (t->at == 5) {
		tell_get(r, t, P_FROM_IOMMU, P_IN_REGISTER);
	} else {
		*place_in(r->k.devices, 2, 0) = t->device;
		return true;
	}
	t->at++;
	return false;
}

static bool do_register_step(struct run *r, struct task *t)
{
	if (t->at == 0) {
		if (!place_in(r->k.devices, 2, 0) || t - r->k.tasks)
			return true;	/* one at a time */
		t->device = new_object(r);
		tell_device(r, t, VS_REGISTER);
	} else if (t->at == 1) {
		if (r->k.group && !r->k.listed)
			return false;	/* under a lock: it waits */
		if (r->k.group && !r->k.count)
			return false;
		t->at = r->k.group ? 4 : 1;
		if (t->at == 4)
			take(r, t);
	} else {
		return t->at < 5 ? create(r, t) : join(r, t);
	}
	t->at++;
	return false;
}

static bool unregister_step(struct run *r, struct task *t)
{
	uint64_t *device = place_in(r->k.devices, 2, t->device);

	if (t->at == 0) {
		device = &r->k.devices[random_below(r, 2)];
		if (t - r->k.tasks || !*device)
			return true;
		t->group = r->k.group;
		t->device = *device;
		tell_device(r, t, VS_UNREGISTER);
	} else if (t->at == 1) {
		*device = 0;
	} else {
		return put_step(r, t, 2, P_UNREGISTER);
	}
	t->at++;
	return false;
}

static bool open_step(struct run *r, struct task *t)
{
	uint64_t *file = place_in(r->k.files, HELD, 0);

	if (t->at == 0) {
		if (!file || !take(r, t))
			return true;
	} else if (t->at == 1) {
		tell_get(r, t, P_OPEN_GET, 0);
		t->file = new_object(r);
		tell(r, of_object(of_task(r, t, VS_OPEN), t->file));
	} else if (t->at == 2) {
		if (!file) {
			t->at = 3;	/* it fails */
			return false;
		}
		*file = t->file;
		r->k.openers[file - r->k.files] = t->who.tid;
		return true;
	} else {
		return put_step(r, t, 3, P_OPEN_PUT);
	}
	t->at++;
	return false;
}

static bool close_step(struct run *r, struct task *t)
{
	size_t i = random_below(r, HELD);

	if (t->at == 0) {
		if (!r->k.files[i] || r->k.openers[i] != t->who.tid)
			return true;
		t->group = r->k.group;
		t->file = r->k.files[i];
		r->k.files[i] = 0;
	} else if (t->at == 1) {
		tell(r, of_object(of_task(r, t, VS_CLOSE), t->file));
	} else {
		return put_step(r, t, 2, P_CLOSE);
	}
	t->at++;
	return false;
}

static bool lookup_step(struct run *r, struct task *t)
{
	if (t->at == 0) {
		if (!take(r, t))
			return true;
	} else if (t->at == 1) {
		tell_get(r, t, P_FROM_IOMMU, P_IN_PIN);
	} else {
		return put_step(r, t, 2, P_PIN);
	}
	t->at++;
	return false;
}

static bool notifier_step(struct run *r, struct task *t)
{
	uint64_t *work = place_in(r->k.works, HELD, 0);

	if (t->at == 0) {
		if (!work || !take(r, t))
			return true;
	} else if (t->at == 1) {
		tell_get(r, t, P_NOTIFIER_GET, 0);
	} else if (t->at == 2) {
		if (!work)
			return false;
		t->work = new_object(r);
		tell(r, in_chain(of_object(of_task(r, t, VS_QUEUE), t->work)));
		*work = t->work;
	} else {
		tell(r, in_chain(of_task(r, t, VS_NOTIFIER_EXIT)));
		return true;
	}
	t->at++;
	return false;
}

static bool work_step(struct run *r, struct task *t)
{
	size_t i = random_below(r, HELD);

	if (t->at == 0) {
		if (t != &r->k.tasks[TASKS - 1] || !r->k.works[i])
			return true;
		t->work = r->k.works[i];
		r->k.works[i] = 0;
		t->group = r->k.group;
		tell(r, in_worker(of_object(of_task(r, t, VS_START), t->work), t->work));
	} else if (t->at <= 4) {
		if (put_step(r, t, 1, P_PUT_BG))
			t->at = 5;
		return false;
	} else {
		tell(r, of_group(of_object(lab_event(VS_END, t->who, r->us), t->work), 0, -1));
		return true;
	}
	t->at++;
	return false;
}

/* -- 6.1 and later: a create is told before the group exists, its end after it has left the list -- */

/* An address that no group has, or had a moment ago. */
static uint64_t free_address(struct run *r)
{
	static const uint64_t addresses[] = { GROUP, GROUP_B, GROUP_C };
	uint64_t address = 0;

	while (!address || place_in(r->k.ended, 2, address))
		address = addresses[random_below(r, 3)];
	return address;
}

/* Under vfio.group_lock, from the look at the list until the group is in it. */
static bool others_create(struct run *r, const struct task *t)
{
	for (size_t i = 0; i < TASKS; i++)
		if (&r->k.tasks[i] != t && r->k.tasks[i].act == A_REGISTER_LATER &&
		    (r->k.tasks[i].at == 2 || r->k.tasks[i].at == 3))
			return true;
	return r->k.group && (!r->k.listed || !r->k.count);
}

/* The first two tasks have a device each. */
static uint64_t *own_device(struct run *r, const struct task *t)
{
	return t - r->k.tasks < 2 ? &r->k.devices[t - r->k.tasks] : NULL;
}

static bool register_later_step(struct run *r, struct task *t)
{
	uint64_t *device = own_device(r, t);

	switch (t->at) {
	case 0:
		if (!device || *device)
			return true;
		t->device = new_object(r);
		tell_device(r, t, VS_REGISTER);
		break;
	case 1:
		if (others_create(r, t))
			return false;
		if (take(r, t))
			t->at = 3;
		break;
	case 2:
		tell(r, of_group(lab_event(VS_CREATE, t->who, r->us), 0, 1));
		break;
	case 3:
		r->k.group = t->group = free_address(r);
		r->k.count = 1;
		r->k.listed = true;
		t->at = 4;
		break;
	case 4:
		tell_get(r, t, P_FROM_IOMMU, P_IN_REGISTER);
		break;
	default:
		*device = t->device;
		return true;
	}
	t->at++;
	return false;
}

static void tell_unregister(struct run *r, const struct task *t)
{
	struct vs_device_event d = { .e = of_task(r, t, VS_UNREGISTER) };

	d.e.size = sizeof(d);
	d.e.object = t->device;
	snprintf(d.device, sizeof(d.device), "0000:00:05.%d", (int)(t->device & 1));
	record(r, &d);
}

static void tell_freed(struct run *r, const struct task *t)
{
	struct vs_event e = of_group(lab_event(VS_RELEASE, t->who, r->us), t->group, -1);

	e.flags |= VS_F_FREED;
	tell(r, e);
}

static bool unregister_later_step(struct run *r, struct task *t)
{
	uint64_t *device = own_device(r, t);

	switch (t->at) {
	case 0:
		if (!device || !*device)
			return true;
		t->group = r->k.group;
		t->device = *device;
		tell_unregister(r, t);
		break;
	case 1:
		*device = 0;
		break;
	case 2:
		tell(r, a_put(r, t, P_UNREGISTER));
		break;
	case 3:
		if (!drop(r))
			return true;
		break;
	case 4:
		*place_in(r->k.ended, 2, 0) = t->group;
		r->k.listed = false;
		r->k.group = 0;
		break;
	case 5:
		tell_freed(r, t);
		break;
	default:
		*place_in(r->k.ended, 2, t->group) = 0;
		return true;
	}
	t->at++;
	return false;
}

static void step(struct run *r, struct task *t)
{
	static bool (*const acts[A_ACTS])(struct run *, struct task *) = {
		[A_REGISTER] = do_register_step, [A_UNREGISTER] = unregister_step,
		[A_OPEN] = open_step, [A_CLOSE] = close_step, [A_LOOKUP] = lookup_step,
		[A_NOTIFIER] = notifier_step, [A_WORK] = work_step,
		[A_REGISTER_LATER] = register_later_step, [A_UNREGISTER_LATER] = unregister_later_step,
	};

	r->us += STEP_US;
	if (acts[t->act](r, t)) {
		t->at = 0;
		t->group = 0;
	}
}

static enum act something_new(struct run *r, const struct task *t)
{
	if (r->later)
		return random_below(r, 2) ? A_REGISTER_LATER : A_UNREGISTER_LATER;
	return t == &r->k.tasks[TASKS - 1] ? A_WORK : (enum act)random_below(r, A_WORK);
}

/* Some task that does not stand still makes a step. */
static void any_step(struct run *r)
{
	struct task *t = &r->k.tasks[random_below(r, TASKS)];

	if (t->asleep) {
		t->asleep--;
		return;
	}
	if (!t->at)
		t->act = something_new(r, t);
	step(r, t);
	if (!random_below(r, 12))
		t->asleep = random_below(r, 30);
}

/* All that was begun ends; what is held stays. */
static void come_to_rest(struct run *r)
{
	struct task *w = &r->k.tasks[TASKS - 1];
	bool busy = true;

	for (int i = 0; busy; i++) {
		assert_true(i < 10000);
		busy = false;
		for (size_t j = 0; j < TASKS; j++) {
			busy |= r->k.tasks[j].at;
			if (r->k.tasks[j].at)
				step(r, &r->k.tasks[j]);
		}
		for (size_t j = 0; j < HELD; j++)
			busy |= r->k.works[j];
		if (r->later)
			continue;
		w->act = A_WORK;
		if (!w->at)
			step(r, w);
	}
}

/* -- snapshots -- */

static void read_groups(struct run *r)
{
	snap_init(&r->p, 0);
	r->p.s.start_ns = T0 + r->us * 1000;
	r->p.s.start_seq = r->p.s.start_ns;
	if (r->k.listed)
		snap_group(&r->p, r->k.group, 1, r->k.count, VS_SNAP_UNKNOWN);
}

static void read_devices(struct run *r)
{
	uint64_t of = r->p.s.nr_groups ? r->p.groups[0].address : 0;

	for (size_t i = 0; of && of == r->k.group && i < 2; i++)
		if (r->k.devices[i])
			snap_device(&r->p, r->k.devices[i], of);
}

static void read_files(struct run *r)
{
	uint64_t of = r->p.s.nr_groups ? r->p.groups[0].address : 0;

	for (size_t i = 0; of && of == r->k.group && i < HELD; i++)
		if (r->k.files[i])
			snap_fd(&r->p, VS_SNAP_GROUP_FILE, r->k.files[i], of, r->k.openers[i]);
}

static void end_snapshot(struct run *r)
{
	r->us += STEP_US;
	r->p.s.end_ns = r->p.s.end_seq = T0 + r->us * 1000;
	r->us += STEP_US;
}

static void some_steps(struct run *r, uint32_t most)
{
	for (uint32_t i = random_below(r, most + 1); i; i--)
		any_step(r);
}

/* Steps of others lie between all that it reads. */
static void take_snapshot(struct run *r, uint32_t between)
{
	read_groups(r);
	r->us += STEP_US;
	some_steps(r, between);
	read_devices(r);
	some_steps(r, between);
	read_files(r);
	some_steps(r, between);
	end_snapshot(r);
}

/* A look at a host that goes on: what happens meanwhile is handed on after it, and before it is compared. */
static void look_meanwhile(struct run *r, uint32_t between)
{
	r->reading = false;
	take_snapshot(r, between);
	hand_on_kept(r);
	vs_refs__check(r->l->r, &r->p.s);
}

static void look(struct run *r)
{
	r->us += SECOND;
	vs_refs__tick(r->l->r, T0 + r->us * 1000);
	take_snapshot(r, 0);
	vs_refs__check(r->l->r, &r->p.s);
}

/* -- runs -- */

static void begin(struct run *r, uint64_t seed)
{
	static const struct who who[TASKS] = {
		{ 0, 500, "sh" }, { 1, 501, "qemu" }, { 2, 502, "qemu" }, { 3, 503, "sh" },
		{ 0, 33, "kworker/0:1" },
	};

	memset(r, 0, sizeof(*r));
	r->l = lab_with((struct vs_refs_opts){ .max_refs = 256, .max_groups = 64, .max_stacks = 64 });
	r->random = 0x9e3779b97f4a7c15ull * (seed + 1);
	r->number_only = seed & 1;
	r->later = seed & 2;
	r->firing = r->reading = true;
	for (size_t i = 0; i < TASKS; i++)
		r->k.tasks[i].who = who[i];
}

static void end(struct run *r)
{
	vs_refs__free(r->l->r);
	vs_groups__free(r->l->groups);
	vs_sites__free(r->l->sites);
	free(r->l);
}

/*
 * Probes are silent from after step @from on for @length steps. What was in the rings when that was
 * noticed comes with the rest after it.
 */
static void run_with_gap(struct run *r, uint64_t seed, uint32_t from, uint32_t length, uint32_t between)
{
	begin(r, seed);
	for (uint32_t i = 0; i < from; i++) {
		if (from - i == 6)
			r->reading = false;
		any_step(r);
	}
	r->reading = false;
	r->firing = false;
	vs_refs__blind(r->l->r);
	for (uint32_t i = 0; i < length; i++)
		any_step(r);
	r->firing = true;
	some_steps(r, between);
	take_snapshot(r, between);
	vs_refs__seed(r->l->r, &r->p.s);
	hand_on_kept(r);
}

/* As when it is there from the start: probes are armed, and the host goes on. */
static void run_from_start(struct run *r, uint64_t seed, uint32_t from, uint32_t between)
{
	begin(r, seed);
	r->firing = r->reading = false;
	for (uint32_t i = 0; i < from; i++)
		any_step(r);
	r->firing = true;
	some_steps(r, between);
	take_snapshot(r, between);
	vs_refs__seed(r->l->r, &r->p.s);
	hand_on_kept(r);
}

static const struct vs_book *present_book(struct run *r)
{
	for (const struct vs_book *b = NULL; (b = vs_refs__next(r->l->r, b));)
		if (r->k.listed && !b->released &&
		    (b->address == r->k.group || (!b->address && b->number == 1)))
			return b;
	return NULL;
}

static size_t count_alive(struct run *r)
{
	size_t nr = 0;

	for (const struct vs_book *b = NULL; (b = vs_refs__next(r->l->r, b));)
		nr += !b->released;
	return nr;
}

static void print_run(struct run *r, const char *what, uint64_t seed, uint32_t from, uint32_t length)
{
	print_error("unattributed %u\n", (unsigned int)totals(r->l).unattributed);
	print_error("%s: seed %u from %u length %u; the kernel's: %s %#llx %d\n", what, (unsigned int)seed,
		    from, length, r->k.listed ? "listed" : "gone", (unsigned long long)r->k.group,
		    r->k.count);
	for (const struct vs_book *b = NULL; (b = vs_refs__next(r->l->r, b));)
		print_error("book: %#llx number %d live %zu unknown %u%s%s%s%s\n",
			    (unsigned long long)b->address, b->number, b->live.nr,
			    (unsigned int)b->unknown, b->released ? " released" : "",
			    b->unsettled ? " unsettled" : "", b->uncounted ? " uncounted" : "",
			    b->differs ? " differs" : "");
	for (size_t i = 0; i < r->l->nr && i < LAB_FINDINGS; i++)
		print_error("said: %s at %s: %s (%s)\n", vs_finding__name(r->l->said[i].kind),
			    r->l->said[i].site, r->l->said[i].words, r->l->said[i].doubt);
}

static bool is_right(struct run *r)
{
	const struct vs_book *b = present_book(r);

	if (r->l->nr || totals(r->l).unattributed || vs_refs__any_differs(r->l->r) ||
	    count_alive(r) != r->k.listed)
		return false;
	if (!b)
		return !r->k.listed;
	return r->k.count == (int)(b->live.nr + b->unknown) && !b->uncounted;
}

/* Three times: soon after it, and later. */
static bool nobody_is_accused(struct run *r)
{
	bool right;

	some_steps(r, 30);
	look_meanwhile(r, 8);
	some_steps(r, 30);
	come_to_rest(r);
	look(r);
	look(r);
	right = is_right(r);
	if (!right)
		return false;
	/* And so it goes on. */
	some_steps(r, 60);
	come_to_rest(r);
	look(r);
	vs_refs__tick(r->l->r, UINT64_MAX);
	return is_right(r);
}

static const uint32_t lengths[] = { 0, 1, 3, 10, 40 };

static void a_gap_anywhere_accuses_nobody(void **state)
{
	struct run r;

	(void)state;
	for (uint64_t seed = 0; seed < 12; seed++)
		for (uint32_t from = 0; from < STEPS; from++)
			for (size_t i = 0; i < 5; i++) {
				run_with_gap(&r, seed, from, lengths[i], 8);
				if (!nobody_is_accused(&r)) {
					print_run(&r, "accused", seed, from, lengths[i]);
					fail();
				}
				end(&r);
			}
}

static void a_start_anywhere_accuses_nobody(void **state)
{
	struct run r;

	(void)state;
	for (uint64_t seed = 0; seed < 16; seed++)
		for (uint32_t from = 0; from < STEPS; from++) {
			run_from_start(&r, seed, from, 8);
			if (!nobody_is_accused(&r)) {
				print_run(&r, "accused at the start", seed, from, 0);
				fail();
			}
			end(&r);
		}
}

/* -- faults that happen after it -- */

static void put_too_many(struct run *r)
{
	struct task t = { .who = { 1, 900, "faulty" }, .group = r->k.group };

	tell(r, a_put(r, &t, P_PIN));
	drop(r);
}

static void leak(struct run *r)
{
	struct task t = { .who = { 1, 901, "faulty" } };

	take(r, &t);
	tell_get(r, &t, P_NOTIFIER_GET, 0);
	tell(r, in_chain(of_task(r, &t, VS_NOTIFIER_EXIT)));
}

/* The group was found quiet before it. */
static bool finds(struct run *r, void (*fault)(struct run *))
{
	const struct vs_book *b;

	come_to_rest(r);
	look(r);
	look(r);
	b = present_book(r);
	/*
	 * A last put too many is a release like any other to look at, and frees what is held. One where
	 * somebody has a reference that nobody saw him take may be his.
	 */
	if (!b || r->k.count < 2 || b->unknown)
		return true;
	r->tried++;
	fault(r);
	look(r);
	vs_refs__tick(r->l->r, UINT64_MAX);
	return r->l->nr == 1;
}

static void a_fault_after_a_gap_is_found(void **state)
{
	static void (*const faults[])(struct run *) = { put_too_many, leak };
	size_t tried = 0;
	struct run r;

	(void)state;
	for (uint64_t seed = 0; seed < 12; seed++)
		for (uint32_t from = 0; from < STEPS; from += 3)
			for (size_t i = 0; i < 4; i++) {
				run_with_gap(&r, seed, from, lengths[i], 8);
				if (!finds(&r, faults[i & 1])) {
					print_run(&r, i & 1 ? "leak not found" : "put not found",
						  seed, from, lengths[i]);
					fail();
				}
				tried += r.tried;
				end(&r);
			}
	assert_true(tried > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_gap_anywhere_accuses_nobody),
		cmocka_unit_test(a_start_anywhere_accuses_nobody),
		cmocka_unit_test(a_fault_after_a_gap_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exit_codes.h"
#include "snapshot/rows.h"
#include "why/advice.h"
#include "why/classify.h"
#include "why/holders.h"
#include "why/names.h"

#define SECOND 1000000000ull
#define MAX_VICTIMS 4096
#define MAX_PROOF 40
#define INNERMOST 3	/* frames of the lock itself, where they are seen */
#define ROUND (11 * SECOND) /* the wait for users begins anew every 10 s */
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static const char *const verdict_names[VS_VERDICTS] = {
	[VS_WHY_NOTIFIER_DEADLOCK] = "notifier-deadlock",
	[VS_WHY_CHAIN_DEADLOCK] = "chain-deadlock",
	[VS_WHY_LEAK_SUSPECT] = "leak-suspect",
	[VS_WHY_CONTAINER_STALL] = "container-stall",
	[VS_WHY_IN_USE] = "in-use",
	[VS_WHY_DEFERRED_LATE] = "deferred-late",
	[VS_WHY_NOT_VFIO] = "not-vfio",
	[VS_WHY_UNEXPLAINED] = "unexplained",
	[VS_WHY_COLLATERAL] = "collateral",
	[VS_WHY_IDLE] = "idle",
	[VS_WHY_NOT_APPLICABLE] = "not-applicable",
};

const char *vs_why_verdict__name(enum vs_why_verdict verdict)
{
	return verdict_names[verdict];
}

const char *vs_confidence__name(enum vs_confidence confidence)
{
	static const char *const names[] = { "low", "medium", "high" };

	return names[confidence];
}

/* -- cases -- */

static struct vs_why_case *add_case(struct vs_why *why, enum vs_why_verdict verdict,
				    const struct vs_ev_task *t)
{
	struct vs_why_case *c = vs_rows__add(&why->cases, &why->nr_cases, sizeof(*c));

	if (!c)
		return NULL;
	c->verdict = verdict;
	c->task = t;
	c->group = -1;
	c->since_ns = t ? t->waited_ns : VS_EV_UNKNOWN;
	c->at_most_ns = VS_EV_UNKNOWN;
	return c;
}

__attribute__((format(printf, 2, 3)))
static int prove(struct vs_why_case *c, const char *format, ...)
{
	char (*line)[VS_WHY_PROOF_LEN];
	va_list args;

	if (c->nr_proof == MAX_PROOF)
		return 0;
	line = vs_rows__add(&c->proof, &c->nr_proof, sizeof(*line));
	if (!line)
		return -ENOMEM;
	va_start(args, format);
	vsnprintf(*line, sizeof(*line), format, args);
	va_end(args);
	return 0;
}

/* The innermost frames, as far as they are about it. */
static int prove_stack(struct vs_why_case *c, size_t last)
{
	int err = prove(c, "kernel stack of %.16s[%u]:", c->task->comm, c->task->tid);

	for (size_t i = 0; !err && i <= last && i < c->task->nr_frames; i++)
		err = prove(c, "  %s", c->task->frames[i]);
	return err;
}

/* -- what the frames of a task say -- */

static bool has_flag(const struct vs_ev_task *t, size_t i, unsigned int flag)
{
	return vs_frame__flags(t->frames[i]) & flag;
}

static size_t first_with(const struct vs_ev_task *t, size_t from, unsigned int flag)
{
	while (from < t->nr_frames && !has_flag(t, from, flag))
		from++;
	return from;
}

static bool is_waiting(const struct vs_ev_task *t)
{
	return t->state == 'D' || t->state == 'S' || t->state == 'I';
}

/*
 * It changes a chain inside a call of a chain, and sleeps in the rwsem of the first. Both are the
 * same chain if an outer frame keeps the lock's address, or if the lock says that this very
 * task reads it.
 */
static bool is_chain_deadlock(const struct vs_ev_task *t, size_t *change, size_t *call)
{
	*change = first_with(t, 0, VS_FRAME_CHAIN);
	*call = first_with(t, *change, VS_FRAME_CALL);
	if (*call == t->nr_frames || *change > INNERMOST || t->state != 'D')
		return false;
	if (!t->lock)
		return true;
	return t->lock_kind == VS_EV_RWSEM &&
	       (t->lock_outside || (t->owner == t->address && t->owner_reads));
}

static size_t unregister_frame(const struct vs_ev_task *t)
{
	size_t at = vs_ev_task__find(t, 0, "vfio_unregister_group_dev");

	return at < t->nr_frames ? at : vs_ev_task__find(t, 0, "vfio_del_group_dev");
}

/*
 * First for the device's users, beginning anew every 10 s. Then, from v4.13 to v5.19, for the
 * container, without a timeout and not to be interrupted. Both look the same in the stack: the
 * scheduler's frames are left out.
 */
static bool waits_for_users(const struct vs_ev_task *t, const struct vs_snap_device *d)
{
	if (t->state == 'S')
		return true;
	if (d && d->address && d->refs != VS_SNAP_UNKNOWN)
		return d->refs > 0;
	return t->waited_ns == VS_EV_UNKNOWN || t->waited_ns < ROUND;
}

/* Of the driver core and of the buses: what is inside of them is the driver's. */
static bool is_core(const char *frame)
{
	static const char *const names[] = { "pci_device_remove", "pci_device_probe",
		"local_pci_probe", "device_remove", "platform_remove", "platform_probe",
		"call_driver_probe", "really_probe", "driver_probe_device", "pci_call_probe",
		"__driver_probe_device", "__device_release_driver",
		"device_release_driver_internal", "sriov_numvfs_store", "auxiliary_bus_remove",
		"auxiliary_bus_probe", "amba_remove", "amba_probe", "driver_sysfs_add",
		"driver_bound" };
	size_t len = strcspn(frame, "+. ");

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strlen(names[i]) == len && !strncmp(frame, names[i], len))
			return true;
	return false;
}

/* The frame of the driver's own function; nr_frames when the core or its notifiers wait. */
static size_t driver_frame(const struct vs_ev_task *t)
{
	size_t i = 1;

	while (i < t->nr_frames && !is_core(t->frames[i]))
		i++;
	if (i >= t->nr_frames || has_flag(t, i - 1, VS_FRAME_RWSEM | VS_FRAME_CALL))
		return t->nr_frames;
	return i - 1;
}

/* -- devices and groups -- */

static const struct vs_snap_device *device_named(const struct vs_evidence *e, const char *name)
{
	for (size_t i = 0; i < e->snapshot.nr_devices; i++)
		if (!strcmp(e->snapshot.devices[i].name, name))
			return &e->snapshot.devices[i];
	return NULL;
}

static const struct vs_snap_group *group_of(const struct vs_evidence *e, int number)
{
	for (size_t i = 0; number >= 0 && i < e->snapshot.nr_groups; i++)
		if (e->snapshot.groups[i].number == number)
			return &e->snapshot.groups[i];
	return NULL;
}

static int devices_of(const struct vs_evidence *e, const struct vs_snap_group *g)
{
	int nr = 0;

	for (size_t i = 0; i < e->snapshot.nr_devices; i++)
		nr += e->snapshot.devices[i].address && e->snapshot.devices[i].group == g->address;
	return nr;
}

static void take_device(struct vs_why_case *c, const struct vs_evidence *e,
			const struct vs_ev_locked *l)
{
	const struct vs_snap_device *d = device_named(e, l->name);

	memcpy(c->device, l->name, sizeof(c->device));
	memcpy(c->driver, l->driver, sizeof(c->driver));
	if (d && c->group < 0)
		c->group = d->number;
	if (d && !c->driver[0])
		memcpy(c->driver, d->driver, sizeof(c->driver));
}

/* The device of VFIO whose lock the task holds; that of a parent may be held, too. */
static const struct vs_snap_device *vfio_device_of(const struct vs_evidence *e,
						   const struct vs_ev_task *t)
{
	const struct vs_snap_device *found = NULL;

	for (size_t i = 0; i < t->nr_locked; i++) {
		const struct vs_snap_device *d = device_named(e, t->locked[i].name);

		if (d && (!found || d->leaving || (d->address && !found->address)))
			found = d;
	}
	return found;
}

/* -- one task -- */

static int deadlock_case(struct vs_why *why, const struct vs_evidence *e,
			 const struct vs_ev_task *t, size_t change, size_t call)
{
	bool ours = vs_ev_task__find(t, 0, "vfio_iommu_group_notifier") < call;
	enum vs_why_verdict verdict = ours ? VS_WHY_NOTIFIER_DEADLOCK : VS_WHY_CHAIN_DEADLOCK;
	struct vs_why_case *c = add_case(why, verdict, t);
	int err;

	if (!c)
		return -ENOMEM;
	c->reboot = true;
	c->confidence = t->lock ? VS_HIGH : VS_MEDIUM;
	c->group = t->lock_group;
	if (t->nr_locked)
		take_device(c, e, &t->locked[0]);
	memcpy(c->place, t->frames[change], sizeof(c->place));
	err = prove_stack(c, call);
	if (!err && t->lock_outside)
		err = prove(c, "it waits to write the very lock of the chain that it is called by"
			    " (0x%llx)", (unsigned long long)t->lock);
	if (!err && t->owner && t->owner == t->address)
		err = prove(c, "the lock names it as its reader: it waits for itself");
	return err;
}

static int prove_counters(struct vs_why_case *c, const struct vs_evidence *e,
			  const struct vs_snap_device *d)
{
	const struct vs_snap_group *g = group_of(e, c->group);
	int err = 0;

	if (d && d->refs != VS_SNAP_UNKNOWN)
		err = prove(c, "%s: %d user%s left%s", d->name, d->refs, d->refs == 1 ? "" : "s",
			    d->leaving ? ", already off the group's list" : "");
	if (!err && g && g->refs != VS_SNAP_UNKNOWN)
		err = prove(c, "group %d: counter %d, container users %d, %s container", g->number,
			    g->refs, g->container_users, g->container ? "in a" : "no");
	return err;
}

static enum vs_confidence holders_confidence(const struct vs_why_case *c)
{
	for (size_t i = 0; i < c->nr_holders; i++)
		if (!c->holders[i].likely && c->holders[i].tgid)
			return VS_HIGH;
	return c->nr_holders ? VS_MEDIUM : VS_LOW;
}

/* Up to v5.19 the wait for the container follows, if this is the group's last device. */
static bool stalls_later(const struct vs_evidence *e, const struct vs_why_case *c)
{
	const struct vs_snap_group *g = group_of(e, c->group);

	return e->snapshot.files_counted && g && g->container && devices_of(e, g) == 1;
}

/* What this waiter waits for is released by others: its wait begins anew every 10 s. */
static int unregister_case(struct vs_why *why, const struct vs_evidence *e,
			   const struct vs_ev_task *t, size_t frame)
{
	const struct vs_snap_device *d = vfio_device_of(e, t);
	bool users = waits_for_users(t, d);
	struct vs_why_case *c = add_case(why, users ? VS_WHY_IN_USE : VS_WHY_CONTAINER_STALL, t);
	int err = 0;

	if (!c)
		return -ENOMEM;
	memcpy(c->place, t->frames[frame], sizeof(c->place));
	if (users)
		c->at_most_ns = t->age_ns;
	if (t->nr_locked)
		take_device(c, e, &t->locked[0]);
	if (d) {
		memcpy(c->device, d->name, sizeof(c->device));
		memcpy(c->driver, d->driver, sizeof(c->driver));
		c->group = d->number;
	}
	if (users)
		err = vs_holders__of_device(e, d ? d->address : 0, c);
	c->confidence = holders_confidence(c);
	c->nr_now = c->nr_holders;
	if (!err && (!users || stalls_later(e, c)) && group_of(e, c->group))
		err = vs_holders__of_group(e, group_of(e, c->group), c);
	if (!users) {
		c->confidence = holders_confidence(c);
		c->nr_now = c->nr_holders;
	}
	return err ?: prove_stack(c, frame) ?: prove_counters(c, e, d);
}

static bool is_long(const struct vs_ev_task *t, uint64_t seconds)
{
	return t->waited_ns == VS_EV_UNKNOWN || t->waited_ns >= seconds * SECOND;
}

static int driver_case(struct vs_why *why, const struct vs_evidence *e, const struct vs_ev_task *t,
		       size_t frame)
{
	struct vs_why_case *c = add_case(why, VS_WHY_NOT_VFIO, t);

	if (!c)
		return -ENOMEM;
	c->confidence = t->waited_ns == VS_EV_UNKNOWN ? VS_MEDIUM : VS_HIGH;
	memcpy(c->place, t->frames[frame], sizeof(c->place));
	if (t->nr_locked)
		take_device(c, e, &t->locked[0]);
	return prove_stack(c, frame + 1);
}

static int unexplained_case(struct vs_why *why, const struct vs_evidence *e,
			    const struct vs_ev_task *t)
{
	struct vs_why_case *c = add_case(why, VS_WHY_UNEXPLAINED, t);

	if (!c)
		return -ENOMEM;
	if (t->nr_locked)
		take_device(c, e, &t->locked[0]);
	if (t->nr_frames)
		memcpy(c->place, t->frames[0], sizeof(c->place));
	return prove_stack(c, 15);
}

/* A task whose own frames say why it waits; others may wait for it. */
static int root_case(struct vs_why *why, const struct vs_evidence *e, const struct vs_ev_task *t)
{
	size_t change, call, frame;

	if (!is_waiting(t))
		return 0;
	if (is_chain_deadlock(t, &change, &call))
		return deadlock_case(why, e, t, change, call);
	if (t->lock_kind != VS_EV_NO_LOCK)
		return 0;
	frame = unregister_frame(t);
	if (frame < t->nr_frames)
		return unregister_case(why, e, t, frame);
	frame = driver_frame(t);
	if (frame < t->nr_frames && !has_flag(t, frame, VS_FRAME_VFIO) && is_long(t, 1))
		return driver_case(why, e, t, frame);
	return 0;
}

/* -- who waits for whom -- */

static bool is_victim_of(const struct vs_ev_task *t, const struct vs_ev_task *of, bool *likely)
{
	*likely = false;
	if (t == of || t->lock_kind == VS_EV_NO_LOCK || !t->lock)
		return false;
	if (t->owner && t->owner == of->address) {
		*likely = t->owner_reads && t->lock != of->lock;
		return true;
	}
	return false;
}

/* A culprit that reads a lock and waits to write it: everybody at that lock waits for it. */
static bool is_at_lock_of(const struct vs_why_case *c, const struct vs_ev_task *t)
{
	return (c->verdict == VS_WHY_NOTIFIER_DEADLOCK || c->verdict == VS_WHY_CHAIN_DEADLOCK) &&
	       t != c->task && t->lock && t->lock == c->task->lock;
}

static bool is_in_tree(const struct vs_why_case *c, const struct vs_ev_task *t)
{
	for (size_t i = 0; i < c->nr_victims; i++)
		if (c->victims[i].task == t)
			return true;
	return c->task == t;
}

static int add_victim(struct vs_why_case *c, size_t at, const struct vs_ev_task *t,
		      unsigned int depth, bool likely)
{
	struct vs_why_victim v = { .task = t, .depth = depth, .likely = likely };

	if (c->nr_victims == MAX_VICTIMS)
		return 0;
	if (!vs_rows__add(&c->victims, &c->nr_victims, sizeof(v)))
		return -ENOMEM;
	snprintf(v.lock, sizeof(v.lock), "%s", t->lock_name[0] ? t->lock_name :
		 t->lock_kind == VS_EV_MUTEX ? "mutex" : t->lock_kind == VS_EV_RWSEM ? "rwsem" :
		 "lock that is not known without BPF");
	memmove(&c->victims[at + 1], &c->victims[at], (c->nr_victims - 1 - at) * sizeof(v));
	c->victims[at] = v;
	return 0;
}

/* Those who wait for c->victims[@below - 1], or for the culprit when that is 0. */
static int add_level(struct vs_why_case *c, const struct vs_evidence *e, size_t below)
{
	const struct vs_ev_task *of = below ? c->victims[below - 1].task : c->task;
	unsigned int depth = below ? c->victims[below - 1].depth + 1 : 1;
	bool likely;
	int err = 0;

	for (size_t i = e->nr_tasks; !err && i-- > 0;) {
		const struct vs_ev_task *t = &e->tasks[i];

		if ((is_victim_of(t, of, &likely) || (!below && is_at_lock_of(c, t))) &&
		    !is_in_tree(c, t))
			err = add_victim(c, below, t, depth, likely);
	}
	return err;
}

static int add_victims(struct vs_why_case *c, const struct vs_evidence *e)
{
	int err = c->task ? add_level(c, e, 0) : 0;

	for (size_t i = 1; !err && i <= c->nr_victims; i++)
		err = add_level(c, e, i);
	return err;
}

static bool is_explained(const struct vs_why *why, const struct vs_ev_task *t)
{
	for (size_t i = 0; i < why->nr_cases; i++)
		if (is_in_tree(&why->cases[i], t))
			return true;
	return false;
}

/* Waits in VFIO or in the driver core, and no case has it. */
static bool is_open_question(const struct vs_ev_task *t)
{
	unsigned int flags = 0;

	if (t->state != 'D' || !is_long(t, 5))
		return false;
	for (size_t i = 0; i < t->nr_frames; i++)
		flags |= vs_frame__flags(t->frames[i]);
	return flags & (VS_FRAME_VFIO | VS_FRAME_DRIVER) ||
	       ((flags & VS_FRAME_CHAIN) && (flags & VS_FRAME_CALL));
}

/* Who is at the top of its own chain of owners, so that the tree begins there. */
static const struct vs_ev_task *top_of(const struct vs_evidence *e, const struct vs_ev_task *t)
{
	for (int i = 0; i < 32; i++) {
		const struct vs_ev_task *owner = vs_evidence__task_at(e, t->owner);

		if (!owner || owner == t)
			break;
		t = owner;
	}
	return t;
}

static int add_unexplained_one(struct vs_why *why, const struct vs_evidence *e,
			       const struct vs_ev_task *t)
{
	int err;

	if (e->weaker && why->nr_cases)
		return add_victim(&why->cases[0], why->cases[0].nr_victims, t, 1, true);
	err = unexplained_case(why, e, top_of(e, t));
	return err ?: add_victims(&why->cases[why->nr_cases - 1], e);
}

/* Where locks are not known: behind the first one that is explained, likely. */
static int add_unexplained(struct vs_why *why, const struct vs_evidence *e)
{
	int err = 0;

	for (size_t i = 0; !err && i < e->nr_tasks; i++)
		if (is_open_question(&e->tasks[i]) && !is_explained(why, &e->tasks[i]))
			err = add_unexplained_one(why, e, &e->tasks[i]);
	return err;
}

/* -- deferred puts -- */

static const char *work_words(const struct vs_ev_work *w)
{
	if (w->state == VS_EV_WORK_RUNNING)
		return "running";
	return w->state == VS_EV_WORK_PENDING ? "waiting for a worker"
					      : "waiting: the workqueue is at its limit";
}

static int prove_workers(struct vs_why_case *c, const struct vs_evidence *e, int cpu)
{
	int err = 0;

	for (size_t i = 0; !err && i < e->nr_workers; i++)
		if (e->workers[i].cpu == cpu)
			err = prove(c, "workers of CPU %d: %u in %s", cpu, e->workers[i].nr,
				    e->workers[i].func);
	return err;
}

static const struct vs_ev_task *worker_of(const struct vs_evidence *e, const struct vs_ev_work *w)
{
	if (w->worker)
		return vs_evidence__task_at(e, w->worker);
	for (size_t i = 0; i < e->nr_workers; i++)
		if (e->workers[i].cpu == w->cpu)
			return vs_evidence__task_at(e, e->workers[i].task);
	return NULL;
}

static int number_of(const struct vs_evidence *e, uint64_t group)
{
	for (size_t i = 0; i < e->snapshot.nr_groups; i++)
		if (e->snapshot.groups[i].address == group)
			return e->snapshot.groups[i].number;
	return -1;
}

/* One for each group: the longest of its puts. */
static bool is_first_of_group(const struct vs_evidence *e, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (e->works[j].group == e->works[i].group)
			return false;
	return true;
}

static int add_late(struct vs_why *why, const struct vs_evidence *e, const struct vs_ev_work *w)
{
	struct vs_why_case *c = add_case(why, VS_WHY_DEFERRED_LATE, worker_of(e, w));
	size_t nr = 0;
	int err;

	if (!c)
		return -ENOMEM;
	for (size_t i = 0; i < e->nr_works; i++)
		nr += e->works[i].group == w->group;
	c->group = number_of(e, w->group);
	c->since_ns = w->outstanding_ns;
	c->confidence = VS_HIGH;
	if (c->task && c->task->nr_frames)
		memcpy(c->place, c->task->frames[0], sizeof(c->place));
	err = prove(c, "%zu deferred put%s of this group; the first on CPU %d: %s", nr,
		    nr == 1 ? "" : "s", w->cpu, work_words(w));
	if (!err && w->state != VS_EV_WORK_RUNNING)
		err = prove(c, "%u works stand before it", w->ahead) ?: prove_workers(c, e, w->cpu);
	return err ?: c->task ? prove_stack(c, 7) : 0;
}

static int add_all_late(struct vs_why *why, const struct vs_evidence *e)
{
	int err = 0;

	for (size_t i = 0; !err && i < e->nr_works; i++)
		if (is_first_of_group(e, i))
			err = add_late(why, e, &e->works[i]);
	return err;
}

/* -- leaks -- */

static bool is_first_of_file(const struct vs_snapshot *s, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (s->fds[j].kind == s->fds[i].kind && s->fds[j].file == s->fds[i].file &&
		    s->fds[j].object == s->fds[i].object)
			return false;
	return true;
}

static int files_of(const struct vs_evidence *e, const struct vs_snap_group *g,
		    enum vs_snap_file_kind kind)
{
	const struct vs_snapshot *s = &e->snapshot;
	int nr = 0;

	for (size_t i = 0; i < s->nr_fds; i++)
		nr += s->fds[i].kind == kind && s->fds[i].object == g->address &&
		      is_first_of_file(s, i);
	return nr;
}

static int works_of(const struct vs_evidence *e, const struct vs_snap_group *g)
{
	int nr = 0;

	for (size_t i = 0; i < e->nr_works; i++)
		nr += e->works[i].group == g->address;
	return nr;
}

/* Tasks inside VFIO hold references for a moment. */
static bool is_busy(const struct vs_evidence *e)
{
	for (size_t i = 0; i < e->nr_tasks; i++)
		if (first_with(&e->tasks[i], 0, VS_FRAME_VFIO) < e->tasks[i].nr_frames)
			return true;
	return false;
}

static int add_leak(struct vs_why *why, const struct vs_evidence *e, const struct vs_snap_group *g)
{
	int devices = devices_of(e, g), files = 0, kvms = 0, works = works_of(e, g), nobody;
	struct vs_why_case *c;

	if (e->snapshot.files_counted) {
		files = files_of(e, g, VS_SNAP_GROUP_FILE);
		kvms = files_of(e, g, VS_SNAP_KVM_FILE);
	}
	nobody = g->refs - devices - files - kvms - works;
	if (g->refs == VS_SNAP_UNKNOWN || nobody <= 0)
		return 0;
	c = add_case(why, VS_WHY_LEAK_SUSPECT, NULL);
	if (!c)
		return -ENOMEM;
	c->group = g->number;
	c->confidence = devices || files || g->container_users || is_busy(e) ? VS_LOW : VS_MEDIUM;
	return prove(c, "the group's counter is %d; accounted for: %d device%s, %d open file%s, %d "
		     "in KVM, %d deferred", g->refs, devices, devices == 1 ? "" : "s", files,
		     files == 1 ? "" : "s", kvms, works) ?:
	       prove(c, "%d reference%s left over", nobody, nobody == 1 ? " is" : "s are");
}

static int add_leaks(struct vs_why *why, const struct vs_evidence *e)
{
	const struct vs_snapshot *s = &e->snapshot;
	int err = 0;

	if (!s->scope.counters || !s->scope.fds || !s->scope.groups)
		return 0;
	for (size_t i = 0; !err && i < s->nr_groups; i++)
		if (s->groups[i].address)
			err = add_leak(why, e, &s->groups[i]);
	return err;
}

/* -- what was asked -- */

static int group_asked(const struct vs_evidence *e, const struct vs_why_subject *s)
{
	const struct vs_snap_device *d = s->device ? device_named(e, s->device) : NULL;

	return d ? d->number : s->device ? -1 : s->group;
}

static bool task_is(const struct vs_ev_task *t, uint32_t pid)
{
	return t && (t->tid == pid || t->tgid == pid);
}

static bool concerns_pid(const struct vs_why_case *c, uint32_t pid)
{
	bool found = task_is(c->task, pid);

	for (size_t i = 0; i < c->nr_victims; i++)
		found |= task_is(c->victims[i].task, pid);
	for (size_t i = 0; i < c->nr_holders; i++)
		found |= c->holders[i].tgid == pid;
	return found;
}

static bool has_locked(const struct vs_ev_task *t, const char *device)
{
	for (size_t i = 0; t && i < t->nr_locked; i++)
		if (!strcmp(t->locked[i].name, device))
			return true;
	return t && strstr(t->lock_name, device);
}

static bool concerns_device(const struct vs_why_case *c, const char *device)
{
	bool found = !strcmp(c->device, device) || has_locked(c->task, device);

	for (size_t i = 0; i < c->nr_victims; i++)
		found |= has_locked(c->victims[i].task, device);
	return found;
}

static bool concerns(const struct vs_why_case *c, const struct vs_evidence *e,
		     const struct vs_why_subject *s)
{
	int group = group_asked(e, s);

	if (s->pid)
		return concerns_pid(c, s->pid);
	if (s->device && concerns_device(c, s->device))
		return true;
	if (e->weaker && !c->device[0] && c->group < 0)	/* nothing says that it does not */
		return true;
	return (!s->device && s->group < 0) || (group >= 0 && c->group == group);
}

static void free_case(struct vs_why_case *c)
{
	free(c->holders);
	free(c->victims);
	free(c->proof);
}

static void keep_what_was_asked(struct vs_why *why, const struct vs_evidence *e,
				const struct vs_why_subject *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < why->nr_cases; i++) {
		if (concerns(&why->cases[i], e, s))
			why->cases[kept++] = why->cases[i];
		else
			free_case(&why->cases[i]);
	}
	why->nr_cases = kept;
}

/* Nothing waits. Who uses the device is worth to be known before an unbind. */
static int add_holders_anyway(struct vs_why_case *c, const struct vs_evidence *e,
			      const struct vs_why_subject *s)
{
	const struct vs_snap_group *g = group_of(e, c->group);
	int err = g ? vs_holders__of_group(e, g, c) : 0;

	for (size_t i = 0; !err && i < e->snapshot.nr_devices; i++) {
		const struct vs_snap_device *d = &e->snapshot.devices[i];

		if (d->number == c->group && (!s->device || !strcmp(d->name, s->device)))
			err = vs_holders__of_device(e, d->address, c);
	}
	c->nr_now = c->nr_holders;
	return err;
}

static bool is_vfio_there(const struct vs_evidence *e, const struct vs_why_subject *s)
{
	if (s->pid || (!s->device && s->group < 0))
		return e->has_vfio;
	return group_of(e, group_asked(e, s));
}

static int add_nothing(struct vs_why *why, const struct vs_evidence *e,
		       const struct vs_why_subject *s)
{
	bool there = is_vfio_there(e, s);
	struct vs_why_case *c = add_case(why, there ? VS_WHY_IDLE : VS_WHY_NOT_APPLICABLE, NULL);
	int err = 0;

	if (!c)
		return -ENOMEM;
	c->confidence = e->weaker || e->snapshot.words[0] ? VS_MEDIUM : VS_HIGH;
	c->group = s->pid ? -1 : group_asked(e, s);
	if (s->device)
		snprintf(c->device, sizeof(c->device), "%s", s->device);
	for (size_t i = 0; s->pid && i < e->nr_tasks; i++)
		if (task_is(&e->tasks[i], s->pid) && !c->task)
			c->task = &e->tasks[i];
	if (there && c->group >= 0)
		err = add_holders_anyway(c, e, s);
	if (!err && c->task)
		err = prove_stack(c, 15);
	return err;
}

/* -- all -- */

static int by_weight(const void *a, const void *b)
{
	const struct vs_why_case *x = a, *y = b;

	if (x->verdict != y->verdict)
		return x->verdict < y->verdict ? -1 : 1;
	return x->group - y->group;
}

static void find_asked(struct vs_why *why, uint32_t pid)
{
	for (size_t i = 0; pid && i < why->nr_cases; i++)
		for (size_t j = 0; j < why->cases[i].nr_victims; j++)
			if (task_is(why->cases[i].victims[j].task, pid))
				why->asked = why->cases[i].victims[j].task;
}

static int find_cases(struct vs_why *why, const struct vs_evidence *e)
{
	int err = 0;

	for (size_t i = 0; !err && i < e->nr_tasks; i++)
		err = root_case(why, e, &e->tasks[i]);
	for (size_t i = 0; !err && i < why->nr_cases; i++)
		err = add_victims(&why->cases[i], e);
	return err ?: add_unexplained(why, e) ?: add_all_late(why, e) ?: add_leaks(why, e);
}

int vs_classify(const struct vs_evidence *e, const struct vs_why_subject *subject,
		struct vs_why *why)
{
	int err;

	memset(why, 0, sizeof(*why));
	why->blind = e->weaker || (e->has_vfio && !e->snapshot.scope.fds);
	err = find_cases(why, e);
	if (!err) {
		keep_what_was_asked(why, e, subject);
		if (!why->nr_cases)
			err = add_nothing(why, e, subject);
	}
	if (err) {
		vs_why__free(why);
		return err;
	}
	find_asked(why, subject->pid);
	qsort(why->cases, why->nr_cases, sizeof(*why->cases), by_weight);
	for (size_t i = 0; i < why->nr_cases; i++)
		vs_advice__write(e, &why->cases[i]);
	return 0;
}

void vs_why__free(struct vs_why *why)
{
	for (size_t i = 0; i < why->nr_cases; i++)
		free_case(&why->cases[i]);
	free(why->cases);
	memset(why, 0, sizeof(*why));
}

int vs_why__status(const struct vs_why *why)
{
	enum vs_why_verdict verdict = why->cases[0].verdict;

	if (verdict == VS_WHY_NOTIFIER_DEADLOCK || verdict == VS_WHY_CHAIN_DEADLOCK ||
	    verdict == VS_WHY_LEAK_SUSPECT)
		return VS_EXIT_BUG;
	if (verdict == VS_WHY_UNEXPLAINED)
		return VS_EXIT_INCONCLUSIVE;
	if (verdict == VS_WHY_IDLE || verdict == VS_WHY_NOT_APPLICABLE)
		return why->blind ? VS_EXIT_INCONCLUSIVE : VS_EXIT_OK;
	return VS_EXIT_WAITS;
}

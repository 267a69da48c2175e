// SPDX-License-Identifier: GPL-2.0
#include "why/classify_priv.h"

#include <string.h>

#include "evidence/names.h"
#include "vfio/functions.h"

#define INNERMOST 3 /* frames of the lock itself, where they are seen */
#define SECOND 1000000000ull
#define ROUND (11 * SECOND) /* the wait for users begins anew every 10 s */
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

bool why_frames__has(const struct vs_ev_task *t, size_t i, unsigned int flag)
{
	return vs_frame__flags(t->frames[i]) & flag;
}

size_t why_frames__first(const struct vs_ev_task *t, size_t from, unsigned int flag)
{
	while (from < t->nr_frames && !why_frames__has(t, from, flag))
		from++;
	return from;
}

bool why_frames__waiting(const struct vs_ev_task *t)
{
	return t->state == 'D' || t->state == 'S' || t->state == 'I';
}

/*
 * It changes a chain inside a call of a chain, and sleeps in the rwsem of the first. Both are the
 * same chain if an outer frame keeps the lock's address, or if the lock says that this very
 * task reads it.
 */
bool why_frames__chain_deadlock(const struct vs_ev_task *t, size_t *change, size_t *call)
{
	*change = why_frames__first(t, 0, VS_FRAME_CHAIN);
	*call = why_frames__first(t, *change, VS_FRAME_CALL);
	if (*call == t->nr_frames || *change > INNERMOST || t->state != 'D')
		return false;
	if (!t->lock)
		return true;
	return t->lock_kind == VS_EV_RWSEM &&
	       (t->lock_outside || (t->owner == t->address && t->owner_reads));
}

size_t why_frames__unregister(const struct vs_ev_task *t)
{
	size_t at = vs_ev_task__find(t, 0, VS_VFIO_UNREGISTER);

	return at < t->nr_frames ? at : vs_ev_task__find(t, 0, VS_VFIO_DELETE);
}

/*
 * First for the device's users, beginning anew every 10 s. Then, from v4.13 to v5.19, for the
 * container, without a timeout and not to be interrupted. Both look the same in the stack: the
 * scheduler's frames are left out.
 */
bool why_frames__waits_for_users(const struct vs_ev_task *t, const struct vs_snap_device *d)
{
	if (t->state == 'S' || (d && d->waiter && d->waiter == t->address))
		return true;
	if (d && d->address && d->refs != VS_SNAP_UNKNOWN)
		return d->refs > 0;
	return t->waited_ns == VS_EV_UNKNOWN || t->waited_ns < ROUND;
}

/* These functions are the driver core's and the buses': the frames inside of them are the driver's. */
bool why_frames__is_core(const char *frame)
{
	static const char *const names[] = { "pci_device_remove", "pci_device_probe",
		"local_pci_probe", "device_remove", "platform_remove", "platform_probe",
		"call_driver_probe", "really_probe", "driver_probe_device", "pci_call_probe",
		"__driver_probe_device", "__device_release_driver",
		"device_release_driver_internal", "sriov_numvfs_store", "auxiliary_bus_remove",
		"auxiliary_bus_probe", "amba_remove", "amba_probe", "driver_sysfs_add",
		"driver_bound", "device_unbind_cleanup" };
	size_t len = strcspn(frame, "+. ");

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strlen(names[i]) == len && !strncmp(frame, names[i], len))
			return true;
	return false;
}

size_t why_frames__driver(const struct vs_ev_task *t)
{
	size_t i = 1;

	while (i < t->nr_frames && !why_frames__is_core(t->frames[i]))
		i++;
	if (i >= t->nr_frames || 
	    why_frames__has(t, i - 1, VS_FRAME_RWSEM | VS_FRAME_CALL | VS_FRAME_LOCK))
		return t->nr_frames;
	return i - 1;
}

static const char *module_of(const char *text)
{
	const char *module = strchr(text, '[');

	return module ? module : "";
}

/* A symbol of the driver's own module names the driver's lock; the device lock has a name, too. */
static bool is_named_elsewhere(const struct vs_ev_task *t, size_t frame)
{
	const char *module = module_of(t->frames[frame]);

	return t->lock_name[0] && (!*module || strcmp(module, module_of(t->lock_name)));
}

/* Further inside the driver core may ask for a device lock that has no name here. */
bool why_frames__driver_lock(const struct vs_ev_task *t)
{
	size_t frame = why_frames__driver(t);

	return frame < t->nr_frames && t->lock_kind != VS_EV_NO_LOCK && t->lock &&
	       why_frames__waiting(t) && !why_frames__has(t, frame, VS_FRAME_VFIO) &&
	       why_frames__first(t, 0, VS_FRAME_DRIVER | VS_FRAME_CALL | VS_FRAME_CHAIN) > frame &&
	       !is_named_elsewhere(t, frame);
}

/*
 * The table has kernel functions that hold an rwsem for reading around all that they call, and those that
 * want the same one for writing. An rwsem names only its last reader; the stack shows that it still reads.
 */
bool why_frames__reads(const struct vs_ev_task *t, const struct vs_ev_task *writer)
{
	static const struct {
		const char *reader, *writer;
	} pairs[] = {
		{ "pciehp_ist", "pciehp_reset_slot" },	/* reset_lock of a slot */
	};

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		if (vs_ev_task__find(t, 0, pairs[i].reader) < t->nr_frames &&
		    vs_ev_task__find(writer, 0, pairs[i].writer) < writer->nr_frames)
			return true;
	return false;
}

bool why_frames__is_long(const struct vs_ev_task *t, uint64_t seconds)
{
	return t->waited_ns == VS_EV_UNKNOWN || t->waited_ns >= seconds * SECOND;
}

bool why_frames__is_brief(const struct vs_ev_task *t)
{
	size_t frame = why_frames__driver(t);

	return frame < t->nr_frames && why_frames__waiting(t) && !why_frames__is_long(t, 1) &&
	       !why_frames__has(t, frame, VS_FRAME_VFIO);
}

/* Returns true if a dump shows it running there, and not for long. */
static bool is_passing(const struct vs_ev_task *t)
{
	return t->state == 'R' && t->stayed_ns != VS_EV_UNKNOWN && t->stayed_ns < SECOND && t->nr_frames;
}

bool why_frames__is_open(const struct vs_ev_task *t)
{
	return is_passing(t) || (why_frames__is_brief(t) && t->stayed_ns == VS_EV_UNKNOWN);
}

bool why_frames__in_rounds(const struct vs_ev_task *t)
{
	return !why_frames__is_long(t, 1) && t->stayed_ns != VS_EV_UNKNOWN &&
	       t->stayed_ns >= SECOND;
}

static bool are_locked_alike(const struct vs_ev_task *a, const struct vs_ev_task *b)
{
	if (a->nr_locked != b->nr_locked)
		return false;
	for (size_t i = 0; i < a->nr_locked; i++)
		if (strcmp(a->locked[i].name, b->locked[i].name))
			return false;
	return true;
}

static bool is_same_function(const char *a, const char *b)
{
	size_t len = strcspn(a, "+");

	return len == strcspn(b, "+") && !strncmp(a, b, len);
}

/* One task may probe device after device with the same function. */
bool why_frames__same_driver(const struct vs_ev_task *a, const struct vs_ev_task *b)
{
	size_t i = why_frames__driver(a), j = why_frames__driver(b);

	return i < a->nr_frames && j < b->nr_frames &&
	       is_same_function(a->frames[i], b->frames[j]) && are_locked_alike(a, b);
}

static bool is_scheduler(const char *frame)
{
	static const char *const names[] = { "__schedule", "schedule", "schedule_timeout" };
	size_t len = strcspn(frame, "+. ");

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strlen(names[i]) == len && !strncmp(frame, names[i], len))
			return true;
	return false;
}

/* The object that is destroyed there may wait further inside: that is another wait. */
size_t why_frames__iommufd(const struct vs_ev_task *t)
{
	static const char *const names[] = { "iommufd_object_dec_wait_shortterm", "iommufd_object_dec_wait",
					     "iommufd_object_remove" };
	size_t at = 0;

	while (at < t->nr_frames && is_scheduler(t->frames[at]))
		at++;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (vs_ev_task__find(t, 0, names[i]) == at)
			return at;
	return t->nr_frames;
}

static size_t outermost_vfio(const struct vs_ev_task *t)
{
	size_t i = t->nr_frames;

	while (i-- > 0)
		if (why_frames__has(t, i, VS_FRAME_VFIO))
			return i;
	return t->nr_frames;
}

bool why_frames__same_place(const struct vs_ev_task *a, const struct vs_ev_task *b)
{
	size_t i = outermost_vfio(a), j = outermost_vfio(b);

	if (i == a->nr_frames || j == b->nr_frames)
		return i == a->nr_frames && j == b->nr_frames && why_frames__same_driver(a, b);
	return is_same_function(a->frames[i], b->frames[j]);
}

bool why_frames__keeps_running(const struct vs_ev_task *t)
{
	return t->state == 'R' && t->stayed_ns != VS_EV_UNKNOWN && t->stayed_ns >= SECOND;
}

/* A zombie has no stack left: it cannot give anything back. */
bool why_frames__owner_is_dead(const struct vs_evidence *e, const struct vs_ev_task *t)
{
	const struct vs_ev_task *owner = vs_evidence__task_at(e, t->owner);

	if (!t->lock || t->owner_reads || !why_frames__waiting(t) || !why_frames__is_long(t, 1))
		return false;
	return t->dead_owner || (owner && (owner->state == 'Z' || owner->state == 'X'));
}

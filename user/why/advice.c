// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "base/name.h"
#include "base/words.h"
#include "evidence/names.h"
#include "why/advice.h"
#include "why/classify_priv.h"
#include "why/holders.h"

#define MOST_NAMED 3	/* holders in a sentence; all of them are listed below it */
#define MOST_FDS 8	/* of one of them */

#define SAY(c, ...) vs_words__append((c)->says, sizeof((c)->says), __VA_ARGS__)
#define NEXT(c, ...) vs_words__append((c)->next, sizeof((c)->next), __VA_ARGS__)

/* "0000:00:05.0 (group 1)", or as much of it as is known. */
static const char *subject(const struct vs_why_case *c, char *buf, size_t size)
{
	if (c->device[0] && c->group >= 0)
		snprintf(buf, size, "%s (group %d)", c->device, c->group);
	else if (c->device[0])
		snprintf(buf, size, "%s", c->device);
	else if (c->group >= 0)
		snprintf(buf, size, "group %d", c->group);
	else
		snprintf(buf, size, "a device");
	return buf;
}

static const char *task(const struct vs_ev_task *t, char buf[VS_TASK_LEN])
{
	if (t)
		vs_name__task(buf, t->comm, t->tid, 0);
	else
		snprintf(buf, VS_TASK_LEN, "nobody");
	return buf;
}

/* Names a waiting task at the beginning of a sentence. */
static const char *waiter(const struct vs_why_case *c, char buf[VS_TASK_LEN])
{
	if (c->task)
		return task(c->task, buf);
	snprintf(buf, VS_TASK_LEN, "A task that is out of sight");
	return buf;
}

/* " (unbind through sysfs)", or "" */
static const char *way(const struct vs_why_case *c, char *buf, size_t size)
{
	snprintf(buf, size, "%s%s%s", c->way[0] ? " (" : "", c->way, c->way[0] ? ")" : "");
	return buf;
}

static const char *function(const char *place, char *buf, size_t size)
{
	const char *module = strchr(place, '[');

	snprintf(buf, size, "%.*s%s%s", (int)strcspn(place, "+ ["), place, module ? " " : "",
		 module ? module : "");
	return buf;
}

/* -- what to do about holders -- */

static bool is_same(const struct vs_why_holder *a, const struct vs_why_holder *b)
{
	return a->how == VS_HOLD_FD && b->how == VS_HOLD_FD && a->tgid == b->tgid;
}

/* The container's file alone keeps nothing: closing the group's takes the group out of it. */
static bool is_enough(const struct vs_why_case *c, const struct vs_why_holder *h)
{
	for (size_t i = 0; i < c->nr_holders; i++)
		if (h->how == VS_HOLD_FD && h->kind == VS_SNAP_CONTAINER_FILE &&
		    c->holders[i].how == VS_HOLD_FD && c->holders[i].kind != VS_SNAP_CONTAINER_FILE)
			return false;
	return true;
}

static bool is_named_before(const struct vs_why_case *c, size_t from, size_t i)
{
	for (size_t j = from; j < i; j++)
		if (is_same(&c->holders[i], &c->holders[j]) && is_enough(c, &c->holders[j]))
			return true;
	return false;
}

/*
 * No one can close a descriptor of another process from outside, but can end the process. This advice is not
 * for a VM, which has other ways (see vs_advice__release()), not where a kill does not help, and not for pid 1.
 */
static const char *or_end_it(const struct vs_why_case *c, const struct vs_why_holder *h)
{
	return h->vm[0] || c->waits_back || h->tgid == 1 ? "" : ", or end it";
}

static void release_fds(struct vs_why_case *c, size_t i, size_t end, const char *title)
{
	size_t nr = 1;

	NEXT(c, "close fd %d", c->holders[i].fd);
	for (size_t j = i + 1; j < end; j++)
		if (is_same(&c->holders[i], &c->holders[j]) && is_enough(c, &c->holders[j]) &&
		    nr++ < MOST_FDS)
			NEXT(c, ", %d", c->holders[j].fd);
	if (nr > MOST_FDS)
		NEXT(c, " and %zu more", nr - MOST_FDS);
	NEXT(c, " of %s%s", title, or_end_it(c, &c->holders[i]));
}

static void release_one(struct vs_why_case *c, size_t i, size_t end)
{
	const struct vs_why_holder *h = &c->holders[i];
	char title[VS_HOLDER_LEN], closer[VS_TASK_LEN];

	vs_holders__title(h, title, sizeof(title));
	vs_name__task(closer, h->comm, h->tid, 0);
	if (h->exiting && h->how != VS_HOLD_RELEASE)
		NEXT(c, "wait for %s, which is exiting already and lets go at its end (where it is: "
			"vfioscope why pid %u)", title, h->tgid);
	else if (h->how == VS_HOLD_FD && h->fd < 0)
		NEXT(c, "close the device in %s%s", title, or_end_it(c, h));
	else if (h->how == VS_HOLD_FD)
		release_fds(c, i, end, title);
	else if (h->hidden)
		NEXT(c, "find who has the device's memory mapped, in the host's own PID namespace (from "
			"here it is not seen), and end it");
	else if (h->how == VS_HOLD_MAP)
		NEXT(c, "unmap the device's memory in %s or end it", title);
	else if (h->how == VS_HOLD_SOCKET)
		NEXT(c, "take the file out of the UNIX socket of fd %d of %s: let it receive, or end it",
		     h->fd, title);
	else if (h->how == VS_HOLD_RING && h->fd >= 0)
		NEXT(c, "close fd %d of %s, an io_uring that the file is registered with%s", h->fd, title,
		     or_end_it(c, h));
	else if (h->how == VS_HOLD_RING)
		NEXT(c, "end %s: the file is registered with an io_uring of its", title);
	else if (h->how == VS_HOLD_RELEASE)
		NEXT(c, "wait for %s, which has closed it already and is on the way to its release",
		     closer);
	else if (h->tgid)
		NEXT(c, "close fd %d (%.30s) of %s%s", h->fd, h->path, title, or_end_it(c, h));
	else
		NEXT(c, "find who has a vhost device open, which keeps the memory of a process that has "
			"exited, and end it");
}

static bool is_fixed(const struct vs_why_case *c)
{
	for (size_t i = 0; i < c->nr_holders; i++)
		if (c->holders[i].fixed)
			return true;
	return false;
}

static bool is_vm(const struct vs_why_case *c)
{
	for (size_t i = 0; i < c->nr_holders; i++)
		if (c->holders[i].vm[0])
			return true;
	return false;
}

/* Holders from @from to @end, each process once. */
static void release(struct vs_why_case *c, size_t from, size_t end)
{
	size_t named = 0, left = 0;

	for (size_t i = from; i < end; i++) {
		if (c->holders[i].likely || is_named_before(c, from, i) ||
		    !is_enough(c, &c->holders[i]))
			continue;
		if (named == MOST_NAMED) {
			left++;
			continue;
		}
		NEXT(c, "%s", named++ ? ", and " : "");
		release_one(c, i, end);
	}
	if (left)
		NEXT(c, ", and %zu more below", left);
}

/* Returns true if every process that keeps the group also keeps the device. */
static bool are_the_same(const struct vs_why_case *c)
{
	size_t i, j;

	for (i = c->nr_now; i < c->nr_holders; i++) {
		for (j = 0; j < c->nr_now && !is_same(&c->holders[i], &c->holders[j]); j++)
			;
		if (j == c->nr_now)
			return false;
	}
	return true;
}

static size_t nr_likely(const struct vs_why_case *c)
{
	size_t nr = 0;

	for (size_t i = 0; i < c->nr_holders; i++)
		nr += c->holders[i].likely;
	return nr;
}

/* Most of them have nothing to do with it: no order to stop anything may come of it. */
static void suggest(struct vs_why_case *c, size_t nr)
{
	size_t named = 0;

	NEXT(c, nr == 1 ? "let this one go if it is the one, which is likely, not known: check "
			  "before you stop anything: "
			: "let one of these go, not known which: check before you stop anything: ");
	for (size_t i = 0; i < c->nr_holders && named < MOST_NAMED; i++) {
		const struct vs_why_holder *h = &c->holders[i];
		char title[VS_HOLDER_LEN];

		if (!h->likely)
			continue;
		vs_holders__title(h, title, sizeof(title));
		NEXT(c, "%s%s", named++ ? ", " : "", title);
		if (h->how == VS_HOLD_MAP)
			NEXT(c, " (memory of a device mapped)");
		else if (h->fd >= 0)
			NEXT(c, " fd %d", h->fd);
		if (h->path[0])
			NEXT(c, " (%.30s)", h->path);
	}
	if (nr > named)
		NEXT(c, ", and %zu more below", nr - named);
}

static void release_proven(struct vs_why_case *c)
{
	bool same = are_the_same(c);

	release(c, 0, same ? c->nr_holders : c->nr_now);
	if (!same) {
		NEXT(c, "; then, to take the group out of its container, ");
		release(c, c->nr_now, c->nr_holders);
	}
}

void vs_advice__release(struct vs_why_case *c)
{
	size_t likely = nr_likely(c);

	if (likely < c->nr_holders)
		release_proven(c);
	if (likely) {
		NEXT(c, "%s", likely < c->nr_holders ? "; and " : "");
		suggest(c, likely);
	} else if (c->waits_back) {
		return; /* a VM that is shut down is killed in the end */
	} else if (is_fixed(c)) {
		NEXT(c, ": shut the VM down; the device is on its root bus (pcie.0), from where it cannot be "
			"detached");
	} else if (is_vm(c)) {
		NEXT(c, ": detach the device from the VM, or shut the VM down");
	}
}

static void search_further(struct vs_why_case *c, const struct vs_evidence *e)
{
	NEXT(c, "no holder was found. Searched: ");
	if (e->snapshot.scope.fds)
		NEXT(c, "descriptors of %u tasks", e->nr_seen);
	else if (e->snapshot.hidden_tasks)
		NEXT(c, "descriptors of the %u tasks of this PID namespace, which are not all",
		     e->nr_seen);
	else
		NEXT(c, "no descriptors");
	NEXT(c, "%s, KVM%s. Not visible from here: users inside the kernel, requests of io_uring that "
		"are under way, other PID namespaces",
	     e->snapshot.scope.maps ? ", mappings of device memory" : "", e->snapshot.scope.fds ?
	     ", files inside UNIX sockets and io_urings, files being released" : "");
}

/* -- verdicts -- */

/*
 * reboot(2) and kexec run device_shutdown(), which waits for all probes under way and then takes the
 * lock of each device and of its parent, without a timeout (v5.10, drivers/base/core.c).
 * emergency_restart() goes around it.
 */
static void reset(struct vs_why_case *c, bool holds_lock)
{
	NEXT(c, "only a reset frees it, and an orderly reboot, reboot -f and kexec %s. Stop the "
		"guests or move them away, sync, remount the disks read-only, then: echo b > "
		"/proc/sysrq-trigger, or reset by the BMC",
	     holds_lock ? "hang as well: they wait for this device's lock"
			: "may hang as well: they wait for the lock of every device");
}

/* A kernel can have it and put directly in another place (VS_FIX_BOTH). */
static bool has_fix_all_the_same(const struct vs_evidence *e)
{
	return e->fix == VS_FIX_BOTH || e->fix == VS_FIX_PRESENT ||
	       (e->fix == VS_FIX_UNKNOWN && e->has_fix);
}

static void notifier_deadlock(const struct vs_evidence *e, struct vs_why_case *c, const char *what,
			      const char *who)
{
	static const char fix[] = "\"vfio: Fix group release deadlock\" (811642d8d8a8, v4.13)";

	SAY(c, "%s waits for itself, for ever: it made the last put of %s inside the notifier, "
	       "and the release unregisters from the notifier chain that is calling it.", who, what);
	reset(c, c->device[0] || (c->task && c->task->nr_locked));
	NEXT(c, ". Until then leave this group alone, other groups go on working. Then run ");
	if (has_fix_all_the_same(e))
		NEXT(c, "another kernel, and report it: this one has %s, and made the last put in the "
			"notifier all the same", fix);
	else
		NEXT(c, "a kernel with %s; this vfio.ko does not have it", fix);
}

/* Returns the function that changes the chain: just outside of blocking_notifier_chain_unregister(). */
static const char *changer(const struct vs_why_case *c)
{
	for (size_t i = 0; c->task && i + 1 < c->task->nr_frames; i++)
		if (!strcmp(c->task->frames[i], c->place))
			return c->task->frames[i + 1];
	return c->place;
}

static void chain_deadlock(struct vs_why_case *c, const char *who)
{
	char place[VS_SITE_LEN];

	SAY(c, "%s waits for itself, for ever: a callback changes the notifier chain it is called "
	       "by. This is not VFIO's notifier.", who);
	reset(c, c->task && c->task->nr_locked);
	NEXT(c, ". Report the stack below to who maintains %s",
	     function(changer(c), place, sizeof(place)));
}

/* A holder that may not answer. One that waits in iommufd does, for it does not wait for long. */
static const struct vs_ev_process *sleeper(const struct vs_evidence *e, const struct vs_why_case *c)
{
	return c->in_iommufd ? NULL : vs_holders__sleeping(e, c);
}

static void say_back(const struct vs_evidence *e, struct vs_why_case *c, const char *waiter)
{
	char who[VS_TASK_LEN];

	if (!c->waits_back && (!c->task || sleeper(e, c)))
		return; /* it may be one, through what is not seen */
	if (!c->waits_back)
		SAY(c, " This is no deadlock.");
	else if (c->cycle)
		SAY(c, " This is a cycle: %s has closed it, and on the way to its release waits for "
		       "%s, through who holds what (see PROOF). None of them can go on.",
		    task(c->waits_back, who), waiter);
	else
		SAY(c, " The holder waits for the waiter: %s of process %u does not go on before "
		       "%s does.", task(c->waits_back, who), c->waits_back->tgid,
		    waiter);
}

static void let_go(const struct vs_evidence *e, struct vs_why_case *c)
{
	const struct vs_ev_process *p = sleeper(e, c);
	char who[VS_TASK_LEN];

	if (!c->nr_now) {
		search_further(c, e);
		return;
	}
	if (c->cycle) {
		reset(c, true);
		return;
	}
	if (c->waits_back)
		NEXT(c, "this ends only if another task of process %u closes or unmaps it. Killing "
			"it does not do it: its files stay open as long as %s sleeps. What would "
			"have to go: ", c->waits_back->tgid,
		     task(c->waits_back, who));
	vs_advice__release(c);
	if (c->waits_back) {
		NEXT(c, ". Otherwise ");
		reset(c, true);
	} else if (p) {
		vs_name__task(who, p->comm, p->tgid, 0);
		NEXT(c, ". That may not work: a task of %s sleeps uninterruptibly", who);
	} else if (c->in_iommufd) {
		NEXT(c, ". It waits in iommufd itself, for a minute at most: see its own case (vfioscope why)");
	} else if (!nr_likely(c)) {
		NEXT(c, ". What waits then ends by itself");
	}
}

static void in_use(const struct vs_evidence *e, struct vs_why_case *c, const char *what,
		   const char *who)
{
	char on[100];

	SAY(c, "%s cannot leave VFIO: it is in use. %s waits for its release%s.", what, who,
	    way(c, on, sizeof(on)));
	say_back(e, c, who);
	let_go(e, c);
}

static void container_stall(const struct vs_evidence *e, struct vs_why_case *c, const char *what,
			    const char *who)
{
	char on[100];

	SAY(c, "%s is released, but its group is still in a container. %s waits until it has left, "
	       "without a timeout%s.", what, who, way(c, on, sizeof(on)));
	if (c->waits_back)
		say_back(e, c, who);
	let_go(e, c);
}

static void deferred_late(struct vs_why_case *c, const char *what, const char *who)
{
	char place[VS_SITE_LEN];

	SAY(c, "a deferred put of %s is late. The fix is in; the workqueue is not getting to it.",
	    what);
	NEXT(c, "look at what the workers do (below)");
	if (c->task)
		NEXT(c, ", above all %s, which is in %s", who, function(c->place, place, sizeof(place)));
	NEXT(c, "; the put follows by itself when they are done");
}

static void leak_suspect(struct vs_why_case *c, const char *what)
{
	SAY(c, "%s has more references than can be accounted for.", what);
	if (c->confidence == VS_LOW)
		NEXT(c, "ask again: this may be a user inside the kernel (an mdev driver), or a passing "
			"lookup. If it stays, ");
	NEXT(c, "go on using the device: only the group itself stays until a reboot. Where those were "
		"taken cannot be found any more; to see where the next ones are: vfioscope refs "
		"--exact -g %d, while it happens again", c->group);
}

static void not_vfio_lock(struct vs_why_case *c, const char *what, const char *who)
{
	const char *driver = c->driver[0] ? c->driver : "(not known)";
	char place[VS_SITE_LEN], owner[VS_TASK_LEN];

	function(c->place, place, sizeof(place));
	task(c->owner, owner);
	SAY(c, "this is not VFIO: driver %s, which %s is bound to, waits in %s for a lock", driver,
	    what, place);
	if (c->owner)
		SAY(c, " that %s %s. %s waits for it.", owner,
		    c->task->owner_reads ? "may hold" : "holds", who);
	else
		SAY(c, " whose owner is not known. %s waits for it.", who);
	if (c->owner)
		NEXT(c, "find out what %s does (its stack is below) and end it, or see the messages of "
			"driver %s in dmesg", owner, driver);
	else
		NEXT(c, "see the messages of driver %s in dmesg, and who is inside of it: vfioscope why "
			"--all-stacks FILE", driver);
}

static void dead_owner(struct vs_why_case *c, const char *what, const char *who)
{
	const char *lock = c->task->lock_name[0] ? c->task->lock_name : "a lock";
	char owner[VS_TASK_LEN];

	SAY(c, "%s", who);
	if (c->device[0])
		SAY(c, ", on the way to bind or unbind %s,", what);
	SAY(c, " waits for %s%s, and the task that has it has ended", c->task->lock_name[0] ? "the " : "",
	    lock);
	if (c->owner)
		SAY(c, ": %s", task(c->owner, owner));
	SAY(c, ". Nobody can give it back. The kernel killed that task for a fault of its own, or "
	       "the code that it ran lacks an unlock.");
	reset(c, c->task->nr_locked);
	NEXT(c, ". The kernel's log may say who it was: dmesg | grep -A 40 -E 'BUG:|Oops|fault'");
}

/* A function of the driver core or of a bus is not the driver's: that one is further inside. */
static const char *where(const struct vs_why_case *c, const char *in)
{
	return why_frames__is_core(c->place) ? "has not returned to" : in;
}

/* It does not sleep, so nothing tells what it waits for. */
static void runs(struct vs_why_case *c, const char *what, const char *who)
{
	char place[VS_SITE_LEN];

	function(c->place, place, sizeof(place));
	if (c->verdict == VS_WHY_NOT_VFIO)
		SAY(c, "this is not VFIO: driver %s, which %s is bound to, %s %s", c->driver[0] ?
		    c->driver : "(not known)", what, where(c, "runs in"), place);
	else
		SAY(c, "%s runs in %s, in VFIO", who, place);
	SAY(c, ", without sleeping. It may have much to do (memory of a large guest), or wait for "
	       "hardware that does not answer.");
	NEXT(c, "ask again in a minute: if it is still there, see dmesg for \"soft lockup\", for faults of "
		"the IOMMU and for PCIe errors of the device. No signal ends a task that does not "
		"leave the kernel; if the device is dead, a reset is needed");
}

static void not_vfio(struct vs_why_case *c, const char *what, const char *who)
{
	char place[VS_SITE_LEN];

	if (c->runs) {
		runs(c, what, who);
		return;
	}
	if (c->driver_lock) {
		not_vfio_lock(c, what, who);
		return;
	}
	function(c->place, place, sizeof(place));
	SAY(c, "this is not VFIO: driver %s, which %s is bound to, %s %s%s. %s waits for it.",
	    c->driver[0] ? c->driver : "(not known)", what, where(c, "sleeps in"), place,
	    why_frames__in_rounds(c->task) ? ", in rounds" : "", who);
	NEXT(c, "if something has device nodes of driver %s open (fuser: services, displays), end that; "
		"else only the driver knows what it waits for: see its messages in dmesg",
	     c->driver[0] ? c->driver : "(not known)");
}

/* The proof has all tasks of a cycle of locks. */
static void lock_cycle(struct vs_why_case *c, const char *who)
{
	SAY(c, "a deadlock of locks: %s waits for itself, through who holds what (see PROOF). None "
	       "of them can go on.", who);
	NEXT(c, "a reboot is likely needed. Before it, keep the stacks for a report: vfioscope why "
		"--all-stacks FILE");
}

static void unexplained(struct vs_why_case *c, const char *what, const char *who)
{
	char place[VS_SITE_LEN], other[VS_TASK_LEN];

	if (c->cycle) {
		lock_cycle(c, who);
		return;
	}
	if (c->runs) {
		runs(c, what, who);
		return;
	}
	SAY(c, "%s %s in %s", who, c->task->state == 'R' ? "runs" : "waits",
	    function(c->place, place, sizeof(place)));
	if (why_frames__first(c->task, 0, VS_FRAME_DRIVER) < c->task->nr_frames)
		SAY(c, " on the way to bind or unbind %s", what);
	else if (why_frames__first(c->task, 0, VS_FRAME_VFIO) < c->task->nr_frames)
		SAY(c, ", in VFIO");
	else if (c->nr_victims)
		SAY(c, " and has what %s waits for", task(c->victims[0].task, other));
	SAY(c, "; the reason was not recognized.");
	NEXT(c, "keep the stacks for a report: vfioscope why --all-stacks FILE");
}

/* There was no second look, or it ran each time. */
static void say_brief(const struct vs_evidence *e, struct vs_why_case *c)
{
	char who[VS_TASK_LEN], place[VS_SITE_LEN];
	size_t frame;

	for (size_t i = 0; i < e->nr_tasks; i++) {
		const struct vs_ev_task *t = &e->tasks[i];

		if (!why_frames__is_open(t))
			continue;
		frame = why_frames__driver(t);
		if (frame == t->nr_frames)
			frame = why_frames__first(t, 0, VS_FRAME_VFIO);
		SAY(c, " But %s is in %s, for a moment or for ever: %s.", task(t, who),
		    function(t->frames[frame], place, sizeof(place)),
		    e->from_core ? "one look does not tell; another dump would" : "ask again");
		return;
	}
}

static const char *const fix_words[VS_FIXES] = {
	[VS_FIX_UNKNOWN] = "Whether this VFIO has the fix of the notifier deadlock was not read: "
			   "vfioscope inspect.",
	[VS_FIX_PRESENT] = "This VFIO has the fix of the notifier deadlock.",
	[VS_FIX_BOTH] = "But whether this VFIO has the fix of the notifier deadlock is in doubt: "
			"vfioscope inspect.",
	[VS_FIX_ABSENT] = "But this VFIO lacks the fix: the notifier deadlock can happen.",
	[VS_FIX_NO_REFERENCE] = "The notifier of this kernel takes no reference: the deadlock cannot "
				"happen.",
	[VS_FIX_NO_NOTIFIER] = "This kernel has no group notifier: the deadlock cannot happen.",
};

static void say_elsewhere(struct vs_why_case *c)
{
	if (c->nr_elsewhere)
		SAY(c, " Elsewhere %zu task%s wait%s.", c->nr_elsewhere,
		    c->nr_elsewhere == 1 ? "" : "s", c->nr_elsewhere == 1 ? "s" : "");
}

static void next_elsewhere(struct vs_why_case *c)
{
	if (c->nr_elsewhere)
		NEXT(c, "for what waits elsewhere: vfioscope why; ");
}

/* It speaks of the subject that was asked about alone, and counts the tasks that wait elsewhere. */
static void say_nothing(struct vs_why_case *c)
{
	char what[80], who[VS_TASK_LEN];

	if (c->task)
		SAY(c, "%s waits for nothing of VFIO.", task(c->task, who));
	else if (c->device[0] || c->group >= 0)
		SAY(c, "nothing waits for %s%s.", subject(c, what, sizeof(what)),
		    c->nr_elsewhere ? " itself" : "");
	else
		SAY(c, "%s for VFIO.", c->nr_elsewhere ? "the task asked about does not wait"
						       : "nothing waits");
	say_elsewhere(c);
}

static void idle(const struct vs_evidence *e, struct vs_why_case *c)
{
	say_nothing(c);
	say_brief(e, c);
	if (e->has_vfio)
		SAY(c, " %s", fix_words[e->fix]);
	why_start__note(c);
	next_elsewhere(c);
	if (!c->nr_holders) {
		NEXT(c, c->nr_elsewhere ? "here is nothing to do" : "nothing to do");
		return;
	}
	NEXT(c, "nothing now. An unbind would need you to ");
	vs_advice__release(c);
}

/* Tasks that wait in another PID namespace are out of sight, so it says nothing of them. */
static void not_seen(const struct vs_evidence *e, struct vs_why_case *c)
{
	char what[80], who[VS_TASK_LEN];

	(void)e;
	if (c->task)
		SAY(c, "%s waits for nothing of VFIO that is seen from here.",
		    task(c->task, who));
	else if (c->nr_elsewhere && !c->device[0] && c->group < 0)
		SAY(c, "the task asked about does not wait for VFIO.");
	else
		SAY(c, "no task of this PID namespace waits for %s.",
		    c->device[0] || c->group >= 0 ? subject(c, what, sizeof(what)) : "VFIO");
	SAY(c, " Those of other namespaces are out of sight: whether one of them waits, or holds, "
	       "is not known.");
	say_elsewhere(c);
	NEXT(c, "ask again in the host's own PID namespace");
}

static void not_applicable(const struct vs_evidence *e, struct vs_why_case *c, const char *what)
{
	if (!e->has_vfio)
		SAY(c, "VFIO is not loaded, and nothing waits in a driver.");
	else
		SAY(c, "%s is not bound to a VFIO driver, and nothing waits for it.", what);
	say_elsewhere(c);
	say_brief(e, c);
	next_elsewhere(c);
	NEXT(c, c->nr_elsewhere ? "here is nothing to do" : "nothing to do");
}

void vs_advice__write(const struct vs_evidence *e, struct vs_why_case *c)
{
	char what[80], who[VS_TASK_LEN];

	subject(c, what, sizeof(what));
	waiter(c, who);
	switch (c->verdict) {
	case VS_WHY_NOTIFIER_DEADLOCK:
		return notifier_deadlock(e, c, what, who);
	case VS_WHY_CHAIN_DEADLOCK:
		return chain_deadlock(c, who);
	case VS_WHY_DEAD_OWNER:
		return dead_owner(c, what, who);
	case VS_WHY_IN_USE:
		return c->iommufd ? why_iommufd__advise(c) : in_use(e, c, what, who);
	case VS_WHY_CONTAINER_STALL:
		return container_stall(e, c, what, who);
	case VS_WHY_DEFERRED_LATE:
		return deferred_late(c, what, who);
	case VS_WHY_LEAK_SUSPECT:
		return leak_suspect(c, what);
	case VS_WHY_NOT_VFIO:
		return not_vfio(c, what, who);
	case VS_WHY_UNEXPLAINED:
		return unexplained(c, what, who);
	case VS_WHY_CANNOT_START:
		return why_start__advise(c, what);
	case VS_WHY_NOT_SEEN:
		return not_seen(e, c);
	case VS_WHY_IDLE:
		return idle(e, c);
	default:
		return not_applicable(e, c, what);
	}
}

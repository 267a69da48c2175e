// SPDX-License-Identifier: GPL-2.0
/* Finds the cases of a kernel's log by the stacks of tasks, the owners of locks, and VFIO's own messages. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/name.h"
#include "base/rows.h"
#include "evidence/names.h"
#include "vfio/functions.h"
#include "why/classify_priv.h"

#define SECOND 1000000000ull
#define ROUND (10 * SECOND)	/* of VFIO's wait for a device's users; it asks them at each */
#define LONG_ROUNDS (12 * SECOND) /* a task that wakes up every 10 s is never hung for so long */
#define MOST_NOTES 8

bool why_logged__sleeps(const struct vs_ev_task *t)
{
	return !t->logged.torn && !t->logged.loose && t->logged.wait != VS_WAIT_NOT &&
	       t->logged.told <= VS_TOLD_BARE && t->nr_frames;
}

static bool has_flag(const struct vs_ev_task *t, unsigned int flag)
{
	return why_frames__first(t, 0, flag) < t->nr_frames;
}

static bool has(const struct vs_ev_task *t, const char *function)
{
	return vs_ev_task__find(t, 0, function) < t->nr_frames;
}

static const struct vs_ev_message *message(const struct vs_evidence *e, uint32_t boot,
					   enum vs_ev_message_kind kind, const char *device)
{
	for (size_t i = 0; i < e->nr_messages; i++)
		if (e->messages[i].kind == kind && e->messages[i].boot == boot &&
		    (!device || !strcmp(e->messages[i].device, device)))
			return &e->messages[i];
	return NULL;
}

/* Another driver spoke of the device afterwards: the wait is over. */
static bool is_over(const struct vs_evidence *e, const struct vs_ev_message *m)
{
	const struct vs_ev_message *last = message(e, m->boot, VS_MSG_REBOUND, m->device);

	return last && last->order > m->order;
}

/* -- which kernel: only where the text names it -- */

static bool release_of(const char *release, int *major, int *minor)
{
	return sscanf(release, "%d.%d", major, minor) == 2;
}

static bool is_from(const char *release, int major, int minor)
{
	int a, b;

	return release_of(release, &a, &b) && (a > major || (a == major && b >= minor));
}

static bool is_before(const char *release, int major, int minor)
{
	int a, b;

	return release_of(release, &a, &b) && (a < major || (a == major && b < minor));
}

/* Functions that came with v6.1 and v6.6: no VFIO that has them waits for the container. */
static bool has_late_functions(const struct vs_evidence *e, uint32_t boot)
{
	static const char *const late[] = { "vfio_df_close", "vfio_df_group_close", "vfio_df_open",
		"vfio_device_group_close", "vfio_group_detach_container", "vfio_df_ioctl_bind_iommufd" };

	for (size_t i = 0; i < e->nr_logged; i++)
		for (size_t j = 0; e->logged[i].logged.boot == boot && j < sizeof(late) / sizeof(late[0]); j++)
			if (has(&e->logged[i], late[j]))
				return true;
	return false;
}

/* -- the kinds of cases -- */

/* These are clocks and waiting loops: the function that runs is their caller. */
static bool is_idle_talk(const char *frame)
{
	static const char *const names[] = { "ktime_get", "delay", "delay_tsc", "const_udelay", "udelay",
		"native_queued_spin_lock_slowpath", "queued_spin_lock_slowpath", "raw_spin_lock", "raw_spin_lock_irqsave",
		"raw_spin_unlock", "raw_spin_unlock_irqrestore", "arch_counter_get_cntvct", "read_tsc",
		"do_raw_spin_lock", "arch_timer_read_counter", "sched_clock", "switch_to", "timer_delay", "delay_halt" };
	size_t len;

	frame += strspn(frame, "_");
	len = strcspn(frame, "+. ");

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == len && !strncmp(frame, names[i], len))
			return true;
	return false;
}

/* Finds the function that a task runs if it does not sleep: its innermost frame that is none of those. */
static size_t running_in(const struct vs_ev_task *t)
{
	size_t at = 0;

	while (at + 1 < t->nr_frames && t->logged.wait == VS_WAIT_NOT && is_idle_talk(t->frames[at]))
		at++;
	return at;
}

static struct vs_why_case *add(struct vs_why *why, enum vs_why_verdict verdict,
			       const struct vs_ev_task *t)
{
	struct vs_why_case *c = why_case__add(why, verdict, t);

	if (!c)
		return NULL;
	c->confidence = VS_MEDIUM;
	if (t && t->nr_frames)
		memcpy(c->place, t->frames[running_in(t)], sizeof(c->place));
	return c;
}

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

static int add_dead(struct vs_why *why, const struct vs_evidence *e, const struct vs_ev_task *t)
{
	struct vs_why_case *c = add(why, VS_WHY_DEAD_OWNER, t);

	(void)e;
	if (!c)
		return -ENOMEM;
	c->reboot = VS_REBOOT_YES;
	c->since_ns = VS_EV_UNKNOWN;
	if (t->logged.words[0] && why_case__prove(c, "%.100s", t->logged.words))
		return -ENOMEM;
	return why_case__prove_stack(c, min_size(why_frames__first(t, 0, VS_FRAME_DRIVER), 15));
}

/* The one device that a message of this kind is about, in this boot; NULL for none or several. */
static const struct vs_ev_message *only_message(const struct vs_evidence *e, uint32_t boot,
						enum vs_ev_message_kind kind)
{
	const struct vs_ev_message *found = NULL;

	for (size_t i = 0; i < e->nr_messages; i++) {
		const struct vs_ev_message *m = &e->messages[i];

		if (m->kind != kind || m->boot != boot || !m->device[0] || is_over(e, m))
			continue;
		if (found)
			return NULL;
		found = m;
	}
	return found;
}

/* Much of it takes long, and then ends. */
static bool moves_memory(const struct vs_ev_task *t)
{
	static const char *const names[] = { "vfio_unmap_unpin", "vfio_remove_dma", "vfio_pin_map_dma",
		"vfio_pin_pages_remote", "vfio_dma_do_unmap", "vfio_unpin_pages_remote", "vaddr_get_pfn",
		"vaddr_get_pfns", "tce_iommu_clear", "vfio_pci_mmap_fault", "vfio_pci_mmap_huge_fault", "vfio_pci_mmap_page_fault" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (has(t, names[i]))
			return true;
	return false;
}

/* It asks a device or an IOMMU, and VFIO called it. */
bool why_logged__asks_hardware(const struct vs_ev_task *t)
{
	for (size_t i = 0; i < why_frames__first(t, 0, VS_FRAME_VFIO) && i < t->nr_frames; i++)
		if (why_logged__is_of_hardware(t->frames[i]))
			return true;
	return false;
}

/* An RCU stall may report a task that only has much to do. */
static enum vs_reboot reboot_of(const struct vs_evidence *e, const struct vs_ev_task *t)
{
	if (why_logged__asks_hardware(t) &&
	    (t->logged.hard || message(e, t->logged.boot, VS_MSG_IOMMU_TIMEOUT, NULL)))
		return VS_REBOOT_YES;
	return moves_memory(t) ? VS_REBOOT_NO : VS_REBOOT_UNKNOWN;
}

static int add_running(struct vs_why *why, const struct vs_evidence *e, const struct vs_ev_task *t)
{
	bool own = why_frames__has(t, running_in(t), VS_FRAME_VFIO);
	struct vs_why_case *c = add(why, own ? VS_WHY_UNEXPLAINED : VS_WHY_NOT_VFIO, t);
	const struct vs_ev_message *gone = only_message(e, t->logged.boot, VS_MSG_DEVICE_GONE);

	if (!c)
		return -ENOMEM;
	if (gone)
		memcpy(c->device, gone->device, sizeof(c->device));
	c->reboot = reboot_of(e, t);
	if (t->logged.last_ns != VS_EV_UNKNOWN && t->logged.last_ns > t->logged.first_ns &&
	    (c->since_ns == VS_EV_UNKNOWN || t->logged.last_ns - t->logged.first_ns > c->since_ns))
		c->since_ns = t->logged.last_ns - t->logged.first_ns;
	return why_case__prove_stack(c, min_size(why_frames__first(t, 0, VS_FRAME_VFIO) + 1, 15));
}

/*
 * A wait for users wakes up every 10 s, one for the container (v4.13 to v5.19) does not: a task that is hung
 * for longer, or sleeps in schedule() itself, is in the second. Nor can a signal interrupt that one, so a
 * task in S is in the first. Before v4.0 the first had no limit either, and the second did not
 * exist but maybe in RHEL 7; a text that names no kernel, or one that cannot have such a stack, may be of
 * such a kernel.
 */
static enum vs_why_verdict judge_unregister(const struct vs_evidence *e, const struct vs_ev_task *t,
					    bool *either, enum vs_confidence *confidence)
{
	const char *release = t->logged.release[0] ? t->logged.release : e->release;
	bool no_stall = is_from(release, 6, 0) || has_late_functions(e, t->logged.boot);
	bool old = is_before(release, 4, 0) || (t->logged.addresses && !is_before(release, 4, 10));
	bool hung = t->logged.told == VS_TOLD_HUNG && t->logged.hung_ns != VS_EV_UNKNOWN &&
		    t->logged.hung_ns >= LONG_ROUNDS;

	*either = false;
	*confidence = VS_MEDIUM;
	if (t->logged.wait == VS_WAIT_TIMED || t->logged.wait == VS_WAIT_COMPLETION || t->state == 'S') {
		*confidence = hung ? VS_LOW : VS_MEDIUM;
		return VS_WHY_IN_USE;
	}
	if (t->logged.wait == VS_WAIT_EVENT) {
		*either = old && (!is_before(release, 4, 0) || !strncmp(release, "3.10.", 5));
		*confidence = *either || no_stall ? VS_LOW : VS_MEDIUM;
		return no_stall ? VS_WHY_UNEXPLAINED : old ? VS_WHY_IN_USE : VS_WHY_CONTAINER_STALL;
	}
	*either = !no_stall;
	*confidence = no_stall ? VS_MEDIUM : VS_LOW;
	return VS_WHY_IN_USE;
}

/* The device whose removal waits: VFIO's message names task and device, or there is just one. */
static const struct vs_ev_message *message_of(const struct vs_evidence *e, const struct vs_ev_task *t)
{
	const struct vs_ev_message *m;

	for (size_t i = 0; i < e->nr_messages; i++) {
		m = &e->messages[i];
		if (m->kind == VS_MSG_BLOCKED && m->boot == t->logged.boot && m->pid && m->pid == t->tid)
			return m;
	}
	m = only_message(e, t->logged.boot, VS_MSG_REQUESTED);
	m = m ? m : only_message(e, t->logged.boot, VS_MSG_NO_CHANNEL);
	m = m ? m : only_message(e, t->logged.boot, VS_MSG_BLOCKED);
	return m ? m : only_message(e, t->logged.boot, VS_MSG_NO_HOTPLUG);
}

static int prove_link_down(struct vs_why_case *c, const struct vs_ev_message *m)
{
	return why_case__prove(c, "%s: PCIe link down, or the card is gone", m->device[0] ? m->device : "a slot");
}

static int prove_messages(struct vs_why_case *c, const struct vs_evidence *e, uint32_t boot)
{
	const struct vs_ev_message *m;
	char who[VS_TASK_LEN];
	int err = 0;

	if (!c->device[0])
		return 0;
	m = message(e, boot, VS_MSG_REQUESTED, c->device);
	if (m) {
		uint64_t asked = m->rounds * ROUND;

		if (c->since_ns == VS_EV_UNKNOWN || c->since_ns < asked)
			c->since_ns = asked ? asked : c->since_ns;
		err = why_case__prove(c, "VFIO asked its user to let go, up to request #%u, one in 10 s",
				      m->rounds);
	}
	if (!err && m && m->earlier)
		err = why_case__prove(c, "%u wait%s for it before this one in the same log: ended", m->earlier,
				      m->earlier == 1 ? "" : "s");
	if (!err && message(e, boot, VS_MSG_NO_CHANNEL, c->device))
		err = why_case__prove(c, "its user has no request channel, so VFIO cannot ask it to let go");
	m = message(e, boot, VS_MSG_BLOCKED, c->device);
	if (!err && m) {
		vs_name__task(who, m->comm, m->pid, 0);
		err = why_case__prove(c, "VFIO says: in use, %s is blocked", who);
	}
	if (!err && message(e, boot, VS_MSG_NO_HOTPLUG, c->device))
		err = why_case__prove(c, "QEMU says: its bus in the guest does not support hot-unplug");
	m = message(e, boot, VS_MSG_LINK_DOWN, NULL);
	if (!err && m)
		err = prove_link_down(c, m);
	return err;
}

static int add_unregister(struct vs_why *why, const struct vs_evidence *e,
			  const struct vs_ev_task *t, size_t frame)
{
	enum vs_confidence confidence;
	const struct vs_ev_message *m = message_of(e, t);
	bool either;
	enum vs_why_verdict verdict = judge_unregister(e, t, &either, &confidence);
	struct vs_why_case *c = add(why, verdict, t);

	if (!c)
		return -ENOMEM;
	c->confidence = confidence;
	c->either = either;
	c->message = m;
	memcpy(c->place, t->frames[frame], sizeof(c->place));
	if (m)
		memcpy(c->device, m->device, sizeof(c->device));
	return why_case__prove_stack(c, min_size(frame + 6, t->nr_frames)) ?:
	       prove_messages(c, e, t->logged.boot);
}

static bool is_shutting_down(const struct vs_ev_task *t)
{
	return has(t, "device_shutdown") || has(t, "kernel_restart");
}

static int add_driver(struct vs_why *why, const struct vs_evidence *e, const struct vs_ev_task *t,
		      size_t frame)
{
	struct vs_why_case *c = add(why, VS_WHY_NOT_VFIO, t);

	(void)e;
	if (!c)
		return -ENOMEM;
	c->confidence = t->logged.told == VS_TOLD_HUNG ? VS_MEDIUM : VS_LOW;
	c->reboot = is_shutting_down(t) ? VS_REBOOT_YES : VS_REBOOT_UNKNOWN;
	c->driver_lock = t->logged.wait == VS_WAIT_MUTEX || t->logged.wait == VS_WAIT_RWSEM;
	c->owner = NULL;
	memcpy(c->place, t->frames[frame], sizeof(c->place));
	return why_case__prove_stack(c, min_size(frame + 4, 15));
}

/* A callback of a chain that changes this chain. The calls had two underscores up to v5.9. */
static int add_chain(struct vs_why *why, const struct vs_ev_task *t, size_t change, size_t call)
{
	bool ours = why_frames__first(t, 0, VS_FRAME_VFIO) < call;	/* a frame may have been lost on the way */
	struct vs_why_case *c = add(why, ours ? VS_WHY_NOTIFIER_DEADLOCK : VS_WHY_CHAIN_DEADLOCK, t);

	if (!c)
		return -ENOMEM;
	c->reboot = VS_REBOOT_YES;
	memcpy(c->place, t->frames[change], sizeof(c->place));
	return why_case__prove_stack(c, min_size(call, 15));
}

static bool find_chain(const struct vs_ev_task *t, size_t *change, size_t *call)
{
	*change = why_frames__first(t, 0, VS_FRAME_CHAIN);
	*call = why_frames__first(t, *change, VS_FRAME_CALL);
	if (*call == t->nr_frames)
		*call = vs_ev_task__find(t, *change, "__blocking_notifier_call_chain");
	return *call < t->nr_frames && *change <= 1 &&
	       (t->logged.wait == VS_WAIT_RWSEM || t->logged.wait == VS_WAIT_UNKNOWN);
}

/* -- tasks to cases -- */

/* This made the kernel panic, so no task waits any more. */
static bool has_panicked(const struct vs_evidence *e, const struct vs_ev_task *t)
{
	const struct vs_ev_message *m = message(e, t->logged.boot, VS_MSG_PANIC, NULL);

	return m && (m->first_ns == VS_EV_UNKNOWN || t->logged.last_ns == VS_EV_UNKNOWN ||
		     m->first_ns < t->logged.last_ns + 10 * SECOND);
}

/* A device that does not come back, or an IOMMU that does not answer, however it was called. */
bool why_logged__is_of_hardware(const char *frame)
{
	static const char *const names[] = { "pci_dev_wait", "pcie_wait_for_link", "pci_bridge_wait_for_",
		"pci_power_up", "pci_set_power_state", "pci_raw_set_power_state", "qi_", "dmar_", "intel_iommu_",
		"iommu_completion_wait", "amd_iommu_", "arm_smmu_", "wait_on_sem", "pcie_flr", "pci_af_flr" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strncmp(frame, names[i], strlen(names[i])))
			return true;
	return false;
}

/* iommufd waits for other users of an object, but not forever. */
static bool waits_in_iommufd(const struct vs_ev_task *t)
{
	return t->logged.wait == VS_WAIT_TIMED && t->nr_frames && !why_frames__iommufd(t);
}

static int add_iommufd(struct vs_why *why, const struct vs_ev_task *t)
{
	struct vs_why_case *c = add(why, VS_WHY_IN_USE, t);

	if (!c)
		return -ENOMEM;
	c->confidence = VS_LOW;
	c->at_most_ns = 60 * SECOND;
	return why_case__prove_stack(c, 6);
}

/* A task that was reported once may have been there for a moment only. */
static bool runs_for_long(const struct vs_ev_task *t)
{
	return t->logged.told == VS_TOLD_RUNS ||
	       (t->logged.told == VS_TOLD_CPU && t->logged.reports > 1 && t->tid &&
		t->logged.last_ns != VS_EV_UNKNOWN && t->logged.last_ns >= t->logged.first_ns + 2 * SECOND);
}

/*
 * Kernels without frame pointers (Debian's up to v4.8) mark every frame with "? ". Which of them are left from
 * earlier calls is not known, but the order of these is of no other call.
 */
static int add_loose(struct vs_why *why, const struct vs_evidence *e, const struct vs_ev_task *t)
{
	size_t nr = why->nr_cases, change, call;
	int err;

	if (t->lock_name[0])
		return 0;
	if (find_chain(t, &change, &call))
		err = add_chain(why, t, change, call);
	else
		err = why_frames__unregister(t) ? 0 : add_unregister(why, e, t, 0);
	if (err || why->nr_cases == nr)
		return err;
	why->cases[nr].confidence = VS_LOW;
	why->cases[nr].either |= why->cases[nr].verdict == VS_WHY_CONTAINER_STALL;
	return why_case__prove(&why->cases[nr], "each frame has a \"? \": the kernel is not certain of any");
}

static bool is_loose_only(const struct vs_ev_task *t)
{
	return t->logged.loose && !t->logged.torn && t->logged.wait != VS_WAIT_NOT &&
	       t->logged.told <= VS_TOLD_BARE && t->nr_frames;
}

static int add_root(struct vs_why *why, const struct vs_evidence *e, const struct vs_ev_task *t)
{
	size_t change, call, frame;

	if (t->logged.told == VS_TOLD_DIED && has_flag(t, VS_FRAME_VFIO) && has_flag(t, VS_FRAME_DRIVER) &&
	    !has_panicked(e, t))
		return add_dead(why, e, t);
	if (runs_for_long(t) && has_flag(t, VS_FRAME_VFIO) && !t->logged.loose)
		return add_running(why, e, t);
	if (is_loose_only(t))
		return add_loose(why, e, t);
	if (!why_logged__sleeps(t))
		return 0;
	if (find_chain(t, &change, &call))
		return add_chain(why, t, change, call);
	frame = why_frames__unregister(t);
	if (!frame && t->lock_kind == VS_EV_NO_LOCK)
		return add_unregister(why, e, t, frame);
	if (waits_in_iommufd(t))
		return add_iommufd(why, t);
	if (t->owner)
		return 0;
	if (has_flag(t, VS_FRAME_VFIO) && why_logged__is_of_hardware(t->frames[0]))
		return add_driver(why, e, t, 0);
	frame = why_frames__driver(t);
	if (frame < t->nr_frames && !why_frames__is_core(t->frames[frame]) && !has_flag(t, VS_FRAME_VFIO) &&
	    !t->lock_name[0])
		return add_driver(why, e, t, frame);
	return 0;
}

/* -- who waits for whom -- */

static bool waits_for(const struct vs_why_case *c, const struct vs_evidence *e, const struct vs_ev_task *t,
		      const struct vs_ev_task *of, bool *likely)
{
	(void)c;
	*likely = t->owner_reads;
	return why_tree__owner(e, t) == of;
}

static int add_victims(struct vs_why_case *c, const struct vs_evidence *e)
{
	struct why_tree tree = { e->logged, e->nr_logged, waits_for };

	return why_tree__grow(c, e, &tree);
}

/* A process that ends closes its files one after the other: while it waits in one, the rest is open. */
static bool is_dying_user(const struct vs_ev_task *t)
{
	return why_logged__sleeps(t) && has(t, "do_exit") && has_flag(t, VS_FRAME_VFIO) &&
	       (has(t, "__fput") || has(t, "task_work_run"));
}

/*
 * A user of the device may read its sysfs (DPDK does at each scan of the bus) or reset it: both ask for the
 * lock that the removal has. A task that binds or unbinds is no user.
 */
bool why_logged__may_be_user(const struct vs_ev_task *t)
{
	static const char *const names[] = { "sriov_numvfs_show", "uevent_show", "pci_dev_lock", "pci_reset_function" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!vs_ev_task__find(t, 0, names[i]))
			return true;
	return false;
}

/* Returns a task that died inside of VFIO, and may have had the device open; NULL: none. */
const struct vs_ev_task *why_logged__dead_user(const struct vs_evidence *e, uint32_t boot)
{
	for (size_t i = 0; i < e->nr_logged; i++) {
		const struct vs_ev_task *t = &e->logged[i];

		if (t->logged.told == VS_TOLD_DIED && t->logged.boot == boot && has_flag(t, VS_FRAME_VFIO) &&
		    !has_flag(t, VS_FRAME_DRIVER) && !has_panicked(e, t))
			return t;
	}
	return NULL;
}

static int mind_the_dead(struct vs_why_case *c, const struct vs_evidence *e)
{
	uint32_t boot = c->task ? c->task->logged.boot : c->message ? c->message->boot : 0;
	const struct vs_ev_task *dead = why_logged__dead_user(e, boot);

	if (!dead || (c->verdict != VS_WHY_IN_USE && c->verdict != VS_WHY_CONTAINER_STALL &&
		      c->verdict != VS_WHY_COLLATERAL && c->verdict != VS_WHY_UNEXPLAINED))
		return 0;
	if (c->reboot == VS_REBOOT_NO)
		c->reboot = VS_REBOOT_UNKNOWN;
	return why_case__prove_stack_of(c, dead, 6);
}

static void mind_users(struct vs_why_case *c)
{
	for (size_t i = 0; i < c->nr_victims; i++)
		if (c->verdict == VS_WHY_IN_USE && c->reboot == VS_REBOOT_NO &&
		    why_logged__may_be_user(c->victims[i].task))
			c->reboot = VS_REBOOT_UNKNOWN;
}

/* If the device's user itself waits for the waiter, nothing but a reset ends that. */
static int find_back(struct vs_why_case *c)
{
	if (c->verdict != VS_WHY_IN_USE)
		return 0;
	for (size_t i = 0; i < c->nr_victims && !c->waits_back; i++)
		if (is_dying_user(c->victims[i].task))
			c->waits_back = c->victims[i].task;
	if (!c->waits_back)
		return 0;
	c->reboot = VS_REBOOT_YES;
	c->cycle = true;
	return why_case__prove_stack_of(c, c->waits_back,
					min_size(vs_ev_task__find(c->waits_back, 0, "do_exit"), 12));
}

/* Returns true if it waits on the way to bind or unbind a device, or in VFIO. */
static bool is_open_question(const struct vs_ev_task *t)
{
	if (!why_logged__sleeps(t) || (t->logged.told != VS_TOLD_HUNG && t->state != 'D' && t->state != '?'))
		return false;
	return t->lock_name[0] || t->logged.owner ?
		       t->lock_name[0] || has_flag(t, VS_FRAME_VFIO | VS_FRAME_DRIVER) :
		       has_flag(t, VS_FRAME_VFIO);
}

bool why_logged__is_vague(const struct vs_why_case *c)
{
	return !c->task && c->message && c->confidence == VS_LOW;
}

/* A task that waits or runs is a likelier root than what a vague message is about. */
static struct vs_why_case *only_root_of(struct vs_why *why, uint32_t boot, bool vague, bool *several)
{
	struct vs_why_case *found = NULL;

	for (size_t i = 0; i < why->nr_cases; i++) {
		struct vs_why_case *c = &why->cases[i];
		uint32_t of = c->task ? c->task->logged.boot : c->message ? c->message->boot : boot;

		if (of != boot || c->verdict == VS_WHY_COLLATERAL || c->verdict == VS_WHY_UNEXPLAINED ||
		    why_logged__is_vague(c) != vague)
			continue;
		*several |= found != NULL;
		found = c;
	}
	return *several ? NULL : found;
}

/* Returns the case that it probably waits for, if its boot has just one. */
static struct vs_why_case *only_root(struct vs_why *why, uint32_t boot)
{
	bool several = false;
	struct vs_why_case *root = only_root_of(why, boot, false, &several);

	return root || several ? root : only_root_of(why, boot, true, &several);
}

/* It may wait for a device's lock for reasons that have nothing to do with VFIO: AER, a reader of sysfs, a reset. */
static bool is_aside(const struct vs_ev_task *t)
{
	return why_logged__may_be_user(t) ||
	       (t->nr_frames && !strncmp(t->frames[0], "report_", 7) && has(t, "pci_walk_bus"));
}

/* A task that waits for users, or for the container, does not have an IOMMU group's lock. */
static bool may_have(const struct vs_why_case *root, const struct vs_ev_task *t)
{
	if (t->lock_kind == VS_EV_NO_LOCK && !t->lock_name[0])
		return false;
	return strcmp(t->lock_name, VS_LOCK_OF_IOMMU_GROUP) || root->verdict == VS_WHY_NOT_VFIO ||
	       root->verdict == VS_WHY_DEAD_OWNER;
}

static bool has_device_lock(const struct vs_ev_task *t)
{
	static const char *const names[] = { "device_release_driver_internal", "__device_release_driver", "really_probe",
		"driver_detach", "device_driver_attach", "__driver_attach", "__device_attach" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (has(t, names[i]))
			return true;
	return false;
}

/* Returns a task that died in another driver while it bound or unbound a device: it died with that lock. */
const struct vs_ev_task *why_logged__dead_driver(const struct vs_evidence *e, uint32_t boot)
{
	for (size_t i = 0; i < e->nr_logged; i++) {
		const struct vs_ev_task *t = &e->logged[i];

		if (t->logged.told == VS_TOLD_DIED && t->logged.boot == boot && has_device_lock(t) &&
		    !has_flag(t, VS_FRAME_VFIO) && !has_panicked(e, t))
			return t;
	}
	return NULL;
}

/* The task probably waits for the lock of the dead one. */
static int add_dead_driver(struct vs_why *why, const struct vs_evidence *e, const struct vs_ev_task *dead,
			   const struct vs_ev_task *t)
{
	int err = add_dead(why, e, dead);

	if (err)
		return err;
	why->cases[why->nr_cases - 1].confidence = VS_LOW;
	return why_tree__add(&why->cases[why->nr_cases - 1], 0, t, 1, true);
}

static int add_question(struct vs_why *why, const struct vs_evidence *e, const struct vs_ev_task *t)
{
	const struct vs_ev_task *top = why_tree__top(e, t);
	struct vs_why_case *root = only_root(why, t->logged.boot), *c;
	const struct vs_ev_task *dead = why_logged__dead_driver(e, t->logged.boot);
	bool own = has_flag(t, VS_FRAME_VFIO);

	if (top != t && why_tree__explains(why, top))
		return 0;
	if (root && may_have(root, t)) {
		if (!root->task)	/* it is held up still */
			root->confidence = VS_MEDIUM;
		return why_tree__add(root, root->nr_victims, t, 1, true);
	}
	if (!root && top == t && dead && !strcmp(t->lock_name, "lock of a device"))
		return add_dead_driver(why, e, dead, t);
	if (top == t && is_aside(t) && !own)
		return 0;
	if (top != t && why_logged__sleeps(top))
		c = add(why, VS_WHY_NOT_VFIO, top);
	else
		c = add(why, own && !t->lock_name[0] ? VS_WHY_UNEXPLAINED : VS_WHY_COLLATERAL, t);
	if (!c)
		return -ENOMEM;
	c->reboot = top == t && is_shutting_down(t) ? VS_REBOOT_YES : VS_REBOOT_UNKNOWN;
	c->confidence = VS_LOW;
	return why_case__prove_stack(c, 9) ?: add_victims(c, e);
}

/* -- messages without a stack -- */

static bool has_case_of(const struct vs_why *why, const char *device, uint32_t boot)
{
	for (size_t i = 0; i < why->nr_cases; i++)
		if (!strcmp(why->cases[i].device, device) && why->cases[i].message &&
		    why->cases[i].message->boot == boot)
			return true;
	return false;
}

static int add_message(struct vs_why *why, const struct vs_evidence *e, const struct vs_ev_message *m)
{
	struct vs_why_case *c;

	if (!m->device[0] || has_case_of(why, m->device, m->boot) || is_over(e, m))
		return 0;
	c = add(why, VS_WHY_IN_USE, NULL);
	if (!c)
		return -ENOMEM;
	c->message = m;
	memcpy(c->device, m->device, sizeof(c->device));
	c->confidence = m->rounds || m->kind == VS_MSG_BLOCKED ? VS_MEDIUM : VS_LOW;
	return prove_messages(c, e, m->boot);
}

static int add_messages(struct vs_why *why, const struct vs_evidence *e)
{
	int err = 0;

	for (size_t i = 0; !err && i < e->nr_messages; i++)
		if (e->messages[i].kind <= VS_MSG_BLOCKED || e->messages[i].kind == VS_MSG_NO_HOTPLUG)
			err = add_message(why, e, &e->messages[i]);
	return err;
}

int why_logged__add(struct vs_why *why, const struct vs_evidence *e)
{
	int err = 0;

	for (size_t i = 0; !err && i < e->nr_logged; i++)
		err = add_root(why, e, &e->logged[i]);
	for (size_t i = 0; !err && i < why->nr_cases; i++)
		err = add_victims(&why->cases[i], e) ?: find_back(&why->cases[i]);
	err = err ?: add_messages(why, e);
	for (size_t i = 0; !err && i < e->nr_logged; i++)
		if (is_open_question(&e->logged[i]) && !why_tree__explains(why, &e->logged[i]))
			err = add_question(why, e, &e->logged[i]);
	for (size_t i = 0; !err && i < why->nr_cases; i++) {
		mind_users(&why->cases[i]);
		err = mind_the_dead(&why->cases[i], e);
	}
	return err;
}

/* -- beside a host -- */

__attribute__((format(printf, 2, 3)))
static int note(struct vs_why *why, const char *format, ...)
{
	char (*line)[VS_WHY_PROOF_LEN];
	va_list args;

	if (why->nr_notes == MOST_NOTES)
		return 0;
	line = vs_rows__add(&why->notes, &why->nr_notes, sizeof(*line));
	if (!line)
		return -ENOMEM;
	va_start(args, format);
	vsnprintf(*line, sizeof(*line), format, args);
	va_end(args);
	return 0;
}

/*
 * The wait begins with the first request to the user. It is this wait's if the task is old enough, and
 * nothing has ended it since.
 */
static void take_since(struct vs_why *why, const struct vs_evidence *e, const struct vs_ev_message *m)
{
	for (size_t i = 0; i < why->nr_cases; i++) {
		struct vs_why_case *c = &why->cases[i];
		uint64_t since = e->log_now_ns - m->first_ns;

		if (c->verdict != VS_WHY_IN_USE || strcmp(c->device, m->device) || is_over(e, m) ||
		    m->first_ns == VS_EV_UNKNOWN || m->first_ns > e->log_now_ns)
			continue;
		if (c->at_most_ns == VS_EV_UNKNOWN || since > c->at_most_ns ||
		    (c->since_ns != VS_EV_UNKNOWN && since < c->since_ns))
			continue;
		c->since_ns = since;
		c->message = m;
	}
}

static int note_message(struct vs_why *why, const struct vs_evidence *e, const struct vs_ev_message *m)
{
	double at = m->last_ns == VS_EV_UNKNOWN ? 0 : (double)m->last_ns / 1e9;

	switch (m->kind) {
	case VS_MSG_REQUESTED:
		take_since(why, e, m);
		return note(why, "[%.3f] %s: VFIO asked its user to let go, up to request #%u", at, m->device,
			    m->rounds);
	case VS_MSG_NO_CHANNEL:
		take_since(why, e, m);
		return note(why, "[%.3f] %s: its user has no request channel: VFIO cannot ask it", at, m->device);
	case VS_MSG_IOMMUFD_TIMEOUT:
		return note(why, "[%.3f] iommufd gave up a wait for an object in use", at);
	case VS_MSG_DEVICE_GONE:
		return note(why, "[%.3f] %s does not answer any more", at, m->device[0] ? m->device : "a device");
	case VS_MSG_LINK_DOWN:
		return note(why, "[%.3f] %s: PCIe link down, or the card is gone", at,
			    m->device[0] ? m->device : "a slot");
	case VS_MSG_IOMMU_TIMEOUT:
		return note(why, "[%.3f] the IOMMU was not answered in time", at);
	case VS_MSG_DRIVER_BUSY:
		return note(why, "[%.3f] nvidia waits until nobody has %s open any more", at,
			    m->device[0] ? m->device : "a device");
	default:
		return 0;
	}
}

/* Notes a task that died with a device's lock, or that runs without an end: memory does not tell these. */
static int note_task(struct vs_why *why, const struct vs_ev_task *t)
{
	bool dead = t->logged.told == VS_TOLD_DIED && has_flag(t, VS_FRAME_VFIO | VS_FRAME_DRIVER);
	double at = t->logged.last_ns == VS_EV_UNKNOWN ? 0 : (double)t->logged.last_ns / 1e9;
	char who[VS_TASK_LEN];

	why_logged__name(t, who, sizeof(who));
	if (dead)
		return note(why, "[%.3f] %s died in %s%s", at, who, t->frames[0],
			    has_flag(t, VS_FRAME_DRIVER) ? ", with a device's lock held" : "");
	if (t->logged.told == VS_TOLD_RUNS && has_flag(t, VS_FRAME_VFIO))
		return note(why, "[%.3f] %s ran without an end in %s", at, who, t->frames[0]);
	return 0;
}

/* A message about another device than the one that was asked for, or than those of the cases, says nothing of it. */
static bool is_wanted(const struct vs_why *why, const struct vs_evidence *e, const struct vs_why_subject *s,
		      const struct vs_ev_message *m)
{
	const struct vs_snap_device *d = why_device__named(e, m->device);

	if (!m->device[0] || (!s->device && s->group < 0 && !s->pid) || (s->device && !strcmp(s->device, m->device)))
		return true;
	if (s->group >= 0 && (!d || d->number == s->group))
		return true;
	for (size_t i = 0; i < why->nr_cases; i++)
		if (!strcmp(why->cases[i].device, m->device))
			return true;
	return false;
}

int why_logged__add_notes(struct vs_why *why, const struct vs_evidence *e, const struct vs_why_subject *s)
{
	int err = 0;

	for (size_t i = 0; !err && i < e->nr_logged; i++)
		err = note_task(why, &e->logged[i]);
	for (size_t i = 0; !err && i < e->nr_messages; i++)
		if (is_wanted(why, e, s, &e->messages[i]))
			err = note_message(why, e, &e->messages[i]);
	return err;
}

/* -- nothing waits, as far as the text shows -- */

static const char *told_words(const struct vs_ev_task *t)
{
	switch (t->logged.told) {
	case VS_TOLD_DIED:
		return "died in";
	case VS_TOLD_WARNED:
		return "was warned of, and went on, in";
	case VS_TOLD_POSSIBLE:
		return "took locks in an order that may deadlock (lockdep); nobody waits, in";
	case VS_TOLD_RUNS:
	case VS_TOLD_CPU:
		return "ran in";
	default:
		return t->logged.torn || t->logged.loose ? "is in (its stack is not whole)" : "waits in";
	}
}

bool why_logged__is_of_kernel(const struct vs_evidence *e)
{
	return e->log_of_kernel || e->nr_logged || e->nr_messages;
}

static bool is_worth_a_line(const struct vs_ev_task *t)
{
	return has_flag(t, VS_FRAME_VFIO) || why_logged__sleeps(t) || t->logged.told == VS_TOLD_HUNG ||
	       (t->logged.told == VS_TOLD_DIED && has_device_lock(t));
}

/* A wait that has ended, or a message about a device from another driver, is no case, but worth a line. */
static int prove_said(struct vs_why_case *c, const struct vs_evidence *e, const struct vs_ev_message *m)
{
	const char *device = m->device[0] ? m->device : "a device";

	switch (m->kind) {
	case VS_MSG_REQUESTED:
		return !is_over(e, m) ? 0 : why_case__prove(c, "%s was in use, up to request #%u to its user; that "
							    "wait has ended", device, m->rounds);
	case VS_MSG_IOMMUFD_TIMEOUT:
		return why_case__prove(c, "iommufd gave up a wait for an object that was in use: at most "
				       "10 s, 60 s from v6.13 on");
	case VS_MSG_DEVICE_GONE:
		return why_case__prove(c, "%s did not come back from a reset or from D3", device);
	case VS_MSG_LINK_DOWN:
		return prove_link_down(c, m);
	case VS_MSG_IOMMU_TIMEOUT:
		return why_case__prove(c, "a device did not answer the IOMMU in time");
	case VS_MSG_DRIVER_BUSY:
		return why_case__prove(c, "nvidia waits until nobody has %s open any more", device);
	default:
		return 0;
	}
}

int why_logged__add_nothing(struct vs_why *why, const struct vs_evidence *e,
			    const struct vs_why_subject *s)
{
	struct vs_why_case *c = add(why, VS_WHY_NOT_SHOWN, NULL);
	char who[VS_TASK_LEN];
	int err = 0;

	if (!c)
		return -ENOMEM;
	c->confidence = why_logged__is_of_kernel(e) ? VS_MEDIUM : VS_LOW;
	c->reboot = VS_REBOOT_UNKNOWN;
	if (s->device)
		snprintf(c->device, sizeof(c->device), "%s", s->device);
	for (size_t i = 0; !err && i < e->nr_logged; i++) {
		const struct vs_ev_task *t = &e->logged[i];
		size_t at = why_frames__first(t, 0, VS_FRAME_VFIO);

		if (!is_worth_a_line(t))
			continue;
		if (!t->nr_frames) {
			err = why_case__prove(c, "%s waits: its stack is cut off",
					      why_logged__name(t, who, sizeof(who)));
			continue;
		}
		at = at < t->nr_frames && t->logged.told > VS_TOLD_BARE ? at : 0;
		err = why_case__prove(c, "%s %s %s", why_logged__name(t, who, sizeof(who)),
				      told_words(t), t->frames[at]);
	}
	for (size_t i = 0; !err && i < e->nr_messages; i++)
		err = prove_said(c, e, &e->messages[i]);
	return err;
}

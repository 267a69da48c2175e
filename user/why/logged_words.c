// SPDX-License-Identifier: GPL-2.0
/* Writes the sentences of a case that a log shows: what it is, what the log does not tell, what to do. */
#include <stdio.h>
#include <string.h>

#include "base/name.h"
#include "base/words.h"
#include "evidence/names.h"
#include "why/classify_priv.h"

#define SAY(c, ...) vs_words__append((c)->says, sizeof((c)->says), __VA_ARGS__)
#define NEXT(c, ...) vs_words__append((c)->next, sizeof((c)->next), __VA_ARGS__)

const char *why_logged__name(const struct vs_ev_task *t, char *buf, size_t size)
{
	char name[VS_TASK_LEN];

	if (t->comm[0] && !t->tid)
		vs_name__quote(name, sizeof(name), t->comm, VS_COMM_LEN);
	else
		vs_name__task(name, t->comm, t->tid, 0);
	snprintf(buf, size, "%s", name);
	return buf;
}

static const char *device(const struct vs_why_case *c)
{
	return c->device[0] ? c->device : "a device";
}

static const char *function(const char *place, char *buf, size_t size)
{
	const char *module = strchr(place, '[');

	snprintf(buf, size, "%.*s%s%s", (int)strcspn(place, "+ ["), place, module ? " " : "",
		 module ? module : "");
	return buf;
}

static bool stands_in(const struct vs_ev_task *t, const char *name)
{
	return vs_ev_task__find(t, 0, name) < t->nr_frames;
}

static const char reset_words[] =
	"only a reset frees it; an orderly reboot hangs as well. Stop or move the guests, sync, then "
	"echo b > /proc/sysrq-trigger, or reset by the BMC";

static const char shutdown_words[] =
	"the host is shutting down: a hard reset (BMC, or echo b > /proc/sysrq-trigger)";

static const char busy_words[] =
	"end who has it open (fuser -v /dev/nvidia*), also nvidia-persistenced and device plugins";

/* The path by which the device was to leave, as the waiter's stack has it. */
static const char *way(const struct vs_ev_task *t)
{
	static const struct {
		const char *function, *words;
	} ways[] = {
		{ "pciehp_unconfigure_device", "the device was pulled or its slot was switched off" },
		{ "acpiphp_disable_and_eject_slot", "hot-unplug by ACPI" },
		{ "acpi_device_hotplug", "hot-unplug by ACPI" },
		{ "sriov_disable", "virtual functions were to go" },
		{ "pci_iov_remove_virtfn", "virtual functions were to go" },
		{ "mdev_device_remove", "the mediated device was to go" },
		{ "device_shutdown", "the host was to shut down" },
		{ "remove_store", "by sysfs: remove" },
		{ "unbind_store", "by sysfs: unbind" },
		{ "driver_unregister", "a module was unloaded" },
	};

	for (size_t i = 0; t && i < sizeof(ways) / sizeof(ways[0]); i++)
		if (stands_in(t, ways[i].function))
			return ways[i].words;
	return NULL;
}

static const struct vs_ev_message *message(const struct vs_evidence *e, const struct vs_why_case *c,
					   enum vs_ev_message_kind kind)
{
	for (size_t i = 0; i < e->nr_messages; i++)
		if (e->messages[i].kind == kind && c->device[0] &&
		    !strcmp(e->messages[i].device, c->device))
			return &e->messages[i];
	return NULL;
}

static const struct vs_ev_message *any_message(const struct vs_evidence *e, enum vs_ev_message_kind kind)
{
	for (size_t i = 0; i < e->nr_messages; i++)
		if (e->messages[i].kind == kind)
			return &e->messages[i];
	return NULL;
}

static void say_cycle(struct vs_why_case *c)
{
	char who[VS_TASK_LEN], holder[VS_TASK_LEN];

	why_logged__name(c->task, who, sizeof(who));
	why_logged__name(c->waits_back, holder, sizeof(holder));
	SAY(c, "a cycle: %s waits until a user of the device lets go. %s is ending and has files of VFIO "
	       "still to close; it waits behind %s itself (see BEHIND IT). None of them can go on.", who,
	    holder, who);
	NEXT(c, "%s. %s is killed already: nothing is left to close or unmap", reset_words, holder);
}

static bool may_wait_itself(const struct vs_why_case *c)
{
	for (size_t i = 0; i < c->nr_victims; i++)
		if (why_logged__may_be_user(c->victims[i].task))
			return true;
	return false;
}

static void find_holder(const struct vs_evidence *e, struct vs_why_case *c)
{
	NEXT(c, "%s log does not show the holder. While the host hangs: vfioscope why%s%s names it (or: "
		"fuser -v /dev/vfio/*). ", c->next[0] ? "A" : "a", c->device[0] ? " " : "", c->device);
	if (message(e, c, VS_MSG_NO_HOTPLUG))
		NEXT(c, "The guest has the device on a bus without hot-unplug: a detach cannot work, shut "
			"the VM down. ");
	else if (message(e, c, VS_MSG_NO_CHANNEL))
		NEXT(c, "Its user was never asked: it has no request channel (DPDK, SPDK, an old QEMU). Close "
			"the device there, or end it. ");
	else
		NEXT(c, "Shut the VM down, or end the process that has it open. ");
	NEXT(c, "What waits then ends by itself");
	if (may_wait_itself(c))
		NEXT(c, ". If that process is one of those BEHIND IT, it waits for itself: no signal ends that, "
			"only a reset does");
}

/* A file whose release died, or that was in use by who died, is never released. */
static void say_dead_user(const struct vs_evidence *e, struct vs_why_case *c)
{
	const struct vs_ev_task *dead = why_logged__dead_user(e, c->task ? c->task->logged.boot :
							      c->message ? c->message->boot : 0);
	char who[VS_TASK_LEN], place[VS_SITE_LEN];

	if (!dead)
		return;
	function(dead->frames[0], place, sizeof(place));
	why_logged__name(dead, who, sizeof(who));
	if (c->verdict == VS_WHY_IN_USE || c->verdict == VS_WHY_CONTAINER_STALL) {
		SAY(c, " %s died in %s (see PROOF): if it had the device open, nobody gives that back.", who, place);
		NEXT(c, "if no process has it open any more: %s. ", reset_words);
	} else {
		SAY(c, " %s died in %s (see PROOF): if it had what is waited for, nobody gives that back.", who,
		    place);
		NEXT(c, "if so, %s. ", reset_words);
	}
}

static void say_in_use(const struct vs_evidence *e, struct vs_why_case *c)
{
	const char *how = way(c->task);
	char who[VS_TASK_LEN];

	if (c->waits_back) {
		say_cycle(c);
		return;
	}
	if (!c->task) {
		SAY(c, "%s was in use when it was to leave VFIO", device(c));
		if (c->since_ns == VS_EV_UNKNOWN && !c->nr_victims)
			SAY(c, ". Whether that wait has ended, this text does not show");
		SAY(c, ". Who waits is not in this text%s.", c->message && c->message->pid ?
		    ", but for its name (see PROOF)" : "");
		if (c->nr_victims)
			SAY(c, " %s waits for the %s, as it seems behind this: it is collateral.",
			    why_logged__name(c->victims[0].task, who, sizeof(who)), c->victims[0].lock);
	} else if (c->at_most_ns != VS_EV_UNKNOWN) {
		SAY(c, "%s waits until an object of iommufd is let go, for 60 s at most, 10 s on older kernels.",
		    why_logged__name(c->task, who, sizeof(who)));
	} else if (c->either) {
		SAY(c, "%s waits in the removal of %s from VFIO. Either it is in use, or its group is still "
		       "in a container: this text fits both.", why_logged__name(c->task, who, sizeof(who)),
		    device(c));
		if (c->task->logged.told == VS_TOLD_HUNG)	/* of an old kernel: both are hung in D there */
			NEXT(c, "in both cases its user has to let go. ");
		else
			NEXT(c, "what would tell: the state of the task in ps (S: in use; D, and the kernel reports it "
				"as hung: the container). In both cases its user has to let go. ");
	} else {
		SAY(c, "%s cannot leave VFIO: it is in use. %s waits for its release%s%s.", device(c),
		    why_logged__name(c->task, who, sizeof(who)), how ? ": " : "", how ? how : "");
	}
	say_dead_user(e, c);
	find_holder(e, c);
}

static void say_stall(const struct vs_evidence *e, struct vs_why_case *c)
{
	char who[VS_TASK_LEN];

	SAY(c, "%s is released, but its group is still in a container. %s waits until it has left, without a "
	       "timeout. Who has the container open, a log does not show.", device(c),
	    why_logged__name(c->task, who, sizeof(who)));
	say_dead_user(e, c);
	NEXT(c, "%shile the host hangs: vfioscope why names who has /dev/vfio/vfio and the group's file open "
		"(or: fuser -v /dev/vfio/*). Shut that VM down or end that process; what waits then ends by "
		"itself", c->next[0] ? "W" : "w");
}

static void say_dead(struct vs_why_case *c)
{
	char who[VS_TASK_LEN], place[VS_SITE_LEN];

	SAY(c, "%s died in %s, with the lock of the device that it was in. Nobody can give that lock back: who "
	       "waits for it waits for ever.", why_logged__name(c->task, who, sizeof(who)),
	    function(c->place, place, sizeof(place)));
	NEXT(c, "%s. Report the oops to who maintains %s", reset_words,
	     function(c->place, place, sizeof(place)));
}

static void say_chain(struct vs_why_case *c)
{
	char who[VS_TASK_LEN];

	SAY(c, "%s waits for itself, for ever: a callback unregisters from the notifier chain that is calling it.",
	    why_logged__name(c->task, who, sizeof(who)));
	NEXT(c, "%s", reset_words);
	if (c->verdict == VS_WHY_NOTIFIER_DEADLOCK)
		NEXT(c, ". Then run a kernel with \"vfio: Fix group release deadlock\" (811642d8d8a8, v4.13)");
	else
		NEXT(c, ". This is not VFIO's notifier: report the stack below");
}

static const char *moved(const struct vs_ev_task *t)
{
	if (stands_in(t, "vfio_pin_map_dma") || stands_in(t, "vfio_pin_pages_remote"))
		return "much memory is pinned";
	if (stands_in(t, "vfio_unmap_unpin") || stands_in(t, "vfio_remove_dma") ||
	    stands_in(t, "vfio_dma_do_unmap") || stands_in(t, "tce_iommu_clear") || stands_in(t, "vfio_unpin_pages_remote"))
		return "much memory is unmapped";
	return stands_in(t, "vfio_dma_do_map") ? "much memory is pinned" : "a large BAR of the device is mapped";
}

static void say_running(struct vs_why_case *c)
{
	char who[VS_TASK_LEN], place[VS_SITE_LEN], cpu[32] = "";

	if (c->task->logged.cpu >= 0)
		snprintf(cpu, sizeof(cpu), " on CPU %d", c->task->logged.cpu);
	function(c->place, place, sizeof(place));
	SAY(c, "%s%s runs%s in %s, inside of VFIO, and does not come to an end%s.",
	    c->verdict == VS_WHY_NOT_VFIO ? "this is not VFIO: " : "",
	    why_logged__name(c->task, who, sizeof(who)), cpu, place,
	    c->reboot == VS_REBOOT_NO ? " soon" : "");
	if (c->device[0])
		SAY(c, " %s does not answer any more.", c->device);
	if (c->reboot == VS_REBOOT_NO)
		NEXT(c, "wait: %s here, and it ends by itself. If it does not for minutes: "
			"see the IOMMU's messages in the log", moved(c->task));
	else if (c->reboot != VS_REBOOT_YES && !why_logged__asks_hardware(c->task))
		NEXT(c, "the text does not tell what keeps it there. A later report of the same task in another "
			"function means that it goes on. If it stays in %s for minutes: a reset", place);
	else
		NEXT(c, "%s: what it waits for in %s does not answer. Look for a device that is "
			"gone (PCIe errors, D3cold, link down) before it in the log",
		     c->reboot == VS_REBOOT_YES ? "a reset is needed" : "a reset may be needed", place);
}

/* nv_pci_remove() sleeps half a second at a time until the count of its users is zero. */
static bool polls_for_users(const struct vs_evidence *e, const struct vs_ev_task *t)
{
	bool said = false;

	for (size_t i = 0; i < e->nr_messages; i++)
		said |= e->messages[i].kind == VS_MSG_DRIVER_BUSY && e->messages[i].boot == t->logged.boot;
	return stands_in(t, "nv_pci_remove") && (said || stands_in(t, "os_delay"));
}

static void say_driver(const struct vs_evidence *e, struct vs_why_case *c)
{
	char who[VS_TASK_LEN], place[VS_SITE_LEN];
	const char *module = strchr(c->place, '[');

	if (c->task->logged.told == VS_TOLD_RUNS || c->task->logged.told == VS_TOLD_CPU) {
		say_running(c);
		return;
	}
	SAY(c, "this is not VFIO: %s waits in %s", why_logged__name(c->task, who, sizeof(who)),
	    function(c->place, place, sizeof(place)));
	if (c->driver_lock)
		SAY(c, ", for a lock whose owner this text does not show");
	SAY(c, ".%s", c->nr_victims ? " Others wait behind it." : "");
	if (why_frames__first(c->task, 0, VS_FRAME_VFIO) < c->task->nr_frames)
		SAY(c, " VFIO called it, and the device or the IOMMU does not answer.");
	if (c->confidence == VS_LOW)
		SAY(c, " Whether it stays there, one look does not tell.");
	if (c->reboot == VS_REBOOT_YES)
		NEXT(c, "%s. ", shutdown_words);
	if (polls_for_users(e, c->task))
		NEXT(c, "nvidia's remove goes on once nobody has the device open: end who has it (fuser -v "
			"/dev/nvidia*), also nvidia-persistenced and device plugins. ");
	if (why_frames__first(c->task, 0, VS_FRAME_VFIO) < c->task->nr_frames) {
		NEXT(c, "See what the log says of the device before this: not ready after FLR, D3cold, link down. A "
			"reset gives up after about a minute. A device that does not come back is often back only "
			"after the host was powered off, not merely rebooted");
		return;
	}
	NEXT(c, "See what %.*s says in the log before this", module ? (int)strcspn(module + 1, " ]") :
	     (int)strlen("the driver"), module ? module + 1 : "the driver");
	if (c->driver_lock)
		NEXT(c, ", and who else is inside of it (echo t > /proc/sysrq-trigger)");
}

static void say_collateral(const struct vs_evidence *e, struct vs_why_case *c)
{
	const struct vs_ev_message *busy = any_message(e, VS_MSG_DRIVER_BUSY);
	char who[VS_TASK_LEN], owner[VS_TASK_LEN];

	SAY(c, "%s waits for the %s. ", why_logged__name(c->task, who, sizeof(who)),
	    c->task->lock_name[0] ? c->task->lock_name : "lock of another task");
	vs_name__quote(owner, sizeof(owner), c->task->logged.owner_comm, sizeof(c->task->logged.owner_comm));
	if (c->task->logged.owner)
		SAY(c, "Its owner is %s[%u], whose stack this text does not have.", owner,
		    c->task->logged.owner);
	else if (busy && busy->boot == c->task->logged.boot)
		SAY(c, "As it seems, nvidia's remove has it: that waits until nobody has %s open any more.",
		    busy->device[0] ? busy->device : "the device");
	else if (!strcmp(c->task->lock_name, VS_LOCK_OF_IOMMU_GROUP))
		SAY(c, "Who has it is not in this text: it may be who attaches or detaches the group.");
	else
		SAY(c, "Who has it is not in this text: a wait in VFIO for a device's users, in rounds of 10 s, is "
		       "never reported as hung.");
	say_dead_user(e, c);
	if (c->reboot == VS_REBOOT_YES) {
		NEXT(c, "%s", shutdown_words);
		return;
	}
	if (busy && busy->boot == c->task->logged.boot)
		NEXT(c, "%s. ", busy_words);
	NEXT(c, "%shile the host hangs: vfioscope why names who has the lock. Without it: echo t > "
		"/proc/sysrq-trigger, then vfioscope why --log on the kernel's log", c->next[0] ? "W" : "w");
}

static void say_unexplained(const struct vs_evidence *e, struct vs_why_case *c)
{
	char who[VS_TASK_LEN], place[VS_SITE_LEN];

	if (c->task->logged.told == VS_TOLD_RUNS || c->task->logged.told == VS_TOLD_CPU) {
		say_running(c);
		return;
	}
	if (c->task->logged.wait == VS_WAIT_MUTEX || c->task->logged.wait == VS_WAIT_RWSEM)
		SAY(c, "%s waits for a lock in %s, inside of VFIO. Who has it is not in this text.",
		    why_logged__name(c->task, who, sizeof(who)), function(c->place, place, sizeof(place)));
	else
		SAY(c, "%s waits in %s, inside of VFIO; the reason was not recognized.",
		    why_logged__name(c->task, who, sizeof(who)), function(c->place, place, sizeof(place)));
	say_dead_user(e, c);
	NEXT(c, "%sore would be told by all stacks: echo t > /proc/sysrq-trigger, then vfioscope why --log on the "
		"kernel's log; or vfioscope why while the host hangs", c->next[0] ? "M" : "m");
}

/* Reports that are cut off or mixed, of tasks that may wait. */
static size_t torn(const struct vs_evidence *e)
{
	size_t nr = 0;

	for (size_t i = 0; i < e->nr_logged; i++)
		nr += e->logged[i].logged.told <= VS_TOLD_BARE &&
		      (e->logged[i].logged.torn || e->logged[i].logged.loose || !e->logged[i].nr_frames);
	return nr;
}

/* Adds what else the text says of devices: it may be what the operator looks for. */
static void say_others(const struct vs_evidence *e, struct vs_why_case *c)
{
	const struct vs_ev_message *gone = any_message(e, VS_MSG_DEVICE_GONE);
	const struct vs_ev_message *busy = any_message(e, VS_MSG_DRIVER_BUSY);
	bool iommu = any_message(e, VS_MSG_IOMMU_TIMEOUT);

	if (busy)
		SAY(c, " But nvidia waits, before it gives %s away, until nobody has it open.",
		    busy->device[0] ? busy->device : "a device");
	if (gone || iommu)
		SAY(c, " %s %s did not answer (see PROOF): each open, reset or close of it takes long or fails.",
		    busy ? "And" : "But", gone && gone->device[0] ? gone->device : "a device");
	if (busy)
		NEXT(c, "%s. ", busy_words);
	if (gone || iommu)
		NEXT(c, "%s device that does not answer is often back only after the host was powered off, not "
			"merely rebooted. ", busy ? "A" : "a");
	if (c->next[0])
		SAY(c, " This is not VFIO's.");
}

/* The text shows no task that waits for a lock of the dead one, but there may be one. */
static void say_any_dead(const struct vs_evidence *e, struct vs_why_case *c)
{
	const struct vs_ev_task *user = NULL, *driver = NULL;
	char who[VS_TASK_LEN];

	for (size_t i = 0; i < e->nr_logged; i++) {
		user = user ?: why_logged__dead_user(e, e->logged[i].logged.boot);
		driver = driver ?: why_logged__dead_driver(e, e->logged[i].logged.boot);
	}
	if (user)
		SAY(c, " But %s died in VFIO: who waits for what it had open or locked may wait for ever.",
		    why_logged__name(user, who, sizeof(who)));
	if (driver)
		SAY(c, " But %s died while a device was bound or unbound, with its lock: who binds, unbinds or "
		       "removes that device waits for ever.", why_logged__name(driver, who, sizeof(who)));
}

static void say_nothing(const struct vs_evidence *e, struct vs_why_case *c)
{
	size_t cut = torn(e);

	SAY(c, "this text shows no wait for %s.", c->device[0] ? c->device : "VFIO");
	if (!why_logged__is_of_kernel(e)) {
		SAY(c, " No line of it looks like one of a kernel's log.");
		NEXT(c, "give it what the kernel wrote: dmesg > FILE, or journalctl -k > FILE, then vfioscope why "
			"--log FILE. On the host itself, while it hangs: vfioscope why");
		return;
	}
	say_any_dead(e, c);
	if (cut)
		SAY(c, " But %zu report%s cut off, mixed with another or not certain: what waits there cannot "
		       "be told.", cut, cut == 1 ? " is" : "s are");
	say_others(e, c);
	NEXT(c, "%s: a wait in rounds is in no hung-task report. While the "
		"host hangs: vfioscope why. Without it: echo w > /proc/sysrq-trigger and echo t, then "
		"vfioscope why --log on the kernel's log", c->next[0] ? "Something may wait for VFIO all the same" :
	     "that does not mean that nothing waits");
}

static uint32_t last_boot(const struct vs_evidence *e)
{
	uint32_t last = 0;

	for (size_t i = 0; i < e->nr_logged; i++)
		last = e->logged[i].logged.boot > last ? e->logged[i].logged.boot : last;
	for (size_t i = 0; i < e->nr_messages; i++)
		last = e->messages[i].boot > last ? e->messages[i].boot : last;
	return last;
}

/* With hung_task_panic, or in a log of several boots, that boot is over: its cases are history. */
static void say_ended(const struct vs_evidence *e, struct vs_why_case *c)
{
	uint32_t boot = c->task ? c->task->logged.boot : c->message ? c->message->boot : 0;
	const struct vs_ev_message *m = any_message(e, VS_MSG_PANIC);

	if (c->verdict == VS_WHY_NOT_SHOWN)
		return;
	if (boot < last_boot(e))
		SAY(c, " The host was booted after that, so it has ended since.");
	else if (m && m->boot == boot)
		SAY(c, " The kernel panicked in that boot, so it has ended since.");
}

static void say_case(const struct vs_evidence *e, struct vs_why_case *c)
{
	switch (c->verdict) {
	case VS_WHY_NOTIFIER_DEADLOCK:
	case VS_WHY_CHAIN_DEADLOCK:
		return say_chain(c);
	case VS_WHY_DEAD_OWNER:
		return say_dead(c);
	case VS_WHY_CONTAINER_STALL:
		return say_stall(e, c);
	case VS_WHY_IN_USE:
		return say_in_use(e, c);
	case VS_WHY_NOT_VFIO:
		return say_driver(e, c);
	case VS_WHY_COLLATERAL:
		return say_collateral(e, c);
	case VS_WHY_UNEXPLAINED:
		return say_unexplained(e, c);
	default:
		return say_nothing(e, c);
	}
}

void why_logged__advise(const struct vs_evidence *e, struct vs_why_case *c)
{
	say_case(e, c);
	say_ended(e, c);
}

// SPDX-License-Identifier: GPL-2.0
/* The words for what keeps a virtual machine from starting: what is so, and what to do about it. */
#include <stdio.h>
#include <string.h>

#include "base/words.h"
#include "why/start_priv.h"

#define SAY(b, ...) vs_words__append((b)->says, sizeof((b)->says), __VA_ARGS__)
#define NEXT(b, ...) vs_words__append((b)->next, sizeof((b)->next), __VA_ARGS__)
#define MOST_NAMED 3

/* Names a kind of device as people call it, by the class in its config space. */
static const char *class_words(uint32_t code)
{
	static const struct {
		uint32_t code, mask;
		const char *words;
	} classes[] = {
		{ 0x0108, 0xffff, "NVMe disk" },
		{ 0x0100, 0xff00, "storage controller" },
		{ 0x0200, 0xff00, "network card" },
		{ 0x0300, 0xff00, "graphics card" },
		{ 0x0403, 0xffff, "sound" },
		{ 0x0c03, 0xffff, "USB controller" },
		{ 0x0c05, 0xffff, "SMBus" },
		{ 0x0604, 0xffff, "bridge" },
	};

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if ((code >> 8 & classes[i].mask) == classes[i].code)
			return classes[i].words;
	return "device";
}

static bool is_same_slot(const char *a, const char *b)
{
	size_t len = strcspn(a, ".");

	return a[len] && !strncmp(a, b, len + 1);
}

void start__say_gone(struct vs_start_blocker *b, const struct vs_start_member *m)
{
	SAY(b, "%s does not answer: its config space reads all ones%s%s. It has lost its power or its link, or has "
	       "failed.", m->device.name, m->power[0] ? ", power state " : "", m->power);
	NEXT(b, "see dmesg for its last messages. Then take it off and look again, which is safe only while no driver "
		"waits for it: echo 1 > /sys/bus/pci/devices/%s/remove; echo 1 > /sys/bus/pci/rescan. If it stays away, "
		"the machine has to lose power, not just to reboot", m->device.name);
}

void start__say_bridge(struct vs_start_blocker *b, const struct vs_start_member *m)
{
	SAY(b, "%s is a bridge: VFIO takes none.", m->device.name);
	NEXT(b, "give the VM the devices behind it; in their group the bridge itself does no harm, and stays at its driver");
}

/* -- no IOMMU -- */

static bool has_argument(const struct vs_start_facts *f, const char *argument)
{
	size_t len = strlen(argument);

	for (const char *at = f->arguments; (at = strstr(at, argument)); at += len)
		if ((at == f->arguments || at[-1] == ' ') && strchr(" ,", at[len]))
			return true;
	return false;
}

static const char *off_argument(const struct vs_start_facts *f)
{
	static const char *const off[] = { "intel_iommu=off", "amd_iommu=off", "iommu=off" };

	for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++)
		if (has_argument(f, off[i]))
			return off[i];
	return NULL;
}

static void switch_on_in_firmware(struct vs_start_blocker *b, const struct vs_start_facts *f)
{
	bool intel = !strcmp(f->vendor, "GenuineIntel"), amd = !strcmp(f->vendor, "AuthenticAMD");

	if (f->guest)
		NEXT(b, "this machine is itself a virtual one: its host has to give it an IOMMU (QEMU: -device "
			"intel-iommu,intremap=on with machine q35; libvirt: <iommu model='intel'/>)");
	else
		NEXT(b, "switch on %s in the firmware's setup, reboot%s", intel ? "VT-d" : amd ? "IOMMU (AMD-Vi)" :
		     "the IOMMU", intel ? ", and add intel_iommu=on to the kernel's command line" : "");
}

void start__say_no_iommu(struct vs_start_blocker *b, const struct vs_start_facts *f)
{
	const char *off = off_argument(f);

	SAY(b, "this kernel runs without an IOMMU, so no device has a group: VFIO has nothing to give out.");
	if (off) {
		SAY(b, " Its command line has %s.", off);
		NEXT(b, "take %s off the kernel's command line and reboot", off);
		if (!strcmp(off, "intel_iommu=off") || !strcmp(f->vendor, "GenuineIntel"))
			NEXT(b, " with intel_iommu=on");
	} else if (!strcmp(f->iommu_table, "DMAR") && !has_argument(f, "intel_iommu=on")) {
		SAY(b, " The firmware offers one (VT-d, ACPI table DMAR).");
		NEXT(b, "add intel_iommu=on to the kernel's command line (GRUB_CMDLINE_LINUX in /etc/default/grub, then "
			"update-grub; or grubby --update-kernel=ALL --args=intel_iommu=on) and reboot");
	} else if (f->iommu_table[0]) {
		SAY(b, " The firmware offers one (ACPI table %s), and the kernel does not use it.", f->iommu_table);
		NEXT(b, "the kernel said why when it booted: dmesg | grep -iE 'dmar|amd-vi|iommu|smmu'");
	} else if (f->acpi == VS_START_NO) {
		NEXT(b, "whether this machine has one is not known here (no ACPI tables): "
			"dmesg | grep -iE 'iommu|smmu'");
	} else {
		SAY(b, " The firmware offers none (no ACPI table DMAR, IVRS, IORT or VIOT).");
		switch_on_in_firmware(b, f);
	}
}

void start__say_no_group(struct vs_start_blocker *b, const struct vs_start_facts *f)
{
	SAY(b, "%s has no IOMMU group, though others of this host have: it is not behind an IOMMU that the kernel uses.",
	    f->device);
	NEXT(b, "the kernel may say why: dmesg | grep -iE 'dmar|amd-vi|iommu' (graphics of the CPU: igfx_off; devices "
		"behind VMD: not possible)");
}

void start__say_noiommu(struct vs_start_blocker *b, const struct vs_start_facts *f)
{
	SAY(b, "group %d is VFIO's substitute without an IOMMU (enable_unsafe_noiommu_mode): QEMU takes no device of such "
	       "a group, only programs without a guest do (DPDK), as root.", f->group);
	NEXT(b, "a VM needs the IOMMU: switch it on, and take the switch of vfio off: "
		"echo 0 > /sys/module/vfio/parameters/enable_unsafe_noiommu_mode");
}

/* -- drivers -- */

static void bind_it(struct vs_start_blocker *b, const struct vs_start_facts *f, const struct vs_start_member *m)
{
	if (f->has_vfio_pci == VS_START_NO)
		NEXT(b, "load vfio-pci (modprobe vfio-pci), then ");
	NEXT(b, "bind it: driverctl set-override %s vfio-pci. libvirt does so itself if the domain's device has "
		"managed='yes'", m->device.name);
}

void start__say_no_driver(struct vs_start_blocker *b, const struct vs_start_facts *f,
			  const struct vs_start_member *m)
{
	if (!m) {
		SAY(b, "no device of group %d is bound to vfio-pci.", f->group);
		NEXT(b, "bind the one that the VM is to have: vfioscope why BDF says how");
		return;
	}
	SAY(b, "%s is bound to no driver: VFIO does not have it.", m->device.name);
	if (!strstr(m->override, "vfio")) {
		bind_it(b, f, m);
		return;
	}
	SAY(b, " Its driver_override says %s already.", m->override);
	if (f->has_vfio_pci == VS_START_NO)
		NEXT(b, "modprobe vfio-pci, then ");
	NEXT(b, "echo %s > /sys/bus/pci/drivers_probe. If that does not bind it, dmesg says why", m->device.name);
}

void start__say_override(struct vs_start_blocker *b, const struct vs_start_member *m)
{
	SAY(b, "%s is bound to no driver, and its driver_override, which somebody left there, says %s: no other driver "
	       "gets it.", m->device.name, m->override);
	NEXT(b, "driverctl set-override %s vfio-pci, or clear it: echo > /sys/bus/pci/devices/%s/driver_override",
	     m->device.name, m->device.name);
}

void start__say_wrong_driver(struct vs_start_blocker *b, const struct vs_start_facts *f,
			     const struct vs_start_member *m)
{
	SAY(b, "%s (%s) is bound to %s, a driver of the host, and not to vfio-pci.", m->device.name,
	    class_words(m->device.class_code), m->device.driver);
	if (m->override[0] && !strstr(m->override, "vfio"))
		SAY(b, " Its driver_override says %s, so vfio-pci would not get it.", m->override);
	NEXT(b, "see that the host does not need it (a disk, its network), then ");
	bind_it(b, f, m);
}

static void say_spoiler(struct vs_start_blocker *b, const struct vs_start_facts *f, const struct vs_start_member *m,
			size_t nr)
{
	const char *where = !f->device[0] ? "" : is_same_slot(f->device, m->device.name) ?
			    ", another function of the same card" : ", in another slot";

	SAY(b, "%s %s (%s%s) is at driver %s", nr ? "," : "", m->device.name, class_words(m->device.class_code), where, m->device.driver);
}

void start__say_not_viable(struct vs_start_blocker *b, const struct vs_start_facts *f)
{
	const struct vs_start_member *m, *first = NULL;
	size_t at = 0, nr = 0, elsewhere = 0;

	SAY(b, "group %d is not viable:", f->group);
	while ((m = start__next_spoiler(f, &at))) {
		if (nr < MOST_NAMED)
			say_spoiler(b, f, m, nr);
		first = first ? first : m;
		elsewhere += f->device[0] && !is_same_slot(f->device, m->device.name);
		nr++;
	}
	if (nr > MOST_NAMED)
		SAY(b, " and %zu more", nr - MOST_NAMED);
	SAY(b, " of the host. VFIO gives out a group as a whole.");
	NEXT(b, "if the host can do without %s, give it to VFIO as well: driverctl set-override %s vfio-pci; or let no "
		"driver have it: echo %s > /sys/bus/pci/drivers/%s/unbind", nr > 1 ? "them" : "it", first->device.name,
	     first->device.name, first->device.driver);
	if (elsewhere)
		NEXT(b, ". What is in another slot is in this group as nothing on the way isolates the slots (ACS): move "
			"the card, or see the firmware's setup");
}

/* -- use, nodes, limits -- */

void start__say_busy(struct vs_start_blocker *b, const struct vs_start_facts *f, const struct vs_start_use *use)
{
	const char *who = use->who[0] ? use->who : "somebody, who was not found,";

	if (use->busy == VS_START_CDEV_OPEN)
		SAY(b, "busy: %s has %s open by its own node and bound to an iommufd. Who else wants it fails.", who,
		    f->device[0] ? f->device : "a device of it");
	else if (use->busy == VS_START_IN_CONTAINER)
		SAY(b, "busy: group %d is still in the container of %s, though its group file is closed: who opens /dev/vfio/%d "
		       "gets \"Device or resource busy\".", f->group, who, f->group);
	else
		SAY(b, "busy: %s has group %d open. Who else opens /dev/vfio/%d gets \"Device or resource busy\", and a "
		       "group belongs to one VM as a whole.", who, f->group, f->group);
	NEXT(b, "if that is the VM you mean, it runs, and nothing is wrong. Else stop it first, or wait for its end");
}

void start__say_no_node(struct vs_start_blocker *b, const struct vs_start_facts *f)
{
	SAY(b, "there is no /dev/vfio/%d here, though VFIO has a device of group %d.", f->group, f->group);
	NEXT(b, "in a container: hand it in (--device /dev/vfio/%d). On the host: devtmpfs or udev did not make it, or a "
		"release of the group hangs: vfioscope why", f->group);
}

static const char *name_or_number(const char *name, uint32_t id, char buf[16])
{
	snprintf(buf, 16, "%u", id);
	return name[0] ? name : buf;
}

void start__say_permission(struct vs_start_blocker *b, const struct vs_start_facts *f)
{
	char user[16], owner[16], group[16];

	SAY(b, "user %s may not open /dev/vfio/%d: it belongs to %s:%s, mode %04o.",
	    name_or_number(f->user_name, f->user, user), f->group, name_or_number(f->owner, f->uid, owner),
	    name_or_number(f->owner_group, f->gid, group), f->mode);
	NEXT(b, "libvirt gives its own VMs the node; who starts QEMU or DPDK as an ordinary user needs a udev rule: "
		"SUBSYSTEM==\"vfio\", OWNER=\"%s\"", name_or_number(f->user_name, f->user, user));
}

void start__say_interrupts(struct vs_start_blocker *b, const struct vs_start_facts *f)
{
	bool off = has_argument(f, "intremap=off") || has_argument(f, "nointremap");

	SAY(b, "this kernel remaps no interrupts, so a device could forge them, and VFIO gives none out: VFIO_SET_IOMMU fails "
	       "with \"Operation not permitted\".");
	if (off)
		NEXT(b, "take intremap=off (nointremap) off the kernel's command line and reboot; ");
	else
		NEXT(b, "switch interrupt remapping on, in the firmware's setup%s; ", f->guest ? " or, as this machine is a "
		     "virtual one, by its host (-device intel-iommu,intremap=on)" : "");
	NEXT(b, "or, only for guests that you trust: echo 1 > /sys/module/vfio_iommu_type1/parameters/"
		"allow_unsafe_interrupts");
}

static void mib(char buf[32], uint64_t bytes)
{
	if (bytes < 1 << 20)
		snprintf(buf, 32, "%llu KiB", (unsigned long long)bytes >> 10);
	else
		snprintf(buf, 32, "%llu MiB", (unsigned long long)bytes >> 20);
}

void start__say_memlock(struct vs_start_blocker *b, const struct vs_start_facts *f)
{
	char limit[32], locked[32];

	mib(limit, f->memlock);
	mib(locked, f->locked);
	SAY(b, "process %u may lock %s of memory (RLIMIT_MEMLOCK; %s so far): all RAM of a VM has to fit.", f->pid, limit,
	    locked);
	NEXT(b, "raise it for who starts the VM: LimitMEMLOCK= of its unit, memlock in /etc/security/limits.conf, ulimit -l; "
		"libvirt does so itself, from <memtune><hard_limit> if the domain has that");
}

void start__say_no_reset(struct vs_start_blocker *b, const struct vs_start_member *m)
{
	SAY(b, "The kernel knows no way to reset %s alone: after a VM the next one may find it as the last left it.",
	    m->device.name);
	NEXT(b, "if a second start fails, see dmesg; a device that hangs then needs a reset of its bus (with all on it), or a "
		"reboot");
}

void start__say_power(struct vs_start_blocker *b, const struct vs_start_member *m)
{
	SAY(b, "%s is without power now (D3cold), as it is not used; whether it comes back was not tried.", m->device.name);
	NEXT(b, "if a start fails with \"Unable to change power state\": vfio-pci disable_idle_d3=1, and d3cold_allowed 0 of "
		"the bridge above it");
}

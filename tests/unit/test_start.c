// SPDX-License-Identifier: GPL-2.0
/* A made-up /sys, /proc and /dev lead to the cause that keeps a VM from starting, and to its words. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "evidence_lab.h"
#include "base/exit_codes.h"
#include "why/classify.h"
#include "why/start.h"

#define DEVICE "0000:65:00.0"
#define MATE "0000:65:00.1"
#define OTHER "0000:66:00.0"

static char root[] = "/tmp/vfioscope-start-XXXXXX";
static struct vs_start_facts facts;
static struct vs_start_report start;
static struct vs_start_use use;

/* -- a made-up host -- */

__attribute__((format(printf, 1, 2)))
static void shell(const char *format, ...)
{
	char words[700], command[800];
	va_list args;

	va_start(args, format);
	vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	snprintf(command, sizeof(command), "cd %s && { %s; }", root, words);
	assert_int_equal(system(command), 0);
}

static void put(const char *path, const char *text)
{
	shell("mkdir -p $(dirname %s) && printf '%%s\\n' '%s' >%s", path, text, path);
}

/* A PCI device; @driver and @group may be none: "", -1. */
static void device(const char *name, const char *driver, int group, const char *class)
{
	shell("d=sys/bus/pci/devices/%s; mkdir -p $d sys/bus/pci; ln -s ../../../../bus/pci $d/subsystem; "
	      "c=%s; echo pci:v00008086d00001572sv0sd0bc${c%%%%????}sc$(expr $c : '..\\(..\\)')i00 >$d/modalias; echo '(null)' >$d/driver_override; echo D0 >$d/power_state; : >$d/reset; "
	      "printf '\\206\\200' >$d/config; head -c 62 /dev/zero >>$d/config", name, class);
	if (driver[0])
		shell("mkdir -p sys/bus/pci/drivers/%s; ln -s ../../drivers/%s sys/bus/pci/devices/%s/driver", driver,
		      driver, name);
	if (group >= 0)
		shell("g=sys/kernel/iommu_groups/%d; mkdir -p $g/devices; ln -s ../../../../bus/pci/devices/%s $g/devices/%s; "
		      "ln -s ../../../../kernel/iommu_groups/%d sys/bus/pci/devices/%s/iommu_group", group, name, name,
		      group, name);
}

/* A host of Intel's where all is as it should be: a device of one function at vfio-pci, in group 17. */
static int setup(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(root));
	put("proc/cpuinfo", "vendor_id\t: GenuineIntel\nflags\t\t: fpu vme");
	put("proc/cmdline", "BOOT_IMAGE=/vmlinuz quiet intel_iommu=on");
	put("etc/passwd", "root:x:0:0::/root:/bin/sh\nweb:x:77:77::/:/bin/sh");
	put("etc/group", "root:x:0:");
	put("sys/firmware/acpi/tables/APIC", "");
	put("sys/firmware/acpi/tables/DMAR", "");
	put("sys/kernel/irq/1/chip_name", "IR-IO-APIC");
	put("sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "N");
	put("dev/vfio/17", "");
	device(DEVICE, "vfio-pci", 17, "030000");
	memset(&use, 0, sizeof(use));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	shell("chmod -R u+rwX . && rm -rf ./*");
	rmdir(root);
	memcpy(root + strlen(root) - 6, "XXXXXX", 6);
	return 0;
}

static void judge_of(const char *name, int group, uint32_t pid, enum vs_start_kind said)
{
	assert_int_equal(vs_start__collect(root, name, group, pid, true, &facts), 0);
	vs_start__judge(&facts, &use, said, &start);
}

static void judge(void)
{
	judge_of(DEVICE, -1, 0, VS_START_KINDS);
}

static void blocked_by(enum vs_start_kind kind, const char *says, const char *next)
{
	if (start.nr_blocks != 1 || start.rows[0].kind != kind)
		fail_msg("%zu blockers, the first is %s: %s", start.nr_blocks, start.nr ?
			 vs_start_kind__name(start.rows[0].kind) : "none", start.nr ? start.rows[0].says : "");
	if (!strstr(start.rows[0].says, says))
		fail_msg("\"%s\" does not say: %s", start.rows[0].says, says);
	if (!strstr(start.rows[0].next, next))
		fail_msg("\"%s\" does not say: %s", start.rows[0].next, next);
}

/* -- each cause -- */

static void test_nothing(void **state)
{
	(void)state;
	judge();
	assert_int_equal(start.nr, 0);
	judge_of(NULL, 17, 0, VS_START_KINDS);
	assert_int_equal(start.nr, 0);
	assert_int_equal(facts.group, 17);
}

static void test_not_viable(void **state)
{
	(void)state;
	device(MATE, "snd_hda_intel", 17, "040300");
	judge();
	blocked_by(VS_START_NOT_VIABLE, "group 17 is not viable: " MATE " (sound, another function of the same card) is at driver "
		   "snd_hda_intel of the host", "driverctl set-override " MATE " vfio-pci");
	assert_null(strstr(start.rows[0].next, "ACS"));
	device(OTHER, "e1000e", 17, "020000");
	judge();
	blocked_by(VS_START_NOT_VIABLE, OTHER " (network card, in another slot) is at driver e1000e", "ACS");
	judge_of(NULL, 17, 0, VS_START_KINDS);
	blocked_by(VS_START_NOT_VIABLE, MATE " (sound) is at driver", "set-override");
}

/* VFIO minds none of these. */
static void test_harmless_mates(void **state)
{
	(void)state;
	device(MATE, "", 17, "040300");
	device("0000:65:00.2", "pci-stub", 17, "0c0330");
	device("0000:64:00.0", "pcieport", 17, "060400");
	device("0000:65:00.3", "mlx5_vfio_pci", 17, "020000");
	judge();
	assert_int_equal(start.nr_blocks, 0);
}

static void test_bridge(void **state)
{
	(void)state;
	device("0000:64:00.0", "pcieport", 17, "060400");
	judge_of("0000:64:00.0", -1, 0, VS_START_KINDS);
	blocked_by(VS_START_BRIDGE, "0000:64:00.0 is a bridge", "the devices behind it");
}

static void test_wrong_driver(void **state)
{
	(void)state;
	device(OTHER, "nvme", 18, "010802");
	judge_of(OTHER, -1, 0, VS_START_KINDS);
	blocked_by(VS_START_WRONG_DRIVER, OTHER " (NVMe disk) is bound to nvme", "driverctl set-override " OTHER " vfio-pci");
	assert_null(strstr(start.rows[0].next, "modprobe"));
	put("sys/bus/pci/devices/" OTHER "/driver_override", "nvme");
	judge_of(OTHER, -1, 0, VS_START_KINDS);
	blocked_by(VS_START_WRONG_DRIVER, "driver_override says nvme", "managed='yes'");
}

static void test_no_driver(void **state)
{
	(void)state;
	device(OTHER, "", 18, "020000");
	judge_of(OTHER, -1, 0, VS_START_KINDS);
	blocked_by(VS_START_NO_DRIVER, "bound to no driver", "driverctl set-override");
	put("sys/bus/pci/devices/" OTHER "/driver_override", "vfio-pci");
	judge_of(OTHER, -1, 0, VS_START_KINDS);
	blocked_by(VS_START_NO_DRIVER, "says vfio-pci already", "echo " OTHER " > /sys/bus/pci/drivers_probe");
	judge_of(NULL, 18, 0, VS_START_KINDS);
	blocked_by(VS_START_NO_DRIVER, "no device of group 18", "vfioscope why BDF");
}

static void test_override_left(void **state)
{
	(void)state;
	device(OTHER, "", 18, "020000");
	put("sys/bus/pci/devices/" OTHER "/driver_override", "pci-stub");
	judge_of(OTHER, -1, 0, VS_START_KINDS);
	blocked_by(VS_START_OVERRIDE, "says pci-stub", "echo > /sys/bus/pci/devices/" OTHER "/driver_override");
}

/* A FIFO that nobody writes to: as a device whose lock a stuck task holds. */
static void test_override_that_does_not_answer(void **state)
{
	(void)state;
	device(OTHER, "nvme", 18, "010802");
	shell("f=sys/bus/pci/devices/" OTHER "/driver_override; rm $f; mkfifo $f");
	judge_of(OTHER, -1, 0, VS_START_KINDS);
	assert_false(facts.members[0].override_read);
	assert_int_equal(facts.members[0].dead, VS_START_UNKNOWN);
	blocked_by(VS_START_WRONG_DRIVER, "is bound to nvme", "set-override");
}

static void test_module_missing(void **state)
{
	(void)state;
	shell("rm -r sys/bus/pci/devices/" DEVICE "/driver sys/bus/pci/drivers/vfio-pci sys/module dev/vfio");
	judge();
	blocked_by(VS_START_NO_DRIVER, "bound to no driver", "load vfio-pci (modprobe vfio-pci)");
}

static void no_groups(const char *cpu, const char *table, const char *cmdline)
{
	shell("rm -rf sys/kernel/iommu_groups sys/bus/pci/devices/*/iommu_group sys/firmware/acpi/tables/[DI]*");
	put("proc/cpuinfo", cpu);
	put("proc/cmdline", cmdline);
	if (table[0])
		shell(": >sys/firmware/acpi/tables/%s", table);
	judge();
}

static void test_iommu_off(void **state)
{
	(void)state;
	no_groups("vendor_id\t: GenuineIntel\nflags\t\t: fpu", "DMAR", "quiet iommu=pt");
	blocked_by(VS_START_NO_IOMMU, "VT-d, ACPI table DMAR", "add intel_iommu=on");
	no_groups("vendor_id\t: GenuineIntel\nflags\t\t: fpu", "DMAR", "intel_iommu=off quiet");
	blocked_by(VS_START_NO_IOMMU, "command line has intel_iommu=off", "take intel_iommu=off off");
	no_groups("vendor_id\t: GenuineIntel\nflags\t\t: fpu", "DMAR", "quiet intel_iommu=on,sm_on");
	blocked_by(VS_START_NO_IOMMU, "ACPI table DMAR), and the kernel does not use it", "dmesg |");
	no_groups("vendor_id\t: GenuineIntel\nflags\t\t: fpu", "", "quiet intel_iommu=on");
	blocked_by(VS_START_NO_IOMMU, "firmware offers none", "switch on VT-d");
	no_groups("vendor_id\t: AuthenticAMD\nflags\t\t: fpu", "IVRS", "amd_iommu=off");
	blocked_by(VS_START_NO_IOMMU, "command line has amd_iommu=off", "take amd_iommu=off off");
	assert_null(strstr(start.rows[0].next, "intel"));
	no_groups("vendor_id\t: AuthenticAMD\nflags\t\t: fpu", "", "quiet");
	blocked_by(VS_START_NO_IOMMU, "firmware offers none", "IOMMU (AMD-Vi)");
	no_groups("vendor_id\t: AuthenticAMD\nflags\t\t: fpu hypervisor sse", "", "quiet");
	blocked_by(VS_START_NO_IOMMU, "firmware offers none", "itself a virtual one");
	shell("rm -r sys/firmware");
	judge();
	blocked_by(VS_START_NO_IOMMU, "without an IOMMU", "not known here");
}

static void test_no_group(void **state)
{
	(void)state;
	device("10000:e1:00.0", "nvme", -1, "010802");
	judge_of("10000:e1:00.0", -1, 0, VS_START_KINDS);
	blocked_by(VS_START_NO_GROUP, "10000:e1:00.0 has no IOMMU group, though others", "VMD");
}

static void test_noiommu(void **state)
{
	(void)state;
	put("sys/class/vfio/noiommu-17/dev", "510:1");
	judge();
	blocked_by(VS_START_NOIOMMU, "group 17 is VFIO's substitute", "enable_unsafe_noiommu_mode");
	assert_int_equal(facts.nr_groups, 0);
}

static void test_gone(void **state)
{
	(void)state;
	shell("head -c 64 /dev/zero | tr '\\0' '\\377' >sys/bus/pci/devices/" DEVICE "/config; "
	      "echo D3cold >sys/bus/pci/devices/" DEVICE "/power_state");
	judge();
	blocked_by(VS_START_GONE, "does not answer: its config space reads all ones, power state D3cold",
		   "echo 1 > /sys/bus/pci/devices/" DEVICE "/remove");
	shell(": >sys/bus/pci/devices/" DEVICE "/config");
	judge();
	assert_int_equal(start.nr_blocks, 0); /* nothing could be read: it may be there or not */
	assert_int_equal(start.nr, 1);
	assert_int_equal(start.rows[0].kind, VS_START_POWER);
}

static void test_no_reset(void **state)
{
	(void)state;
	shell("rm sys/bus/pci/devices/" DEVICE "/reset");
	judge();
	assert_int_equal(start.nr_blocks, 0);
	assert_int_equal(start.nr, 1);
	assert_int_equal(start.rows[0].kind, VS_START_NO_RESET);
}

static void test_busy(void **state)
{
	(void)state;
	use.busy = VS_START_GROUP_OPEN;
	snprintf(use.who, sizeof(use.who), "qemu-kvm[7] (VM \"web1\")");
	judge();
	blocked_by(VS_START_BUSY, "busy: qemu-kvm[7] (VM \"web1\") has group 17 open", "stop it first");
	use.busy = VS_START_IN_CONTAINER;
	use.who[0] = '\0';
	judge();
	blocked_by(VS_START_BUSY, "container of somebody, who was not found,", "wait for its end");
	use.busy = VS_START_CDEV_OPEN;
	judge();
	blocked_by(VS_START_BUSY, "open by its own node", "stop it first");
}

static void test_node(void **state)
{
	(void)state;
	shell("rm dev/vfio/17");
	judge();
	blocked_by(VS_START_NO_NODE, "there is no /dev/vfio/17 here", "--device /dev/vfio/17");
	shell("rm -r dev");	/* a root without it: nothing is known */
	judge();
	assert_int_equal(start.nr_blocks, 0);
}

/* Root may open everything, so the facts are made by hand here. */
static void test_permission(void **state)
{
	(void)state;
	judge();
	facts.may_open = VS_START_NO;
	facts.mode = 0600;
	facts.user = 77;
	snprintf(facts.user_name, sizeof(facts.user_name), "web");
	snprintf(facts.owner, sizeof(facts.owner), "root");
	facts.owner_group[0] = '\0';
	facts.gid = 36;
	vs_start__judge(&facts, &use, VS_START_KINDS, &start);
	blocked_by(VS_START_PERMISSION, "user web may not open /dev/vfio/17: it belongs to root:36, mode 0600", "OWNER=\"web\"");
}

static void test_interrupts(void **state)
{
	(void)state;
	put("sys/kernel/irq/1/chip_name", "IO-APIC");
	put("sys/kernel/irq/2/chip_name", "PCI-MSI");
	judge();
	blocked_by(VS_START_INTERRUPTS, "remaps no interrupts", "switch interrupt remapping on");
	put("proc/cmdline", "intel_iommu=on intremap=off");
	judge();
	blocked_by(VS_START_INTERRUPTS, "Operation not permitted", "take intremap=off");
	put("sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "Y");
	judge();
	assert_int_equal(start.nr_blocks, 0);
	shell("rm -r sys/module");	/* its switch may come with it */
	judge();
	assert_int_equal(start.nr_blocks, 0);
	put("sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "N");
	put("sys/kernel/irq/1/chip_name", "xen-pirq");
	judge();
	assert_int_equal(start.nr_blocks, 0);
}

static void test_memlock(void **state)
{
	(void)state;
	put("proc/5/limits", "Max locked memory         8388608              8388608              bytes");
	put("proc/5/status", "Name:\tx\nVmLck:\t   64 kB\nCapEff:\t0000000000000000");
	judge_of(DEVICE, -1, 5, VS_START_KINDS);
	assert_int_equal(start.nr_blocks, 0);
	assert_int_equal(start.rows[0].kind, VS_START_MEMLOCK);
	judge_of(DEVICE, -1, 5, VS_START_MEMLOCK);
	blocked_by(VS_START_MEMLOCK, "process 5 may lock 8 MiB of memory (RLIMIT_MEMLOCK; 64 KiB so far)", "ulimit -l");
	put("proc/5/status", "Name:\tx\nVmLck:\t   64 kB\nCapEff:\t000001ffffffffff");
	judge_of(DEVICE, -1, 5, VS_START_MEMLOCK);
	assert_int_equal(start.nr, 0);
	put("proc/5/status", "CapEff:\t0000000000000000");
	put("proc/5/limits", "Max locked memory         unlimited            unlimited            bytes");
	judge_of(DEVICE, -1, 5, VS_START_MEMLOCK);
	assert_int_equal(start.nr, 0);
	judge_of(DEVICE, -1, 6, VS_START_MEMLOCK);	/* it has ended */
	assert_int_equal(start.nr, 0);
}

static void test_large_group(void **state)
{
	char name[VS_DEVICE_LEN];

	(void)state;
	for (int i = 0; i < VS_START_MEMBERS + 3; i++) {
		snprintf(name, sizeof(name), "0000:70:%02x.0", i);
		device(name, "", 17, "020000");
	}
	judge();
	assert_int_equal(facts.nr_members, VS_START_MEMBERS);
	assert_int_equal(facts.nr_more, 4);
	assert_string_equal(facts.members[0].device.name, DEVICE);
	assert_int_equal(start.nr_blocks, 0);
}

/* -- what programs say -- */

static const struct {
	const char *text;
	enum vs_start_kind kind;
	const char *device;
	int group;
} said_lines[] = {
	{ "qemu-system-x86_64: -device vfio-pci,host=65:00.0: vfio 0000:65:00.0: group 17 is not viable\nPlease ensure all "
	  "devices within the iommu_group are bound to their vfio bus driver.", VS_START_NOT_VIABLE, DEVICE, 17 },
	{ "2026-01-01T00:00:00.1Z qemu-system-x86_64: -device {\"driver\":\"vfio-pci\"}: vfio 0000:65:00.0: Could not open "
	  "'/dev/vfio/17': Device or resource busy", VS_START_BUSY, DEVICE, 17 },
	{ "vfio 0000:65:00.0: failed to open /dev/vfio/17: Device or resource busy", VS_START_BUSY, DEVICE, 17 },
	{ "vfio 0000:65:00.0: Could not open '/dev/vfio/17': Permission denied", VS_START_PERMISSION, DEVICE, 17 },
	{ "vfio 0000:65:00.0: failed to open /dev/vfio/17: No such file or directory", VS_START_NO_NODE, DEVICE, 17 },
	{ "vfio 0000:65:00.0: failed to setup container for group 17: failed to set iommu for container: Operation not "
	  "permitted", VS_START_INTERRUPTS, DEVICE, 17 },
	{ "vfio 0000:65:00.0: failed to setup container for group 17: Failed to set iommu for container: Operation not "
	  "permitted", VS_START_INTERRUPTS, DEVICE, 17 },
	{ "vfio: No available IOMMU models", VS_START_KINDS, "", -1 },
	{ "qemu-kvm: VFIO_MAP_DMA failed: Cannot allocate memory", VS_START_MEMLOCK, "", -1 },
	{ "qemu-kvm: vfio_dma_map(0x55, 0x0, 0xa0000, 0x7f) = -12 (Cannot allocate memory)", VS_START_MEMLOCK, "", -1 },
	{ "vfio 0000:65:00.0: memory listener initialization failed: Region pc.ram: vfio_container_dma_map(0x5, 0x0, 0xa, 0x7) = "
	  "-12 (Cannot allocate memory)", VS_START_MEMLOCK, DEVICE, -1 },
	{ "vfio 0000:65:00.0: error getting device from group 17: No such device\nVerify all devices in group 17 are bound",
	  VS_START_WRONG_DRIVER, DEVICE, 17 },
	{ "vfio 0000:65:00.0: error getting device from group 17: Invalid argument", VS_START_KINDS, DEVICE, 17 },
	{ "vfio 0000:65:00.0: no iommu_group found: No such file or directory", VS_START_NO_IOMMU, DEVICE, -1 },
	{ "vfio /sys/bus/pci/devices/0000:65:00.0: couldn't open directory /sys/bus/pci/devices/0000:65:00.0/vfio-dev: No such "
	  "file or directory", VS_START_WRONG_DRIVER, DEVICE, -1 },
	{ "vfio 0000:65:00.0: error bind device fd=24 to iommufd=23: Operation not permitted", VS_START_INTERRUPTS, DEVICE, -1 },
	{ "Could not open '/dev/iommu': No such file or directory", VS_START_KINDS, "", -1 },
	{ "error: internal error: Unknown PCI header type '127' for device '0000:65:00.0'", VS_START_GONE, DEVICE, -1 },
	{ "error: Requested operation is not valid: PCI device 0000:65:00.0 is in use by driver QEMU, domain web1", VS_START_BUSY,
	  DEVICE, -1 },
	{ "error: Requested operation is not valid: Unmanaged PCI device 0000:65:00.0 must be manually detached from the host",
	  VS_START_WRONG_DRIVER, DEVICE, -1 },
	{ "error: unsupported configuration: host doesn't support passthrough of host PCI devices", VS_START_NO_IOMMU, "", -1 },
	{ "EAL: 0000:65:00.0 VFIO group is not viable! Not all devices in IOMMU group bound to VFIO or unbound",
	  VS_START_NOT_VIABLE, DEVICE, -1 },
	{ "EAL: Cannot open /dev/vfio/17: Device or resource busy", VS_START_BUSY, "", 17 },
};

static void test_recognised(void **state)
{
	struct vs_start_said said;
	char text[600];

	(void)state;
	for (size_t i = 0; i < sizeof(said_lines) / sizeof(said_lines[0]); i++) {
		snprintf(text, sizeof(text), "warning: something else\n%s\n", said_lines[i].text);
		if (!vs_start__recognise(text, &said))
			fail_msg("not recognised: %s", said_lines[i].text);
		if (said.kind != said_lines[i].kind || strcmp(said.device, said_lines[i].device) ||
		    said.group != said_lines[i].group)
			fail_msg("%s: kind %d, device %s, group %d", said_lines[i].text, said.kind, said.device, said.group);
		assert_non_null(strstr(said_lines[i].text, said.line));
	}
}

static void test_not_recognised(void **state)
{
	static const char *const others[] = { "", "\n\n", "this plan is not viable", "Cannot allocate memory",
		"open /dev/vfio/17", "sh: can't open '/dev/sda': Device or resource busy", "vfio", ":.-", "0000:65:00.0" };
	struct vs_start_said said;

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (vs_start__recognise(others[i], &said))
			fail_msg("recognised: %s", others[i]);
}

/* -- as a verdict of why -- */

static void test_verdict(void **state)
{
	struct vs_why_subject subject = { "0000:00:05.0", -1, 0 }, other = { "0000:00:06.0", -1, 0 };
	struct vs_evidence e;
	struct vs_why why;
	char *text, error[200];

	(void)state;
	load_evidence("fixed-idle", &e);
	assert_int_equal(vs_classify(&e, &subject, &why), 0);
	assert_int_equal(why.cases[0].verdict, VS_WHY_IDLE);
	vs_why__free(&why);
	device("0000:00:05.0", "e1000e", 1, "020000");
	e.start = calloc(1, sizeof(*e.start));
	assert_int_equal(vs_start__collect(root, "0000:00:05.0", -1, 0, true, e.start), 0);
	text = vs_evidence__to_json(&e);
	vs_evidence__free(&e);
	assert_int_equal(vs_evidence__from_json(text, &e, error, sizeof(error)), 0);
	free(text);
	assert_int_equal(vs_classify(&e, &subject, &why), 0);
	assert_int_equal(why.cases[0].verdict, VS_WHY_CANNOT_START);
	assert_int_equal(vs_why__status(&why), VS_EXIT_WAITS);
	assert_non_null(strstr(why.cases[0].says, "no VM can start with 0000:00:05.0 (group 1): 0000:00:05.0 (network card) is bound "
			       "to e1000e"));
	vs_why__free(&why);
	assert_int_equal(vs_classify(&e, &other, &why), 0); /* the facts are of another device */
	assert_true(why.cases[0].verdict != VS_WHY_CANNOT_START);
	vs_why__free(&why);
	vs_evidence__free(&e);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_nothing),
		TEST(test_not_viable),
		TEST(test_harmless_mates),
		TEST(test_bridge),
		TEST(test_wrong_driver),
		TEST(test_no_driver),
		TEST(test_override_left),
		TEST(test_override_that_does_not_answer),
		TEST(test_module_missing),
		TEST(test_iommu_off),
		TEST(test_no_group),
		TEST(test_noiommu),
		TEST(test_gone),
		TEST(test_no_reset),
		TEST(test_busy),
		TEST(test_node),
		TEST(test_permission),
		TEST(test_interrupts),
		TEST(test_memlock),
		TEST(test_large_group),
		cmocka_unit_test(test_recognised),
		cmocka_unit_test(test_not_recognised),
		TEST(test_verdict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0
/* May a device be taken away: by what was recorded on kernels of the lab, and by made-up hosts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "base/exit_codes.h"
#include "devices/can.h"
#include "devices/list.h"
#include "evidence_lab.h"
#include "host_tree.h"

#define VGA 0x030000
#define AUDIO 0x040300
#define BRIDGE 0x060400
#define ETHERNET 0x020000
#define NVME 0x010802

static struct vs_devices_facts facts;
static struct vs_host_use host;
static struct vs_module module;
static struct vs_can can;

/* -- what was recorded -- */

static void load(const char *name)
{
	const struct vs_why_subject all = { .group = -1 };

	memset(&facts, 0, sizeof(facts));
	load_evidence(name, &facts.evidence);
	assert_int_equal(vs_classify(&facts.evidence, &all, &facts.why), 0);
	assert_int_equal(vs_inventory__of_snapshot(&facts.evidence.snapshot, &facts.inventory), 0);
}

/* A host whose VFIO has nothing in memory any more has its devices in sysfs all the same. */
static void add_the_lab(void)
{
	vs_inventory__free(&facts.inventory);
	tree_pci("0000:00:05.0", 1, "", 0x1234, 0x11e8, VGA);
	tree_pci("0000:00:05.1", 1, "", 0x1234, 0x11e8, VGA);
	assert_int_equal(vs_inventory__collect(tree_root, &facts.inventory), 0);
}

static void decide(enum vs_can_way way, const char *device)
{
	struct vs_can_question q = { .way = way, .host = &host, .module = &module,
				     .device = device ? vs_inventory__device(&facts.inventory, device) : NULL };

	assert_true(!device || q.device);
	assert_int_equal(vs_can__decide(&facts, &q, &can), 0);
}

static void forget(void)
{
	vs_can__free(&can);
	vs_module__free(&module);
	vs_host_use__free(&host);
	vs_devices__free(&facts);
}

static const char *first_kind(void)
{
	return can.nr_grounds ? vs_can__kind_name(can.grounds[0].kind) : "";
}

static bool has(enum vs_can_kind kind)
{
	for (size_t i = 0; i < can.nr_grounds; i++)
		if (can.grounds[i].kind == kind)
			return true;
	return false;
}

static void check(const char *what, enum vs_can_answer answer, const char *kind)
{
	if (can.answer != answer || strcmp(first_kind(), kind))
		fail_msg("%s: answer %d, because of \"%s\": %s", what, can.answer, first_kind(),
			 can.nr_grounds ? can.grounds[0].says : "");
}

static void recorded_unbinds(void **state)
{
	static const struct {
		const char *evidence, *device;
		enum vs_can_answer answer;
		const char *kind;
	} rows[] = {
		{ "fixed-idle", "0000:00:05.0", VS_CAN_YES, "" },
		{ "fixed-group", "0000:00:05.1", VS_CAN_NO, "group-open" },
		{ "fixed-device", "0000:00:05.0", VS_CAN_NO, "leaving" },
		{ "fixed-device-dup", "0000:00:05.0", VS_CAN_NO, "leaving" },
		{ "fixed-mmap", "0000:00:05.0", VS_CAN_NO, "leaving" },
		{ "fixed-vhost", "0000:00:05.0", VS_CAN_NO, "leaving" },
		{ "fixed-stall", "0000:00:05.0", VS_CAN_NO, "leaving" },
		{ "fixed-waits-back", "0000:00:05.0", VS_CAN_NO, "leaving" },
		{ "fixed-deferred", "0000:00:05.0", VS_CAN_NO, "stuck" },
		{ "6.1-idle", "0000:00:05.0", VS_CAN_YES, "" },
		{ "6.1-mmap", "0000:00:05.0", VS_CAN_NO, "leaving" },
		{ "6.12-idle", "0000:00:05.0", VS_CAN_YES, "" },
		{ "6.12-unplug", "0000:01:00.0", VS_CAN_NO, "leaving" },
		{ "7.x-idle", "0000:00:05.0", VS_CAN_YES, "" },
		{ "7.x-device", "0000:00:05.0", VS_CAN_NO, "leaving" },
		{ "iommufd-compat", "0000:00:05.0", VS_CAN_NO, "leaving" },
		{ "iommufd-mdev", "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001", VS_CAN_NO, "leaving" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		load(rows[i].evidence);
		decide(VS_CAN_UNBIND, rows[i].device);
		check(rows[i].evidence, rows[i].answer, rows[i].kind);
		assert_int_equal(vs_can__status(&can), rows[i].answer == VS_CAN_YES ? VS_EXIT_OK : VS_EXIT_WAITS);
		forget();
	}
}

/* On such a host the group is gone in memory, and sysfs has its devices. */
static void nothing_gets_on_in_a_deadlocked_group(void **state)
{
	static const char *const names[] = { "unfixed-deadlock", "unfixed-victims" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		load(names[i]);
		if (!i)
			add_the_lab();
		else
			assert_int_equal(vs_inventory__collect(tree_root, (vs_inventory__free(&facts.inventory),
									   &facts.inventory)), 0);
		decide(VS_CAN_UNBIND, "0000:00:05.1");
		check(names[i], VS_CAN_NO, "stuck");
		assert_non_null(strstr(can.grounds[0].says, "notifier-deadlock"));
		assert_non_null(strstr(can.grounds[0].says, "only a reset helps"));
		vs_can__free(&can);
		decide(VS_CAN_DETACH, "0000:00:05.0");
		check(names[i], VS_CAN_NO, "stuck");
		forget();
	}
}

/* Each ground for "yes" is taken away, one at a time. */
static void what_was_not_seen_makes_no_yes(void **state)
{
	(void)state;
	for (int i = 0; i < 6; i++) {
		struct vs_evidence *e = &facts.evidence;

		load("6.12-idle");
		if (i == 0)
			e->snapshot.scope.fds = false;
		if (i == 1)
			e->snapshot.scope.maps = false;
		if (i == 2)
			e->snapshot.hidden_tasks = true;
		if (i == 3)
			e->weaker = true;
		if (i == 4)
			e->snapshot.devices[0].open_count = 1;
		if (i == 5)
			e->snapshot.devices[0].refs = 2;
		decide(VS_CAN_UNBIND, "0000:00:05.0");
		check("unseen", VS_CAN_NOT_TOLD, "unseen");
		assert_int_equal(vs_can__status(&can), VS_EXIT_INCONCLUSIVE);
		forget();
	}
}

static void a_kernel_without_the_fix_is_warned_of(void **state)
{
	(void)state;
	load("fixed-idle");
	facts.evidence.fix = VS_FIX_ABSENT;
	decide(VS_CAN_UNBIND, "0000:00:05.0");
	check("no fix", VS_CAN_YES, "no-fix");
	forget();
	load("fixed-idle");
	facts.evidence.fix = VS_FIX_PRESENT;
	decide(VS_CAN_UNBIND, "0000:00:05.0");
	check("fix", VS_CAN_YES, "");
	forget();
}

/* -- made-up hosts -- */

static void process(int pid, const char *comm, const char *cmdline, size_t len, const char *cgroup)
{
	char path[64], text[400];

	snprintf(path, sizeof(path), "proc/%d/stat", pid);
	snprintf(text, sizeof(text), "%d (%s) S 1 0 0 0 0 4194560 0 0 0 0 0 0 0 0 20 0 1 0 10000 0 0 0\n", pid, comm);
	tree_file(path, text);
	snprintf(path, sizeof(path), "proc/%d/cmdline", pid);
	tree_bytes(path, cmdline, len);
	snprintf(path, sizeof(path), "proc/%d/cgroup", pid);
	snprintf(text, sizeof(text), "0::%s\n", cgroup);
	tree_file(path, text);
}

static void opens(int pid, int fd, const char *file)
{
	char path[64];

	snprintf(path, sizeof(path), "proc/%d/fd/%d", pid, fd);
	tree_link(path, file);
}

static void look(void)
{
	const struct vs_devices_opts opts = { .root = tree_root };
	char error[200] = "";

	assert_int_equal(vs_devices__collect(&opts, &facts, error, sizeof(error)), 0);
	assert_int_equal(vs_host_use__collect(tree_root, &host), 0);
}

/* All is seen but what only memory tells. */
static void see_all(void)
{
	facts.evidence.weaker = false;
	facts.evidence.snapshot.scope = (struct vs_snap_scope){ true, true, true, true };
}

#define POD "11112222_3333_4444_5555_666677778888"

/* A GPU at a VM, its sound at nobody; two network functions at a pod; a VM whose files are not to be seen. */
static void make_a_host(void)
{
	static const char web[] = "qemu\0-name\0guest=web1,debug-threads=on\0-device\0{\"driver\":\"vfio-pci\",\"host\":\"0000:65:00.0\"}";
	static const char db[] = "qemu\0-name\0db\0-device\0vfio-pci,host=66:00.0";
	char pod[300];

	tree_folder("sys/module/vfio");
	tree_file("proc/uptime", "500000.12 900000.5\n");
	tree_pci("0000:65:00.0", 17, "vfio-pci", 0x10de, 0x2204, VGA);
	tree_pci("0000:65:00.1", 17, "vfio-pci", 0x10de, 0x1aef, AUDIO);
	tree_pci("0000:66:00.0", 18, "vfio-pci", 0x10de, 0x2204, VGA);
	tree_pci("0000:03:10.0", 30, "vfio-pci", 0x8086, 0x10ed, ETHERNET);
	tree_pci("0000:03:10.2", 31, "vfio-pci", 0x8086, 0x10ed, ETHERNET);
	process(4711, "qemu-system-x86", web, sizeof(web), "/machine.slice/machine-qemu\\x2d3\\x2dweb1.scope");
	opens(4711, 33, "/dev/vfio/vfio");
	opens(4711, 34, "/dev/vfio/17");
	opens(4711, 35, "anon_inode:[vfio-device]");
	process(4712, "qemu-system-x86", db, sizeof(db), "/libvirt/qemu/db");
	tree_file("proc/4712/fd", "no folder that this user can read\n");
	snprintf(pod, sizeof(pod), "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" POD ".slice/cri-containerd-%064d"
		 ".scope", 7);
	process(5000, "dpdk-testpmd", "testpmd", 8, pod);
	opens(5000, 10, "/dev/vfio/30");
	opens(5000, 11, "/dev/vfio/31");
	opens(5000, 12, "anon_inode:[vfio-device]");
	opens(5000, 13, "anon_inode:[vfio-device]");
	tree_folder("var/log/pods/prod_packet-gw-0_11112222-3333-4444-5555-666677778888");
}

static void users_are_known_by_names_of_files(void **state)
{
	static const struct {
		const char *device;
		enum vs_usage_state state;
		const char *vm, *pod;
		bool likely;
	} rows[] = {
		{ "0000:65:00.0", VS_USAGE_IN_USE, "web1", "", false },
		{ "0000:65:00.1", VS_USAGE_HELD, "web1", "", false },
		{ "0000:66:00.0", VS_USAGE_IN_USE, "db", "", true },
		{ "0000:03:10.0", VS_USAGE_IN_USE, "", "prod/packet-gw-0", false },
		{ "0000:03:10.2", VS_USAGE_IN_USE, "", "prod/packet-gw-0", false },
	};

	(void)state;
	make_a_host();
	look();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct vs_device *d = vs_inventory__device(&facts.inventory, rows[i].device);
		struct vs_usage u;

		assert_int_equal(vs_usage__of(&facts.inventory, &facts.evidence, &facts.why, d, &u), 0);
		assert_string_equal(vs_usage__state_name(u.state), vs_usage__state_name(rows[i].state));
		assert_true(u.nr_holders > 0);
		assert_string_equal(u.holders[0].vm, rows[i].vm);
		assert_string_equal(u.holders[0].pod_name, rows[i].pod);
		assert_int_equal(u.holders[0].likely, rows[i].likely);
		assert_int_equal(vs_usage__age(&facts.evidence, &u.holders[0]) / 1000000000, 499900);
		vs_usage__free(&u);
	}
	forget();
}

static void a_list_by_the_name_of_its_user(void **state)
{
	static const struct {
		const char *user;
		size_t nr;
	} rows[] = { { "web1", 2 }, { "db", 1 }, { "prod/packet-gw-0", 2 }, { "web", 0 } };

	(void)state;
	make_a_host();
	look();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct vs_list_subject subject = { .group = -1, .user = rows[i].user };
		struct vs_device_list list;

		assert_int_equal(vs_device_list__make(&facts, &subject, &list), 0);
		assert_int_equal(list.nr_rows, rows[i].nr);
		vs_device_list__free(&list);
	}
	forget();
}

static void a_likely_user_is_no_proof(void **state)
{
	(void)state;
	make_a_host();
	look();
	decide(VS_CAN_UNBIND, "0000:66:00.0");
	check("likely", VS_CAN_NOT_TOLD, "likely");
	vs_can__free(&can);
	decide(VS_CAN_UNBIND, "0000:65:00.0");
	check("known", VS_CAN_NO, "in-use");
	assert_non_null(strstr(can.first, "VM \"web1\""));
	forget();
}

static void another_device_of_the_group_is_in_use(void **state)
{
	(void)state;
	make_a_host();
	look();
	see_all();
	facts.evidence.weaker = true; /* else memory is asked, which is not there */
	decide(VS_CAN_UNBIND, "0000:65:00.1");
	assert_true(has(VS_CAN_GROUP_LIVE));
	assert_false(has(VS_CAN_GROUP_OPEN));
	forget();
}

static void detach_minds_the_group(void **state)
{
	(void)state;
	tree_folder("sys/module/vfio");
	tree_pci("0000:65:00.0", 17, "pci-stub", 0x10de, 0x2204, VGA);
	tree_pci("0000:65:00.1", 17, "snd_hda_intel", 0x10de, 0x1aef, AUDIO);
	tree_pci("0000:64:00.0", 17, "pcieport", 0x8086, 0x2030, BRIDGE);
	tree_pci("0000:01:00.0", -1, "nvme", 0x144d, 0xa808, NVME);
	look();
	see_all();
	decide(VS_CAN_DETACH, "0000:65:00.0");
	check("mates", VS_CAN_YES, "group-spoiled");
	assert_non_null(strstr(can.grounds[0].says, "0000:65:00.1 (snd_hda_intel)"));
	assert_null(strstr(can.grounds[0].says, "0000:64:00.0"));
	vs_can__free(&can);
	decide(VS_CAN_DETACH, "0000:64:00.0");
	check("bridge", VS_CAN_NO, "bridge");
	vs_can__free(&can);
	decide(VS_CAN_DETACH, "0000:01:00.0");
	check("no group", VS_CAN_NO, "no-group");
	vs_can__free(&can);
	decide(VS_CAN_DETACH, "0000:65:00.1");
	check("host driver", VS_CAN_NOT_TOLD, "host-unknown");
	forget();
}

static void virtual_functions_go_with_their_device(void **state)
{
	(void)state;
	make_a_host();
	tree_pci("0000:03:00.0", 29, "ixgbe", 0x8086, 0x10fb, ETHERNET);
	tree_link("sys/bus/pci/devices/0000:03:10.0/physfn", "../0000:03:00.0");
	look();
	decide(VS_CAN_UNBIND, "0000:03:00.0");
	check("functions", VS_CAN_NO, "function-in-use");
	assert_true(has(VS_CAN_FUNCTIONS));
	assert_string_equal(can.grounds[0].device, "0000:03:10.0");
	forget();
}

/*
 * The processor's time, for other tests run beside this one; with the checks of the sanitizers, which take the
 * most of it.
 */
static void a_host_with_4096_devices_takes_less_than_a_second(void **state)
{
	const struct vs_list_subject subject = { .group = -1 };
	struct vs_device_list list;
	struct timespec begun, ended;
	char name[16];

	(void)state;
	make_a_host();
	for (unsigned int i = 0; i < 4096; i++) {
		snprintf(name, sizeof(name), "%04x:%02x:%02x.%u", 1 + i / 2048, i / 8 % 256, 16 + i % 8, 0);
		tree_pci(name, 100 + (int)i / 2, i % 2 ? "vfio-pci" : "snd_hda_intel", 0x8086, 0x10ed, ETHERNET);
	}
	assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begun), 0);
	look();
	assert_int_equal(vs_device_list__make(&facts, &subject, &list), 0);
	assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ended), 0);
	assert_int_equal(list.nr_rows, 4096 + 5);
	assert_true((ended.tv_sec - begun.tv_sec) * 1000 + (ended.tv_nsec - begun.tv_nsec) / 1000000 < 1000);
	vs_device_list__free(&list);
	forget();
}

/* -- what the host uses -- */

static void make_disks_and_nets(void)
{
	tree_folder("sys/module/vfio");
	tree_pci("0000:01:00.0", 1, "nvme", 0x144d, 0xa808, NVME);
	tree_pci("0000:02:00.0", 2, "nvme", 0x144d, 0xa808, NVME);
	tree_pci("0000:03:00.0", 3, "igb", 0x8086, 0x1521, ETHERNET);
	tree_pci("0000:04:00.0", 4, "igb", 0x8086, 0x1521, ETHERNET);
	tree_pci("0000:05:00.0", 5, "mlx5_core", 0x15b3, 0x1017, ETHERNET);
	tree_pci("0000:06:00.0", 6, "igb", 0x8086, 0x1521, ETHERNET);
	tree_link("sys/dev/block/259:2", "../../devices/pci0000:00/0000:01:00.0/nvme/nvme0/nvme0n1/nvme0n1p2");
	tree_link("sys/class/net/eth0", "../../devices/pci0000:00/0000:03:00.0/net/eth0");
	tree_link("sys/class/net/eth1", "../../devices/pci0000:00/0000:04:00.0/net/eth1");
	tree_link("sys/class/net/eth2", "../../devices/pci0000:00/0000:05:00.0/net/eth2");
	tree_link("sys/class/infiniband/mlx5_0", "../../devices/pci0000:00/0000:05:00.0/infiniband/mlx5_0");
	tree_file("sys/devices/pci0000:00/0000:03:00.0/net/eth0/flags", "0x1003\n");
	tree_file("sys/devices/pci0000:00/0000:04:00.0/net/eth1/flags", "0x1002\n");
	tree_file("sys/devices/pci0000:00/0000:05:00.0/net/eth2/flags", "0x1002\n");
}

static void the_host_uses_disks_and_interfaces(void **state)
{
	static const struct {
		const char *device;
		enum vs_can_answer answer;
		const char *kind;
	} rows[] = {
		{ "0000:01:00.0", VS_CAN_NO, "host-uses" },
		{ "0000:02:00.0", VS_CAN_NOT_TOLD, "host-unknown" }, /* no mount, but ZFS or a database would have none */
		{ "0000:03:00.0", VS_CAN_NO, "host-uses" },
		{ "0000:04:00.0", VS_CAN_YES, "" },
		{ "0000:05:00.0", VS_CAN_NOT_TOLD, "host-unknown" }, /* RDMA */
		{ "0000:06:00.0", VS_CAN_NOT_TOLD, "host-unknown" }, /* its interface may be in another namespace */
	};

	(void)state;
	make_disks_and_nets();
	tree_file("proc/self/mountinfo", "21 1 259:2 / /srv/a\\040b rw,relatime - ext4 /dev/nvme0n1p2 rw\n");
	look();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		decide(VS_CAN_DETACH, rows[i].device);
		check(rows[i].device, rows[i].answer, rows[i].kind);
		vs_can__free(&can);
	}
	forget();
}

/* LVM on a partition; swap; btrfs, whose mounts have a number of their own; NVMe with multipath. */
static void a_disk_is_used_in_many_ways(void **state)
{
	(void)state;
	make_disks_and_nets();
	tree_link("sys/class/block/nvme1n1p3", "../../devices/pci0000:00/0000:02:00.0/nvme/nvme1/nvme1n1/nvme1n1p3");
	tree_folder("sys/devices/pci0000:00/0000:02:00.0/nvme/nvme1/nvme1n1/nvme1n1p3/holders/dm-0");
	look();
	decide(VS_CAN_UNBIND, "0000:02:00.0");
	check("lvm", VS_CAN_NO, "host-uses");
	assert_non_null(strstr(can.grounds[0].says, "nvme1n1p3 is a part of dm-0"));
	forget();
	tree_file("proc/swaps", "Filename Type Size Used Priority\n/dev/nvme0n1p9 partition 1000 0 -2\n");
	tree_link("sys/class/block/nvme0n1p9", "../../devices/pci0000:00/0000:01:00.0/nvme/nvme0/nvme0n1/nvme0n1p9");
	look();
	decide(VS_CAN_UNBIND, "0000:01:00.0");
	check("swap", VS_CAN_NO, "host-uses");
	forget();
	tree_file("proc/swaps", "Filename Type Size Used Priority\n");
	tree_file("proc/self/mountinfo", "21 1 0:31 / / rw - btrfs /dev/nvme0n1p9 rw\n");
	look();
	decide(VS_CAN_UNBIND, "0000:01:00.0");
	check("btrfs", VS_CAN_NO, "host-uses");
	forget();
	tree_file("proc/self/mountinfo", "21 1 259:7 / / rw - ext4 /dev/nvme0n1 rw\n");
	tree_link("sys/dev/block/259:7", "../../devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1");
	tree_link("sys/class/nvme-subsystem/nvme-subsys0/nvme0", "../../../pci0000:00/0000:01:00.0/nvme/nvme0");
	look();
	decide(VS_CAN_UNBIND, "0000:01:00.0");
	check("multipath", VS_CAN_NO, "host-uses");
	forget();
}

/* -- modules -- */

static void modules_are_refused_for_a_reason(void **state)
{
	(void)state;
	make_a_host();
	tree_file("sys/module/vfio_pci/initstate", "live\n");
	tree_file("sys/module/vfio_pci/refcnt", "4\n");
	tree_folder("sys/module/vfio_pci/drivers/pci:vfio-pci");
	tree_folder("sys/module/vfio/holders/vfio_pci");
	tree_file("sys/module/vfio/initstate", "live\n");
	tree_file("sys/module/vfio/refcnt", "1\n");
	tree_folder("sys/module/vfio_virqfd/parameters");
	tree_file("sys/module/other/initstate", "live\n");
	tree_file("sys/module/other/refcnt", "2\n");
	look();
	assert_int_equal(vs_module__collect(tree_root, "vfio-pci", &module), 0);
	decide(VS_CAN_RMMOD, NULL);
	check("in use", VS_CAN_NO, "in-use");
	assert_true(has(VS_CAN_TAKES));
	vs_can__free(&can);
	vs_module__free(&module);
	assert_int_equal(vs_module__collect(tree_root, "vfio", &module), 0);
	decide(VS_CAN_RMMOD, NULL);
	check("needed", VS_CAN_NO, "needed");
	vs_can__free(&can);
	vs_module__free(&module);
	assert_int_equal(vs_module__collect(tree_root, "vfio_virqfd", &module), 0);
	decide(VS_CAN_RMMOD, NULL);
	check("built in", VS_CAN_NO, "built-in");
	vs_can__free(&can);
	vs_module__free(&module);
	assert_int_equal(vs_module__collect(tree_root, "other", &module), 0);
	decide(VS_CAN_RMMOD, NULL);
	check("counted", VS_CAN_NO, "counted");
	assert_int_equal(vs_module__collect(tree_root, "none", &(struct vs_module){}), -ENOENT);
	assert_int_equal(vs_module__collect(tree_root, "../bus", &(struct vs_module){}), -ENOENT);
	assert_int_equal(vs_module__collect(tree_root, "", &(struct vs_module){}), -ENOENT);
	forget();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorded_unbinds),
		cmocka_unit_test_setup_teardown(nothing_gets_on_in_a_deadlocked_group, tree_begin, tree_end),
		cmocka_unit_test(what_was_not_seen_makes_no_yes),
		cmocka_unit_test(a_kernel_without_the_fix_is_warned_of),
		cmocka_unit_test_setup_teardown(users_are_known_by_names_of_files, tree_begin, tree_end),
		cmocka_unit_test_setup_teardown(a_list_by_the_name_of_its_user, tree_begin, tree_end),
		cmocka_unit_test_setup_teardown(a_likely_user_is_no_proof, tree_begin, tree_end),
		cmocka_unit_test_setup_teardown(another_device_of_the_group_is_in_use, tree_begin, tree_end),
		cmocka_unit_test_setup_teardown(detach_minds_the_group, tree_begin, tree_end),
		cmocka_unit_test_setup_teardown(virtual_functions_go_with_their_device, tree_begin, tree_end),
		cmocka_unit_test_setup_teardown(a_host_with_4096_devices_takes_less_than_a_second, tree_begin, tree_end),
		cmocka_unit_test_setup_teardown(the_host_uses_disks_and_interfaces, tree_begin, tree_end),
		cmocka_unit_test_setup_teardown(a_disk_is_used_in_many_ways, tree_begin, tree_end),
		cmocka_unit_test_setup_teardown(modules_are_refused_for_a_reason, tree_begin, tree_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

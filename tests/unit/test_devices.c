// SPDX-License-Identifier: GPL-2.0
/* A made-up sysfs has the devices; records of the lab's kernels tell who has them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "evidence/inventory.h"
#include "devices/usage.h"
#include "evidence_lab.h"
#include "host_tree.h"

#define VGA 0x030000
#define AUDIO 0x040300
#define BRIDGE 0x060400
#define ETHERNET 0x020000

/* -- the inventory -- */

static struct vs_inventory inv;

static const struct vs_device *device(const char *name)
{
	const struct vs_device *d = vs_inventory__device(&inv, name);

	if (!d)
		fail_msg("%s is not there", name);
	return d;
}

/* "A B C": the members of a group. */
static const char *members(int group)
{
	static char words[512];
	const struct vs_device *d;
	size_t at = 0;

	words[0] = '\0';
	while ((d = vs_inventory__member(&inv, group, &at)))
		snprintf(words + strlen(words), sizeof(words) - strlen(words), "%s%s", words[0] ? " " : "", d->name);
	return words;
}

static void inventory_of_a_gpu_with_its_bridge(void **state)
{
	(void)state;
	tree_pci("0000:65:00.1", 17, "snd_hda_intel", 0x10de, 0x1aef, AUDIO);
	tree_pci("0000:65:00.0", 17, "vfio-pci", 0x10de, 0x2204, VGA);
	tree_pci("0000:64:00.0", 17, "pcieport", 0x8086, 0x2030, BRIDGE);
	tree_pci("0000:01:00.0", -1, "", 0x8086, 0x1572, ETHERNET);
	tree_folder("sys/bus/pci/devices/0000:65:00.0/vfio-dev/vfio3");
	assert_int_equal(vs_inventory__collect(tree_root, &inv), 0);
	assert_int_equal(inv.nr_devices, 4);
	assert_int_equal(inv.nr_groups, 1);
	assert_string_equal(members(17), "0000:64:00.0 0000:65:00.0 0000:65:00.1");
	assert_string_equal(members(16), "");
	assert_string_equal(members(-1), "");
	assert_string_equal(device("0000:65:00.0")->node, "vfio3");
	assert_true(device("0000:65:00.0")->registered);
	assert_int_equal(device("0000:65:00.0")->vendor, 0x10de);
	assert_int_equal(device("0000:65:00.0")->device, 0x2204);
	assert_int_equal(device("0000:65:00.0")->class_code, VGA);
	assert_true(vs_device__is_vfio(device("0000:65:00.0")));
	assert_false(vs_device__spoils_group(device("0000:65:00.0")));
	assert_true(vs_device__spoils_group(device("0000:65:00.1")));
	assert_true(vs_device__is_bridge(device("0000:64:00.0")));
	assert_false(vs_device__spoils_group(device("0000:64:00.0")));
	assert_int_equal(device("0000:01:00.0")->group, -1);
	assert_string_equal(device("0000:01:00.0")->driver, "");
	assert_null(vs_inventory__device(&inv, "0000:02:00.0"));
	vs_inventory__free(&inv);
}

static void virtual_functions_know_who_made_them(void **state)
{
	const struct vs_device *vf;
	size_t at = 0;

	(void)state;
	tree_pci("0000:03:00.0", 5, "ixgbe", 0x8086, 0x10fb, ETHERNET);
	tree_pci("0000:03:10.0", 6, "vfio-pci", 0x8086, 0x10ed, ETHERNET);
	tree_pci("0000:03:10.2", 7, "vfio-pci", 0x8086, 0x10ed, ETHERNET);
	tree_link("sys/bus/pci/devices/0000:03:10.0/physfn", "../0000:03:00.0");
	tree_link("sys/bus/pci/devices/0000:03:10.2/physfn", "../0000:03:00.0");
	assert_int_equal(vs_inventory__collect(tree_root, &inv), 0);
	vf = vs_inventory__function(&inv, device("0000:03:00.0"), &at);
	assert_string_equal(vf->name, "0000:03:10.0");
	vf = vs_inventory__function(&inv, device("0000:03:00.0"), &at);
	assert_string_equal(vf->name, "0000:03:10.2");
	assert_null(vs_inventory__function(&inv, device("0000:03:00.0"), &at));
	vs_inventory__free(&inv);
}

/* A mediated device and one of the platform bus; a group that VFIO has made without an IOMMU. */
static void other_buses_are_seen(void **state)
{
	(void)state;
	tree_link("sys/bus/mdev/devices/83b8f4f2-509f-382f-3c1e-e6bfe0fa1001/driver", "../../drivers/vfio_mdev");
	tree_link("sys/bus/mdev/devices/83b8f4f2-509f-382f-3c1e-e6bfe0fa1001/iommu_group", "../../../kernel/iommu_groups/3");
	tree_folder("sys/kernel/iommu_groups/3/devices/83b8f4f2-509f-382f-3c1e-e6bfe0fa1001");
	tree_folder("sys/kernel/iommu_groups/4/devices/fff51000.ethernet");
	tree_pci("0000:01:00.0", 8, "vfio-pci", 0x8086, 0x1572, ETHERNET);
	tree_folder("sys/class/vfio/noiommu-8");
	assert_int_equal(vs_inventory__collect(tree_root, &inv), 0);
	assert_int_equal(inv.nr_devices, 3);
	assert_int_equal(inv.nr_groups, 2);
	assert_true(device("0000:01:00.0")->noiommu);
	assert_int_equal(device("83b8f4f2-509f-382f-3c1e-e6bfe0fa1001")->bus, VS_BUS_MDEV);
	assert_true(vs_device__is_vfio(device("83b8f4f2-509f-382f-3c1e-e6bfe0fa1001")));
	assert_int_equal(device("fff51000.ethernet")->bus, VS_BUS_OTHER);
	assert_int_equal(device("fff51000.ethernet")->group, 4);
	vs_inventory__free(&inv);
}

static void a_host_without_anything_has_no_devices(void **state)
{
	(void)state;
	assert_int_equal(vs_inventory__collect(tree_root, &inv), 0);
	assert_int_equal(inv.nr_devices, 0);
	assert_string_equal(members(0), "");
	assert_null(vs_inventory__device(&inv, "0000:01:00.0"));
	vs_inventory__free(&inv);
}

/* -- who has them, where it was recorded -- */

static struct vs_evidence evidence;
static struct vs_why why;
static struct vs_usage usage;

static void use(const char *name, const char *asked)
{
	const struct vs_why_subject all = { .group = -1 };

	load_evidence(name, &evidence);
	assert_int_equal(vs_classify(&evidence, &all, &why), 0);
	assert_int_equal(vs_inventory__of_snapshot(&evidence.snapshot, &inv), 0);
	assert_int_equal(vs_usage__of(&inv, &evidence, &why, device(asked), &usage), 0);
}

static void done(void)
{
	vs_usage__free(&usage);
	vs_inventory__free(&inv);
	vs_why__free(&why);
	vs_evidence__free(&evidence);
}

static void recorded_states(void **state)
{
	static const struct {
		const char *evidence, *device;
		enum vs_usage_state state;
		uint32_t holder; /* 0: none */
	} rows[] = {
		{ "fixed-idle", "0000:00:05.0", VS_USAGE_FREE, 0 },
		{ "fixed-group", "0000:00:05.0", VS_USAGE_UNUSED, 278 },
		{ "fixed-group", "0000:00:05.1", VS_USAGE_UNUSED, 278 },
		{ "fixed-device", "0000:00:05.0", VS_USAGE_LEAVING, 129 },
		{ "fixed-device", "0000:00:05.1", VS_USAGE_UNUSED, 0 },
		{ "fixed-mmap", "0000:00:05.0", VS_USAGE_LEAVING, 185 },
		{ "fixed-chain", "0000:00:05.0", VS_USAGE_FREE, 0 },
		{ "fixed-deferred", "0000:00:05.0", VS_USAGE_STUCK, 0 },
		{ "fixed-stall", "0000:00:05.0", VS_USAGE_LEAVING, 262 },
		{ "6.1-device", "0000:00:05.0", VS_USAGE_LEAVING, 142 },
		{ "6.12-idle", "0000:00:05.0", VS_USAGE_FREE, 0 },
		{ "6.12-vhost", "0000:00:05.0", VS_USAGE_LEAVING, 302 },
		{ "7.x-mmap", "0000:00:05.0", VS_USAGE_LEAVING, 207 },
		{ "iommufd-cdev", "0000:00:05.0", VS_USAGE_LEAVING, 626 },
		{ "iommufd-mdev", "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001", VS_USAGE_LEAVING, 584 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t holder;

		use(rows[i].evidence, rows[i].device);
		holder = usage.nr_holders ? usage.holders[0].tgid : 0;
		if (usage.state != rows[i].state || holder != rows[i].holder)
			fail_msg("%s %s: %s, held by %u", rows[i].evidence, rows[i].device,
				 vs_usage__state_name(usage.state), holder);
		done();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(inventory_of_a_gpu_with_its_bridge, tree_begin, tree_end),
		cmocka_unit_test_setup_teardown(virtual_functions_know_who_made_them, tree_begin, tree_end),
		cmocka_unit_test_setup_teardown(other_buses_are_seen, tree_begin, tree_end),
		cmocka_unit_test_setup_teardown(a_host_without_anything_has_no_devices, tree_begin, tree_end),
		cmocka_unit_test(recorded_states),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

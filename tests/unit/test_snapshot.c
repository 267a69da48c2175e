// SPDX-License-Identifier: GPL-2.0
/* The walks of a snapshot, in a memory that is made up: whole, broken, and changing. */
#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <bpf/btf.h>

#include "base/rows.h"
#include "bpf/stacks.h"
#include "kernel/btf.h"
#include "snapshot/symbols.h"
#include "snapshot/walk.h"

#define BASE 0xffff888000000000ull
#define BYTES (1 << 20)
#define AT(n) (BASE + (n) * 0x1000ull)	/* places for objects, a page each */
#define RELEASE(kind) (0xffffffffc0000000ull + 0x100 * (kind))
#define OPS(kind) AT(200 + (kind))
#define EXT4_OPS AT(220)

static struct {
	unsigned char bytes[BYTES];
	uint64_t hole;		/* this page cannot be read, 0: none */
	uint64_t changes, value; /* after `countdown` reads this word becomes that */
	int countdown;
	size_t reads;
} fake;

static struct vs_snap_layout layout;
static struct vs_snap_symbols symbols;
static struct vs_mem mem;
static struct vs_walk walk;
static struct vs_snapshot snapshot;
static struct vs_file_kinds *kinds;

static bool is_mapped(uint64_t address, size_t len)
{
	if (address < BASE || address - BASE > BYTES - len)
		return false;
	return !fake.hole || address + len <= fake.hole || address >= fake.hole + 0x1000;
}

static void put(uint64_t address, const void *data, size_t len)
{
	assert_true(address >= BASE && address - BASE <= BYTES - len);
	memcpy(fake.bytes + (address - BASE), data, len);
}

static void put64(uint64_t address, uint64_t value)
{
	put(address, &value, sizeof(value));
}

static void put32(uint64_t address, uint32_t value)
{
	put(address, &value, sizeof(value));
}

static void put_text(uint64_t address, const char *text)
{
	put(address, text, strlen(text) + 1);
}

static int fake_read(void *ctx, uint64_t address, void *buf, size_t len)
{
	(void)ctx;
	fake.reads++;
	if (fake.countdown && !--fake.countdown)
		put64(fake.changes, fake.value);
	if (!is_mapped(address, len))
		return -EFAULT;
	memcpy(buf, fake.bytes + (address - BASE), len);
	return 0;
}

static void fake_words(void *ctx, const uint64_t *addresses, uint64_t *values, bool *ok,
		       size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		ok[i] = !fake_read(ctx, addresses[i], &values[i], sizeof(values[i]));
}

/* Offsets that no kernel has, so that a walk that guesses is found out. */
static void made_up_layout(void)
{
	memset(&layout, 0xff, sizeof(layout));
	layout = (struct vs_snap_layout){
		.mutex_size = 32, .completion_size = 32, .files_fdt = 0x18, .fdt_max = 4,
		.fdt_fd = 0x10, .file_op = 0x28, .file_private = 0xc0, .file_mapping = 0xd0,
		.op_release = 0x70, .inode_mapping = 0x30, .mapping_tree = 0x48, .root_node = 0,
		.node_parent = 0, .node_left = 0x10, .node_right = 8, .vma_start = 0, .vma_end = 8,
		.vma_mm = 0x40, .vma_file = 0xa0, .vma_node = 0x58, .iommu_group_id = 0x88,
		.iommu_group_devices = 0x60, .iommu_member_list = 8, .iommu_member_dev = 0x20,
		.device_kobj = 0x10, .kobj_name = 8, .dev_driver_data = 0x78, .dev_driver = 0x68,
		.driver_name = 0x10, .module_kallsyms = 0x100, .kallsyms_symtab = 0,
		.kallsyms_nr = 8, .kallsyms_strtab = 16,
		.completion_wait = 0, .swait_head = 0x10, .swait_list = 0x18, .swait_task = 0x30,
		.wait_head = 8, .wait_list = 0x20, .wait_task = 0x10,
		.group_drivers = VS_ABSENT, .group_users = VS_ABSENT, .group_cdev = VS_ABSENT,
		.group_opened_file = VS_ABSENT, .device_kref = VS_ABSENT,
		.device_open_count = VS_ABSENT, .device_inode = VS_ABSENT,
		.device_file_device = VS_ABSENT, .device_file_group = VS_ABSENT,
		.device_file_iommufd = VS_ABSENT,
		.kvm_vfio_files = VS_ABSENT, .kvm_group_file = VS_ABSENT,
		.kvm_file_node = VS_ABSENT, .kvm_file_file = VS_ABSENT,
	};
	assert_int_equal(vs_snap_layout__assume_vfio(&layout), 0);
	vs_snap_layout__assume_kvm(&layout);
}

static void made_up_operations(void)
{
	for (int kind = 0; kind < VS_SNAP_FILE_KINDS; kind++) {
		symbols.release[kind] = kind == VS_SNAP_CDEV_FILE ? 0 : RELEASE(kind);
		put64(OPS(kind) + layout.op_release, RELEASE(kind));
	}
	put64(EXT4_OPS + layout.op_release, 0xffffffff81234560ull);
}

static int set_up(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof(fake));
	memset(&symbols, 0, sizeof(symbols));
	mem = (struct vs_mem){ fake_read, fake_words, NULL };
	walk = (struct vs_walk){ &mem, &layout, &symbols, 0, 0 };
	made_up_layout();
	made_up_operations();
	kinds = vs_file_kinds__new(&walk);
	return kinds ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	vs_file_kinds__free(kinds);
	vs_snapshot__free(&snapshot);
	return 0;
}

/* A list_head list through these nodes. */
static void link_list(uint64_t head, const uint64_t *nodes, size_t nr)
{
	uint64_t from = head;

	for (size_t i = 0; i < nr; i++) {
		put64(from, nodes[i]);
		put64(nodes[i] + 8, from);
		from = nodes[i];
	}
	put64(from, head);
	put64(head + 8, from);
}

static void list_whole(void **state)
{
	uint64_t nodes[] = { AT(2), AT(3), AT(4) }, seen[3];

	(void)state;
	link_list(AT(1), nodes, 3);
	assert_int_equal(vs_walk__list(&mem, AT(1), seen, 3), 3);
	assert_memory_equal(seen, nodes, sizeof(nodes));
	assert_int_equal(vs_walk__list(&mem, AT(1), seen, 2), -ELOOP);
	link_list(AT(1), NULL, 0);
	assert_int_equal(vs_walk__list(&mem, AT(1), seen, 3), 0);
}

static void list_broken(void **state)
{
	uint64_t nodes[] = { AT(2), AT(3), AT(4) }, seen[16];

	(void)state;
	assert_int_equal(vs_walk__list(&mem, AT(1), seen, 16), -EFAULT); /* zeros */
	assert_int_equal(vs_walk__list(&mem, 0x1234, seen, 16), -EFAULT);
	link_list(AT(1), nodes, 3);
	put64(AT(4), AT(2));	/* a circle that the head is not part of */
	assert_int_equal(vs_walk__list(&mem, AT(1), seen, 16), -EFAULT);
	link_list(AT(1), nodes, 3);
	put64(AT(3) + 8, AT(9)); /* another way back */
	assert_int_equal(vs_walk__list(&mem, AT(1), seen, 16), -EFAULT);
	link_list(AT(1), nodes, 3);
	fake.hole = AT(3);
	assert_int_equal(vs_walk__list(&mem, AT(1), seen, 16), -EFAULT);
	assert_true(fake.reads < 100);
}

/* A node is being put in: half of its links are there at the first try. */
static void list_heals(void **state)
{
	uint64_t nodes[] = { AT(2), AT(3) }, seen[4];

	(void)state;
	link_list(AT(1), nodes, 2);
	put64(AT(3) + 8, AT(7));
	fake.changes = AT(3) + 8;
	fake.value = AT(2);
	fake.countdown = 5;
	assert_int_equal(vs_walk__list(&mem, AT(1), seen, 4), 2);
}

static void strings(void **state)
{
	char text[16];

	(void)state;
	put_text(AT(1) + 3, "0000:00:05.0");
	vs_walk__string(&mem, AT(1) + 3, text, sizeof(text));
	assert_string_equal(text, "0000:00:05.0");
	put_text(AT(1), "much too long for the place it goes to");
	vs_walk__string(&mem, AT(1), text, sizeof(text));
	assert_string_equal(text, "much too long f");
	fake.hole = AT(3);
	put_text(AT(3) - 5, "edge");
	vs_walk__string(&mem, AT(3) - 5, text, sizeof(text));
	assert_string_equal(text, "edge");
	put(AT(3) - 4, "over", 4);
	vs_walk__string(&mem, AT(3) - 4, text, sizeof(text));
	assert_string_equal(text, "over");
	vs_walk__string(&mem, AT(3), text, sizeof(text));
	assert_string_equal(text, "");
}

#define VFIO AT(10)
#define GROUP AT(11)
#define IOMMU_GROUP AT(12)
#define DEVICE AT(13)		/* struct vfio_device */
#define DEV AT(14)		/* struct device */
#define CONTAINER AT(15)
#define LEAVING AT(16)
#define LEAVING_DEV AT(17)
#define FOREIGN_DEV AT(18)
#define DRIVER AT(19)

static void name_device(uint64_t dev, const char *name)
{
	put64(dev + layout.device_kobj + layout.kobj_name, dev + 0x800);
	put_text(dev + 0x800, name);
}

static void make_device(uint64_t device, uint64_t dev, const char *name)
{
	put64(device + layout.device_dev, dev);
	put64(device + layout.device_group, GROUP);
	put32(device + layout.device_refcount, 2);
	put64(dev + layout.dev_driver_data, device);
	put64(dev + layout.dev_driver, DRIVER);
	put64(DRIVER + layout.driver_name, DRIVER + 0x100);
	put_text(DRIVER + 0x100, "vfio-pci");
	name_device(dev, name);
}

/* One group with one device in its list, three in its IOMMU group. */
static void make_group(void)
{
	uint64_t groups[] = { GROUP + layout.group_next };
	uint64_t devices[] = { DEVICE + layout.device_next };
	uint64_t members[] = { AT(21) + 8, AT(22) + 8, AT(23) + 8 };
	uint64_t devs[] = { DEV, LEAVING_DEV, FOREIGN_DEV };

	symbols.vfio[symbols.nr_vfio++] = VFIO;
	link_list(VFIO + layout.vfio_group_list, groups, 1);
	put32(GROUP + layout.group_kref, 3);
	put32(GROUP + layout.group_container_users, 2);
	put32(GROUP + layout.group_opened, 1);
	put64(GROUP + layout.group_iommu_group, IOMMU_GROUP);
	put64(GROUP + layout.group_container, CONTAINER);
	put32(IOMMU_GROUP + layout.iommu_group_id, 26);
	link_list(GROUP + layout.group_device_list, devices, 1);
	make_device(DEVICE, DEV, "0000:00:05.0");
	link_list(IOMMU_GROUP + layout.iommu_group_devices, members, 3);
	for (int i = 0; i < 3; i++)
		put64(members[i] - layout.iommu_member_list + layout.iommu_member_dev, devs[i]);
	put64(FOREIGN_DEV + layout.dev_driver_data, AT(24));
}

static void groups_and_devices(void **state)
{
	const struct vs_snap_group *group;

	(void)state;
	make_group();
	assert_int_equal(vs_walk__groups(&walk, &snapshot), 0);
	assert_int_equal(snapshot.nr_groups, 1);
	assert_int_equal(snapshot.nr_devices, 1);
	group = &snapshot.groups[0];
	assert_int_equal(group->address, GROUP);
	assert_int_equal(group->number, 26);
	assert_int_equal(group->refs, 3);
	assert_int_equal(group->opened, 1);
	assert_int_equal(group->container_users, 2);
	assert_int_equal(group->container, CONTAINER);
	assert_int_equal(snapshot.devices[0].address, DEVICE);
	assert_int_equal(snapshot.devices[0].refs, 2);
	assert_int_equal(snapshot.devices[0].open_count, VS_SNAP_UNKNOWN);
	assert_string_equal(snapshot.devices[0].name, "0000:00:05.0");
	assert_string_equal(snapshot.devices[0].driver, "vfio-pci");
	assert_false(snapshot.devices[0].leaving);
}

/*
 * A VFIO that is built without groups: the IOMMU's lead to its devices, which have nodes. What another driver
 * keeps as its data is none, though it begins with its device.
 */
static void devices_without_groups(void **state)
{
	uint64_t set = AT(26), groups[] = { IOMMU_GROUP + 0x18 };

	(void)state;
	layout.kobj_entry = 8;
	layout.iommu_group_kobj = 0x10;
	layout.kset_list = 0x20;
	layout.device_node = 0x400;
	make_group();
	layout.device_group = layout.group_device_list = layout.vfio_group_list = VS_ABSENT;
	assert_true(vs_snap_layout__has_no_groups(&layout));
	assert_int_equal(vs_walk__groups(&walk, &snapshot), -ENOENT);
	symbols.iommu_groups = AT(27);
	put64(AT(27), set);
	link_list(set + layout.kset_list, groups, 1);
	name_device(DEVICE + layout.device_node, "vfio0");
	put64(FOREIGN_DEV + layout.dev_driver_data, AT(24));
	put64(AT(24) + layout.device_dev, FOREIGN_DEV);
	name_device(FOREIGN_DEV, "0000:00:05.2");
	assert_int_equal(vs_walk__groups(&walk, &snapshot), 0);
	assert_int_equal(snapshot.nr_groups, 0);
	assert_int_equal(snapshot.nr_devices, 1);
	assert_int_equal(snapshot.devices[0].address, DEVICE);
	assert_int_equal(snapshot.devices[0].number, 26);
	assert_string_equal(snapshot.devices[0].name, "0000:00:05.0");
	/* One that is known from an open file alone. */
	snapshot.nr_devices = 0;
	layout.dev_iommu_group = 0x700;
	put64(DEV + layout.dev_iommu_group, IOMMU_GROUP);
	snapshot.fds = calloc(1, sizeof(*snapshot.fds));
	snapshot.fds[0] = (struct vs_snap_fd){ .kind = VS_SNAP_CDEV_FILE, .object = DEVICE };
	snapshot.nr_fds = 1;
	assert_int_equal(vs_walk__devices_of_files(&walk, &snapshot), 0);
	assert_int_equal(snapshot.nr_devices, 1);
	assert_int_equal(snapshot.devices[0].number, 26);
}

/* Without sysfs the IOMMU group tells its other devices, those of other drivers, too. */
static void neighbours(void **state)
{
	(void)state;
	make_group();
	name_device(FOREIGN_DEV, "0000:00:05.2");
	assert_int_equal(vs_walk__groups(&walk, &snapshot), 0);
	assert_int_equal(vs_walk__neighbours(&walk, &snapshot), 0);
	assert_int_equal(snapshot.nr_devices, 2);
	assert_string_equal(snapshot.devices[1].name, "0000:00:05.2");
	assert_string_equal(snapshot.devices[1].driver, "");
	assert_int_equal(snapshot.devices[1].address, 0);
	assert_int_equal(snapshot.devices[1].number, 26);
	assert_int_equal(snapshot.devices[1].refs, VS_SNAP_UNKNOWN);
	assert_int_equal(vs_walk__neighbours(&walk, &snapshot), 0);
	assert_int_equal(snapshot.nr_devices, 2);
}

/* Off the list, but still its driver's; what another driver keeps is not taken for one. */
/* What is waited for names who waits: a device in its completion, a group in its wait queue. */
static void waiters(void **state)
{
	uint64_t users = DEVICE + layout.device_completion + 0x10;
	uint64_t left = GROUP + layout.group_container_wait + 8;
	uint64_t waiter = AT(30) + 0x18, stall = AT(31) + 0x20;

	(void)state;
	make_group();
	put64(AT(30) + 0x30, AT(40));
	put64(AT(31) + 0x10, AT(41));
	link_list(users, NULL, 0);
	link_list(left, NULL, 0);
	assert_int_equal(vs_walk__groups(&walk, &snapshot), 0);
	assert_int_equal(snapshot.devices[0].waiter, 0);
	assert_int_equal(snapshot.groups[0].waiter, 0);
	vs_snapshot__free(&snapshot);
	link_list(users, &waiter, 1);
	link_list(left, &stall, 1);
	assert_int_equal(vs_walk__groups(&walk, &snapshot), 0);
	assert_int_equal(snapshot.devices[0].waiter, AT(40));
	assert_int_equal(snapshot.groups[0].waiter, AT(41));
	vs_snapshot__free(&snapshot);
	put64(waiter + 8, AT(50));	/* half a list is none */
	assert_int_equal(vs_walk__groups(&walk, &snapshot), 0);
	assert_int_equal(snapshot.devices[0].waiter, 0);
}

/* Off the list, and its driver's data begins with something else: who has it open leads to it. */
static void device_by_its_file(void **state)
{
	struct vs_snap_fd *fd;

	(void)state;
	make_group();
	make_device(LEAVING, LEAVING_DEV, "0000:00:06.0");
	put64(LEAVING_DEV + layout.dev_driver_data, LEAVING - 0x40);
	assert_int_equal(vs_walk__groups(&walk, &snapshot), 0);
	assert_int_equal(snapshot.nr_devices, 1);
	fd = vs_rows__add(&snapshot.fds, &snapshot.nr_fds, sizeof(*fd));
	assert_non_null(fd);
	fd->kind = VS_SNAP_DEVICE_FILE;
	fd->object = LEAVING;
	assert_int_equal(vs_walk__devices_of_files(&walk, &snapshot), 0);
	assert_int_equal(snapshot.nr_devices, 2);
	assert_true(snapshot.devices[1].leaving);
	assert_string_equal(snapshot.devices[1].name, "0000:00:06.0");
	fd->object = AT(60);	/* nothing of ours */
	assert_int_equal(vs_walk__devices_of_files(&walk, &snapshot), 0);
	assert_int_equal(snapshot.nr_devices, 2);
}

static void device_that_leaves(void **state)
{
	(void)state;
	make_group();
	make_device(LEAVING, LEAVING_DEV, "0000:00:05.1");
	make_device(AT(24), FOREIGN_DEV, "0000:00:05.2");
	put64(AT(24) + layout.device_group, AT(25)); /* another group's */
	assert_int_equal(vs_walk__groups(&walk, &snapshot), 0);
	assert_int_equal(snapshot.nr_devices, 2);
	assert_int_equal(snapshot.devices[1].address, LEAVING);
	assert_true(snapshot.devices[1].leaving);
	assert_string_equal(snapshot.devices[1].name, "0000:00:05.1");
}

/* v6.1 and later: three objects are called vfio. */
static void the_right_vfio(void **state)
{
	(void)state;
	symbols.vfio[symbols.nr_vfio++] = AT(30);
	symbols.vfio[symbols.nr_vfio++] = AT(31);
	put64(AT(31) + layout.vfio_group_list, AT(32));
	make_group();
	assert_int_equal(vs_walk__groups(&walk, &snapshot), 0);
	assert_int_equal(snapshot.nr_groups, 1);
}

static void no_list_of_groups(void **state)
{
	(void)state;
	assert_int_equal(vs_walk__groups(&walk, &snapshot), -ENOENT);
	symbols.vfio[symbols.nr_vfio++] = AT(30);
	assert_int_equal(vs_walk__groups(&walk, &snapshot), -EFAULT);
	layout.vfio_group_list = VS_ABSENT;
	assert_int_equal(vs_walk__groups(&walk, &snapshot), -ENOENT);
	assert_int_equal(snapshot.nr_groups, 0);
}

/* Before v5.13 a vfio_device begins with a kref: its group pointer shows it. */
static void old_device(void **state)
{
	struct vs_snap_layout before = layout;
	uint64_t devices[1];

	(void)state;
	make_group();
	vs_snap_layout__assume_old_device(&layout);
	devices[0] = LEAVING + layout.device_next;
	put64(LEAVING + layout.device_dev, DEV);
	put64(LEAVING + layout.device_group, GROUP);
	put32(LEAVING, 7);
	layout = before;
	link_list(GROUP + layout.group_device_list, devices, 1);
	put64(DEV + layout.dev_driver_data, 0);
	assert_int_equal(vs_walk__groups(&walk, &snapshot), 0);
	assert_int_equal(snapshot.nr_devices, 1);
	assert_int_equal(snapshot.devices[0].address, LEAVING);
	assert_int_equal(snapshot.devices[0].refs, 7);
	assert_string_equal(snapshot.devices[0].name, "0000:00:05.0");
}

/* v6.1: another counter, the opener's file, a device inside. v6.2: no IOMMU group at the end. */
static void newer_group(void **state)
{
	const struct vs_snap_group *group;

	(void)state;
	layout.group_drivers = 0x300;
	layout.group_opened = VS_ABSENT;
	layout.group_opened_file = 0x308;
	layout.group_cdev = 0x310;
	layout.group_dev = 0x400;
	make_group();
	put32(GROUP + 0x300, 1);
	put64(GROUP + 0x308, AT(40));
	put64(GROUP + layout.group_iommu_group, 0);
	name_device(GROUP + 0x400, "noiommu-3");
	assert_int_equal(vs_walk__groups(&walk, &snapshot), 0);
	group = &snapshot.groups[0];
	assert_int_equal(group->refs, 1);
	assert_int_equal(group->opened, 1);
	assert_int_equal(group->group_file, AT(40));
	assert_int_equal(group->number, 3);
}

static void broken_device_list(void **state)
{
	(void)state;
	make_group();
	put64(GROUP + layout.group_device_list, AT(99));
	assert_int_equal(vs_walk__groups(&walk, &snapshot), -EFAULT);
	assert_int_equal(snapshot.nr_groups, 1);
	assert_int_equal(snapshot.nr_devices, 0);
}

#define FILES AT(50)
#define TABLE AT(51)
#define ARRAY AT(52)
#define FILE_AT(n) AT(60 + (n))

static void make_file(uint64_t file, uint64_t operations, uint64_t private)
{
	put64(file + layout.file_op, operations);
	put64(file + layout.file_private, private);
}

static void make_table(uint64_t files, uint64_t table, uint64_t array, uint32_t max)
{
	put64(files + layout.files_fdt, table);
	put32(table + layout.fdt_max, max);
	put64(table + layout.fdt_fd, array);
}

static const struct vs_task_row qemu = { .files = FILES, .mm = AT(90), .tgid = 4711, .tid = 4711,
					 .comm = "qemu" };

static void every_kind_of_fd(void **state)
{
	(void)state;
	make_group();
	vs_walk__groups(&walk, &snapshot);
	make_table(FILES, TABLE, ARRAY, 256);
	make_file(FILE_AT(0), OPS(VS_SNAP_GROUP_FILE), GROUP);
	make_file(FILE_AT(1), OPS(VS_SNAP_DEVICE_FILE), DEVICE);
	make_file(FILE_AT(2), OPS(VS_SNAP_CONTAINER_FILE), CONTAINER);
	make_file(FILE_AT(3), EXT4_OPS, AT(80));
	put64(ARRAY + 3 * 8, FILE_AT(0));
	put64(ARRAY + 4 * 8, FILE_AT(1));
	put64(ARRAY + 5 * 8, FILE_AT(2));
	put64(ARRAY + 6 * 8, FILE_AT(3));
	put64(ARRAY + 200 * 8, FILE_AT(0)); /* a dup */
	put64(ARRAY + 7 * 8, 0xdead0000); /* nonsense */
	assert_int_equal(vs_walk__fds(&walk, kinds, &qemu, 1, &snapshot, NULL), 0);
	assert_int_equal(snapshot.nr_fds, 4);
	assert_int_equal(snapshot.fds[0].kind, VS_SNAP_GROUP_FILE);
	assert_int_equal(snapshot.fds[0].object, GROUP);
	assert_int_equal(snapshot.fds[0].fd, 3);
	assert_int_equal(snapshot.fds[0].tgid, 4711);
	assert_string_equal(snapshot.fds[0].comm, "qemu");
	assert_int_equal(snapshot.fds[1].kind, VS_SNAP_DEVICE_FILE);
	assert_int_equal(snapshot.fds[1].object, DEVICE);
	assert_int_equal(snapshot.fds[2].kind, VS_SNAP_CONTAINER_FILE);
	assert_int_equal(snapshot.fds[3].fd, 200);
	assert_int_equal(snapshot.fds[3].file, snapshot.fds[0].file);
	assert_int_equal(vs_walk__file_of(&walk, FILES, 5), FILE_AT(2));
	assert_int_equal(vs_walk__file_of(&walk, FILES, 256), 0);
	assert_int_equal(vs_walk__file_of(&walk, FILES, -1), 0);
}

/* v6.6: a structure of its own for each open; without a group it was opened by cdev. */
static void device_files_of_6_6(void **state)
{
	(void)state;
	layout.device_file_device = 8;
	layout.device_file_group = 0x20;
	layout.device_file_iommufd = 0x28;
	make_table(FILES, TABLE, ARRAY, 64);
	make_file(FILE_AT(0), OPS(VS_SNAP_DEVICE_FILE), AT(80));
	make_file(FILE_AT(1), OPS(VS_SNAP_DEVICE_FILE), AT(81));
	put64(AT(80) + 8, DEVICE);
	put64(AT(80) + 0x20, GROUP);
	put64(AT(81) + 8, DEVICE);
	put64(AT(81) + 0x28, AT(90));
	put64(ARRAY, FILE_AT(0));
	put64(ARRAY + 8, FILE_AT(1));
	assert_int_equal(vs_walk__fds(&walk, kinds, &qemu, 1, &snapshot, NULL), 0);
	assert_int_equal(snapshot.nr_fds, 2);
	assert_int_equal(snapshot.fds[0].kind, VS_SNAP_DEVICE_FILE);
	assert_int_equal(snapshot.fds[0].object, DEVICE);
	assert_int_equal(snapshot.fds[0].iommufd, 0);
	assert_int_equal(snapshot.fds[1].kind, VS_SNAP_CDEV_FILE);
	assert_int_equal(snapshot.fds[1].object, DEVICE);
	assert_int_equal(snapshot.fds[1].iommufd, AT(90));
}

/* A close of v6.6: no work has the file, the stack does. What a descriptor has is not being released. */
static void closed_and_on_a_stack(void **state)
{
	struct vs_stack_row row = { .task = AT(70), .stack = AT(100), .tid = 12, .tgid = 11, .comm = "vcpu",
				    .nr_frames = 2, .frames = { 0xffffffff81111111ull,
				    RELEASE(VS_SNAP_DEVICE_FILE) + 0x3f } };
	const struct vs_snap_far far = { .fput = 0xffffffff81222222ull, .rows = &row, .nr_rows = 1 };

	(void)state;
	layout.file_task_work = 0x50;
	layout.task_works = 0x10;
	layout.work_func_of = 8;
	make_table(FILES, TABLE, ARRAY, 8);
	make_file(FILE_AT(0), OPS(VS_SNAP_DEVICE_FILE), DEVICE);
	make_file(FILE_AT(1), OPS(VS_SNAP_DEVICE_FILE), DEVICE);
	make_file(FILE_AT(2), OPS(VS_SNAP_CONTAINER_FILE), AT(6));
	put64(ARRAY, FILE_AT(0));
	for (int i = 0; i < 3; i++)
		put64(AT(101) + 8 + 16 * i, FILE_AT(i));
	assert_int_equal(vs_walk__fds(&walk, kinds, &qemu, 1, &snapshot, NULL), 0);
	assert_int_equal(snapshot.nr_fds, 1);
	assert_int_equal(vs_walk__releases(&walk, kinds, &far, &snapshot), 0);
	assert_int_equal(snapshot.nr_fds, 2);
	assert_int_equal(snapshot.fds[1].via, VS_VIA_RELEASE);
	assert_int_equal(snapshot.fds[1].file, FILE_AT(1));
	assert_int_equal(snapshot.fds[1].object, DEVICE);
	assert_int_equal(snapshot.fds[1].tid, 12);
	assert_int_equal(snapshot.fds[1].fd, -1);
	row.frames[1] = RELEASE(VS_SNAP_DEVICE_FILE) - 1;
	row.tid = 13;
	assert_int_equal(vs_walk__releases(&walk, kinds, &far, &snapshot), 0);
	assert_int_equal(snapshot.nr_fds, 2);
}

/* Closed, freed and used again between two reads: the descriptor names another file. */
static void file_changes_meanwhile(void **state)
{
	(void)state;
	make_table(FILES, TABLE, ARRAY, 8);
	make_file(FILE_AT(0), OPS(VS_SNAP_GROUP_FILE), GROUP);
	put64(ARRAY, FILE_AT(0));
	fake.changes = ARRAY;
	fake.countdown = 5;	/* fdt, max, fd, array, then the operations */
	assert_int_equal(vs_walk__fds(&walk, kinds, &qemu, 1, &snapshot, NULL), 0);
	assert_int_equal(snapshot.nr_fds, 0);
}

static void threads_with_their_own_table(void **state)
{
	struct vs_task_row tasks[] = { qemu, qemu, qemu };

	(void)state;
	make_table(FILES, TABLE, ARRAY, 8);
	make_table(AT(53), AT(54), AT(55), 8);
	make_file(FILE_AT(0), OPS(VS_SNAP_GROUP_FILE), GROUP);
	put64(ARRAY, FILE_AT(0));
	put64(AT(55), FILE_AT(0));
	put64(AT(55) + 8, FILE_AT(0));
	tasks[1].tid = 4712;
	tasks[1].files = AT(53);
	tasks[2].tid = 4713;
	tasks[2].files = 0;	/* exits */
	assert_int_equal(vs_walk__fds(&walk, kinds, tasks, 3, &snapshot, NULL), 0);
	assert_int_equal(snapshot.nr_fds, 2);
	assert_int_equal(snapshot.fds[1].fd, 1);
}

/* Said, not passed over: what cannot be read to its end is counted. */
static void unreadable_tables(void **state)
{
	struct vs_task_row tasks[] = { qemu, qemu, qemu };

	(void)state;
	make_table(FILES, TABLE, ARRAY, 0xffffffff);
	make_table(AT(53), AT(54), AT(56), 1024);
	tasks[1].files = AT(53);
	tasks[2].files = 0x1000;
	fake.hole = AT(57);
	assert_int_equal(vs_walk__fds(&walk, kinds, tasks, 3, &snapshot, NULL), 3);
	assert_int_equal(snapshot.nr_fds, 0);
	assert_true(fake.reads < 100);
}

static void make_kvm_device(const char *name)
{
	make_table(FILES, TABLE, ARRAY, 8);
	make_file(FILE_AT(0), OPS(VS_SNAP_KVM_FILE), AT(80));
	put64(ARRAY, FILE_AT(0));
	put64(AT(80) + layout.kvm_device_ops, AT(81));
	put64(AT(80) + layout.kvm_device_private, AT(82));
	put64(AT(81), AT(81) + 0x100);
	put_text(AT(81) + 0x100, name);
	link_list(AT(82), NULL, 0);
}

static void kvm_device(void **state)
{
	uint64_t nodes[] = { AT(83), AT(84) };

	(void)state;
	make_group();
	vs_walk__groups(&walk, &snapshot);
	make_kvm_device("kvm-vfio");
	assert_int_equal(vs_walk__fds(&walk, kinds, &qemu, 1, &snapshot, NULL), 0);
	assert_int_equal(snapshot.nr_fds, 1);
	assert_int_equal(snapshot.fds[0].kind, VS_SNAP_KVM_FILE);
	assert_int_equal(snapshot.fds[0].object, 0);
	link_list(AT(82), nodes, 2);
	put64(AT(83) + layout.kvm_group_group, GROUP);
	put64(AT(84) + layout.kvm_group_group, AT(85)); /* no group of ours */
	assert_int_equal(vs_walk__fds(&walk, kinds, &qemu, 1, &snapshot, NULL), 0);
	assert_int_equal(snapshot.nr_fds, 2);
	assert_int_equal(snapshot.fds[1].object, GROUP);
}

static void kvm_device_by_files(void **state)
{
	uint64_t nodes[] = { AT(83) + 8 };

	(void)state;
	make_group();
	vs_walk__groups(&walk, &snapshot);
	make_kvm_device("kvm-vfio");
	layout.kvm_vfio_files = 0;
	layout.kvm_file_node = 8;
	layout.kvm_file_file = 0;
	link_list(AT(82), nodes, 1);
	put64(AT(83), FILE_AT(1));
	make_file(FILE_AT(1), OPS(VS_SNAP_GROUP_FILE), GROUP);
	assert_int_equal(vs_walk__fds(&walk, kinds, &qemu, 1, &snapshot, NULL), 0);
	assert_int_equal(snapshot.fds[0].object, GROUP);
	assert_int_equal(snapshot.fds[0].device, 0);
	/* A device's own file, of a device that no known group has. */
	make_file(FILE_AT(1), OPS(VS_SNAP_DEVICE_FILE), AT(85));
	assert_int_equal(vs_walk__fds(&walk, kinds, &qemu, 1, &snapshot, NULL), 0);
	assert_int_equal(snapshot.nr_fds, 2);
	assert_int_equal(snapshot.fds[1].object, 0);
	assert_int_equal(snapshot.fds[1].device, AT(85));
}

static void other_kvm_device(void **state)
{
	(void)state;
	make_kvm_device("kvm-xics");
	assert_int_equal(vs_walk__fds(&walk, kinds, &qemu, 1, &snapshot, NULL), 0);
	assert_int_equal(snapshot.nr_fds, 0);
}

#define MAPPING AT(100)
#define VMA(n) AT(101 + (n))

static void make_node(int n, int parent, int left, int right, uint64_t file)
{
	uint64_t node = VMA(n) + layout.vma_node;

	put64(node + layout.node_parent, parent < 0 ? 1 : (VMA(parent) + layout.vma_node) | 1);
	put64(node + layout.node_left, left < 0 ? 0 : VMA(left) + layout.vma_node);
	put64(node + layout.node_right, right < 0 ? 0 : VMA(right) + layout.vma_node);
	put64(VMA(n) + layout.vma_file, file);
	put64(VMA(n) + layout.vma_start, 0x7f0000000000 + n * 0x100000);
	put64(VMA(n) + layout.vma_end, 0x7f0000000000 + (n + 1) * 0x100000);
	put64(VMA(n) + layout.vma_mm, AT(90 + n));
}

/* The anonymous inode's tree: an eventfd at the root, three mappings of the device. */
static void make_tree(void)
{
	walk.anonymous_file = FILE_AT(5);
	put64(FILE_AT(5) + layout.file_mapping, MAPPING);
	put64(MAPPING + layout.mapping_tree, VMA(3) + layout.vma_node);
	make_file(FILE_AT(1), OPS(VS_SNAP_DEVICE_FILE), DEVICE);
	make_file(FILE_AT(3), EXT4_OPS, 0);
	make_node(3, -1, 0, 1, FILE_AT(3));
	make_node(0, 3, -1, 2, FILE_AT(1));
	make_node(1, 3, -1, -1, FILE_AT(1));
	make_node(2, 0, -1, -1, FILE_AT(1));
}

static void mappings(void **state)
{
	const struct vs_task_row tasks[] = {
		qemu, { .mm = AT(91), .tid = 99, .tgid = 99, .kernel_thread = 1, .comm = "vhost-9" }
	};

	(void)state;
	make_tree();
	assert_int_equal(vs_walk__maps(&walk, kinds, tasks, 2, &snapshot), 0);
	assert_int_equal(snapshot.nr_maps, 3);
	assert_int_equal(snapshot.maps[0].tgid, 4711);
	assert_string_equal(snapshot.maps[0].comm, "qemu");
	assert_int_equal(snapshot.maps[0].device, DEVICE);
	assert_int_equal(snapshot.maps[0].file, FILE_AT(1));
	assert_int_equal(snapshot.maps[0].end - snapshot.maps[0].start, 0x100000);
	assert_int_equal(snapshot.maps[1].tgid, 0);
	assert_string_equal(snapshot.maps[1].comm, "vhost-9");
	assert_int_equal(snapshot.maps[2].tgid, 0);
	assert_string_equal(snapshot.maps[2].comm, "");
	assert_int_equal(snapshot.maps[2].mm, AT(92));
}

/* A dump names the inode itself; what leads to the same tree on two ways is walked once. */
static void by_the_inode(void **state)
{
	(void)state;
	make_tree();
	walk.anonymous_inode = AT(80);
	put64(AT(80) + layout.inode_mapping, MAPPING);
	assert_int_equal(vs_walk__maps(&walk, kinds, &qemu, 1, &snapshot), 0);
	assert_int_equal(snapshot.nr_maps, 3);
	walk.anonymous_file = 0;
	assert_int_equal(vs_walk__maps(&walk, kinds, &qemu, 1, &snapshot), 0);
	assert_int_equal(snapshot.nr_maps, 6);
}

/* What the same tree is reached by twice is told once. */
static void same_tree_twice(void **state)
{
	(void)state;
	make_tree();
	make_table(FILES, TABLE, ARRAY, 8);
	put64(FILE_AT(1) + layout.file_mapping, MAPPING);
	put64(ARRAY, FILE_AT(1));
	assert_int_equal(vs_walk__fds(&walk, kinds, &qemu, 1, &snapshot, NULL), 0);
	assert_int_equal(vs_walk__maps(&walk, kinds, &qemu, 1, &snapshot), 0);
	assert_int_equal(snapshot.nr_maps, 3);
}

static void broken_trees(void **state)
{
	(void)state;
	assert_int_equal(vs_walk__maps(&walk, kinds, &qemu, 1, &snapshot), -ENOENT);
	make_tree();
	make_node(2, 0, 3, -1, FILE_AT(1)); /* round to the root */
	assert_int_equal(vs_walk__maps(&walk, kinds, &qemu, 1, &snapshot), 1);
	make_tree();
	make_node(2, 1, -1, -1, FILE_AT(1)); /* being turned: the parent is another */
	assert_int_equal(vs_walk__maps(&walk, kinds, &qemu, 1, &snapshot), 1);
	make_tree();
	fake.hole = VMA(1);
	assert_int_equal(vs_walk__maps(&walk, kinds, &qemu, 1, &snapshot), 1);
	assert_true(fake.reads < 2000);
}

static void tree_heals(void **state)
{
	(void)state;
	make_tree();
	make_node(2, 1, -1, -1, FILE_AT(1));
	fake.changes = VMA(2) + layout.vma_node + layout.node_parent;
	fake.value = VMA(0) + layout.vma_node;
	fake.countdown = 34;	/* after the first try has met it */
	assert_int_equal(vs_walk__maps(&walk, kinds, &qemu, 1, &snapshot), 0);
	assert_int_equal(snapshot.nr_maps, 3);
}

#define MODULE AT(120)
#define SYMTAB AT(122)

/* The names end with the page, and the next one cannot be read. */
static void module_symbols(void **state)
{
	static const char names[] = "\0vfio\0vfio_group_fops_release\0vfio_group_fops_release.cold"
				    "\0vfio_fops_release.llvm.123";
	uint64_t strtab = AT(125) - sizeof(names);
	Elf64_Sym table[5] = { {}, { .st_name = 1, .st_value = VFIO },
			       { .st_name = 6, .st_value = RELEASE(0) },
			       { .st_name = 30, .st_value = 0x666 },
			       { .st_name = 59, .st_value = RELEASE(2) } };

	(void)state;
	memset(&symbols, 0, sizeof(symbols));
	put64(MODULE + layout.module_kallsyms, AT(121));
	put64(AT(121) + layout.kallsyms_symtab, SYMTAB);
	put64(AT(121) + layout.kallsyms_strtab, strtab);
	put32(AT(121) + layout.kallsyms_nr, 5);
	put(SYMTAB, table, sizeof(table));
	put(strtab, names, sizeof(names));
	fake.hole = AT(125);
	assert_int_equal(vs_snap_symbols__of_module(&mem, &layout, MODULE, &symbols), 0);
	assert_int_equal(symbols.nr_vfio, 1);
	assert_int_equal(symbols.vfio[0], VFIO);
	assert_int_equal(symbols.release[VS_SNAP_GROUP_FILE], RELEASE(0));
	assert_int_equal(symbols.release[VS_SNAP_CONTAINER_FILE], RELEASE(2));
	assert_true(vs_snap_symbols__have_vfio(&symbols));
}

static void module_symbols_broken(void **state)
{
	(void)state;
	assert_int_equal(vs_snap_symbols__of_module(&mem, &layout, MODULE, &symbols), -EFAULT);
	put64(MODULE + layout.module_kallsyms, AT(121));
	put64(AT(121) + layout.kallsyms_symtab, SYMTAB);
	put64(AT(121) + layout.kallsyms_strtab, AT(123));
	put32(AT(121) + layout.kallsyms_nr, 0xffffffff);
	assert_int_equal(vs_snap_symbols__of_module(&mem, &layout, MODULE, &symbols), -EFAULT);
	put32(AT(121) + layout.kallsyms_nr, 4);
	put32(SYMTAB, 0xfffffff0);
	assert_int_equal(vs_snap_symbols__of_module(&mem, &layout, MODULE, &symbols), -EFAULT);
	layout.module_kallsyms = VS_ABSENT;
	assert_int_equal(vs_snap_symbols__of_module(&mem, &layout, MODULE, &symbols), -ENOTSUP);
}

static void kallsyms_file(void **state)
{
	char text[] = "ffffffffc0000100 t vfio_device_fops_release\t[vfio]\n"
		      "ffffffffc0009000 b vfio\t[vfio]\nffffffff81000000 T vfio_something\n";
	char hidden[] = "0000000000000000 t vfio_device_fops_release\t[vfio]\n";
	FILE *file = fmemopen(text, sizeof(text) - 1, "r");

	(void)state;
	memset(&symbols, 0, sizeof(symbols));
	assert_int_equal(vs_snap_symbols__read(file, &symbols), 0);
	fclose(file);
	assert_int_equal(symbols.release[VS_SNAP_DEVICE_FILE], 0xffffffffc0000100);
	assert_int_equal(symbols.vfio[0], 0xffffffffc0009000);
	assert_false(symbols.built_in);
	file = fmemopen(hidden, sizeof(hidden) - 1, "r");
	assert_int_equal(vs_snap_symbols__read(file, &symbols), -EPERM);
	fclose(file);
}

static void kallsyms_built_in(void **state)
{
	char text[] = "ffffffff81000100 t vfio_group_fops_release\n";
	FILE *file = fmemopen(text, sizeof(text) - 1, "r");

	(void)state;
	memset(&symbols, 0, sizeof(symbols));
	assert_int_equal(vs_snap_symbols__read(file, &symbols), 0);
	assert_true(symbols.built_in);
	fclose(file);
}

static void lock_debugging_is_not_assumed(void **state)
{
	(void)state;
	layout.mutex_size = 128;
	assert_int_equal(vs_snap_layout__assume_vfio(&layout), -ENOTSUP);
}

static void rows_grow(void **state)
{
	uint32_t *rows = NULL, *row;
	size_t nr = 0;

	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		row = vs_rows__add(&rows, &nr, sizeof(*rows));
		assert_non_null(row);
		assert_int_equal(*row, 0);
		*row = i;
	}
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(rows[i], i);
	free(rows);
}

/* struct outer { int first; union { struct { long deep; }; long other; }; }; */
static void add_outer(struct btf *btf)
{
	int number = btf__add_int(btf, "long", 8, BTF_INT_SIGNED);
	int inner = btf__add_struct(btf, NULL, 8);
	int both;

	btf__add_field(btf, "deep", number, 0, 0);
	both = btf__add_union(btf, NULL, 8);
	btf__add_field(btf, NULL, inner, 0, 0);
	btf__add_field(btf, "other", number, 0, 0);
	btf__add_struct(btf, "outer", 4);	/* another of that name, without the member */
	btf__add_struct(btf, "outer", 16);
	btf__add_field(btf, "first", number, 0, 0);
	btf__add_field(btf, NULL, both, 64, 0);
}

static void write_file(const char *path, const void *data, size_t len)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, len, file), len);
	fclose(file);
}

static void members_in_btf(void **state)
{
	struct vs_btf_query q[] = { { "outer", "deep", -1 }, { "outer", "first", -1 },
				    { "outer", "absent", -1 }, { "outer", "other", 5 } };
	char path[] = "/tmp/vfioscope-test-XXXXXX";
	struct btf *btf = btf__new_empty();
	struct vs_btf *read;
	const void *data;
	uint32_t len;

	(void)state;
	close(mkstemp(path));
	add_outer(btf);
	data = btf__raw_data(btf, &len);
	write_file(path, data, len);
	read = vs_btf__read(path, NULL);
	assert_non_null(read);
	vs_btf__query(read, q, 4);
	assert_int_equal(q[0].answer, 8);
	assert_int_equal(q[1].answer, 0);
	assert_int_equal(q[2].answer, -1);
	assert_int_equal(q[3].answer, 5);
	vs_btf__free(read);
	for (uint32_t cut = 1; cut < len; cut++) {
		write_file(path, data, cut);
		assert_null(vs_btf__read(path, NULL));
	}
	btf__free(btf);
	unlink(path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(list_whole), TEST(list_broken), TEST(list_heals), TEST(strings),
		TEST(groups_and_devices), TEST(devices_without_groups), TEST(waiters), TEST(device_by_its_file), TEST(device_that_leaves),
		TEST(the_right_vfio),
		TEST(no_list_of_groups), TEST(old_device), TEST(newer_group),
		TEST(broken_device_list), TEST(every_kind_of_fd), TEST(device_files_of_6_6), TEST(closed_and_on_a_stack),
		TEST(file_changes_meanwhile), TEST(threads_with_their_own_table),
		TEST(unreadable_tables), TEST(kvm_device), TEST(kvm_device_by_files),
		TEST(other_kvm_device), TEST(mappings), TEST(by_the_inode), TEST(neighbours), TEST(same_tree_twice),
		TEST(broken_trees), TEST(tree_heals), TEST(module_symbols),
		TEST(module_symbols_broken), TEST(kallsyms_file),
		TEST(kallsyms_built_in),
		TEST(lock_debugging_is_not_assumed), TEST(rows_grow), TEST(members_in_btf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

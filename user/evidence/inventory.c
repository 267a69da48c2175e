// SPDX-License-Identifier: GPL-2.0
#include "evidence/inventory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rows.h"

#define BRIDGE_TO_PCI 0x0604u		/* class and subclass; the next two have the same header */
#define BRIDGE_TO_CARDBUS 0x0607u
#define BRIDGE_SEMI_TRANSPARENT 0x0609u

/* -- one device -- */

/* Copies the last part of what the link NAME/@link points to. */
static bool link_end(int dir, const char *name, const char *link, char *buf, size_t size)
{
	char path[NAME_MAX + 32], target[PATH_MAX];
	const char *end;
	ssize_t len;

	snprintf(path, sizeof(path), "%.*s/%s", NAME_MAX, name, link);
	len = readlinkat(dir, path, target, sizeof(target) - 1);
	if (len <= 0)
		return false;
	target[len] = '\0';
	end = strrchr(target, '/');
	snprintf(buf, size, "%.*s", (int)size - 1, end ? end + 1 : target);
	return true;
}

/* Reads "pci:v00008086d000010D3sv00001AF4sd00001100bc02sc00i00": all of it in one file, for which no lock is taken. */
static void read_id(int dir, struct vs_device *d)
{
	unsigned int vendor, device, base, sub, interface;
	char path[VS_DEVICE_LEN + 16], text[128];
	const char *class;
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "%s/modalias", d->name);
	fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	text[len > 0 ? len : 0] = '\0';
	class = strstr(text, "bc");
	if (!class || sscanf(text, "pci:v%8xd%8x", &vendor, &device) != 2 ||
	    sscanf(class, "bc%2xsc%2xi%2x", &base, &sub, &interface) != 3)
		return;
	d->has_id = true;
	d->vendor = (uint16_t)vendor;
	d->device = (uint16_t)device;
	d->class_code = base << 16 | sub << 8 | interface;
}

static void read_node(int dir, struct vs_device *d)
{
	char path[VS_DEVICE_LEN + 16];
	struct dirent *entry;
	DIR *nodes;
	int fd;

	snprintf(path, sizeof(path), "%s/vfio-dev", d->name);
	fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	nodes = fd < 0 ? NULL : fdopendir(fd);
	d->registered = nodes;
	while (nodes && (entry = readdir(nodes)))
		if (!strncmp(entry->d_name, "vfio", 4))
			snprintf(d->node, sizeof(d->node), "%.15s", entry->d_name);
	if (nodes)
		closedir(nodes);
	else if (fd >= 0)
		close(fd);
}

static void read_device(int dir, struct vs_device *d)
{
	char group[16];

	if (link_end(dir, d->name, "iommu_group", group, sizeof(group)))
		d->group = atoi(group);
	if (link_end(dir, d->name, "driver", d->driver, sizeof(d->driver)))
		read_node(dir, d);
	if (d->bus != VS_BUS_PCI)
		return;
	link_end(dir, d->name, "physfn", d->physical, sizeof(d->physical));
	read_id(dir, d);
}

/* -- all of them -- */

static struct vs_device *add(struct vs_inventory *inv, const char *name, enum vs_device_bus bus, int group)
{
	struct vs_device *d = vs_rows__add(&inv->devices, &inv->nr_devices, sizeof(*d));

	if (!d)
		return NULL;
	snprintf(d->name, sizeof(d->name), "%.*s", (int)sizeof(d->name) - 1, name);
	d->bus = bus;
	d->group = group;
	return d;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct vs_device *)a)->name, ((const struct vs_device *)b)->name);
}

static int find_name(const void *name, const void *device)
{
	return strncmp(name, ((const struct vs_device *)device)->name, VS_DEVICE_LEN - 1);
}

static const struct vs_device *find(const struct vs_inventory *inv, const char *name, size_t nr)
{
	return nr ? bsearch(name, inv->devices, nr, sizeof(*inv->devices), find_name) : NULL;
}

static int read_bus(const char *root, const char *bus, enum vs_device_bus kind, struct vs_inventory *inv)
{
	char path[PATH_MAX];
	struct dirent *entry;
	int err = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/sys/bus/%s/devices", root, bus);
	dir = opendir(path);
	while (dir && !err && (entry = readdir(dir))) {
		struct vs_device *d = *entry->d_name == '.' ? NULL : add(inv, entry->d_name, kind, -1);

		if (d)
			read_device(dirfd(dir), d);
		else if (*entry->d_name != '.')
			err = -ENOMEM;
	}
	if (dir)
		closedir(dir);
	return err;
}

/* The members of a group that are on neither bus. */
static int read_group(int groups, const char *number, size_t known, struct vs_inventory *inv)
{
	char path[NAME_MAX + 16];
	struct dirent *entry;
	int fd, err = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%.*s/devices", NAME_MAX, number);
	fd = openat(groups, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	while (dir && !err && (entry = readdir(dir))) {
		struct vs_device *d;

		if (*entry->d_name == '.' || find(inv, entry->d_name, known))
			continue;
		d = add(inv, entry->d_name, VS_BUS_OTHER, atoi(number));
		if (d)
			read_device(dirfd(dir), d);
		else
			err = -ENOMEM;
	}
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
	return err;
}

static int read_groups(const char *root, struct vs_inventory *inv)
{
	size_t known = inv->nr_devices;
	char path[PATH_MAX];
	struct dirent *entry;
	int err = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/sys/kernel/iommu_groups", root);
	dir = opendir(path);
	while (dir && !err && (entry = readdir(dir))) {
		if (*entry->d_name == '.')
			continue;
		inv->nr_groups++;
		err = read_group(dirfd(dir), entry->d_name, known, inv);
	}
	if (dir)
		closedir(dir);
	return err;
}

/* Without an IOMMU VFIO makes a group of its own for a device, and calls it "noiommu-3". */
static void mark_noiommu(const char *root, struct vs_inventory *inv)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/sys/class/vfio", root);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		int number;

		if (sscanf(entry->d_name, "noiommu-%d", &number) != 1)
			continue;
		inv->nr_groups -= inv->nr_groups > 0;
		for (size_t i = 0; i < inv->nr_devices; i++)
			inv->devices[i].noiommu |= inv->devices[i].group == number;
	}
	if (dir)
		closedir(dir);
}

static int by_group(const void *a, const void *b, void *ctx)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	const struct vs_device *devices = ctx;

	if (devices[x].group != devices[y].group)
		return devices[x].group < devices[y].group ? -1 : 1;
	return x < y ? -1 : x > y;
}

static int put_in_order(struct vs_inventory *inv)
{
	size_t nr = inv->nr_devices;

	inv->by_group = calloc(nr + 1, sizeof(*inv->by_group));
	if (!inv->by_group)
		return -ENOMEM;
	if (nr)
		qsort(inv->devices, nr, sizeof(*inv->devices), by_name);
	for (size_t i = 0; i < nr; i++)
		inv->by_group[i] = i;
	if (nr)
		qsort_r(inv->by_group, nr, sizeof(*inv->by_group), by_group, inv->devices);
	return 0;
}

int vs_inventory__collect(const char *root, struct vs_inventory *inv)
{
	int err;

	memset(inv, 0, sizeof(*inv));
	err = read_bus(root, "pci", VS_BUS_PCI, inv) ?: read_bus(root, "mdev", VS_BUS_MDEV, inv);
	if (!err && inv->nr_devices)
		qsort(inv->devices, inv->nr_devices, sizeof(*inv->devices), by_name);
	err = err ?: read_groups(root, inv);
	if (!err)
		mark_noiommu(root, inv);
	err = err ?: put_in_order(inv);
	if (err)
		vs_inventory__free(inv);
	return err;
}

static enum vs_device_bus bus_of(const char *name)
{
	unsigned int domain, bus, slot, function;

	if (sscanf(name, "%x:%x:%x.%x", &domain, &bus, &slot, &function) == 4)
		return VS_BUS_PCI;
	return strlen(name) == 36 && name[8] == '-' ? VS_BUS_MDEV : VS_BUS_OTHER;
}

int vs_inventory__of_snapshot(const struct vs_snapshot *s, struct vs_inventory *inv)
{
	int err = 0;

	memset(inv, 0, sizeof(*inv));
	for (size_t i = 0; !err && i < s->nr_devices; i++) {
		const struct vs_snap_device *from = &s->devices[i];
		struct vs_device *d = add(inv, from->name, bus_of(from->name), from->number);

		if (!d)
			err = -ENOMEM;
		else
			memcpy(d->driver, from->driver, sizeof(d->driver));
	}
	inv->nr_groups = (int)s->nr_groups;
	err = err ?: put_in_order(inv);
	if (err)
		vs_inventory__free(inv);
	return err;
}

void vs_inventory__free(struct vs_inventory *inv)
{
	free(inv->devices);
	free(inv->by_group);
	memset(inv, 0, sizeof(*inv));
}

/* -- questions -- */

const struct vs_device *vs_inventory__device(const struct vs_inventory *inv, const char *name)
{
	return find(inv, name, inv->nr_devices);
}

/* The place in by_group where the group begins. */
static size_t first_of(const struct vs_inventory *inv, int group)
{
	size_t low = 0, high = inv->nr_devices;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (inv->devices[inv->by_group[middle]].group < group)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct vs_device *vs_inventory__member(const struct vs_inventory *inv, int group, size_t *at)
{
	size_t i = group < 0 ? inv->nr_devices : first_of(inv, group) + *at;

	if (i >= inv->nr_devices || inv->devices[inv->by_group[i]].group != group)
		return NULL;
	++*at;
	return &inv->devices[inv->by_group[i]];
}

const struct vs_device *vs_inventory__function(const struct vs_inventory *inv, const struct vs_device *d, size_t *at)
{
	while (*at < inv->nr_devices) {
		const struct vs_device *other = &inv->devices[(*at)++];

		if (!strcmp(other->physical, d->name))
			return other;
	}
	return NULL;
}

bool vs_device__is_vfio(const struct vs_device *d)
{
	return d->driver[0] && (d->registered || d->bus == VS_BUS_MDEV || strstr(d->driver, "vfio"));
}

bool vs_device__is_bridge(const struct vs_device *d)
{
	unsigned int kind = d->class_code >> 8;

	return d->has_id && (kind == BRIDGE_TO_PCI || kind == BRIDGE_TO_CARDBUS || kind == BRIDGE_SEMI_TRANSPARENT);
}

bool vs_device__spoils_group(const struct vs_device *d)
{
	static const char *const harmless[] = { "", "pci-stub", "pcieport", "xen-pciback" };

	for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++)
		if (!strcmp(d->driver, harmless[i]))
			return false;
	return !vs_device__is_vfio(d) && !vs_device__is_bridge(d);
}

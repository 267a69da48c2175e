// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rows.h"
#include "snapshot/sysfs.h"

static bool has_group(const struct vs_snapshot *s, int number)
{
	for (size_t i = 0; i < s->nr_groups; i++)
		if (s->groups[i].number == number)
			return true;
	return false;
}

static int add_group(struct vs_snapshot *s, int number)
{
	struct vs_snap_group *group;

	if (has_group(s, number))
		return 0;
	group = vs_rows__add(&s->groups, &s->nr_groups, sizeof(*group));
	if (!group)
		return -ENOMEM;
	group->number = number;
	group->refs = group->opened = group->container_users = VS_SNAP_UNKNOWN;
	return 0;
}

/* "26", and "noiommu-26" where there is no IOMMU; the container's entry is "vfio". */
static int group_number(const char *name)
{
	char *end;
	long number;

	name += strcspn(name, "0123456789");
	number = strtol(name, &end, 10);
	return *name && !*end && number < INT_MAX ? number : -1;
}

/* The number of the IOMMU group of "vfio0". */
static int number_of_node(const char *root, const char *node)
{
	char path[PATH_MAX], target[PATH_MAX];
	const char *name;
	ssize_t len;

	snprintf(path, sizeof(path), "%s/sys/class/vfio-dev/%s/device/iommu_group", root, node);
	len = readlink(path, target, sizeof(target) - 1);
	if (len <= 0)
		return -1;
	target[len] = '\0';
	name = strrchr(target, '/');
	return group_number(name ? name + 1 : target);
}

/* VFIO may be built without groups (v6.6): then its devices lead to those of the IOMMU. */
static int add_groups(const char *root, struct vs_snapshot *s)
{
	char path[PATH_MAX];
	struct dirent *entry;
	bool nodes = false;
	int number, err = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/sys/class/vfio", root);
	dir = opendir(path);
	if (!dir) {
		nodes = true;
		snprintf(path, sizeof(path), "%s/sys/class/vfio-dev", root);
		dir = opendir(path);
	}
	while (dir && !err && (entry = readdir(dir))) {
		number = nodes ? number_of_node(root, entry->d_name) : group_number(entry->d_name);
		err = number < 0 ? 0 : add_group(s, number);
	}
	if (dir)
		closedir(dir);
	return err;
}

/* A device that leaves is in no class any more, and was found through its files. */
static int add_groups_of_devices(struct vs_snapshot *s)
{
	int err = 0;

	for (size_t i = 0; i < s->nr_devices && !err; i++)
		err = s->devices[i].number < 0 ? 0 : add_group(s, s->devices[i].number);
	return err;
}

static bool has_device(const struct vs_snapshot *s, const char *name)
{
	for (size_t i = 0; i < s->nr_devices; i++)
		if (!strncmp(s->devices[i].name, name, sizeof(s->devices[i].name) - 1))
			return true;
	return false;
}

static int add_device(struct vs_snapshot *s, int number, const char *name)
{
	struct vs_snap_device *device;

	if (*name == '.' || has_device(s, name))
		return 0;
	device = vs_rows__add(&s->devices, &s->nr_devices, sizeof(*device));
	if (!device)
		return -ENOMEM;
	device->number = number;
	device->refs = device->open_count = VS_SNAP_UNKNOWN;
	snprintf(device->name, sizeof(device->name), "%.*s", (int)sizeof(device->name) - 1, name);
	return 0;
}

static int add_devices(const char *root, struct vs_snapshot *s, int number)
{
	char path[PATH_MAX];
	struct dirent *entry;
	int err = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/sys/kernel/iommu_groups/%d/devices", root, number);
	dir = opendir(path);
	while (dir && !err && (entry = readdir(dir)))
		err = add_device(s, number, entry->d_name);
	if (dir)
		closedir(dir);
	return err;
}

static void find_driver(const char *root, struct vs_snap_device *device)
{
	char path[PATH_MAX], target[PATH_MAX];
	const char *name;
	ssize_t len;

	if (*device->driver)
		return;
	snprintf(path, sizeof(path), "%s/sys/kernel/iommu_groups/%d/devices/%s/driver", root,
		 device->number, device->name);
	len = readlink(path, target, sizeof(target) - 1);
	if (len <= 0)
		return;
	target[len] = '\0';
	name = strrchr(target, '/');
	snprintf(device->driver, sizeof(device->driver), "%.*s", (int)sizeof(device->driver) - 1,
		 name ? name + 1 : target);
}

static bool is_present(const char *root, const char *file)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s%s", root, file);
	return !access(path, F_OK);
}

/* Built in, VFIO has a folder in /sys/module only if it has parameters. */
bool vs_sysfs__has_vfio(const char *root)
{
	return is_present(root, "/sys/module/vfio") || is_present(root, "/sys/class/vfio") ||
	       is_present(root, "/sys/class/vfio-dev");
}

int vs_sysfs__complete(const char *root, struct vs_snapshot *s)
{
	int err = add_groups(root, s) ?: add_groups_of_devices(s);

	for (size_t i = 0; i < s->nr_groups && !err; i++)
		err = add_devices(root, s, s->groups[i].number);
	for (size_t i = 0; i < s->nr_devices && !err; i++)
		find_driver(root, &s->devices[i]);
	return err;
}

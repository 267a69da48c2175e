// SPDX-License-Identifier: GPL-2.0
#include "guard.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sysfs.h"

struct look {
	const struct st_guard_opts *opts;
	const struct st_device *devices;
	size_t nr;
	char *words;
	size_t size;
};

#define REFUSE(l, ...) (snprintf((l)->words, (l)->size, __VA_ARGS__), -EBUSY)

static bool is_named(const struct look *l, const char *bdf)
{
	for (size_t i = 0; i < l->nr; i++)
		if (!strcmp(l->devices[i].bdf, bdf))
			return true;
	return false;
}

static int check_device(const struct look *l, const struct st_device *d)
{
	if (d->bridge)
		return REFUSE(l, "%s is a bridge", d->bdf);
	if (d->group < 0)
		return REFUSE(l, "%s is in no IOMMU group (is the IOMMU on?)", d->bdf);
	if (!st_driver__is_stub(d->driver) && !l->opts->any_driver)
		return REFUSE(l, "%s is bound to %s; --unbind-drivers allows to unbind it", d->bdf,
			      d->driver);
	return 0;
}

/* Others in the group: they get the notifications, too, so none may do real work. */
static int check_mate(const struct look *l, const struct st_device *d, const char *name)
{
	struct st_device mate;

	if (is_named(l, name) || st_device__read(l->opts->root, name, &mate) || mate.bridge)
		return 0;
	if (!st_driver__is_stub(mate.driver))
		return REFUSE(l, "%s shares group %d with %s, which %s uses", d->bdf, d->group,
			      name, mate.driver);
	return 0;
}

/* Its devices; NULL where they cannot be read. */
static DIR *open_group(const struct look *l, int group)
{
	char path[ST_PATH];

	return st_path(path, l->opts->root, "/sys/kernel/iommu_groups/%d/devices", group) ?
	       NULL : opendir(path);
}

static int check_mates(const struct look *l, const struct st_device *d)
{
	DIR *dir = open_group(l, d->group);
	struct dirent *entry;
	int err = 0;

	if (!dir)
		return REFUSE(l, "group %d of %s cannot be read", d->group, d->bdf);
	while (!err && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			err = check_mate(l, d, entry->d_name);
	closedir(dir);
	return err;
}

static bool has_open(const char *root, const char *pid, const char *node)
{
	char path[ST_PATH], target[ST_PATH];
	struct dirent *entry;
	bool found = false;
	ssize_t len;
	DIR *dir;

	if (st_path(path, root, "/proc/%s/fd", pid) || !(dir = opendir(path)))
		return false;
	while (!found && (entry = readdir(dir))) {
		len = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);
		target[len < 0 ? 0 : len] = '\0';
		found = !strcmp(target, node);
	}
	closedir(dir);
	return found;
}

/* " by 123 (qemu-kvm)" of a process that has the group's file open, or "". */
static void name_user(const char *root, int group, char *buf, size_t size)
{
	char path[ST_PATH], node[ST_PATH], comm[32];
	struct dirent *entry;
	DIR *dir;

	buf[0] = '\0';
	snprintf(node, sizeof(node), "/dev/vfio/%d", group);
	if (st_path(path, root, "/proc") || !(dir = opendir(path)))
		return;
	while (!buf[0] && (entry = readdir(dir)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
		    has_open(root, entry->d_name, node) &&
		    !st_read(comm, sizeof(comm), root, "/proc/%s/comm", entry->d_name))
			snprintf(buf, size, " by %.20s (%s)", entry->d_name, comm);
	closedir(dir);
}

static bool is_of_vfio(const struct look *l, const char *name)
{
	struct st_device d;

	return name[0] != '.' && !st_device__read(l->opts->root, name, &d) &&
	       !strncmp(d.driver, "vfio", 4);
}

static bool has_vfio(const struct look *l, int group)
{
	DIR *dir = open_group(l, group);
	struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir)))
		found = is_of_vfio(l, entry->d_name);
	if (dir)
		closedir(dir);
	return found;
}

static int check_use(const struct look *l, const struct st_device *d)
{
	char path[ST_PATH], user[80];
	int fd;

	if (st_path(path, l->opts->root, "/dev/vfio/%d", d->group))
		return REFUSE(l, "the path of group %d is too long", d->group);
	name_user(l->opts->root, d->group, user, sizeof(user));
	if (user[0])
		return REFUSE(l, "group %d of %s is in use%s", d->group, d->bdf, user);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	if (fd < 0 && errno != ENOENT && errno != ENODEV)
		return REFUSE(l, "group %d of %s is in use (%s)", d->group, d->bdf,
			      strerror(errno));
	/* As in a container with the host's /sys and a /dev of its own. */
	if (fd < 0 && has_vfio(l, d->group))
		return REFUSE(l, "whether group %d of %s is in use cannot be told: it is bound to "
			      "VFIO, and there is no /dev/vfio/%d here", d->group, d->bdf, d->group);
	return 0;
}

int st_guard__check(const struct st_guard_opts *opts, const struct st_device *devices, size_t nr,
		    char *words, size_t size)
{
	struct look l = { opts, devices, nr, words, size };
	int err = 0;

	for (size_t i = 0; i < nr && !err; i++) {
		err = check_device(&l, &devices[i]);
		if (!err)
			err = check_mates(&l, &devices[i]);
		if (!err)
			err = check_use(&l, &devices[i]);
	}
	return err;
}

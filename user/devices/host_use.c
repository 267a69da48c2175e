// SPDX-License-Identifier: GPL-2.0
#include "devices/host_use.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/name.h"
#include "base/rows.h"

#define NETWORK 0x02	/* base class of PCI */
#define NAME_SHOWN 60
#define UP 1		/* IFF_UP */

static int add(struct vs_host_use *use, enum vs_host_state state, const char *path, const char *says)
{
	struct vs_host_row *row = vs_rows__add(&use->rows, &use->nr_rows, sizeof(*row));

	if (!row)
		return -ENOMEM;
	row->state = state;
	snprintf(row->path, sizeof(row->path), "%.*s/", (int)sizeof(row->path) - 2, path);
	snprintf(row->says, sizeof(row->says), "%s", says);
	return 0;
}

/* Reads a link of sysfs, which names each device on the way to its target. */
static bool link_of(char target[PATH_MAX], const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool link_of(char target[PATH_MAX], const char *format, ...)
{
	char path[PATH_MAX];
	va_list args;
	ssize_t len;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	len = readlink(path, target, PATH_MAX - 1);
	target[len > 0 ? len : 0] = '\0';
	return len > 0;
}

/* -- disks -- */

/* With multipath a disk of NVMe hangs on its subsystem, which has links to the controllers. */
static int add_controllers(const char *root, struct vs_host_use *use, const char *path, const char *says)
{
	const char *subsystem = strstr(path, "/nvme-subsys");
	char folder[PATH_MAX], target[PATH_MAX];
	struct dirent *entry;
	int err = 0;
	DIR *dir;

	while (subsystem && strstr(subsystem + 1, "/nvme-subsys"))
		subsystem = strstr(subsystem + 1, "/nvme-subsys");
	if (!subsystem)
		return 0;
	snprintf(folder, sizeof(folder), "%s/sys/class/nvme-subsystem/%.*s", root, (int)strcspn(subsystem + 1, "/"),
		 subsystem + 1);
	dir = opendir(folder);
	while (dir && !err && (entry = readdir(dir)))
		if (!strncmp(entry->d_name, "nvme", 4) && link_of(target, "%s/%.60s", folder, entry->d_name))
			err = add(use, VS_HOST_USED, target, says);
	if (dir)
		closedir(dir);
	return err;
}

static int add_disk(const char *root, struct vs_host_use *use, const char *path, const char *words, const char *of)
{
	const char *disk = strrchr(path, '/');
	char name[NAME_SHOWN], what[NAME_SHOWN], says[160];

	vs_name__quote(name, sizeof(name), disk ? disk + 1 : path, NAME_MAX);
	vs_name__quote(what, sizeof(what), of, NAME_MAX);
	snprintf(says, sizeof(says), "%s %s%s", name, words, *of ? what : "");
	return add(use, VS_HOST_USED, path, says) ?: add_controllers(root, use, path, says);
}

/* "36 35 98:0 /mnt1 /mnt2 rw,noatime - ext3 /dev/root rw": btrfs has a number of no device, but its source. */
static int take_mount(const char *root, struct vs_host_use *use, const char *line)
{
	char path[PATH_MAX], where[NAME_MAX + 1], source[NAME_MAX + 1] = "";
	const char *rest = strstr(line, " - "), *disk;
	unsigned int major, minor;

	if (sscanf(line, "%*u %*u %u:%u %*s %255s", &major, &minor, where) != 3)
		return 0;
	if (rest)
		sscanf(rest, " - %*s %255s", source);
	disk = strrchr(source, '/');
	if (major ? !link_of(path, "%s/sys/dev/block/%u:%u", root, major, minor)
		  : strncmp(source, "/dev/", 5) || !link_of(path, "%s/sys/class/block/%s", root, disk + 1))
		return 0;
	return add_disk(root, use, path, "is mounted on ", where);
}

/* "/dev/sda2 partition 1000 0 -2" */
static int take_swap(const char *root, struct vs_host_use *use, const char *line)
{
	char path[PATH_MAX], source[NAME_MAX + 1];

	if (sscanf(line, "/dev/%255s", source) != 1 || !link_of(path, "%s/sys/class/block/%s", root, source))
		return 0;
	return add_disk(root, use, path, "is swap", "");
}

static int read_lines(const char *root, const char *name, struct vs_host_use *use,
		      int (*take)(const char *root, struct vs_host_use *use, const char *line))
{
	char path[PATH_MAX], *line = NULL;
	size_t room = 0;
	int err = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/proc/%s", root, name);
	file = fopen(path, "re");
	while (file && !err && getline(&line, &room, file) > 0)
		err = take(root, use, line);
	free(line);
	if (file)
		fclose(file);
	return err;
}

/* The first entry of a folder, "" if it is empty. */
static void first_entry(const char *path, char buf[NAME_MAX + 1])
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	buf[0] = '\0';
	while (dir && !buf[0] && (entry = readdir(dir)))
		if (*entry->d_name != '.')
			snprintf(buf, NAME_MAX + 1, "%s", entry->d_name);
	if (dir)
		closedir(dir);
}

/* What is built on a disk, such as LVM, RAID or encryption, is its holder. */
static int take_block(const char *root, const char *name, const char *target, struct vs_host_use *use)
{
	char path[PATH_MAX], holder[NAME_MAX + 1];

	snprintf(path, sizeof(path), "%s/sys/class/block/%s/holders", root, name);
	first_entry(path, holder);
	return *holder ? add_disk(root, use, target, "is a part of ", holder) : 0;
}

/* -- interfaces -- */

static int take_interface(const char *root, const char *name, const char *target, struct vs_host_use *use)
{
	char path[PATH_MAX], quoted[NAME_SHOWN], says[160];
	unsigned int flags = UP;
	FILE *file;

	snprintf(path, sizeof(path), "%s/sys/class/net/%s/flags", root, name);
	file = fopen(path, "re");
	if (file && fscanf(file, "%x", &flags) != 1)
		flags = UP;
	if (file)
		fclose(file);
	vs_name__quote(quoted, sizeof(quoted), name, NAME_MAX);
	snprintf(says, sizeof(says), "network interface %s is up", quoted);
	return add(use, flags & UP ? VS_HOST_USED : VS_HOST_IDLE, target, says);
}

static int take_rdma(const char *root, const char *name, const char *target, struct vs_host_use *use)
{
	(void)root;
	return add(use, VS_HOST_OPAQUE, target, name);
}

/* -- all of it -- */

static int read_class(const char *root, const char *class, struct vs_host_use *use,
		      int (*take)(const char *root, const char *name, const char *target, struct vs_host_use *use))
{
	char path[PATH_MAX], target[PATH_MAX];
	struct dirent *entry;
	int err = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/sys/class/%s", root, class);
	dir = opendir(path);
	while (dir && !err && (entry = readdir(dir)))
		if (*entry->d_name != '.' && link_of(target, "%s/sys/class/%s/%s", root, class, entry->d_name))
			err = take(root, entry->d_name, target, use);
	if (dir)
		closedir(dir);
	return err;
}

int vs_host_use__collect(const char *root, struct vs_host_use *use)
{
	int err;

	memset(use, 0, sizeof(*use));
	err = read_lines(root, "self/mountinfo", use, take_mount) ?: read_lines(root, "swaps", use, take_swap) ?:
	      read_class(root, "block", use, take_block) ?: read_class(root, "net", use, take_interface) ?:
	      read_class(root, "infiniband", use, take_rdma);
	if (err)
		vs_host_use__free(use);
	return err;
}

void vs_host_use__free(struct vs_host_use *use)
{
	free(use->rows);
	memset(use, 0, sizeof(*use));
}

const struct vs_host_row *vs_host_use__of(const struct vs_host_use *use, const struct vs_device *d, size_t *at)
{
	char part[VS_DEVICE_LEN + 2];

	snprintf(part, sizeof(part), "/%s/", d->name);
	while (*at < use->nr_rows) {
		const struct vs_host_row *row = &use->rows[(*at)++];

		if (strstr(row->path, part))
			return row;
	}
	return NULL;
}

bool vs_host_use__is_idle(const struct vs_host_use *use, const struct vs_device *d)
{
	const struct vs_host_row *row;
	bool idle = false;
	size_t at = 0;

	if (!d->has_id || d->class_code >> 16 != NETWORK)
		return false;
	while ((row = vs_host_use__of(use, d, &at))) {
		if (row->state != VS_HOST_IDLE)
			return false;
		idle = true;
	}
	return idle;
}

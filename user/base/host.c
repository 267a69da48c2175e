// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/host.h"

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

uint64_t vs_host__mono_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

uint64_t vs_host__wall_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

static int is_device(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int vs_host__group_devices(int iommu_group, char *buf, size_t size)
{
	struct dirent **entries;
	size_t used = 0;
	char path[80];
	int nr;

	buf[0] = '\0';
	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%d/devices", iommu_group);
	nr = scandir(path, &entries, is_device, alphasort);
	if (nr < 0)
		return -errno;
	for (int i = 0; i < nr; i++) {
		if (used < size)
			used += snprintf(buf + used, size - used, "%s%s", i ? " " : "",
					 entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return used < size ? 0 : -ENOSPC;
}

int vs_host__kernel_stack(uint32_t tid, char *buf, size_t size)
{
	char path[40];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/stack", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	len = read(fd, buf, size - 1);
	close(fd);
	if (len < 0)
		return -errno;
	buf[len] = '\0';
	return 0;
}

unsigned int vs_host__columns(int fd)
{
	struct winsize win;

	if (!isatty(fd))
		return 0;
	return !ioctl(fd, TIOCGWINSZ, &win) && win.ws_col ? win.ws_col : 80;
}

ssize_t vs_host__proc_file(const char *root, uint32_t id, const char *name, char *buf, size_t size)
{
	char path[PATH_MAX];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "%s/proc/%u/%s", root, id, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	len = read(fd, buf, size - 1);
	close(fd);
	buf[len > 0 ? len : 0] = '\0';
	return len;
}

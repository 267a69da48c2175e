/* SPDX-License-Identifier: GPL-2.0 */
/* A made-up host below a folder: its /sys and /proc, as far as the inventory of devices reads them. */
#ifndef VFIOSCOPE_TEST_HOST_TREE_H
#define VFIOSCOPE_TEST_HOST_TREE_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char tree_root[64];

static inline void tree_path(char path[512], const char *name)
{
	snprintf(path, 512, "%s/%s", tree_root, name);
	for (char *at = path + strlen(tree_root) + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		assert_true(!mkdir(path, 0755) || errno == EEXIST);
		*at = '/';
	}
}

__attribute__((format(printf, 1, 2)))
static inline void tree_folder(const char *format, ...)
{
	char path[512], name[400];
	va_list args;

	va_start(args, format);
	vsnprintf(name, sizeof(name) - 1, format, args);
	va_end(args);
	strcat(name, "/");
	tree_path(path, name);
}

/* The file NAME, with @len bytes. */
static inline void tree_bytes(const char *name, const char *bytes, size_t len)
{
	char path[512];
	int fd;

	tree_path(path, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	close(fd);
}

static inline void tree_file(const char *name, const char *text)
{
	tree_bytes(name, text, strlen(text));
}

static inline void tree_link(const char *name, const char *target)
{
	char path[512];

	tree_path(path, name);
	assert_int_equal(symlink(target, path), 0);
}

/*
 * A PCI device: in @group (-1: none), with @driver ("": none). Its class is 0xBBSSPP.
 */
static inline void tree_pci(const char *name, int group, const char *driver, unsigned int vendor, unsigned int device,
			    unsigned int class_code)
{
	char path[300], text[160];

	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/modalias", name);
	snprintf(text, sizeof(text), "pci:v%08Xd%08Xsv00001AF4sd00001100bc%02Xsc%02Xi%02X\n", vendor, device, class_code >> 16,
		 class_code >> 8 & 0xff, class_code & 0xff);
	tree_file(path, text);
	if (group >= 0) {
		snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/iommu_group", name);
		snprintf(text, sizeof(text), "../../../../kernel/iommu_groups/%d", group);
		tree_link(path, text);
		snprintf(path, sizeof(path), "sys/kernel/iommu_groups/%d/devices/%s", group, name);
		snprintf(text, sizeof(text), "../../../../bus/pci/devices/%s", name);
		tree_link(path, text);
	}
	if (!*driver)
		return;
	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/driver", name);
	snprintf(text, sizeof(text), "../../../../bus/pci/drivers/%s", driver);
	tree_link(path, text);
	if (strstr(driver, "vfio") && group >= 0)
		tree_folder("sys/class/vfio/%d", group);
}

static inline int tree_remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

/* Set-up and tear-down of a test. */
static inline int tree_begin(void **state)
{
	(void)state;
	strcpy(tree_root, "/tmp/vfioscope-tree-XXXXXX");
	return mkdtemp(tree_root) ? 0 : -1;
}

static inline int tree_end(void **state)
{
	(void)state;
	return nftw(tree_root, tree_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

#endif

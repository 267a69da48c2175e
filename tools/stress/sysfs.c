// SPDX-License-Identifier: GPL-2.0
#include "sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int make_path(char out[ST_PATH], const char *root, const char *fmt, va_list args)
{
	size_t len = strlen(root);
	int more;

	if (len >= ST_PATH)
		return -ENAMETOOLONG;
	memcpy(out, root, len);
	more = vsnprintf(out + len, ST_PATH - len, fmt, args);
	return more < 0 || (size_t)more >= ST_PATH - len ? -ENAMETOOLONG : 0;
}

#define MAKE_PATH(err, path, root, fmt)			\
	do {						\
		va_list args_;				\
							\
		va_start(args_, fmt);			\
		err = make_path(path, root, fmt, args_); \
		va_end(args_);				\
	} while (0)

int st_path(char out[ST_PATH], const char *root, const char *fmt, ...)
{
	int err;

	MAKE_PATH(err, out, root, fmt);
	return err;
}

bool st_exists(const char *root, const char *fmt, ...)
{
	char path[ST_PATH];
	int err;

	MAKE_PATH(err, path, root, fmt);
	return !err && !access(path, F_OK);
}

int st_read(char *buf, size_t size, const char *root, const char *fmt, ...)
{
	char path[ST_PATH];
	ssize_t len;
	int fd, err;

	MAKE_PATH(err, path, root, fmt);
	if (err)
		return err;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	len = read(fd, buf, size - 1);
	err = len < 0 ? -errno : 0;
	close(fd);
	buf[len < 0 ? 0 : len] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return err;
}

int st_link(char *buf, size_t size, const char *root, const char *fmt, ...)
{
	char path[ST_PATH], target[ST_PATH];
	const char *name;
	ssize_t len;
	int err;

	MAKE_PATH(err, path, root, fmt);
	if (err)
		return err;
	len = readlink(path, target, sizeof(target) - 1);
	if (len < 0)
		return -errno;
	target[len] = '\0';
	name = strrchr(target, '/') ? strrchr(target, '/') + 1 : target;
	return (size_t)snprintf(buf, size, "%s", name) < size ? 0 : -ENAMETOOLONG;
}

int st_write(const char *text, const char *root, const char *fmt, ...)
{
	char path[ST_PATH];
	int fd, err;

	MAKE_PATH(err, path, root, fmt);
	if (err)
		return err;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return err;
}

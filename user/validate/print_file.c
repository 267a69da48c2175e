// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "validate/print.h"

static int sync_folder(const char *path)
{
	char folder[PATH_MAX];
	char *slash;
	int fd;

	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (slash)
		slash[slash == folder] = '\0';
	fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	fsync(fd);
	close(fd);
	return 0;
}

/*
 * A terminal, a serial line or a pipe is written to directly, and through a link: /dev/stdout is one,
 * and must stay one.
 */
static bool is_plain(const char *path)
{
	struct stat st;

	return lstat(path, &st) || S_ISREG(st.st_mode);
}

static int write_to(int fd, vs_validate_printer *print, const struct vs_validate_page *page)
{
	struct vs_out o;
	int err;

	vs_out__init(&o, fd);
	print(&o, page);
	err = vs_out__flush(&o);
	vs_out__sync(&o);
	vs_out__fini(&o);
	close(fd);
	return err;
}

static int write_directly(const char *path, vs_validate_printer *print,
			  const struct vs_validate_page *page)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	return fd < 0 ? -errno : write_to(fd, print, page);
}

/*
 * Its name can be guessed, and its folder may be everybody's (/tmp): we remove an existing file,
 * perhaps somebody's link, and write nothing if it is there again at once.
 */
static int open_part(const char *part)
{
	int fd;

	if (unlink(part) && errno != ENOENT)
		return -errno;
	fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	return fd < 0 ? -errno : fd;
}

static int replace(const char *path, vs_validate_printer *print,
		   const struct vs_validate_page *page)
{
	char part[PATH_MAX];
	int fd, err;

	if (snprintf(part, sizeof(part), "%s.part", path) >= (int)sizeof(part))
		return -ENAMETOOLONG;
	fd = open_part(part);
	if (fd < 0)
		return fd;
	err = write_to(fd, print, page);
	if (!err && rename(part, path))
		err = -errno;
	if (err)
		unlink(part);
	return err ? err : sync_folder(path);
}

int vs_validate__to_file(const char *path, vs_validate_printer *print,
			 const struct vs_validate_page *page)
{
	return is_plain(path) ? replace(path, print, page) : write_directly(path, print, page);
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Small files of the host: /sys, /proc, /dev and /run below a root, which is "" but
 * in tests. Paths are printf formats, without the root. Negative errno everywhere.
 */
#ifndef STRESS_SYSFS_H
#define STRESS_SYSFS_H

#include <stdbool.h>
#include <stddef.h>

#define ST_PATH 256

/* root + path. -ENAMETOOLONG when it does not fit. */
int st_path(char out[ST_PATH], const char *root, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

bool st_exists(const char *root, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* First line of a file, without its newline. 0, -ENOENT ... */
int st_read(char *buf, size_t size, const char *root, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Last component of where a symbolic link leads. */
int st_link(char *buf, size_t size, const char *root, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* One write(2) to a file that exists. 0 or what the kernel answered. */
int st_write(const char *text, const char *root, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif

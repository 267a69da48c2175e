// SPDX-License-Identifier: GPL-2.0
#include "klog/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define PIECE 65536
#define NO_TEXT (1 << 20)	/* bytes with a NUL and without a line: /dev/zero, a disk, never a log */
#define RECORD_MAX 8192		/* CONSOLE_EXT_LOG_MAX, kernel/printk/printk.c */
#define RECORDS_MAX 1000000	/* at one look: others may keep on writing */

int vs_klog__read_file(struct vs_klog *k, const char *path)
{
	int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : dup(STDIN_FILENO);
	bool has_line = false, has_nul = false;
	char piece[PIECE];
	size_t bytes = 0;
	ssize_t got;
	int err = 0;

	if (fd < 0)
		return -errno;
	do {
		got = read(fd, piece, sizeof(piece));
		if (got < 0) {
			err = errno == EINTR ? 0 : -errno;
			continue;
		}
		bytes += (size_t)got;
		has_line |= !!memchr(piece, '\n', (size_t)got);
		has_nul |= !!memchr(piece, '\0', (size_t)got);
		if (!has_line && has_nul && bytes > NO_TEXT)
			err = -EILSEQ;
		else
			vs_klog__feed(k, piece, (size_t)got);
	} while (!err && got);
	close(fd);
	vs_klog__end(k);
	return err ? err : bytes ? 0 : -ENODATA;
}

int vs_klog__read_kmsg(struct vs_klog *k)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC), err = fd < 0 ? -errno : 0;
	char record[RECORD_MAX];

	for (int i = 0; !err && i < RECORDS_MAX; i++) {
		ssize_t got = read(fd, record, sizeof(record) - 1);

		if (got < 0 && errno == EPIPE)	/* overwritten before it was read */
			continue;
		if (got <= 0) {
			err = got < 0 && errno != EAGAIN ? -errno : 0;
			break;
		}
		vs_klog__feed_kmsg(k, record, (size_t)got);
	}
	if (fd >= 0)
		close(fd);
	vs_klog__end(k);
	return err;
}

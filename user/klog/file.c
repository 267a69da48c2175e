// SPDX-License-Identifier: GPL-2.0
#include "klog/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define PIECE 65536

int vs_klog__read_file(struct vs_klog *k, const char *path)
{
	int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : dup(STDIN_FILENO);
	char piece[PIECE];
	ssize_t got;
	int err = 0;

	if (fd < 0)
		return -errno;
	do {
		got = read(fd, piece, sizeof(piece));
		if (got > 0)
			vs_klog__feed(k, piece, (size_t)got);
		else if (got < 0 && errno != EINTR)
			err = -errno;
	} while (!err && got);
	close(fd);
	vs_klog__end(k);
	return err;
}

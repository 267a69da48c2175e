// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json_text.h"
#include "doctor/bundle.h"

static int write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t done = write(fd, text, len);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return done ? -errno : -EIO;
		text += done;
		len -= done;
	}
	return fsync(fd) && errno != EINVAL ? -errno : 0;
}

/* Gives the file its name unless another file has it; some filesystems know only the second way. */
static int name_it(const char *temporary, const char *path)
{
	if (!renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE))
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	if (link(temporary, path))
		return -errno;
	unlink(temporary);
	return 0;
}

/* mkostemp() makes files of mode 0600. */
static int write_text(const char *path, const char *text, size_t len)
{
	char temporary[PATH_MAX];
	int fd, err;

	if (snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= (int)sizeof(temporary))
		return -ENAMETOOLONG;
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = write_all(fd, text, len);
	if (close(fd) && !err)
		err = -errno;
	if (!err)
		err = name_it(temporary, path);
	if (err)
		unlink(temporary);
	return err;
}

int vs_bundle__write(const char *path, const json_t *bundle, size_t *bytes)
{
	char *text;
	int err;

	if (!access(path, F_OK))
		return -EEXIST;
	text = vs_json_text__dump(bundle, JSON_INDENT(1));
	if (!text)
		return -ENOMEM;
	*bytes = strlen(text);
	err = write_text(path, text, *bytes);
	free(text);
	return err;
}

// SPDX-License-Identifier: GPL-2.0
#include "validate/arguments.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "event/device_name.h"

bool vs_arguments__are_devices(const char *list)
{
	char one[2 * VS_DEVICE_LEN], name[VS_DEVICE_LEN];

	while (true) {
		size_t len = strcspn(list, ",");

		if (len >= VS_DEVICE_LEN)
			return false;
		/* vfio-stress takes "05.0", too. */
		snprintf(one, sizeof(one), "%s%.*s", memchr(list, ':', len) ? "" : "00:",
			 (int)len, list);
		if (!vs_device_name__parse(one, name))
			return false;
		if (!list[len])
			return true;
		list += len + 1;
	}
}

int vs_arguments__cannot_be_written(const char *path)
{
	char folder[PATH_MAX];
	struct stat st;
	char *slash;

	if (strlen(path) >= sizeof(folder) - sizeof(".part"))
		return -ENAMETOOLONG;
	if (!lstat(path, &st) && !S_ISREG(st.st_mode)) {
		if (stat(path, &st))
			return -errno;	/* a link that leads nowhere */
		return S_ISDIR(st.st_mode) ? -EISDIR : access(path, W_OK) ? -errno : 0;
	}
	strcpy(folder, path);
	slash = strrchr(folder, '/');
	strcpy(slash ? slash + 1 : folder, ".");	/* what is no folder has none in it */
	return access(folder, W_OK) ? -errno : 0;
}

// SPDX-License-Identifier: GPL-2.0
#include "validate/identity.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/host.h"
#include "probe/patched.h"

static void read_word(const char *root, const char *path, char *buf, size_t size)
{
	char full[300];
	FILE *f;

	snprintf(full, sizeof(full), "%s%s", root, path);
	f = fopen(full, "re");
	if (!f)
		return;
	if (!fgets(buf, (int)size, f))
		buf[0] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	fclose(f);
}

static void add_livepatch(const char *root, const char *name, struct vs_identity *id)
{
	size_t len = strlen(id->livepatches);

	snprintf(id->livepatches + len, sizeof(id->livepatches) - len, "%s%s", len ? " " : "",
		 name);
	if (vs_patched__is_of_vfio(root, name))
		snprintf(id->vfio_livepatch, sizeof(id->vfio_livepatch), "%.60s", name);
}

static void read_livepatches(const char *root, struct vs_identity *id)
{
	struct dirent *entry;
	char path[300];
	DIR *dir;

	snprintf(path, sizeof(path), "%s/sys/kernel/livepatch", root);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			add_livepatch(root, entry->d_name, id);
	if (dir)
		closedir(dir);
}

void vs_identity__read(const char *root, struct vs_identity *id)
{
	struct utsname name;

	memset(id, 0, sizeof(*id));
	if (!uname(&name)) {
		snprintf(id->release, sizeof(id->release), "%s", name.release);
		snprintf(id->version, sizeof(id->version), "%s", name.version);
		snprintf(id->machine, sizeof(id->machine), "%s", name.machine);
	}
	read_word(root, "/sys/module/vfio/srcversion", id->srcversion, sizeof(id->srcversion));
	if (vs_kmod__running_build_id(root, "vfio", id->build_id))
		id->build_id[0] = '\0';
	read_livepatches(root, id);
	id->started_wall_ns = vs_host__wall_ns();
}

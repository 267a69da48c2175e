// SPDX-License-Identifier: GPL-2.0
#include "devices/module.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rows.h"

/* Adds the names in the module's folder @what: those of drivers are "pci:vfio-pci". */
static int read_names(const char *root, const struct vs_module *m, const char *what, void *rows, size_t *nr, size_t size)
{
	char path[PATH_MAX];
	struct dirent *entry;
	int err = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/sys/module/%s/%s", root, m->name, what);
	dir = opendir(path);
	while (dir && !err && (entry = readdir(dir))) {
		const char *name = strchr(entry->d_name, ':');
		char *row = *entry->d_name == '.' ? NULL : vs_rows__add(rows, nr, size);

		if (row)
			snprintf(row, size, "%.*s", (int)size - 1, name ? name + 1 : entry->d_name);
		else if (*entry->d_name != '.')
			err = -ENOMEM;
	}
	if (dir)
		closedir(dir);
	return err;
}

static int read_refs(const char *root, const struct vs_module *m)
{
	char path[PATH_MAX];
	int refs = -1;
	FILE *file;

	snprintf(path, sizeof(path), "%s/sys/module/%s/refcnt", root, m->name);
	file = fopen(path, "re");
	if (file && fscanf(file, "%d", &refs) != 1)
		refs = -1;
	if (file)
		fclose(file);
	return refs;
}

int vs_module__collect(const char *root, const char *name, struct vs_module *m)
{
	char path[PATH_MAX];
	int err;

	memset(m, 0, sizeof(*m));
	if (!*name || *name == '.' || strchr(name, '/') || strlen(name) >= sizeof(m->name))
		return -ENOENT;
	snprintf(m->name, sizeof(m->name), "%s", name);
	for (char *c = m->name; *c; c++)
		*c = *c == '-' ? '_' : *c;
	snprintf(path, sizeof(path), "%s/sys/module/%s", root, m->name);
	if (access(path, F_OK))
		return -ENOENT;
	m->refs = read_refs(root, m);
	/* Built in, it has parameters and drivers there, but no state. */
	snprintf(path, sizeof(path), "%s/sys/module/%s/initstate", root, m->name);
	m->built_in = access(path, F_OK);
	err = read_names(root, m, "holders", &m->holders, &m->nr_holders, sizeof(*m->holders)) ?:
	      read_names(root, m, "drivers", &m->drivers, &m->nr_drivers, sizeof(*m->drivers));
	if (err)
		vs_module__free(m);
	return err;
}

void vs_module__free(struct vs_module *m)
{
	free(m->holders);
	free(m->drivers);
	memset(m, 0, sizeof(*m));
}

bool vs_module__of_device(const char *root, const struct vs_device *d, char name[VS_MODULE_LEN])
{
	static const char *const buses[] = { [VS_BUS_PCI] = "pci", [VS_BUS_MDEV] = "mdev", [VS_BUS_OTHER] = "platform" };
	char path[PATH_MAX], target[PATH_MAX];
	const char *end;
	ssize_t len;

	snprintf(path, sizeof(path), "%s/sys/bus/%s/drivers/%s/module", root, buses[d->bus], d->driver);
	len = d->driver[0] ? readlink(path, target, sizeof(target) - 1) : -1;
	if (len <= 0)
		return false;
	target[len] = '\0';
	end = strrchr(target, '/');
	snprintf(name, VS_MODULE_LEN, "%.*s", VS_MODULE_LEN - 1, end ? end + 1 : target);
	return true;
}

bool vs_module__drives(const struct vs_module *m, const struct vs_device *d)
{
	for (size_t i = 0; i < m->nr_drivers; i++)
		if (!strcmp(m->drivers[i], d->driver))
			return true;
	return false;
}

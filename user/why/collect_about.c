// SPDX-License-Identifier: GPL-2.0
/*
 * Finds the devices that a task is about to remove while it waits for a lock of the whole PCI bus:
 * before it has that, no lock of a device tells it. A writer to sysfs has the device's attribute
 * open. The interrupt thread of a hot-plug slot belongs to the port whose interrupt it has.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "event/device_name.h"
#include "why/collect_priv.h"
#include "why/proc.h"

#define PCI_DEVICES "/sys/bus/pci/devices"

static void add_name(char *about, size_t size, const char *name)
{
	size_t used = strlen(about), len = strlen(name);

	if (used + len + 2 > size)
		return;
	if (used)
		about[used++] = ' ';
	memcpy(about + used, name, len + 1);
}

static bool is_device(const char *name)
{
	char parsed[VS_DEVICE_LEN];

	return strchr(name, ':') && strchr(name, '.') && vs_device_name__parse(name, parsed);
}

/* -- the thread of a slot -- */

/* The name "irq/26-pciehp" counts for a kernel thread alone: any process may take it. */
static bool is_slot(const struct vs_ev_task *t, unsigned int *irq)
{
	char kind[VS_COMM_LEN] = "";

	return t->kernel_thread && sscanf(t->comm, "irq/%u-%15s", irq, kind) == 2 &&
	       strstr(kind, "pciehp");
}

static bool has_irq(const char *port, unsigned int irq)
{
	char path[320], text[16] = "";
	FILE *file;

	snprintf(path, sizeof(path), PCI_DEVICES "/%s/msi_irqs/%u", port, irq);
	if (!access(path, F_OK))
		return true;
	snprintf(path, sizeof(path), PCI_DEVICES "/%s/irq", port);
	file = fopen(path, "re");
	if (file && !fgets(text, sizeof(text), file))
		text[0] = '\0';
	if (file)
		fclose(file);
	snprintf(path, sizeof(path), PCI_DEVICES "/%s/msi_irqs", port);
	return access(path, F_OK) && text[0] && strtoul(text, NULL, 10) == irq;
}

/* The devices on the bus behind a port are folders in the port's. */
static size_t add_children(const char *port, char *about, size_t size)
{
	char path[80];
	struct dirent *entry;
	size_t nr = 0;
	DIR *dir;

	snprintf(path, sizeof(path), PCI_DEVICES "/%.40s", port);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (is_device(entry->d_name)) {
			add_name(about, size, entry->d_name);
			nr++;
		}
	if (dir)
		closedir(dir);
	return nr;
}

static void take_slot(struct vs_ev_task *t, unsigned int irq)
{
	DIR *dir = opendir(PCI_DEVICES);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (is_device(entry->d_name) && has_irq(entry->d_name, irq))
			add_children(entry->d_name, t->about, sizeof(t->about));
	if (dir)
		closedir(dir);
}

/* -- a writer to sysfs -- */

struct writers {
	const uint32_t *tids;
};

struct written {
	char about[sizeof(((struct vs_ev_task *)0)->about)];
};

bool collect_is_writer(const struct vs_ev_task *t)
{
	static const char *const stores[] = { "remove_store", "reset_store", "sriov_numvfs_store" };

	for (size_t i = 0; !t->kernel_thread && i < sizeof(stores) / sizeof(stores[0]); i++)
		if (vs_ev_task__find(t, 0, stores[i]) < t->nr_frames)
			return true;
	return false;
}

bool collect_is_attribute(const char *name)
{
	return !strcmp(name, "remove") || !strcmp(name, "reset") || !strcmp(name, "sriov_numvfs");
}

/* ".../0000:00:05.0/remove": the device is the last folder. */
static void take_path(char *path, char *about, size_t size)
{
	char *attribute = strrchr(path, '/'), *device;

	if (strncmp(path, "/sys/devices/", 13) || !attribute)
		return;
	*attribute++ = '\0';
	device = strrchr(path, '/') + 1;
	if (is_device(device) && collect_is_attribute(attribute))
		add_name(about, size, device);
}

static bool read_files(void *ctx, size_t i, void *row)
{
	const struct writers *w = ctx;
	struct written *found = row;
	char path[40], target[512];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%u/fd", w->tids[i]);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		ssize_t len = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

		target[len > 0 ? len : 0] = '\0';
		take_path(target, found->about, sizeof(found->about));
	}
	if (dir)
		closedir(dir);
	return found->about[0];
}

/* If a task has several such files open, nothing tells which it writes to: its about stays empty. */
static int take_writers(struct vs_evidence *e, const uint32_t *tids, const size_t *tasks, size_t nr)
{
	struct writers w = { tids };
	struct written *rows = calloc(nr + 1, sizeof(*rows));
	signed char *answered = calloc(nr + 1, 1);
	int err = rows && answered ? vs_proc__guarded(read_files, &w, nr, rows, sizeof(*rows),
						      answered) : -ENOMEM;

	if (!err)
		vs_proc__say_unread(e, answered, nr, "open files");
	for (size_t i = 0; !err && i < nr; i++)
		if (answered[i] == 1 && !strchr(rows[i].about, ' '))
			memcpy(e->tasks[tasks[i]].about, rows[i].about, sizeof(rows[i].about));
	free(rows);
	free(answered);
	return err;
}

int collect_add_about(struct vs_evidence *e)
{
	uint32_t *tids = calloc(e->nr_tasks + 1, sizeof(*tids));
	size_t *tasks = calloc(e->nr_tasks + 1, sizeof(*tasks));
	unsigned int irq;
	size_t nr = 0;
	int err = tids && tasks ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < e->nr_tasks; i++) {
		struct vs_ev_task *t = &e->tasks[i];

		if (is_slot(t, &irq))
			take_slot(t, irq);
		if (!collect_is_writer(t))
			continue;
		tids[nr] = t->tid;
		tasks[nr++] = i;
	}
	if (!err && nr)
		err = take_writers(e, tids, tasks, nr);
	free(tids);
	free(tasks);
	return err;
}

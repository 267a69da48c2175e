// SPDX-License-Identifier: GPL-2.0
#include "probe/patched.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "vfio/hooks.h"
#include "vfio/kmod.h"

#define LIVEPATCHES "/sys/kernel/livepatch"

/* Folders of a patch: one for each object, and in it one for each function, "name,position". */
struct patch {
	const char *dir;
	const char *name;
	char *words;
	size_t size;
	unsigned int nr;	/* functions that count */
	char object[16];	/* of the first one */
	char function[64];
};

static bool is_on(const char *dir, const char *knob)
{
	char path[PATH_MAX];
	FILE *file;
	int c;

	snprintf(path, sizeof(path), "%s/%s", dir, knob);
	file = fopen(path, "re");
	if (!file)
		return false;
	c = fgetc(file);
	fclose(file);
	return c == '1';
}

static bool is_name(const char *name, const char *entry)
{
	size_t len = strcspn(entry, ",");

	return strlen(name) == len && !memcmp(name, entry, len);
}

static bool is_followed(const struct vs_hook *hook, const char *function)
{
	for (size_t i = 0; i < sizeof(hook->rungs) / sizeof(hook->rungs[0]); i++)
		if (hook->rungs[i].target && is_name(hook->rungs[i].target, function))
			return true;
	return false;
}

/*
 * Returns true if a patch of this function of vmlinux matters: most do not. Any function of a
 * built-in VFIO may hold a probed site: inlined gets and puts are in many that no hook names.
 */
static bool matters(const char *function)
{
	if (vs_kmod__is_vfio_function(function))
		return true;
	for (const char *const *callee = vs_hook_callees; *callee; callee++)
		if (is_name(*callee, function))
			return true;
	for (const struct vs_hook *hook = vs_hooks; hook->name; hook++)
		if (is_followed(hook, function))
			return true;
	return false;
}

static bool every_function(const char *function)
{
	(void)function;
	return true;
}

static void take_functions(struct patch *p, const char *object, bool (*wanted)(const char *))
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%s", p->dir, object);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (!strchr(entry->d_name, ',') || !wanted(entry->d_name))
			continue;
		if (p->nr++)
			continue;
		snprintf(p->object, sizeof(p->object), "%s", object);
		snprintf(p->function, sizeof(p->function), "%.*s",
			 (int)strcspn(entry->d_name, ","), entry->d_name);
	}
	if (dir)
		closedir(dir);
}

static bool is_in_force(const struct patch *p)
{
	return is_on(p->dir, "enabled") || is_on(p->dir, "transition");
}

static bool replaces_ours(struct patch *p)
{
	char more[32] = "";

	if (!is_in_force(p))
		return false;
	take_functions(p, "vfio", every_function);
	take_functions(p, "vmlinux", matters);
	if (p->nr > 1)
		snprintf(more, sizeof(more), " (and %u more)", p->nr - 1);
	if (p->nr)
		snprintf(p->words, p->size, "livepatch %.55s replaces %s of %s%s", p->name,
			 p->function, p->object, more);
	return p->nr;
}

bool vs_patched__find(const char *root, char *words, size_t size)
{
	char top[PATH_MAX / 4], path[PATH_MAX / 2];
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	words[0] = '\0';
	snprintf(top, sizeof(top), "%s" LIVEPATCHES, root);
	dir = opendir(top);
	while (dir && !found && (entry = readdir(dir))) {
		struct patch p = { .dir = path, .name = entry->d_name, .words = words,
				   .size = size };

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", top, entry->d_name);
		found = replaces_ours(&p);
	}
	if (dir)
		closedir(dir);
	return found;
}

bool vs_patched__is_of_vfio(const char *root, const char *livepatch)
{
	char path[PATH_MAX / 2];
	struct patch p = { .dir = path };

	snprintf(path, sizeof(path), "%s" LIVEPATCHES "/%s", root, livepatch);
	if (!is_in_force(&p))
		return false;
	take_functions(&p, "vfio", every_function);
	take_functions(&p, "vmlinux", vs_kmod__is_vfio_function);
	return p.nr;
}

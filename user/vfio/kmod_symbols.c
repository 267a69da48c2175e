// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "kernel/kallsyms.h"
#include "vfio/kmod.h"

struct search {
	const char *module, *function;
	uint64_t addr;
	unsigned int found;
};

static int look_at(void *ctx, const struct vs_symbol *symbol)
{
	struct search *search = ctx;

	if (strcmp(symbol->name, search->function) || strcmp(symbol->module, search->module))
		return 0;
	search->addr = symbol->addr;
	search->found++;
	return 0;
}

int vs_kmod__section_by_symbol(const char *root, const char *name,
			       const struct vs_kmod_func *func, uint64_t *addr)
{
	struct search search = { .module = name, .function = func->name };
	char path[PATH_MAX];
	FILE *file;
	int err;

	*addr = 0;
	snprintf(path, sizeof(path), "%s/proc/kallsyms", root);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	err = vs_kallsyms__each(file, look_at, &search);
	fclose(file);
	if (err || !search.found)
		return err ? err : -ENOENT;
	if (search.found > 1)
		return -ENOTUNIQ;
	if (!search.addr)
		return -EPERM;
	*addr = search.addr - func->section_off;
	return 0;
}

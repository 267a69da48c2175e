// SPDX-License-Identifier: GPL-2.0
#include "latency/targets.h"

#include <errno.h>
#include <string.h>

#include "kernel/kallsyms.h"

int vs_targets__add(struct vs_targets *t, const char *name)
{
	for (size_t i = 0; i < t->nr_names; i++)
		if (!strcmp(t->names[i], name))
			return 0;
	if (t->nr_names == VS_LAT_TARGETS)
		return -ENOSPC;
	t->names[t->nr_names++] = name;
	return 0;
}

static void add_address(struct vs_targets *t, size_t name, uint64_t addr)
{
	if (t->nr == VS_LAT_TARGETS) {
		t->left_out++;
		return;
	}
	t->name_of[t->nr] = name;
	t->addrs[t->nr++] = addr;
}

static int match(void *ctx, const struct vs_symbol *symbol)
{
	struct vs_targets *t = ctx;

	if (!strchr("tTwW", symbol->type))
		return 0;
	for (size_t i = 0; i < t->nr_names; i++) {
		if (strcmp(t->names[i], symbol->name))
			continue;
		if (!symbol->addr)
			return -EPERM;
		add_address(t, i, symbol->addr);
	}
	return 0;
}

int vs_targets__resolve(struct vs_targets *t, FILE *kallsyms)
{
	memset(t->addrs, 0, sizeof(t->addrs));
	t->nr = t->left_out = 0;
	return vs_kallsyms__each(kallsyms, match, t);
}

size_t vs_targets__found(const struct vs_targets *t, size_t name)
{
	size_t nr = 0;

	for (size_t i = 0; i < t->nr; i++)
		nr += t->name_of[i] == name;
	return nr;
}

const char *vs_targets__name(const struct vs_targets *t, uint64_t addr)
{
	for (size_t i = 0; i < t->nr; i++)
		if (addr && t->addrs[i] == addr)
			return t->names[t->name_of[i]];
	return NULL;
}

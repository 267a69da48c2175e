// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "probe/kallsyms.h"

#define KALLSYMS "/proc/kallsyms"

static bool parse_line(char *line, struct vs_symbol *symbol)
{
	char *end, *module;

	symbol->addr = strtoull(line, &end, 16);
	if (end == line || end[0] != ' ' || !end[1] || end[2] != ' ')
		return false;
	symbol->type = end[1];
	symbol->name = end + 3;
	module = end + 3 + strcspn(end + 3, "\t\n");
	symbol->module = "";
	if (*module == '\t' && module[1] == '[') {
		symbol->module = module + 2;
		module[2 + strcspn(module + 2, "]\n")] = '\0';
	}
	*module = '\0';
	return symbol->name[0];
}

int vs_kallsyms__each(FILE *file, int (*each)(void *ctx, const struct vs_symbol *symbol),
		      void *ctx)
{
	struct vs_symbol symbol;
	char line[1024];
	int ret;

	while (fgets(line, sizeof(line), file)) {
		if (!parse_line(line, &symbol))
			continue;
		ret = each(ctx, &symbol);
		if (ret)
			return ret;
	}
	return 0;
}

struct lookup {
	uint64_t addr, best;
	char name[256], module[64];
	bool any;
};

static int nearest(void *ctx, const struct vs_symbol *symbol)
{
	struct lookup *look = ctx;

	look->any |= symbol->addr;
	if (symbol->addr > look->addr || symbol->addr < look->best || !symbol->addr)
		return 0;
	if (!strncmp(symbol->name, "__pfx_", 6))
		return 0;
	look->best = symbol->addr;
	snprintf(look->name, sizeof(look->name), "%s", symbol->name);
	snprintf(look->module, sizeof(look->module), "%s", symbol->module);
	return 0;
}

int vs_kallsyms__lookup(uint64_t addr, char *buf, size_t size)
{
	struct lookup look = { .addr = addr };
	FILE *file = fopen(KALLSYMS, "re");

	if (!file)
		return -errno;
	vs_kallsyms__each(file, nearest, &look);
	fclose(file);
	if (!look.any)
		return -EPERM;
	if (!look.best)
		return -ENOENT;
	snprintf(buf, size, "%s+0x%" PRIx64 "%s%s%s", look.name, addr - look.best,
		 look.module[0] ? " [" : "", look.module, look.module[0] ? "]" : "");
	return 0;
}

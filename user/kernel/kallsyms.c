// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "kernel/kallsyms.h"

/* The largest function or object of a kernel is smaller; further away is another thing. */
#define MAX_DISTANCE (1 << 20)

/* The table has over 100,000 lines, and strtoull() was a third of the time to read them. */
static uint64_t parse_hex(char *text, char **end)
{
	uint64_t value = 0;

	for (; ; text++) {
		unsigned int digit = (unsigned char)*text - '0';

		if (digit > 9)
			digit = ((unsigned char)*text | 0x20) - 'a' + 10u;
		if (digit > 15 || (digit > 9 && *text < 'A'))
			break;
		value = value << 4 | digit;
	}
	*end = text;
	return value;
}

static bool parse_line(char *line, struct vs_symbol *symbol)
{
	char *end, *module;

	symbol->addr = parse_hex(line, &end);
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

/* Names lie in one block; a symbol of a module is "name\0module\0". */
struct entry {
	uint64_t addr;
	uint32_t name;
	bool in_module, is_code;
};

struct vs_ksyms {
	struct entry *entries;
	size_t nr, room;
	char *names;
	size_t names_len, names_room;
};

static int add_text(struct vs_ksyms *k, const char *text)
{
	size_t len = strlen(text) + 1;
	char *grown;

	if (k->names_len + len > k->names_room) {
		k->names_room = 2 * k->names_room + len + 4096;
		grown = realloc(k->names, k->names_room);
		if (!grown)
			return -ENOMEM;
		k->names = grown;
	}
	memcpy(k->names + k->names_len, text, len);
	k->names_len += len;
	return 0;
}

static bool is_placeless(const struct vs_symbol *symbol)
{
	return !symbol->addr || strchr("aA", symbol->type) ||
	       !strncmp(symbol->name, "__pfx_", 6);
}

static int add_entry(void *ctx, const struct vs_symbol *symbol)
{
	struct vs_ksyms *k = ctx;
	struct entry *grown;

	if (is_placeless(symbol))
		return 0;
	if (k->nr == k->room) {
		k->room = 2 * k->room + 4096;
		grown = realloc(k->entries, k->room * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		k->entries = grown;
	}
	k->entries[k->nr++] = (struct entry){ symbol->addr, k->names_len, symbol->module[0],
					       strchr("tTwW", symbol->type) };
	if (add_text(k, symbol->name))
		return -ENOMEM;
	return symbol->module[0] ? add_text(k, symbol->module) : 0;
}

/* vmlinux comes in order of address, and most modules: there is little to sort. */
static bool is_sorted(const struct vs_ksyms *k)
{
	for (size_t i = 1; i < k->nr; i++)
		if (k->entries[i - 1].addr > k->entries[i].addr)
			return false;
	return true;
}

static int by_addr(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

struct vs_ksyms *vs_ksyms__read(FILE *file)
{
	struct vs_ksyms *k = calloc(1, sizeof(*k));
	int err = k ? vs_kallsyms__each(file, add_entry, k) : -ENOMEM;

	if (!err && !k->nr)
		err = -EPERM;
	if (err) {
		vs_ksyms__free(k);
		errno = -err;
		return NULL;
	}
	if (!is_sorted(k))
		qsort(k->entries, k->nr, sizeof(*k->entries), by_addr);
	return k;
}

void vs_ksyms__free(struct vs_ksyms *k)
{
	if (!k)
		return;
	free(k->entries);
	free(k->names);
	free(k);
}

/* The last entry at or below the address. */
static const struct entry *find(const struct vs_ksyms *k, uint64_t addr)
{
	size_t nr = VS_ROWS_UP_TO(k->entries, k->nr, addr, addr);

	return nr ? &k->entries[nr - 1] : NULL;
}

bool vs_ksyms__lookup(const struct vs_ksyms *k, uint64_t addr, char *buf, size_t size)
{
	const struct entry *entry = find(k, addr);
	const char *name;
	size_t used;

	if (!entry || addr - entry->addr > MAX_DISTANCE)
		return false;
	name = k->names + entry->name;
	used = snprintf(buf, size, "%s", name);
	if (addr != entry->addr && used < size)
		used += snprintf(buf + used, size - used, "+0x%" PRIx64, addr - entry->addr);
	if (entry->in_module && used < size)
		snprintf(buf + used, size - used, " [%s]", name + strlen(name) + 1);
	return true;
}

bool vs_ksyms__is_code(const struct vs_ksyms *k, uint64_t addr)
{
	const struct entry *entry = find(k, addr);

	return entry && addr - entry->addr <= MAX_DISTANCE && entry->is_code;
}

uint64_t vs_ksyms__find_part(const struct vs_ksyms *k, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < k->nr; i++) {
		const char *symbol = k->names + k->entries[i].name;

		if (!strncmp(symbol, name, len) && !strncmp(symbol + len, ".part.", 6) &&
		    !strstr(symbol + len, ".cold"))
			return k->entries[i].addr;
	}
	return 0;
}

uint64_t vs_ksyms__find(const struct vs_ksyms *k, const char *name)
{
	for (size_t i = 0; i < k->nr; i++)
		if (!strcmp(k->names + k->entries[i].name, name))
			return k->entries[i].addr;
	return 0;
}

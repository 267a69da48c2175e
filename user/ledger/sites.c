// SPDX-License-Identifier: GPL-2.0
#include "ledger/sites.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/view.h"

#define SLOTS 1024	/* VFIO has tens of call sites; stacks have hundreds */

struct site {
	uint64_t ip;
	bool known;
	char name[VS_SITE_LEN];
};

struct vs_sites {
	vs_resolve_fn resolve;
	void *ctx;
	struct site slots[SLOTS];
};

struct vs_sites *vs_sites__new(vs_resolve_fn resolve, void *ctx)
{
	struct vs_sites *s = calloc(1, sizeof(*s));

	if (s) {
		s->resolve = resolve;
		s->ctx = ctx;
	}
	return s;
}

void vs_sites__free(struct vs_sites *s)
{
	free(s);
}

static const struct site *look(struct vs_sites *s, uint64_t ip)
{
	struct site *site = &s->slots[(ip * 0x9e3779b97f4a7c15ull >> 40) % SLOTS];

	/* An address without a name may get one: symbols are read in the background. */
	if (site->ip == ip && site->known)
		return site;
	site->ip = ip;
	site->known = s->resolve && s->resolve(s->ctx, ip, site->name, sizeof(site->name));
	if (!site->known)
		snprintf(site->name, sizeof(site->name), "0x%llx", (unsigned long long)ip);
	return site;
}

const char *vs_sites__name(struct vs_sites *s, uint64_t ip)
{
	return ip ? look(s, ip)->name : "";
}

void vs_sites__symbol(struct vs_sites *s, uint64_t ip, char *buf, size_t size)
{
	const struct site *site = ip ? look(s, ip) : NULL;
	size_t len;

	snprintf(buf, size, "%s", site && site->known ? site->name : "");
	len = strlen(buf);
	if (len > 4 && !strcmp(buf + len - 4, "+0x0"))
		buf[len - 4] = '\0';
}

size_t vs_sites__caller(struct vs_sites *s, const __u64 *stack, size_t nr)
{
	size_t i = 0;

	while (i < nr && !strncmp(vs_sites__name(s, stack[i]), "refcount_", 9))
		i++;
	return i;
}

void vs_sites__forget(struct vs_sites *s)
{
	memset(s->slots, 0, sizeof(s->slots));
}

// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "probe/kallsyms.h"
#include "probe/symbolizer.h"

struct vs_symbolizer {
	pthread_t reader;
	bool reading;
	struct vs_ksyms *ksyms;
	uint64_t modules;	/* fingerprint of /proc/modules when it was read */
};

/* FNV-1a over names and addresses; use counts change all the time and are left out. */
static uint64_t modules_fingerprint(void)
{
	FILE *file = fopen("/proc/modules", "re");
	uint64_t hash = 0xcbf29ce484222325, addr;
	char line[512], name[64];

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%63s %*s %*s %*s %*s %lx", name, &addr) != 2)
			continue;
		for (const char *c = name; *c; c++)
			hash = (hash ^ (unsigned char)*c) * 0x100000001b3;
		hash = (hash ^ addr) * 0x100000001b3;
	}
	if (file)
		fclose(file);
	return hash;
}

static void *read_symbols(void *arg)
{
	struct vs_symbolizer *s = arg;
	FILE *file = fopen("/proc/kallsyms", "re");

	s->modules = modules_fingerprint();
	s->ksyms = file ? vs_ksyms__read(file) : NULL;
	if (file)
		fclose(file);
	return NULL;
}

static void settle(struct vs_symbolizer *s)
{
	if (s->reading)
		pthread_join(s->reader, NULL);
	s->reading = false;
}

struct vs_symbolizer *vs_symbolizer__new(void)
{
	struct vs_symbolizer *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->reading = !pthread_create(&s->reader, NULL, read_symbols, s);
	if (!s->reading)
		read_symbols(s);
	return s;
}

bool vs_symbolizer__lookup(struct vs_symbolizer *s, uint64_t addr, char *buf, size_t size)
{
	settle(s);
	if (s->ksyms && s->modules != modules_fingerprint()) {
		vs_ksyms__free(s->ksyms);
		read_symbols(s);
	}
	return s->ksyms && vs_ksyms__lookup(s->ksyms, addr, buf, size);
}

void vs_symbolizer__free(struct vs_symbolizer *s)
{
	if (!s)
		return;
	settle(s);
	vs_ksyms__free(s->ksyms);
	free(s);
}

// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernel/kallsyms.h"
#include "probe/symbolizer.h"

#define LONGEST_WAIT_NS 50000000

struct vs_symbolizer {
	pthread_t reader;
	bool reading;
	bool waited;		/* for this table: once is enough */
	struct vs_ksyms *ksyms;
	uint64_t modules;	/* fingerprint of /proc/modules when it was read */
	struct vs_ksyms *new_ksyms; /* the reader's, until it is joined */
	uint64_t new_modules;
};

struct module {
	char name[64];
	uint64_t size, addr;
};

static bool next_module(FILE *file, struct module *m)
{
	char line[512];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%63s %lu %*s %*s %*s %lx", m->name, &m->size, &m->addr) == 3)
			return true;
	return false;
}

/* FNV-1a over names and addresses; use counts change all the time and are left out. */
static uint64_t modules_fingerprint(void)
{
	FILE *file = fopen("/proc/modules", "re");
	uint64_t hash = 0xcbf29ce484222325;
	struct module m;

	while (next_module(file, &m)) {
		for (const char *c = m.name; *c; c++)
			hash = (hash ^ (unsigned char)*c) * 0x100000001b3;
		hash = (hash ^ m.addr) * 0x100000001b3;
	}
	if (file)
		fclose(file);
	return hash;
}

/* "[bpf]" and the like are no modules, and what lies between modules belongs to none. */
static bool is_in_module(uint64_t addr, const char *bracketed)
{
	FILE *file = fopen("/proc/modules", "re");
	size_t len = strcspn(bracketed, "]");
	bool inside = false;
	struct module m;

	while (!inside && next_module(file, &m))
		inside = strlen(m.name) == len && !strncmp(m.name, bracketed, len) &&
			 addr >= m.addr && addr < m.addr + m.size;
	if (file)
		fclose(file);
	return inside;
}

static void *read_symbols(void *arg)
{
	struct vs_symbolizer *s = arg;
	FILE *file = fopen("/proc/kallsyms", "re");

	s->new_modules = modules_fingerprint();
	s->new_ksyms = file ? vs_ksyms__read(file) : NULL;
	if (file)
		fclose(file);
	return NULL;
}

static void take_new(struct vs_symbolizer *s)
{
	vs_ksyms__free(s->ksyms);
	s->ksyms = s->new_ksyms;
	s->modules = s->new_modules;
	s->new_ksyms = NULL;
	s->reading = false;
}

static void take_if_ready(struct vs_symbolizer *s)
{
	if (s->reading && !pthread_tryjoin_np(s->reader, NULL))
		take_new(s);
}

static void start_reading(struct vs_symbolizer *s)
{
	s->reading = !pthread_create(&s->reader, NULL, read_symbols, s);
	if (s->reading)
		return;
	read_symbols(s);
	take_new(s);
}

/* By the clock that nobody can set: a finding must not wait for an hour. */
static struct timespec soon(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_nsec += LONGEST_WAIT_NS;
	at.tv_sec += at.tv_nsec / 1000000000;
	at.tv_nsec %= 1000000000;
	return at;
}

static void wait_a_little(struct vs_symbolizer *s)
{
	struct timespec until = soon();

	if (s->waited)
		return;
	s->waited = true;
	if (s->reading && !pthread_clockjoin_np(s->reader, NULL, CLOCK_MONOTONIC, &until))
		take_new(s);
}

struct vs_symbolizer *vs_symbolizer__new(void)
{
	struct vs_symbolizer *s = calloc(1, sizeof(*s));

	if (s)
		start_reading(s);
	return s;
}

bool vs_symbolizer__lookup(struct vs_symbolizer *s, uint64_t addr, char *buf, size_t size)
{
	const char *module;

	take_if_ready(s);
	if (!s->ksyms)
		wait_a_little(s);
	if (!s->ksyms || !vs_ksyms__lookup(s->ksyms, addr, buf, size))
		return false;
	module = strchr(buf, '[');
	return !module || !strcmp(module, "[bpf]") || is_in_module(addr, module + 1);
}

void vs_symbolizer__refresh(struct vs_symbolizer *s)
{
	take_if_ready(s);
	if (!s->reading && s->modules != modules_fingerprint())
		start_reading(s);
}

void vs_symbolizer__free(struct vs_symbolizer *s)
{
	if (!s)
		return;
	if (s->reading && !pthread_join(s->reader, NULL))
		take_new(s);
	vs_ksyms__free(s->ksyms);
	free(s);
}

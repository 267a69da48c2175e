// SPDX-License-Identifier: GPL-2.0
/*
 * Arms the product's watchpoint on one group and prints what comes of it, until
 * SIGINT: a line for each change, get and put of the group
 *	TYPE time tid cpu +|-|? value ip frames first-frame site
 * and at the end what was lost. Runs in the guests of the lab.
 * usage: exact_dump GROUP-ADDRESS
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/host.h"
#include "event/names.h"
#include "event/record.h"
#include "ledger/sites.h"
#include "probe/engine.h"
#include "probe/symbolizer.h"

struct dump {
	uint64_t group;
	struct vs_engine *engine;
	struct vs_symbolizer *symbolizer;
	struct vs_sites *sites;
	struct vs_stack_event *kept;	/* printed at the end, when all symbols are read */
	size_t nr, room;
};

static volatile sig_atomic_t stopped;

static void on_signal(int sig)
{
	stopped = sig;
}

static bool resolve(void *ctx, uint64_t ip, char *buf, size_t size)
{
	struct dump *d = ctx;

	return vs_engine__resolve(d->engine, ip, buf, size) ||
	       vs_symbolizer__lookup(d->symbolizer, ip, buf, size);
}

static char direction(const struct vs_event *e)
{
	if (e->type == VS_CHANGE)
		return e->flags & VS_F_TAKEN ? '+' : e->flags & VS_F_DROPPED ? '-' : '?';
	return e->type == VS_GET ? '+' : '-';
}

static void print(struct dump *d, const struct vs_stack_event *s)
{
	const struct vs_event *e = &s->e;
	size_t caller = vs_sites__caller(d->sites, s->stack, vs_stack__length(s));
	char value[16] = "?";

	if (e->flags & VS_F_REFS)
		snprintf(value, sizeof(value), "%d", e->refs);
	printf("%s %" PRIu64 " %u %u %c %s %" PRIx64 " %u %" PRIx64 " %s\n",
	       vs_type__name(e->type), (uint64_t)e->time_ns, e->tid, e->cpu, direction(e), value,
	       (uint64_t)e->ip, s->nr_stack, (uint64_t)s->stack[0],
	       vs_sites__name(d->sites, caller < s->nr_stack ? s->stack[caller] : e->ip));
}

static void keep(struct dump *d, const struct vs_stack_event *s)
{
	if (d->nr == d->room) {
		d->room = d->room ? 2 * d->room : 1024;
		d->kept = realloc(d->kept, d->room * sizeof(*d->kept));
		if (!d->kept)
			abort();
	}
	d->kept[d->nr++] = *s;
}

static void take(void *ctx, const void *data, size_t len)
{
	static struct vs_alarm_event aligned;
	const struct vs_event *e;
	struct dump *d = ctx;

	memcpy(&aligned, data, len < sizeof(aligned) ? len : sizeof(aligned));
	if (vs_record__check(&aligned, len, &e))
		printf("bad record\n");
	else if (e->group == d->group && vs_record__stack(e))
		keep(d, vs_record__stack(e));
}

static void report(struct dump *d)
{
	struct vs_exact_stats stats = vs_engine__watch_stats(d->engine);

	for (unsigned int i = 0; i < VS_LOSS_KERNEL_END; i++)
		printf("loss %s %" PRIu64 "\n", vs_loss__name(i), vs_engine__loss(d->engine, i));
	printf("loss watch-missed %" PRIu64 "\nloss cpu-unwatched %u\n", stats.missed,
	       stats.cpus_missing);
	printf("hits %" PRIu64 " retries %" PRIu64 " unknown %" PRIu64 "\n", stats.hits,
	       stats.retries, stats.unknown);
}

static int fail(const char *words, int err)
{
	fprintf(stderr, "exact_dump: %s: %s\n", words, strerror(-err));
	return 1;
}

static int start(struct dump *d)
{
	struct vs_engine_opts opts = { .record = take, .ctx = d, .exact = true, .stacks = true };
	char error[200];

	d->engine = vs_engine__new(&opts, error, sizeof(error));
	if (!d->engine)
		return fail(error, -errno);
	d->symbolizer = vs_symbolizer__new();
	d->sites = vs_sites__new(resolve, d);
	return d->symbolizer && d->sites ? vs_engine__attach(d->engine) : -ENOMEM;
}

static void run(struct dump *d)
{
	struct sigaction act = { .sa_handler = on_signal };

	sigaction(SIGINT, &act, NULL);
	printf("room %d\ncounter %" PRIx64 "\n", vs_exact__room(),
	       d->group + (uint64_t)vs_engine__plan(d->engine)->layout.group_counter);
	puts("armed");
	fflush(stdout);
	while (!stopped)
		vs_engine__poll(d->engine, 20);
	vs_engine__drain(d->engine);
	for (size_t i = 0; i < d->nr; i++)
		print(d, &d->kept[i]);
	report(d);
}

int main(int argc, char **argv)
{
	struct dump d = { .group = argc > 1 ? strtoull(argv[1], NULL, 16) : 0 };
	int err = start(&d);

	if (!err)
		err = vs_engine__watch(d.engine, d.group, -1, vs_engine__begun(d.engine));
	if (err)
		return fail("cannot watch", err);
	run(&d);
	printf("unwatch %d\n", vs_engine__unwatch(d.engine, d.group));
	printf("unwatch %d\n", vs_engine__unwatch(d.engine, d.group));
	vs_sites__free(d.sites);
	vs_symbolizer__free(d.symbolizer);
	vs_engine__free(d.engine);
	free(d.kept);
	return 0;
}

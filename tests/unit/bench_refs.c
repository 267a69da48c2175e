// SPDX-License-Identifier: GPL-2.0
/*
 * How fast the ledger takes events with many references alive, without sanitizers.
 * Prints rates and memory; fails below the floor, when ten times the size is more than
 * three times as slow, or when a reference takes too much memory. CPU time of the best
 * of several runs: others may load the machine, and its memory, on which nearly all of
 * an event's time goes. What a random read takes then is printed beside, and excuses
 * nothing.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ledger/refs.h"

#define FLOOR 2e6	/* events a second */
#define BYTES 256		/* a reference */
#define LINE 64ul
#define LINES ((20ul << 20) / LINE)
#define TRIES 8		/* where memory lies is a matter of luck */
#define RUNS 7
#define EVENTS 400000
#define ROUNDS (EVENTS / 2)

#define GROUP_AT(i) (0xffff888100000000ull + 0x400ull * (i))
#define IP_GET 0xffffffffc0410010ull
#define IP_PUT 0xffffffffc0410020ull

struct size {
	uint32_t groups, refs;
};

struct load {
	struct vs_refs *r;
	struct vs_stack_event e;
	struct size size;
	double memory;		/* of the references that live, in bytes */
};

static bool resolve(void *ctx, uint64_t ip, char *buf, size_t len)
{
	(void)ctx;
	snprintf(buf, len, "%s", ip == IP_GET ? "vfio_group_get_external_user+0x4d" :
		 ip == IP_PUT ? "vfio_group_put_external_user+0x18" : "kvm_vfio_set_attr+0x1");
	return true;
}

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double heap(void)
{
	struct mallinfo2 m = mallinfo2();

	return (double)(m.uordblks + m.hblkhd);
}

/* As the probes write it: by one of many processes, on one of many groups. */
static void feed(struct load *l, uint8_t type, uint32_t i)
{
	struct vs_event *e = &l->e.e;

	e->type = type;
	e->time_ns += 1000;
	e->seq++;
	e->group = GROUP_AT(i % l->size.groups);
	e->iommu_group = (int32_t)(i % l->size.groups);
	e->tid = e->tgid = 1000 + i / l->size.groups;
	e->ip = type == VS_GET ? IP_GET : IP_PUT;
	e->refs = 100;
	l->e.stack[0] = e->ip;
	vs_refs__feed(l->r, e, NULL);
}

static void fill(struct load *l)
{
	double before;

	for (uint32_t i = 0; i < l->size.groups; i++)
		feed(l, VS_CREATE, i);
	before = heap();
	for (uint32_t i = 0; i < l->size.refs; i++)
		feed(l, VS_GET, i);
	l->memory = heap() - before;
}

/* Some reference is put, and taken again: the number stays. */
static double turn_over(struct load *l)
{
	double start = cpu_seconds();
	uint32_t i = 0;

	for (uint32_t n = 0; n < ROUNDS; n++) {
		i = (i + 48271) % l->size.refs;
		feed(l, VS_PUT, i);
		feed(l, VS_GET, i);
	}
	vs_refs__tick(l->r, l->e.e.time_ns);
	return EVENTS / (cpu_seconds() - start);
}

static void shuffle(uint32_t *order, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		order[i] = (uint32_t)i;
	srandom(1);
	for (size_t i = nr - 1; i; i--) {
		size_t other = (size_t)random() % i;
		uint32_t kept = order[i];

		order[i] = order[other];
		order[other] = kept;
	}
}

/* One ring through all lines of some memory, in no order: each read waits for the last. */
static char **scattered(void)
{
	uint32_t *order = malloc(LINES * sizeof(*order));
	char *lines = malloc(LINES * LINE);

	if (!order || !lines)
		exit(1);
	shuffle(order, LINES);
	for (size_t i = 0; i < LINES; i++)
		*(char **)(lines + order[i] * LINE) = lines + order[(i + 1) % LINES] * LINE;
	free(order);
	return (char **)lines;
}

static double read_ns(void)
{
	static char **at;
	double start;

	at = at ? at : scattered();
	start = cpu_seconds();
	for (uint32_t i = 0; i < LINES; i++)
		at = (char **)*(char *volatile *)at;
	return (cpu_seconds() - start) * 1e9 / LINES;
}

static void must_be(bool true_, const char *what)
{
	if (true_)
		return;
	printf("not ok - %s\n", what);
	exit(1);
}

static void must_agree(const struct load *l)
{
	struct vs_refs_totals t;

	vs_refs__totals(l->r, &t);
	must_be(t.live == l->size.refs + l->size.groups, "live references");
	must_be(!t.unattributed && !t.waiting && !t.refused_refs && !t.evicted_groups,
		"all puts matched, room for all");
}

static double measure(struct size size)
{
	struct vs_sites *sites = vs_sites__new(resolve, NULL);
	struct load l = { .size = size, .e.nr_stack = 3 };
	double best = 0;

	l.r = vs_refs__new(&(struct vs_refs_opts){
		.max_refs = 2 * size.refs, .max_groups = 2 * size.groups, .sites = sites,
	});
	must_be(l.r, "memory");
	l.e.e = (struct vs_event){
		.size = sizeof(l.e), .version = VS_ABI_VERSION, .time_ns = 1000000000,
		.flags = VS_F_REFS, .comm = "qemu",
	};
	l.e.stack[1] = 0x1000;
	l.e.stack[2] = 0x2000;
	fill(&l);
	for (int run = 0; run < RUNS; run++) {
		double rate = turn_over(&l);

		best = rate > best ? rate : best;
	}
	must_agree(&l);
	printf("# %5u groups, %6u references: %.1f M events/s, %.0f bytes per reference\n",
	       size.groups, size.refs, best * 1e-6, l.memory / size.refs);
	must_be(l.memory / size.refs <= BYTES, "at most 256 bytes for each reference");
	vs_refs__free(l.r);
	vs_sites__free(sites);
	return best;
}

static bool is_fast(struct size size)
{
	double reads = read_ns(), rate = measure(size);

	reads = (reads + read_ns()) / 2;
	printf("# a random read takes %.0f ns, an event %.1f of them\n", reads,
	       1e9 / rate / reads);
	return rate > FLOOR;
}

static bool keeps_pace(struct size small, struct size big)
{
	double rate = measure(small);

	return measure(big) * 3 > rate;
}

int main(void)
{
	/* Few fit a processor's cache, which is a step of its own: the others are compared. */
	const struct size few = { 409, 10000 }, dense = { 40, 10000 };
	const struct size many = { 4096, 100000 }, more = { 40960, 1000000 };
	bool fast = false, steady = false, even = false;

	for (int i = 0; i < TRIES && !even; i++)
		even = keeps_pace(few, dense);
	for (int i = 0; i < TRIES && !fast; i++)
		fast = is_fast(many);
	for (int i = 0; i < TRIES && !steady; i++)
		steady = keeps_pace(many, more);
	printf("1..3\n%sok 1 - 100000 references in 4096 groups: more than 2 M events/s\n", fast ? "" : "not ");
	printf("%sok 2 - ten times the size: at most three times as slow\n", steady ? "" : "not ");
	printf("%sok 3 - ten times as many in a group: at most three times as slow\n",
	       even ? "" : "not ");
	return !(fast && steady && even);
}

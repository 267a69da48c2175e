// SPDX-License-Identifier: GPL-2.0
/*
 * What attached programs add to a work, on a machine that is never quiet: all of them are
 * loaded once, and each is attached for some 10 ms in turn, between two moments with
 * nothing attached that it is compared with. The programs are those of vfioscope itself, by the
 * functions that it uses, and empty ones.
 * usage: host ROUNDS [NAME...]
 * prints: name, ns per work, ns more than nothing, percent, all medians
 */
#include <errno.h>

#include "bench/empty.skel.h"
#include "bpf/config.h"
#include "latency/loader.h"
#include "latency/targets.h"
#include "load.h"

#define WORKS 1500	/* some 10 ms */
#define MAX_ROUNDS 2000

/* One way of looking at works: its programs, attached or not. */
struct way {
	const char *name;
	int (*attach)(struct way *way, bool on);
	struct vs_lat_opts opts;
	bool watch;		/* blame attached */
	unsigned int empty;	/* so many empty programs */
	unsigned int one_of;	/* attached for one of so many moments; 0: for all */
	struct vs_lat *lat;
	double cpu[MAX_ROUNDS], more[MAX_ROUNDS], ratio[MAX_ROUNDS];
};

static struct empty_bpf *empty;
static struct bpf_link *links[8];

static void drop(void *ctx, const struct vs_lat_event *e)
{
	(void)ctx;
	(void)e;
}

static int attach_lat(struct way *way, bool on)
{
	int err = vs_lat__follow(way->lat, on);

	if (!err && way->watch)
		err = vs_lat__watch(way->lat, on);
	vs_lat__drain(way->lat);
	return err;
}

static int attach_empty(struct way *way, bool on)
{
	struct bpf_program *progs[] = { empty->progs.empty_queue, empty->progs.empty_start,
					empty->progs.empty_end, empty->progs.empty_activate,
					empty->progs.empty_switch };

	for (unsigned int i = 0; i < way->empty; i++) {
		if (!on)
			bpf_link__destroy(links[i]);
		links[i] = on ? bpf_program__attach(progs[i]) : NULL;
		if (on && !links[i])
			return -errno;
	}
	return 0;
}

static int attach_nothing(struct way *way, bool on)
{
	(void)way;
	(void)on;
	return 0;
}

#define RARE "vmstat_shepherd"	/* exists, and is hardly ever queued */

static struct way ways[] = {
	{ .name = "nothing", .attach = attach_nothing },
	{ .name = "empty-1", .attach = attach_empty, .empty = 1 },
	{ .name = "empty-3", .attach = attach_empty, .empty = 3 },
	{ .name = "empty-5", .attach = attach_empty, .empty = 5 },
	{ .name = "one-off", .attach = attach_lat },
	{ .name = "one-full", .attach = attach_lat, .opts.blame = VS_LAT_BLAME_FULL,
	  .watch = true },
	{ .name = "all", .attach = attach_lat, .opts.all = true },
	{ .name = "all-sample-5", .attach = attach_lat, .opts.all = true, .one_of = 5 },
	{ .name = "all-full", .attach = attach_lat, .opts.all = true,
	  .opts.blame = VS_LAT_BLAME_FULL, .watch = true },
};

#define NR_WAYS (sizeof(ways) / sizeof(ways[0]))

static int load(struct way *way)
{
	uint64_t targets[VS_LAT_TARGETS] = {};
	struct vs_targets names = {};
	FILE *file = fopen("/proc/kallsyms", "re");
	char error[200];

	way->opts.record = drop;
	way->lat = vs_lat__new(&way->opts, error, sizeof(error));
	if (!file || !way->lat || vs_targets__add(&names, RARE) ||
	    vs_targets__resolve(&names, file))
		return -1;
	fclose(file);
	memcpy(targets, names.addrs, sizeof(targets));
	vs_lat__set_targets(way->lat, targets, 0, VS_NO_OFFSET);
	vs_lat__ready(way->lat, true);
	return 0;
}

static int load_all(void)
{
	empty = empty_bpf__open_and_load();
	for (size_t i = 0; i < NR_WAYS; i++)
		if (ways[i].attach == attach_lat && load(&ways[i]))
			return -1;
	return empty ? 0 : -1;
}

static bool is_wanted(const struct way *way, char **names)
{
	bool wanted = !*names;

	while (*names)
		wanted |= !strcmp(way->name, *names++);
	return wanted;
}

static int measure(int master, int slave, double *cpu)
{
	double wall;

	/* The first works after a change meet cold code. */
	return queue_works(master, slave, 50) || batch(master, slave, WORKS, &wall, cpu) ? -1 : 0;
}

/* Attached for one of `one_of` moments, detached for the rest. */
static int measure_with(struct way *way, int master, int slave, double *cpu)
{
	unsigned int moments = way->one_of ? way->one_of : 1;
	double sum = 0, one;

	if (way->attach(way, true))
		return -1;
	for (unsigned int i = 0; i < moments; i++) {
		if (measure(master, slave, &one) || (i == 0 && way->attach(way, false)))
			return -1;
		sum += one;
	}
	*cpu = sum / moments;
	return 0;
}

static int measure_way(struct way *way, int master, int slave, size_t round)
{
	double before, with, after;

	if (measure(master, slave, &before) || measure_with(way, master, slave, &with) ||
	    measure(master, slave, &after))
		return -1;
	way->cpu[round] = with;
	way->more[round] = with - (before + after) / 2;
	way->ratio[round] = 100 * way->more[round] / ((before + after) / 2);
	return 0;
}

int main(int argc, char **argv)
{
	size_t rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 100;
	char **names = argc > 2 ? argv + 2 : argv + argc;
	int master, slave = open_pty(&master);

	if (slave < 0 || !rounds || rounds > MAX_ROUNDS || load_all() || keep_awake()) {
		fprintf(stderr, "host: cannot load the programs\n");
		return 1;
	}
	for (size_t round = 0; round < rounds; round++)
		for (size_t i = 0; i < NR_WAYS; i++)
			if (is_wanted(&ways[i], names) &&
			    measure_way(&ways[i], master, slave, round))
				return 1;
	for (size_t i = 0; i < NR_WAYS; i++)
		if (is_wanted(&ways[i], names))
			printf("%s %.0f %.0f %.2f\n", ways[i].name, median(ways[i].cpu, rounds),
			       median(ways[i].more, rounds), median(ways[i].ratio, rounds));
	return 0;
}

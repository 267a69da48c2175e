// SPDX-License-Identifier: GPL-2.0
/* Reads what the programs have counted, and what they cost. */
#include <string.h>
#include <errno.h>
#include <stdlib.h>

#include "latency/loader_priv.h"
#include "probe/missed.h"

uint64_t vs_lat__missed_now(struct vs_lat *lat, int *err)
{
	struct bpf_program *prog;
	uint64_t missed = 0;

	*err = 0;
	bpf_object__for_each_program(prog, lat->skel->obj)
		if (!*err && bpf_program__fd(prog) >= 0)
			*err = vs_missed__program(bpf_program__fd(prog), &missed);
	return missed;
}

void vs_lat__totals(struct vs_lat *lat, struct vs_lat_totals *sum)
{
	struct vs_lat_totals *cpus = calloc(lat->nr_cpus, sizeof(*cpus));
	uint32_t zero = 0;

	*sum = (struct vs_lat_totals){};
	if (!cpus || bpf_map_lookup_elem(bpf_map__fd(lat->skel->maps.totals), &zero, cpus)) {
		free(cpus);
		return;
	}
	for (unsigned int i = 0; i < lat->nr_cpus; i++) {
		sum->queued += cpus[i].queued;
		sum->started += cpus[i].started;
		sum->ended += cpus[i].ended;
		sum->unknown_start += cpus[i].unknown_start;
		sum->cancelled += cpus[i].cancelled;
		sum->peak = cpus[i].peak > sum->peak ? cpus[i].peak : sum->peak;
	}
	sum->cancelled += lat->cancelled;
	free(cpus);
}

uint64_t vs_lat__loss(const struct vs_lat *lat, enum vs_lat_loss cause)
{
	return __atomic_load_n(&lat->skel->bss->losses[cause], __ATOMIC_RELAXED);
}

int vs_lat__missed(struct vs_lat *lat, uint64_t *missed)
{
	int err;

	*missed = vs_lat__missed_now(lat, &err) - lat->missed_before;
	return err;
}

int64_t vs_lat__waiting(struct vs_lat *lat)
{
	struct vs_lat_totals t;

	if (vs_lat__is_lean(lat)) {
		vs_lat__totals(lat, &t);
		return vs_lat__now_waiting(&t) - lat->cut_waiting;
	}
	return __atomic_load_n(&lat->skel->bss->waiting, __ATOMIC_RELAXED);
}

int vs_lat__rows(struct vs_lat *lat,
		 void (*each)(void *ctx, const struct vs_lat_key *key,
			      const struct vs_lat_row *cpus, unsigned int nr_cpus), void *ctx)
{
	int numbers = bpf_map__fd(lat->skel->maps.row_numbers);
	int rows = bpf_map__fd(lat->skel->maps.rows);
	struct vs_lat_row *cpus = calloc(lat->nr_cpus, sizeof(*cpus));
	struct vs_lat_key key, *from = NULL;
	uint32_t number;

	while (cpus && !bpf_map_get_next_key(numbers, from, &key)) {
		from = &key;
		if (!bpf_map_lookup_elem(numbers, &key, &number) &&
		    !bpf_map_lookup_elem(rows, &number, cpus))
			each(ctx, &key, cpus, lat->nr_cpus);
	}
	free(cpus);
	return cpus ? 0 : -ENOMEM;
}

void vs_lat__groups(struct vs_lat *lat,
		    void (*each)(void *ctx, uint64_t group, const struct vs_lat_group *g),
		    void *ctx)
{
	int fd = bpf_map__fd(lat->skel->maps.groups);
	uint64_t group, *from = NULL;
	struct vs_lat_group value;

	while (!bpf_map_get_next_key(fd, from, &group)) {
		from = &group;
		if (!bpf_map_lookup_elem(fd, &group, &value))
			each(ctx, group, &value);
	}
}

/* -- cost -- */

int vs_lat__measure(struct vs_lat *lat)
{
	lat->stats_fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	return lat->stats_fd < 0 ? -errno : 0;
}

/*
 * Returns true for a program that only this process makes run: those of the heartbeat and of its
 * switch (bpf/pulse_programs.h), and those that answer a question (raw tracepoints, by
 * BPF_PROG_TEST_RUN).
 */
static bool is_own(const struct bpf_program *prog)
{
	const char *name = bpf_program__name(prog);

	return !strncmp(name, "beat_", 5) || !strncmp(name, "switch_", 7) ||
	       bpf_program__type(prog) == BPF_PROG_TYPE_RAW_TRACEPOINT;
}

static void add_program(struct vs_lat_cost *cost, const struct bpf_program *prog)
{
	struct bpf_prog_info info = {};
	uint32_t len = sizeof(info);

	if (bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len))
		return;
	cost->runs += info.run_cnt;
	if (is_own(prog))
		cost->own_runs += info.run_cnt;
	cost->run_ns += info.run_time_ns;
}

/* Returns the size of a map's entries; a map with values per CPU has one for each CPU. */
static size_t map_bytes(const struct bpf_map *map, unsigned int nr_cpus)
{
	size_t value = bpf_map__value_size(map);

	if (bpf_map__type(map) == BPF_MAP_TYPE_PERCPU_ARRAY)
		value *= nr_cpus;
	return (bpf_map__key_size(map) + value) * bpf_map__max_entries(map);
}

void vs_lat__cost(struct vs_lat *lat, struct vs_lat_cost *cost)
{
	struct bpf_program *prog;
	struct bpf_map *map;

	*cost = (struct vs_lat_cost){ .measured = lat->stats_fd >= 0 };
	bpf_object__for_each_program(prog, lat->skel->obj)
		if (bpf_program__fd(prog) >= 0)
			add_program(cost, prog);
	cost->programs = lat->modules.nr + lat->tracepoints.nr + lat->queue.nr + lat->blame.nr;
	bpf_object__for_each_map(map, lat->skel->obj)
		cost->map_bytes += map_bytes(map, lat->nr_cpus);
	cost->map_bytes += vs_rings__bytes_each(lat->rings) * vs_rings__nr(lat->rings);
}

// SPDX-License-Identifier: GPL-2.0
/* Reads what the programs have counted, and what they cost. */
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

/* As is_lean() of the programs. */
static bool is_lean(const struct vs_lat *lat)
{
	return lat->opts.all && !lat->opts.blame && !lat->opts.events;
}

int64_t vs_lat__waiting(struct vs_lat *lat)
{
	struct vs_lat_totals t;

	if (is_lean(lat)) {
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

static void fill_lean(struct vs_lat_work *work)
{
	for (int i = 0; i < 2; i++) {
		work->q[i].queue_ns = work->queue_ns[i];
		work->q[i].pool = work->pool[i];
		work->q[i].pool_cpu = work->q[i].number = -1;
	}
}

/* A work is read while programs change it: what does not hold together is passed over. */
static void each_queued(const struct vs_lat_work *work, bool lean,
			void (*queued)(void *ctx, const struct vs_lat_work *work,
				       const struct vs_lat_queued *q), void *ctx)
{
	struct vs_lat_work copy;

	if (work->head == work->tail)
		return;
	copy = *work;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (lean)
		fill_lean(&copy);
	if (copy.work && copy.head != copy.tail && copy.head == work->head &&
	    copy.tail == work->tail)
		queued(ctx, &copy, &copy.q[(copy.head - 1) & 1]);
}

static void each_running(const struct vs_lat_run *run,
			 void (*running)(void *ctx, const struct vs_lat_run *run), void *ctx)
{
	struct vs_lat_run copy;

	if (!run->work)
		return;
	copy = *run;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (copy.work && copy.work == run->work && copy.start_ns == run->start_ns)
		running(ctx, &copy);
}

void vs_lat__works(struct vs_lat *lat,
		   void (*queued)(void *ctx, const struct vs_lat_work *work,
				  const struct vs_lat_queued *q),
		   void (*running)(void *ctx, const struct vs_lat_run *run), void *ctx)
{
	for (uint32_t i = 0; i < lat->opts.max_works / VS_LAT_WAYS; i++)
		for (uint32_t way = 0; way < VS_LAT_WAYS; way++)
			each_queued(&lat->works[i].way[way], is_lean(lat), queued, ctx);
	for (uint32_t i = 0; i < VS_LAT_RUNNING; i++)
		each_running(&lat->running[i], running, ctx);
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

static void add_program(struct vs_lat_cost *cost, int fd)
{
	struct bpf_prog_info info = {};
	uint32_t len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return;
	cost->runs += info.run_cnt;
	cost->run_ns += info.run_time_ns;
}

/* What a map takes; with values for each CPU, that many times. */
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
			add_program(cost, bpf_program__fd(prog));
	cost->programs = lat->modules.nr + lat->tracepoints.nr + lat->queue.nr + lat->blame.nr;
	bpf_object__for_each_map(map, lat->skel->obj)
		cost->map_bytes += map_bytes(map, lat->nr_cpus);
	cost->map_bytes += vs_rings__bytes_each(lat->rings) * vs_rings__nr(lat->rings);
}

// SPDX-License-Identifier: GPL-2.0
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host.h"
#include "latency/loader.h"
#include "latency_bpf.skel.h"
#include "probe/btf_file.h"
#include "probe/merge.h"
#include "probe/missed.h"
#include "probe/rings.h"
#include "probe/libbpf_setup.h"

#define DEFAULT_ROWS 256
#define DEFAULT_WORKS 16384
#define DEFAULT_RING_BYTES (1 << 20)
#define REORDER_NS 2000000ull
#define MAX_PROGRAMS 16

#define NEEDS_PRIVILEGES "privileges are missing: run as root, or with CAP_BPF, CAP_PERFMON " \
			 "and CAP_SYSLOG"

struct vs_lat {
	struct vs_lat_opts opts;
	struct latency_bpf *skel;
	struct vs_rings *rings;
	struct ring_buffer *ring;
	struct vs_merge *merge;
	struct bpf_link *links[MAX_PROGRAMS];
	size_t nr_links;
	unsigned int nr_cpus;
	struct vs_lat_set *works;	/* mapped */
	struct vs_lat_run *running;
	struct vs_lat_cpu_log *logs;
	uint64_t missed_before;
	int stats_fd;
	bool unordered;		/* out of memory: a record could not be kept */
	bool urgent;		/* a record that does not wait for its order */
};

/* -- loading -- */

/* Which programs a run needs; a kernel without modules has no such tracepoints. */
static void choose_programs(struct vs_lat *lat)
{
	const struct vs_lat_opts *opts = &lat->opts;

	bpf_program__set_autoload(lat->skel->progs.task_switch, opts->blame);
	bpf_program__set_autoload(lat->skel->progs.module_load, opts->modules);
	bpf_program__set_autoload(lat->skel->progs.module_free, opts->modules);
	bpf_program__set_autoload(lat->skel->progs.get_site, opts->chain);
	bpf_program__set_autoload(lat->skel->progs.put_site, opts->chain);
	bpf_program__set_autoload(lat->skel->progs.group_release, opts->chain);
}

static unsigned int log2_of(uint32_t n)
{
	return 31 - __builtin_clz(n);
}

static int set_sizes(struct vs_lat *lat)
{
	struct latency_bpf *skel = lat->skel;
	uint32_t sets = lat->opts.max_works / VS_LAT_WAYS;

	skel->rodata->all_works = lat->opts.all;
	skel->rodata->many_targets = lat->opts.many_targets;
	skel->rodata->want_blame = lat->opts.blame;
	skel->rodata->want_events = lat->opts.events;
	skel->rodata->set_bits = log2_of(sets);
	skel->bss->cfg.overdue_ns = lat->opts.overdue_ns;
	bpf_map__set_max_entries(skel->maps.works, sets);
	bpf_map__set_max_entries(skel->maps.logs, lat->opts.blame ? lat->nr_cpus : 1);
	bpf_map__set_max_entries(skel->maps.rows, lat->opts.max_rows);
	bpf_map__set_max_entries(skel->maps.row_numbers, lat->opts.max_rows);
	bpf_map__set_max_entries(skel->maps.free_rows, lat->opts.max_rows);
	return vs_rings__use(lat->rings, skel->maps.rings);
}

static int fill_free_rows(struct vs_lat *lat)
{
	int fd = bpf_map__fd(lat->skel->maps.free_rows), err = 0;

	for (uint32_t i = 0; i < lat->opts.max_rows && !err; i++)
		err = bpf_map_update_elem(fd, NULL, &i, BPF_ANY);
	return err;
}

static size_t map_size(const struct bpf_map *map)
{
	size_t page = sysconf(_SC_PAGESIZE);
	size_t bytes = (size_t)bpf_map__value_size(map) * bpf_map__max_entries(map);

	return (bytes + page - 1) / page * page;
}

/* Read only: the programs are the only ones that write. */
static void *map_memory(struct bpf_map *map, int *err)
{
	void *memory = *err ? NULL : mmap(NULL, map_size(map), PROT_READ, MAP_SHARED,
					  bpf_map__fd(map), 0);

	if (memory == MAP_FAILED) {
		*err = -errno;
		return NULL;
	}
	return memory;
}

static int take_record(void *ctx, void *data, size_t len)
{
	const struct vs_lat_event *e = data;
	struct vs_lat *lat = ctx;

	/* No order matters to it, but the logs that explain it are being written over. */
	if (e->type == VS_LAT_SLOW)
		lat->opts.record(lat->opts.ctx, e);
	else if (vs_merge__add(lat->merge, data, len))
		lat->unordered = true;
	lat->urgent |= e->type == VS_LAT_MODULE_LOAD;
	return 0;
}

static int open_ends(struct vs_lat *lat)
{
	int err = fill_free_rows(lat);

	lat->works = map_memory(lat->skel->maps.works, &err);
	lat->running = map_memory(lat->skel->maps.running, &err);
	lat->logs = map_memory(lat->skel->maps.logs, &err);
	lat->merge = vs_merge__new();
	lat->ring = vs_rings__reader(lat->rings, take_record, lat);
	if (!err && (!lat->merge || !lat->ring))
		err = -ENOMEM;
	return err;
}

static int refuse(char *error, size_t size, int err, const char *words)
{
	snprintf(error, size, "%s", words);
	return -err;
}

static int fail(char *error, size_t size, int err, const char *words)
{
	snprintf(error, size, "%s: %s", words, strerror(err));
	return -err;
}

static int load_programs(struct vs_lat *lat, char *error, size_t size)
{
	struct bpf_object_open_opts opts;
	int err;

	lat->rings = vs_rings__new(lat->opts.ring_bytes);
	if (!lat->rings && errno == EPERM)
		return refuse(error, size, EPERM, NEEDS_PRIVILEGES);
	if (!lat->rings)
		return fail(error, size, errno, "cannot make the ring buffers");
	vs_btf_file__open_opts(&opts);
	lat->skel = latency_bpf__open_opts(&opts);
	if (!lat->skel)
		return fail(error, size, errno, "cannot open the built-in BPF object");
	choose_programs(lat);
	err = set_sizes(lat);
	if (!err)
		err = latency_bpf__load(lat->skel);
	if (err == -ESRCH || err == -ENOENT)
		return refuse(error, size, ENOTSUP, "this kernel has no BTF, or no workqueue "
			      "tracepoints in it");
	if (err == -EPERM)
		return refuse(error, size, ENOTSUP,
			      "this kernel forbids BPF programs of these types, to root too");
	if (!err)
		err = open_ends(lat);
	return err ? fail(error, size, -err, "the kernel does not take the BPF programs") : 0;
}

static void set_defaults(struct vs_lat_opts *opts)
{
	if (!opts->ring_bytes)
		opts->ring_bytes = DEFAULT_RING_BYTES;
	if (!opts->max_rows)
		opts->max_rows = DEFAULT_ROWS;
	if (!opts->max_works)
		opts->max_works = DEFAULT_WORKS;
}

struct vs_lat *vs_lat__new(const struct vs_lat_opts *opts, char *error, size_t size)
{
	struct vs_lat *lat = calloc(1, sizeof(*lat));
	int err;

	if (!lat) {
		fail(error, size, ENOMEM, "cannot start");
		return NULL;
	}
	vs_libbpf__quiet(opts->debug);
	lat->opts = *opts;
	set_defaults(&lat->opts);
	lat->stats_fd = -1;
	lat->nr_cpus = libbpf_num_possible_cpus();
	vs_libbpf__raise_memlock();
	err = load_programs(lat, error, size);
	if (!err)
		return lat;
	vs_lat__free(lat);
	errno = -err;
	return NULL;
}

static void unmap(const void *memory, const struct bpf_map *map)
{
	if (memory)
		munmap((void *)memory, map_size(map));
}

void vs_lat__free(struct vs_lat *lat)
{
	if (!lat)
		return;
	for (size_t i = 0; i < lat->nr_links; i++)
		bpf_link__destroy(lat->links[i]);
	if (lat->skel) {
		unmap(lat->works, lat->skel->maps.works);
		unmap(lat->running, lat->skel->maps.running);
		unmap(lat->logs, lat->skel->maps.logs);
	}
	if (lat->stats_fd >= 0)
		close(lat->stats_fd);
	ring_buffer__free(lat->ring);
	vs_rings__free(lat->rings);
	vs_merge__free(lat->merge);
	latency_bpf__destroy(lat->skel);
	free(lat);
}

/* -- attaching -- */

static bool is_kprobe(const struct bpf_program *prog)
{
	return bpf_program__type(prog) == BPF_PROG_TYPE_KPROBE;
}

int vs_lat__attach(struct vs_lat *lat)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, lat->skel->obj) {
		if (bpf_program__fd(prog) < 0 || is_kprobe(prog))
			continue;
		if (lat->nr_links == MAX_PROGRAMS)
			return -E2BIG;
		lat->links[lat->nr_links] = bpf_program__attach(prog);
		if (!lat->links[lat->nr_links])
			return -errno;
		lat->nr_links++;
	}
	return 0;
}

static uint64_t missed_now(struct vs_lat *lat, int *err)
{
	struct bpf_program *prog;
	uint64_t missed = 0;

	*err = 0;
	bpf_object__for_each_program(prog, lat->skel->obj)
		if (!*err && bpf_program__fd(prog) >= 0)
			*err = vs_missed__program(bpf_program__fd(prog), &missed);
	return missed;
}

void vs_lat__ready(struct vs_lat *lat, bool ready)
{
	int err;

	if (ready)
		lat->missed_before = missed_now(lat, &err);
	__atomic_store_n(&lat->skel->bss->cfg.ready, ready, __ATOMIC_RELEASE);
}

void vs_lat__set_targets(struct vs_lat *lat, const uint64_t targets[VS_LAT_TARGETS],
			 uint64_t deferred, int32_t group_iommu_group)
{
	struct vs_lat_config *cfg = &lat->skel->bss->cfg;

	cfg->group_iommu_group = group_iommu_group;
	cfg->deferred_func = deferred;
	memcpy(cfg->targets, targets, sizeof(cfg->targets));
}

struct bpf_object *vs_lat__object(struct vs_lat *lat)
{
	return lat->skel->obj;
}

struct bpf_map *vs_lat__sites(struct vs_lat *lat)
{
	return lat->skel->maps.sites;
}

/* -- records -- */

static void hand_over(void *ctx, const void *record, size_t len)
{
	struct vs_lat *lat = ctx;

	if (len >= sizeof(struct vs_lat_event))
		lat->opts.record(lat->opts.ctx, record);
}

int vs_lat__poll(struct vs_lat *lat, int timeout_ms)
{
	int woken = ring_buffer__poll(lat->ring, timeout_ms);
	uint64_t now = vs_host__mono_ns();
	int more = woken < 0 ? woken : ring_buffer__consume(lat->ring);

	if (more < 0)
		return more;
	vs_merge__drain(lat->merge, lat->urgent ? UINT64_MAX : now - REORDER_NS, hand_over, lat);
	lat->urgent = false;
	return lat->unordered ? -ENOMEM : woken + more;
}

void vs_lat__drain(struct vs_lat *lat)
{
	ring_buffer__consume(lat->ring);
	vs_merge__drain(lat->merge, UINT64_MAX, hand_over, lat);
}

unsigned int vs_lat__nr_cpus(const struct vs_lat *lat)
{
	return lat->nr_cpus;
}

/* Logs of all CPUs, as far as they are about that time, one behind the other. */
static void cut_logs(struct vs_lat *lat, const struct vs_lat_event *e, struct vs_cpu_log *logs,
		     struct vs_lat_log *entries)
{
	for (unsigned int cpu = 0; cpu < lat->nr_cpus; cpu++) {
		logs[cpu].entries = entries + (size_t)cpu * VS_LAT_LOG;
		logs[cpu].nr = vs_blame__slice(&lat->logs[cpu], e->q.queue_ns, e->start_ns,
					       entries + (size_t)cpu * VS_LAT_LOG,
					       &logs[cpu].cut);
	}
}

void vs_lat__explain(struct vs_lat *lat, const struct vs_lat_event *e, struct vs_blame *blame)
{
	struct vs_cpu_log *logs = calloc(lat->nr_cpus, sizeof(*logs));
	struct vs_lat_log *entries = malloc((size_t)lat->nr_cpus * VS_LAT_LOG * sizeof(*entries));

	if (logs && entries && lat->opts.blame)
		cut_logs(lat, e, logs, entries);
	vs_blame__explain(blame, e, logs, logs && entries ? lat->nr_cpus : 0);
	free(entries);
	free(logs);
}

/* -- numbers -- */

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

	*missed = missed_now(lat, &err) - lat->missed_before;
	return err;
}

int64_t vs_lat__waiting(const struct vs_lat *lat)
{
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

/* A work is read while programs change it: what does not hold together is passed over. */
static void each_queued(const struct vs_lat_work *work,
			void (*queued)(void *ctx, const struct vs_lat_work *work,
				       const struct vs_lat_queued *q), void *ctx)
{
	struct vs_lat_work copy;

	if (work->head == work->tail)
		return;
	copy = *work;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
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
			each_queued(&lat->works[i].way[way], queued, ctx);
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
	cost->programs++;
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
	bpf_object__for_each_map(map, lat->skel->obj)
		cost->map_bytes += map_bytes(map, lat->nr_cpus);
	cost->map_bytes += vs_rings__bytes_each(lat->rings) * vs_rings__nr(lat->rings);
}

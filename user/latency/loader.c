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

#include "base/host.h"
#include "kernel/btf_file.h"
#include "kernel/libbpf_setup.h"
#include "latency/loader_priv.h"
#include "probe/facts.h"
#include "probe/merge.h"
#include "probe/rings.h"

#define DEFAULT_ROWS 256
#define DEFAULT_WORKS 16384
#define DEFAULT_RING_BYTES (1 << 20)
#define REORDER_NS 2000000ull

#define NEEDS_PRIVILEGES "privileges are missing: run as root, or with CAP_BPF, CAP_PERFMON " \
			 "and CAP_SYSLOG"

/* -- loading -- */

const char *vs_lat_blame__name(enum vs_lat_blame blame)
{
	static const char *const names[] = {
		[VS_LAT_BLAME_OFF] = "off",
		[VS_LAT_BLAME_LATE] = "late",
		[VS_LAT_BLAME_FULL] = "full",
	};

	return names[blame];
}

/* Chooses the programs that a run needs; a kernel without modules has no tracepoints for them. */
static void choose_programs(struct vs_lat *lat)
{
	const struct vs_lat_opts *opts = &lat->opts;

	bpf_program__set_autoload(lat->skel->progs.task_switch, opts->blame);
	bpf_program__set_autoload(lat->skel->progs.work_activate, opts->blame);
	bpf_program__set_autoload(lat->skel->progs.log_start, opts->blame && opts->chain);
	bpf_program__set_autoload(lat->skel->progs.log_end, opts->blame && opts->chain);
	bpf_program__set_autoload(lat->skel->progs.module_load, opts->modules);
	bpf_program__set_autoload(lat->skel->progs.module_free, opts->modules);
	bpf_program__set_autoload(lat->skel->progs.work_ask, !opts->chain);
	bpf_program__set_autoload(lat->skel->progs.kprobe_missed, opts->chain);
	bpf_program__set_autoload(lat->skel->progs.put_queue, opts->chain);
	bpf_program__set_autoload(lat->skel->progs.put_queued, opts->chain);
	bpf_program__set_autoload(lat->skel->progs.put_start, opts->chain);
	bpf_program__set_autoload(lat->skel->progs.put_end, opts->chain);
	bpf_program__set_autoload(lat->skel->progs.group_born, opts->births);
	bpf_program__set_autoload(lat->skel->progs.get_site, opts->chain);
	bpf_program__set_autoload(lat->skel->progs.put_site, opts->chain);
	bpf_program__set_autoload(lat->skel->progs.group_release, opts->chain);
	vs_pulse__choose(lat->pulse, lat->skel->obj);
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
	skel->rodata->want_blame = lat->opts.blame != VS_LAT_BLAME_OFF;
	skel->rodata->want_samples = lat->opts.samples;
	skel->rodata->want_wakeups = lat->opts.blame == VS_LAT_BLAME_LATE;
	skel->rodata->want_events = lat->opts.events;
	skel->rodata->set_bits = log2_of(sets);
	skel->bss->cfg.overdue_ns = lat->opts.overdue_ns;
	bpf_map__set_max_entries(skel->maps.works, sets);
	bpf_map__set_max_entries(skel->maps.running, VS_LAT_RUNNING + lat->nr_cpus);
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

static void *map_memory(struct bpf_map *map, int prot, int *err)
{
	void *memory = *err ? NULL : mmap(NULL, map_size(map), prot, MAP_SHARED,
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

	/* Its order does not matter, but the logs that explain it are being overwritten. */
	if (e->type == VS_LAT_SLOW)
		lat->opts.record(lat->opts.ctx, e);
	else if (vs_merge__add(lat->merge, ((const struct vs_lat_event *)data)->time_ns, data, len))
		lat->unordered = true;
	lat->urgent |= e->type == VS_LAT_MODULE_LOAD;
	return 0;
}

static int open_ends(struct vs_lat *lat)
{
	int err = fill_free_rows(lat);

	lat->works = map_memory(lat->skel->maps.works, PROT_READ | PROT_WRITE, &err);
	lat->running = map_memory(lat->skel->maps.running, PROT_READ | PROT_WRITE, &err);
	lat->logs = map_memory(lat->skel->maps.logs, PROT_READ, &err);
	lat->doubts = calloc(lat->opts.max_works, sizeof(*lat->doubts));
	lat->merge = vs_merge__new();
	lat->ring = vs_rings__reader(lat->rings, take_record, lat);
	if (!err && (!lat->doubts || !lat->merge || !lat->ring))
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

	if (vs_facts__ring_may_sleep_here(""))
		return refuse(error, size, ENOTSUP, VS_RING_MAY_SLEEP);
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
	lat->watched_ns = UINT64_MAX;
	lat->nr_cpus = libbpf_num_possible_cpus();
	vs_libbpf__raise_limits();
	lat->pulse = vs_pulse__new(opts->pulse);
	err = lat->pulse ? load_programs(lat, error, size) :
			   fail(error, size, ENOMEM, "cannot start");
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
	vs_lat__detach_all(lat);
	vs_pulse__free(lat->pulse);
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
	free(lat->doubts);
	free(lat);
}

/* -- attaching -- */

void vs_lat__ready(struct vs_lat *lat, bool ready)
{
	int err;

	if (ready)
		lat->missed_before = vs_lat__missed_now(lat, &err);
	__atomic_store_n(&lat->skel->bss->cfg.ready, ready, __ATOMIC_RELEASE);
}

static void forget_groups(struct bpf_map *map)
{
	uint64_t group;

	while (!bpf_map_get_next_key(bpf_map__fd(map), NULL, &group) &&
	       !bpf_map_delete_elem(bpf_map__fd(map), &group))
		;
}

void vs_lat__ready_again(struct vs_lat *lat)
{
	vs_lat__forget_works(lat);
	forget_groups(lat->skel->maps.groups);
	__atomic_store_n(&lat->skel->bss->cfg.ready, true, __ATOMIC_RELEASE);
	if (vs_pulse__was_touched(lat->pulse))
		__atomic_store_n(&lat->skel->bss->cfg.ready, false, __ATOMIC_RELEASE);
}

void vs_lat__set_targets(struct vs_lat *lat, const uint64_t targets[VS_LAT_TARGETS],
			 uint64_t deferred, int32_t group_iommu_group)
{
	struct vs_lat_config *cfg = &lat->skel->bss->cfg;

	cfg->group_iommu_group = group_iommu_group;
	cfg->deferred_func = deferred;
	memcpy(cfg->targets, targets, sizeof(cfg->targets));
}

uint32_t vs_lat__births(const struct vs_lat *lat)
{
	return __atomic_load_n(&lat->skel->bss->groups_born, __ATOMIC_RELAXED);
}

struct bpf_program *vs_lat__missed_prog(struct vs_lat *lat)
{
	return lat->skel->progs.kprobe_missed;
}

struct vs_missed_ask *vs_lat__missed_ask(struct vs_lat *lat)
{
	return &lat->skel->bss->missed_ask;
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

/* Copies the logs of all CPUs, as far as they cover that time, one after the other. */
static void cut_logs(struct vs_lat *lat, const struct vs_lat_event *e, struct vs_cpu_log *logs,
		     struct vs_lat_log *entries)
{
	uint64_t from = e->q.queue_ns > lat->watched_ns ? e->q.queue_ns : lat->watched_ns;

	for (unsigned int cpu = 0; cpu < lat->nr_cpus; cpu++) {
		logs[cpu].entries = entries + (size_t)cpu * VS_LAT_LOG;
		logs[cpu].nr = vs_blame__slice(&lat->logs[cpu], from, e->start_ns,
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
	vs_blame__explain(blame, e, logs, logs && entries ? lat->nr_cpus : 0, lat->watched_ns);
	free(entries);
	free(logs);
}

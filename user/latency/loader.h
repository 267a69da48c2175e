/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Loads and attaches the programs of bpf/latency/, and reads what they counted. In this folder only
 * the loader and chain.c talk to libbpf. Nothing is pinned: the kernel removes all when the process
 * ends.
 */
#ifndef VFIOSCOPE_LATENCY_LOADER_H
#define VFIOSCOPE_LATENCY_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/latency.h"
#include "bpf/missed.h"
#include "latency/blame.h"
#include "latency/hist.h"
#include "probe/pulse.h"

struct bpf_object;
struct bpf_map;

/* The programs that find the cause of a delay are attached always, while a work is late, or never. */
enum vs_lat_blame { VS_LAT_BLAME_OFF, VS_LAT_BLAME_LATE, VS_LAT_BLAME_FULL };

const char *vs_lat_blame__name(enum vs_lat_blame blame);	/* "off", "late", "full" */

struct vs_lat_opts {
	bool all;		/* every work, not only the targets */
	bool many_targets;	/* more than one */
	enum vs_lat_blame blame;
	bool events;		/* a record for each work */
	bool samples;		/* windows, with vs_lat__window(); only with `all` and no blame */
	bool modules;		/* tell of modules that come and go */
	bool births;		/* tell of groups that come to exist */
	bool chain;		/* load the kprobes' programs, too */
	unsigned int pulse;	/* parts of the heartbeat (probe/pulse.h) */
	bool debug;		/* let libbpf and the verifier speak, on stderr */
	uint64_t overdue_ns;	/* 0: no alarm */
	uint32_t ring_bytes;	/* of all rings together, 0: 1 MiB for each CPU at most */
	uint32_t max_rows;	/* functions (x pools x released); 0: 256 */
	uint32_t max_works;	/* works queued at once, a power of two; 0: 16384 */
	/* One record, in order of time but for VS_LAT_SLOW, which comes at once. */
	void (*record)(void *ctx, const struct vs_lat_event *e);
	void *ctx;
};

struct vs_lat;

/*
 * Loads. NULL with errno set and one line in `error`: EPERM for want of privileges,
 * ENOTSUP when this kernel cannot.
 */
struct vs_lat *vs_lat__new(const struct vs_lat_opts *opts, char *error, size_t size);
void vs_lat__free(struct vs_lat *lat);	/* NULL is fine */

/* Attaches the tracepoints of modules, and the heartbeat; nothing is counted yet. 0 or negative errno. */
int vs_lat__attach(struct vs_lat *lat);

/* As vs_pulse__beat() and vs_pulse__is_well(). */
struct vs_beat_answer vs_lat__beat(struct vs_lat *lat);
bool vs_lat__is_well(struct vs_lat *lat);

/*
 * Follows works by the host's workqueue tracepoints; or does not, where kprobes do that or there is
 * nothing to follow. 0 or negative errno.
 */
int vs_lat__follow(struct vs_lat *lat, bool tracepoints);

/* A window in which works are followed: see sampler.h. 0 or negative errno. */
enum vs_lat_window { VS_LAT_WINDOW_OPEN, VS_LAT_WINDOW_NO_MORE, VS_LAT_WINDOW_CLOSE };
int vs_lat__window(struct vs_lat *lat, enum vs_lat_window what);

/* No work of this window is queued or runs. */
bool vs_lat__ended(struct vs_lat *lat);

/*
 * Attaches what blame needs, or detaches it: switches of tasks, activations, and starts and ends of
 * all works where they are not followed by tracepoints. Earlier times are not explained. Do not
 * call it with VS_LAT_BLAME_OFF. 0 or negative errno.
 */
int vs_lat__watch(struct vs_lat *lat, bool on);

/* Counting begins, or stops. */
void vs_lat__ready(struct vs_lat *lat, bool ready);

/*
 * Probes were silent: counting goes on without the works that were queued or running, whose end may not
 * have been seen.
 */
void vs_lat__ready_again(struct vs_lat *lat);

/*
 * The functions to follow, 0 for those without an address; `deferred` is the one of them
 * that is vfio_group_put_bg (or 0), `group_iommu_group` an offset or VS_NO_OFFSET.
 */
void vs_lat__set_targets(struct vs_lat *lat, const uint64_t targets[VS_LAT_TARGETS],
			 uint64_t deferred, int32_t group_iommu_group);

/* Returns how many groups were created since vfio.ko was last loaded; only with opts.births. */
uint32_t vs_lat__births(const struct vs_lat *lat);

/* For vs_chain__use_missed(). */
struct bpf_program *vs_lat__missed_prog(struct vs_lat *lat);
struct vs_missed_ask *vs_lat__missed_ask(struct vs_lat *lat);

/* For vs_chain__attach(). */
struct bpf_object *vs_lat__object(struct vs_lat *lat);
struct bpf_map *vs_lat__sites(struct vs_lat *lat);

/* Waits up to `timeout_ms`, hands over records. Their number, or negative errno. */
int vs_lat__poll(struct vs_lat *lat, int timeout_ms);
void vs_lat__drain(struct vs_lat *lat);	/* all there is; at the end */

unsigned int vs_lat__nr_cpus(const struct vs_lat *lat);

/* Explains one of its records, VS_LAT_SLOW. Call it soon: logs are overwritten. */
void vs_lat__explain(struct vs_lat *lat, const struct vs_lat_event *e, struct vs_blame *blame);

/* The numbers so far, summed over CPUs; `peak` is the largest of them. */
void vs_lat__totals(struct vs_lat *lat, struct vs_lat_totals *totals);
uint64_t vs_lat__loss(const struct vs_lat *lat, enum vs_lat_loss cause);

/*
 * Counts runs of programs that the kernel left out since the start. -ENOTSUP before v5.12
 * (9ed9e9ba2337).
 */
int vs_lat__missed(struct vs_lat *lat, uint64_t *missed);

/* Returns how many followed works are queued and not started. */
int64_t vs_lat__waiting(struct vs_lat *lat);

/* Calls `each` for every row there is, with what each CPU counted. 0 or negative errno. */
int vs_lat__rows(struct vs_lat *lat,
		 void (*each)(void *ctx, const struct vs_lat_key *key,
			      const struct vs_lat_row *cpus, unsigned int nr_cpus), void *ctx);

/*
 * Calls back for every queued, and every running work. It looks up a work that has waited for 100
 * ms in the kernel's memory; if that is not pending there, twice, it was cancelled (that has no
 * tracepoint) and waits no more.
 */
void vs_lat__works(struct vs_lat *lat, uint64_t now_ns,
		   void (*queued)(void *ctx, const struct vs_lat_work *work,
				  const struct vs_lat_queued *q),
		   void (*running)(void *ctx, const struct vs_lat_run *run), void *ctx);

/* Calls for every group that deferred puts were queued for. */
void vs_lat__groups(struct vs_lat *lat,
		    void (*each)(void *ctx, uint64_t group, const struct vs_lat_group *g),
		    void *ctx);

/* The cost of a run. */
struct vs_lat_cost {
	uint64_t programs;	/* attached now, without kprobes */
	uint64_t runs;		/* of programs, while statistics are on */
	uint64_t own_runs; /* of these, made by this process: its heartbeat and its questions */
	uint64_t run_ns;	/* in programs; includes reading the clock, twice a run */
	uint64_t map_bytes;
	bool measured;		/* statistics are on */
};

/* Turns the kernel's statistics on for as long as this process lives. 0 or negative errno. */
int vs_lat__measure(struct vs_lat *lat);
void vs_lat__cost(struct vs_lat *lat, struct vs_lat_cost *cost);

#endif

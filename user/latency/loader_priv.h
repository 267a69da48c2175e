/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by the files of the loader only. */
#ifndef VFIOSCOPE_LATENCY_LOADER_PRIV_H
#define VFIOSCOPE_LATENCY_LOADER_PRIV_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "latency/loader.h"
#include "latency_bpf.skel.h"
#include "probe/rings.h"

#define MAX_LINKS 6

struct vs_merge;

/* Links that are attached and detached together. */
struct links {
	struct bpf_link *links[MAX_LINKS];
	size_t nr;
};

struct vs_lat {
	struct vs_lat_opts opts;
	struct latency_bpf *skel;
	struct vs_rings *rings;
	struct vs_pulse *pulse;
	struct ring_buffer *ring;
	struct vs_merge *merge;
	struct links modules, tracepoints, blame;
	struct links queue;	/* --sample: detached before the other tracepoints */
	int64_t cut_waiting, cut_running; /* of earlier windows: nobody sees them go on */
	uint64_t watched_ns;	/* since when blame is attached, UINT64_MAX: it is not */
	unsigned int nr_cpus;
	struct vs_lat_set *works;	/* mapped */
	uint64_t *doubts;	/* for each place of `works`, when the work that seems cancelled was queued */
	uint64_t cancelled;	/* found out by asking: programs have not counted these */
	struct vs_lat_run *running;
	struct vs_lat_cpu_log *logs;
	uint64_t missed_before;
	int stats_fd;
	bool unordered;		/* out of memory: a record could not be kept */
	bool urgent;		/* a record that does not wait for its order */
};

/* As is_lean() of the programs. */
static inline bool vs_lat__is_lean(const struct vs_lat *lat)
{
	return lat->opts.all && !lat->opts.blame && !lat->opts.events;
}

static inline int64_t vs_lat__now_waiting(const struct vs_lat_totals *t)
{
	return t->queued - t->started - t->cancelled;
}

/* Followed works that may be cancelled: nobody cancels deferred puts. */
static inline bool vs_lat__may_be_cancelled(const struct vs_lat *lat, const struct vs_lat_work *work)
{
	return work->func != lat->skel->bss->cfg.deferred_func;
}

/* Works that are queued or running count no more. */
void vs_lat__forget_works(struct vs_lat *lat);

void vs_lat__detach_all(struct vs_lat *lat);

/* Runs of programs that the kernel left out since they were loaded. */
uint64_t vs_lat__missed_now(struct vs_lat *lat, int *err);

#endif

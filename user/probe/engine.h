/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Puts a plan into the kernel and takes events out, with libbpf. Nothing is pinned and no tracefs
 * event is made, so that the kernel takes everything away when the process ends, by SIGKILL too.
 * Probes in vfio.ko are kprobes through perf: they do not hold the module.
 */
#ifndef VFIOSCOPE_ENGINE_H
#define VFIOSCOPE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/events.h"
#include "privilege/keeper.h"
#include "probe/exact.h"
#include "probe/facts.h"
#include "probe/plan.h"
#include "probe/pulse.h"
#include "probe/text_check.h"

struct vs_engine_opts {
	uint32_t ring_bytes;	/* of all rings together, a power of two; 0: 4 MiB */
	uint32_t max_tasks;	/* tasks followed inside chains at once; 0: 1024 */
	bool stacks;		/* gets and puts are struct vs_stack_event */
	bool exact;		/* load what vs_engine__watch() needs */
	bool debug;		/* let libbpf and the verifier speak, on stderr */
	const char *without;	/* hooks left out, by name: "put,get"; NULL: none */
	/* One record out of the ring; returns nothing, never blocks for long. */
	void (*record)(void *ctx, const void *data, size_t len);
	void *ctx;
};

struct vs_engine;

/*
 * Collects facts, plans, loads the programs the plan may need. Attaches nothing.
 * NULL with errno set and one line of words in `error`: EPERM for want of
 * privileges, ENOTSUP when the kernel refuses what everything else needs.
 */
struct vs_engine *vs_engine__new(const struct vs_engine_opts *opts, char *error, size_t size);

/*
 * Attaches what the plan says (VFIO's own probes only if vfio is loaded), then lets the programs
 * run. An attach that fails turns its hook into MISSING with the reason; the rest still works. 0,
 * or negative errno when nothing could be armed.
 */
int vs_engine__attach(struct vs_engine *engine);

/*
 * vfio.ko was loaded: reads its facts anew and arms its probes. Returns the
 * number of probes armed or a negative errno.
 */
int vs_engine__vfio_loaded(struct vs_engine *engine);

/*
 * vfio.ko is gone, and its probes with it: the plan waits for it again. Returns how many probes are
 * gone, or -ENOMEM. Does not wait.
 */
int vs_engine__vfio_gone(struct vs_engine *engine);

/*
 * Returns how many groups were created since vfio.ko was last loaded, before its probes were armed;
 * -1 when that is not known: no function of vmlinux makes them on this kernel.
 */
int64_t vs_engine__unseen_groups(const struct vs_engine *engine);

/* Returns true if vfio.ko was loaded, unloaded or moved after its probes were armed, and no event said so. */
bool vs_engine__vfio_moved(const struct vs_engine *engine);

/*
 * Asks each kind of probe to fire, as vs_pulse__beat(). Call it at any time after
 * vs_engine__attach(), with privileges or without.
 */
struct vs_beat_answer vs_engine__beat(struct vs_engine *engine);

/* As vs_pulse__is_well(). */
bool vs_engine__is_well(struct vs_engine *engine);

/* Gives access to the questions that the pulse answers without a beat. */
const struct vs_pulse *vs_engine__pulse(const struct vs_engine *engine);

/* While held, the programs report nothing of VFIO: half of the probes would tell half of the truth. */
void vs_engine__hold(struct vs_engine *engine, bool hold);

/*
 * Waits up to `timeout_ms` for an alarm, then hands over the records there are, in order: those
 * that no unfinished record of another CPU can precede. An alarm hands over everything at once.
 * Returns the number fetched or a negative errno (-EINTR after a signal).
 */
int vs_engine__poll(struct vs_engine *engine, int timeout_ms);

/*
 * Returns the number of the record that was begun last (vs_event.seq). Call it before and after a
 * look at something else, to tell the records from before, during and after the look: no clock can.
 */
uint64_t vs_engine__begun(const struct vs_engine *engine);

/*
 * Hands over, in order, what there is now. Every record with a number below the returned one has
 * been handed over; 0 when an alarm made it hand over everything.
 */
uint64_t vs_engine__settle(struct vs_engine *engine);

/* Records that came when later ones had been handed over: a CPU stood still for 2 s. */
uint64_t vs_engine__late(const struct vs_engine *engine);

/* Hands over everything there is. Call it at the end. */
void vs_engine__drain(struct vs_engine *engine);

/*
 * Each write to the counter of this group becomes a VS_CHANGE from now on, by hardware watchpoints:
 * at most VS_WATCHES groups. `iommu_group`: its number for the records, -1 if not known.
 * `seen_seq`: a record after which the group existed. The watch ends by itself when a release after
 * that is seen, and with vfio.ko. Errors as vs_exact__watch(), -ENOTSUP without opts.exact or where
 * the offset of the counter is not known, -ENOENT while no vfio.ko is followed.
 */
int vs_engine__watch(struct vs_engine *engine, uint64_t group, int iommu_group, uint64_t seen_seq);

/* 0, or -ENOENT: it is not watched (any more). */
int vs_engine__unwatch(struct vs_engine *engine, uint64_t group);

/* As vs_exact__found(); nothing without opts.exact. */
void vs_engine__groups_found(struct vs_engine *engine, const uint64_t *groups, size_t nr,
			     uint64_t taken_seq, uint64_t taken_ns);

/* All zero without opts.exact. For the losses VS_LOSS_WATCH_* and VS_LOSS_CPU_UNWATCHED. */
struct vs_exact_stats vs_engine__watch_stats(struct vs_engine *engine);

/*
 * Another build of vfio.ko may need other programs than this one: loads them now, for a process
 * that may not load any later. 0 or negative errno.
 */
int vs_engine__load_for_other_builds(struct vs_engine *engine);

/* From now on `keeper` opens perf events. The caller owns it, and it must outlive the engine. */
void vs_engine__use_keeper(struct vs_engine *engine, struct vs_keeper *keeper);

/* The present facts and plan; valid until the next vfio_loaded or vfio_gone. */
const struct vs_facts *vs_engine__facts(const struct vs_engine *engine);
const struct vs_plan *vs_engine__plan(const struct vs_engine *engine);

/*
 * Says if the text of vfio.ko in memory is that of its file. It is compared each time before its
 * probes are armed, and by vs_engine__check_text().
 */
const struct vs_text_check *vs_engine__text(const struct vs_engine *engine);
void vs_engine__check_text(struct vs_engine *engine);

/* The duration of each phase of the start, ns. */
struct vs_engine_times {
	uint64_t learn_ns;	/* facts and plan */
	uint64_t load_ns;	/* programs through the verifier */
	uint64_t attach_ns;
};

struct vs_engine_times vs_engine__times(const struct vs_engine *engine);

/* Attached probes now. */
size_t vs_engine__nr_armed(const struct vs_engine *engine);

/* Events the programs could not deliver, by enum vs_loss. */
uint64_t vs_engine__loss(const struct vs_engine *engine, enum vs_loss cause);

/*
 * Counts the runs that the kernel left out because a program was running already. -ENOTSUP when
 * this kernel does not count them: BPF programs before v5.12 (9ed9e9ba2337), kprobe links before
 * v6.7 (3acf8ace6823).
 */
int vs_engine__missed_programs(const struct vs_engine *engine, uint64_t *missed);
int vs_engine__missed_kprobes(const struct vs_engine *engine, uint64_t *missed);

/* "vfio_group_fops_release+0x31" for a probed address or a function of VFIO. */
bool vs_engine__resolve(struct vs_engine *engine, uint64_t addr, char *buf, size_t size);

/* Bytes of kernel memory in maps and ring. */
size_t vs_engine__map_bytes(const struct vs_engine *engine);

/* Detaches and frees. Takes some 50 ms per kprobe on old kernels. NULL is fine. */
void vs_engine__free(struct vs_engine *engine);

#endif

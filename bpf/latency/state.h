/* SPDX-License-Identifier: GPL-2.0 */
/* State shared by the programs: maps, configuration, losses. Defined in state.bpf.c. */
#ifndef VFIOSCOPE_LATENCY_STATE_H
#define VFIOSCOPE_LATENCY_STATE_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "config.h"
#include "latency.h"

#ifndef VS_STATE_EXTERN
#define VS_STATE_EXTERN extern
#endif

/* Queued works. Sizes are defaults: user space sets them before load. */
VS_STATE_EXTERN struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct vs_lat_set);
} works SEC(".maps");

VS_STATE_EXTERN struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, VS_LAT_RUNNING + 1);
	__type(key, __u32);
	__type(value, struct vs_lat_run);
} running SEC(".maps");

/* One for each CPU, written by that CPU only. */
VS_STATE_EXTERN struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct vs_lat_cpu_log);
} logs SEC(".maps");

VS_STATE_EXTERN struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, struct vs_lat_key);
	__type(value, __u32);
} row_numbers SEC(".maps");

/* Numbers of rows that are free: taking one is atomic on every kernel. */
VS_STATE_EXTERN struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 256);
	__type(value, __u32);
} free_rows SEC(".maps");

VS_STATE_EXTERN struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct vs_lat_row);
} rows SEC(".maps");

VS_STATE_EXTERN struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct vs_lat_totals);
} totals SEC(".maps");

VS_STATE_EXTERN struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct vs_lat_floor);
} floors SEC(".maps");

VS_STATE_EXTERN struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, struct vs_lat_group);
} groups SEC(".maps");

/* When a task, by its number, took a reference in the notifier. The oldest goes. */
VS_STATE_EXTERN struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
} gets SEC(".maps");

/* What a task, by its number, is just putting on a queue. The oldest goes. */
VS_STATE_EXTERN struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
} queueing SEC(".maps");

/* A ring for each CPU: see bpf/trace/state.h. */
struct event_ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
};

VS_STATE_EXTERN struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct event_ring);
} rings SEC(".maps");

/* What attach.h tells of locked adds; the programs here do not need it. */
VS_STATE_EXTERN struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u64);
	__type(value, struct vs_site_action);
	__uint(max_entries, 64);
} sites SEC(".maps");

extern struct vs_lat_config cfg;
extern __u64 losses[VS_LAT_LOSS_KERNEL_END];

/* Followed works that are queued and not started. While there are any, CPUs keep their logs. */
extern __u32 groups_born;	/* since vfio.ko was loaded */
extern __s64 waiting;

/* Known before the programs are loaded: what is not wanted costs nothing. */
extern const volatile bool all_works;	/* not only cfg.targets */
extern const volatile bool many_targets; /* more than the first */
extern const volatile bool want_blame;
extern const volatile bool want_events;
extern const volatile bool want_wakeups; /* tell user space of works that wait */
extern const volatile bool want_samples; /* works of some windows, see cfg.since_ns */
extern const volatile __u32 set_bits;	/* log2 of the sets in `works` */

#define count_loss(cause) __sync_fetch_and_add(&losses[cause], 1)

static __always_inline struct vs_lat_totals *get_totals(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&totals, &zero);
}

#define count_total(member)                                                             \
	({                                                                              \
		struct vs_lat_totals *__t = get_totals();                               \
		if (__t)                                                                \
			__t->member++;                                                  \
	})

/*
 * A pointer as a number: the verifier allows no arithmetic on it, not even a hash, but
 * what was kept in a map is a number. A helper's reading would take ten times as long.
 * Each program has a place of its own, because one may interrupt another.
 */
static __always_inline __u64 as_number(struct vs_lat_totals *t, __u32 place, const void *pointer)
{
	*(volatile __u64 *)&t->scratch[place] = (__u64)pointer;
	return *(volatile __u64 *)&t->scratch[place];
}

static __always_inline __u32 current_tid(void)
{
	return (__u32)bpf_get_current_pid_tgid();
}

/* A function of its own, which the verifier walks once and not for each program. */
int is_target(__u64 func);

/*
 * These programs run for every work of the host, so this comes first. The first
 * target alone is compared with one value in memory, no map is asked.
 */
static __always_inline bool is_wanted(__u64 func)
{
	if (all_works)
		return cfg.ready;
	if (func == cfg.targets[0])
		return func && cfg.ready;
	if (!many_targets)
		return false;
	return func && cfg.ready && is_target(func);
}

/*
 * --all alone: what is queued on one CPU and started on another costs a cache line for
 * each that both touch. One is enough: no pool's state, no backlog when it was queued; and
 * how many wait, user space has from the sums of what each CPU queued and started.
 */
static __always_inline bool is_lean(void)
{
	return all_works && !want_blame && !want_events;
}

/* Of an earlier window: its start or its end may not have been seen. */
static __always_inline bool is_stale(__u64 time_ns)
{
	return want_samples && time_ns < cfg.since_ns;
}

/* Followed or not, it may be what a followed work waits for. */
static __always_inline bool is_logging(void)
{
	return want_blame && waiting > 0;
}

#endif

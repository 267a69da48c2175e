// SPDX-License-Identifier: GPL-2.0
/* Keeps each hit of a write watchpoint: who, where, and the registers after it. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "refwatch.h"

struct bpf_perf_event_data {
	struct pt_regs regs;
	__u64 sample_period;
	__u64 addr;
};

struct die_args {
	struct pt_regs *regs;
	long err;		/* of a #DB: points to DR6 */
} __attribute__((preserve_access_index));

/* Of enum die_val and of DR6, both of x86. */
enum { DEBUG_TRAP = 3, WATCHPOINT_HIT = 0xf };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_CPUS * MAX_WRITES);
	__type(key, __u32);
	__type(value, struct write_seen);
} writes SEC(".maps");

__u64 nr_writes[MAX_CPUS] = {};
__u64 wanted = 0;

static __always_inline struct write_seen *next_free(__u64 addr)
{
	__u32 cpu = bpf_get_smp_processor_id(), n;
	struct write_seen *w;

	/* No lock is needed: a watchpoint does not interrupt its own handler. */
	if (cpu >= MAX_CPUS || nr_writes[cpu]++ >= MAX_WRITES)
		return 0;
	n = cpu * MAX_WRITES + nr_writes[cpu] - 1;
	w = bpf_map_lookup_elem(&writes, &n);
	if (!w)
		return 0;
	w->time_ns = bpf_ktime_get_ns();
	w->tid = bpf_get_current_pid_tgid();
	w->cpu = cpu;
	bpf_probe_read_kernel(&w->memory, sizeof(w->memory), (void *)addr);
	return w;
}

static __always_inline void keep(struct write_seen *w, const struct pt_regs *regs)
{
	w->ip = regs->ip;
	w->flags = regs->flags;
	w->ax = regs->ax;
	w->cx = regs->cx;
	w->dx = regs->dx;
	w->bx = regs->bx;
	w->bp = regs->bp;
	w->si = regs->si;
	w->di = regs->di;
	w->r[0] = regs->r8;
	w->r[1] = regs->r9;
	w->r[2] = regs->r10;
	w->r[3] = regs->r11;
	w->r[4] = regs->r12;
	w->r[5] = regs->r13;
	w->r[6] = regs->r14;
	w->r[7] = regs->r15;
	bpf_probe_read_kernel(w->code, CODE_BYTES, (void *)(w->ip - CODE_BYTES));
}

/* Behind a watchpoint of our own. */
SEC("perf_event")
int on_write(struct bpf_perf_event_data *ctx)
{
	struct write_seen *w = next_free(ctx->addr);

	if (w)
		keep(w, &ctx->regs);
	return 0;
}

/* The hits of somebody else's watchpoint: the only one in the guest. */
SEC("fentry/hw_breakpoint_exceptions_notify")
int BPF_PROG(on_hit, void *block, unsigned long val, struct die_args *args)
{
	struct pt_regs *from = BPF_CORE_READ(args, regs), regs;
	struct write_seen *w;
	unsigned long dr6 = 0;

	bpf_probe_read_kernel(&dr6, sizeof(dr6), (void *)BPF_CORE_READ(args, err));
	if (val != DEBUG_TRAP || !(dr6 & WATCHPOINT_HIT) ||
	    bpf_probe_read_kernel(&regs, sizeof(regs), from))
		return 0;
	w = next_free(wanted);
	if (w)
		keep(w, &regs);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";

// SPDX-License-Identifier: GPL-2.0
/*
 * Behind a hardware watchpoint on the counter of a group. The trap comes right
 * after the write, on the same CPU: registers and flags are those that the
 * instruction left. The counter itself is not read, another CPU may have changed
 * it by now.
 */
#include "state.h"
#include "emit.h"
#include "exact.h"

/* include/uapi/linux/bpf_perf_event.h */
struct bpf_perf_event_data {
	struct pt_regs regs;
	__u64 sample_period;
	__u64 addr;		/* since v4.17: of a watchpoint, what is watched */
};

static __always_inline void copy_registers(__u64 *to, const struct pt_regs *regs)
{
	to[0] = regs->ax;
	to[1] = regs->cx;
	to[2] = regs->dx;
	to[3] = regs->bx;
	to[4] = regs->sp;
	to[5] = regs->bp;
	to[6] = regs->si;
	to[7] = regs->di;
	to[8] = regs->r8;
	to[9] = regs->r9;
	to[10] = regs->r10;
	to[11] = regs->r11;
	to[12] = regs->r12;
	to[13] = regs->r13;
	to[14] = regs->r14;
	to[15] = regs->r15;
}

static __always_inline void copy_trap(struct vs_trap *trap, const struct pt_regs *regs)
{
	trap->ip = regs->ip;
	trap->flags = regs->flags;
	copy_registers(trap->registers, regs);
	if (!bpf_probe_read_kernel(trap->code, VS_CODE_LEN, (void *)(trap->ip - VS_CODE_LEN)))
		trap->nr_code = VS_CODE_LEN;
}

SEC("perf_event")
int counter_written(struct bpf_perf_event_data *ctx)
{
	__u64 counter = ctx->addr, wakeup;
	struct vs_raw_change *raw;
	struct vs_watched *watch;

	__sync_fetch_and_add(&watch_runs, 1);
	watch = bpf_map_lookup_elem(&watches, &counter);
	if (!watch || !watch->on)
		return 0;
	raw = emit_begin(VS_CHANGE, struct vs_raw_change, &wakeup);
	if (!raw)
		return 0;
	copy_trap(&raw->trap, &ctx->regs);
	raw->s.e.ip = raw->trap.ip;
	raw->s.e.object = counter;
	raw->s.e.group = watch->group;
	raw->s.e.iommu_group = watch->iommu_group;
	emit_context(&raw->s.e);
	emit_stack(&raw->s, ctx);
	emit_end(raw, wakeup);
	return 0;
}

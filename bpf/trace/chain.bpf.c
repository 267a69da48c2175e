// SPDX-License-Identifier: GPL-2.0
/*
 * Blocking notifier chains, of any subsystem: which ones a task is inside, and
 * the alarm when it changes one of them from inside. blocking_notifier_call_chain()
 * holds the chain's rwsem for read around the callbacks; register and unregister
 * take it for write (kernel/notifier.c): the task waits for itself.
 */
#include "state.h"
#include "task.h"
#include "emit.h"
#include "group.h"

static __always_inline void drop_frames(struct task_state *task, __u64 live)
{
	struct chain_frame *oldest = task_frame(task, live);

	__sync_fetch_and_add(&losses[VS_LOSS_STALE_FRAME], task->depth - live);
	if (task->notifier > live)
		task->notifier = oldest->in_vfio ? oldest->outer_notifier : 0;
	task->depth = live;
}

/*
 * Drops the frames of calls that cannot be running any more: those not above
 * `stack`. Counted without branches, for the verifier's time.
 */
static __always_inline void drop_stale(struct task_state *task, __u64 stack)
{
	__u64 depth = task->depth, live = 0;

	barrier_var(depth);	/* or clang makes branches of what follows */
	for (__u64 i = 0; i < VS_CHAIN_DEPTH; i++)
		live += ((stack - task->frames[i].stack) & (i - depth)) >> 63;
	if (live != task->depth)
		drop_frames(task, live);
}

/*
 * Where the trampoline's arguments are, as a number: a pointer to the context
 * that went through a map is one, and can be counted with.
 */
static __always_inline __u64 stack_position(struct task_state *task, void *ctx)
{
	*(volatile __u64 *)&task->here = (__u64)ctx;
	return *(volatile __u64 *)&task->here;
}

static __always_inline int chain_enter(void *ctx, __u64 chain)
{
	struct chain_frame *frame;
	struct task_state *task;
	__u64 stack;

	if (!cfg.ready)
		return 0;
	task = task_get_or_add();
	if (!task)
		return 0;
	stack = stack_position(task, ctx);
	drop_stale(task, stack);
	if (task->depth >= VS_CHAIN_DEPTH) {
		count_loss(VS_LOSS_CHAIN_DEPTH);
		return 0;
	}
	frame = task_frame(task, task->depth);
	frame->chain = chain;
	frame->stack = stack;
	frame->entered_ns = bpf_ktime_get_ns();
	frame->block = 0;
	frame->group = 0;
	frame->iommu_group = -1;
	frame->in_vfio = 0;
	frame->action = 0;
	task->depth++;
	return 0;
}

static __always_inline int chain_exit(void *ctx)
{
	struct task_state *task;
	struct chain_frame *top;
	__u64 stack;

	if (!cfg.ready)
		return 0;
	task = task_get();
	if (!task)
		return 0;
	stack = stack_position(task, ctx);
	drop_stale(task, stack - 1);
	top = task_top(task);
	if (top && top->stack == stack) {
		if (top->in_vfio)
			notifier_exit(top);
		task_pop(task, top);
	}
	task_put_if_idle(task);
	return 0;
}

SEC("fentry/blocking_notifier_call_chain")
int BPF_PROG(chain_call_enter, void *chain)
{
	return chain_enter(ctx, (__u64)chain);
}

SEC("fexit/blocking_notifier_call_chain")
int BPF_PROG(chain_call_exit)
{
	return chain_exit(ctx);
}

/* v5.10: 70d932985757 */
SEC("fentry/blocking_notifier_call_chain_robust")
int BPF_PROG(chain_robust_enter, void *chain)
{
	return chain_enter(ctx, (__u64)chain);
}

SEC("fexit/blocking_notifier_call_chain_robust")
int BPF_PROG(chain_robust_exit)
{
	return chain_exit(ctx);
}

static __always_inline int chain_change(void *ctx, __u64 chain, struct notifier_block *block,
					__u32 flags)
{
	struct vs_alarm_event *a;
	__u64 wakeup;
	struct chain_frame *frame;
	struct task_state *task;
	long bytes;

	if (!cfg.ready)
		return 0;
	task = task_get();
	frame = task ? task_find_chain(task, chain) : 0;
	if (!frame)
		return 0;
	a = emit_begin(VS_CHAIN_DEADLOCK, struct vs_alarm_event, &wakeup);
	if (!a)
		return 0;
	emit_context(&a->e);
	a->e.flags = flags;
	a->e.object = (__u64)block;
	a->e.ctx_object = chain;
	a->e.group = frame->group;
	a->e.action = frame->action;
	a->e.iommu_group = frame->iommu_group;
	a->callback = (__u64)BPF_CORE_READ(block, notifier_call);
	a->entered_ns = frame->entered_ns;
	a->depth = task->depth;
	bytes = bpf_get_stack(ctx, a->stack, sizeof(a->stack), 0);
	a->nr_stack = bytes > 0 ? bytes / sizeof(a->stack[0]) : 0;
	emit_end_now(a);
	return 0;
}

SEC("fentry/blocking_notifier_chain_unregister")
int BPF_PROG(chain_unregister, void *chain, struct notifier_block *block)
{
	return chain_change(ctx, (__u64)chain, block, 0);
}

SEC("fentry/blocking_notifier_chain_register")
int BPF_PROG(chain_register, void *chain, struct notifier_block *block)
{
	return chain_change(ctx, (__u64)chain, block, VS_F_REGISTERING);
}

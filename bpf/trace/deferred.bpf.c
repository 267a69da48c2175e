// SPDX-License-Identifier: GPL-2.0
/*
 * The deferred put: vfio_iommu_group_notifier() queues a work item whose worker
 * drops the reference (811642d8d8a8, v4.13). These tracepoints fire for every
 * work item of the host: the function is compared before anything else.
 */
#include "state.h"
#include "task.h"
#include "emit.h"
#include "group.h"

static __always_inline bool is_deferred_put(__u64 func)
{
	return func == cfg.deferred_func && func;
}

/* struct vfio_group_put_work { struct work_struct work; struct vfio_group *group; } */
static __always_inline __u64 work_group(__u64 work)
{
	return read_pointer(work, bpf_core_type_size(struct work_struct));
}

static __always_inline void emit_work(__u8 type, __u64 work, __u64 group, __s32 number,
				      bool pinned)
{
	__u64 wakeup;
	struct vs_event *e = emit_begin(type, struct vs_event, &wakeup);

	if (!e)
		return;
	e->object = work;
	e->group = group;
	e->iommu_group = number;
	if (pinned)
		read_counter(e, group);
	if (type == VS_QUEUE && (e->flags & VS_F_REFS) && e->refs == 1)
		e->flags |= VS_F_LAST_SURE;
	emit_context(e);
	emit_end(e, wakeup);
}

SEC("tp_btf/workqueue_queue_work")
int BPF_PROG(deferred_queue, int cpu, void *pwq, struct work_struct *work)
{
	__u64 group;

	if (!is_deferred_put((__u64)work->func) || !cfg.vfio_ready)
		return 0;
	group = work_group((__u64)work);
	emit_work(VS_QUEUE, (__u64)work, group, group_number(group), true);
	return 0;
}

SEC("tp_btf/workqueue_execute_start")
int BPF_PROG(deferred_start, struct work_struct *work)
{
	struct task_state *task;
	__s32 number;
	__u64 group;

	if (!is_deferred_put((__u64)work->func) || !cfg.vfio_ready)
		return 0;
	group = work_group((__u64)work);
	number = group_number(group);
	task = task_get_or_add();
	if (task) {
		task->work = (__u64)work;
		task->work_group = group;
		task->work_iommu_group = number;
	}
	emit_work(VS_START, (__u64)work, group, number, true);
	return 0;
}

/*
 * A raw tracepoint, because the function pointer cannot be read in a BTF-typed
 * one. The work is freed by now and its memory may be another one already: what
 * is known about it was kept with the worker. The second argument is there since
 * 1c5da0ec7f20 (v5.6).
 */
SEC("raw_tp/workqueue_execute_end")
int deferred_end(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_state *task;

	if (!is_deferred_put(ctx->args[1]) || !cfg.vfio_ready)
		return 0;
	task = task_get();
	if (!task || task->work != ctx->args[0])
		return 0;
	emit_work(VS_END, task->work, task->work_group, task->work_iommu_group, false);
	task->work = 0;
	task->work_group = 0;
	task_put_if_idle(task);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * One program of each kind that vfioscope arms, all on one harmless event: a thread of
 * vfioscope's own gives itself a new name (PR_SET_NAME). Who else does is told apart by the name.
 */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "self_test.h"

char LICENSE[] SEC("license") = "GPL";

/* include/uapi/linux/bpf_perf_event.h */
struct bpf_perf_event_data {
	struct pt_regs regs;
	__u64 sample_period;
	__u64 addr;
};

const volatile __u64 token = 0;	/* the first bytes of the name */
__u64 watched = 0;		/* address of the watchpoint */

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 16);
} fired SEC(".maps");

static __always_inline int tell(__u32 kind)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct vs_test_event *e = bpf_ringbuf_reserve(&fired, sizeof(*e), 0);

	if (!e)
		return 0;
	e->kind = kind;
	e->pad = 0;
	e->time_ns = bpf_ktime_get_ns();
	e->comm = (__u64)task->comm;
	bpf_ringbuf_submit(e, BPF_RB_FORCE_WAKEUP);
	return 0;
}

static __always_inline int tell_if_ours(__u32 kind, const char *name)
{
	__u64 word = 0;

	bpf_probe_read_kernel(&word, sizeof(word), name);
	return word == token ? tell(kind) : 0;
}

SEC("raw_tp/task_rename")
int on_tracepoint(struct bpf_raw_tracepoint_args *ctx)
{
	return tell_if_ours(VS_TEST_TRACEPOINT, (const char *)ctx->args[1]);
}

SEC("tp_btf/task_rename")
int BPF_PROG(on_tp_btf, struct task_struct *task, const char *comm)
{
	return tell_if_ours(VS_TEST_TP_BTF, comm);
}

SEC("fentry/__set_task_comm")
int BPF_PROG(on_fentry, struct task_struct *task, const char *comm)
{
	return tell_if_ours(VS_TEST_FENTRY, comm);
}

SEC("fexit/__set_task_comm")
int BPF_PROG(on_fexit, struct task_struct *task, const char *comm)
{
	return tell_if_ours(VS_TEST_FEXIT, comm);
}

SEC("kprobe")
int BPF_KPROBE(on_kprobe_entry, struct task_struct *task, const char *comm)
{
	return tell_if_ours(VS_TEST_KPROBE_ENTRY, comm);
}

/* So near to the entry that the arguments are still in their registers. */
SEC("kprobe")
int BPF_KPROBE(on_kprobe_inside, struct task_struct *task, const char *comm)
{
	return tell_if_ours(VS_TEST_KPROBE_INSIDE, comm);
}

SEC("perf_event")
int on_watchpoint(struct bpf_perf_event_data *ctx)
{
	return ctx->addr == watched ? tell(VS_TEST_WATCHPOINT) : 0;
}

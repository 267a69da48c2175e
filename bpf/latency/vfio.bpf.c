// SPDX-License-Identifier: GPL-2.0
/*
 * The ends of a deferred put's chain: the notifier takes the reference, the worker
 * drops it. kprobes in vfio.ko, at the places that user/probe/ finds; the names of the
 * programs are those of its table of hooks.
 */
#include "groups.h"
#include "ring.h"

static __always_inline struct vs_lat_run *my_put(void)
{
	__u32 tid = current_tid(), place = tid % VS_LAT_RUNNING;
	struct vs_lat_run *run = bpf_map_lookup_elem(&running, &place);

	return run && run->work && run->tid == tid && run->func == cfg.deferred_func ? run : 0;
}

/* Behind the locked add that is the notifier's get. */
SEC("kprobe/get")
int get_site(struct pt_regs *ctx)
{
	__u64 now = bpf_ktime_get_ns();
	__u32 tid = current_tid();

	if (cfg.ready)
		bpf_map_update_elem(&gets, &tid, &now, BPF_ANY);
	return 0;
}

/* The call by which vfio_group_put_bg() drops the reference. */
SEC("kprobe/put")
int put_site(struct pt_regs *ctx)
{
	struct vs_lat_run *run = my_put();

	if (!run || run->put_ns)
		return 0;
	run->put_ns = bpf_ktime_get_ns();
	/* Now, not at the end of the work: another task may release the group before that. */
	reference_dropped(run->q.group);
	return 0;
}

static __always_inline void tell_freed(__u64 group, __s64 number)
{
	struct vs_lat_event *e = ring_event(VS_LAT_FREED, bpf_ktime_get_ns());

	if (!e)
		return;
	e->q.group = group;
	e->q.number = number;
	e->tid = current_tid();
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	ring_send(e, true);
}

/* vfio_group_release(&group->kref), and the counter is the first member (up to 5.15). */
SEC("kprobe/release")
int group_release(struct pt_regs *ctx)
{
	__u64 group = PT_REGS_PARM1(ctx);
	struct vs_lat_group *g = bpf_map_lookup_elem(&groups, &group);
	struct vs_lat_run *run = my_put();
	__s64 mine = 0;

	if (run && run->q.group == group) {
		run->released = 1;
		mine = !run->put_ns;
	}
	if (g && g->now > mine)
		tell_freed(group, g->number);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0 */
/* Telling user space of the slowest works, and of hardly any others. */
#ifndef VFIOSCOPE_LATENCY_SLOW_H
#define VFIOSCOPE_LATENCY_SLOW_H

#include "ring.h"
#include "worker.h"

/*
 * Of all waits on this CPU the VS_LAT_WORST longest are told, for certain: the floor is
 * only ever raised to what that many waits have reached. What is told grows with the
 * logarithm of their number.
 */
static __always_inline bool slow_enough(__u64 wait_ns)
{
	__u32 zero = 0;
	struct vs_lat_floor *f = bpf_map_lookup_elem(&floors, &zero);

	if (!f || wait_ns <= f->floor_ns)
		return false;
	if (!f->nr || wait_ns < f->least_ns)
		f->least_ns = wait_ns;
	if (++f->nr >= VS_LAT_WORST) {
		f->floor_ns = f->least_ns;
		f->nr = 0;
	}
	return true;
}

/* By the worker that starts it, so that its workqueue has a name now. */
static __always_inline void tell_slow(const struct vs_lat_run *run)
{
	struct vs_lat_event *e;
	struct worker *worker;

	if (!want_blame || !slow_enough(run->start_ns - run->q.queue_ns))
		return;
	e = ring_event(VS_LAT_SLOW, run->start_ns);
	if (!e)
		return;
	fill_run(e, run);
	worker = worker_at(run->work);
	if (worker)
		BPF_CORE_READ_STR_INTO(&e->name, worker, current_pwq, wq, name);
	/* At once: the logs that explain it are being written over. */
	ring_send(e, true);
}

#endif

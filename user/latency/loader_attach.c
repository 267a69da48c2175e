// SPDX-License-Identifier: GPL-2.0
/* Attaches and detaches the programs of a run. */
#include <errno.h>

#include "base/host.h"
#include "latency/loader_priv.h"

static void detach(struct links *links)
{
	for (size_t i = 0; i < links->nr; i++)
		bpf_link__destroy(links->links[i]);
	links->nr = 0;
}

void vs_lat__detach_all(struct vs_lat *lat)
{
	detach(&lat->blame);
	detach(&lat->queue);
	detach(&lat->tracepoints);
	detach(&lat->modules);
}

static int attach(struct links *links, struct bpf_program *prog)
{
	struct bpf_link *link;

	if (bpf_program__fd(prog) < 0)	/* this run has no use for it */
		return 0;
	link = bpf_program__attach(prog);
	if (!link)
		return -errno;
	links->links[links->nr++] = link;
	return 0;
}

struct vs_beat_answer vs_lat__beat(struct vs_lat *lat)
{
	return vs_pulse__beat(lat->pulse);
}

bool vs_lat__is_well(struct vs_lat *lat)
{
	return vs_pulse__is_well(lat->pulse);
}

int vs_lat__attach(struct vs_lat *lat)
{
	int err = attach(&lat->modules, lat->skel->progs.module_load);

	vs_pulse__arm(lat->pulse, lat->skel->obj, &lat->skel->bss->pulse);
	return err ? err : attach(&lat->modules, lat->skel->progs.module_free);
}

static int attach_tracepoints(struct vs_lat *lat)
{
	int err = attach(&lat->tracepoints, lat->skel->progs.work_start);

	if (!err)
		err = attach(&lat->tracepoints, lat->skel->progs.work_end);
	/* Last, or works would be lost between the two. */
	if (!err)
		err = attach(&lat->tracepoints, lat->skel->progs.work_queue);
	if (err)
		detach(&lat->tracepoints);
	return err;
}

/* Reattaches blame as well: the programs that it needs depend on `tracepoints`. */
int vs_lat__follow(struct vs_lat *lat, bool tracepoints)
{
	bool watches = lat->blame.nr;
	int err = 0;

	if (tracepoints == !!lat->tracepoints.nr)
		return 0;
	vs_lat__watch(lat, false);
	if (tracepoints)
		err = attach_tracepoints(lat);
	else
		detach(&lat->tracepoints);
	return err || !watches ? err : vs_lat__watch(lat, true);
}

static int open_window(struct vs_lat *lat)
{
	struct vs_lat_totals t;
	int err;

	vs_lat__totals(lat, &t);
	lat->cut_waiting = vs_lat__now_waiting(&t);
	lat->cut_running = t.started - t.ended;
	lat->skel->bss->cfg.since_ns = vs_host__mono_ns();
	err = attach(&lat->tracepoints, lat->skel->progs.work_start);
	if (!err)
		err = attach(&lat->tracepoints, lat->skel->progs.work_end);
	return err ? err : attach(&lat->queue, lat->skel->progs.work_queue);
}

int vs_lat__window(struct vs_lat *lat, enum vs_lat_window what)
{
	if (what == VS_LAT_WINDOW_OPEN)
		return open_window(lat);
	detach(&lat->queue);
	if (what == VS_LAT_WINDOW_CLOSE)
		detach(&lat->tracepoints);
	return 0;
}

bool vs_lat__ended(struct vs_lat *lat)
{
	struct vs_lat_totals t;

	vs_lat__totals(lat, &t);
	return vs_lat__now_waiting(&t) <= lat->cut_waiting &&
	       (int64_t)(t.started - t.ended) <= lat->cut_running;
}

static int attach_blame(struct vs_lat *lat)
{
	struct bpf_program *progs[] = {
		lat->skel->progs.task_switch, lat->skel->progs.work_activate,
		lat->skel->progs.log_start, lat->skel->progs.log_end,
	};
	/* The tracepoints that follow works log starts and ends themselves. */
	size_t nr = lat->tracepoints.nr ? 2 : 4;
	int err = 0;

	for (size_t i = 0; i < nr && !err; i++)
		err = attach(&lat->blame, progs[i]);
	return err;
}

int vs_lat__watch(struct vs_lat *lat, bool on)
{
	int err = 0;

	if (on == !!lat->blame.nr)
		return 0;
	lat->watched_ns = UINT64_MAX;
	if (on)
		err = attach_blame(lat);
	if (on && !err)
		lat->watched_ns = vs_host__mono_ns();
	else
		detach(&lat->blame);
	return err;
}

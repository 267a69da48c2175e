/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finds where in vfio.ko a deferred put is queued, starts and ends: with kprobes there nothing has
 * to be attached to the host's workqueue tracepoints. Pure.
 */
#ifndef VFIOSCOPE_LATENCY_PLACES_H
#define VFIOSCOPE_LATENCY_PLACES_H

#include <stdbool.h>

#include "probe/plan.h"

/*
 * Fills `places` with the probes for the programs put_queue, put_queued, put_start and put_end: the
 * notifier's call of queue_work_on() (also where vfio_group_schedule_put() is out of line), the
 * instruction after it, vfio_group_put_bg() and its kfree(). False, and no probes, when one of them
 * is not known: VFIO is built in, there is no file of it, kprobes at entries are silent
 * (ftrace_enabled=0), or it was built in some other way. The place after the call is for x86-64
 * only; without it a work's pool is known from its start on. -ENOMEM counts as false. Free with
 * vs_plan__free().
 */
bool vs_places__find(const struct vs_facts *facts, struct vs_plan *places);

#endif

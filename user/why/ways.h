/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tells the way by which a device leaves its driver, from the stack of the task that takes it away.
 * This is the only place that knows those functions.
 */
#ifndef VFIOSCOPE_WHY_WAYS_H
#define VFIOSCOPE_WHY_WAYS_H

#include "evidence/evidence.h"

/*
 * Writes "hot-unplug by ACPI", "unbind through sysfs" ... of at most `size` bytes; "" when no
 * frame says it. Returns buf.
 */
const char *vs_ways__of(const struct vs_ev_task *t, char *buf, size_t size);

#endif

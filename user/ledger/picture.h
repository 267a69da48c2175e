/* SPDX-License-Identifier: GPL-2.0 */
/* The interleaving that led to a deadlock, from the history of the group. */
#ifndef VFIOSCOPE_LEDGER_PICTURE_H
#define VFIOSCOPE_LEDGER_PICTURE_H

#include "ledger/finding.h"
#include "ledger/groups.h"
#include "ledger/sites.h"
#include "ledger/tasks.h"

/*
 * Fills the rows of @f->picture for its task: the events of @group from the task's notifier-enter on.
 * @task may be NULL when its entry was not seen; then the rows begin at the task's last get in the
 * notifier.
 */
void vs_picture__build(struct vs_finding *f, const struct vs_groups *groups,
		       const struct vs_group *group, const struct vs_task *task,
		       struct vs_sites *sites);

#endif

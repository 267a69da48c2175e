/* SPDX-License-Identifier: GPL-2.0 */
/* Finds the locks of logged tasks, as far as the functions that they stand in tell them. */
#ifndef VFIOSCOPE_KLOG_LOCKS_H
#define VFIOSCOPE_KLOG_LOCKS_H

#include "evidence/evidence.h"

/* Fills in lock_kind, lock_name and owner of e->logged. */
void klog_locks__find(struct vs_evidence *e);

#endif

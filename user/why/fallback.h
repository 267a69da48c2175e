/* SPDX-License-Identifier: GPL-2.0 */
/* Evidence where BPF is not available: /proc and sysfs alone, and what that cannot show. */
#ifndef VFIOSCOPE_WHY_FALLBACK_H
#define VFIOSCOPE_WHY_FALLBACK_H

#include "evidence/evidence.h"

/*
 * Adds tasks with their stacks (/proc/TID/stack), and the open files of processes by
 * name. Everything is read in a child (proc.h). Needs root. 0, -EPERM when stacks may not be
 * read, -ENOMEM.
 */
int vs_fallback__collect(struct vs_evidence *e);

#endif

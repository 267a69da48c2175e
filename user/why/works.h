/* SPDX-License-Identifier: GPL-2.0 */
/* Finds the outstanding deferred puts in the lists of the workqueue, without history. */
#ifndef VFIOSCOPE_WHY_WORKS_H
#define VFIOSCOPE_WHY_WORKS_H

#include "evidence/evidence.h"
#include "kernel/mem.h"
#include "snapshot/layout.h"

/*
 * Adds to e->works all items of @func (the address of vfio_group_put_bg) in workqueue @wq (a struct
 * workqueue_struct *), and to e->workers the functions that their pools run; @name resolves a
 * function's address. 0, -EFAULT when a list could not be followed, -ENOTSUP, -ENOMEM.
 */
int vs_works__find(const struct vs_mem *mem, const struct vs_snap_layout *layout, uint64_t wq,
		   uint64_t func, void (*name)(void *ctx, uint64_t address, char *buf, size_t size),
		   void *ctx, struct vs_evidence *e);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* Evidence of the running host. */
#ifndef VFIOSCOPE_WHY_COLLECT_H
#define VFIOSCOPE_WHY_COLLECT_H

#include <stdio.h>

#include "evidence/evidence.h"

struct vs_dump;

struct vs_collect_opts {
	uint32_t pid;		/* of interest even if it seems to wait for nothing; 0: none */
	bool no_bpf;		/* as where BPF is not available */
	bool no_fix;		/* nobody asks if the kernel has the fix, which takes a while to find out */
	FILE *all_stacks;	/* the stack of every task is written there; NULL: nowhere */
	struct vs_dump *dump;	/* the machine is that of a dump; NULL: the one that this runs on */
};

/*
 * Looks at the host: hooks nothing, takes no lock of a task, and reads /proc of others only in a
 * child (proc.h), so it does not hang where others do. 0; -EPERM without privileges, or
 * another negative errno, with words in `error`. Free with vs_evidence__free().
 */
int vs_evidence__collect(const struct vs_collect_opts *opts, struct vs_evidence *e, char *error,
			 size_t size);

#endif

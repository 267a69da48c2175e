/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel symbols that the snapshot starts from. */
#ifndef VFIOSCOPE_SNAPSHOT_SYMBOLS_H
#define VFIOSCOPE_SNAPSHOT_SYMBOLS_H

#include <stdio.h>

#include "snapshot/snapshot.h"

#define VS_SNAP_MAX_VFIO 4	/* v6.1 and later: three objects are called vfio */

struct vs_snap_symbols {
	/* Objects need CONFIG_KALLSYMS_ALL, which all distributions set. */
	uint64_t vfio[VS_SNAP_MAX_VFIO]; /* `struct vfio vfio`: one has the list of groups */
	size_t nr_vfio;
	uint64_t anon_inode_inode;	/* address of that pointer, 0 if not known */
	/*
	 * file_operations.release of each kind of file. Functions are always in the
	 * table, so files are told apart by it and not by the address of their f_op.
	 */
	uint64_t release[VS_SNAP_FILE_KINDS];
};

/* From an open kallsyms file. -EPERM when addresses are hidden. */
int vs_snap_symbols__read(FILE *kallsyms, struct vs_snap_symbols *symbols);

#endif

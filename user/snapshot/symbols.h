/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel symbols that the snapshot starts from. A loaded module has its table of
 * symbols in memory; reading that takes less than a millisecond, and the 150,000 lines of
 * /proc/kallsyms some 40. So that file is read only where VFIO is built in.
 */
#ifndef VFIOSCOPE_SNAPSHOT_SYMBOLS_H
#define VFIOSCOPE_SNAPSHOT_SYMBOLS_H

#include <stdio.h>

#include "kernel/mem.h"
#include "snapshot/layout.h"
#include "snapshot/snapshot.h"

/* Kinds of files in which others may be kept open. They have no rows of their own in a snapshot. */
enum { VS_FILE_SOCKET = VS_SNAP_FILE_KINDS, VS_FILE_RING, VS_FILE_KINDS };

#define VS_SNAP_MAX_VFIO 4	/* v6.1 and later: three objects are called vfio */

struct vs_snap_symbols {
	/* `struct vfio vfio`: one has the list of groups. Needs CONFIG_KALLSYMS_ALL, which
	 * all distributions set. */
	uint64_t vfio[VS_SNAP_MAX_VFIO];
	size_t nr_vfio;
	bool built_in;	/* VFIO is in vmlinux, by kallsyms: no address of it will change */
	/*
	 * file_operations.release of each kind of file. Functions are always in the
	 * table, so it and not the address of their f_op tells files apart.
	 */
	uint64_t release[VS_FILE_KINDS];
	uint64_t iommu_groups;	/* struct kset **: all IOMMU groups of the host. From kallsyms alone */
};

/* Adds what an open /proc/kallsyms says. -EPERM when addresses are hidden. */
int vs_snap_symbols__read(FILE *kallsyms, struct vs_snap_symbols *symbols);

/* Adds those of the struct module at this address. -EFAULT, -ENOTSUP, -ENOMEM. */
int vs_snap_symbols__of_module(const struct vs_mem *mem, const struct vs_snap_layout *layout,
			       uint64_t module, struct vs_snap_symbols *symbols);

/*
 * Calls `each` for those of the struct module at this address that have a place; a function has the type 't', all
 * else 'd'. 0, or what `each` returned, or an error as above.
 */
struct vs_symbol;
int vs_snap_symbols__each_of_module(const struct vs_mem *mem, const struct vs_snap_layout *layout, uint64_t module,
				    int (*each)(void *ctx, const struct vs_symbol *symbol), void *ctx);

/* VFIO is there. */
bool vs_snap_symbols__have_vfio(const struct vs_snap_symbols *symbols);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finds followed code that is not what its file says: functions that a livepatch has replaced.
 * Their place still holds probes, but the code that runs is elsewhere.
 */
#ifndef VFIOSCOPE_PATCHED_H
#define VFIOSCOPE_PATCHED_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The first livepatch in force (enabled, or on its way in or out) that replaces a function of VFIO
 * (vfio.ko's; where it is built in, any by its name), or another one of vmlinux that probes are in
 * or that VFIO's puts go through. Words such as "livepatch NAME replaces vfio_group_put_bg of vfio
 * (and 2 more)" into `words`. False, and "", when there is none. `root` is prefixed to /sys ("").
 * It costs some calls of readdir(3), so it may be called each second. Source:
 * Documentation/ABI/testing/sysfs-kernel-livepatch (v4.0, b700e7f03df5).
 */
bool vs_patched__find(const char *root, char *words, size_t size);

/*
 * Returns true if that livepatch (its name below /sys/kernel/livepatch) is in force and replaces a
 * function of VFIO itself: vfio.ko's, or by its name one of a built-in VFIO.
 */
bool vs_patched__is_of_vfio(const char *root, const char *livepatch);

#endif

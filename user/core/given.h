/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads what a dump lacks from a file that the user has: a vmlinux (its BTF, its table of symbols), BTF alone
 * as in /sys/kernel/btf, or a System.map.
 */
#ifndef VFIOSCOPE_CORE_GIVEN_H
#define VFIOSCOPE_CORE_GIVEN_H

#include "core/image.h"
#include "kernel/btf.h"

/* Returns NULL with errno if it fails; ENOENT: the file has none. */
struct vs_btf *vs_core_given__types(const char *path);

/* Fills image->syms, moved to where the image is. 0; -ENOENT: none are in it; -EINVAL: of another kernel. */
int vs_core_given__symbols(const char *path, struct vs_core_image *image);

#endif

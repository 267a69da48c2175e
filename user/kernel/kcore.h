/* SPDX-License-Identifier: GPL-2.0 */
/* Reads the memory of the running kernel from /proc/kcore: its text, as it is executed. */
#ifndef VFIOSCOPE_KCORE_H
#define VFIOSCOPE_KCORE_H

#include <stddef.h>
#include <stdint.h>

struct vs_kcore;

/*
 * `root` is prefixed to the path ("" for the system). NULL with errno set: EPERM without
 * CAP_SYS_RAWIO or under lockdown, ENOENT without CONFIG_PROC_KCORE, ENOEXEC for a file that is no
 * core file of 64 bits. The caller frees it.
 */
struct vs_kcore *vs_kcore__open(const char *root);
void vs_kcore__free(struct vs_kcore *kcore);	/* NULL is fine */

/* "x86_64", "aarch64" or "other". */
const char *vs_kcore__machine(const struct vs_kcore *kcore);

/* Reads `len` bytes at an address of the kernel. 0 or negative errno; -EFAULT: nothing is there. */
int vs_kcore__read(const struct vs_kcore *kcore, uint64_t addr, void *buf, size_t len);

#endif

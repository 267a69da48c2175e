/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The keeper is the one part of a live run that stays privileged: a small process that does
 * on request what cannot be done in advance, and no more than that:
 *
 *	the kernel stack of a task	CAP_SYS_ADMIN (v4.19, f8a00cef1720), CAP_SYS_PTRACE
 *	a kprobe at an address		CAP_PERFMON; CAP_SYS_ADMIN on Debian's kernels with
 *					kernel.perf_event_paranoid=3, their default
 *	a watchpoint on 4 bytes		CAP_SYS_ADMIN (hw_breakpoint_parse())
 *	the text of vfio.ko in memory	/proc/kcore, which it opens before it gives
 *					CAP_SYS_RAWIO away; CAP_SYSLOG to find its address
 *
 * It has none of our descriptors, takes requests of one fixed size, reads no files but
 * /proc/TID/stack and those with the address of vfio.ko, no memory but that of vfio.ko, and
 * ends with us. It does not know which program runs at a kprobe.
 */
#ifndef VFIOSCOPE_KEEPER_H
#define VFIOSCOPE_KEEPER_H

#include <stddef.h>
#include <stdint.h>

struct vs_keeper;

/*
 * The reader of the loaded vfio.ko's text (vfio/module_text.h has the one). The keeper's process opens
 * it before it gives privileges away; read() returns -EPERM if that failed.
 */
struct vs_keeper_text {
	void *(*open)(void);
	int (*read)(const void *opened, const char *section, uint64_t off, void *buf, size_t len);
};

/* Starts it; call this before vs_sandbox__enter(). The caller keeps `text`. NULL with errno. */
struct vs_keeper *vs_keeper__start(const struct vs_keeper_text *text);

/*
 * As vs_host__kernel_stack(): 0 with text in `buf`, or a negative errno. Waits 50 ms at most
 * (-ETIMEDOUT): the task in question may keep the keeper waiting. NULL: this process does it.
 */
int vs_keeper__stack(struct vs_keeper *k, uint32_t tid, char *buf, size_t size);

/*
 * Opens a perf event that is a kprobe on the instruction at `addr`; `type` is perf's number for
 * them. Returns a descriptor, which the caller owns, or a negative errno; -EMFILE: we have no room
 * for one. NULL: this process opens it.
 */
int vs_keeper__kprobe(struct vs_keeper *k, int type, uint64_t addr);

/* Opens a disabled watchpoint on writes to the 4 bytes at `addr` on that CPU, in the same way. */
int vs_keeper__watchpoint(struct vs_keeper *k, uint64_t addr, int cpu);

/*
 * Reads `len` bytes of the section of that name of the loaded vfio.ko, from its start on
 * (vfio/module_text.h). 0, or its errors; -EPERM where the keeper may not read memory. Waits 1 s
 * at most for each 8 KiB (-ETIMEDOUT). Not NULL.
 */
int vs_keeper__text(struct vs_keeper *k, const char *section, uint8_t *buf, size_t len);

/* Ends it. NULL is fine. */
void vs_keeper__free(struct vs_keeper *k);

#endif

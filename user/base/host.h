/* SPDX-License-Identifier: GPL-2.0 */
/* Small questions to the running host: sysfs, /proc, clocks. */
#ifndef VFIOSCOPE_HOST_H
#define VFIOSCOPE_HOST_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

uint64_t vs_host__mono_ns(void);	/* CLOCK_MONOTONIC */
uint64_t vs_host__wall_ns(void);	/* CLOCK_REALTIME */

/*
 * Lists the devices of an IOMMU group, sorted, space-separated: "0000:00:05.0 0000:00:05.1". Returns 0,
 * -ENOENT when there is no such group, -ENOSPC when the list was cut.
 */
int vs_host__group_devices(int iommu_group, char *buf, size_t size);

/* Reads /proc/TID/stack unchanged, one frame per line. Returns 0 or negative errno. */
int vs_host__kernel_stack(uint32_t tid, char *buf, size_t size);

/*
 * Reads the beginning of @root/proc/ID/NAME, terminated, as far as one read(2) goes. Returns its length or
 * -1. Some files wait for locks of the task: do not read those of tasks that may be stuck.
 */
ssize_t vs_host__proc_file(const char *root, uint32_t id, const char *name, char *buf, size_t size);

/* Returns the columns of the terminal on `fd`, 0 when it is none. */
unsigned int vs_host__columns(int fd);

#endif

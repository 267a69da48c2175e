/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A dump of a machine's memory, by physical address: an ELF core (QEMU's dump-guest-memory, virsh
 * dump --memory-only, /proc/vmcore, makedumpfile -E) or a kdump-compressed one (makedumpfile -c, -z;
 * QEMU's -z), also as a stream. Nothing in it is trusted; what is held in memory is
 * bounded, whatever the size of the dump.
 */
#ifndef VFIOSCOPE_CORE_FILE_H
#define VFIOSCOPE_CORE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/bytes.h"

#define VS_CORE_PAGE 4096
#define VS_CORE_MAX_CPUS 4096	/* whose registers are kept */
#define VS_CORE_NOT_KNOWN UINT64_MAX

/* Registers of one CPU at that moment. */
struct vs_core_cpu {
	bool has_regs;
	uint64_t ip, sp, bp;
	bool user;		/* it was in user space */
	uint64_t cr3, cr4;	/* QEMU tells them; VS_CORE_NOT_KNOWN */
};

struct vs_core_format;

struct vs_core {
	struct vs_core_bytes bytes;
	const struct vs_core_format *format;
	void *of_format;
	char *info;		/* the text of VMCOREINFO, NULL: there is none */
	struct vs_core_cpu *cpus;
	size_t nr_cpus;
	bool incomplete;	/* it says itself that it is cut off: the disk was full */
	bool leaves_out;	/* pages of some kinds were left out, or nothing says that none was */
	struct vs_core_page *cache;
};

/* 0; -EINVAL or another negative errno with a sentence in `error`. Close it in either case. */
int vs_core__open(const char *path, struct vs_core *core, char *error, size_t size);

/* The same of bytes in memory, which the caller keeps. */
int vs_core__open_memory(const void *memory, size_t len, struct vs_core *core, char *error, size_t size);
void vs_core__close(struct vs_core *core);

/* All of it; -EFAULT: not in the dump; -EIO: damaged; -ENOTSUP: packed by what is not known here. */
int vs_core__read(struct vs_core *core, uint64_t physical, void *buf, size_t len);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads the memory of a task's kernel stack. Its size differs: 16 KiB on x86_64 and on arm64 with pages of
 * 4 KiB, twice that with KASAN, 64 KiB on arm64 with pages of that size. The kernel's own record of the
 * mapping tells it; where stacks are not mapped (no CONFIG_VMAP_STACK) it is not known, and the usual size
 * is taken, since the memory after it may belong to others.
 */
#ifndef VFIOSCOPE_SNAPSHOT_KSTACK_H
#define VFIOSCOPE_SNAPSHOT_KSTACK_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/stacks.h"
#include "kernel/mem.h"

#define VS_KSTACK_USUAL 16384
#define VS_KSTACK_MOST 65536
#define VS_KSTACK_WORDS (VS_KSTACK_MOST / 8)

/* Bytes of the stack of the task of @row, VS_KSTACK_MOST at most. */
size_t vs_kstack__bytes(const struct vs_stack_row *row);

/* Reads it from its lowest address on. Returns how many words there are: fewer where a page is not there. */
size_t vs_kstack__read(const struct vs_mem *mem, const struct vs_stack_row *row, uint64_t words[VS_KSTACK_WORDS]);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* What the programs of bpf/snapshot/ share with user space. */
#ifndef VFIOSCOPE_PEEK_H
#define VFIOSCOPE_PEEK_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#include "events.h"

#define VS_PEEK_WORDS 64	/* reads of one run: 5.10 walks the loop once for each */
#define VS_PEEK_BLOCK 4096

/* One run fills values and errors for addresses, another the block. */
struct vs_peek_area {
	__u64 addresses[VS_PEEK_WORDS];
	__u64 values[VS_PEEK_WORDS];
	__s32 errors[VS_PEEK_WORDS];
	__u32 nr_words;
	__u32 block_len;
	__u64 block_address;
	__s32 block_error;
	__u32 pad;
	__u8 block[VS_PEEK_BLOCK];
};

/*
 * A task that has descriptors or an address space of its own: each process, and
 * each thread that shares less with its leader than threads do.
 */
struct vs_task_row {
	__u64 files;		/* struct files_struct *, 0: none any more */
	__u64 mm;		/* struct mm_struct *, 0: none any more */
	__u32 tgid;
	__u32 tid;
	__u32 kernel_thread;	/* its mm, if any, is borrowed (kthread_use_mm()) */
	__u32 is_reader;	/* the process that reads these rows */
	char comm[VS_COMM_LEN];
};
_Static_assert(sizeof(struct vs_task_row) == 48, "struct vs_task_row is ABI");

#endif

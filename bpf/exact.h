/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the program behind a watchpoint hands to user space: not part of the event
 * ABI, user/probe/exact.c makes a VS_CHANGE of it.
 */
#ifndef VFIOSCOPE_EXACT_H
#define VFIOSCOPE_EXACT_H

#include "events.h"

#define VS_REGISTERS 16
#define VS_CODE_LEN 16	/* an instruction has 15 bytes at most */

/* The CPU right after an instruction that wrote. */
struct vs_trap {
	__u64 ip;		/* of the next instruction */
	__u64 flags;
	__u64 registers[VS_REGISTERS]; /* numbered as instructions do: rax rcx rdx rbx rsp ... */
	__u32 nr_code;		/* VS_CODE_LEN, or 0: could not be read */
	__u32 pad;
	__u8 code[VS_CODE_LEN];	/* what lies before ip */
};

/* Its type is VS_CHANGE, its size that of all of it; refs and direction are not filled. */
struct vs_raw_change {
	struct vs_stack_event s;
	struct vs_trap trap;
};

_Static_assert(sizeof(struct vs_raw_change) == sizeof(struct vs_stack_event) + 168,
	       "struct vs_raw_change is the same on both sides");

#endif

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VFIOSCOPE_REFWATCH_H
#define VFIOSCOPE_REFWATCH_H

#define MAX_CPUS 4
#define MAX_WRITES 32768	/* kept of each CPU */
#define CODE_BYTES 12

enum { CARRY_BIT = 0, ZERO_BIT = 6 };

/* One hit of the watchpoint. */
struct write_seen {
	__u64 time_ns;
	__u64 ip;		/* of the next instruction */
	__u64 flags;
	__u64 ax, cx, dx, bx, bp, si, di;
	__u64 r[8];		/* r8 to r15 */
	__u32 tid;
	__u32 cpu;
	__s32 memory;		/* read in the handler: exact where there is one CPU only */
	__u8 code[CODE_BYTES];	/* before ip */
};

#endif

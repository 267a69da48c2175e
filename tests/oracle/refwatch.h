/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VFIOSCOPE_REFWATCH_H
#define VFIOSCOPE_REFWATCH_H

#define ZERO_FLAG_BIT 6

/* Where a write was made: the instruction after it, and the zero flag it left. */
struct write_place {
	__u64 ip;
	__u64 zero;
};

#endif

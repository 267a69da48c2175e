/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finds the value that an instruction wrote which a watchpoint has just seen. It uses
 * the registers, the flags and the code, never memory, which another CPU may have
 * changed since. Pure.
 *
 * x86 instructions cannot be read backwards for certain. So every start that gives
 * an instruction ending at ip is tried; it counts only if its memory operand is the
 * watched counter, and all that count must say the same. In v5.10 to v7.x
 * refcount_t and atomic_t are compiled to:
 *
 *   lock xadd %reg,(mem)	reg has the old value; the flags are those of the
 *				addition, and tell what was added
 *   lock cmpxchg %reg,(mem)	zero flag set: rax has the old value, reg the new one;
 *				clear: the old value was written back, no change
 *   mov $imm,(mem)		kref_init(), refcount_set(), saturation
 *   lock inc, dec, add, sub	direction; the value only when it became 0
 */
#ifndef VFIOSCOPE_EXACT_DECODE_H
#define VFIOSCOPE_EXACT_DECODE_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/exact.h"

enum vs_write_kind {
	VS_WRITE_UNKNOWN,	/* not decoded: nothing below is set */
	VS_WRITE_NO_CHANGE,	/* the old value was written again */
	VS_WRITE_CHANGE,
};

struct vs_write {
	enum vs_write_kind kind;
	int direction;		/* 1: went up, -1: went down, 0: not known */
	bool has_value;
	int32_t value;		/* after */
};

/* @counter: address of the four bytes watched. */
struct vs_write vs_write__decode(const struct vs_trap *trap, uint64_t counter);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The few x86-64 instructions that matter around a reference count. No
 * disassembler: each function is asked about bytes known to start, or to end,
 * at an instruction boundary (a relocation or .smp_locks says so).
 */
#ifndef VFIOSCOPE_KMOD_X86_H
#define VFIOSCOPE_KMOD_X86_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
	VS_X86_REX_B = 1,
	VS_X86_REX_X = 2,
	VS_X86_REX_R = 4,
	VS_X86_REX_W = 8,
	VS_X86_RSI = 6,
};

#define VS_X86_CALL	0xe8
#define VS_X86_JMP	0xe9

/* Lost across a call: rax rcx rdx rsi rdi r8-r11. */
#define VS_X86_CALLER_SAVED 0x0fc7u

struct vs_x86_xadd {
	uint8_t base_reg;
	uint8_t value_reg;
	uint8_t len;		/* bytes, prefix included */
	int32_t disp;
};

static inline int32_t vs_x86__s32(const uint8_t *p)
{
	return (int32_t)((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
			 (uint32_t)p[3] << 24);
}

/* `p` is at the ModRM byte; only base + displacement can be told to a probe. */
static inline bool vs_x86__memory_operand(const uint8_t *p, size_t len, uint8_t rex,
					  struct vs_x86_xadd *x)
{
	static const uint8_t disp_bytes[] = { 0, 1, 4 };
	uint8_t mod, base, used = 1;

	if (len < 2)
		return false;
	mod = p[0] >> 6;
	base = p[0] & 7;
	if (mod == 3)
		return false;
	if (base == 4) {
		if ((p[1] & 0x38) != 0x20 || (rex & VS_X86_REX_X))
			return false;
		base = p[1] & 7;
		used = 2;
	}
	if ((mod == 0 && base == 5) || len < (size_t)used + disp_bytes[mod])
		return false;
	if (mod)
		x->disp = mod == 1 ? (int8_t)p[used] : vs_x86__s32(p + used);
	x->base_reg = base | (rex & VS_X86_REX_B) << 3;
	x->value_reg = (p[0] >> 3 & 7) | (rex & VS_X86_REX_R) << 1;
	x->len = used + disp_bytes[mod];
	return true;
}

/* `lock OPCODE r32, m32`, `p` at the prefix: a kernel that boots on one CPU makes it ds. */
static inline bool vs_x86__locked(const uint8_t *p, size_t len, uint8_t opcode,
				  struct vs_x86_xadd *x)
{
	uint8_t rex = 0;
	size_t at = 1;

	memset(x, 0, sizeof(*x));
	if (len < 5 || (p[0] != 0xf0 && p[0] != 0x3e))
		return false;
	if ((p[at] & 0xf0) == 0x40)
		rex = p[at++];
	if ((rex & VS_X86_REX_W) || p[at] != 0x0f || p[at + 1] != opcode)
		return false;
	at += 2;
	if (!vs_x86__memory_operand(p + at, len - at, rex, x))
		return false;
	x->len += at;
	/* the old value replaces the pointer: nothing to read the counter through */
	return x->base_reg != x->value_reg;
}

static inline bool vs_x86__locked_xadd(const uint8_t *p, size_t len, struct vs_x86_xadd *x)
{
	return vs_x86__locked(p, len, 0xc1, x);
}

static inline bool vs_x86__locked_cmpxchg(const uint8_t *p, size_t len, struct vs_x86_xadd *x)
{
	return vs_x86__locked(p, len, 0xb1, x);
}

/*
 * Does `prefix` go with register `reg`? 41 and 49 select r8-r15. As the last
 * byte of the instruction before they would be an odd displacement, rare.
 */
static inline bool vs_x86__prefix_fits(uint8_t prefix, uint8_t reg)
{
	return reg < 8 ? prefix != 0x41 && prefix != 0x49 : prefix == 0x41;
}

/* +1 or -1 when `p` is at the opcode of `mov $±1,reg` or `or $-1,reg`; else 0. */
static inline int vs_x86__constant(const uint8_t *p, size_t len, uint8_t reg)
{
	if (len >= 5 && p[0] == (0xb8 | (reg & 7))) {
		int32_t imm = vs_x86__s32(p + 1);

		return imm == 1 || imm == -1 ? imm : 0;
	}
	if (len >= 3 && p[0] == 0x83 && p[1] == (0xc8 | (reg & 7)) && p[2] == 0xff)
		return -1;
	return 0;
}

/* The sign of the last constant put into `reg` before `end`: 1, -1, or 0 when none is seen. */
static inline int vs_x86__last_constant(const uint8_t *start, const uint8_t *end, uint8_t reg)
{
	for (const uint8_t *p = end; p-- > start;) {
		int sign = vs_x86__constant(p, (size_t)(end - p), reg);

		if (sign && (p > start ? vs_x86__prefix_fits(p[-1], reg) : reg < 8))
			return sign;
	}
	return 0;
}

/* Bytes of the instruction before a 32-bit field at `field`: does it load a constant into rsi? */
static inline bool vs_x86__loads_rsi(const uint8_t *field, bool pc_relative)
{
	static const uint8_t lea[] = { 0x48, 0x8d, 0x35 };
	static const uint8_t mov[] = { 0x48, 0xc7, 0xc6 };

	return !memcmp(field - 3, pc_relative ? lea : mov, 3);
}

/* `mov`/`lea` that would replace rsi; may see one where there is none, never the reverse. */
static inline bool vs_x86__writes_rsi(const uint8_t *p, const uint8_t *end)
{
	for (; p + 3 <= end; p++) {
		if ((p[0] & 0xf8) != 0x48)
			continue;
		if (p[1] == 0x89 && (p[2] & 0xc7) == (0xc0 | VS_X86_RSI) &&
		    !(p[0] & VS_X86_REX_B))
			return true;
		if ((p[1] == 0x8b || p[1] == 0x8d) && (p[2] & 0x38) == VS_X86_RSI << 3 &&
		    !(p[0] & VS_X86_REX_R))
			return true;
	}
	return false;
}

#endif

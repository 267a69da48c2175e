// SPDX-License-Identifier: GPL-2.0
#include "code/exact_decode.h"

#include <stddef.h>
#include <string.h>

enum { REX_B = 1, REX_X = 2, REX_R = 4, REX_W = 8 };
enum { RAX = 0, RSP = 4, RBP = 5 };

enum {
	CARRY = 1 << 0,
	PARITY = 1 << 2,
	ADJUST = 1 << 4,
	ZERO = 1 << 6,
	SIGN = 1 << 7,
	OVERFLOW = 1 << 11,
	ARITHMETIC = CARRY | PARITY | ADJUST | ZERO | SIGN | OVERFLOW,
};

/* Two-byte opcodes as 0x0fNN. */
enum opcode {
	ADD = 0x01,
	SUB = 0x29,
	GROUP1_IMM32 = 0x81,
	GROUP1_IMM8 = 0x83,
	MOV = 0x89,
	MOV_IMM32 = 0xc7,
	GROUP5 = 0xff,
	CMPXCHG = 0x0fb1,
	XADD = 0x0fc1,
};

struct instruction {
	const struct vs_trap *trap;
	size_t start, at;	/* first byte; next byte to read */
	bool locked;
	uint8_t rex;
	unsigned int opcode;
	unsigned int reg;	/* register, or extension of the opcode */
	unsigned int used;	/* bit for each register that the address is made of */
	uint64_t address;
	int32_t imm;
};

static uint64_t reg_value(const struct instruction *in, unsigned int reg)
{
	return in->trap->registers[reg];
}

static bool take(struct instruction *in, void *to, size_t len)
{
	if (in->at + len > VS_CODE_LEN)
		return false;
	memcpy(to, in->trap->code + in->at, len);
	in->at += len;
	return true;
}

static bool take_signed(struct instruction *in, size_t len, int32_t *value)
{
	int8_t byte = 0;

	*value = 0;
	if (len == 4)
		return take(in, value, 4);
	if (len && !take(in, &byte, 1))
		return false;
	*value = byte;
	return true;
}

/* A kernel that runs on one CPU has replaced LOCK by DS (alternatives). */
static bool take_prefixes(struct instruction *in, uint8_t *byte)
{
	if (!take(in, byte, 1))
		return false;
	in->locked = *byte == 0xf0 || *byte == 0x3e;
	if (in->locked && !take(in, byte, 1))
		return false;
	if ((*byte & 0xf0) != 0x40)
		return true;
	in->rex = *byte;
	return take(in, byte, 1);
}

static bool take_opcode(struct instruction *in)
{
	uint8_t byte;

	if (!take_prefixes(in, &byte))
		return false;
	in->opcode = byte;
	if (byte != 0x0f)
		return true;
	if (!take(in, &byte, 1))
		return false;
	in->opcode = 0x0f00 | byte;
	return true;
}

static void add_register(struct instruction *in, unsigned int reg, unsigned int scale)
{
	in->used |= 1u << reg;
	in->address += reg_value(in, reg) << scale;
}

/* False: no base, a displacement of 32 bits takes its place. */
static bool take_sib(struct instruction *in, unsigned int mod, bool *has_base)
{
	unsigned int index, base;
	uint8_t sib;

	if (!take(in, &sib, 1))
		return false;
	index = (sib >> 3 & 7) | (in->rex & REX_X ? 8 : 0);
	base = (sib & 7) | (in->rex & REX_B ? 8 : 0);
	*has_base = mod || (base & 7) != RBP;
	if (index != RSP)
		add_register(in, index, sib >> 6);
	if (*has_base)
		add_register(in, base, 0);
	return true;
}

static bool take_base(struct instruction *in, unsigned int mod, unsigned int rm, bool *has_base)
{
	*has_base = true;
	if (rm == RSP)
		return take_sib(in, mod, has_base);
	*has_base = mod || rm != RBP;
	if (*has_base)
		add_register(in, rm | (in->rex & REX_B ? 8 : 0), 0);
	else
		in->address += in->trap->ip;
	return true;
}

static bool take_operands(struct instruction *in)
{
	static const size_t disp_bytes[] = { 0, 1, 4 };
	unsigned int mod;
	bool has_base;
	int32_t disp;
	uint8_t modrm;

	if (!take(in, &modrm, 1))
		return false;
	mod = modrm >> 6;
	in->reg = (modrm >> 3 & 7) | (in->rex & REX_R ? 8 : 0);
	if (mod == 3 || !take_base(in, mod, modrm & 7, &has_base) ||
	    !take_signed(in, has_base ? disp_bytes[mod] : 4, &disp))
		return false;
	in->address += (int64_t)disp;
	return true;
}

static size_t imm_bytes(unsigned int opcode)
{
	if (opcode == GROUP1_IMM8)
		return 1;
	return opcode == GROUP1_IMM32 || opcode == MOV_IMM32 ? 4 : 0;
}

/* Returns true if the bytes from @start on are one instruction that ends at ip. */
static bool parse(struct instruction *in, const struct vs_trap *trap, size_t start)
{
	*in = (struct instruction){ .trap = trap, .start = start, .at = start };
	return take_opcode(in) && take_operands(in) &&
	       take_signed(in, imm_bytes(in->opcode), &in->imm) && in->at == VS_CODE_LEN;
}

/* The flags that an addition leaves: Intel SDM volume 1, 3.4.3.1. */
static uint32_t flags_of_add(uint32_t old, uint32_t added)
{
	uint32_t sum = old + added, flags = 0;

	flags |= sum < old ? CARRY : 0;
	flags |= __builtin_parity(sum & 0xff) ? 0 : PARITY;
	flags |= (old ^ added ^ sum) & ADJUST;
	flags |= sum ? 0 : ZERO;
	flags |= sum >> 31 ? SIGN : 0;
	flags |= (~(old ^ added) & (old ^ sum)) >> 31 ? OVERFLOW : 0;
	return flags;
}

static bool fits(const struct vs_trap *trap, uint32_t old, int added)
{
	return (trap->flags & ARITHMETIC) == flags_of_add(old, (uint32_t)added);
}

/*
 * Returns true if a "mov $imm,%reg" right before it loads something else than 1 or -1: then it is
 * no get or put, and its flags could look like theirs.
 */
static bool adds_other_number(const struct instruction *in)
{
	const uint8_t *code = in->trap->code + in->start;
	int32_t imm;

	if (in->start < 5 || code[-5] != (0xb8 | (in->reg & 7)))
		return false;
	memcpy(&imm, code - 4, 4);
	return imm != 1 && imm != -1;
}

static const struct vs_write unknown = { VS_WRITE_UNKNOWN, 0, false, 0 };
static const struct vs_write no_change = { VS_WRITE_NO_CHANGE, 0, false, 0 };

static struct vs_write changed(int direction, int32_t value)
{
	return (struct vs_write){ VS_WRITE_CHANGE, direction, true, value };
}

static struct vs_write judge_xadd(const struct instruction *in)
{
	uint32_t old = (uint32_t)reg_value(in, in->reg);
	bool up = fits(in->trap, old, 1), down = fits(in->trap, old, -1);

	if (up == down || adds_other_number(in))
		return unknown;
	return changed(up ? 1 : -1, (int32_t)(up ? old + 1 : old - 1));
}

static struct vs_write judge_cmpxchg(const struct instruction *in)
{
	int32_t old = (int32_t)reg_value(in, RAX), new = (int32_t)reg_value(in, in->reg);

	if (!(in->trap->flags & ZERO) || new == old)
		return no_change;
	return changed(new > old ? 1 : -1, new);
}

/* The flags tell the value left in memory only when it is 0. */
static struct vs_write judge_step(const struct instruction *in, int64_t added)
{
	struct vs_write write = { VS_WRITE_CHANGE, added > 0 ? 1 : -1, false, 0 };

	if (!added)
		write = no_change;
	else if (in->trap->flags & ZERO)
		write.has_value = true;
	return write;
}

static struct vs_write judge_locked(const struct instruction *in)
{
	bool is_group1 = in->opcode == GROUP1_IMM8 || in->opcode == GROUP1_IMM32;

	if (in->opcode == XADD)
		return judge_xadd(in);
	if (in->opcode == CMPXCHG)
		return judge_cmpxchg(in);
	if (in->opcode == GROUP5 && (in->reg & 7) < 2)
		return judge_step(in, in->reg & 7 ? -1 : 1);
	if (is_group1 && (in->reg & 7) == 0)
		return judge_step(in, in->imm);
	if (is_group1 && (in->reg & 7) == 5)
		return judge_step(in, -(int64_t)in->imm);
	if (in->opcode == ADD)
		return judge_step(in, (int32_t)reg_value(in, in->reg));
	if (in->opcode == SUB)
		return judge_step(in, -(int64_t)(int32_t)reg_value(in, in->reg));
	return unknown;
}

/* In the kernel a read-modify-write has a LOCK: without one, this is another instruction's tail. */
static struct vs_write judge(const struct instruction *in)
{
	if (in->locked && !(in->rex & REX_W))
		return judge_locked(in);
	if (!in->locked && in->opcode == MOV)
		return changed(0, (int32_t)reg_value(in, in->reg));
	if (!in->locked && in->opcode == MOV_IMM32 && !(in->reg & 7))
		return changed(0, in->imm);
	return unknown;
}

/* If xadd has overwritten a register that the address was made of, we cannot check the address. */
static bool is_elsewhere(const struct instruction *in, uint64_t counter)
{
	bool lost = in->opcode == XADD && (in->used >> in->reg & 1);

	return lost || in->address != counter;
}

static bool same(const struct vs_write *a, const struct vs_write *b)
{
	return a->kind == b->kind && a->direction == b->direction &&
	       a->has_value == b->has_value && a->value == b->value;
}

struct vs_write vs_write__decode(const struct vs_trap *trap, uint64_t counter)
{
	struct vs_write found = unknown, write;
	struct instruction in;

	for (size_t start = 1; trap->nr_code == VS_CODE_LEN && start < VS_CODE_LEN - 1; start++) {
		if (!parse(&in, trap, start) || is_elsewhere(&in, counter))
			continue;
		write = judge(&in);
		if (write.kind == VS_WRITE_UNKNOWN && !in.locked)
			continue;
		if (found.kind != VS_WRITE_UNKNOWN && !same(&found, &write))
			return unknown;
		if (write.kind == VS_WRITE_UNKNOWN)
			return unknown;
		found = write;
	}
	return found;
}

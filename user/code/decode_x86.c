// SPDX-License-Identifier: GPL-2.0
/* Lengths of x86-64 instructions, and the few that matter. */
#include <string.h>

#include "code/decode.h"

/* The operand bytes that follow an opcode. */
enum {
	NONE = '.',		/* nothing */
	MODRM = 'm',
	MODRM_8 = 'b',		/* ModRM and an immediate of one byte */
	MODRM_Z = 'z',		/* ModRM and an immediate of two or four bytes */
	IMM_8 = '1',
	IMM_16 = '2',
	IMM_24 = '3',		/* enter */
	IMM_Z = '4',
	IMM_V = '8',		/* up to eight bytes */
	OFFSET = 'o',		/* an address */
	TEST_8 = 't',		/* group 3: an immediate for test only */
	TEST_Z = 'T',
	REL_8 = 'j',
	REL_32 = 'J',
	PREFIX = 'p',
	ESCAPE = 'e',
	VEX_2 = 'v',
	VEX_3 = 'V',
	EVEX = 'E',
	BAD = 'x',
};

/* One row for 16 opcodes. */
static const char one_byte[] =
	"mmmm14xxmmmm14xe" "mmmm14xxmmmm14xx" "mmmm14pxmmmm14px" "mmmm14pxmmmm14px"
	"pppppppppppppppp" "................" "xxEmpppp4z1b...." "jjjjjjjjjjjjjjjj"
	"bzxbmmmmmmmmmmmm" "..........x....." "oooo....14......" "1111111188888888"
	"bb2.Vvbz3.2..1x." "mmmmxxx.mmmmmmmm" "jjjj1111JJxj...." "p.pp..tT......mm";

static const char two_byte[] =
	"mmmmx.....x.xm.b" "mmmmmmmmmmmmmmmm" "mmmmxxxxmmmmmmmm" "......x.xxxxxxxx"
	"mmmmmmmmmmmmmmmm" "mmmmmmmmmmmmmmmm" "mmmmmmmmmmmmmmmm" "bbbbmmm.mmmmmmmm"
	"JJJJJJJJJJJJJJJJ" "mmmmmmmmmmmmmmmm" "...mbmxx...mbmmm" "mmmmmmmmmmbmmmmm"
	"mmbmbbbm........" "mmmmmmmmmmmmmmmm" "mmmmmmmmmmmmmmmm" "mmmmmmmmmmmmmmmm";

_Static_assert(sizeof(one_byte) == 257 && sizeof(two_byte) == 257, "a row is not of 16");

struct cursor {
	const uint8_t *start, *p, *end;
	uint64_t pc;
	uint8_t rex, opcode, modrm;
	char map;		/* '1', '2': 0f, '8': 0f 38, 'a': 0f 3a */
	bool word;		/* 66: two bytes instead of four */
	bool short_address;	/* 67 */
	bool lock;
	const uint8_t *disp;	/* of four bytes, NULL without */
	bool rip_relative;
	const uint8_t *imm;	/* of four bytes, NULL without */
};

static bool left(const struct cursor *c, size_t nr)
{
	return (size_t)(c->end - c->p) >= nr;
}

static bool skip(struct cursor *c, size_t nr)
{
	if (!left(c, nr))
		return false;
	c->p += nr;
	return true;
}

static int32_t s32(const uint8_t *p)
{
	return (int32_t)((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
			 (uint32_t)p[3] << 24);
}

static bool take_modrm(struct cursor *c)
{
	uint8_t mod, rm, base;

	if (!left(c, 1))
		return false;
	c->modrm = *c->p++;
	mod = c->modrm >> 6;
	rm = c->modrm & 7;
	if (mod == 3)
		return true;
	base = rm;
	if (rm == 4) {
		if (!left(c, 1))
			return false;
		base = *c->p++ & 7;
	}
	if (mod == 1)
		return skip(c, 1);
	if (mod == 0 && base != 5)
		return true;
	c->rip_relative = mod == 0 && rm == 5;
	c->disp = c->p;
	return skip(c, 4);
}

static bool take_imm_z(struct cursor *c)
{
	if (!c->word)
		c->imm = c->p;
	return skip(c, c->word ? 2 : 4);
}

static bool take_imm_v(struct cursor *c)
{
	return c->rex & 8 ? skip(c, 8) : take_imm_z(c);
}

/* test is /0 and /1; the rest of group 3 has no immediate */
static bool is_test(const struct cursor *c)
{
	return (c->modrm & 0x30) == 0;
}

static bool take_operands(struct cursor *c, char form)
{
	switch (form) {
	case NONE:
		return true;
	case MODRM:
		return take_modrm(c);
	case MODRM_8:
		return take_modrm(c) && skip(c, 1);
	case MODRM_Z:
		return take_modrm(c) && take_imm_z(c);
	case IMM_8:
	case REL_8:
		return skip(c, 1);
	case IMM_16:
		return skip(c, 2);
	case IMM_24:
		return skip(c, 3);
	case IMM_Z:
		return take_imm_z(c);
	case IMM_V:
		return take_imm_v(c);
	case REL_32:
		return skip(c, 4);
	case OFFSET:
		return skip(c, c->short_address ? 4 : 8);
	case TEST_8:
		return take_modrm(c) && (!is_test(c) || skip(c, 1));
	case TEST_Z:
		return take_modrm(c) && (!is_test(c) || take_imm_z(c));
	default:
		return false;
	}
}

static bool take_opcode(struct cursor *c)
{
	if (!left(c, 1))
		return false;
	c->opcode = *c->p++;
	return true;
}

static bool take_prefixes(struct cursor *c)
{
	while (take_opcode(c) && one_byte[c->opcode] == PREFIX) {
		/* REX counts only right before the opcode */
		c->rex = (c->opcode & 0xf0) == 0x40 ? c->opcode : 0;
		c->word |= c->opcode == 0x66;
		c->short_address |= c->opcode == 0x67;
		/* ds, where the kernel runs on one CPU */
		c->lock |= c->opcode == 0xf0 || c->opcode == 0x3e;
		if (c->p - c->start > 14)
			return false;
	}
	return c->p > c->start && one_byte[c->opcode] != PREFIX;
}

static char vector_form(struct cursor *c)
{
	if (c->map == '2')
		return c->opcode == 0x77 ? NONE : two_byte[c->opcode] == MODRM_8 ? MODRM_8 : MODRM;
	return c->map == 'a' ? MODRM_8 : MODRM;
}

/* `bytes` of prefix after the first; `mmm` chooses the opcode map */
static char take_vector(struct cursor *c, size_t bytes, uint8_t mmm)
{
	static const char maps[] = "x28a";

	if (!skip(c, bytes) || !take_opcode(c) || mmm > 3)
		return BAD;
	c->map = maps[mmm];
	return c->map == 'x' ? BAD : vector_form(c);
}

static char take_two_byte(struct cursor *c)
{
	if (!take_opcode(c))
		return BAD;
	c->map = '2';
	if (c->opcode == 0x38 || c->opcode == 0x3a) {
		c->map = c->opcode == 0x38 ? '8' : 'a';
		return take_opcode(c) ? (c->map == '8' ? MODRM : MODRM_8) : BAD;
	}
	return two_byte[c->opcode];
}

static char take_form(struct cursor *c)
{
	c->map = '1';
	switch (one_byte[c->opcode]) {
	case ESCAPE:
		return take_two_byte(c);
	case VEX_2:
		return take_vector(c, 1, 1);
	case VEX_3:
		return left(c, 1) ? take_vector(c, 2, *c->p & 0x1f) : BAD;
	case EVEX:
		return left(c, 1) ? take_vector(c, 3, *c->p & 7) : BAD;
	default:
		return one_byte[c->opcode];
	}
}

static bool is_indirect_call(const struct cursor *c)
{
	return c->map == '1' && c->opcode == 0xff && (c->modrm >> 3 & 7) == 2;
}

static void set_branch(const struct cursor *c, char form, struct vs_insn *insn)
{
	int64_t rel = form == REL_8 ? (int8_t)c->p[-1] : s32(c->p - 4);

	insn->kind = c->map == '1' && c->opcode == 0xe8 ? VS_INSN_CALL : VS_INSN_JUMP;
	insn->target = c->pc + insn->len + (uint64_t)rel;
}

static void set_constant(struct vs_insn *insn, uint8_t reg, int32_t value)
{
	insn->constant = true;
	insn->reg = reg;
	insn->value = value;
}

/* mov $value,reg; or $-1,reg. It does not follow other changes of a register. */
static void see_constant(const struct cursor *c, struct vs_insn *insn)
{
	uint8_t rm = (c->modrm & 7) | (c->rex & 1) << 3;

	if (c->map != '1')
		return;
	if ((c->opcode & 0xf8) == 0xb8 && c->imm)
		set_constant(insn, (c->opcode & 7) | (c->rex & 1) << 3, s32(c->imm));
	else if (c->opcode == 0xc7 && c->modrm >> 6 == 3 && c->imm)
		set_constant(insn, rm, s32(c->imm));
	else if (c->opcode == 0x83 && (c->modrm & 0xf8) == 0xc8 && c->p[-1] == 0xff)
		set_constant(insn, rm, -1);
}

/* ret, jmp; jmp through a register or memory; not ud2: execution continues after a warning */
static bool is_end(const struct cursor *c)
{
	if (c->map != '1')
		return false;
	switch (c->opcode) {
	case 0xc2:
	case 0xc3:
	case 0xe9:
	case 0xeb:
		return true;
	case 0xff:
		return (c->modrm >> 3 & 7) == 4;
	default:
		return false;
	}
}

static void set_kind(const struct cursor *c, char form, struct vs_insn *insn)
{
	see_constant(c, insn);
	insn->ends = is_end(c);
	if (c->lock && c->map == '2' && (c->opcode == 0xc1 || c->opcode == 0xb1)) {
		insn->locked_add = c->opcode == 0xc1;
		insn->locked_exchange = c->opcode == 0xb1;
		insn->reg = (c->modrm >> 3 & 7) | (c->rex & 4) << 1;
	}
	if (form == REL_8 || form == REL_32) {
		set_branch(c, form, insn);
	} else if (insn->ends && c->opcode == 0xff) {
		insn->kind = VS_INSN_INDIRECT_JUMP;
	} else if (is_indirect_call(c)) {
		insn->kind = VS_INSN_INDIRECT_CALL;
	} else if (c->rip_relative) {
		insn->kind = VS_INSN_ADDRESS;
		insn->pc_relative = true;
		insn->target = c->pc + insn->len + (uint64_t)(int64_t)s32(c->disp);
	} else if (c->imm) {
		/* kernel addresses are sign-extended */
		insn->kind = VS_INSN_ADDRESS;
		insn->target = (uint64_t)(int64_t)s32(c->imm);
	}
}

bool vs_decode__x86(const uint8_t *p, size_t len, uint64_t pc, struct vs_insn *insn)
{
	struct cursor c = { .start = p, .p = p, .end = p + (len < 15 ? len : 15), .pc = pc };
	char form;

	memset(insn, 0, sizeof(*insn));
	if (!take_prefixes(&c))
		return false;
	form = take_form(&c);
	if (!take_operands(&c, form))
		return false;
	insn->len = (uint8_t)(c.p - p);
	set_kind(&c, form, insn);
	return true;
}

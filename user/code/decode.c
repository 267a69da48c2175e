// SPDX-License-Identifier: GPL-2.0
/* Decodes the architectures whose instructions tell their length at once. */
#include <string.h>

#include "code/decode.h"

static uint32_t le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t be32(const uint8_t *p)
{
	return p[3] | (uint32_t)p[2] << 8 | (uint32_t)p[1] << 16 | (uint32_t)p[0] << 24;
}

/* The low `bits` of `value` as a signed number, times four. */
static uint64_t scaled(uint32_t value, unsigned int bits)
{
	uint32_t top = 1u << (bits - 1);

	value &= (top << 1) - 1;
	return ((uint64_t)(value ^ top) - top) * 4;
}

static void set(struct vs_insn *insn, enum vs_insn_kind kind, uint64_t target)
{
	insn->kind = kind;
	insn->target = target;
}

static void set_adrp(uint32_t w, uint64_t pc, struct vs_insn *insn)
{
	uint32_t imm = (w >> 5 & 0x7ffff) << 2 | (w >> 29 & 3);

	set(insn, VS_INSN_PAGE, (pc & ~0xfffull) + (scaled(imm, 21) << 10));
	insn->reg = w & 31;
}

/* add xd, xd, #imm: what follows an adrp */
static void set_add(uint32_t w, struct vs_insn *insn)
{
	if ((w & 31) != (w >> 5 & 31) || (w >> 22 & 1))
		return;
	set(insn, VS_INSN_PAGE_ADD, w >> 10 & 0xfff);
	insn->reg = w & 31;
}

bool vs_decode__aarch64(const uint8_t *p, size_t len, uint64_t pc, struct vs_insn *insn)
{
	uint32_t w;

	memset(insn, 0, sizeof(*insn));
	if (len < 4)
		return false;
	w = le32(p);	/* also on a big-endian kernel */
	insn->len = 4;
	insn->ends = (w & 0xfc000000) == 0x14000000 ||	/* b */
		     (w & 0xfebff000) == 0xd61f0000;	/* br, ret and their kinds */
	if ((w & 0xfc000000) == 0x94000000)		/* bl */
		set(insn, VS_INSN_CALL, pc + scaled(w, 26));
	else if ((w & 0xfc000000) == 0x14000000)	/* b */
		set(insn, VS_INSN_JUMP, pc + scaled(w, 26));
	else if ((w & 0xff000000) == 0x54000000 ||	/* b.cond */
		 (w & 0x7e000000) == 0x34000000)	/* cbz, cbnz */
		set(insn, VS_INSN_JUMP, pc + scaled(w >> 5, 19));
	else if ((w & 0x7e000000) == 0x36000000)	/* tbz, tbnz */
		set(insn, VS_INSN_JUMP, pc + scaled(w >> 5, 14));
	else if ((w & 0xfefff000) == 0xd63f0000)	/* blr, blraa and its kind */
		set(insn, VS_INSN_INDIRECT_CALL, 0);
	else if ((w & 0xfefff000) == 0xd61f0000)	/* br, braa and its kind */
		set(insn, VS_INSN_INDIRECT_JUMP, 0);
	else if ((w & 0x9f000000) == 0x90000000)
		set_adrp(w, pc, insn);
	else if ((w & 0xff800000) == 0x91000000)
		set_add(w, insn);
	return true;
}

bool vs_decode__ppc64(const uint8_t *p, size_t len, uint64_t pc, struct vs_insn *insn)
{
	uint32_t w;

	memset(insn, 0, sizeof(*insn));
	if (len < 4)
		return false;
	w = le32(p);
	insn->len = 4;
	if ((w & 0xfc000002) == 0x48000000)		/* b, bl; not absolute */
		set(insn, w & 1 ? VS_INSN_CALL : VS_INSN_JUMP, pc + scaled(w >> 2, 24));
	else if ((w & 0xfc000002) == 0x40000000)	/* bc */
		set(insn, VS_INSN_JUMP, pc + scaled(w >> 2, 14));
	else if ((w & 0xfc0007ff) == 0x4c000421)	/* bctrl */
		set(insn, VS_INSN_INDIRECT_CALL, 0);
	else if (w >> 26 == 1 && len >= 8)		/* a prefix: eight bytes, since POWER10 */
		insn->len = 8;
	return true;
}

static void set_s390_long(const uint8_t *p, uint64_t pc, struct vs_insn *insn)
{
	uint64_t target = pc + (uint64_t)(int64_t)(int32_t)be32(p + 2) * 2;

	switch (p[1] & 0xf) {
	case 0:	/* larl */
		set(insn, VS_INSN_ADDRESS, target);
		insn->pc_relative = true;
		break;
	case 4:	/* brcl; with mask 0 it does nothing */
		if (p[1] >> 4)
			set(insn, VS_INSN_JUMP, target);
		break;
	case 5:	/* brasl */
		set(insn, VS_INSN_CALL, target);
		break;
	}
}

bool vs_decode__s390(const uint8_t *p, size_t len, uint64_t pc, struct vs_insn *insn)
{
	static const uint8_t lengths[] = { 2, 4, 4, 6 };

	memset(insn, 0, sizeof(*insn));
	if (len < 2 || len < lengths[p[0] >> 6])
		return false;
	insn->len = lengths[p[0] >> 6];
	if (p[0] == 0xc0)
		set_s390_long(p, pc, insn);
	else if (p[0] == 0xa7 && ((p[1] & 0xf) == 4 || (p[1] & 0xf) == 5))	/* brc, bras */
		set(insn, (p[1] & 0xf) == 5 ? VS_INSN_CALL : VS_INSN_JUMP,
		    pc + (uint64_t)(int64_t)(int16_t)(p[2] << 8 | p[3]) * 2);
	else if (p[0] == 0x0d && (p[1] & 0xf))		/* basr */
		set(insn, VS_INSN_INDIRECT_CALL, 0);
	return true;
}

vs_decoder vs_decode__for(const char *machine)
{
	static const struct {
		const char *machine;
		vs_decoder decoder;
	} decoders[] = {
		{ "x86_64", vs_decode__x86 },
		{ "aarch64", vs_decode__aarch64 },
		{ "ppc64", vs_decode__ppc64 },
		{ "s390x", vs_decode__s390 },
	};

	for (size_t i = 0; i < sizeof(decoders) / sizeof(decoders[0]); i++)
		if (!strcmp(decoders[i].machine, machine))
			return decoders[i].decoder;
	return NULL;
}

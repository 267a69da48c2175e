/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Decodes instructions, as far as calls, jumps and addresses go. On aarch64, ppc64 and s390x the
 * first bytes of an instruction tell its length, so a sweep over a function is exact. On x86-64 the
 * lengths come from the opcode maps of the Intel manual (volume 2, appendix A): exact, too, for
 * what compilers put into kernels, as these keep no data in a function.
 */
#ifndef VFIOSCOPE_DECODE_H
#define VFIOSCOPE_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum vs_insn_kind {
	VS_INSN_OTHER,
	VS_INSN_CALL,		/* to `target` */
	VS_INSN_JUMP,		/* to `target`, conditional ones included */
	VS_INSN_INDIRECT_CALL,	/* through a register or memory */
	VS_INSN_INDIRECT_JUMP,	/* a switch, or a tail call through a pointer */
	VS_INSN_ADDRESS,	/* `target` is an address that is computed or stored */
	VS_INSN_PAGE,		/* aarch64 adrp: `target` is a page, `reg` gets it */
	VS_INSN_PAGE_ADD,	/* aarch64 add: `target` is what is added to `reg` */
};

struct vs_insn {
	enum vs_insn_kind kind;
	uint8_t len;		/* bytes */
	uint8_t reg;
	bool ends;		/* x86-64, aarch64: a jump or return: execution does not continue after it */
	bool pc_relative;	/* VS_INSN_ADDRESS: not a plain number that may be one */
	/* x86-64 only: these show that a reference is taken */
	bool locked_add;	/* lock xadd from register `reg` */
	bool locked_exchange;	/* lock cmpxchg from register `reg` */
	bool constant;		/* register `reg` becomes `value` */
	int32_t value;
	uint64_t target;
};

/* Decodes the instruction at `p`, `len` bytes before the end, at address `pc`. */
typedef bool (*vs_decoder)(const uint8_t *p, size_t len, uint64_t pc, struct vs_insn *insn);

/* Returns the decoder of an architecture, named as in struct vs_elf_arch; NULL for others. */
vs_decoder vs_decode__for(const char *machine);

bool vs_decode__x86(const uint8_t *p, size_t len, uint64_t pc, struct vs_insn *insn);
bool vs_decode__aarch64(const uint8_t *p, size_t len, uint64_t pc, struct vs_insn *insn);
bool vs_decode__ppc64(const uint8_t *p, size_t len, uint64_t pc, struct vs_insn *insn);
bool vs_decode__s390(const uint8_t *p, size_t len, uint64_t pc, struct vs_insn *insn);

#endif

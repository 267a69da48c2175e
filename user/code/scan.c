// SPDX-License-Identifier: GPL-2.0
/* Sweeps over one function, the same way for modules and whole kernels. */
#include <stdlib.h>
#include <string.h>

#include "code/scan.h"

#define NR_REGS 16

static bool is_repeated(const struct vs_code *code, const struct vs_code_ref *ref)
{
	const struct vs_code_ref *last = code->nr_refs ? &code->refs[code->nr_refs - 1] : NULL;

	return ref->kind == VS_REF_ADDRESS && last && last->kind == VS_REF_ADDRESS &&
	       last->func == ref->func && last->target == ref->target;
}

int vs_scan__add(struct vs_scan *scan, uint64_t off, enum vs_ref_kind kind, uint32_t target,
		 const char *symbol, enum vs_ref_source source)
{
	struct vs_code_ref ref = {
		.func = scan->func, .target = target, .off = off, .kind = kind,
		.source = source, .symbol = symbol,
	};

	return is_repeated(scan->code, &ref) ? 0 : vs_code__add_ref(scan->code, &ref);
}

bool vs_scan__is_thunk(const char *name)
{
	return !strcmp(name, "__x86_return_thunk") || !strncmp(name, "__x86_indirect_", 15) ||
	       !strncmp(name, "__s390_indirect_jump_", 21);
}

/*
 * s390x: a jump to the thunk of r14, or of a register that gcc has loaded the saved r14 into
 * (any that is free), is a return. "__s390_indirect_jump_r1use_r14": before z10.
 */
static bool is_return_thunk(const struct vs_scan *scan, const struct vs_insn *insn,
			    const char *name)
{
	long reg;

	if (!strcmp(name, "__x86_return_thunk"))
		return true;
	if (insn->kind != VS_INSN_JUMP || strncmp(name, "__s390_", 7))
		return false;
	reg = strtol(strrchr(name, 'r') + 1, NULL, 10);
	return reg == 14 || (reg > 0 && reg < 14 && scan->from_stack >> reg & 1);
}

static void note_stack_load(struct vs_scan *scan, const uint8_t *p, const struct vs_insn *insn)
{
	unsigned int reg = p[1] >> 4;

	if (insn->kind == VS_INSN_CALL || insn->kind == VS_INSN_INDIRECT_CALL)
		scan->from_stack = 0;
	/* any other instruction that names the register first may have changed it */
	scan->from_stack &= (uint16_t)~(1u << reg);
	/* lg reg, disp(r15) */
	if (p[0] == 0xe3 && p[5] == 0x04 && !(p[1] & 0xf) && p[2] >> 4 == 15)
		scan->from_stack |= (uint16_t)(1u << reg);
}

/* A jump is such a call, too: kernels with thunks have no jump tables. */
int vs_scan__add_thunk(struct vs_scan *scan, uint64_t off, const struct vs_insn *insn,
		       const char *name)
{
	if (is_return_thunk(scan, insn, name))
		return 0;
	return vs_scan__add(scan, off, VS_REF_INDIRECT, VS_CODE_NONE, NULL,
			    VS_REF_BY_INSTRUCTION);
}

/* An add of a negative constant drops a reference: it is not wanted here. */
static int see_locked_add(struct vs_scan *scan, uint64_t off, const struct vs_insn *insn,
			  int32_t constants[NR_REGS])
{
	if (insn->constant)
		constants[insn->reg % NR_REGS] = insn->value;
	if (!insn->locked_add || constants[insn->reg % NR_REGS] < 0)
		return 0;
	return vs_scan__add(scan, off, VS_REF_LOCKED_ADD, VS_CODE_NONE, NULL,
			    VS_REF_BY_INSTRUCTION);
}

int vs_scan__func(struct vs_scan *scan)
{
	struct vs_code_func *func = &scan->code->funcs[scan->func];
	int32_t constants[NR_REGS] = { 0 };
	uint64_t off = 0;
	int err = 0;

	func->scanned = true;
	while (off < scan->len && !err) {
		struct vs_insn insn;

		if (!scan->decoder(scan->bytes + off, scan->len - off, scan->pc + off, &insn)) {
			/* where the next one starts is a guess from here on */
			func->unread = scan->len - off;
			return 0;
		}
		err = see_locked_add(scan, off, &insn, constants);
		if (!err)
			err = scan->insn(scan, off, &insn);
		if (scan->decoder == vs_decode__s390)
			note_stack_load(scan, scan->bytes + off, &insn);
		off += insn.len;
	}
	return err;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The facts of a whole kernel: VFIO's functions by name, and what their instructions call. There
 * are no relocations, so an address counts only if it is exactly the start of a function.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "code/scan.h"

#define MAX_FUNC	(1u << 20)	/* bytes; the largest function has some 50 KiB */
#define MAX_INTERESTING	8192		/* functions of VFIO and its drivers: some 600 */
#define MAX_NEIGHBOURS	8
#define NR_REGS		32

struct kernel {
	struct vs_kernel_text *text;
	struct vs_code *code;
	uint64_t pages[NR_REGS];	/* aarch64: of the last adrp into each register */
};

static int by_addr(const void *va, const void *vb)
{
	const struct vs_ksym *a = va, *b = vb;

	if (a->addr != b->addr)
		return a->addr < b->addr ? -1 : 1;
	/* of aliases, a global one has the better name */
	return (a->type > b->type) - (a->type < b->type);
}

static bool is_text(const struct vs_ksym *sym)
{
	return strchr("tTwW", sym->type) && strncmp(sym->name, "__pfx_", 6);
}

/* Keeps text only, in order, one name for an address. */
static void tidy(struct vs_kernel_text *text)
{
	size_t kept = 0;

	for (size_t i = 0; i < text->nr_syms; i++)
		if (is_text(&text->syms[i]) && text->syms[i].addr)
			text->syms[kept++] = text->syms[i];
	text->nr_syms = kept;
	if (kept)
		qsort(text->syms, kept, sizeof(*text->syms), by_addr);
	kept = 0;
	for (size_t i = 0; i < text->nr_syms; i++)
		if (!kept || text->syms[kept - 1].addr != text->syms[i].addr)
			text->syms[kept++] = text->syms[i];
	text->nr_syms = kept;
}

static const struct vs_ksym *symbol_at(const struct vs_kernel_text *text, uint64_t addr)
{
	size_t lo = 0, hi = text->nr_syms;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (text->syms[mid].addr < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < text->nr_syms && text->syms[lo].addr == addr ? &text->syms[lo] : NULL;
}

static uint32_t func_at(const struct vs_code *code, uint64_t addr)
{
	size_t nr = VS_ROWS_UP_TO(code->funcs, code->nr_funcs, addr, addr);

	if (!nr || addr - code->funcs[nr - 1].addr >= code->funcs[nr - 1].size)
		return VS_CODE_NONE;
	return (uint32_t)(nr - 1);
}

static bool is_vfio(const struct vs_ksym *sym)
{
	return !strncmp(sym->name, "vfio_", 5) || !strncmp(sym->name, "__vfio_", 7);
}

/*
 * Returns how many symbols from `i` on belong to VFIO: those with its name, and a few others
 * between them, which are of the same file.
 */
static size_t run_of_vfio(const struct vs_kernel_text *text, size_t i)
{
	size_t end = i;

	for (size_t at = i; at < text->nr_syms && at <= end + MAX_NEIGHBOURS; at++)
		if (is_vfio(&text->syms[at]))
			end = at + 1;
	return end - i;
}

static int add_func(struct kernel *k, size_t i)
{
	const struct vs_ksym *sym = &k->text->syms[i];
	struct vs_code_func func = {
		.name = sym->name, .section = "", .addr = sym->addr,
		.size = sym[1].addr - sym->addr, .named = true,
	};

	if (func.size > MAX_FUNC)
		func.size = MAX_FUNC;
	return k->code->nr_funcs < MAX_INTERESTING ? vs_code__add_func(k->code, &func) : -E2BIG;
}

static int add_funcs(struct kernel *k)
{
	const struct vs_kernel_text *text = k->text;
	int err = 0;

	/* the last symbol has no end */
	for (size_t i = 0; i + 1 < text->nr_syms && !err; i++) {
		size_t nr = is_vfio(&text->syms[i]) ? run_of_vfio(text, i) : 0;

		for (; nr && i + 1 < text->nr_syms && !err; nr--, i++)
			err = add_func(k, i);
	}
	return err;
}

static int add_branch(struct vs_scan *scan, uint64_t off, const struct vs_insn *insn)
{
	const struct kernel *k = scan->ctx;
	enum vs_ref_kind kind = insn->kind == VS_INSN_CALL ? VS_REF_CALL : VS_REF_JUMP;
	const struct vs_ksym *sym = symbol_at(k->text, insn->target);
	uint32_t func = func_at(scan->code, insn->target);

	if (func == scan->func && !(sym && kind == VS_REF_CALL))
		return 0;
	if (func != VS_CODE_NONE)
		return vs_scan__add(scan, off, kind, func, NULL, VS_REF_BY_INSTRUCTION);
	if (sym && vs_scan__is_thunk(sym->name))
		return vs_scan__add_thunk(scan, off, insn, sym->name);
	return vs_scan__add(scan, off, kind, VS_CODE_NONE, sym ? sym->name : NULL,
			    VS_REF_BY_INSTRUCTION);
}

static int add_address(struct vs_scan *scan, uint64_t off, uint64_t addr)
{
	uint32_t func = func_at(scan->code, addr);

	if (func == VS_CODE_NONE || func == scan->func || scan->code->funcs[func].addr != addr)
		return 0;
	return vs_scan__add(scan, off, VS_REF_ADDRESS, func, NULL, VS_REF_BY_INSTRUCTION);
}

static int see_insn(struct vs_scan *scan, uint64_t off, const struct vs_insn *insn)
{
	struct kernel *k = scan->ctx;

	switch (insn->kind) {
	case VS_INSN_CALL:
	case VS_INSN_JUMP:
		return add_branch(scan, off, insn);
	case VS_INSN_INDIRECT_CALL:
		return vs_scan__add(scan, off, VS_REF_INDIRECT, VS_CODE_NONE, NULL,
				    VS_REF_BY_INSTRUCTION);
	case VS_INSN_ADDRESS:
		return add_address(scan, off, insn->target);
	case VS_INSN_PAGE:
		k->pages[insn->reg % NR_REGS] = insn->target;
		return 0;
	case VS_INSN_PAGE_ADD:
		return add_address(scan, off, k->pages[insn->reg % NR_REGS] + insn->target);
	default:
		return 0;
	}
}

static int scan_func(struct kernel *k, uint32_t index, vs_decoder decoder, uint8_t *buf)
{
	const struct vs_code_func *func = &k->code->funcs[index];
	struct vs_scan scan = {
		.code = k->code, .decoder = decoder, .func = index, .insn = see_insn, .ctx = k,
		.bytes = buf, .len = func->size, .pc = func->addr,
	};
	int err = k->text->read(k->text->ctx, func->addr, buf, func->size);

	memset(k->pages, 0, sizeof(k->pages));
	return err ? err : vs_scan__func(&scan);
}

int vs_scan__kernel(struct vs_kernel_text *text, struct vs_code *code)
{
	vs_decoder decoder = vs_decode__for(text->machine);
	struct kernel k = { .text = text, .code = code };
	uint8_t *buf = malloc(MAX_FUNC);
	int err;

	memset(code, 0, sizeof(*code));
	code->decoded = decoder;
	code->linked = true;
	tidy(text);
	err = buf ? add_funcs(&k) : -ENOMEM;
	for (uint32_t i = 0; decoder && i < code->nr_funcs && !err; i++)
		err = scan_func(&k, i, decoder, buf);
	free(buf);
	vs_code__sort_refs(code);
	if (err)
		vs_code__free(code);
	return err;
}

/* SPDX-License-Identifier: GPL-2.0 */
/* Reads the facts of a binary from its bytes. */
#ifndef VFIOSCOPE_SCAN_H
#define VFIOSCOPE_SCAN_H

#include "code/code.h"
#include "code/decode.h"
#include "code/elf_file.h"

/* The scan of one function, with a question for each instruction; see scan.c. */
struct vs_scan {
	struct vs_code *code;
	vs_decoder decoder;
	uint32_t func;
	const uint8_t *bytes;	/* of the function */
	uint64_t len, pc;	/* pc: of its first byte */
	/* Adds the references of one instruction at `off` in the function. */
	int (*insn)(struct vs_scan *scan, uint64_t off, const struct vs_insn *insn);
	void *ctx;
	uint16_t from_stack;	/* s390x: registers that were loaded from the stack just now */
};

/* Sweeps over a function. 0, or what `insn` or vs_code__add_ref() returned. */
int vs_scan__func(struct vs_scan *scan);

/* Adds a reference of scan->func; the same address twice in a row counts once. */
int vs_scan__add(struct vs_scan *scan, uint64_t off, enum vs_ref_kind kind, uint32_t target,
		 const char *symbol, enum vs_ref_source source);

/*
 * Returns true for a function that only stands in for a branch through a register: retpolines of
 * x86-64 (v4.15), expolines of s390x (v4.16), whose returns use one of them, too.
 */
bool vs_scan__is_thunk(const char *name);

/* Adds a branch to a thunk: a call through a pointer, or nothing for a return. */
int vs_scan__add_thunk(struct vs_scan *scan, uint64_t off, const struct vs_insn *insn,
		       const char *name);

/*
 * Scans a module: all its functions. `elf` was opened with vs_scan__module_opts and has to outlive
 * *code. 0 or -ENOMEM, -E2BIG.
 */
extern const struct vs_elf_opts vs_scan__module_opts;
int vs_scan__module(const struct vs_elf *elf, struct vs_code *code);

/* A symbol of a whole kernel. */
struct vs_ksym {
	uint64_t addr;
	char type;		/* as nm(1) prints it */
	const char *name;
};

/* The text of a whole kernel, wherever it comes from. */
struct vs_kernel_text {
	const char *machine;	/* as in struct vs_elf_arch */
	struct vs_ksym *syms;	/* sorted by address in vs_scan__kernel() */
	size_t nr_syms;
	/* Reads `len` bytes of text at an address: 0 or a negative errno. */
	int (*read)(void *ctx, uint64_t addr, void *buf, size_t len);
	void *ctx;
};

/* Scans VFIO's functions in it; names have to outlive *code. As above, or the error of `read`. */
int vs_scan__kernel(struct vs_kernel_text *text, struct vs_code *code);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A verdict rests on these facts of a binary: its functions, and for each of interest what it
 * calls, jumps to, and takes the address of. Here it no longer matters if they come from
 * relocations or instructions.
 */
#ifndef VFIOSCOPE_CODE_H
#define VFIOSCOPE_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VS_CODE_NONE UINT32_MAX

enum vs_ref_kind {
	VS_REF_CALL = 1,
	VS_REF_JUMP,		/* to another function: a tail call, or a .cold part */
	VS_REF_ADDRESS,		/* the address of a function is computed or stored */
	VS_REF_INDIRECT,	/* a call through a pointer */
	VS_REF_LOCKED_ADD,	/* x86-64: lock xadd, how a reference is taken */
};

enum vs_ref_source {
	VS_REF_BY_RELOCATION = 1,
	VS_REF_BY_INSTRUCTION,
};

struct vs_code_func {
	const char *name;	/* as in the symbol table, or "section+0x.." */
	const char *section;	/* "" where there are only addresses */
	uint64_t addr;		/* bytes from the start of the section, or address */
	uint64_t size;		/* bytes; up to the next function where it is not known */
	uint32_t section_index;	/* 0 where there are only addresses */
	bool named;
	bool end_unsure;	/* no name: may run into the next ones, or be cut too early */
	bool piece;		/* no name: up to the first jump or return */
	bool scanned;		/* its references are known, except in: */
	uint64_t unread;	/* bytes that could not be decoded */
};

struct vs_code_ref {
	uint32_t func;		/* the one that refers */
	uint32_t target;	/* the one referred to, VS_CODE_NONE when it is elsewhere */
	uint64_t off;		/* bytes from the start of func to the instruction */
	enum vs_ref_kind kind;
	enum vs_ref_source source;
	const char *symbol;	/* what is elsewhere; NULL when not known */
};

struct vs_code {
	struct vs_code_func *funcs; /* by section, address */
	size_t nr_funcs;
	struct vs_code_ref *refs; /* by func, offset */
	size_t nr_refs;
	bool decoded;		/* there is a decoder for this architecture */
	bool linked;		/* a whole kernel: refs to elsewhere have names of its symbols */
	char **made;		/* names that are in no table */
	size_t nr_made;
};

/* -ENOMEM, -E2BIG when there are more than a kernel can have. */
int vs_code__add_func(struct vs_code *code, const struct vs_code_func *func);
int vs_code__add_ref(struct vs_code *code, const struct vs_code_ref *ref);

/* A name that lives as long as `code`: "section+0x..". NULL when out of memory. */
const char *vs_code__make_name(struct vs_code *code, const char *section, uint64_t off);

/* Sorts by func, then offset. Call it once when all are there. */
void vs_code__sort_refs(struct vs_code *code);

void vs_code__free(struct vs_code *code);

/* Returns the first of the `*nr` references of a function. */
const struct vs_code_ref *vs_code__refs_of(const struct vs_code *code, uint32_t func, size_t *nr);

/* Returns the name of the function or symbol that a reference refers to, or "?". */
const char *vs_code__target_name(const struct vs_code *code, const struct vs_code_ref *ref);

/*
 * Does `name` belong to the function `base` of the source? Compilers append
 * ".isra.0", ".constprop.0", ".part.0", ".cold", ".llvm.123".
 */
bool vs_code__is_part_of(const char *name, const char *base);

/* Is it one of a NULL-terminated list of functions of the source? */
bool vs_code__is_any_of(const char *name, const char *const *bases);

/* Is it a call of one of these functions, or a jump there? */
bool vs_code__is_branch_to(const struct vs_code *code, const struct vs_code_ref *ref,
			   const char *const *names);

#endif

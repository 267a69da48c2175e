// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "code/code.h"

#define MAX_FUNCS	(1u << 19)
#define MAX_REFS	(1u << 21)

/* Room for one more; arrays double whenever their length is a power of two. */
static void *grow(void *array, size_t nr, size_t size)
{
	if (nr & (nr - 1))
		return array;
	return reallocarray(array, nr ? nr * 2 : 1, size);
}

int vs_code__add_func(struct vs_code *code, const struct vs_code_func *func)
{
	struct vs_code_func *funcs;

	if (code->nr_funcs >= MAX_FUNCS)
		return -E2BIG;
	funcs = grow(code->funcs, code->nr_funcs, sizeof(*funcs));
	if (!funcs)
		return -ENOMEM;
	code->funcs = funcs;
	funcs[code->nr_funcs++] = *func;
	return 0;
}

int vs_code__add_ref(struct vs_code *code, const struct vs_code_ref *ref)
{
	struct vs_code_ref *refs;

	if (code->nr_refs >= MAX_REFS)
		return -E2BIG;
	refs = grow(code->refs, code->nr_refs, sizeof(*refs));
	if (!refs)
		return -ENOMEM;
	code->refs = refs;
	refs[code->nr_refs++] = *ref;
	return 0;
}

const char *vs_code__make_name(struct vs_code *code, const char *section, uint64_t off)
{
	char **made = grow(code->made, code->nr_made, sizeof(*made));

	if (!made)
		return NULL;
	code->made = made;
	if (asprintf(&made[code->nr_made], "%s+0x%" PRIx64, section, off) < 0)
		return NULL;
	return made[code->nr_made++];
}

static int compare_refs(const void *va, const void *vb)
{
	const struct vs_code_ref *a = va, *b = vb;

	if (a->func != b->func)
		return a->func < b->func ? -1 : 1;
	if (a->off != b->off)
		return a->off < b->off ? -1 : 1;
	return (int)a->kind - (int)b->kind;
}

void vs_code__sort_refs(struct vs_code *code)
{
	if (code->nr_refs)
		qsort(code->refs, code->nr_refs, sizeof(*code->refs), compare_refs);
}

void vs_code__free(struct vs_code *code)
{
	free(code->funcs);
	free(code->refs);
	for (size_t i = 0; i < code->nr_made; i++)
		free(code->made[i]);
	free(code->made);
	memset(code, 0, sizeof(*code));
}

static size_t refs_before(const struct vs_code *code, uint32_t func)
{
	size_t lo = 0, hi = code->nr_refs;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (code->refs[mid].func < func)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct vs_code_ref *vs_code__refs_of(const struct vs_code *code, uint32_t func, size_t *nr)
{
	size_t first = refs_before(code, func);

	*nr = refs_before(code, func + 1) - first;
	return *nr ? &code->refs[first] : NULL;
}

const char *vs_code__target_name(const struct vs_code *code, const struct vs_code_ref *ref)
{
	if (ref->target != VS_CODE_NONE)
		return code->funcs[ref->target].name;
	return ref->symbol ? ref->symbol : "?";
}

bool vs_code__is_part_of(const char *name, const char *base)
{
	size_t len = strlen(base);

	return !strncmp(name, base, len) && (!name[len] || name[len] == '.');
}

bool vs_code__is_any_of(const char *name, const char *const *bases)
{
	for (; *bases; bases++)
		if (vs_code__is_part_of(name, *bases))
			return true;
	return false;
}

bool vs_code__is_branch_to(const struct vs_code *code, const struct vs_code_ref *ref,
			   const char *const *names)
{
	return (ref->kind == VS_REF_CALL || ref->kind == VS_REF_JUMP) &&
	       vs_code__is_any_of(vs_code__target_name(code, ref), names);
}

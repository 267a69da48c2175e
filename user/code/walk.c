// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "code/walk.h"

struct steps {
	const struct vs_code *code;
	const char *const *stop;
	struct vs_walk *walk;
	bool *seen;
};

static void enter(struct steps *s, uint32_t func, const struct vs_code_ref *via)
{
	if (s->seen[func])
		return;
	s->seen[func] = true;
	s->walk->via[func] = via;
	s->walk->order[s->walk->nr++] = func;
}

static void step(struct steps *s, uint32_t func)
{
	size_t nr;
	const struct vs_code_ref *refs = vs_code__refs_of(s->code, func, &nr);

	for (size_t i = 0; i < nr; i++) {
		bool branches = refs[i].kind == VS_REF_CALL || refs[i].kind == VS_REF_JUMP;

		if (!branches || refs[i].target == VS_CODE_NONE ||
		    vs_code__is_any_of(s->code->funcs[refs[i].target].name, s->stop))
			continue;
		enter(s, refs[i].target, &refs[i]);
	}
}

int vs_walk__from(const struct vs_code *code, const uint32_t *roots, size_t nr_roots,
		  const char *const *stop, struct vs_walk *walk)
{
	struct steps s = { .code = code, .stop = stop, .walk = walk };

	memset(walk, 0, sizeof(*walk));
	walk->order = calloc(code->nr_funcs + 1, sizeof(*walk->order));
	walk->via = calloc(code->nr_funcs + 1, sizeof(*walk->via));
	s.seen = calloc(code->nr_funcs + 1, sizeof(*s.seen));
	if (!walk->order || !walk->via || !s.seen) {
		free(s.seen);
		vs_walk__free(walk);
		return -ENOMEM;
	}
	for (size_t i = 0; i < nr_roots; i++)
		enter(&s, roots[i], NULL);
	walk->nr_roots = walk->nr;
	for (size_t i = 0; i < walk->nr; i++)
		step(&s, walk->order[i]);
	free(s.seen);
	return 0;
}

void vs_walk__free(struct vs_walk *walk)
{
	free(walk->order);
	free(walk->via);
	memset(walk, 0, sizeof(*walk));
}

// SPDX-License-Identifier: GPL-2.0
/* Writes the words of a verdict: its reason, and the lines of its evidence. */
#include <stdarg.h>
#include <stdio.h>

#include "vfio/verdict_priv.h"

void vs_decide(struct vs_judge *j, const char *era, const char *fmt, ...)
{
	static const enum vs_verdict verdicts[VS_FIXES] = {
		[VS_FIX_UNKNOWN] = VS_VERDICT_INCONCLUSIVE,
		[VS_FIX_PRESENT] = VS_VERDICT_FIXED,
		[VS_FIX_BOTH] = VS_VERDICT_INCONCLUSIVE,
		[VS_FIX_ABSENT] = VS_VERDICT_VULNERABLE,
		[VS_FIX_NO_REFERENCE] = VS_VERDICT_NOT_APPLICABLE,
		[VS_FIX_NO_NOTIFIER] = VS_VERDICT_NOT_APPLICABLE,
	};
	va_list args;

	j->out->fix = vs_fix__of(&j->out->facts);
	j->out->verdict = verdicts[j->out->fix];
	snprintf(j->out->era, sizeof(j->out->era), "%s", era);
	va_start(args, fmt);
	vsnprintf(j->out->reason, sizeof(j->out->reason), fmt, args);
	va_end(args);
}

static struct vs_citation *add_evidence(struct vs_judge *j, uint32_t func, uint64_t off,
					const char *why)
{
	struct vs_judgement *out = j->out;
	struct vs_citation *e;

	if (out->nr_evidence == VS_EVIDENCE_MAX)
		return NULL;
	e = &out->evidence[out->nr_evidence++];
	e->func = func;
	e->off = off;
	snprintf(e->why, sizeof(e->why), "%s", why);
	return e;
}

void vs_cite__ref(struct vs_judge *j, const struct vs_code_ref *ref, const char *why)
{
	static const char *const verbs[] = {
		[VS_REF_CALL] = "calls ", [VS_REF_JUMP] = "jumps to ",
		[VS_REF_ADDRESS] = "takes the address of ",
		[VS_REF_INDIRECT] = "calls through a pointer",
		[VS_REF_LOCKED_ADD] = "has a locked add",
	};
	struct vs_citation *e = add_evidence(j, ref->func, ref->off, why);

	if (e)
		snprintf(e->what, sizeof(e->what), "%s%s", verbs[ref->kind],
			 ref->kind <= VS_REF_ADDRESS ? vs_code__target_name(j->code, ref) :
			 ref->symbol ? ref->symbol : "");
}

void vs_cite__func(struct vs_judge *j, uint32_t func, const char *why, const char *fmt, ...)
{
	struct vs_citation *e = add_evidence(j, func, 0, why);
	va_list args;

	if (!e)
		return;
	e->whole = true;
	va_start(args, fmt);
	vsnprintf(e->what, sizeof(e->what), fmt, args);
	va_end(args);
}

void vs_cite__chain(struct vs_judge *j, const struct vs_walk *walk, const struct vs_code_ref *ref,
		    const char *why)
{
	const struct vs_code_ref *chain[8];
	size_t nr = 0;

	for (const struct vs_code_ref *via = walk->via[ref->func];
	     via && nr < sizeof(chain) / sizeof(chain[0]); via = walk->via[via->func])
		chain[nr++] = via;
	while (nr)
		vs_cite__ref(j, chain[--nr], "the way there");
	vs_cite__ref(j, ref, why);
}

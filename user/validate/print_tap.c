// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "base/words.h"
#include "validate/print.h"

/* A description must not have a "#", which begins a directive. */
static void put_words(struct vs_out *o, const char *text)
{
	for (; *text; text++)
		vs_out__add(o, *text == '#' ? " " : text, 1);
}

static void put_result(struct vs_out *o, bool ok, int number, const char *name)
{
	vs_out__printf(o, "%s %d %s", ok ? "ok" : "not ok", number, name);
}

static void put_check(struct vs_out *o, int number, const char *name, const struct vs_check *c)
{
	bool skipped = c->status == VS_CHECK_UNKNOWN || c->status == VS_CHECK_SKIP;

	if (!skipped) {
		vs_out__puts(o, "# ");
		put_words(o, c->words);
		vs_out__puts(o, "\n");
	}
	put_result(o, c->status != VS_CHECK_FAIL, number, name);
	if (skipped) {
		vs_out__puts(o, " # SKIP ");
		put_words(o, c->words);
	}
	vs_out__puts(o, "\n");
}

static void put_verdict(struct vs_out *o, const struct vs_ruling *r)
{
	bool skipped = !r->failed && (r->verdict == VS_VERDICT_INCONCLUSIVE ||
				      r->verdict == VS_VERDICT_NOT_APPLICABLE);
	bool bad = r->failed || r->verdict == VS_VERDICT_VULNERABLE;

	vs_out__printf(o, "# %s: ", vs_verdict__name(r->verdict));
	put_words(o, r->reason);
	vs_out__puts(o, "\n");
	put_result(o, !bad, VS_CHECKS + 1, "verdict");
	if (skipped)
		vs_out__printf(o, " # SKIP %s", vs_verdict__name(r->verdict));
	vs_out__puts(o, "\n");
}

static void put_totals(struct vs_out *o, const struct vs_ruling *r)
{
	int pass = 0, failed = 0, skip = 0;
	bool bad = r->failed || r->verdict == VS_VERDICT_VULNERABLE;

	for (int i = 0; i < VS_CHECKS; i++) {
		pass += r->checks[i].status == VS_CHECK_PASS;
		failed += r->checks[i].status == VS_CHECK_FAIL;
	}
	skip = VS_CHECKS - pass - failed;
	if (bad)
		failed++;
	else if (r->verdict == VS_VERDICT_FIXED)
		pass++;
	else
		skip++;
	vs_out__printf(o, "# Totals: pass:%d fail:%d xfail:0 xpass:0 skip:%d error:0\n", pass,
		       failed, skip);
}

void vs_validate__tap(struct vs_out *o, const struct vs_validate_page *p)
{
	const struct vs_identity *id = &p->v->identity;

	vs_out__printf(o, "KTAP version 1\n1..%d\n# kernel ", VS_CHECKS + 1);
	put_words(o, id->release);
	vs_out__puts(o, " ");
	put_words(o, id->machine);
	vs_out__puts(o, "\n# vfio srcversion ");
	put_words(o, id->srcversion[0] ? id->srcversion : "-");
	vs_out__puts(o, " build-id ");
	put_words(o, id->build_id[0] ? id->build_id : "-");
	vs_out__puts(o, "\n");
	for (int i = 0; i < VS_CHECKS; i++)
		put_check(o, i + 1, vs_check__name(i), &p->r->checks[i]);
	put_verdict(o, p->r);
	put_totals(o, p->r);
}

// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/version.h"
#include "base/xml.h"
#include "validate/print.h"

static void put_property(struct vs_out *o, const char *name, const char *value)
{
	vs_out__puts(o, "      <property");
	vs_xml__attribute(o, "name", name);
	vs_xml__attribute(o, "value", value);
	vs_out__puts(o, "/>\n");
}

static void put_properties(struct vs_out *o, const struct vs_validate_page *p)
{
	const struct vs_identity *id = &p->v->identity;

	vs_out__puts(o, "    <properties>\n");
	put_property(o, "verdict", vs_verdict__name(p->r->verdict));
	put_property(o, "reason", p->r->reason);
	put_property(o, "vfioscope", VS_VERSION);
	put_property(o, "release", id->release);
	put_property(o, "version", id->version);
	put_property(o, "machine", id->machine);
	put_property(o, "vfio.srcversion", id->srcversion);
	put_property(o, "vfio.build-id", id->build_id);
	put_property(o, "livepatches", id->livepatches);
	vs_out__puts(o, "    </properties>\n");
}

static void put_case(struct vs_out *o, const char *name, const char *inner, const char *type,
		     const char *words)
{
	vs_out__puts(o, "    <testcase classname=\"vfioscope.validate\"");
	vs_xml__attribute(o, "name", name);
	vs_out__puts(o, ">\n");
	if (inner) {
		vs_out__printf(o, "      <%s", inner);
		if (type)
			vs_xml__attribute(o, "type", type);
		vs_xml__attribute(o, "message", words);
		vs_out__puts(o, "/>\n");
	} else {
		vs_out__puts(o, "      <system-out>");
		vs_xml__text(o, words);
		vs_out__puts(o, "</system-out>\n");
	}
	vs_out__puts(o, "    </testcase>\n");
}

static void put_check(struct vs_out *o, enum vs_check_id id, const struct vs_check *c)
{
	bool skipped = c->status == VS_CHECK_UNKNOWN || c->status == VS_CHECK_SKIP;

	put_case(o, vs_check__name(id), c->status == VS_CHECK_FAIL ? "failure" :
		 skipped ? "skipped" : NULL, c->status == VS_CHECK_FAIL ? "fail" : NULL, c->words);
}

static bool is_bad(const struct vs_ruling *r)
{
	return r->failed || r->verdict == VS_VERDICT_VULNERABLE;
}

static void put_verdict(struct vs_out *o, const struct vs_ruling *r)
{
	bool proven = r->verdict == VS_VERDICT_FIXED;

	put_case(o, "verdict", is_bad(r) ? "failure" : proven ? NULL : "skipped",
		 is_bad(r) ? vs_verdict__name(r->verdict) : NULL, r->reason);
}

static void count(const struct vs_ruling *r, int *failures, int *skipped)
{
	*failures = is_bad(r);
	*skipped = !is_bad(r) && r->verdict != VS_VERDICT_FIXED;
	for (int i = 0; i < VS_CHECKS; i++) {
		*failures += r->checks[i].status == VS_CHECK_FAIL;
		*skipped += r->checks[i].status == VS_CHECK_UNKNOWN ||
			    r->checks[i].status == VS_CHECK_SKIP;
	}
}

void vs_validate__junit(struct vs_out *o, const struct vs_validate_page *p)
{
	int failures, skipped;
	char when[32];

	count(p->r, &failures, &skipped);
	vs_validate__time(when, sizeof(when), p->v->identity.started_wall_ns);
	when[strcspn(when, "Z")] = '\0';
	vs_out__puts(o, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
	vs_out__printf(o,
		       "  <testsuite name=\"vfioscope validate\" tests=\"%d\" failures=\"%d\" "
		       "errors=\"0\" skipped=\"%d\" time=\"%.3f\" timestamp=\"%s\">\n",
		       VS_CHECKS + 1, failures, skipped, (double)p->v->identity.duration_ns / 1e9,
		       when);
	put_properties(o, p);
	for (int i = 0; i < VS_CHECKS; i++)
		put_check(o, i, &p->r->checks[i]);
	put_verdict(o, p->r);
	vs_out__puts(o, "  </testsuite>\n</testsuites>\n");
}

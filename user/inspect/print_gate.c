// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "base/json_text.h"
#include "base/version.h"
#include "base/words.h"
#include "base/xml.h"
#include "inspect/print.h"

#define KIND_WIDTH 12

static void put_counts(struct vs_out *o, const struct vs_gate *gate)
{
	const char *between = "";

	for (int kind = 0; kind < VS_GATE_KINDS; kind++) {
		if (!gate->nr_of[kind])
			continue;
		vs_out__printf(o, "%s%zu %s", between, gate->nr_of[kind],
			       kind == VS_GATE_VERDICT ? "with another verdict" : vs_gate_kind__name(kind));
		between = ", ";
	}
	if (!*between)
		vs_out__puts(o, "no difference");
	else if (vs_gate__passes(gate))
		vs_out__puts(o, ": as it should be");
	vs_out__puts(o, "\n");
}

void vs_inspect__print_gate(struct vs_out *o, const struct vs_gate *gate, const char *baseline,
			    const char *expect, unsigned int width)
{
	vs_out__puts(o, "\nCompared with ");
	vs_out__text(o, baseline ? baseline : expect);
	if (baseline && expect) {
		vs_out__puts(o, " and ");
		vs_out__text(o, expect);
	}
	vs_out__puts(o, ": ");
	put_counts(o, gate);
	for (size_t i = 0; i < gate->nr; i++) {
		const struct vs_gate_row *row = &gate->rows[i];

		if (!i || strcmp(row->file, gate->rows[i - 1].file)) {
			vs_out__puts(o, "  ");
			vs_out__text(o, row->file);
			vs_out__puts(o, "\n");
		}
		vs_out__printf(o, "    %-*s", KIND_WIDTH, vs_gate_kind__name(row->kind));
		vs_words__wrap(o, row->words, KIND_WIDTH + 4, KIND_WIDTH + 4, width);
	}
}

json_t *vs_inspect__gate_json(const struct vs_gate *gate)
{
	json_t *list = json_array();

	for (size_t i = 0; i < gate->nr; i++) {
		const struct vs_gate_row *row = &gate->rows[i];
		json_t *object = json_object();

		json_object_set_new(object, "kind", json_string(vs_gate_kind__name(row->kind)));
		json_object_set_new(object, "file", vs_json_text__new(row->file, SIZE_MAX));
		json_object_set_new(object, "words", vs_json_text__new(row->words, SIZE_MAX));
		json_array_append_new(list, object);
	}
	return list;
}

/* -- JUnit -- */

struct totals {
	unsigned int tests, failures, errors, skipped;
};

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static bool counts(const struct vs_gate_row *row)
{
	return row->kind != VS_GATE_MOVED && row->kind != VS_GATE_EXPECTED;
}

static bool has_difference(const struct vs_gate *gate, const char *file)
{
	for (size_t i = 0; i < gate->nr; i++)
		if (counts(&gate->rows[i]) && !strcmp(gate->rows[i].file, file))
			return true;
	return false;
}

/* Returns the element that the case has, NULL for a case that passes. */
static const char *outcome(const json_t *file, const struct vs_gate *gate)
{
	const char *path = text_of(file, "path"), *verdict = text_of(file, "verdict");

	if (has_difference(gate, path))
		return "failure";
	if (vs_gate__is_expected(gate, path))
		return NULL;
	if (!strcmp(verdict, "FAILED"))
		return "error";
	if (!strcmp(verdict, "VULNERABLE"))
		return "failure";
	return strcmp(verdict, "INCONCLUSIVE") ? NULL : "skipped";
}

static void count(struct totals *t, const char *element)
{
	t->tests++;
	t->failures += element && !strcmp(element, "failure");
	t->errors += element && !strcmp(element, "error");
	t->skipped += element && !strcmp(element, "skipped");
}

static void put_rows(struct vs_out *o, const struct vs_gate *gate, const char *file)
{
	for (size_t i = 0; i < gate->nr; i++) {
		if (strcmp(gate->rows[i].file, file))
			continue;
		vs_out__printf(o, "%s: ", vs_gate_kind__name(gate->rows[i].kind));
		vs_xml__text(o, gate->rows[i].words);
		vs_out__puts(o, "\n");
	}
}

static void put_case(struct vs_out *o, const json_t *file, const struct vs_gate *gate)
{
	const char *element = outcome(file, gate), *path = text_of(file, "path");

	vs_out__puts(o, "    <testcase classname=\"vfioscope.inspect\"");
	vs_xml__attribute(o, "name", *path ? path : "the running kernel");
	vs_out__puts(o, ">\n");
	if (element) {
		vs_out__puts(o, "      <");
		vs_out__text(o, element);
		vs_xml__attribute(o, "type", text_of(file, "verdict"));
		vs_xml__attribute(o, "message", text_of(file, "reason"));
		vs_out__puts(o, "/>\n");
	}
	vs_out__puts(o, "      <system-out>");
	vs_xml__text(o, text_of(file, "verdict"));
	vs_out__puts(o, ": ");
	vs_xml__text(o, text_of(file, "reason"));
	vs_out__puts(o, "\n");
	put_rows(o, gate, path);
	vs_out__puts(o, "</system-out>\n    </testcase>\n");
}

/* A line of the table without a file, or a file that is gone, has no case of its own yet. */
static bool is_of(const json_t *now, const char *path)
{
	const json_t *files = json_object_get(now, "files");

	for (size_t i = 0; i < json_array_size(files); i++)
		if (!strcmp(text_of(json_array_get(files, i), "path"), path))
			return true;
	return !files && !strcmp(text_of(now, "path"), path);
}

static void put_missing(struct vs_out *o, const struct vs_gate_row *row)
{
	vs_out__puts(o, "    <testcase classname=\"vfioscope.inspect\"");
	vs_xml__attribute(o, "name", row->file);
	vs_out__puts(o, ">\n      <failure");
	vs_xml__attribute(o, "type", vs_gate_kind__name(row->kind));
	vs_xml__attribute(o, "message", row->words);
	vs_out__puts(o, "/>\n    </testcase>\n");
}

static bool is_missing(const json_t *now, const struct vs_gate_row *row)
{
	return counts(row) && !is_of(now, row->file);
}

void vs_inspect__print_junit(struct vs_out *o, const json_t *now, const struct vs_gate *gate)
{
	const json_t *files = json_object_get(now, "files");
	size_t nr = files ? json_array_size(files) : 1;
	struct totals t = {};

	for (size_t i = 0; i < nr; i++)
		count(&t, outcome(files ? json_array_get(files, i) : now, gate));
	for (size_t i = 0; i < gate->nr; i++)
		if (is_missing(now, &gate->rows[i]))
			count(&t, "failure");
	vs_out__puts(o, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
	vs_out__printf(o, "  <testsuite name=\"vfioscope inspect\" tests=\"%u\" failures=\"%u\" "
		       "errors=\"%u\" skipped=\"%u\">\n    <properties>\n      <property name=\"vfioscope\"",
		       t.tests, t.failures, t.errors, t.skipped);
	vs_xml__attribute(o, "value", VS_VERSION);
	vs_out__puts(o, "/>\n    </properties>\n");
	for (size_t i = 0; i < nr; i++)
		put_case(o, files ? json_array_get(files, i) : now, gate);
	for (size_t i = 0; i < gate->nr; i++)
		if (is_missing(now, &gate->rows[i]))
			put_missing(o, &gate->rows[i]);
	vs_out__puts(o, "  </testsuite>\n</testsuites>\n");
}

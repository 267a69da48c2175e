// SPDX-License-Identifier: GPL-2.0
#include "doctor/print_checks.h"

#include <stdint.h>

#include "base/json_text.h"

#define KNOB_WIDTH 26	/* "kernel.perf_event_paranoid" */

/* -- text -- */

static void put_part(const struct vs_page *page, const char *label, const char *text)
{
	if (!text[0])
		return;
	vs_out__printf(page->out, "    %-6s", label);
	vs_page__wrapped(page, 10, text);
}

/* Commands are not wrapped: the user copies them. */
static void put_problem(const struct vs_page *page, const struct vs_diag_result *r)
{
	vs_out__printf(page->out, "  %s: %s\n", r->knob, r->value);
	put_part(page, "wrong", r->what);
	put_part(page, "costs", r->cost);
	put_part(page, "do", r->remedy);
	if (r->command[0])
		vs_out__printf(page->out, "    %-6s%s\n", r->remedy[0] ? "" : "do", r->command);
}

static void put_status(const struct vs_page *page, const struct vs_diags *checks,
		       enum vs_diag_status status, const char *heading)
{
	bool any = false;

	for (size_t i = 0; i < checks->nr; i++) {
		const struct vs_diag_result *r = &checks->results[i];

		if (r->status != status || r->covered_by)
			continue;
		if (!any)
			vs_out__printf(page->out, "\n%s\n", heading);
		any = true;
		put_problem(page, r);
	}
}

static void put_values(const struct vs_page *page, const struct vs_diags *checks,
		       enum vs_diag_status status, const char *heading)
{
	bool any = false;

	for (size_t i = 0; i < checks->nr; i++) {
		const struct vs_diag_result *r = &checks->results[i];

		if (r->status != status)
			continue;
		if (!any)
			vs_out__printf(page->out, "\n%s\n", heading);
		any = true;
		vs_out__printf(page->out, "  %-*s  ", KNOB_WIDTH, r->knob);
		vs_page__wrapped(page, KNOB_WIDTH + 4, r->value);
	}
}

void vs_doctor__put_problems(const struct vs_page *page, const struct vs_diags *checks)
{
	put_status(page, checks, VS_DIAG_BLOCKS, "In the way");
	put_status(page, checks, VS_DIAG_WEAKER, "Weaker than it could be");
}

void vs_doctor__put_checks(const struct vs_page *page, const struct vs_diags *checks)
{
	vs_doctor__put_problems(page, checks);
	put_status(page, checks, VS_DIAG_NOTE, "Good to know");
	put_values(page, checks, VS_DIAG_OK, "In order");
	put_values(page, checks, VS_DIAG_UNKNOWN, "Cannot be told here");
}

void vs_doctor__put_self_test(const struct vs_page *page, const struct vs_self_test *test)
{
	for (size_t i = 0; i < VS_TEST_END; i++) {
		const struct vs_test_result *r = &test->results[i];
		const char *name = vs_test__name(i);

		switch (r->outcome) {
		case VS_TEST_FIRED:
			vs_page__line(page, name, "fired; seen %.0f us after it was provoked",
				      r->latency_ns / 1e3);
			break;
		case VS_TEST_SILENT:
			vs_page__line(page, name, "SILENT: armed without an error, but it never fired");
			break;
		case VS_TEST_REFUSED:
			vs_page__line(page, name, "REFUSED: %s", r->words);
			break;
		case VS_TEST_LEFT_OUT:
			vs_page__line(page, name, "not tried: %s", r->words);
			break;
		}
	}
}

/* -- JSON -- */

static json_t *text(const char *words)
{
	return vs_json_text__new(words, SIZE_MAX);
}

static json_t *works_to_json(unsigned int works)
{
	json_t *list = json_array();

	for (enum vs_work work = 0; work < VS_WORK_END; work++)
		if (works & (1u << work))
			json_array_append_new(list, json_string(vs_work__name(work)));
	return list;
}

static json_t *check_to_json(const struct vs_diag_result *r)
{
	return json_pack("{s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:s?}", "id", r->id,
			 "knob", text(r->knob), "status", vs_diag_status__name(r->status),
			 "value", text(r->value), "wrong", text(r->what), "costs", text(r->cost),
			 "remedy", text(r->remedy), "command", text(r->command),
			 "affects", works_to_json(r->works), "covered_by", r->covered_by);
}

json_t *vs_doctor__checks_to_json(const struct vs_diags *checks)
{
	json_t *list = json_array();

	for (size_t i = 0; i < checks->nr; i++)
		json_array_append_new(list, check_to_json(&checks->results[i]));
	return list;
}

json_t *vs_doctor__self_test_to_json(const struct vs_self_test *test)
{
	static const char *const outcomes[] = {
		[VS_TEST_LEFT_OUT] = "not-tried",
		[VS_TEST_FIRED] = "fired",
		[VS_TEST_SILENT] = "silent",
		[VS_TEST_REFUSED] = "refused",
	};
	json_t *list = json_array();

	for (size_t i = 0; i < VS_TEST_END; i++) {
		const struct vs_test_result *r = &test->results[i];

		json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:o}", "kind",
						      vs_test__name(i), "outcome",
						      outcomes[r->outcome], "latency_ns",
						      (json_int_t)r->latency_ns, "words", text(r->words)));
	}
	return list;
}

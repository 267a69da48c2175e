// SPDX-License-Identifier: GPL-2.0
/* The verdict of `validate` from made-up evidence, its exit statuses, and its reports. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/exit_codes.h"
#include "validate/gather.h"
#include "validate/kernel_log.h"
#include "validate/load.h"
#include "validate/print.h"
#include "validate/strength.h"

static struct vs_plan_row rows[64];
static struct vs_plan plan;
static struct vs_inspection inspection;
static struct vs_validation v;
static struct vs_ruling r;

/* Everything as it is on a kernel with the fix. */
static int good(void **state)
{
	(void)state;
	memset(&v, 0, sizeof(v));
	memset(&inspection, 0, sizeof(inspection));
	plan = (struct vs_plan){ .rows = rows };
	for (; vs_hooks[plan.nr_rows].name; plan.nr_rows++)
		rows[plan.nr_rows] =
			(struct vs_plan_row){ .hook = &vs_hooks[plan.nr_rows], .nr_probes = 1 };
	inspection.verdict = VS_VERDICT_FIXED;
	inspection.path = (char *)"/vfio.ko";
	strcpy(inspection.reason, "the notifier leaves its put to a worker");
	v.inspection = &inspection;
	v.plan = &plan;
	v.probes = 36;
	v.min_last_puts = 20;
	v.path = (struct vs_path_counts){ .entered = { [VS_ACT_BOUND_DRIVER] = 120 },
					  .left = 120,
					  .found = 100,
					  .not_found = 20,
					  .queued = 100,
					  .started = 100,
					  .ended = 100,
					  .last_puts = 20 };
	for (int i = 0; i < VS_LOSS_END; i++)
		v.losses[i].reported = true;
	v.refs_kept = v.refs_checked = true;
	v.kernel = (struct vs_kernel_state){ .taint_known = true, .log_read = true };
	v.stress = (struct vs_stress_result){ .mode = VS_STRESS_DRIVEN, .end = VS_STRESS_DONE };
	strcpy(v.stress.said, "done: 3000 cycles");
	strcpy(v.stress.devices, "05.0,05.1");
	return 0;
}

/* Verdict and failure as expected, and the named check is the reason. */
static void expect(enum vs_verdict verdict, bool failed, int check, enum vs_check_status status)
{
	vs_rule(&v, &r);
	if (r.verdict != verdict || r.failed != failed)
		fail_msg("%s, failed %d: %s", vs_verdict__name(r.verdict), r.failed, r.reason);
	if (check >= 0)
		assert_int_equal(r.checks[check].status, status);
	assert_true(r.reason[0]);
}

static void unproven(int check)
{
	expect(VS_VERDICT_INCONCLUSIVE, false, check, VS_CHECK_UNKNOWN);
	if (strncmp(r.reason, vs_check__name(check), strlen(vs_check__name(check))))
		fail_msg("the reason is another: %s", r.reason);
	assert_int_equal(vs_ruling__exit(&r, VS_STYLE_PLAIN), VS_EXIT_INCONCLUSIVE);
	good(NULL);
}

static void fails(int check)
{
	expect(VS_VERDICT_INCONCLUSIVE, true, check, VS_CHECK_FAIL);
	assert_int_equal(vs_ruling__exit(&r, VS_STYLE_PLAIN), VS_EXIT_BUG);
	good(NULL);
}

static void test_fixed(void **state)
{
	(void)state;
	expect(VS_VERDICT_FIXED, false, VS_CHECK_PATH, VS_CHECK_PASS);
	v.stress = (struct vs_stress_result){ .mode = VS_STRESS_OBSERVED };
	expect(VS_VERDICT_FIXED, false, VS_CHECK_STRESS, VS_CHECK_SKIP);
}

/* Skipped programs would show where tracepoints count, too, and in the kernel's own counters. */
static void test_what_a_kernel_does_not_tell_is_said(void **state)
{
	(void)state;
	v.losses[VS_LOSS_RECURSION].reported = false;
	expect(VS_VERDICT_FIXED, false, VS_CHECK_LOSSES, VS_CHECK_PASS);
	assert_non_null(strstr(r.checks[VS_CHECK_LOSSES].words, "none counted; this kernel does not report \"a "
								  "program was skipped: it was already running on that CPU\": "));
	v.path.found--;
	unproven(VS_CHECK_ACCOUNTS);
	v.losses[VS_LOSS_RECURSION].reported = false;
	v.refs_checked = false;
	unproven(VS_CHECK_REFERENCES);
}

static void test_each_loss_is_inconclusive(void **state)
{
	(void)state;
	for (int i = 0; i < VS_LOSS_END; i++) {
		v.losses[i].total = v.lost = 1;
		unproven(VS_CHECK_LOSSES);
	}
}

static void test_each_hook_is_needed(void **state)
{
	static const enum vs_hook_status bad[] = {
		VS_HOOK_PARTIAL, VS_HOOK_WAITING, VS_HOOK_MISSING,
	};

	(void)state;
	for (size_t i = 0; i < plan.nr_rows; i++)
		for (size_t j = 0; j < 3; j++) {
			rows[i].status = bad[j];
			vs_rule(&v, &r);
			assert_non_null(strstr(r.reason, rows[i].hook->name));
			unproven(VS_CHECK_PROBES);
		}
	v.plan = NULL;
	vs_rule(&v, &r);
	for (int i = VS_CHECK_LOSSES; i <= VS_CHECK_REFERENCES; i++)
		assert_int_equal(r.checks[i].status, VS_CHECK_UNKNOWN);
	unproven(VS_CHECK_PROBES);
	v.gaps = 1;
	unproven(VS_CHECK_PROBES);
	rows[0].status = VS_HOOK_NOT_APPLICABLE;
	expect(VS_VERDICT_FIXED, false, VS_CHECK_PROBES, VS_CHECK_PASS);
}

static void test_unexercised_is_inconclusive(void **state)
{
	(void)state;
	v.path.last_puts = 19;
	unproven(VS_CHECK_PATH);
	v.path.found = v.path.queued = v.path.started = v.path.ended = 0;
	unproven(VS_CHECK_PATH);
	v.min_last_puts = 1000;
	unproven(VS_CHECK_PATH);
}

/* Whoever reads the reason learns what to do, where there is something. */
static void advises(const char *words)
{
	static const char begin[] = "the path did not run often enough: 19 last puts ";
	const char *path = r.checks[VS_CHECK_PATH].words, *end;

	v.path.last_puts = 19;
	vs_rule(&v, &r);
	assert_memory_equal(path, begin, sizeof(begin) - 1);
	end = strstr(path, " found their group");
	assert_non_null(end);
	assert_string_equal(end + strlen(" found their group"), words);
	good(NULL);
}

static void test_unexercised_says_what_to_do(void **state)
{
	(void)state;
	v.path.last_puts = 19;
	vs_rule(&v, &r);
	assert_non_null(strstr(r.reason, "; give more --cycles"));
	advises("; give more --cycles, a longer --duration or other --devices");
	v.stress = (struct vs_stress_result){ .mode = VS_STRESS_OBSERVED };
	advises("; let the host's own load run longer");
	/* A longer run would not help. */
	inspection.verdict = VS_VERDICT_VULNERABLE;
	advises("");
	v.plan = NULL;
	advises("");
	v.stress.end = VS_STRESS_REFUSED;
	advises("");
}

static void test_accounts(void **state)
{
	uint64_t *const counts[] = { &v.path.found, &v.path.queued, &v.path.started, &v.path.ended,
				     &v.path.outstanding, &v.path.unpaired };

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		(*counts[i])++;
		unproven(VS_CHECK_ACCOUNTS);
	}
}

static void test_deadlock(void **state)
{
	(void)state;
	v.findings[VS_NOTIFIER_DEADLOCK][VS_GRADE_BUG] = 1;
	v.findings[VS_PUT_IN_NOTIFIER][VS_GRADE_HAZARD] = 5;
	for (int code = VS_VERDICT_INCONCLUSIVE; code <= VS_VERDICT_NOT_APPLICABLE; code++) {
		inspection.verdict = code;
		expect(VS_VERDICT_VULNERABLE, true, VS_CHECK_DEADLOCK, VS_CHECK_FAIL);
	}
	v.lost = v.losses[0].total = 3;
	expect(VS_VERDICT_VULNERABLE, true, VS_CHECK_DEADLOCK, VS_CHECK_FAIL);
	/* With a probe missing it may be an error of ours, unless the code says the same. */
	rows[0].status = VS_HOOK_MISSING;
	inspection.verdict = VS_VERDICT_FIXED;
	expect(VS_VERDICT_INCONCLUSIVE, false, VS_CHECK_DEADLOCK, VS_CHECK_UNKNOWN);
	inspection.verdict = VS_VERDICT_VULNERABLE;
	expect(VS_VERDICT_VULNERABLE, true, VS_CHECK_DEADLOCK, VS_CHECK_FAIL);
}

/* A chain's return that was skipped leaves its task inside, for probes; not for its stack. */
static void test_skipped_probes(void **state)
{
	static const unsigned int causes[] = {
		VS_LOSS_STALE_FRAME, VS_LOSS_RECURSION, VS_LOSS_PROBE_MISSED,
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		v.lost = v.losses[causes[i]].total = 1;
		v.findings[VS_NOTIFIER_DEADLOCK][VS_GRADE_BUG] = 1;
		vs_rule(&v, &r);
		assert_int_equal(r.verdict, VS_VERDICT_INCONCLUSIVE);
		assert_false(r.failed);
		assert_int_equal(r.checks[VS_CHECK_DEADLOCK].status, VS_CHECK_UNKNOWN);
		v.findings[VS_NOTIFIER_DEADLOCK][VS_GRADE_BUG] = 0;
		v.findings[VS_PUT_IN_NOTIFIER][VS_GRADE_HAZARD] = 1;
		vs_rule(&v, &r);
		assert_false(r.failed);
		assert_non_null(strstr(r.checks[VS_CHECK_NOTIFIER].words, "skipped probes"));
		v.findings[VS_PUT_IN_NOTIFIER][VS_GRADE_HAZARD] = 0;
		v.findings[VS_PUT_WITHOUT_GET][VS_GRADE_BUG] = 1;
		vs_rule(&v, &r);
		assert_int_equal(r.checks[VS_CHECK_REFERENCES].status, VS_CHECK_UNKNOWN);
		v.findings[VS_PUT_WITHOUT_GET][VS_GRADE_BUG] = 0;
		v.losses[causes[i]].total = 0;
	}
	v.losses[VS_LOSS_RECURSION].total = 1;
	v.findings[VS_NOTIFIER_DEADLOCK][VS_GRADE_BUG] = 1;
	v.said[0] = (struct vs_finding_said){ .kind = VS_NOTIFIER_DEADLOCK, .stack =
		"blocking_notifier_chain_unregister+0x24/0xb0\n"
		"vfio_iommu_group_notifier+0xd5/0x310 [vfio]" };
	v.nr_said = 1;
	expect(VS_VERDICT_VULNERABLE, true, VS_CHECK_DEADLOCK, VS_CHECK_FAIL);
}

static void test_put_in_notifier(void **state)
{
	(void)state;
	v.findings[VS_PUT_IN_NOTIFIER][VS_GRADE_HAZARD] = 5;
	inspection.verdict = VS_VERDICT_VULNERABLE;
	expect(VS_VERDICT_VULNERABLE, true, VS_CHECK_NOTIFIER, VS_CHECK_FAIL);
	inspection.verdict = VS_VERDICT_INCONCLUSIVE;
	expect(VS_VERDICT_VULNERABLE, true, VS_CHECK_NOTIFIER, VS_CHECK_FAIL);
}

static void test_contradictions(void **state)
{
	(void)state;
	v.findings[VS_PUT_IN_NOTIFIER][VS_GRADE_HAZARD] = 5;
	expect(VS_VERDICT_INCONCLUSIVE, true, VS_CHECK_NOTIFIER, VS_CHECK_FAIL);
	assert_non_null(strstr(r.reason, "contradiction"));
	good(NULL);
	inspection.verdict = VS_VERDICT_VULNERABLE;
	expect(VS_VERDICT_INCONCLUSIVE, true, VS_CHECK_CODE, VS_CHECK_FAIL);
	assert_non_null(strstr(r.reason, "contradiction"));
	inspection.verdict = VS_VERDICT_NOT_APPLICABLE;
	expect(VS_VERDICT_INCONCLUSIVE, false, VS_CHECK_CODE, VS_CHECK_SKIP);
	assert_non_null(strstr(r.reason, "contradiction"));
}

static void test_code(void **state)
{
	(void)state;
	inspection.verdict = VS_VERDICT_INCONCLUSIVE;
	unproven(VS_CHECK_CODE);
	v.inspection = NULL;
	unproven(VS_CHECK_CODE);
	strcpy(v.identity.vfio_livepatch, "kpatch_1");
	unproven(VS_CHECK_CODE);
	v.identity.vfio_livepatch[0] = '\0';
	v.inspection = &inspection;
	inspection.verdict = VS_VERDICT_FIXED;
	v.text_changed = true;
	unproven(VS_CHECK_CODE);
	v.text_changed = false;
	strcpy(v.identity.livepatches, "of_another_module");
	expect(VS_VERDICT_FIXED, false, VS_CHECK_CODE, VS_CHECK_PASS);
}

static void test_references(void **state)
{
	static const enum vs_finding_kind kinds[] = {
		VS_REF_LEAK, VS_PUT_WITHOUT_GET, VS_RELEASED_WHILE_HELD, VS_USE_AFTER_RELEASE,
	};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		v.findings[kinds[i]][VS_GRADE_BUG] = 1;
		fails(VS_CHECK_REFERENCES);
		v.findings[kinds[i]][VS_GRADE_HAZARD] = 1;
		unproven(VS_CHECK_REFERENCES);
	}
	v.unattributed = 1;
	unproven(VS_CHECK_REFERENCES);
	v.refs_differ = true;
	unproven(VS_CHECK_REFERENCES);
	v.refs_kept = false;
	unproven(VS_CHECK_REFERENCES);
	v.refs_checked = false;
	unproven(VS_CHECK_REFERENCES);
	v.refs_uncompared = (struct vs_refs_uncompared){ 2, 7, "it was busy" };
	expect(VS_VERDICT_INCONCLUSIVE, false, VS_CHECK_REFERENCES, VS_CHECK_UNKNOWN);
	vs_rule(&v, &r);
	assert_non_null(strstr(r.checks[VS_CHECK_REFERENCES].words, "group 7, it was busy"));
	v.refs_uncompared = (struct vs_refs_uncompared){ .number = -1 };
	v.findings[VS_NEAR_MISS][VS_GRADE_INFO] = 9;
	expect(VS_VERDICT_FIXED, false, -1, 0);
}

static void test_kernel(void **state)
{
	(void)state;
	v.kernel.taint_before = 0x1000;
	v.kernel.taint_after = 0x1200;
	fails(VS_CHECK_KERNEL);
	v.kernel.warnings = 1;
	fails(VS_CHECK_KERNEL);
	v.findings[VS_CHAIN_DEADLOCK_FOUND][VS_GRADE_BUG] = 1;
	fails(VS_CHECK_KERNEL);
	v.kernel.log_lost = 1;
	unproven(VS_CHECK_KERNEL);
	v.kernel.log_read = false;
	unproven(VS_CHECK_KERNEL);
	v.kernel.taint_before = 0x3000;
	v.kernel.taint_after = 0xb000;
	unproven(VS_CHECK_KERNEL);
	v.kernel.taint_before = v.kernel.taint_after = 0x3000;
	expect(VS_VERDICT_FIXED, false, VS_CHECK_KERNEL, VS_CHECK_PASS);
}

static void test_stress(void **state)
{
	(void)state;
	v.stress.end = VS_STRESS_STUCK;
	fails(VS_CHECK_STRESS);
	v.stress.end = VS_STRESS_REFUSED;
	unproven(VS_CHECK_STRESS);
	v.stress.end = VS_STRESS_FAILED;
	unproven(VS_CHECK_STRESS);
	v.stress.end = VS_STRESS_RUNNING;
	unproven(VS_CHECK_STRESS);
	v.interrupted = true;
	unproven(VS_CHECK_STRESS);
}

static void make_not_applicable(void)
{
	inspection.verdict = VS_VERDICT_NOT_APPLICABLE;
	v.path = (struct vs_path_counts){};
	v.plan = NULL;
	v.stress = (struct vs_stress_result){ .mode = VS_STRESS_NOT_STARTED };
}

static void test_not_applicable(void **state)
{
	(void)state;
	make_not_applicable();
	expect(VS_VERDICT_NOT_APPLICABLE, false, VS_CHECK_PATH, VS_CHECK_SKIP);
	v.kernel.warnings = 1;
	expect(VS_VERDICT_INCONCLUSIVE, true, VS_CHECK_KERNEL, VS_CHECK_FAIL);
}

static void exits(int plain, int kselftest, int ltp)
{
	vs_rule(&v, &r);
	assert_int_equal(vs_ruling__exit(&r, VS_STYLE_PLAIN), plain);
	assert_int_equal(vs_ruling__exit(&r, VS_STYLE_KSELFTEST), kselftest);
	assert_int_equal(vs_ruling__exit(&r, VS_STYLE_LTP), ltp);
}

static void test_exit_styles(void **state)
{
	(void)state;
	exits(VS_EXIT_OK, 0, 0);
	v.lost = v.losses[0].total = 1;
	exits(VS_EXIT_INCONCLUSIVE, 4, 2);
	v.kernel.warnings = 1;
	exits(VS_EXIT_BUG, 1, 1);
	good(NULL);
	make_not_applicable();
	exits(VS_EXIT_OK, 4, 32);
	assert_int_equal(vs_exit_style__parse("ltp"), VS_STYLE_LTP);
	assert_true(vs_exit_style__parse("ktap") < 0);
	assert_int_equal(vs_failure__exit(VS_EXIT_PERMISSION, VS_STYLE_PLAIN), VS_EXIT_PERMISSION);
	assert_int_equal(vs_failure__exit(VS_EXIT_PERMISSION, VS_STYLE_KSELFTEST), 4);
	assert_int_equal(vs_failure__exit(VS_EXIT_USAGE, VS_STYLE_LTP), 2);
}

/* -- reports -- */

static char *print(void (*printer)(struct vs_out *, const struct vs_validate_page *))
{
	struct vs_validate_page page = { &v, &r, 0, 80, false };
	struct vs_out o;

	vs_rule(&v, &r);
	page.exit_status = vs_ruling__exit(&r, VS_STYLE_PLAIN);
	vs_out__init(&o, -1);
	printer(&o, &page);
	vs_out__raw(&o, "", 1);
	return o.buf;
}

/* Words that every format must keep out of its own syntax. */
static void make_hostile(void)
{
	v.findings[VS_NOTIFIER_DEADLOCK][VS_GRADE_BUG] = 1;
	v.nr_said = 1;
	v.said[0] = (struct vs_finding_said){ .kind = VS_NOTIFIER_DEADLOCK, .grade = VS_GRADE_BUG };
	strcpy(v.said[0].task, "a|b`<&>\"#\n\x01\xff[1]");
	strcpy(v.said[0].words, "words | with # <all> & \"more\"");
	strcpy(v.said[0].stack, "rwsem_down_write_slowpath\nvfio_group_release+0x126\n");
	strcpy(inspection.reason, "<b> & \"c\" # SKIP | \x02\n");
	v.kernel.warnings = 1;
	strcpy(v.kernel.warning[0], "WARNING: <CPU> & # \"x\" \xc3\x28");
}

static void check_tap(const char *text)
{
	int number = 0;
	bool ok;

	assert_memory_equal(text, "KTAP version 1\n1..11\n", 21);
	text += 21;
	for (; *text; text += strcspn(text, "\n") + 1) {
		int at = 0;

		if (*text == '#')
			continue;
		ok = !strncmp(text, "ok ", 3);
		assert_true(ok || !strncmp(text, "not ok ", 7));
		assert_int_equal(sscanf(text + (ok ? 3 : 7), "%d %n", &at, &number), 1);
		number = at;
	}
	assert_int_equal(number, 11);
}

static void test_tap(void **state)
{
	char *text = print(vs_validate__tap);

	(void)state;
	check_tap(text);
	assert_null(strstr(text, "not ok"));
	assert_non_null(strstr(text, "# Totals: pass:11 fail:0 xfail:0 xpass:0 skip:0 error:0\n"));
	free(text);
	make_hostile();
	text = print(vs_validate__tap);
	check_tap(text);
	assert_non_null(strstr(text, "\nnot ok 6 deadlock\n"));
	assert_non_null(strstr(text, "\nnot ok 11 verdict\n"));
	assert_null(strstr(text, "# SKIP |"));
	free(text);
	good(NULL);
	v.lost = v.losses[0].total = 1;
	text = print(vs_validate__tap);
	check_tap(text);
	assert_non_null(strstr(text, "\nok 5 losses # SKIP 1 lost"));
	assert_non_null(strstr(text, "\nok 11 verdict # SKIP INCONCLUSIVE\n"));
	free(text);
}

/* A small well-formedness check: tags nest, attributes are quoted, no stray < or &. */
static const char *skip_entity(const char *s)
{
	static const char *const known[] = { "&amp;", "&lt;", "&gt;", "&quot;", "&#10;" };

	for (size_t i = 0; i < 5; i++)
		if (!strncmp(s, known[i], strlen(known[i])))
			return s + strlen(known[i]);
	fail_msg("a stray &: %.20s", s);
	return NULL;
}

static const char *skip_attributes(const char *s)
{
	while (*s == ' ') {
		s += 1 + strcspn(s + 1, "=");
		assert_memory_equal(s, "=\"", 2);
		for (s += 2; *s != '"'; s = *s == '&' ? skip_entity(s) : s + 1)
			assert_true(*s && *s != '<' && (unsigned char)*s >= 0x20 &&
				    (unsigned char)*s < 0x7f);
		s++;
	}
	return s;
}

static const char *check_element(const char *s)
{
	size_t len = strcspn(++s, " />");
	const char *name = s;

	s = skip_attributes(s + len);
	if (!strncmp(s, "/>", 2))
		return s + 2;
	assert_int_equal(*s++, '>');
	while (strncmp(s, "</", 2)) {
		assert_true(*s);
		s = *s == '<' ? check_element(s) : *s == '&' ? skip_entity(s) : s + 1;
	}
	assert_memory_equal(s + 2, name, len);
	assert_int_equal(s[2 + len], '>');
	return s + 3 + len;
}

static void check_xml(const char *text)
{
	const char *head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

	assert_memory_equal(text, head, strlen(head));
	assert_string_equal(check_element(text + strlen(head)), "\n");
}

static void test_junit(void **state)
{
	static const char *const properties[] = {
		"verdict", "reason", "vfioscope", "release", "version", "machine", "vfio.srcversion", "vfio.build-id",
		"livepatches",
	};
	char *text = print(vs_validate__junit);

	(void)state;
	check_xml(text);
	assert_non_null(strstr(text, "tests=\"11\" failures=\"0\" errors=\"0\" skipped=\"0\""));
	for (size_t i = 0; i < sizeof(properties) / sizeof(properties[0]); i++) {
		char property[64];

		snprintf(property, sizeof(property), "<property name=\"%s\" value=", properties[i]);
		assert_non_null(strstr(text, property));
	}
	free(text);
	make_hostile();
	text = print(vs_validate__junit);
	check_xml(text);
	assert_non_null(strstr(text, "tests=\"11\" failures=\"3\""));
	assert_non_null(strstr(text, "<failure type=\"VULNERABLE\""));
	free(text);
}

static void test_json(void **state)
{
	char *text;
	json_t *root;

	(void)state;
	make_hostile();
	text = print(vs_validate__json);
	root = json_loads(text, 0, NULL);
	assert_non_null(root);
	assert_string_equal(json_string_value(json_object_get(root, "verdict")), "VULNERABLE");
	assert_int_equal(json_integer_value(json_object_get(root, "exit_status")), VS_EXIT_BUG);
	assert_int_equal(json_array_size(json_object_get(root, "checks")), VS_CHECKS);
	assert_int_equal(json_array_size(json_object_get(json_array_get(
		json_object_get(root, "findings"), 0), "stack")), 2);
	json_decref(root);
	free(text);
}

static void test_markdown(void **state)
{
	char *text;

	(void)state;
	make_hostile();
	text = print(vs_validate__markdown);
	assert_memory_equal(text, "# VFIO notifier deadlock: VULNERABLE\n", 37);
	for (const char *part = "## Impact\0## Test plan\0## Result\0## Evidence\0"; *part;
	     part += strlen(part) + 1)
		assert_non_null(strstr(text, part));
	assert_non_null(strstr(text, "a\\|b\\`\\<\\&"));
	assert_non_null(
		strstr(text, "\n    rwsem_down_write_slowpath\n    vfio_group_release+0x126\n\n"));
	free(text);
}

static void has_line(const char *text, const char *line)
{
	const char *at = strstr(text, line);

	if (!at || (at > text && at[-1] != '\n') || at[strlen(line)] != '\n')
		fail_msg("no line \"%s\" in:\n%s", line, text);
}

#define STEP(nr, what) "step " nr ": if this is the last line you see, the host hung in step " nr ": " what

/* The report of a run says what that run did: each thing is left out once. */
static void test_markdown_tells_what_was_done(void **state)
{
	char line[200], *text;

	(void)state;
	plan.nr_rows = 4;
	rows[0].nr_probes = 13;
	rows[1].status = VS_HOOK_MISSING;
	strcpy(rows[1].how, "no | symbol");
	rows[2].status = VS_HOOK_PARTIAL;
	strcpy(rows[2].how, "part");
	rows[3].status = VS_HOOK_NOT_APPLICABLE;
	rows[3].nr_probes = 0;
	v.probes = 14;
	text = print(vs_validate__markdown);
	has_line(text, "- it began no step: done: 3000 cycles");
	assert_null(strstr(text, "bind of"));
	free(text);
	vs_load__take_line(STEP("1", "bind: unbind and bind of A against unbind and bind of B, 9 times"), &v.stress);
	vs_load__take_line(STEP("2", "close: unbind and bind of A against close of /dev/vfio/1, 9 times"), &v.stress);
	vs_load__take_line(STEP("3", "bind: unbind and bind of B against unbind and bind of A, 7 times"), &v.stress);
	vs_load__take_line("step 4", &v.stress);
	text = print(vs_validate__markdown);
	has_line(text, "- vfio-stress was run on spare devices: 05.0,05.1");
	has_line(text, "- bind: 2 steps, the last: unbind and bind of B against unbind and bind of A, 7 times");
	has_line(text, "- close: 1 step, the last: unbind and bind of A against close of /dev/vfio/1, 9 times");
	assert_null(strstr(text, "remove"));
	assert_null(strstr(text, "- open"));
	snprintf(line, sizeof(line), "- 14 probes armed: %s 13", vs_hooks[0].name);
	has_line(text, line);
	snprintf(line, sizeof(line), "- **missing**: %s: no \\| symbol", vs_hooks[1].name);
	has_line(text, line);
	snprintf(line, sizeof(line), "- **partial**: %s: part", vs_hooks[2].name);
	has_line(text, line);
	snprintf(line, sizeof(line), "- this kernel has nothing to probe for: %s", vs_hooks[3].name);
	has_line(text, line);
	free(text);
	v.plan = NULL;
	v.stress = (struct vs_stress_result){ .mode = VS_STRESS_OBSERVED };
	text = print(vs_validate__markdown);
	has_line(text, "- the host was observed under its own load; nothing was provoked");
	has_line(text, "- no probe was armed");
	assert_null(strstr(text, "vfio-stress was"));
	free(text);
}

static void test_text_fits(void **state)
{
	char *text = print(vs_validate__text);

	(void)state;
	assert_memory_equal(text, "FIXED  ", 7);
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\n") <= 80);
	free(text);
	v.kernel.warnings = 1;
	text = print(vs_validate__text);
	assert_memory_equal(text, "INCONCLUSIVE  ", 14);
	assert_non_null(strstr(text, "\nFAILED  "));
	free(text);
}

/* -- evidence -- */

static void test_gather(void **state)
{
	struct vs_finding *f = calloc(1, sizeof(*f));
	struct vs_validation found = {};
	struct vs_gather g;

	(void)state;
	vs_gather__init(&g, &found);
	f->group.devices = "";
	f->kind = VS_PUT_IN_NOTIFIER;
	f->grade = VS_GRADE_HAZARD;
	for (int i = 0; i < 2 * VS_FINDINGS_SAID; i++)
		g.sink.ops->finding(&g.sink, f);
	assert_true(g.news && !g.deadlock && !g.bug);
	f->kind = VS_NOTIFIER_DEADLOCK;
	f->grade = VS_GRADE_BUG;
	g.sink.ops->finding(&g.sink, f);
	assert_true(g.deadlock && g.bug);
	assert_int_equal(found.nr_said, VS_FINDINGS_SAID);
	assert_int_equal(found.said[0].kind, VS_NOTIFIER_DEADLOCK);
	assert_int_equal(found.said[1].kind, VS_PUT_IN_NOTIFIER);
	free(f);
}

/* The bound is what it says: of many runs of a kernel that is as faulty as that, one in twenty shows nothing. */
static void strength_is_calibrated(void **state)
{
	static const uint64_t trials[] = { 1, 20, 299, 2995 };

	(void)state;
	srandom(7);
	for (size_t i = 0; i < sizeof(trials) / sizeof(trials[0]); i++) {
		double share = vs_strength__bound(trials[i]);
		unsigned int clean = 0;

		for (int run = 0; run < 4000; run++) {
			uint64_t n = 0;

			while (n < trials[i] && (double)random() / RAND_MAX >= share)
				n++;
			clean += n == trials[i];
		}
		assert_in_range(clean, 150, 250);
		assert_int_equal(vs_strength__needed(share * 1.0001), trials[i]);
	}
	assert_int_equal(vs_strength__needed(0.01), 299);
	assert_true(vs_strength__bound(0) == 1);
}

static void strength_is_said_of_fixed_only(void **state)
{
	char *text;

	(void)state;
	text = print(vs_validate__text);
	assert_non_null(strstr(text, "rules out"));
	assert_non_null(strstr(text, "more than 14 % of such puts"));
	free(text);
	v.path.last_puts = 3;
	text = print(vs_validate__text);
	assert_null(strstr(text, "rules out"));
	free(text);
}

static void strength_parses(void **state)
{
	static const char *const bad[] = { "", "%", "0", "51%", "-1%", "1%%", "1 %", "nan", "1e-3%" };
	double share;

	(void)state;
	assert_int_equal(vs_strength__parse("1%", &share), 0);
	assert_true(share > 0.0099 && share < 0.0101);
	assert_int_equal(vs_strength__parse("0.05", &share), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(vs_strength__parse(bad[i], &share), -22);
}

static void test_gather_last_puts(void **state)
{
	struct vs_event e = { .type = VS_RELEASE, .context = VS_CTX_WORKER };
	struct vs_validation found = {};
	struct vs_gather g;

	(void)state;
	vs_gather__init(&g, &found);
	vs_gather__event(&g, &e);
	e.flags = VS_F_FREED;
	vs_gather__event(&g, &e);
	e.flags = 0;
	e.context = VS_CTX_NOTIFIER;
	vs_gather__event(&g, &e);
	e.context = VS_CTX_PROCESS;
	vs_gather__event(&g, &e);
	e = (struct vs_event){ .type = VS_NOTIFIER_ENTER, .action = 200 };
	vs_gather__event(&g, &e);
	assert_int_equal(found.path.last_puts, 1);
	assert_int_equal(found.path.other_releases, 1);
	assert_int_equal(found.path.entered[0], 1);
}

static void test_kernel_log(void **state)
{
	static const char *const bad[] = {
		"4,339,5140900,-;WARNING: CPU: 1 PID: 99 at drivers/vfio/vfio.c:406 "
		"vfio_group_release\n",
		"1,1,1,-;BUG: kernel NULL pointer dereference, address: 0\n",
		"3,1,1,-;BUG: KASAN: vmalloc-out-of-bounds in foo+0x1/0x2\n",
		"3,1,1,-;INFO: task a: vmalloc:12 blocked for more than 120 seconds.\n",
		"3,1,1,-;INFO: task ]: segfault at :12 blocked for more than 120 seconds.\n",
		"3,1,1,-;INFO: task sh:99 blocked for more than 120 seconds.\n",
		"4,1,1,-;refcount_t: underflow; use-after-free.\n",
		"1,1,1,-,caller=T99;BUG: unable to handle page fault for address: ffffc90000a3\n",
		"2,1,1,-;kernel BUG at drivers/vfio/vfio.c:406!\n",
		"4,1,1,-;Oops: 0002 [#1] SMP PTI\n",
		"4,1,1,-;general protection fault, probably for non-canonical address "
		"0xdead000000000108: 0000 [#1] SMP PTI\n",
		"3,1,1,-;BUG: KASAN: use-after-free in vfio_group_put_bg+0x1a/0x40 [vfio]\n",
		"3,1,1,-;BUG kmalloc-192 (Not tainted): Poison overwritten\n",
		"4,1,1,-;WARNING: possible circular locking dependency detected\n",
		"4,1,1,-;[ BUG: Invalid wait context ]\n",
		"0,1,1,-;watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [sh:99]\n",
		"0,1,1,-;Internal error: Oops: 96000004 [#1] SMP\n",
	};
	static const char *const fine[] = {
		/* Processes that crashed. */
		"6,1,1,-;traps: foo[1234] general protection fault ip:401126 sp:7ffd error:0\n",
		"6,1,1,-;foo[77]: segfault at 0 ip 0000000000401126 sp 00007ffd error 4\n",
		/* And named to look like more. */
		"6,1,1,-;traps: WARNING: x[1234] general protection fault ip:401126 sp:7ffd\n",
		"6,1,1,-;WARNING: x[77]: segfault at 0 ip 0000000000401126 sp 00007ffd\n",
		"6,1,1,-;BUG: x[77] bad frame in rt_sigreturn frame:0000 ip:4 sp:7ffd\n",
		"0,1,1,-;BUG: x[1]: segfault at 0 ip 0000000000401126 sp 00007ffd error 4\n",
		"4,1,1,-;BUG: x invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0\n",
		"4,1,1,-;WARNING: x: page allocation failure: order:9, mode:0xcc0(GFP_KERNEL)\n",
		"4,1,1,-;BUG: x: vmalloc: allocation failure: 4096 bytes, mode:0xcc0(GFP_KERNEL)\n",
		"4,1,1,-;BUG: x[9] is installing a program with bpf_probe_write_user helper that\n",
		"3,1,1,-;traps: Oops: [99] attempts to use CLI/STI, pretending it's a NOP, ip:4\n",
		"4,1,1,-;process 'BUG: x' started with executable stack\n",
		"3,1,1,-;INFO: task is a name and no more\n",
		"3,1,1,-;x blocked for more than a day\n",
		"5,1,1,-;Spectre V2 : WARNING: Unprivileged eBPF is enabled\n",
		"6,339,5140900,-;pci-stub 0000:00:05.1: claimed by stub\n",
		"12,1,1,-;WARNING: a user wrote this to /dev/kmsg\n",
		"", ";", "4,1,1,-", "WARNING: no header",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_true(vs_kernel_log__is_warning(bad[i]));
	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
		assert_false(vs_kernel_log__is_warning(fine[i]));
}

/* A program in the place of vfio-stress: what it says and how it ends. */
static void run_load(const char *script, bool stop, struct vs_stress_result *result)
{
	char path[] = "/tmp/test_validate.XXXXXX";
	int fd = mkstemp(path);
	struct vs_load *load;

	assert_true(fd >= 0 && write(fd, script, strlen(script)) == (ssize_t)strlen(script));
	fchmod(fd, 0755);
	close(fd);
	*result = (struct vs_stress_result){ .mode = VS_STRESS_DRIVEN };
	load = vs_load__start(
		&(struct vs_load_opts){ .path = path, .devices = "05.0", .cycles = 7 });
	assert_non_null(load);
	while (!vs_load__follow(load, result)) {
		if (stop && result->steps)
			vs_load__stop(load);
		usleep(1000);
	}
	vs_load__free(load);
	unlink(path);
}

static void test_load(void **state)
{
	struct vs_stress_result result;

	(void)state;
	run_load("#!/bin/sh\necho \"step 1: $*\"\necho step 2: last\necho done: 7 cycles\n", false,
		 &result);
	assert_int_equal(result.end, VS_STRESS_DONE);
	assert_int_equal(result.steps, 2);
	assert_string_equal(result.step, "step 2: last");
	assert_string_equal(result.said, "done: 7 cycles");
	run_load("#!/bin/sh\necho stuck: process 1, state D\necho vfio-stress: a task hangs "
		 ">&2\nexit 3",
		 false, &result);
	assert_int_equal(result.end, VS_STRESS_STUCK);
	assert_string_equal(result.said, "a task hangs");
	/* A slow device is no hang, and why is what is shown. */
	run_load("#!/bin/sh\necho slow: process 1, state D\necho failed: 7 cycles\necho "
		 "vfio-stress: an unbind took longer >&2\nexit 1",
		 false, &result);
	assert_int_equal(result.end, VS_STRESS_FAILED);
	assert_string_equal(result.said, "an unbind took longer");
	run_load("#!/bin/sh\n[ \"$*\" = '--devices 05.0 --i-know-this-can-hang-the-host --cycles "
		 "7' ] && exit 4",
		 false, &result);
	assert_int_equal(result.end, VS_STRESS_REFUSED);
	run_load("#!/bin/sh\nexit 1", false, &result);
	assert_int_equal(result.end, VS_STRESS_FAILED);
	run_load("#!/bin/sh\nkill -9 $$", false, &result);
	assert_int_equal(result.end, VS_STRESS_FAILED);
	run_load("#!/bin/sh\ntrap 'exit 143' TERM\necho step 1: x\nwhile :; do sleep 0.01; done",
		 true, &result);
	assert_int_equal(result.end, VS_STRESS_DONE);
	assert_null(
		vs_load__start(&(struct vs_load_opts){ .path = "/nowhere", .devices = "05.0" }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_fixed, good),
		cmocka_unit_test_setup(test_what_a_kernel_does_not_tell_is_said, good),
		cmocka_unit_test_setup(test_each_loss_is_inconclusive, good),
		cmocka_unit_test_setup(test_each_hook_is_needed, good),
		cmocka_unit_test_setup(test_unexercised_is_inconclusive, good),
		cmocka_unit_test_setup(test_unexercised_says_what_to_do, good),
		cmocka_unit_test_setup(test_accounts, good),
		cmocka_unit_test_setup(test_deadlock, good),
		cmocka_unit_test_setup(test_skipped_probes, good),
		cmocka_unit_test_setup(test_put_in_notifier, good),
		cmocka_unit_test_setup(test_contradictions, good),
		cmocka_unit_test_setup(test_code, good),
		cmocka_unit_test_setup(test_references, good),
		cmocka_unit_test_setup(test_kernel, good),
		cmocka_unit_test_setup(test_stress, good),
		cmocka_unit_test_setup(test_not_applicable, good),
		cmocka_unit_test_setup(test_exit_styles, good),
		cmocka_unit_test_setup(test_tap, good),
		cmocka_unit_test_setup(test_junit, good),
		cmocka_unit_test_setup(test_json, good),
		cmocka_unit_test_setup(test_markdown, good),
		cmocka_unit_test_setup(test_markdown_tells_what_was_done, good),
		cmocka_unit_test_setup(test_text_fits, good),
		cmocka_unit_test(test_gather),
		cmocka_unit_test(strength_is_calibrated),
		cmocka_unit_test_setup(strength_is_said_of_fixed_only, good),
		cmocka_unit_test(strength_parses),
		cmocka_unit_test(test_gather_last_puts),
		cmocka_unit_test(test_kernel_log),
		cmocka_unit_test(test_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/exit_codes.h"
#include "base/host.h"
#include "base/json_text.h"
#include "base/text_file.h"
#include "cmd/commands.h"
#include "cmd/display.h"
#include "doctor/bundle.h"
#include "doctor/checks.h"
#include "doctor/env.h"
#include "doctor/print.h"
#include "doctor/recorded.h"
#include "doctor/self_test.h"
#include "probe/attach.h"
#include "probe/engine.h"
#include "probe/facts.h"
#include "probe/plan.h"

struct doctor_options {
	const char *facts;
	const char *save_facts;
	const char *bundle;
	const char *color;
	bool json;
	bool self_test;
	bool verbose;
};

static int fail(int status, const char *words, const char *what)
{
	return vs_command__fail(&vs_cmd_doctor, status, words, what);
}

static int load_facts(const char *path, struct vs_facts *facts, struct vs_env *env)
{
	char *text = vs_text_file__read(path), error[200];
	int err;

	if (!text)
		return fail(VS_EXIT_FAILURE, path, vs_text_file__why(errno));
	err = vs_recorded__from_text(text, facts, env, error, sizeof(error));
	free(text);
	return err ? fail(VS_EXIT_FAILURE, path, error) : 0;
}

static int save_facts(const char *path, const struct vs_facts *facts, const struct vs_env *env)
{
	json_t *root = vs_recorded__to_json(facts, env);
	char *text = root ? vs_json_text__dump(root, JSON_INDENT(1)) : NULL;
	int err = text ? vs_text_file__write(path, text) : -ENOMEM;

	free(text);
	json_decref(root);
	return err ? fail(VS_EXIT_FAILURE, path, strerror(-err)) : 0;
}

static int get_facts(const struct doctor_options *opts, struct vs_facts *facts,
		     struct vs_env *env)
{
	int err;

	if (opts->facts)
		return load_facts(opts->facts, facts, env);
	err = vs_facts__collect("", facts);
	if (err)
		return fail(VS_EXIT_FAILURE, "cannot collect facts", strerror(-err));
	vs_env__collect("", facts, env);
	return 0;
}

static void ignore_record(void *ctx, const void *data, size_t len)
{
	(void)ctx;
	(void)data;
	(void)len;
}

/* Arms everything for a moment: the kernel's answer is more than any plan can know. */
static int arm_all(struct vs_doctor_report *report)
{
	struct vs_engine_opts opts = { .record = ignore_record };
	uint64_t start = vs_host__mono_ns();
	struct vs_engine *engine;
	bool complete;

	engine = vs_engine__new(&opts, report->test_error, sizeof(report->test_error));
	if (!engine)
		return errno == EPERM ? VS_EXIT_PERMISSION : VS_EXIT_UNAVAILABLE;
	if (vs_engine__attach(engine))
		snprintf(report->test_error, sizeof(report->test_error), "nothing could be attached");
	report->test_ns = vs_host__mono_ns() - start;
	report->times = vs_engine__times(engine);
	report->test_armed = vs_engine__nr_armed(engine);
	report->map_bytes = vs_engine__map_bytes(engine);
	vs_doctor__note_failures(report, vs_engine__plan(engine));
	complete = vs_plan__complete(vs_engine__plan(engine));
	vs_engine__free(engine);
	return complete && !report->test_error[0] ? VS_EXIT_OK : VS_EXIT_UNAVAILABLE;
}

/* A rung that was tried and refused is not ready, whatever the plan assumed. */
static void note_fentry(struct vs_plan *plan, int error)
{
	for (size_t i = 0; i < plan->nr_rows; i++) {
		struct vs_plan_row *row = &plan->rows[i];

		if (row->status != VS_HOOK_READY || row->rung->kind != VS_RUNG_FENTRY)
			continue;
		row->status = VS_HOOK_MISSING;
		row->nr_probes = 0;
		snprintf(row->how, sizeof(row->how), "fentry of %.50s was tried: %.80s",
			 row->rung->target, vs_attach_error__words(error));
		snprintf(row->advice, sizeof(row->advice), "what stands above at \"fentry\"");
	}
}

/* Arming does not prove that a probe fires. */
static int self_test(struct vs_doctor_report *report)
{
	int status = arm_all(report);

	report->tested = true;
	vs_self_test__run(report->facts, &report->fired);
	return status || vs_self_test__passed(&report->fired) ? status : VS_EXIT_UNAVAILABLE;
}

static int verdict(const struct vs_doctor_report *report)
{
	int status = vs_diags__exit_status(report->checks);

	if (status)
		return status;
	return vs_plan__complete(report->plan) ? VS_EXIT_OK : VS_EXIT_UNAVAILABLE;
}

/* An unprivileged user learns more from what root would get than from a list of refusals. */
static void assume_root(struct vs_doctor_report *report, struct vs_facts *facts)
{
	report->privileges_missing = !facts->cap_bpf || !facts->cap_perfmon || !facts->cap_syslog;
	if (report->privileges_missing && facts->kptr_restrict != 2)
		facts->addresses = true;
}

static int bundle_exists(const struct doctor_options *opts)
{
	return fail(VS_EXIT_FAILURE, opts->bundle, "exists already, and stays as it is: give "
		    "another name");
}

static int write_bundle(const struct doctor_options *opts, const struct vs_doctor_report *report,
			const struct vs_env *env, size_t *bytes)
{
	json_t *bundle = vs_bundle__make("", vs_doctor__to_json(report),
					 vs_recorded__to_json(report->facts, env));
	int err = bundle ? vs_bundle__write(opts->bundle, bundle, bytes) : -errno;

	json_decref(bundle);
	if (err == -EEXIST)
		return bundle_exists(opts);
	return err ? fail(VS_EXIT_FAILURE, opts->bundle, strerror(-err)) : 0;
}

/* @bytes is the size of the bundle that was written, 0: none. Returns the same as vs_out__flush(). */
static int print(const struct doctor_options *opts, const struct vs_doctor_report *report,
		 size_t bytes)
{
	struct vs_out out;
	int err;

	vs_out__init(&out, STDOUT_FILENO);
	if (opts->json)
		vs_doctor__print_json(&out, report);
	else
		vs_doctor__print_text(&out, report, vs_host__columns(STDOUT_FILENO));
	if (bytes && !opts->json)
		vs_out__printf(&out, "\n%s: %zu bytes of facts, readable by its owner only\n",
			       opts->bundle, bytes);
	err = vs_out__flush(&out);
	vs_out__fini(&out);
	return err;
}

/* The tests come before the assumption: they are about the user who runs us. */
static int examine(const struct doctor_options *opts, struct vs_facts *facts,
		   const struct vs_env *env)
{
	struct vs_doctor_report report = { .facts = facts, .recorded = opts->facts, .verbose = opts->verbose,
		.color = vs_display__wants_color(opts->color, STDOUT_FILENO) };
	struct vs_diags checks;
	struct vs_plan plan;
	size_t bytes = 0;
	int status = 0;

	if (opts->save_facts)
		status = save_facts(opts->save_facts, facts, env);
	vs_diags__run(facts, env, &checks);
	report.checks = &checks;
	assume_root(&report, facts);
	if (status || vs_plan__make(facts, &plan))
		return status ? status : fail(VS_EXIT_FAILURE, "cannot plan", strerror(ENOMEM));
	if (env->fentry < 0)
		note_fentry(&plan, env->fentry);
	report.plan = &plan;
	if (opts->self_test)
		status = self_test(&report);
	report.exit_status = verdict(&report) ? verdict(&report) : status;
	status = opts->bundle ? write_bundle(opts, &report, env, &bytes) : 0;
	if (!status)
		status = vs_command__written(&vs_cmd_doctor, report.exit_status,
					     print(opts, &report, bytes));
	vs_plan__free(&plan);
	return status;
}

static const struct vs_opt doctor_opts[] = {
	{ "self-test", 't', VS_OPT_FLAG, NULL, "arm everything for a moment; prove that probes fire",
	  offsetof(struct doctor_options, self_test), 0, 0, NULL, 0 },
	{ "verbose", 'v', VS_OPT_FLAG, NULL, "all checks and probes, not only what matters here",
	  offsetof(struct doctor_options, verbose), 0, 0, NULL, 0 },
	{ "json", 'j', VS_OPT_FLAG, NULL, "one JSON object (docs/events.md)",
	  offsetof(struct doctor_options, json), 0, 0, NULL, 0 },
	{ "bundle", 0, VS_OPT_TEXT, "FILE", "write all facts a maintainer needs, as JSON",
	  offsetof(struct doctor_options, bundle), 0, 0, NULL, 0 },
	{ "save-facts", 0, VS_OPT_TEXT, "FILE", "save what was learnt about this kernel",
	  offsetof(struct doctor_options, save_facts), 0, 0, NULL, 0 },
	{ "facts", 0, VS_OPT_TEXT, "FILE", "plan for the kernel that these facts were saved on",
	  offsetof(struct doctor_options, facts), 0, 0, NULL, 0 },
	VS_DISPLAY_COLOR(struct doctor_options, color),
	{ .name = NULL },
};

static int cmd_doctor(int argc, char **argv)
{
	struct doctor_options opts = {};
	struct vs_facts facts;
	struct vs_env env;
	int first = vs_opts__parse(&vs_cmd_doctor, argc, argv, &opts), status;

	if (first < 0)
		return first == -VS_OPTS_HELP ? VS_EXIT_OK : VS_EXIT_USAGE;
	if (first < argc)
		return fail(VS_EXIT_USAGE, "takes no operands; see vfioscope doctor --help", NULL);
	if (vs_display__check_color(opts.color, &vs_cmd_doctor))
		return VS_EXIT_USAGE;
	if (opts.facts && opts.self_test)
		return fail(VS_EXIT_USAGE, "--self-test needs the kernel itself, not --facts", NULL);
	if (opts.facts && opts.bundle)
		return fail(VS_EXIT_USAGE, "--bundle needs the host itself, not --facts", NULL);
	if (opts.bundle && !access(opts.bundle, F_OK))
		return bundle_exists(&opts);
	status = get_facts(&opts, &facts, &env);
	if (status)
		return status;
	status = examine(&opts, &facts, &env);
	vs_facts__free(&facts);
	return status;
}

const struct vs_command vs_cmd_doctor = {
	.name = "doctor",
	.summary = "what can be seen on this kernel, what not, and what to do about it",
	.operands = "",
	.opts = doctor_opts,
	.epilogue =
		"Nothing is attached without --self-test. Useful without privileges, too.\n\n"
		"examples\n"
		"  vfioscope doctor\n"
		"  vfioscope doctor -v                                 everything that was found\n"
		"  vfioscope doctor --self-test\n"
		"  vfioscope doctor --self-test --bundle report.json   to attach to a report\n"
		"  vfioscope doctor --save-facts facts.json            only what plans rest on\n"
		"  vfioscope doctor --facts facts.json                 to read such a file\n",
	.statuses =
		VS_EXIT_HEAD VS_EXIT_LINE("0", "everything required can be armed, and fired if that was tried")
		VS_EXIT_LINES_FAILED VS_EXIT_LINE("4", "something required cannot be armed, or did not fire")
		VS_EXIT_LINE_PRIVILEGES,
	.run = cmd_doctor,
};

// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/exit_codes.h"
#include "base/host.h"
#include "base/text_file.h"
#include "cmd/commands.h"
#include "cmd/display.h"
#include "doctor/blocker.h"
#include "inspect/gate.h"
#include "inspect/inspect.h"
#include "inspect/print.h"
#include "inspect/tree.h"
#include "sink/json_out.h"

struct inspect_options {
	const char *color;
	bool json;
	bool running;
	const char *baseline, *expect, *junit;
	json_t *old;	/* read from `baseline` */
	char *table;	/* read from `expect` */
};

static int fail(int status, const char *words, const char *what)
{
	return vs_command__fail(&vs_cmd_inspect, status, words, what);
}

static int status_of(enum vs_verdict verdict)
{
	switch (verdict) {
	case VS_VERDICT_VULNERABLE:
		return VS_EXIT_BUG;
	case VS_VERDICT_INCONCLUSIVE:
		return VS_EXIT_INCONCLUSIVE;
	default:
		return VS_EXIT_OK;
	}
}

/* Among many files a bug counts first, then a failure, then an inconclusive verdict. */
static int status_of_tree(const struct vs_tree *tree)
{
	bool failed = tree->unreadable, unknown = tree->cut || !tree->nr;

	for (size_t i = 0; i < tree->nr; i++) {
		const struct vs_tree_row *row = &tree->rows[i];

		if (!row->failed && row->verdict == VS_VERDICT_VULNERABLE)
			return VS_EXIT_BUG;
		failed |= row->failed;
		unknown |= row->verdict == VS_VERDICT_INCONCLUSIVE;
	}
	return failed ? VS_EXIT_FAILURE : unknown ? VS_EXIT_INCONCLUSIVE : VS_EXIT_OK;
}

/* Text is wrapped for the terminal; a pipe gets the width of a usual one. */
static unsigned int columns(void)
{
	unsigned int width = vs_host__columns(STDOUT_FILENO);

	return width ? width : 80;
}

static int finish(struct vs_out *o, int status)
{
	int err = vs_out__flush(o);

	vs_out__fini(o);
	return vs_command__written(&vs_cmd_inspect, status, err);
}

/* -- the gate -- */

static bool is_gate(const struct inspect_options *opts)
{
	return opts->baseline || opts->expect;
}

static int refuse_file(const char *path, const char *words)
{
	return fail(VS_EXIT_FAILURE, path, words);
}

/* Compares with what was asked for. 0, or an exit status after one line. */
static int compare(const struct inspect_options *opts, const json_t *now, struct vs_gate *gate)
{
	const char *path = opts->baseline;
	int err = path ? vs_gate__baseline(gate, opts->old, now) : 0;

	if (!err && opts->expect) {
		path = opts->expect;
		err = vs_gate__expect(gate, opts->table, now);
	}
	return err ? refuse_file(path, err == -ENOMEM ? "needs more memory" : gate->error) : 0;
}

static char *read_text(const char *path)
{
	char *text = vs_text_file__read(path);

	if (!text)
		refuse_file(path, vs_text_file__why(errno));
	return text;
}

/* Reads both files before anything is inspected; each is tried on itself or on nothing. */
static int read_gate(struct inspect_options *opts)
{
	struct vs_gate tried = {};
	json_t *none = json_object();
	char *text = opts->baseline ? read_text(opts->baseline) : NULL;
	int status = opts->baseline && !text;

	opts->old = text ? json_loads(text, 0, NULL) : NULL;
	free(text);
	if (!status && opts->expect) {
		opts->table = read_text(opts->expect);
		status = !opts->table;
	}
	if (!status)
		status = compare(opts, opts->old ? opts->old : none, &tried);
	json_decref(none);
	vs_gate__free(&tried);
	return status;
}

/* A verdict that the table expects is no reason to fail; one that only equals the baseline is. */
static int status_of_gate(const struct inspect_options *opts, const struct vs_gate *gate, int status)
{
	if (opts->expect)
		return vs_gate__passes(gate) ? VS_EXIT_OK : VS_EXIT_WAITS;
	return !status && !vs_gate__passes(gate) ? VS_EXIT_WAITS : status;
}

static int write_junit(const char *path, const json_t *now, const struct vs_gate *gate)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), err;
	struct vs_out o;

	if (fd < 0)
		return refuse_file(path, strerror(errno));
	vs_out__init(&o, fd);
	vs_inspect__print_junit(&o, now, gate);
	err = vs_out__flush(&o);
	vs_out__fini(&o);
	close(fd);
	return err ? refuse_file(path, strerror(-err)) : 0;
}

/* -- output -- */

/* Takes the reference of `now`, the record of what was inspected; the page is that of `in` or `tree`. */
static int print(const struct inspect_options *opts, json_t *now, int status,
		 const struct vs_inspection *in, const struct vs_tree *tree)
{
	struct vs_gate gate = {};
	int failed = compare(opts, now, &gate);
	struct vs_out o;

	if (!failed && is_gate(opts))
		status = status_of_gate(opts, &gate, status);
	if (!failed && opts->junit)
		failed = write_junit(opts->junit, now, &gate);
	vs_out__init(&o, STDOUT_FILENO);
	if (failed) {
		status = failed;
	} else if (opts->json) {
		if (is_gate(opts))
			json_object_set_new(now, "gate", vs_inspect__gate_json(&gate));
		json_object_set_new(now, "exit_status", json_integer(status));
		vs_json_out__put(&o, json_incref(now), JSON_INDENT(1));
	} else {
		if (in)
			vs_inspect__print_text(&o, in, columns(), vs_display__wants_color(opts->color, STDOUT_FILENO));
		else
			vs_inspect__print_tree_text(&o, tree, vs_host__columns(STDOUT_FILENO));
		if (is_gate(opts))
			vs_inspect__print_gate(&o, &gate, opts->baseline, opts->expect, columns());
	}
	json_decref(now);
	vs_gate__free(&gate);
	return finish(&o, status);
}

static int print_one(const struct inspect_options *opts, const struct vs_inspection *in)
{
	return print(opts, vs_inspect__json(in), status_of(in->verdict), in, NULL);
}

static int inspect_file(const struct inspect_options *opts, const char *path)
{
	struct vs_inspection in;
	int status = vs_inspect__file(path, &in) ? fail(VS_EXIT_FAILURE, path, in.error) :
		     print_one(opts, &in);

	vs_inspection__free(&in);
	return status;
}

static int running_failed(int err, const char *words)
{
	if (err != -EPERM && err != -ENOENT)
		return fail(VS_EXIT_FAILURE, words, NULL);
	return vs_blocker__fail(&vs_cmd_inspect, VS_WORK_INSPECT, err == -EPERM ?
				VS_EXIT_PERMISSION : VS_EXIT_UNAVAILABLE, words);
}

static int inspect_running(const struct inspect_options *opts)
{
	struct vs_inspection in;
	int err = vs_inspect__running("", &in);
	int status = err ? running_failed(err, in.error) : print_one(opts, &in);

	vs_inspection__free(&in);
	return status;
}

static int inspect_folder(const struct inspect_options *opts, const char *path)
{
	struct vs_tree tree;
	int status;

	if (vs_tree__inspect(path, &tree))
		status = fail(VS_EXIT_FAILURE, path, tree.error);
	else
		status = print(opts, vs_inspect__tree_json(&tree), status_of_tree(&tree), NULL, &tree);
	vs_tree__free(&tree);
	return status;
}

#define FILE_OPTION(name, metavar, help) \
	{ #name, 0, VS_OPT_TEXT, metavar, help, offsetof(struct inspect_options, name), 0, 0, NULL, 0 }

static const struct vs_opt inspect_opts[] = {
	{ "running", 'r', VS_OPT_FLAG, NULL, "the running kernel; also without an operand",
	  offsetof(struct inspect_options, running), 0, 0, NULL, 0 },
	{ "json", 'j', VS_OPT_FLAG, NULL, "one JSON object (docs/inspect.md)",
	  offsetof(struct inspect_options, json), 0, 0, NULL, 0 },
	FILE_OPTION(expect, "FILE", "a table: VERDICT and pattern of paths, releases"),
	FILE_OPTION(baseline, "FILE", "--json of an earlier build: say what changed"),
	FILE_OPTION(junit, "FILE", "write a JUnit report, a test case a file"),
	VS_DISPLAY_COLOR(struct inspect_options, color),
	{ .name = NULL },
};

static int inspect(const struct inspect_options *opts, const char *path)
{
	struct stat st;

	if (!path)
		return inspect_running(opts);
	return !stat(path, &st) && S_ISDIR(st.st_mode) ? inspect_folder(opts, path) :
							 inspect_file(opts, path);
}

static int cmd_inspect(int argc, char **argv)
{
	struct inspect_options opts = {};
	int first = vs_opts__parse(&vs_cmd_inspect, argc, argv, &opts), status;

	if (first < 0)
		return first == -VS_OPTS_HELP ? VS_EXIT_OK : VS_EXIT_USAGE;
	if (vs_display__check_color(opts.color, &vs_cmd_inspect))
		return VS_EXIT_USAGE;
	if (argc - first > 1)
		return fail(VS_EXIT_USAGE, "one file or folder at a time", NULL);
	if (opts.running && first < argc)
		return fail(VS_EXIT_USAGE, "either --running or a file", NULL);
	status = read_gate(&opts);
	if (!status)
		status = inspect(&opts, argv[first]);
	json_decref(opts.old);
	free(opts.table);
	return status;
}

const struct vs_command vs_cmd_inspect = {
	.name = "inspect",
	.summary = "whether a vfio.ko or a kernel has the fix, read from its code",
	.operands = "[FILE|DIR]",
	.opts = inspect_opts,
	.epilogue =
		"FILE is a vfio.ko (.xz, .zst, .gz) for x86-64, arm64, ppc64le or s390x, or a\n"
		"vmlinux or vmlinuz for x86-64 or arm64; DIR any folder with such files: one\n"
		"table. Nothing is loaded, and files need no privileges.\n\n"
		"The verdict is FIXED, VULNERABLE (exit status 3), NOT-APPLICABLE, or\n"
		"INCONCLUSIVE (exit status 5). With --expect the status is 0 when each verdict is\n"
		"the expected one, else 7; with --baseline 7 says that something changed.\n\n"
		"examples\n"
		"  vfioscope inspect\n"
		"  vfioscope inspect /lib/modules/$(uname -r)/kernel/drivers/vfio/vfio.ko\n"
		"  vfioscope inspect /boot/vmlinuz-5.15.0-204-generic\n"
		"  vfioscope inspect /lib/modules\n"
		"  vfioscope inspect --expect kernels.txt --junit report.xml /srv/kernels\n",
	.statuses =
		VS_EXIT_HEAD VS_EXIT_LINE("0", "FIXED or NOT-APPLICABLE")
		VS_EXIT_LINE("1", "a file cannot be read, or is no kernel")
		VS_EXIT_LINE("2", "wrong usage")
		VS_EXIT_LINE("3", "VULNERABLE")
		VS_EXIT_LINE("4", "the running kernel has no VFIO")
		VS_EXIT_LINE("5", "INCONCLUSIVE")
		VS_EXIT_LINE("6", "the running kernel's memory can be read by root only")
		VS_EXIT_LINE("7", "not as --expect or --baseline has it"),
	.run = cmd_inspect,
};

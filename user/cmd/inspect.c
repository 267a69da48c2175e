// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/exit_codes.h"
#include "base/host.h"
#include "cmd/commands.h"
#include "doctor/blocker.h"
#include "inspect/inspect.h"
#include "inspect/print.h"
#include "inspect/tree.h"

struct inspect_options {
	bool json;
	bool running;
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

static int print_one(const struct inspect_options *opts, const struct vs_inspection *in)
{
	int status = status_of(in->verdict);
	struct vs_out o;

	vs_out__init(&o, STDOUT_FILENO);
	if (opts->json)
		vs_inspect__print_json(&o, in, status);
	else
		vs_inspect__print_text(&o, in, columns());
	return finish(&o, status);
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
	struct vs_out o;
	int status;

	if (vs_tree__inspect(path, &tree)) {
		status = fail(VS_EXIT_FAILURE, path, tree.error);
	} else {
		status = status_of_tree(&tree);
		vs_out__init(&o, STDOUT_FILENO);
		if (opts->json)
			vs_inspect__print_tree_json(&o, &tree, status);
		else
			vs_inspect__print_tree_text(&o, &tree, vs_host__columns(STDOUT_FILENO));
		status = finish(&o, status);
	}
	vs_tree__free(&tree);
	return status;
}

static const struct vs_opt inspect_opts[] = {
	{ "running", 'r', VS_OPT_FLAG, NULL, "the running kernel; also without an operand",
	  offsetof(struct inspect_options, running), 0, 0, NULL, 0 },
	{ "json", 'j', VS_OPT_FLAG, NULL, "one JSON object (docs/inspect.md)",
	  offsetof(struct inspect_options, json), 0, 0, NULL, 0 },
	{ .name = NULL },
};

static int cmd_inspect(int argc, char **argv)
{
	struct inspect_options opts = {};
	int first = vs_opts__parse(&vs_cmd_inspect, argc, argv, &opts);
	struct stat st;

	if (first < 0)
		return first == -VS_OPTS_HELP ? VS_EXIT_OK : VS_EXIT_USAGE;
	if (argc - first > 1)
		return fail(VS_EXIT_USAGE, "one file or folder at a time", NULL);
	if (first == argc)
		return inspect_running(&opts);
	if (opts.running)
		return fail(VS_EXIT_USAGE, "either --running or a file", NULL);
	if (!stat(argv[first], &st) && S_ISDIR(st.st_mode))
		return inspect_folder(&opts, argv[first]);
	return inspect_file(&opts, argv[first]);
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
		"INCONCLUSIVE (exit status 5).\n\n"
		"examples\n"
		"  vfioscope inspect\n"
		"  vfioscope inspect /lib/modules/$(uname -r)/kernel/drivers/vfio/vfio.ko\n"
		"  vfioscope inspect /boot/vmlinuz-5.15.0-204-generic\n"
		"  vfioscope inspect /lib/modules\n",
	.run = cmd_inspect,
};

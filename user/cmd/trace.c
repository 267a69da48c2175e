// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/exit_codes.h"
#include "base/host.h"
#include "base/stop.h"
#include "cmd/commands.h"
#include "cmd/display.h"
#include "record/recorder.h"
#include "run/live.h"

struct trace_options {
	struct vs_display display;	/* first */
	uint64_t duration;
	bool quiet;
	bool stack;
	bool exit_on_bug;
};

struct trace {
	struct vs_live live;
	struct trace_options opts;
	struct vs_sandbox_opts sandbox;
	struct vs_sink *sinks[2];
	size_t nr_sinks;
	int output_fd;
	struct vs_recorder *recorder;
};

/* -- setting up -- */

static int fail(int status, const char *words, const char *what)
{
	return vs_command__fail(&vs_cmd_trace, status, words, what);
}

static struct vs_sink *new_sink(const struct trace *t, int fd, bool durable, bool terminal)
{
	struct vs_sink_opts opts = {
		.fd = fd,
		.durable = durable,
		.width = terminal ? vs_host__columns(fd) : 0,
		.color = terminal && vs_display__wants_color(t->opts.display.color, STDOUT_FILENO),
	};

	return t->opts.display.json ? vs_json_sink__new(&opts) : vs_text_sink__new(&opts);
}

static int add_sinks(struct trace *t)
{
	if (t->opts.display.output) {
		t->output_fd = open(t->opts.display.output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
		if (t->output_fd < 0)
			return fail(VS_EXIT_FAILURE, t->opts.display.output, strerror(errno));
		t->sinks[t->nr_sinks++] = new_sink(t, t->output_fd, true, false);
	}
	t->sinks[t->nr_sinks++] = new_sink(t, STDOUT_FILENO, false, true);
	for (size_t i = 0; i < t->nr_sinks; i++)
		if (!t->sinks[i])
			return fail(VS_EXIT_FAILURE, "cannot start", strerror(errno));
	return 0;
}

/* -- running -- */

static bool is_over(void *ctx, uint64_t now_ns)
{
	struct trace *t = ctx;
	struct vs_session_result result;

	(void)now_ns;
	vs_session__result(t->live.session, &result);
	return t->opts.exit_on_bug && result.by_grade[VS_GRADE_BUG];
}

static int verdict(const struct trace *t, const struct vs_session_result *result)
{
	if (result->by_grade[VS_GRADE_BUG])
		return VS_EXIT_BUG;
	if (result->lost || result->blind_gaps)
		return VS_EXIT_INCONCLUSIVE;
	return vs_plan__complete(vs_engine__plan(t->live.engine)) ? VS_EXIT_OK : VS_EXIT_UNAVAILABLE;
}

static int conclude(struct trace *t)
{
	struct vs_session_result result;

	vs_live__drain(&t->live);
	vs_session__finish(t->live.session, vs_host__mono_ns(), &result);
	return vs_command__written(&vs_cmd_trace, verdict(t, &result), result.write_error);
}

static int record(struct trace *t)
{
	struct vs_recorder_opts opts = { .command = &vs_cmd_trace, .path = t->opts.display.record };

	return opts.path ? vs_recorder__open(&t->recorder, &opts, &t->live) : VS_EXIT_OK;
}

static void clean_up(struct trace *t)
{
	vs_live__close(&t->live);
	for (size_t i = 0; i < t->nr_sinks; i++)
		vs_sink__free(t->sinks[i]);
	vs_display__fini(&t->opts.display);
	if (t->output_fd >= 0)
		close(t->output_fd);
}

static void set_up(struct trace *t)
{
	t->live.command = &vs_cmd_trace;
	t->live.engine_opts.ring_bytes = t->opts.display.ring_size;
	t->live.engine_opts.stacks = t->opts.stack || t->opts.display.record;
	t->live.engine_opts.debug = t->opts.display.debug;
	t->live.session_opts = (struct vs_session_opts){
		.filter = t->opts.display.filter,
		.sinks = t->sinks,
		.nr_sinks = t->nr_sinks,
		.no_events = t->opts.quiet,
		.no_deferred = t->opts.quiet,
		.no_waits = t->opts.quiet,
		.no_stacks = !t->opts.stack,
	};
	t->live.sandbox = &t->sandbox;
	t->live.duration = t->opts.duration;
	t->live.each = is_over;
	t->live.ctx = t;
}

static int trace(struct trace *t)
{
	int status;

	set_up(t);
	status = vs_live__open(&t->live);
	if (!status)
		status = add_sinks(t);
	t->live.session_opts.nr_sinks = t->nr_sinks;
	if (!status)
		status = record(t);
	if (!status)
		status = vs_live__begin(&t->live);
	if (!status)
		status = vs_live__arm(&t->live);
	if (!status && !t->opts.quiet && isatty(STDOUT_FILENO) && !t->opts.display.json)
		fail(0, "each event gets a line here; on a busy host in production: trace -q", NULL);
	if (!status)
		status = vs_live__run(&t->live);
	return vs_recorder__close(t->recorder, status ? status : conclude(t));
}

/* -- options -- */

static const struct vs_opt trace_opts[] = {
	VS_DISPLAY_FILTER("group", 'g', "N,...", "show only these IOMMU groups", VS_FILTER_GROUP),
	VS_DISPLAY_FILTER("device", 'D', "BDF,...", "show only groups or events of these devices",
		      VS_FILTER_DEVICE),
	VS_DISPLAY_FILTER("pid", 'p', "PID,...", "show only these processes or threads", VS_FILTER_PID),
	VS_DISPLAY_FILTER("comm", 'c', "NAME,...", "show only tasks of these names (patterns allowed)",
		      VS_FILTER_COMM),
	VS_DISPLAY_FILTER("event", 'e', "NAME,...", "show only these events: get, put, release ...",
		      VS_FILTER_EVENT),
	{ "duration", 'd', VS_OPT_DURATION, "TIME", "stop after this time: 10s, 5m",
	  offsetof(struct trace_options, duration), 1000000, 1000 * 3600000000000ull, NULL, 0 },
	{ "quiet", 'q', VS_OPT_FLAG, NULL, "no line for each event: findings, losses, summary",
	  offsetof(struct trace_options, quiet), 0, 0, NULL, 0 },
	VS_DISPLAY_JSON,
	{ "output", 'o', VS_OPT_TEXT, "FILE", "write to FILE as well; findings are synced to disk",
	  offsetof(struct vs_display, output), 0, 0, NULL, 0 },
	{ "exit-on-bug", 'x', VS_OPT_FLAG, NULL, "stop at the first finding of grade bug",
	  offsetof(struct trace_options, exit_on_bug), 0, 0, NULL, 0 },
	{ "stack", 's', VS_OPT_FLAG, NULL, "show the kernel stack under each get and put",
	  offsetof(struct trace_options, stack), 0, 0, NULL, 0 },
	VS_DISPLAY_RECORD,
	VS_DISPLAY_COMMON,
	{ .name = NULL },
};

static int parse(struct trace_options *opts, int argc, char **argv)
{
	int first = vs_opts__parse(&vs_cmd_trace, argc, argv, opts);

	if (first < 0)
		return first == -VS_OPTS_HELP ? -1 : VS_EXIT_USAGE;
	if (first < argc)
		return fail(VS_EXIT_USAGE, "takes no operands; see vfioscope trace --help", NULL);
	return vs_display__check(&opts->display, &vs_cmd_trace);
}

static int cmd_trace(int argc, char **argv)
{
	struct trace t = { .output_fd = -1 };
	int status;

	if (vs_display__init(&t.opts.display))
		return fail(VS_EXIT_FAILURE, "cannot start", strerror(ENOMEM));
	status = parse(&t.opts, argc, argv);
	if (!status) {
		vs_stop__catch();
		status = trace(&t);
	}
	clean_up(&t);
	return status < 0 ? VS_EXIT_OK : status;
}

const struct vs_command vs_cmd_trace = {
	.name = "trace",
	.summary = "live events of VFIO groups, and findings as they happen",
	.operands = "",
	.opts = trace_opts,
	.epilogue =
		"examples\n"
		"  vfioscope trace                           everything, until Ctrl-C\n"
		"  vfioscope trace -q -o /var/log/vfio.txt   silent until something is wrong\n"
		"  vfioscope trace -D 0000:65:00.0 -e get,put,release\n"
		"  vfioscope trace --json --duration 60s | jq 'select(.type == \"finding\")'\n"
		"Filters choose what is shown; findings and the summary always see everything.\n\n"
		"reference counts\n"
		"  refs 2       after a get: exact\n"
		"  refs 2->1?   before a put: read just before it, another CPU may change it\n"
		"  refs 2?      when a put is queued; refs 1 (last): certainly the last one\n",
	.statuses =
		VS_EXIT_OF_RUN,
	.run = cmd_trace,
};

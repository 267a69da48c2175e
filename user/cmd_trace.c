// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "exit_codes.h"
#include "host.h"
#include "live.h"
#include "stop.h"

struct trace_options {
	struct vs_filter *filter;
	uint64_t duration;
	uint64_t ring_size;
	const char *output;
	const char *color;
	bool json;
	bool quiet;
	bool stack;
	bool exit_on_bug;
	bool debug;
};

struct trace {
	struct vs_live live;
	struct trace_options opts;
	struct vs_sink *sinks[2];
	size_t nr_sinks;
	int output_fd;
};

/* -- setting up -- */

static bool want_color(const struct trace_options *opts)
{
	if (opts->color && strcmp(opts->color, "auto"))
		return !strcmp(opts->color, "always");
	return isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
}

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
		.color = terminal && want_color(&t->opts),
	};

	return t->opts.json ? vs_json_sink__new(&opts) : vs_text_sink__new(&opts);
}

static int add_sinks(struct trace *t)
{
	if (t->opts.output) {
		t->output_fd = open(t->opts.output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
		if (t->output_fd < 0)
			return fail(VS_EXIT_FAILURE, t->opts.output, strerror(errno));
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

static int conclude(struct trace *t)
{
	struct vs_session_result result;

	vs_live__drain(&t->live);
	vs_session__finish(t->live.session, vs_host__mono_ns(), &result);
	if (result.by_grade[VS_GRADE_BUG])
		return VS_EXIT_BUG;
	if (result.write_error && result.write_error != -EPIPE)
		return fail(VS_EXIT_FAILURE, "cannot write", strerror(-result.write_error));
	if (result.lost)
		return VS_EXIT_INCONCLUSIVE;
	return vs_plan__complete(vs_engine__plan(t->live.engine)) ? VS_EXIT_OK : VS_EXIT_UNAVAILABLE;
}

static void clean_up(struct trace *t)
{
	vs_live__close(&t->live);
	for (size_t i = 0; i < t->nr_sinks; i++)
		vs_sink__free(t->sinks[i]);
	vs_filter__free(t->opts.filter);
	if (t->output_fd >= 0)
		close(t->output_fd);
}

static void set_up(struct trace *t)
{
	t->live.command = &vs_cmd_trace;
	t->live.engine_opts.ring_bytes = t->opts.ring_size;
	t->live.engine_opts.stacks = t->opts.stack;
	t->live.engine_opts.debug = t->opts.debug;
	t->live.session_opts = (struct vs_session_opts){
		.filter = t->opts.filter,
		.sinks = t->sinks,
		.nr_sinks = t->nr_sinks,
		.no_events = t->opts.quiet,
		.no_deferred = t->opts.quiet,
	};
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
		status = vs_live__begin(&t->live);
	if (!status)
		status = vs_live__arm(&t->live);
	if (!status)
		status = vs_live__run(&t->live);
	return status ? status : conclude(t);
}

/* -- options -- */

static int add_filter(void *options, int kind, const char *value, char *error, size_t size)
{
	struct trace_options *opts = options;

	return vs_filter__add(opts->filter, kind, value, error, size);
}

#define FILTER_OPTION(n, l, m, h, k) \
	{ .name = n, .letter = l, .kind = VS_OPT_LIST, .metavar = m, .help = h, \
	  .add = add_filter, .arg = k }

static const struct vs_opt trace_opts[] = {
	FILTER_OPTION("group", 'g', "N,...", "show only these IOMMU groups", VS_FILTER_GROUP),
	FILTER_OPTION("device", 'D', "BDF,...", "show only groups or events of these devices",
		      VS_FILTER_DEVICE),
	FILTER_OPTION("pid", 'p', "PID,...", "show only these processes or threads", VS_FILTER_PID),
	FILTER_OPTION("comm", 'c', "NAME,...", "show only tasks of these names (patterns allowed)",
		      VS_FILTER_COMM),
	FILTER_OPTION("event", 'e', "NAME,...", "show only these events: get, put, release ...",
		      VS_FILTER_EVENT),
	{ "duration", 'd', VS_OPT_DURATION, "TIME", "stop after this time: 10s, 5m",
	  offsetof(struct trace_options, duration), 1000000, 1000 * 3600000000000ull, NULL, 0 },
	{ "quiet", 'q', VS_OPT_FLAG, NULL, "no line for each event: findings, losses, summary",
	  offsetof(struct trace_options, quiet), 0, 0, NULL, 0 },
	{ "json", 'j', VS_OPT_FLAG, NULL, "NDJSON, one object a line (docs/events.md)",
	  offsetof(struct trace_options, json), 0, 0, NULL, 0 },
	{ "output", 'o', VS_OPT_TEXT, "FILE", "write to FILE as well; findings are synced to disk",
	  offsetof(struct trace_options, output), 0, 0, NULL, 0 },
	{ "exit-on-bug", 'x', VS_OPT_FLAG, NULL, "stop at the first finding of grade bug",
	  offsetof(struct trace_options, exit_on_bug), 0, 0, NULL, 0 },
	{ "stack", 's', VS_OPT_FLAG, NULL, "show the kernel stack under each get and put",
	  offsetof(struct trace_options, stack), 0, 0, NULL, 0 },
	{ "ring-size", 0, VS_OPT_SIZE, "SIZE", "event buffers in the kernel, together (4M)",
	  offsetof(struct trace_options, ring_size), 4096, 256 << 20, NULL, 0 },
	{ "color", 0, VS_OPT_TEXT, "WHEN", "auto, always, never (NO_COLOR is respected)",
	  offsetof(struct trace_options, color), 0, 0, NULL, 0 },
	{ "debug", 0, VS_OPT_FLAG, NULL, "let libbpf and the verifier speak on stderr",
	  offsetof(struct trace_options, debug), 0, 0, NULL, 0 },
	{ .name = NULL },
};

static int check_options(const struct trace_options *opts)
{
	if (opts->ring_size & (opts->ring_size - 1))
		return fail(VS_EXIT_USAGE, "--ring-size must be a power of two, such as 512K, 4M", NULL);
	if (opts->color && strcmp(opts->color, "auto") && strcmp(opts->color, "always") &&
	    strcmp(opts->color, "never"))
		return fail(VS_EXIT_USAGE, "--color is one of auto, always, never", NULL);
	return 0;
}

static int parse(struct trace_options *opts, int argc, char **argv)
{
	int first = vs_opts__parse(&vs_cmd_trace, argc, argv, opts);

	if (first < 0)
		return first == -VS_OPTS_HELP ? -1 : VS_EXIT_USAGE;
	if (first < argc)
		return fail(VS_EXIT_USAGE, "takes no operands; see vfioscope trace --help", NULL);
	return check_options(opts);
}

static int cmd_trace(int argc, char **argv)
{
	struct trace t = { .output_fd = -1 };
	int status;

	t.opts.filter = vs_filter__new();
	if (!t.opts.filter)
		return fail(VS_EXIT_FAILURE, "cannot start", strerror(errno));
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
	.run = cmd_trace,
};

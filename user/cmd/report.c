// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/exit_codes.h"
#include "base/host.h"
#include "cmd/commands.h"
#include "cmd/display.h"
#include "record/contents.h"
#include "record/gate.h"
#include "record/replay.h"
#include "record/when.h"

struct report_options {
	struct vs_display display;	/* first */
	bool trace, refs, quiet, stack, check;
	uint64_t number;
	const char *at, *since, *until;
};

struct report {
	struct report_options opts;
	const char *path;
	int fd;
	struct vs_reader *reader;
	struct vs_run_row *rows;
	int nr_rows;
	struct vs_sink *sink;
	struct vs_gate gate;
};

static int fail(int status, const char *words, const char *what)
{
	return vs_command__fail(&vs_cmd_report, status, words, what);
}

/* -- one run -- */

static struct vs_sink *new_sink(const struct report *r, bool events)
{
	struct vs_sink_opts opts = {
		.fd = STDOUT_FILENO,
		.width = vs_host__columns(STDOUT_FILENO),
		.color = vs_display__wants_color(r->opts.display.color, STDOUT_FILENO),
		.no_events = !events,
	};

	return r->opts.display.json ? vs_json_sink__new(&opts) : vs_text_sink__new(&opts);
}

/* The verbs' own choices: the same bytes come out. */
static struct vs_session_opts display(struct report *r)
{
	bool quiet = r->opts.quiet || !r->opts.trace;

	r->gate.inner = r->sink;
	return (struct vs_session_opts){
		.filter = r->opts.display.filter,
		.sinks = r->opts.since || r->opts.until ? vs_gate__sinks(&r->gate) : &r->sink,
		.nr_sinks = 1,
		.no_events = quiet || r->opts.refs,
		.no_deferred = quiet || r->opts.refs,
		.no_waits = quiet && !r->opts.refs,
		.no_stacks = !r->opts.stack || r->opts.refs,
		.no_ledger = !r->opts.refs,
	};
}

/* A run without an end, or with holes, is judged by what is there. */
static int status_of(const struct vs_replay_result *result)
{
	if (result->ended && result->whole)
		return result->status;
	return result->session.by_grade[VS_GRADE_BUG] ? VS_EXIT_BUG : VS_EXIT_INCONCLUSIVE;
}

static int set_times(struct report *r, const struct vs_run_row *row, struct vs_replay_opts *opts)
{
	const struct {
		const char *words;
		uint64_t *ns;
	} times[] = {
		{ r->opts.at, &opts->at_ns }, { r->opts.since, &r->gate.from_ns },
		{ r->opts.until, &r->gate.to_ns },
	};

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		if (times[i].words && vs_when__parse(times[i].words, &row->clock, times[i].ns))
			return fail(VS_EXIT_USAGE, times[i].words, "no time: say 10s after the start, 12:03:04, "
				    "or 2026-01-31T12:03:04, in UTC");
	if (r->opts.since || r->opts.until) {
		opts->before = vs_gate__time;
		opts->ctx = &r->gate;
	}
	return VS_EXIT_OK;
}

static int repeat(struct report *r, const struct vs_run_row *row)
{
	struct vs_replay_opts opts = { .number = row->session };
	struct vs_replay_result result;
	int err, status = set_times(r, row, &opts);

	if (status)
		return status;
	r->sink = new_sink(r, !r->opts.refs);
	if (!r->sink)
		return fail(VS_EXIT_FAILURE, "cannot start", strerror(errno));
	opts.session = display(r);
	err = vs_replay__run(r->reader, &opts, &result);
	vs_sink__free(r->sink);
	if (err)
		return fail(VS_EXIT_FAILURE, r->path, err == -ENOENT ? "nothing of that run can be read" :
			    strerror(-err));
	if (result.unanswered || result.bad)
		fprintf(stderr, "vfioscope report: %s: %" PRIu64 " questions of this version have no answer in "
			"the recording, %" PRIu64 " of its inputs say nothing sensible\n", r->path,
			result.unanswered, result.bad);
	return vs_command__written(&vs_cmd_report, status_of(&result), result.session.write_error);
}

/* -- all runs -- */

static const struct vs_run_row *chosen(const struct report *r)
{
	if (!r->opts.number)
		return &r->rows[r->nr_rows - 1];
	for (int i = 0; i < r->nr_rows; i++)
		if (r->rows[i].session == r->opts.number)
			return &r->rows[i];
	return NULL;
}

static int worse(int a, int b)
{
	if (a == VS_EXIT_BUG || b == VS_EXIT_BUG)
		return VS_EXIT_BUG;
	return a ? a : b;
}

static int tell_contents(struct report *r)
{
	int status = VS_EXIT_OK;

	vs_contents__print(stdout, r->path, r->reader, r->rows, r->nr_rows);
	if (r->opts.check)
		return vs_contents__are_whole(r->reader, r->rows, r->nr_rows) ? VS_EXIT_OK :
		       VS_EXIT_INCONCLUSIVE;
	for (int i = 0; i < r->nr_rows; i++) {
		if (r->opts.number && r->rows[i].session != r->opts.number)
			continue;
		printf("\nrun %u\n", r->rows[i].session);
		fflush(stdout);
		status = worse(status, repeat(r, &r->rows[i]));
	}
	return status;
}

static int open_recording(struct report *r)
{
	struct vs_source source = { 0 };
	char error[200];
	struct stat st;

	r->fd = open(r->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (r->fd < 0 || fstat(r->fd, &st))
		return fail(VS_EXIT_FAILURE, r->path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fail(VS_EXIT_FAILURE, r->path, "is no regular file");
	source.fd = r->fd;
	source.len = (uint64_t)st.st_size;
	r->reader = vs_reader__new(&source, error, sizeof(error));
	if (!r->reader)
		return fail(VS_EXIT_FAILURE, r->path, error);
	r->nr_rows = vs_replay__list(r->reader, &r->rows);
	if (r->nr_rows < 0)
		return fail(VS_EXIT_FAILURE, r->path, strerror(-r->nr_rows));
	return r->nr_rows ? VS_EXIT_OK : fail(VS_EXIT_FAILURE, r->path, "nothing is recorded in it");
}

static int report(struct report *r)
{
	const struct vs_run_row *row;
	int status = open_recording(r);

	if (status)
		return status;
	row = chosen(r);
	if (!row)
		return fail(VS_EXIT_FAILURE, r->path, "has no run of that number");
	if (!r->opts.trace && !r->opts.refs)
		return tell_contents(r);
	if (r->opts.refs && !row->run.keep_refs)
		return fail(VS_EXIT_FAILURE, r->path, "was recorded by trace, which keeps no ledger of references");
	return repeat(r, row);
}

static void clean_up(struct report *r)
{
	vs_reader__free(r->reader);
	free(r->rows);
	if (r->fd >= 0)
		close(r->fd);
	vs_display__fini(&r->opts.display);
}

/* -- options -- */

#define FLAG(n, l, h, member) \
	{ n, l, VS_OPT_FLAG, NULL, h, offsetof(struct report_options, member), 0, 0, NULL, 0 }
#define TEXT(n, m, h, member) \
	{ n, 0, VS_OPT_TEXT, m, h, offsetof(struct report_options, member), 0, 0, NULL, 0 }

static const struct vs_opt report_opts[] = {
	FLAG("trace", 't', "what trace shows: every event, findings, summary", trace),
	FLAG("refs", 'r', "what refs shows: who holds what", refs),
	VS_DISPLAY_JSON,
	FLAG("quiet", 'q', "with --trace: no line for each event", quiet),
	FLAG("stack", 's', "with --trace: the stack under each get and put", stack),
	FLAG("check", 0, "what the file has, and what is damaged or missing", check),
	{ "run", 'n', VS_OPT_NUMBER, "N", "this run of the file (the last one)",
	  offsetof(struct report_options, number), 1, 65535, NULL, 0 },
	TEXT("at", "TIME", "with --refs: who held what then", at),
	TEXT("since", "TIME", "show nothing before: 10s after the start, 12:03:04", since),
	TEXT("until", "TIME", "show nothing after", until),
	VS_DISPLAY_FILTER("group", 'g', "N,...", "show only these IOMMU groups", VS_FILTER_GROUP),
	VS_DISPLAY_FILTER("device", 'D', "BDF,...", "show only groups or events of these devices",
			  VS_FILTER_DEVICE),
	VS_DISPLAY_FILTER("pid", 'p', "PID,...", "show only these processes or threads", VS_FILTER_PID),
	VS_DISPLAY_FILTER("comm", 'c', "NAME,...", "show only tasks of these names (patterns allowed)",
			  VS_FILTER_COMM),
	VS_DISPLAY_FILTER("event", 'e', "NAME,...", "show only these events: get, put, release ...",
			  VS_FILTER_EVENT),
	{ "color", 0, VS_OPT_TEXT, "WHEN", "auto, always, never (NO_COLOR is respected)",
	  offsetof(struct vs_display, color), 0, 0, NULL, 0 },
	{ .name = NULL },
};

static int check_options(struct report_options *o)
{
	if (o->trace && o->refs)
		return fail(VS_EXIT_USAGE, "--trace or --refs, not both", NULL);
	if (o->display.json && !o->refs)
		o->trace = true;
	if (o->check && (o->trace || o->refs))
		return fail(VS_EXIT_USAGE, "--check is a view of its own", NULL);
	if (o->at && !o->refs)
		return fail(VS_EXIT_USAGE, "--at is for --refs", NULL);
	if ((o->quiet || o->stack) && !o->trace)
		return fail(VS_EXIT_USAGE, "--quiet and --stack are for --trace", NULL);
	return vs_display__check(&o->display, &vs_cmd_report);
}

static int parse(struct report *r, int argc, char **argv)
{
	int first = vs_opts__parse(&vs_cmd_report, argc, argv, &r->opts);

	if (first < 0)
		return first == -VS_OPTS_HELP ? -1 : VS_EXIT_USAGE;
	if (argc - first != 1)
		return fail(VS_EXIT_USAGE, "takes one file; see vfioscope report --help", NULL);
	r->path = argv[first];
	return check_options(&r->opts);
}

static int cmd_report(int argc, char **argv)
{
	struct report r = { .fd = -1 };
	int status;

	if (vs_display__init(&r.opts.display))
		return fail(VS_EXIT_FAILURE, "cannot start", strerror(ENOMEM));
	status = parse(&r, argc, argv);
	if (!status)
		status = report(&r);
	clean_up(&r);
	return status < 0 ? VS_EXIT_OK : status;
}

const struct vs_command vs_cmd_report = {
	.name = "report",
	.summary = "what a recording has: findings, events, who held what",
	.operands = "FILE",
	.opts = report_opts,
	.epilogue =
		"examples\n"
		"  vfioscope report v.vfr                  runs, findings, what is missing\n"
		"  vfioscope report --trace v.vfr          what trace would have shown\n"
		"  vfioscope report --json v.vfr | jq 'select(.type == \"finding\")'\n"
		"  vfioscope report --refs --at 12:03:04 v.vfr who held what then\n"
		"It needs no privileges and no VFIO. Times are in UTC.\n",
	.run = cmd_report,
};

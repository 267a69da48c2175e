// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/exit_codes.h"
#include "base/host.h"
#include "base/stop.h"
#include "cmd/commands.h"
#include "cmd/display.h"
#include "record/format.h"
#include "record/recorder.h"
#include "run/live_ledger.h"
#include "snapshot/snapshot.h"

struct record_options {
	struct vs_display display;	/* first */
	uint64_t ring, duration, sync, before, after, max_refs;
	bool exit_on_bug, no_stack, forget;
};

struct record {
	struct vs_live live;
	struct record_options opts;
	struct vs_sandbox_opts sandbox;
	struct vs_sink *sink;
	struct vs_snapper *snapper;
	struct vs_live_ledger ledger;
	struct vs_recorder *recorder;
};

static int fail(int status, const char *words, const char *what)
{
	return vs_command__fail(&vs_cmd_record, status, words, what);
}

static bool each(void *ctx, uint64_t now_ns)
{
	struct record *r = ctx;
	struct vs_session_result result;

	vs_live_ledger__each(&r->ledger, now_ns, false);
	vs_session__result(r->live.session, &result);
	return r->opts.exit_on_bug && result.by_grade[VS_GRADE_BUG];
}

static void begin_again(void *ctx)
{
	vs_live_ledger__begin_again(&((struct record *)ctx)->ledger);
}

static void set_up(struct record *r)
{
	r->ledger = (struct vs_live_ledger){
		.live = &r->live, .snapper = r->snapper, .traced = true, .silent = true, .spare = true,
	};
	r->live.command = &vs_cmd_record;
	r->live.engine_opts.ring_bytes = r->opts.display.ring_size;
	r->live.engine_opts.debug = r->opts.display.debug;
	r->live.engine_opts.stacks = !r->opts.no_stack;
	r->live.session_opts = (struct vs_session_opts){
		.sinks = &r->sink,
		.nr_sinks = 1,
		.no_events = true,
		.no_deferred = true,
		.no_waits = true,
		.no_stacks = true,
		.keep_refs = true,
		.refs = { .max_refs = r->opts.max_refs },
	};
	r->live.sandbox = &r->sandbox;
	r->live.duration = r->opts.duration;
	r->live.each = each;
	r->live.rearmed = begin_again;
	r->live.ctx = r;
}

static int open_file(struct record *r)
{
	struct vs_recorder_opts opts = {
		.command = &vs_cmd_record,
		.path = r->opts.display.output,
		.ring = r->opts.ring,
		.forget = r->opts.forget,
		.sync_ns = r->opts.sync,
		.before_ns = r->opts.before,
		.after_ns = r->opts.after,
	};

	return vs_recorder__open(&r->recorder, &opts, &r->live);
}

static int follow(struct record *r)
{
	char error[VS_LOOK_WORDS];
	int status = vs_live__begin(&r->live);

	if (!status)
		status = vs_live__arm(&r->live);
	if (status)
		return status;
	/* No program can be loaded later; the snapshot reports what it cannot read. */
	vs_snapper__get_ready(r->snapper);
	if (vs_live_ledger__begin(&r->ledger, error))
		status = fail(VS_EXIT_FAILURE, error, NULL);
	if (!status)
		status = vs_live__run(&r->live);
	return vs_live_ledger__conclude(&r->ledger, &vs_cmd_record, status);
}

static int record(struct record *r)
{
	struct vs_sink_opts sink = {
		.fd = STDOUT_FILENO,
		.width = vs_host__columns(STDOUT_FILENO),
		.color = vs_display__wants_color(r->opts.display.color, STDOUT_FILENO),
		.no_events = true,
	};
	int status;

	r->snapper = vs_snapper__new(NULL);
	r->sink = vs_text_sink__new(&sink);
	if (!r->snapper || !r->sink)
		return fail(VS_EXIT_FAILURE, "cannot start", strerror(errno));
	set_up(r);
	status = vs_live__open(&r->live);
	if (!status)
		status = open_file(r);
	return vs_recorder__close(r->recorder, status ? status : follow(r));
}

static void clean_up(struct record *r)
{
	vs_live__close(&r->live);
	vs_snapper__free(r->snapper);
	vs_sink__free(r->sink);
	vs_display__fini(&r->opts.display);
}

/* -- options -- */

#define TIME(n, l, h, member) \
	{ n, l, VS_OPT_DURATION, "TIME", h, offsetof(struct record_options, member), 1000000, \
	  1000 * 3600000000000ull, NULL, 0 }
#define FLAG(n, l, h, member) \
	{ n, l, VS_OPT_FLAG, NULL, h, offsetof(struct record_options, member), 0, 0, NULL, 0 }

static const struct vs_opt record_opts[] = {
	{ "output", 'o', VS_OPT_TEXT, "FILE", "record into FILE, behind what it has already",
	  offsetof(struct vs_display, output), 0, 0, NULL, 0 },
	{ "ring", 'r', VS_OPT_SIZE, "SIZE", "a file of this size, the newest in it: 64M",
	  offsetof(struct record_options, ring), 1 << 20, (uint64_t)VS_VFR_MOST_SLOTS * VS_VFR_SLOT, NULL, 0 },
	TIME("duration", 'd', "stop after this time: 10s, 5m", duration),
	FLAG("exit-on-bug", 'x', "stop at the first finding of grade bug", exit_on_bug),
	TIME("before", 0, "a bug keeps this much of a ring before it (60s)", before),
	TIME("after", 0, "and this much after it (10s)", after),
	FLAG("forget", 0, "a ring may overwrite what earlier bugs have kept", forget),
	TIME("sync", 0, "write to the disk at least this often (5s)", sync),
	FLAG("no-stack", 0, "record gets and puts without their stacks", no_stack),
	{ "max-refs", 0, VS_OPT_NUMBER, "NR", "live references kept at most (16384, 3 MB)",
	  offsetof(struct record_options, max_refs), 16, 1 << 22, NULL, 0 },
	VS_DISPLAY_COMMON,
	{ .name = NULL },
};

static int check_options(const struct record_options *opts)
{
	if (!opts->display.output)
		return fail(VS_EXIT_USAGE, "name the file to record into: --output FILE", NULL);
	if (!opts->ring && (opts->before || opts->after || opts->forget))
		return fail(VS_EXIT_USAGE, "--before, --after and --forget are for a --ring", NULL);
	return vs_display__check(&opts->display, &vs_cmd_record);
}

static int parse(struct record_options *opts, int argc, char **argv)
{
	int first = vs_opts__parse(&vs_cmd_record, argc, argv, opts);

	if (first < 0)
		return first == -VS_OPTS_HELP ? -1 : VS_EXIT_USAGE;
	if (first < argc)
		return fail(VS_EXIT_USAGE, "takes no operands; see vfioscope record --help", NULL);
	return check_options(opts);
}

static int cmd_record(int argc, char **argv)
{
	struct record r = { 0 };
	int status;

	if (vs_display__init(&r.opts.display))
		return fail(VS_EXIT_FAILURE, "cannot start", strerror(ENOMEM));
	status = parse(&r.opts, argc, argv);
	if (!status) {
		vs_stop__catch();
		status = record(&r);
	}
	clean_up(&r);
	return status < 0 ? VS_EXIT_OK : status;
}

const struct vs_command vs_cmd_record = {
	.name = "record",
	.summary = "a flight recorder: the whole run in a file, for report",
	.operands = "",
	.opts = record_opts,
	.epilogue =
		"examples\n"
		"  vfioscope record -d 60s -o run.vfr              one run in a file of its own\n"
		"  vfioscope record --ring 64M -o /var/lib/v.vfr   the last hours or weeks\n"
		"A ring has its size from the start, and no more. A recording is whole at any\n"
		"time: after SIGKILL, on a full disk, after a reset, report reads what there is.\n"
		"A bug keeps the time around it. A next start goes on behind what is there.\n",
	.run = cmd_record,
};

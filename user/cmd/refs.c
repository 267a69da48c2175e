// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/exit_codes.h"
#include "base/host.h"
#include "base/stop.h"
#include "cmd/commands.h"
#include "cmd/display.h"
#include "doctor/blocker.h"
#include "record/recorder.h"
#include "run/live.h"
#include "run/live_ledger.h"
#include "snapshot/snapshot.h"

struct refs_options {
	struct vs_display display;	/* first */
	uint64_t duration;
	uint64_t watch;
	uint64_t older;
	uint64_t max_refs;
	bool once;
	bool exact;
	bool stack;
};

struct refs {
	struct vs_live live;
	struct refs_options opts;
	struct vs_sandbox_opts sandbox;
	struct vs_sink *sinks[2];
	size_t nr_sinks;
	int output_fd;
	struct vs_snapper *snapper;
	struct vs_live_ledger ledger;
	struct vs_recorder *recorder;
};

static int fail(int status, const char *words, const char *what)
{
	return vs_command__fail(&vs_cmd_refs, status, words, what);
}

/* -- sinks -- */

static struct vs_sink *new_page(const struct refs *r)
{
	struct vs_sink_opts opts = {
		.fd = STDOUT_FILENO,
		.width = vs_host__columns(STDOUT_FILENO),
		.color = vs_display__wants_color(r->opts.display.color, STDOUT_FILENO),
		.no_events = true,
	};

	return r->opts.display.json ? vs_json_sink__new(&opts) : vs_text_sink__new(&opts);
}

static int add_log(struct refs *r)
{
	struct vs_sink_opts opts = { .durable = true };

	if (!r->opts.display.output)
		return VS_EXIT_OK;
	r->output_fd = open(r->opts.display.output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (r->output_fd < 0)
		return fail(VS_EXIT_FAILURE, r->opts.display.output, strerror(errno));
	opts.fd = r->output_fd;
	r->sinks[r->nr_sinks] = vs_json_sink__new(&opts);
	return r->sinks[r->nr_sinks++] ? VS_EXIT_OK :
	       fail(VS_EXIT_FAILURE, "cannot start", strerror(errno));
}

static int add_sinks(struct refs *r)
{
	int status = add_log(r);

	if (status)
		return status;
	r->sinks[r->nr_sinks] = new_page(r);
	return r->sinks[r->nr_sinks++] ? VS_EXIT_OK :
	       fail(VS_EXIT_FAILURE, "cannot start", strerror(errno));
}

/* -- running -- */

static void on_event(void *ctx, const struct vs_event *e)
{
	struct refs *r = ctx;

	if (r->opts.exact)
		vs_live_watch__event(&r->ledger.watch, e);
}

static bool each(void *ctx, uint64_t now_ns)
{
	struct refs *r = ctx;

	vs_live_ledger__each(&r->ledger, now_ns,
			     r->opts.watch && now_ns - r->ledger.shown_ns >= r->opts.watch);
	return false;
}

static void begin_again(void *ctx)
{
	vs_live_ledger__begin_again(&((struct refs *)ctx)->ledger);
}

static void set_up(struct refs *r)
{
	r->ledger = (struct vs_live_ledger){
		.live = &r->live,
		.snapper = r->snapper,
		.traced = !r->opts.once,
		.exact = r->opts.exact,
		.stacks = r->opts.stack,
		.watch = { .live = &r->live, .filter = r->opts.display.filter },
	};
	r->live.command = &vs_cmd_refs;
	r->live.engine_opts.ring_bytes = r->opts.display.ring_size;
	r->live.engine_opts.debug = r->opts.display.debug;
	r->live.engine_opts.stacks = true;
	r->live.engine_opts.exact = r->opts.exact;
	r->live.session_opts = (struct vs_session_opts){
		.filter = r->opts.display.filter,
		.sinks = r->sinks,
		.no_events = !r->opts.display.output,
		.no_deferred = !r->opts.display.output,
		.no_stacks = true,
		.keep_refs = true,
		.refs = { .max_refs = r->opts.max_refs, .older_ns = r->opts.older },
	};
	r->live.sandbox = &r->sandbox;
	r->live.duration = r->opts.duration;
	r->live.each = each;
	r->live.seen = on_event;
	r->live.rearmed = begin_again;
	r->live.ctx = r;
}

/* Shows the snapshot alone: nothing is attached, so there is no engine. */
static int once(struct refs *r)
{
	struct vs_snapshot s;
	char words[100], error[VS_LOOK_WORDS];
	int status = vs_live__begin(&r->live);

	if (!status && vs_filter__absent(r->opts.display.filter, "", words, sizeof(words)))
		return fail(VS_EXIT_FAILURE, words, NULL);
	if (!status && vs_snapper__take(r->snapper, &s, error, sizeof(error)))
		status = fail(VS_EXIT_FAILURE, error, NULL);
	if (status)
		return status;
	vs_session__seed(r->live.session, &s);
	if (vs_live_ledger__show(&r->ledger, &s, false, error))
		status = fail(VS_EXIT_FAILURE, error, NULL);
	if (!status && !s.scope.groups && s.nr_groups)
		status = vs_blocker__fail(&vs_cmd_refs, VS_WORK_REFS, VS_EXIT_INCONCLUSIVE, s.words);
	vs_snapshot__free(&s);
	return vs_command__written(&vs_cmd_refs, status, vs_session__flush(r->live.session));
}

static int record(struct refs *r)
{
	struct vs_recorder_opts opts = { .command = &vs_cmd_refs, .path = r->opts.display.record };

	return opts.path ? vs_recorder__open(&r->recorder, &opts, &r->live) : VS_EXIT_OK;
}

static int follow(struct refs *r)
{
	char error[VS_LOOK_WORDS];
	int status = record(r);

	if (!status)
		status = vs_live__begin(&r->live);
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
	return vs_live_ledger__conclude(&r->ledger, &vs_cmd_refs, status);
}

static int refs(struct refs *r)
{
	int status = VS_EXIT_OK;

	r->snapper = vs_snapper__new(NULL);
	if (!r->snapper)
		return fail(VS_EXIT_FAILURE, "cannot start", strerror(errno));
	set_up(r);
	if (!r->opts.once)
		status = vs_live__open(&r->live);
	if (!status)
		status = add_sinks(r);
	r->live.session_opts.nr_sinks = r->nr_sinks;
	if (status)
		return status;
	return r->opts.once ? once(r) : vs_recorder__close(r->recorder, follow(r));
}

static void clean_up(struct refs *r)
{
	vs_live__close(&r->live);
	vs_snapper__free(r->snapper);
	for (size_t i = 0; i < r->nr_sinks; i++)
		vs_sink__free(r->sinks[i]);
	vs_display__fini(&r->opts.display);
	if (r->output_fd >= 0)
		close(r->output_fd);
}

/* -- options -- */

static const struct vs_opt refs_opts[] = {
	VS_DISPLAY_FILTER("group", 'g', "N,...", "only these IOMMU groups", VS_FILTER_GROUP),
	VS_DISPLAY_FILTER("device", 'D', "BDF,...", "only groups of these devices", VS_FILTER_DEVICE),
	{ "once", '1', VS_OPT_FLAG, NULL, "show who holds what now, attach nothing, and end",
	  offsetof(struct refs_options, once), 0, 0, NULL, 0 },
	{ "watch", 'w', VS_OPT_DURATION, "TIME", "show the ledger again this often: 2s",
	  offsetof(struct refs_options, watch), 100000000, 3600000000000ull, NULL, 0 },
	{ "duration", 'd', VS_OPT_DURATION, "TIME", "stop after this time: 10s, 5m",
	  offsetof(struct refs_options, duration), 1000000, 1000 * 3600000000000ull, NULL, 0 },
	{ "exact", 'x', VS_OPT_FLAG, NULL,
	  "hardware watchpoints on the counters of 4 groups",
	  offsetof(struct refs_options, exact), 0, 0, NULL, 0 },
	{ "older", 'a', VS_OPT_DURATION, "TIME", "say references that are held longer than this",
	  offsetof(struct refs_options, older), 1000000, 1000 * 3600000000000ull, NULL, 0 },
	{ "stack", 's', VS_OPT_FLAG, NULL, "show the stack of each get, not of suspects only",
	  offsetof(struct refs_options, stack), 0, 0, NULL, 0 },
	VS_DISPLAY_JSON,
	{ "output", 'o', VS_OPT_TEXT, "FILE", "write every event to FILE, too, as NDJSON",
	  offsetof(struct vs_display, output), 0, 0, NULL, 0 },
	{ "max-refs", 0, VS_OPT_NUMBER, "NR", "live references kept at most (16384, 3 MB)",
	  offsetof(struct refs_options, max_refs), 16, 1 << 22, NULL, 0 },
	VS_DISPLAY_RECORD,
	VS_DISPLAY_COMMON,
	{ .name = NULL },
};

static int check_options(const struct refs_options *opts)
{
	if (opts->once && (opts->watch || opts->duration || opts->exact || opts->older ||
			   opts->display.output || opts->display.record))
		return fail(VS_EXIT_USAGE, "--once attaches nothing: without --watch, --duration, --exact, "
			    "--older, --output, --record", NULL);
	return vs_display__check(&opts->display, &vs_cmd_refs);
}

static int parse(struct refs_options *opts, int argc, char **argv)
{
	int first = vs_opts__parse(&vs_cmd_refs, argc, argv, opts);

	if (first < 0)
		return first == -VS_OPTS_HELP ? -1 : VS_EXIT_USAGE;
	if (first < argc)
		return fail(VS_EXIT_USAGE, "takes no operands; see vfioscope refs --help", NULL);
	return check_options(opts);
}

static int cmd_refs(int argc, char **argv)
{
	struct refs r = { .output_fd = -1 };
	int status;

	if (vs_display__init(&r.opts.display))
		return fail(VS_EXIT_FAILURE, "cannot start", strerror(ENOMEM));
	status = parse(&r.opts, argc, argv);
	if (!status) {
		vs_stop__catch();
		status = refs(&r);
	}
	clean_up(&r);
	return status < 0 ? VS_EXIT_OK : status;
}

const struct vs_command vs_cmd_refs = {
	.name = "refs",
	.summary = "who holds each VFIO group, since when, and what leaks",
	.operands = "",
	.opts = refs_opts,
	.epilogue =
		"examples\n"
		"  vfioscope refs --once               who holds what now, without tracing\n"
		"  vfioscope refs --watch 2s           the ledger every two seconds, until Ctrl-C\n"
		"  vfioscope refs -g 42 --exact -d 60s with each change seen by a watchpoint\n"
		"  vfioscope refs --older 1h -o refs.ndjson\n"
		"Groups come sorted by suspicion. At the end: how long references lived.\n",
	.statuses =
		VS_EXIT_OF_RUN,
	.run = cmd_refs,
};

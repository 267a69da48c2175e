// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "exit_codes.h"
#include "host.h"
#include "probe/engine.h"
#include "probe/symbolizer.h"
#include "session.h"
#include "stop.h"
#include "version.h"

/*
 * Ordinary records wake nobody: they are fetched this often while something
 * happens, and less often when nothing does. Alarms come at once.
 */
#define BUSY_POLL_MS 20
#define IDLE_POLL_MS 100
#define LOSS_CHECK_NS 1000000000ull

struct trace_options {
	struct vs_filter *filter;
	uint64_t duration;
	uint64_t ring_size;
	const char *output;
	const char *color;
	bool json;
	bool quiet;
	bool exit_on_bug;
	bool debug;
};

struct trace {
	struct trace_options opts;
	struct vs_engine *engine;
	struct vs_session *session;
	struct vs_symbolizer *symbolizer;
	struct vs_sink *sinks[2];
	size_t nr_sinks;
	int output_fd;
	struct vs_probe_row *rows;
	bool vfio_loaded;	/* seen since the last look, with its time */
	bool vfio_gone;
	uint64_t loaded_ns;
	uint64_t started_ns;
	uint64_t armed_ns;
	uint64_t checked_ns;
};

/* -- what the session asks -- */

static bool resolve_ip(void *ctx, uint64_t ip, char *buf, size_t size)
{
	struct trace *t = ctx;

	return vs_engine__resolve(t->engine, ip, buf, size) ||
	       vs_symbolizer__lookup(t->symbolizer, ip, buf, size);
}

static int group_devices(void *ctx, int iommu_group, char *buf, size_t size)
{
	(void)ctx;
	return vs_host__group_devices(iommu_group, buf, size);
}

static int kernel_stack(void *ctx, uint32_t tid, char *buf, size_t size)
{
	(void)ctx;
	return vs_host__kernel_stack(tid, buf, size);
}

static uint64_t now_ns(void *ctx)
{
	(void)ctx;
	return vs_host__mono_ns();
}

static void take_record(void *ctx, const void *data, size_t len)
{
	const struct vs_event *e = data;
	struct trace *t = ctx;

	vs_session__feed(t->session, data, len);
	if (len < sizeof(*e))
		return;
	if (e->type == VS_MODULE_LOAD) {
		t->vfio_loaded = true;
		t->loaded_ns = e->time_ns;
	} else if (e->type == VS_MODULE_FREE) {
		t->vfio_gone = true;
	}
}

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

static int add_session(struct trace *t)
{
	struct vs_session_opts opts = {
		.calls = { resolve_ip, group_devices, kernel_stack, now_ns },
		.ctx = t,
		.filter = t->opts.filter,
		.sinks = t->sinks,
		.nr_sinks = t->nr_sinks,
		.no_events = t->opts.quiet,
		.no_deferred = t->opts.quiet,
	};

	t->session = vs_session__new(&opts);
	return t->session ? 0 : fail(VS_EXIT_FAILURE, "cannot start", strerror(errno));
}

static int add_engine(struct trace *t)
{
	struct vs_engine_opts opts = {
		.ring_bytes = t->opts.ring_size,
		.debug = t->opts.debug,
		.record = take_record,
		.ctx = t,
	};
	char error[200];

	t->engine = vs_engine__new(&opts, error, sizeof(error));
	if (t->engine)
		return 0;
	if (errno == EPERM)
		return fail(VS_EXIT_PERMISSION, error, NULL);
	return fail(errno == ENOTSUP ? VS_EXIT_UNAVAILABLE : VS_EXIT_FAILURE, error, NULL);
}

static const char *armed_name(enum vs_hook_status status)
{
	return status == VS_HOOK_READY ? "armed" : vs_hook_status__name(status);
}

static int fill_rows(struct trace *t)
{
	const struct vs_plan *plan = vs_engine__plan(t->engine);
	struct vs_probe_row *rows = calloc(plan->nr_rows, sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < plan->nr_rows; i++)
		rows[i] = (struct vs_probe_row){
			.hook = plan->rows[i].hook->name,
			.status = armed_name(plan->rows[i].status),
			.how = plan->rows[i].how,
			.nr_probes = plan->rows[i].nr_probes,
		};
	free(t->rows);
	t->rows = rows;
	return 0;
}

static bool has_same_reason(const struct vs_plan_row *a, const struct vs_plan_row *b)
{
	return a->status == b->status && !strcmp(a->how, b->how);
}

/* One line for each reason, with all the hooks it is for. */
static void say_reason(struct trace *t, const struct vs_plan *plan, size_t first, uint64_t now)
{
	const struct vs_plan_row *row = &plan->rows[first];
	char hooks[300] = "", words[800];
	size_t len = 0;

	for (size_t i = 0; i < first; i++)
		if (has_same_reason(&plan->rows[i], row))
			return;
	for (size_t i = first; i < plan->nr_rows && len < sizeof(hooks); i++)
		if (has_same_reason(&plan->rows[i], row))
			len += snprintf(hooks + len, sizeof(hooks) - len, "%s%s", len ? ", " : "",
					plan->rows[i].hook->name);
	snprintf(words, sizeof(words), "not seen: %s: %s%s%s", hooks, row->how,
		 row->advice[0] ? "; to do: " : "", row->advice);
	vs_session__notice(t->session, now, words);
}

static void say_missing(struct trace *t, const struct vs_plan *plan, uint64_t now)
{
	for (size_t i = 0; i < plan->nr_rows; i++)
		if (plan->rows[i].status == VS_HOOK_MISSING)
			say_reason(t, plan, i, now);
}

/* What a user must know before the first event. */
static void say_state(struct trace *t)
{
	const struct vs_plan *plan = vs_engine__plan(t->engine);
	uint64_t now = vs_host__mono_ns();
	char words[400];

	snprintf(words, sizeof(words), "%zu probes armed in %.2f s", vs_engine__nr_armed(t->engine),
		 (t->armed_ns - t->started_ns) / 1e9);
	vs_session__notice(t->session, t->armed_ns, words);
	snprintf(words, sizeof(words), "the fix for the notifier deadlock is %s",
		 vs_fix__words(plan->fix));
	vs_session__notice(t->session, now, words);
	if (vs_plan__waits(plan))
		vs_session__notice(t->session, now, "vfio.ko is not loaded: its probes will be "
				   "armed when it is; any notifier chain is watched already");
	say_missing(t, plan, now);
}

static int arm(struct trace *t)
{
	struct vs_start start = {
		.version = VS_VERSION,
		.kernel = vs_engine__facts(t->engine)->release,
	};
	int err = vs_engine__attach(t->engine);

	t->armed_ns = start.mono_ns = vs_host__mono_ns();
	start.wall_ns = vs_host__wall_ns();
	if (err)
		return fail(VS_EXIT_UNAVAILABLE, "no probe can be armed; see vfioscope doctor", NULL);
	if (fill_rows(t))
		return fail(VS_EXIT_FAILURE, "cannot start", strerror(ENOMEM));
	start.probes = t->rows;
	start.nr_probes = vs_engine__plan(t->engine)->nr_rows;
	vs_session__start(t->session, &start);
	say_state(t);
	vs_session__flush(t->session);
	/* Not before: arming comes first, and its trampolines have symbols, too. */
	t->symbolizer = vs_symbolizer__new();
	if (!t->symbolizer)
		return fail(VS_EXIT_FAILURE, "cannot start", strerror(errno));
	return 0;
}

/* -- running -- */

static void follow_module(struct trace *t)
{
	uint64_t now;
	int nr;

	if (t->vfio_gone && !t->vfio_loaded)
		vs_engine__vfio_gone(t->engine);
	if (t->vfio_loaded) {
		nr = vs_engine__vfio_loaded(t->engine);
		now = vs_host__mono_ns();
		if (!fill_rows(t))
			vs_session__set_probes(t->session, t->rows,
					       vs_engine__plan(t->engine)->nr_rows);
		if (nr > 0)
			vs_session__rearmed(t->session, now, now - t->loaded_ns);
		else
			vs_session__notice(t->session, now, "vfio.ko was loaded, but none of its "
					   "probes can be armed; see vfioscope doctor");
	}
	t->vfio_gone = t->vfio_loaded = false;
}

static void tell_missed(struct trace *t, unsigned int cause, int err, uint64_t missed)
{
	if (err)
		vs_session__loss_not_reported(t->session, cause);
	else
		vs_session__loss(t->session, cause, missed);
}

static void check_losses(struct trace *t)
{
	uint64_t missed;
	int err;

	for (unsigned int cause = 0; cause < VS_LOSS_KERNEL_END; cause++)
		vs_session__loss(t->session, cause, vs_engine__loss(t->engine, cause));
	err = vs_engine__missed_kprobes(t->engine, &missed);
	tell_missed(t, VS_LOSS_PROBE_MISSED, err, missed);
	err = vs_engine__missed_programs(t->engine, &missed);
	tell_missed(t, VS_LOSS_RECURSION, err, missed);
}

static bool is_over(const struct trace *t, uint64_t now)
{
	struct vs_session_result result;

	if (vs_stop__asked() || (t->opts.duration && now - t->armed_ns >= t->opts.duration))
		return true;
	vs_session__result(t->session, &result);
	return result.write_error || (t->opts.exit_on_bug && result.by_grade[VS_GRADE_BUG]);
}

static int wait_ms(const struct trace *t, uint64_t now, bool busy)
{
	uint64_t deadline = vs_session__deadline(t->session);
	uint64_t wait = (busy ? BUSY_POLL_MS : IDLE_POLL_MS) * 1000000ull;

	if (deadline)
		wait = deadline <= now ? 0 : deadline - now < wait ? deadline - now : wait;
	if (t->opts.duration && t->armed_ns + t->opts.duration - now < wait)
		wait = t->armed_ns + t->opts.duration - now;
	return (wait + 999999) / 1000000;
}

/* What is waited for may be in the rings already: look once more before giving up. */
static void tick(struct trace *t, uint64_t now)
{
	uint64_t deadline = vs_session__deadline(t->session);

	if (deadline && deadline <= now)
		vs_engine__drain(t->engine);
	vs_session__tick(t->session, now);
}

static int run(struct trace *t)
{
	uint64_t now = vs_host__mono_ns();
	bool busy = true;
	int nr;

	while (!is_over(t, now)) {
		nr = vs_engine__poll(t->engine, wait_ms(t, now, busy));
		if (nr < 0 && nr != -EINTR)
			return fail(VS_EXIT_FAILURE, "cannot read events", strerror(-nr));
		busy = nr > 0;
		now = vs_host__mono_ns();
		if (t->vfio_loaded || t->vfio_gone)
			follow_module(t);
		tick(t, now);
		if (now - t->checked_ns >= LOSS_CHECK_NS) {
			check_losses(t);
			vs_symbolizer__refresh(t->symbolizer);
			t->checked_ns = now;
		}
		vs_session__flush(t->session);
	}
	return VS_EXIT_OK;
}

static int conclude(struct trace *t)
{
	struct vs_session_result result;

	vs_engine__drain(t->engine);
	check_losses(t);
	vs_session__finish(t->session, vs_host__mono_ns(), &result);
	if (result.by_grade[VS_GRADE_BUG])
		return VS_EXIT_BUG;
	if (result.write_error && result.write_error != -EPIPE)
		return fail(VS_EXIT_FAILURE, "cannot write", strerror(-result.write_error));
	if (result.lost)
		return VS_EXIT_INCONCLUSIVE;
	return vs_plan__complete(vs_engine__plan(t->engine)) ? VS_EXIT_OK : VS_EXIT_UNAVAILABLE;
}

static void clean_up(struct trace *t)
{
	vs_session__free(t->session);
	for (size_t i = 0; i < t->nr_sinks; i++)
		vs_sink__free(t->sinks[i]);
	vs_symbolizer__free(t->symbolizer);
	vs_engine__free(t->engine);
	vs_filter__free(t->opts.filter);
	free(t->rows);
	if (t->output_fd >= 0)
		close(t->output_fd);
}

static int trace(struct trace *t)
{
	int status;

	t->started_ns = vs_host__mono_ns();
	status = add_engine(t);
	if (!status)
		status = add_sinks(t);
	if (!status)
		status = add_session(t);
	if (!status)
		status = arm(t);
	if (!status)
		status = run(t);
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

// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/exit_codes.h"
#include "base/host.h"
#include "base/stop.h"
#include "base/version.h"
#include "cmd/commands.h"
#include "cmd/display.h"
#include "doctor/blocker.h"
#include "run/live.h"
#include "run/live_ledger.h"
#include "serve/listen.h"
#include "serve/log_sink.h"
#include "serve/notify.h"
#include "serve/page.h"
#include "serve/porch.h"
#include "serve/publish.h"
#include "snapshot/snapshot.h"

#define PAGE_NS 1000000000ull
#define DOWN_LOOK_US 200000

struct serve_options {
	struct vs_display display;	/* first: ring size, output, debug */
	const char *listen[VS_LISTEN_MOST];
	size_t nr_listen;
	const char *textfile;
	const char *host;
	uint64_t older;
};

struct serve {
	struct serve_options opts;
	struct vs_live live;
	struct vs_live_ledger ledger;
	struct vs_snapper *snapper;
	struct vs_sandbox_opts sandbox;
	struct vs_page page;
	struct vs_sink *page_sink;
	struct vs_sink *sinks[3];
	size_t nr_sinks;
	int output_fd;
	struct vs_listeners listeners;
	struct vs_share *share;
	struct vs_porch *porch;
	struct vs_notify notify;
	uint64_t told_ns;	/* the last time that the watchdog was fed */
	int page_error;		/* the last one that was reported */
	bool ended;		/* the porch has ended */
};

static int fail(int status, const char *words, const char *what)
{
	return vs_command__fail(&vs_cmd_serve, status, words, what);
}

/* -- the page -- */

static void say_page_error(struct serve *v, int err)
{
	if (err == v->page_error)
		return;
	v->page_error = err;
	if (err)
		fail(0, v->opts.textfile ? v->opts.textfile : "cannot render the page", strerror(-err));
}

static void render(struct serve *v, uint64_t now)
{
	int err;

	v->page.mono_ns = now;
	v->page.wall_ns = vs_host__wall_ns();
	if (v->live.session) {
		vs_session__summarize(v->live.session, now, v->page_sink);
		vs_page__take_ledger(&v->page, vs_session__refs(v->live.session),
				     vs_session__registrations(v->live.session));
		v->page.failed_looks = v->ledger.failed_looks;
	}
	v->page.changed = false;
	err = vs_publish__page(&v->page, v->share);
	if (!err && v->opts.textfile)
		err = vs_publish__file(&v->page, v->opts.textfile);
	say_page_error(v, err);
}

static void feed_watchdog(struct serve *v, uint64_t now)
{
	if (!v->notify.every_ns || now - v->told_ns < v->notify.every_ns)
		return;
	v->told_ns = now;
	vs_notify__say(&v->notify, "WATCHDOG=1");
}

/* Returns true if the run must end: nobody answers any more. */
static bool go_on(struct serve *v, uint64_t now)
{
	if (now - v->page.mono_ns >= PAGE_NS || v->page.changed)
		render(v, now);
	feed_watchdog(v, now);
	v->ended = !vs_porch__is_alive(v->porch);
	return v->ended;
}

/* The file outlives the run, and must not say that this host is traced. */
static int finish(struct serve *v, int status)
{
	vs_notify__say(&v->notify, "STOPPING=1");
	v->page.up = false;
	snprintf(v->page.down, sizeof(v->page.down), "it was stopped");
	render(v, vs_host__mono_ns());
	if (v->ended && !status)
		return fail(VS_EXIT_FAILURE, "the process that answers has ended", NULL);
	return status;
}

/* -- a host that cannot be traced -- */

static void plan_for_page(struct serve *v)
{
	static struct vs_facts facts;	/* the page has names of it */
	struct vs_plan plan;

	if (vs_facts__collect("", &facts) || vs_plan__make(&facts, &plan))
		return;
	vs_page__take_plan(&v->page, &plan, &facts);
	vs_plan__free(&plan);
}

/* A fleet has to see which hosts are blind, so this is a page, too, and no reason to end. */
static int serve_down(struct serve *v)
{
	char status[VS_PAGE_WORDS + 40], error[100];
	int err;

	if (!vs_blocker__words(VS_WORK_REFS, v->page.down, sizeof(v->page.down)))
		snprintf(v->page.down, sizeof(v->page.down), "this kernel does not offer what is required");
	plan_for_page(v);
	err = vs_sandbox__enter(&v->sandbox, error, sizeof(error));
	if (err && err != -EOPNOTSUPP)
		fail(0, error, NULL);
	snprintf(status, sizeof(status), "READY=1\nSTATUS=does not trace: %s", v->page.down);
	render(v, vs_host__mono_ns());
	vs_notify__say(&v->notify, status);
	while (!vs_stop__asked() && !go_on(v, vs_host__mono_ns()))
		usleep(DOWN_LOOK_US);
	return finish(v, VS_EXIT_OK);
}

/* -- a run -- */

static void take_engine(struct serve *v)
{
	const struct vs_plan *plan = vs_engine__plan(v->live.engine);

	vs_page__take_plan(&v->page, plan, vs_engine__facts(v->live.engine));
	v->page.probes_armed = vs_engine__nr_armed(v->live.engine);
	v->page.up = vs_plan__complete(plan);
	snprintf(v->page.down, sizeof(v->page.down), "%s", v->page.up ? "" : "a required hook is missing");
}

static void begin_again(void *ctx)
{
	struct serve *v = ctx;

	take_engine(v);
	vs_live_ledger__begin_again(&v->ledger);
}

static bool each(void *ctx, uint64_t now)
{
	struct serve *v = ctx;

	take_engine(v);
	if (go_on(v, now))
		return true;
	vs_live_ledger__each(&v->ledger, now, false);
	return false;
}

static void say_ready(struct serve *v)
{
	char words[200];

	snprintf(words, sizeof(words), "READY=1\nSTATUS=%llu probes; the fix is %s",
		 (unsigned long long)v->page.probes_armed, vs_fix__name(v->page.fix));
	vs_notify__say(&v->notify, words);
}

static int follow(struct serve *v)
{
	struct vs_session_result result;
	int status = vs_live__begin(&v->live);

	if (!status)
		status = vs_live__arm(&v->live);
	if (status)
		return status;
	vs_snapper__get_ready(v->snapper);
	begin_again(v);
	render(v, vs_host__mono_ns());
	say_ready(v);
	status = vs_live__run(&v->live);
	vs_live__drain(&v->live);
	vs_session__finish(v->live.session, vs_host__mono_ns(), &result);
	if (!status && result.write_error)
		status = vs_command__written(&vs_cmd_serve, VS_EXIT_OK, result.write_error);
	return finish(v, status);
}

/* -- setting up -- */

static int add_sink(struct serve *v, struct vs_sink *sink)
{
	if (!sink)
		return fail(VS_EXIT_FAILURE, "cannot start", strerror(errno));
	v->sinks[v->nr_sinks++] = sink;
	return VS_EXIT_OK;
}

static int add_output(struct serve *v)
{
	struct vs_sink_opts opts = { .durable = true, .no_events = true };

	if (!v->opts.display.output)
		return VS_EXIT_OK;
	opts.fd = v->output_fd = open(v->opts.display.output, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	if (opts.fd < 0)
		return fail(VS_EXIT_FAILURE, v->opts.display.output, strerror(errno));
	return add_sink(v, vs_json_sink__new(&opts));
}

static int add_sinks(struct serve *v)
{
	int status = add_output(v);

	v->page_sink = status ? NULL : vs_page__sink(&v->page);
	status = status ? status : add_sink(v, v->page_sink);
	return status ? status : add_sink(v, vs_log_sink__new(STDERR_FILENO, !isatty(STDERR_FILENO)));
}

static int listen_at(struct serve *v, const char *where)
{
	char error[200];

	if (vs_listen__open(&v->listeners, where, error, sizeof(error)))
		return fail(VS_EXIT_FAILURE, where, error);
	if (!v->listeners.rows[v->listeners.nr - 1].loopback)
		fail(0, where, "anybody who reaches this host can read the page; there is no TLS");
	return VS_EXIT_OK;
}

static int open_listeners(struct serve *v)
{
	static const char *const usual[] = { VS_LISTEN_TCP, "unix:" VS_LISTEN_UNIX };
	const char *const *where = v->opts.nr_listen ? v->opts.listen : usual;
	size_t nr = v->opts.nr_listen ? v->opts.nr_listen : sizeof(usual) / sizeof(usual[0]);
	char error[200];
	int passed = vs_listen__take_passed(&v->listeners, error, sizeof(error)), status = VS_EXIT_OK;

	if (passed < 0)
		return fail(VS_EXIT_FAILURE, "a socket that was passed", error);
	for (size_t i = 0; !passed && i < nr && !status; i++)
		status = listen_at(v, where[i]);
	return status;
}

/* The porch comes first: it must have nothing of what is opened later. */
static int open_porch(struct serve *v)
{
	struct vs_porch_opts opts = { .listeners = &v->listeners, .host = v->opts.host };

	opts.share = v->share = vs_share__new();
	v->porch = v->share ? vs_porch__start(&opts) : NULL;
	vs_listen__close(&v->listeners);
	return v->porch ? VS_EXIT_OK : fail(VS_EXIT_FAILURE, "cannot start the process that answers", strerror(errno));
}

/* Before anything is armed, so that a file that cannot be written is an error, and no request goes unanswered. */
static int publish_first(struct serve *v)
{
	snprintf(v->page.down, sizeof(v->page.down), "it has just been started");
	render(v, vs_host__mono_ns());
	return v->page_error ? VS_EXIT_FAILURE : VS_EXIT_OK;
}

static void set_up(struct serve *v)
{
	v->ledger = (struct vs_live_ledger){
		.live = &v->live,
		.snapper = v->snapper,
		.traced = true,
		.silent = true,
	};
	v->sandbox.writes_files = v->opts.textfile;
	v->live.command = &vs_cmd_serve;
	v->live.engine_opts.ring_bytes = v->opts.display.ring_size;
	v->live.engine_opts.debug = v->opts.display.debug;
	v->live.engine_opts.stacks = true;
	v->live.session_opts = (struct vs_session_opts){
		.sinks = v->sinks,
		.no_events = true,
		.no_stacks = true,
		.keep_refs = true,
		.refs = { .older_ns = v->opts.older },
	};
	v->live.sandbox = &v->sandbox;
	v->live.each = each;
	v->live.rearmed = begin_again;
	v->live.ctx = v;
}

static int serve(struct serve *v)
{
	int status = open_listeners(v);

	v->page.version = VS_VERSION;
	v->page.kernel = v->page.vfio = "";
	v->page.started_ns = vs_host__mono_ns();
	status = status ? status : open_porch(v);
	status = status ? status : publish_first(v);
	if (status)
		return status;
	vs_notify__open(&v->notify);
	v->snapper = vs_snapper__new(NULL);
	if (!v->snapper)
		return fail(VS_EXIT_FAILURE, "cannot start", strerror(errno));
	set_up(v);
	status = add_sinks(v);
	v->live.session_opts.nr_sinks = v->nr_sinks;
	if (!status)
		status = vs_live__open(&v->live);
	if (!status)
		status = follow(v);
	return status == VS_EXIT_UNAVAILABLE ? serve_down(v) : status;
}

static void clean_up(struct serve *v)
{
	vs_live__close(&v->live);
	vs_snapper__free(v->snapper);
	for (size_t i = 0; i < v->nr_sinks; i++)
		vs_sink__free(v->sinks[i]);
	vs_listen__close(&v->listeners);
	vs_porch__free(v->porch);
	vs_share__free(v->share);
	vs_notify__close(&v->notify);
	if (v->output_fd >= 0)
		close(v->output_fd);
}

/* -- options -- */

static int add_listen(void *options, int arg, const char *value, char *error, size_t size)
{
	struct serve_options *o = options;

	(void)arg;
	if (vs_listen__check(value, error, size))
		return -EINVAL;
	if (o->nr_listen == VS_LISTEN_MOST) {
		snprintf(error, size, "too many addresses");
		return -E2BIG;
	}
	o->listen[o->nr_listen++] = value;
	return 0;
}

static const struct vs_opt serve_opts[] = {
	{ "listen", 'l', VS_OPT_LIST, "ADDR", "ADDRESS:PORT or unix:PATH, repeatable", 0, 0, 0, add_listen, 0 },
	{ "textfile", 't', VS_OPT_TEXT, "FILE", "write the page to FILE, too, for node_exporter",
	  offsetof(struct serve_options, textfile), 0, 0, NULL, 0 },
	{ "output", 'o', VS_OPT_TEXT, "FILE", "append findings, losses, gaps to FILE as NDJSON",
	  offsetof(struct vs_display, output), 0, 0, NULL, 0 },
	{ "host", 0, VS_OPT_TEXT, "NAME", "accept NAME as Host, too, on loopback",
	  offsetof(struct serve_options, host), 0, 0, NULL, 0 },
	{ "older", 'a', VS_OPT_DURATION, "TIME", "find references that are held longer than this",
	  offsetof(struct serve_options, older), 1000000, 1000 * 3600000000000ull, NULL, 0 },
	{ "ring-size", 0, VS_OPT_SIZE, "SIZE", "event buffers in the kernel, together (4M)",
	  offsetof(struct vs_display, ring_size), 4096, 256 << 20, NULL, 0 },
	{ "debug", 0, VS_OPT_FLAG, NULL, "let libbpf and the verifier speak on stderr",
	  offsetof(struct vs_display, debug), 0, 0, NULL, 0 },
	{ .name = NULL },
};

static bool is_host_name(const char *name)
{
	return strlen(name) <= 253 && !name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
						      "0123456789.-")];
}

static int parse(struct serve_options *opts, int argc, char **argv)
{
	int first = vs_opts__parse(&vs_cmd_serve, argc, argv, opts);

	if (first < 0)
		return first == -VS_OPTS_HELP ? -1 : VS_EXIT_USAGE;
	if (first < argc)
		return fail(VS_EXIT_USAGE, "takes no operands; see vfioscope serve --help", NULL);
	if (opts->host && !is_host_name(opts->host))
		return fail(VS_EXIT_USAGE, opts->host, "--host is one name, without a port");
	return vs_display__check(&opts->display, &vs_cmd_serve);
}

static int cmd_serve(int argc, char **argv)
{
	struct serve v = { .output_fd = -1, .notify.fd = -1 };
	int status = parse(&v.opts, argc, argv);

	if (!status) {
		vs_stop__catch();
		signal(SIGHUP, SIG_IGN);
		status = serve(&v);
	}
	clean_up(&v);
	return status < 0 ? VS_EXIT_OK : status;
}

const struct vs_command vs_cmd_serve = {
	.name = "serve",
	.summary = "metrics for Prometheus and a state for status, all the time",
	.operands = "",
	.opts = serve_opts,
	.epilogue =
		"Without --listen: " VS_LISTEN_TCP " and unix:" VS_LISTEN_UNIX ",\n"
		"or the sockets that the service manager passes. There is no TLS.\n"
		"examples\n"
		"  vfioscope serve\n"
		"  vfioscope serve -l unix:/run/v.sock -t /var/lib/node/vfioscope.prom\n"
		"  curl -s http://" VS_LISTEN_TCP "/metrics\n",
	.run = cmd_serve,
};

// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/exit_codes.h"
#include "base/host.h"
#include "base/stop.h"
#include "cmd/commands.h"
#include "cmd/display.h"
#include "run/live.h"
#include "snapshot/snapshot.h"
#include "validate/arguments.h"
#include "validate/gather.h"
#include "validate/identity.h"
#include "validate/kernel_log.h"
#include "validate/load.h"
#include "validate/print.h"
#include "validate/rule.h"
#include "validate/strength.h"

#define SETTLE_NS 500000000ull		/* the worker's last puts, after the load has ended */
#define SETTLE_HELD_NS 1500000000ull	/* refs_check.c: a file leaks 1 s after its close */
#define SETTLE_MOST_NS 4000000000ull
#define LOOKS 5
/* The load rests a few times for findings that wait for the kernel's counter, but not all the time. */
#define MOST_RESTS 4
#define REST_NS 1200000000ull		/* a step's end, and the rest of vfio-stress */
#define LOOK_EVERY_NS 200000000ull
#define STACK_TRIES 20			/* a deadlocked task gets to the lock in some ms */
#define END_NS 60000000000ull		/* the load ends this long after its time, or is left alone */
#define STOP_NS 15000000000ull		/* it may take this long to restore the host */
#define UNTIL_NS 3600000000000ull	/* --until gives up after this long without -d */
#define CATCH_UP_NS 2000000000ull
#define REWRITE_NS 1000000000ull	/* reports are rewritten at most this often */

struct validate_options {
	const char *devices, *stress, *seed, *strategies;
	const char *json, *junit, *markdown;
	const char *exit_style;
	const char *without;
	const char *until;
	const char *color;
	uint64_t cycles, duration, min_last_puts;
	bool confirmed, observe, tap, allow_remove, any_driver, debug, stop_at_put;
};

struct validate {
	struct validate_options opts;
	enum vs_exit_style style;
	struct vs_sandbox_opts sandbox;
	struct vs_live live;
	struct vs_gather gather;
	struct vs_sink *sinks[1];
	struct vs_validation v;
	struct vs_inspection inspection;
	struct vs_snapper *snapper;
	struct vs_load *load;
	int log;
	uint64_t ended_ns;	/* the time when the load ended, or 0 */
	uint64_t begun_ns, written_ns;
	uint64_t rest_ns, looked_ns;	/* when the load was asked to rest, when the counters were read */
	unsigned int rests;
	bool enough;		/* --until: the load was asked to end */
};

static int fail(int status, const char *words, const char *what)
{
	return vs_command__fail(&vs_cmd_validate, status, words, what);
}

/* -- reports -- */

static int write_file(const char *path, vs_validate_printer *print,
		      const struct vs_validate_page *page)
{
	int err = path ? vs_validate__to_file(path, print, page) : 0;

	return err ? fail(-1, path, strerror(-err)) : 0;
}

static int write_files(const struct validate *val, const struct vs_validate_page *page)
{
	int failed = write_file(val->opts.json, vs_validate__json, page);

	failed |= write_file(val->opts.junit, vs_validate__junit, page);
	failed |= write_file(val->opts.markdown, vs_validate__markdown, page);
	return failed;
}

static int write_page(const struct validate *val, const struct vs_validate_page *page)
{
	struct vs_out o;
	int err;

	vs_out__init(&o, STDOUT_FILENO);
	(val->opts.tap ? vs_validate__tap : vs_validate__text)(&o, page);
	err = vs_out__flush(&o);
	vs_out__sync(&o);
	vs_out__fini(&o);
	return vs_command__written(&vs_cmd_validate, 0, err);
}

static void judge(struct validate *val, struct vs_ruling *r, struct vs_validate_page *page)
{
	unsigned int width = vs_host__columns(STDOUT_FILENO);

	val->v.identity.duration_ns = vs_host__mono_ns() - val->begun_ns;
	vs_rule(&val->v, r);
	*page = (struct vs_validate_page){
		.v = &val->v,
		.r = r,
		.exit_status = vs_ruling__exit(r, val->style),
		.width = width ? width : 80,
		.color = vs_display__wants_color(val->opts.color, STDOUT_FILENO),
	};
}

/* Writes the files before the terminal, which may be slow: the host may hang any moment. */
static int report(struct validate *val)
{
	struct vs_validate_page page;
	struct vs_ruling r;
	int failed;

	judge(val, &r, &page);
	failed = write_files(val, &page);
	failed |= write_page(val, &page);
	if (failed && !r.failed && r.verdict != VS_VERDICT_VULNERABLE)
		return vs_failure__exit(VS_EXIT_FAILURE, val->style);
	return page.exit_status;
}

/* -- evidence that is read, not watched for -- */

static void read_state(struct validate *val)
{
	struct vs_validation *v = &val->v;

	val->begun_ns = vs_host__mono_ns();
	val->log = vs_kernel_log__open(&v->kernel);
	vs_identity__read("", &v->identity);
	v->min_last_puts = val->opts.min_last_puts;
	v->stress.mode = val->opts.observe ? VS_STRESS_OBSERVED : VS_STRESS_DRIVEN;
	snprintf(v->stress.devices, sizeof(v->stress.devices), "%s",
		 val->opts.devices ? val->opts.devices : "");
	if (vs_inspect__running("", &val->inspection))
		snprintf(v->inspection_error, sizeof(v->inspection_error), "%s",
			 val->inspection.error);
	else
		v->inspection = &val->inspection;
}

/* Copies the number of findings so far from the session's counts. */
static void take_counts(struct validate *val)
{
	struct vs_session_result result;

	vs_session__result(val->live.session, &result);
	for (int i = 0; i < VS_FINDING_KINDS; i++) {
		bool info = vs_finding__grade(i) == VS_GRADE_INFO;
		enum vs_grade grade = info || val->gather.certain[i] ? vs_finding__grade(i) :
								       VS_GRADE_HAZARD;

		memset(val->v.findings[i], 0, sizeof(val->v.findings[i]));
		val->v.findings[i][grade] = result.findings[i];
	}
	val->v.plan = vs_engine__plan(val->live.engine);
	val->v.probes = vs_engine__nr_armed(val->live.engine);
}

/* A host that changes during a look may leave it incomplete: then it proves no absence. */
static bool is_complete(const struct vs_snapshot *s)
{
	return s->scope.groups && s->scope.counters && s->scope.fds;
}

static void begin_refs(struct validate *val)
{
	struct vs_snapshot s;
	char error[200];

	val->snapper = vs_snapper__new(NULL);
	if (!val->snapper || vs_live__look(&val->live, val->snapper, &s, error, sizeof(error)))
		return;
	vs_session__seed(val->live.session, &s);
	val->v.refs_kept = is_complete(&s);
	vs_snapshot__free(&s);
}

/* vfio.ko was loaded anew: its groups were created before its probes were armed. */
static void begin_again(void *ctx)
{
	struct validate *val = ctx;
	struct vs_snapshot s;
	char error[200];

	if (!val->snapper || vs_live__look(&val->live, val->snapper, &s, error, sizeof(error))) {
		val->v.refs_kept = false;
		return;
	}
	vs_session__seed(val->live.session, &s);
	val->v.refs_kept &= is_complete(&s);
	vs_snapshot__free(&s);
}

static bool check_refs(struct validate *val)
{
	struct vs_snapshot s;
	char error[200];
	bool complete;

	if (vs_live__look(&val->live, val->snapper, &s, error, sizeof(error)))
		return false;
	complete = is_complete(&s) && vs_live__caught_up(&val->live, s.end_seq, CATCH_UP_NS);
	if (complete)
		vs_session__check(val->live.session, &s);
	vs_snapshot__free(&s);
	return complete;
}

static bool is_compared(struct validate *val, uint64_t since_ns)
{
	struct vs_refs_uncompared *u = &val->v.refs_uncompared;

	vs_refs__uncompared(vs_session__refs(val->live.session), since_ns, u);
	return val->v.refs_checked && !u->nr;
}

static void end_refs(struct validate *val)
{
	struct vs_refs *refs = vs_session__refs(val->live.session);
	uint64_t since_ns = vs_host__mono_ns();
	struct vs_refs_totals totals;

	for (int i = 0; val->v.refs_kept && i < LOOKS; i++) {
		val->v.refs_checked |= check_refs(val);
		if (is_compared(val, since_ns))
			break;
	}
	val->v.refs_differ = vs_refs__any_differs(refs);
	vs_refs__totals(refs, &totals);
	val->v.unattributed = totals.unattributed;
}

/* -- running -- */

/* Writes the news to the files during the run, because the run may never end. */
static void write_news(struct validate *val, uint64_t now)
{
	struct vs_path_counts *p = &val->v.path;
	struct vs_validate_page page;
	struct vs_ruling r;

	if (!val->gather.news || (val->written_ns && now - val->written_ns < REWRITE_NS))
		return;
	val->gather.news = false;
	val->written_ns = now;
	take_counts(val);
	p->found = val->v.findings[VS_PUT_IN_NOTIFIER][VS_GRADE_HAZARD];
	judge(val, &r, &page);
	write_files(val, &page);
}

/*
 * Returns true if something is held at the end: only a look some time later shows if an open file holds
 * it.
 */
static bool anything_held(const struct vs_refs *refs)
{
	const struct vs_book *b = NULL;

	while ((b = vs_refs__next(refs, b)))
		if (!b->released && b->live.nr)
			return true;
	return false;
}

static bool load_is_over(struct validate *val, uint64_t now)
{
	struct vs_session_result result;

	if (!vs_load__follow(val->load, &val->v.stress))
		return val->opts.duration && now - val->begun_ns > val->opts.duration + END_NS;
	if (!val->ended_ns)
		val->ended_ns = now;
	if (now - val->ended_ns < (anything_held(vs_session__refs(val->live.session)) ?
				   SETTLE_HELD_NS : SETTLE_NS))
		return false;
	vs_session__result(val->live.session, &result);
	return !result.outstanding || now - val->ended_ns > SETTLE_MOST_NS;
}

/*
 * A finding waits until the kernel's counter confirms it, and only the counter of a quiet group can. If
 * the load ran until the end, losses would come first and leave the finding in doubt.
 */
static void ask_kernel(struct validate *val, uint64_t now)
{
	bool resting = val->rest_ns && now - val->rest_ns < REST_NS;

	if (!val->load || !val->v.refs_kept ||
	    !vs_refs__wants_look(vs_session__refs(val->live.session)))
		return;
	if (!resting) {
		if (val->rests == MOST_RESTS)
			return;
		val->rests++;
		val->rest_ns = now;
		vs_load__rest(val->load);
	} else if (now - val->looked_ns >= LOOK_EVERY_NS) {
		check_refs(val);
		val->looked_ns = vs_host__mono_ns();
	}
}

static void stop_when_enough(struct validate *val)
{
	if (val->opts.until && val->load && !val->enough &&
	    val->v.path.last_puts >= val->opts.min_last_puts) {
		val->enough = true;
		vs_load__stop(val->load);
	}
}

static bool each(void *ctx, uint64_t now)
{
	struct validate *val = ctx;

	vs_kernel_log__follow(val->log, &val->v.kernel);
	ask_kernel(val, now);
	stop_when_enough(val);
	if (val->gather.deadlock)
		return true;
	write_news(val, now);
	/* A missing reference means use of freed memory: the load must not go on. */
	if (val->gather.bug && !val->opts.observe)
		return true;
	if (val->opts.stop_at_put && val->v.findings[VS_PUT_IN_NOTIFIER][VS_GRADE_HAZARD])
		return true;
	return val->load && load_is_over(val, now);
}

static void seen(void *ctx, const struct vs_event *e)
{
	vs_gather__event(&((struct validate *)ctx)->gather, e);
}

static int start_load(struct validate *val)
{
	struct vs_load_opts opts = {
		.path = val->opts.stress,
		.devices = val->opts.devices,
		.cycles = val->opts.cycles,
		.seconds = (val->opts.duration + 999999999) / 1000000000,
		.seed = val->opts.seed,
		.strategies = val->opts.strategies,
		.allow_remove = val->opts.allow_remove,
		.any_driver = val->opts.any_driver,
	};

	if (val->opts.observe)
		return VS_EXIT_OK;
	val->load = vs_load__start(&opts);
	return val->load ? VS_EXIT_OK
			 : fail(VS_EXIT_FAILURE, "vfio-stress cannot be started (--stress PATH)",
				strerror(errno));
}

/* The load ends early: it restores the host, while we still take events. */
static void stop_load(struct validate *val)
{
	uint64_t until = vs_host__mono_ns() + STOP_NS;

	if (!val->load)
		return;
	vs_load__stop(val->load);
	if (val->gather.deadlock)
		return;
	while (!vs_load__follow(val->load, &val->v.stress) && vs_host__mono_ns() < until) {
		vs_engine__settle(val->live.engine);
		if (val->gather.deadlock)
			return;
		usleep(20000);
	}
}

static void set_up(struct validate *val)
{
	vs_gather__init(&val->gather, &val->v);
	val->sinks[0] = &val->gather.sink;
	val->live.command = &vs_cmd_validate;
	val->live.engine_opts.debug = val->opts.debug;
	val->live.engine_opts.stacks = true;
	val->live.engine_opts.without = val->opts.without;
	val->live.session_opts = (struct vs_session_opts){
		.sinks = val->sinks,
		.nr_sinks = 1,
		.no_events = true,
		.no_deferred = true,
		.no_stacks = true,
		.keep_refs = true,
	};
	/*
	 * To provoke the bug we start a program that changes the host: least privilege is not possible
	 * then.
	 */
	val->sandbox.writes_files = val->opts.json || val->opts.junit || val->opts.markdown;
	val->live.sandbox = val->opts.observe ? &val->sandbox : NULL;
	val->live.duration = val->opts.observe ? val->opts.duration : 0;
	val->live.each = each;
	val->live.seen = seen;
	val->live.rearmed = begin_again;
	val->live.ctx = val;
}

static int arm(struct validate *val)
{
	int status;

	set_up(val);
	status = vs_live__open(&val->live);
	if (!status)
		status = vs_live__begin(&val->live);
	if (!status)
		status = vs_live__arm(&val->live);
	if (!status)
		begin_refs(val);
	return status;
}

/*
 * The finding may have come before the task was asleep on the lock. The files are written first; then
 * the stack is worth some milliseconds.
 */
static void complete_stack(struct validate *val)
{
	struct vs_finding_said *f = &val->v.said[0];	/* the deadlock is the first */
	char stack[VS_STACK_SAID];

	if (!val->gather.deadlock || strstr(f->stack, "blocking_notifier_chain_unregister"))
		return;
	val->gather.news = true;
	val->written_ns = 0;
	write_news(val, vs_host__mono_ns());
	for (int i = 0; i < STACK_TRIES; i++) {
		if (!vs_live__kernel_stack(&val->live, val->gather.deadlock_tid, stack, sizeof(stack)) &&
		    strstr(stack, "blocking_notifier_chain_unregister")) {
			memcpy(f->stack, stack, sizeof(f->stack));
			return;
		}
		usleep(5000);
	}
}

/* After a deadlock we wait for nothing: neither for the load, nor for a look at the host. */
static void conclude(struct validate *val)
{
	complete_stack(val);
	if (!val->gather.deadlock)
		end_refs(val);
	vs_live__drain(&val->live);
	vs_session__finish(val->live.session, vs_host__mono_ns(), NULL);
	take_counts(val);
	vs_kernel_log__close(val->log, &val->v.kernel);
	val->log = -1;
}

/* If armed probes were silent from the start, the gap is as long as the run. */
static void note_silence(struct validate *val)
{
	if (!val->live.pulse.at_start.silent || val->v.gaps)
		return;
	val->v.gaps = 1;
	snprintf(val->v.gap, sizeof(val->v.gap), "%s", vs_beat__words(&val->live.pulse.at_start));
}

/* The reports say that there is no verdict; stderr says why. */
static int cannot_run(struct validate *val, int status)
{
	struct vs_stress_result *s = &val->v.stress;

	if (!val->load) {
		s->end = VS_STRESS_FAILED;
		s->status = -1;
		snprintf(s->said, sizeof(s->said), "it was not started");
	}
	stop_load(val);
	if (val->live.armed_ns && val->live.session)
		conclude(val);
	note_silence(val);
	report(val);
	return vs_failure__exit(status, val->style);
}

static int observe(struct validate *val)
{
	int status = arm(val);

	if (!status)
		status = start_load(val);
	if (!status)
		status = vs_live__run(&val->live);
	if (status)
		return cannot_run(val, status);
	val->v.interrupted = vs_stop__asked() && !val->opts.observe;
	stop_load(val);
	conclude(val);
	return report(val);
}

/* A kernel without the code has nothing to provoke, and no probe is needed to say so. */
static int validate(struct validate *val)
{
	read_state(val);
	if (val->v.inspection && val->inspection.verdict == VS_VERDICT_NOT_APPLICABLE) {
		val->v.stress.mode = VS_STRESS_NOT_STARTED;
		vs_kernel_log__close(val->log, &val->v.kernel);
		val->log = -1;
		return report(val);
	}
	if (!val->opts.observe && !val->opts.devices)
		return vs_failure__exit(fail(VS_EXIT_USAGE, "name spare devices (--devices), or "
					     "--observe-only", NULL), val->style);
	return observe(val);
}

static void clean_up(struct validate *val)
{
	vs_load__free(val->load);
	vs_live__close(&val->live);
	vs_snapper__free(val->snapper);
	vs_inspection__free(&val->inspection);
	if (val->log >= 0)
		close(val->log);
}

/* -- options -- */

#define TEXT(n, l, m, h, member) \
	{ n, l, VS_OPT_TEXT, m, h, offsetof(struct validate_options, member), 0, 0, NULL, 0 }
#define FLAG(n, h, member) \
	{ n, 0, VS_OPT_FLAG, NULL, h, offsetof(struct validate_options, member), 0, 0, NULL, 0 }

static const struct vs_opt validate_opts[] = {
	TEXT("devices", 'D', "BDF,...", "spare devices that vfio-stress may use", devices),
	FLAG("i-know-this-can-hang-the-host", "needed with --devices", confirmed),
	FLAG("observe-only", "provoke nothing, watch the host's own load", observe),
	{ "duration", 'd', VS_OPT_DURATION, "TIME",
	  "at most so long (20s; observing: until Ctrl-C)",
	  offsetof(struct validate_options, duration), 1000000000, 1000 * 3600000000000ull, NULL,
	  0 },
	{ "cycles", 'n', VS_OPT_NUMBER, "N", "at most so many cycles (3000 without -d)",
	  offsetof(struct validate_options, cycles), 1, UINT64_MAX, NULL, 0 },
	{ "min-last-puts", 0, VS_OPT_NUMBER, "N",
	  "last puts by the worker that prove the path (20)",
	  offsetof(struct validate_options, min_last_puts), 1, UINT64_MAX, NULL, 0 },
	TEXT("until", 0, "SHARE", "until such a share of faulty puts is ruled out: 1%", until),
	FLAG("stop-at-put", "end at the first put in the notifier", stop_at_put),
	FLAG("tap", "KTAP version 1 on stdout", tap),
	TEXT("json", 'j', "FILE", "report as JSON", json),
	TEXT("junit", 0, "FILE", "report as JUnit XML", junit),
	TEXT("markdown", 'm', "FILE", "report to attach to a bug", markdown),
	TEXT("exit-style", 0, "STYLE", "plain, kselftest or ltp: see below", exit_style),
	TEXT("seed", 's', "N", "of vfio-stress: the same choices again", seed),
	TEXT("strategy", 0, "NAME,...", "of vfio-stress: bind, close, open, remove", strategies),
	FLAG("allow-remove", "of vfio-stress: hot-remove mates, too", allow_remove),
	FLAG("unbind-drivers", "of vfio-stress: from drivers that are no stubs", any_driver),
	TEXT("stress", 0, "PATH", "the program vfio-stress (beside this one)", stress),
	TEXT("without-hook", 0, "NAME,...", "leave probes out, to see that it is noticed", without),
	VS_DISPLAY_COLOR(struct validate_options, color),
	FLAG("debug", "let libbpf and the verifier speak on stderr", debug),
	{ .name = NULL },
};

static bool is_hook_list(const char *list)
{
	while (*list) {
		size_t len = strcspn(list, ",");
		const struct vs_hook *hook = vs_hooks;

		while (hook->name && (strlen(hook->name) != len || memcmp(hook->name, list, len)))
			hook++;
		if (!hook->name)
			return false;
		list += len + !!list[len];
	}
	return true;
}

/* Checks the files before anything is provoked: the host may hang when the verdict is known. */
static int check_files(const struct validate_options *o)
{
	const char *const paths[] = { o->json, o->junit, o->markdown };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		int err = paths[i] ? vs_arguments__cannot_be_written(paths[i]) : 0;

		if (err)
			return fail(VS_EXIT_FAILURE, paths[i], strerror(-err));
	}
	return 0;
}

/* Rejects arguments that vfio-stress would refuse only after everything is armed. */
static int check_load(const struct validate_options *o)
{
	uint64_t seed;

	if (o->devices && !vs_arguments__are_devices(o->devices))
		return fail(VS_EXIT_USAGE, "--devices is a list of PCI addresses, such as "
			    "0000:65:00.0,0000:65:00.1; not", o->devices);
	if (o->seed && vs_opts__number(o->seed, &seed))
		return fail(VS_EXIT_USAGE, "--seed is a number, not", o->seed);
	return 0;
}

/* Wrong usage has a status of that style, too, if the style was given before it. */
static void take_style(struct validate *val)
{
	int style = val->opts.exit_style ? vs_exit_style__parse(val->opts.exit_style) : VS_STYLE_PLAIN;

	val->style = style < 0 ? VS_STYLE_PLAIN : style;
}

static int check_options(struct validate *val)
{
	const struct validate_options *o = &val->opts;
	double share;
	int status;

	if (o->until && (o->observe || o->min_last_puts || o->cycles))
		return fail(VS_EXIT_USAGE, "--until is for --devices, without --min-last-puts and --cycles",
			    NULL);
	if (o->until && vs_strength__parse(o->until, &share))
		return fail(VS_EXIT_USAGE, "--until is a share from 0.0001% to 50%, not", o->until);
	if (vs_exit_style__parse(o->exit_style ? o->exit_style : "plain") < 0)
		return fail(VS_EXIT_USAGE, "--exit-style is one of plain, kselftest, ltp", NULL);
	status = check_load(o) ?: vs_display__check_color(o->color, &vs_cmd_validate);
	if (status)
		return status;
	if (o->observe && (o->devices || o->cycles || o->confirmed))
		return fail(VS_EXIT_USAGE,
			    "--observe-only provokes nothing: without --devices, --cycles", NULL);
	if (o->devices && !o->confirmed)
		return fail(VS_EXIT_USAGE,
			    "this can hang the host: say --i-know-this-can-hang-the-host", NULL);
	if (o->without && !is_hook_list(o->without))
		return fail(VS_EXIT_USAGE, "--without-hook: no such hook; see vfioscope doctor",
			    NULL);
	return check_files(o);
}

static void set_defaults(struct validate_options *o)
{
	double share;

	if (o->until && !vs_strength__parse(o->until, &share)) {
		o->min_last_puts = vs_strength__needed(share);
		o->duration = o->duration ? o->duration : UNTIL_NS;
	}
	if (!o->min_last_puts)
		o->min_last_puts = 20;
	if (o->observe)
		return;
	/* There is always a limit of time; a limit of cycles applies if no time was given. */
	if (!o->cycles && !o->duration)
		o->cycles = 3000;
	if (!o->duration)
		o->duration = 20000000000;
}

static int parse(struct validate *val, int argc, char **argv)
{
	int first = vs_opts__parse(&vs_cmd_validate, argc, argv, &val->opts);
	int status;

	if (first == -VS_OPTS_HELP)
		return -1;
	status = first < 0	? VS_EXIT_USAGE
		 : first < argc ? fail(VS_EXIT_USAGE, "takes no operands; see vfioscope validate --help", NULL)
				: 0;
	take_style(val);
	status = status ? status : check_options(val);
	set_defaults(&val->opts);
	return status ? vs_failure__exit(status, val->style) : 0;
}

static int cmd_validate(int argc, char **argv)
{
	struct validate *val = calloc(1, sizeof(*val));
	int status;

	if (!val)
		return fail(VS_EXIT_FAILURE, "cannot start", strerror(ENOMEM));
	val->log = -1;
	status = parse(val, argc, argv);
	if (!status) {
		vs_stop__catch();
		status = validate(val);
	}
	clean_up(val);
	free(val);
	return status < 0 ? VS_EXIT_OK : status;
}

const struct vs_command vs_cmd_validate = {
	.name = "validate",
	.summary = "whether the fix is there and holds, proven by running it",
	.operands = "",
	.opts = validate_opts,
	.epilogue =
		"The verdict is FIXED, VULNERABLE, INCONCLUSIVE or NOT-APPLICABLE;\n"
		"vfioscope-validate(8) tells what each needs. A kernel without the fix hangs\n"
		"tasks for ever when devices are named; the report is on disk before.\n\n"
		"examples\n"
		"  vfioscope validate --observe-only -d 10m\n"
		"  vfioscope validate --devices 0000:03:00.0,0000:03:00.1 \\\n"
		"      --i-know-this-can-hang-the-host --markdown report.md\n",
	.statuses =
		"exit status, by --exit-style             plain  kselftest  ltp\n"
		"  FIXED                                      0          0    0\n"
		"  VULNERABLE, or a check failed              3          1    1\n"
		"  INCONCLUSIVE                               5          4    2\n"
		"  NOT-APPLICABLE                             0          4   32\n"
		"  it failed: the message says why            1          1    2\n"
		"  wrong usage                                2          1    2\n"
		"  the kernel lacks something: see doctor     4          4   32\n"
		"  privileges are missing                     6          4   32\n",
	.run = cmd_validate,
};

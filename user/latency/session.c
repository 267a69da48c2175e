// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/exit_codes.h"
#include "base/host.h"
#include "base/stop.h"
#include "base/version.h"
#include "doctor/blocker.h"
#include "latency/session.h"
#include "latency/session_priv.h"
#include "privilege/sandbox.h"
#include "probe/pulse.h"
#include "vfio/functions.h"
#include "vfio/module_text.h"

#define PATCHES_NS SECOND	/* how often livepatches are looked for */
#define BEAT_NS (250 * MS)	/* how often probes are asked whether they fire */
#define LOOK_NS (100 * MS)	/* how often the backlog is sampled */
#define WATCH_NS SECOND		/* how often late works are looked for, without --overdue */
#define MIN_WATCH_NS (20 * MS)

int lat_fail(const struct vs_lat_session *s, int status, const char *words, const char *what)
{
	return vs_command__fail(s->opts.command, status, words, what);
}

void lat_notice(struct vs_lat_session *s, const char *words)
{
	if (*words)
		s->sink.ops->notice(&s->sink, vs_host__mono_ns(), words);
}

static struct vs_ksyms *read_names(void)
{
	FILE *file = fopen("/proc/kallsyms", "re");
	struct vs_ksyms *names = file ? vs_ksyms__read(file) : NULL;

	if (file)
		fclose(file);
	return names;
}

/* Nothing is urgent here: reading for some 20 ms while records gather does no harm. */
static bool resolve(void *ctx, uint64_t addr, char *buf, size_t size)
{
	struct vs_lat_session *s = ctx;
	const char *name = vs_targets__name(&s->opts.targets, addr);

	if (name) {
		snprintf(buf, size, "%s", name);
		return true;
	}
	if (!s->names)
		s->names = read_names();
	return s->names && vs_ksyms__lookup(s->names, addr, buf, size);
}

/* -- the report -- */

static uint64_t waiting(const struct vs_lat_session *s)
{
	int64_t nr = vs_lat__waiting(s->lat);

	return nr > 0 ? nr : 0;
}

static void fill_report(struct vs_lat_session *s)
{
	struct vs_report *r = &s->report;

	r->time_ns = vs_host__mono_ns();
	lat_look_for_late(s, r->time_ns);
	vs_gather__rows(r, s->lat);
	vs_report__sort(r);
	vs_gather__numbers(r, s->lat, s->chain);
	memcpy(r->late, s->watch.counts, sizeof(r->late));
	vs_duty__fill(&s->duty, r);
	r->losses[VS_LAT_LOSS_UNNAMED] = s->opts.targets.left_out;
	r->cost.wanted = s->opts.cost;
}

/* -- while it runs -- */

static void tell_interval(struct vs_lat_session *s, uint64_t now)
{
	struct vs_interval i = { .time_ns = now };

	vs_gather__interval(&i, &s->before, &s->report, s->lat);
	s->sink.ops->interval(&s->sink, &i);
}

static uint64_t watch_period(const struct vs_lat_session *s)
{
	uint64_t quarter = s->opts.overdue / 4;

	if (!s->opts.overdue)
		return WATCH_NS;
	return quarter < MIN_WATCH_NS ? MIN_WATCH_NS : quarter < WATCH_NS ? quarter : WATCH_NS;
}

static bool is_due(uint64_t *last_ns, uint64_t period, uint64_t now)
{
	if (now - *last_ns < period)
		return false;
	*last_ns = now;
	return true;
}

static uint64_t sooner(uint64_t wait, uint64_t due, uint64_t now)
{
	return due <= now ? 0 : due - now < wait ? due - now : wait;
}

static int wait_ms(const struct vs_lat_session *s, uint64_t now)
{
	uint64_t wait = sooner(LOOK_NS, s->looked_ns + LOOK_NS, now);
	uint64_t change = vs_duty__next(&s->duty, now);

	wait = change < wait ? change : wait;
	wait = sooner(wait, s->watched_ns + watch_period(s), now);
	if (s->opts.interval)
		wait = sooner(wait, s->before.time_ns + s->opts.interval, now);
	if (s->opts.duration)
		wait = sooner(wait, s->report.armed_ns + s->opts.duration, now);
	return (wait + MS - 1) / MS;
}

static bool is_over(const struct vs_lat_session *s, uint64_t now)
{
	return vs_stop__asked() || s->sink.out.error ||
	       (s->opts.duration && now - s->report.armed_ns >= s->opts.duration);
}

static int run(struct vs_lat_session *s)
{
	uint64_t now = vs_host__mono_ns();
	int nr, err, status = 0;

	while (!status && !is_over(s, now)) {
		nr = vs_lat__poll(s->lat, wait_ms(s, now));
		if (nr < 0 && nr != -EINTR)
			return lat_fail(s, VS_EXIT_FAILURE, "cannot read records", strerror(-nr));
		now = vs_host__mono_ns();
		err = vs_duty__look(&s->duty, s->lat, now);
		if (err)
			return lat_fail(s, VS_EXIT_FAILURE, "cannot attach to tracepoints", strerror(-err));
		if (s->modules_changed)
			status = lat_follow_modules(s);
		if (is_due(&s->looked_ns, LOOK_NS, now))
			vs_backlog__sample(&s->report.backlog, now, waiting(s));
		if (is_due(&s->asked_ns, BEAT_NS, now))
			lat_pulse(s, now);
		if (now - s->patches_ns >= PATCHES_NS)
			lat_check_patches(s, now);
		if (vs_text_watch__is_due(&s->text, now))
			lat_compare_text(s, now);
		if (now - s->watched_ns >= watch_period(s))
			lat_look_for_late(s, now);
		if (s->opts.interval && now - s->before.time_ns >= s->opts.interval)
			tell_interval(s, now);
		vs_latency_sink__flush(&s->sink);
	}
	return status;
}

/* -- start and end -- */

static int load(struct vs_lat_session *s)
{
	const struct vs_latency_options *opts = &s->opts;
	struct vs_lat_opts lat = {
		.all = opts->all,
		/* One name may stand for several functions. */
		.many_targets = opts->targets.nr > 1 || opts->targets.nr_names > 1,
		.blame = opts->blame,
		.events = opts->events,
		.samples = opts->sample,
		.modules = !access("/proc/modules", F_OK),
		.pulse = s->chain ? vs_chain__pulse(s->chain) : VS_BEAT_BIT(VS_BEAT_TRACEPOINT),
		.births = s->chain && vs_chain__sees_births(s->chain),
		.chain = s->deferred,
		.debug = opts->debug,
		.overdue_ns = opts->overdue,
		.ring_bytes = opts->ring_size,
		.max_rows = opts->functions,
		.record = lat_take_record,
		.ctx = s,
	};
	char error[200];

	s->lat = vs_lat__new(&lat, error, sizeof(error));
	if (s->lat)
		return 0;
	return vs_blocker__fail(s->opts.command, VS_WORK_LATENCY, errno == EPERM ?
				VS_EXIT_PERMISSION : errno == ENOTSUP ? VS_EXIT_UNAVAILABLE :
				VS_EXIT_FAILURE, error);
}

static void say_start(struct vs_lat_session *s)
{
	struct vs_latency_start start = {
		.version = VS_VERSION,
		.mono_ns = s->report.armed_ns,
		.wall_ns = vs_host__wall_ns(),
		.start_up_ns = s->report.start_up_ns,
		.names = s->opts.targets.names,
		.nr_names = s->opts.all ? 0 : s->opts.targets.nr_names,
		.followed_by = s->by_kprobes ? "kprobes" : "tracepoints",
		.blame = vs_lat_blame__name(s->opts.blame),
	};
	struct vs_lat_cost cost;
	struct utsname name;
	char words[300] = "";

	uname(&name);
	vs_lat__cost(s->lat, &cost);
	start.kernel = name.release;
	start.programs = cost.programs + (s->chain ? vs_chain__nr(s->chain) : 0);
	s->sink.ops->start(&s->sink, &start);
	if (s->chain)
		vs_chain__state(s->chain, words, sizeof(words));
	lat_notice(s, words);
	lat_say_probes(s);
	lat_notice(s, s->chain_words);
	if (!s->chain && !s->opts.all)
		lat_say_missing(s);
}

static int arm(struct vs_lat_session *s)
{
	struct vs_report *r = &s->report;
	int err = vs_lat__attach(s->lat), status;

	if (s->chain)
		vs_chain__use_missed(s->chain, vs_lat__missed_prog(s->lat), vs_lat__missed_ask(s->lat));
	if (err)
		return lat_fail(s, VS_EXIT_UNAVAILABLE, "cannot attach to the module tracepoints",
				strerror(-err));
	status = lat_arm_chain(s);
	if (!status)
		status = lat_pulse_begins(s);
	if (status)
		return status;
	if (s->opts.cost)
		vs_lat__measure(s->lat);
	vs_lat__ready(s->lat, true);
	r->armed_ns = s->before.time_ns = s->looked_ns = s->watched_ns = vs_host__mono_ns();
	r->start_up_ns = r->armed_ns - s->started_ns;
	vs_backlog__init(&r->backlog, r->armed_ns, LOOK_NS);
	say_start(s);
	lat_check_patches(s, r->armed_ns);
	lat_tell_text(s, r->armed_ns, r->armed_ns);
	return 0;
}

/* A name that no module brought is most likely a wrong name. */
static int never_there(struct vs_lat_session *s)
{
	const struct vs_targets *t = &s->opts.targets;

	for (size_t i = 0; i < t->nr_names && !s->opts.all && !s->deferred; i++)
		if (!vs_targets__found(t, i))
			return lat_fail(s, VS_EXIT_UNAVAILABLE, "this kernel has no function",
					t->names[i]);
	return VS_EXIT_OK;
}

static int verdict(struct vs_lat_session *s)
{
	if (s->report.bugs)
		return VS_EXIT_BUG;
	return vs_report__lost(&s->report) || s->report.gaps.blind ? VS_EXIT_INCONCLUSIVE :
	       never_there(s);
}

static int conclude(struct vs_lat_session *s)
{
	int err;

	vs_lat__ready(s->lat, false);
	vs_lat__drain(s->lat);
	fill_report(s);
	s->sink.ops->report(&s->sink, &s->report);
	err = vs_latency_sink__flush(&s->sink);
	return vs_command__written(s->opts.command, verdict(s), err);
}

static void set_up(struct vs_lat_session *s)
{
	struct vs_latency_options *opts = &s->opts;
	struct vs_latency_sink_opts sink = {
		.fd = STDOUT_FILENO,
		.json = opts->json,
		.color = opts->color,
		.width = vs_host__columns(STDOUT_FILENO),
		.top = opts->top,
		.resolve = resolve,
		.ctx = s,
	};

	s->deferred = !opts->all && !opts->targets.nr_names;
	if (s->deferred)
		vs_targets__add(&opts->targets, VS_VFIO_DEFERRED);
	vs_latency_sink__init(&s->sink, &sink);
	s->watch.overdue_ns = opts->overdue;
	/* A work that starts outside of a window is not lost. */
	s->watch.lost_ns = opts->sample ? 0 : opts->lost;
	s->duty = (struct vs_duty){ .blame = opts->blame, .sampler.n = opts->sample };
	s->report.all = opts->all;
	s->report.deferred = s->deferred;
	s->report.group_number = -1;
	s->report.worst.room = opts->top < VS_LAT_WORST ? opts->top : VS_LAT_WORST;
}

/* If the host has no sandbox, it is still worth measuring. */
static void enter_sandbox(struct vs_lat_session *s)
{
	const struct vs_sandbox_opts opts = { .writes_files = false };
	char error[100];
	int err;

	if (s->chain) {
		s->keeper = vs_keeper__start(&vs_module_text__for_keeper);
		if (!s->keeper)
			return;
		vs_chain__use_keeper(s->chain, s->keeper);
	}
	err = vs_sandbox__enter(&opts, error, sizeof(error));
	if (err && err != -EOPNOTSUPP)
		lat_notice(s, error);
}

static void clean_up(struct vs_lat_session *s)
{
	vs_latency_sink__fini(&s->sink);
	vs_ksyms__free(s->names);
	vs_chain__free(s->chain);
	vs_keeper__free(s->keeper);
	vs_lat__free(s->lat);
	vs_report__free(&s->report);
	vs_watch__fini(&s->watch);
}

static int from_start_to_end(struct vs_lat_session *s)
{
	int status;

	s->started_ns = vs_host__mono_ns();
	set_up(s);
	status = lat_check_chain(s);
	if (!status && !s->opts.all)
		status = lat_read_symbols(s);
	if (!status)
		status = load(s);
	if (!status)
		status = arm(s);
	if (!status)
		enter_sandbox(s);
	if (!status)
		status = run(s);
	return status ? status : conclude(s);
}

int vs_lat_session__run(const struct vs_latency_options *opts)
{
	struct vs_lat_session *s = calloc(1, sizeof(*s));
	int status;

	if (!s)
		return lat_fail(s, VS_EXIT_FAILURE, "cannot start", strerror(ENOMEM));
	s->opts = *opts;
	status = from_start_to_end(s);
	clean_up(s);
	free(s);
	return status;
}

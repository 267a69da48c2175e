// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bpf/config.h"
#include "commands.h"
#include "doctor/blocker.h"
#include "exit_codes.h"
#include "host.h"
#include "latency/chain.h"
#include "latency/duty.h"
#include "latency/gather.h"
#include "latency/loader.h"
#include "latency/options.h"
#include "latency/report.h"
#include "privilege/sandbox.h"
#include "probe/kallsyms.h"
#include "probe/patched.h"
#include "sink/latency.h"
#include "stop.h"
#include "version.h"

#define DEFERRED "vfio_group_put_bg"
#define MS 1000000ull
#define SECOND (1000 * MS)
#define PATCHES_NS SECOND	/* how often livepatches are looked for */
#define LOOK_NS (100 * MS)	/* how often the backlog is sampled */
#define WATCH_NS SECOND		/* how often late works are looked for, without --overdue */
#define MIN_WATCH_NS (20 * MS)
#define TOLD_NS (10 * SECOND)	/* in which not more than MAX_TOLD hazards are told */
#define MAX_TOLD 10

struct latency {
	struct vs_latency_options opts;
	bool deferred;		/* the default: deferred puts, with their chain */
	struct vs_chain *chain;
	struct vs_keeper *keeper;	/* arms the chain's probes anew */
	struct vs_lat *lat;
	struct vs_ksyms *names;	/* read when one is needed first; NULL: not yet, or not readable */
	struct vs_latency_sink sink;
	struct vs_watch watch;
	struct vs_duty duty;	/* what is attached only now and then */
	struct vs_report report;
	char chain_words[240];	/* what will not be known of the chain */
	bool by_kprobes;	/* deferred puts are followed in vfio.ko alone */
	bool modules_changed, vfio_changed;	/* since the last look */
	uint64_t loaded_ns;	/* when a module was that may matter; 0: none was */
	char loaded[64];	/* its name */
	uint64_t patches_ns;	/* when livepatches were looked for last */
	struct vs_text_watch text;
	uint64_t told_since_ns;
	unsigned int nr_told;
	uint64_t started_ns;
	uint64_t looked_ns, watched_ns;
	struct vs_gather_before before;	/* the last interval */
};

static int fail(int status, const char *words, const char *what)
{
	return vs_command__fail(&vs_cmd_latency, status, words, what);
}

static void notice(struct latency *l, const char *words)
{
	if (*words)
		l->sink.ops->notice(&l->sink, vs_host__mono_ns(), words);
}

static struct vs_ksyms *read_names(void)
{
	FILE *file = fopen("/proc/kallsyms", "re");
	struct vs_ksyms *names = file ? vs_ksyms__read(file) : NULL;

	if (file)
		fclose(file);
	return names;
}

/* Nothing is urgent here: reading some 20 ms while records gather is well. */
static bool resolve(void *ctx, uint64_t addr, char *buf, size_t size)
{
	struct latency *l = ctx;
	const char *name = vs_targets__name(&l->opts.targets, addr);

	if (name) {
		snprintf(buf, size, "%s", name);
		return true;
	}
	if (!l->names)
		l->names = read_names();
	return l->names && vs_ksyms__lookup(l->names, addr, buf, size);
}

/* -- what comes from the kernel -- */

/* A host in trouble has thousands of late works: all are counted, few are told. */
static bool may_tell(struct latency *l, const struct vs_late *late)
{
	if (late->bug)
		return true;
	if (late->time_ns - l->told_since_ns > TOLD_NS) {
		l->told_since_ns = late->time_ns;
		l->nr_told = 0;
	}
	if (++l->nr_told == MAX_TOLD + 1)
		notice(l, "more works are overdue: for 10 s they are counted only");
	return l->nr_told <= MAX_TOLD;
}

static void tell_late(struct latency *l, const struct vs_late *late)
{
	l->report.bugs += late->bug;
	if (!may_tell(l, late))
		return;
	l->sink.ops->late(&l->sink, late);
	vs_latency_sink__flush(&l->sink);
}

static void take_slow(struct latency *l, const struct vs_lat_event *e)
{
	struct vs_worst_row row = { .work = *e };

	if (!vs_worst__wants(&l->report.worst, e->start_ns - e->q.queue_ns))
		return;
	vs_lat__explain(l->lat, e, &row.blame);
	vs_worst__offer(&l->report.worst, &row);
}

static void take_record(void *ctx, const struct vs_lat_event *e)
{
	struct latency *l = ctx;
	struct vs_late late;

	if (e->type == VS_LAT_SLOW)
		take_slow(l, e);
	if (e->type == VS_LAT_WAITS)
		vs_duty__woken(&l->duty, vs_host__mono_ns());
	if (e->type == VS_LAT_DONE && l->opts.events)
		l->sink.ops->work(&l->sink, e);
	if (vs_watch__record(&l->watch, e, &late))
		tell_late(l, &late);
	if (e->type != VS_LAT_MODULE_LOAD && e->type != VS_LAT_MODULE_FREE)
		return;
	l->modules_changed = true;
	l->vfio_changed |= !strcmp(e->name, "vfio");
	if (e->type == VS_LAT_MODULE_LOAD && (!l->deferred || !strcmp(e->name, "vfio"))) {
		l->loaded_ns = l->loaded_ns ? l->loaded_ns : e->time_ns;
		snprintf(l->loaded, sizeof(l->loaded), "%s", e->name);
	}
}

static void look_queued(void *ctx, const struct vs_lat_work *work, const struct vs_lat_queued *q)
{
	struct latency *l = ctx;
	struct vs_late late;

	if (vs_watch__queued(&l->watch, work, q, l->watched_ns, &late))
		tell_late(l, &late);
}

static void look_running(void *ctx, const struct vs_lat_run *run)
{
	struct latency *l = ctx;
	struct vs_late late;

	l->report.running++;
	if (vs_watch__running(&l->watch, run, l->watched_ns, &late))
		tell_late(l, &late);
}

static void look_for_late(struct latency *l, uint64_t now)
{
	struct vs_lat_totals totals;

	l->watched_ns = now;
	l->report.running = 0;
	vs_lat__totals(l->lat, &totals);
	/* Walking the tables takes longer than asking whether there is anything in them. */
	if (totals.queued != totals.ended || vs_lat__waiting(l->lat))
		vs_lat__works(l->lat, now, look_queued, look_running, l);
}

/* -- the report -- */

static uint64_t waiting(const struct latency *l)
{
	int64_t nr = vs_lat__waiting(l->lat);

	return nr > 0 ? nr : 0;
}

static void fill_report(struct latency *l)
{
	struct vs_report *r = &l->report;

	r->time_ns = vs_host__mono_ns();
	look_for_late(l, r->time_ns);
	vs_gather__rows(r, l->lat);
	vs_report__sort(r);
	vs_gather__numbers(r, l->lat, l->chain);
	memcpy(r->late, l->watch.counts, sizeof(r->late));
	vs_duty__fill(&l->duty, r);
	r->losses[VS_LAT_LOSS_UNNAMED] = l->opts.targets.left_out;
	r->cost.wanted = l->opts.cost;
}

/* -- while it runs -- */

static void tell_interval(struct latency *l, uint64_t now)
{
	struct vs_interval i = { .time_ns = now };

	vs_gather__interval(&i, &l->before, &l->report, l->lat);
	l->sink.ops->interval(&l->sink, &i);
}

static uint64_t watch_period(const struct latency *l)
{
	uint64_t quarter = l->opts.overdue / 4;

	if (!l->opts.overdue)
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

static int wait_ms(const struct latency *l, uint64_t now)
{
	uint64_t wait = sooner(LOOK_NS, l->looked_ns + LOOK_NS, now);
	uint64_t change = vs_duty__next(&l->duty, now);

	wait = change < wait ? change : wait;
	wait = sooner(wait, l->watched_ns + watch_period(l), now);
	if (l->opts.interval)
		wait = sooner(wait, l->before.time_ns + l->opts.interval, now);
	if (l->opts.duration)
		wait = sooner(wait, l->report.armed_ns + l->opts.duration, now);
	return (wait + MS - 1) / MS;
}

static bool is_over(const struct latency *l, uint64_t now)
{
	return vs_stop__asked() || l->sink.out.error ||
	       (l->opts.duration && now - l->report.armed_ns >= l->opts.duration);
}

/* -- targets -- */

static void tell_programs(struct latency *l)
{
	vs_lat__set_targets(l->lat, l->opts.targets.addrs,
			    l->chain ? vs_chain__deferred_func(l->chain) : 0,
			    l->chain ? vs_chain__group_iommu_group(l->chain) : VS_NO_OFFSET);
	l->watch.deferred_func = l->chain ? vs_chain__deferred_func(l->chain) : 0;
}

static int read_symbols(struct latency *l)
{
	FILE *file = fopen("/proc/kallsyms", "re");
	int err = file ? vs_targets__resolve(&l->opts.targets, file) : -errno;

	if (file)
		fclose(file);
	if (err == -EPERM)
		return vs_blocker__fail(&vs_cmd_latency, VS_WORK_LATENCY, VS_EXIT_PERMISSION,
					"addresses are hidden; see vfioscope doctor");
	if (err)
		return vs_blocker__fail(&vs_cmd_latency, VS_WORK_LATENCY, VS_EXIT_FAILURE,
					"/proc/kallsyms cannot be read");
	return 0;
}

/* Kprobes in vfio.ko where they reach all of it, else the host's tracepoints. */
static int follow(struct latency *l)
{
	bool tracepoints = !l->deferred && !l->opts.sample;
	int err;

	l->by_kprobes = l->chain && !vs_chain__follow(l->chain, vs_lat__object(l->lat),
						      vs_lat__sites(l->lat));
	if (l->chain && vs_chain__deferred_func(l->chain))
		tracepoints = !l->by_kprobes;
	/* Samples are attached and detached by the window. */
	err = l->opts.sample ? 0 : vs_lat__follow(l->lat, tracepoints);
	if (!err && l->opts.blame == VS_LAT_BLAME_FULL)
		err = vs_lat__watch(l->lat, true);
	return err ? fail(VS_EXIT_UNAVAILABLE, "cannot attach to the workqueue tracepoints",
			  strerror(-err)) : 0;
}

static int arm_chain(struct latency *l)
{
	if (l->chain && vs_chain__attach(l->chain, vs_lat__object(l->lat), vs_lat__sites(l->lat),
					 l->chain_words, sizeof(l->chain_words)) == -ENOMEM)
		return fail(VS_EXIT_FAILURE, "cannot start", strerror(ENOMEM));
	tell_programs(l);
	return follow(l);
}

static void say_missing(struct latency *l)
{
	const struct vs_targets *t = &l->opts.targets;
	char words[160];

	for (size_t i = 0; i < t->nr_names; i++) {
		if (vs_targets__found(t, i))
			continue;
		snprintf(words, sizeof(words), "there is no function %.64s now: waiting for a "
			 "module that brings it", t->names[i]);
		notice(l, words);
	}
}

static int find_targets(struct latency *l)
{
	int status = l->opts.all ? 0 : read_symbols(l);

	if (!status)
		status = arm_chain(l);
	return status;
}

/* What is attached, and so what other works pay, and what will not be known. */
static void say_probes(struct latency *l)
{
	char words[240];

	if (l->by_kprobes)
		notice(l, "followed by kprobes in vfio.ko: other works cost nothing");
	else if (l->deferred && vs_chain__deferred_func(l->chain))
		notice(l, "not all of the deferred put can be reached by kprobes in vfio.ko: "
		       "followed by tracepoints, which all works of the host pay for");
	vs_duty__words(&l->duty, words, sizeof(words));
	notice(l, words);
}

/* -- times that are not seen -- */

static void say_gap(struct latency *l, const struct vs_gap_row *row)
{
	if (row)
		l->sink.ops->gap(&l->sink, row);
}

/* Between the loading of a module and this moment its works were not followed. */
static void say_loaded(struct latency *l)
{
	bool births = l->chain && vs_chain__sees_births(l->chain);
	struct vs_gap_row row = {
		.why = VS_GAP_LOADED,
		.from_ns = l->loaded_ns,
		.to_ns = vs_host__mono_ns(),
		.groups = births ? (int64_t)vs_lat__births(l->lat) : -1,
	};

	if (!l->deferred)
		snprintf(row.words, sizeof(row.words), "%s", l->loaded);
	vs_gaps__add(&l->report.gaps, &row);
	say_gap(l, &row);
}

/* What a livepatch makes of the functions at both ends of a deferred put is not known. */
static void check_patches(struct latency *l, uint64_t now)
{
	struct vs_gaps *gaps = &l->report.gaps;
	char words[160];

	if (!l->deferred)
		return;
	if (vs_patched__find("", words, sizeof(words)))
		say_gap(l, vs_gaps__begin(gaps, VS_GAP_PATCHED,
					  l->patches_ns ? l->patches_ns : now, words));
	else
		say_gap(l, vs_gaps__end(gaps, VS_GAP_PATCHED, now));
	l->patches_ns = now;
}

/* Of the comparison that was made last. `from`: since when it may be so. */
static void tell_text(struct latency *l, uint64_t from, uint64_t now)
{
	struct vs_gaps *gaps = &l->report.gaps;
	char words[VS_TEXT_NEWS_WORDS];

	if (!l->chain)
		return;
	switch (vs_text_watch__take(&l->text, vs_chain__text(l->chain), now, words)) {
	case VS_TEXT_IS_OTHER:
		say_gap(l, vs_gaps__begin(gaps, VS_GAP_CHANGED, from, words));
		break;
	case VS_TEXT_IN_ORDER:
		say_gap(l, vs_gaps__end(gaps, VS_GAP_CHANGED, now));
		break;
	case VS_TEXT_LAPSED:
		notice(l, words);
		break;
	case VS_TEXT_NO_NEWS:
		break;
	}
}

static void compare_text(struct latency *l, uint64_t now)
{
	if (l->chain)
		vs_chain__check_text(l->chain);
	tell_text(l, l->text.compared_ns, now);
}

static int follow_modules(struct latency *l)
{
	uint64_t targets[VS_LAT_TARGETS];
	bool vfio = l->vfio_changed, changed;
	char words[300];
	int status;

	l->modules_changed = l->vfio_changed = false;
	vs_ksyms__free(l->names);
	l->names = NULL;
	/* Arming the chain anew takes long: not for other modules. */
	if (l->deferred && !vfio)
		return 0;
	memcpy(targets, l->opts.targets.addrs, sizeof(targets));
	if (l->chain && vs_chain__changed(l->chain))
		return fail(VS_EXIT_FAILURE, "cannot go on", strerror(ENOMEM));
	status = find_targets(l);
	notice(l, l->chain_words);
	changed = memcmp(targets, l->opts.targets.addrs, sizeof(targets));
	if (l->loaded_ns && (l->deferred ? l->opts.targets.nr > 0 : changed))
		say_loaded(l);
	if (vfio)
		say_probes(l);
	if (vfio)
		tell_text(l, l->loaded_ns, vs_host__mono_ns());
	if (l->chain && vs_chain__state(l->chain, words, sizeof(words)) == VS_CHAIN_WAITING)
		notice(l, words);
	l->loaded_ns = 0;
	return status;
}

static int run(struct latency *l)
{
	uint64_t now = vs_host__mono_ns();
	int nr, err, status = 0;

	while (!status && !is_over(l, now)) {
		nr = vs_lat__poll(l->lat, wait_ms(l, now));
		if (nr < 0 && nr != -EINTR)
			return fail(VS_EXIT_FAILURE, "cannot read records", strerror(-nr));
		now = vs_host__mono_ns();
		err = vs_duty__look(&l->duty, l->lat, now);
		if (err)
			return fail(VS_EXIT_FAILURE, "cannot attach to tracepoints", strerror(-err));
		if (l->modules_changed)
			status = follow_modules(l);
		if (is_due(&l->looked_ns, LOOK_NS, now))
			vs_backlog__sample(&l->report.backlog, now, waiting(l));
		if (now - l->patches_ns >= PATCHES_NS)
			check_patches(l, now);
		if (vs_text_watch__is_due(&l->text, now))
			compare_text(l, now);
		if (now - l->watched_ns >= watch_period(l))
			look_for_late(l, now);
		if (l->opts.interval && now - l->before.time_ns >= l->opts.interval)
			tell_interval(l, now);
		vs_latency_sink__flush(&l->sink);
	}
	return status;
}

/* -- start and end -- */

static int check_chain(struct latency *l)
{
	char words[300];

	if (!l->deferred)
		return 0;
	l->chain = vs_chain__new();
	if (!l->chain)
		return fail(VS_EXIT_FAILURE, "cannot collect facts about the kernel",
			    strerror(errno));
	if (vs_chain__state(l->chain, words, sizeof(words)) != VS_CHAIN_NONE)
		return 0;
	return fail(VS_EXIT_UNAVAILABLE, words, "--work SYMBOL or --all follow others");
}

static int load(struct latency *l)
{
	const struct vs_latency_options *opts = &l->opts;
	struct vs_lat_opts lat = {
		.all = opts->all,
		/* One name may stand for several functions. */
		.many_targets = opts->targets.nr > 1 || opts->targets.nr_names > 1,
		.blame = opts->blame,
		.events = opts->events,
		.samples = opts->sample,
		.modules = !access("/proc/modules", F_OK),
		.births = l->chain && vs_chain__sees_births(l->chain),
		.chain = l->deferred,
		.debug = opts->debug,
		.overdue_ns = opts->overdue,
		.ring_bytes = opts->ring_size,
		.max_rows = opts->functions,
		.record = take_record,
		.ctx = l,
	};
	char error[200];

	l->lat = vs_lat__new(&lat, error, sizeof(error));
	if (l->lat)
		return 0;
	return vs_blocker__fail(&vs_cmd_latency, VS_WORK_LATENCY, errno == EPERM ?
				VS_EXIT_PERMISSION : errno == ENOTSUP ? VS_EXIT_UNAVAILABLE :
				VS_EXIT_FAILURE, error);
}

static void say_start(struct latency *l)
{
	struct vs_latency_start start = {
		.version = VS_VERSION,
		.mono_ns = l->report.armed_ns,
		.wall_ns = vs_host__wall_ns(),
		.start_up_ns = l->report.start_up_ns,
		.names = l->opts.targets.names,
		.nr_names = l->opts.all ? 0 : l->opts.targets.nr_names,
		.followed_by = l->by_kprobes ? "kprobes" : "tracepoints",
		.blame = vs_lat_blame__name(l->opts.blame),
	};
	struct vs_lat_cost cost;
	struct utsname name;
	char words[300] = "";

	uname(&name);
	vs_lat__cost(l->lat, &cost);
	start.kernel = name.release;
	start.programs = cost.programs + (l->chain ? vs_chain__nr(l->chain) : 0);
	l->sink.ops->start(&l->sink, &start);
	if (l->chain)
		vs_chain__state(l->chain, words, sizeof(words));
	notice(l, words);
	say_probes(l);
	notice(l, l->chain_words);
	if (!l->chain && !l->opts.all)
		say_missing(l);
}

static int arm(struct latency *l)
{
	struct vs_report *r = &l->report;
	int err = vs_lat__attach(l->lat), status;

	if (err)
		return fail(VS_EXIT_UNAVAILABLE, "cannot attach to the module tracepoints",
			    strerror(-err));
	status = arm_chain(l);
	if (status)
		return status;
	if (l->opts.cost)
		vs_lat__measure(l->lat);
	vs_lat__ready(l->lat, true);
	r->armed_ns = l->before.time_ns = l->looked_ns = l->watched_ns = vs_host__mono_ns();
	r->start_up_ns = r->armed_ns - l->started_ns;
	vs_backlog__init(&r->backlog, r->armed_ns, LOOK_NS);
	say_start(l);
	check_patches(l, r->armed_ns);
	tell_text(l, r->armed_ns, r->armed_ns);
	return 0;
}

/* A name that nobody brought is a wrong name, most likely. */
static int never_there(struct latency *l)
{
	const struct vs_targets *t = &l->opts.targets;

	for (size_t i = 0; i < t->nr_names && !l->opts.all && !l->deferred; i++)
		if (!vs_targets__found(t, i))
			return fail(VS_EXIT_UNAVAILABLE, "this kernel has no function",
				    t->names[i]);
	return VS_EXIT_OK;
}

static int conclude(struct latency *l)
{
	int err;

	vs_lat__ready(l->lat, false);
	vs_lat__drain(l->lat);
	fill_report(l);
	l->sink.ops->report(&l->sink, &l->report);
	err = vs_latency_sink__flush(&l->sink);
	if (l->report.bugs)
		return VS_EXIT_BUG;
	if (err && err != -EPIPE)
		return fail(VS_EXIT_FAILURE, "cannot write", strerror(-err));
	return vs_report__lost(&l->report) || l->report.gaps.blind ? VS_EXIT_INCONCLUSIVE : never_there(l);
}

static void set_up(struct latency *l)
{
	struct vs_latency_options *opts = &l->opts;
	struct vs_latency_sink_opts sink = {
		.fd = STDOUT_FILENO,
		.json = opts->json,
		.width = vs_host__columns(STDOUT_FILENO),
		.top = opts->top,
		.resolve = resolve,
		.ctx = l,
	};

	l->deferred = !opts->all && !opts->targets.nr_names;
	if (l->deferred)
		vs_targets__add(&opts->targets, DEFERRED);
	vs_latency_sink__init(&l->sink, &sink);
	l->watch.overdue_ns = opts->overdue;
	/* What starts outside of a window is not lost. */
	l->watch.lost_ns = opts->sample ? 0 : opts->lost;
	l->duty = (struct vs_duty){ .blame = opts->blame, .sampler.n = opts->sample };
	l->report.all = opts->all;
	l->report.deferred = l->deferred;
	l->report.group_number = -1;
	l->report.worst.room = opts->top < VS_LAT_WORST ? opts->top : VS_LAT_WORST;
}

/* A host where it cannot be done is still worth measuring. */
static void enter_sandbox(struct latency *l)
{
	const struct vs_sandbox_opts opts = { .writes_files = false };
	char error[100];
	int err;

	if (l->chain) {
		l->keeper = vs_keeper__start();
		if (!l->keeper)
			return;
		vs_chain__use_keeper(l->chain, l->keeper);
	}
	err = vs_sandbox__enter(&opts, error, sizeof(error));
	if (err && err != -EOPNOTSUPP)
		notice(l, error);
}

static void clean_up(struct latency *l)
{
	vs_latency_sink__fini(&l->sink);
	vs_ksyms__free(l->names);
	vs_chain__free(l->chain);
	vs_keeper__free(l->keeper);
	vs_lat__free(l->lat);
	vs_report__free(&l->report);
	vs_watch__fini(&l->watch);
}

static int latency(struct latency *l)
{
	int status;

	l->started_ns = vs_host__mono_ns();
	set_up(l);
	status = check_chain(l);
	if (!status && !l->opts.all)
		status = read_symbols(l);
	if (!status)
		status = load(l);
	if (!status)
		status = arm(l);
	if (!status)
		enter_sandbox(l);
	if (!status)
		status = run(l);
	return status ? status : conclude(l);
}

static int cmd_latency(int argc, char **argv)
{
	struct latency *l = calloc(1, sizeof(*l));
	int status;

	if (!l)
		return fail(VS_EXIT_FAILURE, "cannot start", strerror(ENOMEM));
	status = vs_latency_options__parse(&l->opts, argc, argv);
	if (!status) {
		vs_stop__catch();
		status = latency(l);
		clean_up(l);
	}
	free(l);
	return status < 0 ? VS_EXIT_OK : status;
}

const struct vs_command vs_cmd_latency = {
	.name = "latency",
	.summary = "how late deferred puts and other works are, and who delayed them",
	.operands = "",
	.opts = vs_latency_opts,
	.epilogue =
		"examples\n"
		"  vfioscope latency                         deferred puts, until Ctrl-C\n"
		"  vfioscope latency --overdue 100ms -i 1s   with alarm, a line each second\n"
		"  vfioscope latency -w drm_fb_helper_damage_work -d 60s\n"
		"  vfioscope latency --all --top 20 -d 60s   every work function of the host\n\n"
		"Deferred puts are followed by kprobes in vfio.ko where they can be: then other\n"
		"works cost nothing. --work and --all take tracepoints that every work of the\n"
		"host goes through, --blame full every switch of tasks, too. --blame is late for\n"
		"deferred puts, full with --work, off with --all.\n"
		"The clock starts when a work is queued, not when it is activated: waiting for\n"
		"max_active counts. Percentiles are the upper ends of buckets a quarter wide.\n",
	.run = cmd_latency,
};

// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bpf/config.h"
#include "commands.h"
#include "exit_codes.h"
#include "host.h"
#include "latency/chain.h"
#include "latency/loader.h"
#include "latency/report.h"
#include "latency/targets.h"
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
#define DEFAULT_LOST_NS (10 * SECOND)
#define DEFAULT_TOP 10

struct latency_options {
	struct vs_targets targets;
	uint64_t top, functions;
	uint64_t duration, interval, overdue, lost;
	uint64_t ring_size;
	bool all, blame, no_blame, events, json, cost, debug;
};

struct latency {
	struct latency_options opts;
	bool deferred;		/* the default: deferred puts, with their chain */
	struct vs_chain *chain;
	struct vs_lat *lat;
	struct vs_ksyms *names;	/* read when one is needed first; NULL: not yet, or not readable */
	struct vs_latency_sink sink;
	struct vs_watch watch;
	struct vs_report report;
	char chain_words[240];	/* what will not be known of the chain */
	bool modules_changed, vfio_changed;	/* since the last look */
	uint64_t loaded_ns;	/* when a module was that may matter; 0: none was */
	char loaded[64];	/* its name */
	uint64_t patches_ns;	/* when livepatches were looked for last */
	uint64_t told_since_ns;
	unsigned int nr_told;
	uint64_t started_ns;
	uint64_t looked_ns, watched_ns, interval_ns;
	struct vs_lat_totals totals_before;	/* of the last interval */
	struct vs_hist wait_before;
	uint64_t overdue_before;
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
		vs_lat__works(l->lat, look_queued, look_running, l);
}

/* -- the report -- */

static void add_row(void *ctx, const struct vs_lat_key *key, const struct vs_lat_row *cpus,
		    unsigned int nr_cpus)
{
	struct latency *l = ctx;

	vs_report__add_row(&l->report, key, cpus, nr_cpus);
}

static void add_group(void *ctx, uint64_t group, const struct vs_lat_group *g)
{
	struct vs_report *r = &((struct latency *)ctx)->report;

	(void)group;
	if (g->peak <= r->group_peak)
		return;
	r->group_peak = g->peak;
	r->group_number = g->number;
}

static void set_loss(struct vs_report *r, unsigned int cause, int err, uint64_t total)
{
	r->not_reported[cause] = err;
	r->losses[cause] = err ? 0 : total;
}

static void fill_losses(struct latency *l)
{
	uint64_t missed = 0;
	int err;

	for (unsigned int i = 0; i < VS_LAT_LOSS_KERNEL_END; i++)
		l->report.losses[i] = vs_lat__loss(l->lat, i);
	err = vs_lat__missed(l->lat, &missed);
	set_loss(&l->report, VS_LAT_LOSS_RECURSION, err, missed);
	err = l->chain ? vs_chain__missed(l->chain, &missed) : 0;
	set_loss(&l->report, VS_LAT_LOSS_PROBE_MISSED, err, l->chain ? missed : 0);
	l->report.losses[VS_LAT_LOSS_UNNAMED] = l->opts.targets.left_out;
}

static void fill_cost(struct latency *l)
{
	struct vs_report_cost *to = &l->report.cost;
	struct vs_lat_cost cost;
	struct rusage usage;

	to->wanted = l->opts.cost;
	vs_lat__cost(l->lat, &cost);
	getrusage(RUSAGE_SELF, &usage);
	to->measured = cost.measured;
	to->programs = cost.programs;
	to->runs = cost.runs;
	to->run_ns = cost.run_ns;
	to->map_bytes = cost.map_bytes;
	to->cpu_ns = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * SECOND +
		     (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000ull;
	to->rss_bytes = usage.ru_maxrss * 1024ull;
}

static uint64_t waiting(const struct latency *l)
{
	int64_t nr = vs_lat__waiting(l->lat);

	return nr > 0 ? nr : 0;
}

static void fill_rows(struct latency *l)
{
	vs_report__clear(&l->report);
	if (vs_lat__rows(l->lat, add_row, l))
		l->report.incomplete = true;
}

static void fill_report(struct latency *l)
{
	struct vs_report *r = &l->report;

	r->time_ns = vs_host__mono_ns();
	look_for_late(l, r->time_ns);
	fill_rows(l);
	vs_report__sort(r);
	vs_lat__totals(l->lat, &r->totals);
	r->waiting = waiting(l);
	vs_lat__groups(l->lat, add_group, l);
	memcpy(r->late, l->watch.counts, sizeof(r->late));
	fill_losses(l);
	fill_cost(l);
}

/* -- while it runs -- */

static uint64_t sum_overdue(const struct vs_report *r)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < r->nr_splits; i++)
		if (r->splits[i].kind == VS_SPLIT_FUNC)
			sum += r->splits[i].overdue;
	return sum;
}

static void tell_interval(struct latency *l, uint64_t now)
{
	struct vs_hist kinds[VS_LAT_KINDS];
	struct vs_lat_totals totals;
	struct vs_interval i = {
		.time_ns = now,
		.start_ns = l->report.armed_ns,
		.length_ns = now - l->interval_ns,
		.waiting = waiting(l),
	};

	fill_rows(l);
	vs_report__sum(&l->report, kinds);
	vs_lat__totals(l->lat, &totals);
	vs_hist__since(&i.wait, &kinds[VS_LAT_WAIT], &l->wait_before);
	i.queued = totals.queued - l->totals_before.queued;
	i.started = totals.started - l->totals_before.started;
	i.ended = totals.ended - l->totals_before.ended;
	i.overdue = sum_overdue(&l->report) - l->overdue_before;
	l->sink.ops->interval(&l->sink, &i);
	l->overdue_before += i.overdue;
	l->totals_before = totals;
	l->wait_before = kinds[VS_LAT_WAIT];
	l->interval_ns = now;
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

	wait = sooner(wait, l->watched_ns + watch_period(l), now);
	if (l->opts.interval)
		wait = sooner(wait, l->interval_ns + l->opts.interval, now);
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
		return fail(VS_EXIT_PERMISSION, "addresses are hidden: as root, set "
			    "kernel.kptr_restrict=1 or 0", NULL);
	return err ? fail(VS_EXIT_FAILURE, "/proc/kallsyms", strerror(-err)) : 0;
}

static int arm_chain(struct latency *l)
{
	if (l->chain && vs_chain__attach(l->chain, vs_lat__object(l->lat), vs_lat__sites(l->lat),
					 l->chain_words, sizeof(l->chain_words)) == -ENOMEM)
		return fail(VS_EXIT_FAILURE, "cannot start", strerror(ENOMEM));
	tell_programs(l);
	return 0;
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
	if (l->chain && vs_chain__state(l->chain, words, sizeof(words)) == VS_CHAIN_WAITING)
		notice(l, words);
	l->loaded_ns = 0;
	return status;
}

static int run(struct latency *l)
{
	uint64_t now = vs_host__mono_ns();
	int nr, status = 0;

	while (!status && !is_over(l, now)) {
		nr = vs_lat__poll(l->lat, wait_ms(l, now));
		if (nr < 0 && nr != -EINTR)
			return fail(VS_EXIT_FAILURE, "cannot read records", strerror(-nr));
		now = vs_host__mono_ns();
		if (l->modules_changed)
			status = follow_modules(l);
		if (is_due(&l->looked_ns, LOOK_NS, now))
			vs_backlog__sample(&l->report.backlog, now, waiting(l));
		if (now - l->patches_ns >= PATCHES_NS)
			check_patches(l, now);
		if (now - l->watched_ns >= watch_period(l))
			look_for_late(l, now);
		if (l->opts.interval && now - l->interval_ns >= l->opts.interval)
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

static bool wants_blame(const struct latency_options *opts)
{
	return !opts->no_blame && (opts->blame || !opts->all);
}

static int load(struct latency *l)
{
	const struct latency_options *opts = &l->opts;
	struct vs_lat_opts lat = {
		.all = opts->all,
		/* One name may stand for several functions. */
		.many_targets = opts->targets.nr > 1 || opts->targets.nr_names > 1,
		.blame = wants_blame(opts),
		.events = opts->events,
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
	if (errno == EPERM)
		return fail(VS_EXIT_PERMISSION, error, NULL);
	return fail(errno == ENOTSUP ? VS_EXIT_UNAVAILABLE : VS_EXIT_FAILURE, error, NULL);
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
	};
	struct vs_lat_cost cost;
	struct utsname name;
	char words[300] = "";

	uname(&name);
	vs_lat__cost(l->lat, &cost);
	start.kernel = name.release;
	start.programs = cost.programs;
	l->sink.ops->start(&l->sink, &start);
	if (l->chain)
		vs_chain__state(l->chain, words, sizeof(words));
	notice(l, words);
	notice(l, l->chain_words);
	if (!l->chain && !l->opts.all)
		say_missing(l);
}

static int arm(struct latency *l)
{
	struct vs_report *r = &l->report;
	int err = vs_lat__attach(l->lat), status;

	if (err)
		return fail(VS_EXIT_UNAVAILABLE, "cannot attach to the workqueue tracepoints",
			    strerror(-err));
	status = arm_chain(l);
	if (status)
		return status;
	if (l->opts.cost)
		vs_lat__measure(l->lat);
	vs_lat__ready(l->lat, true);
	r->armed_ns = l->interval_ns = l->looked_ns = l->watched_ns = vs_host__mono_ns();
	r->start_up_ns = r->armed_ns - l->started_ns;
	vs_backlog__init(&r->backlog, r->armed_ns, LOOK_NS);
	say_start(l);
	check_patches(l, r->armed_ns);
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
	struct latency_options *opts = &l->opts;
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
	l->watch.lost_ns = opts->lost;
	l->report.all = opts->all;
	l->report.deferred = l->deferred;
	l->report.group_number = -1;
	l->report.worst.room = opts->top < VS_LAT_WORST ? opts->top : VS_LAT_WORST;
}

static void clean_up(struct latency *l)
{
	vs_latency_sink__fini(&l->sink);
	vs_ksyms__free(l->names);
	vs_chain__free(l->chain);
	vs_lat__free(l->lat);
	vs_report__free(&l->report);
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
		status = run(l);
	return status ? status : conclude(l);
}

/* -- options -- */

/* The kernel has none that are longer: KSYM_NAME_LEN, 512 since v6.1 (b8a94bfb3395). */
static bool is_symbol(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.$");

	return len && len < 512 && !name[len];
}

static int add_work(void *options, int arg, const char *value, char *error, size_t size)
{
	struct latency_options *opts = options;

	(void)arg;
	if (!is_symbol(value))
		snprintf(error, size, "'%.40s' is no name of a function", value);
	else if (vs_targets__add(&opts->targets, value))
		snprintf(error, size, "not more than %d functions", VS_LAT_TARGETS);
	else
		return 0;
	return -EINVAL;
}

#define TIME(n, l, m, h, min_ns) \
	{ #n, l, VS_OPT_DURATION, m, h, offsetof(struct latency_options, n), min_ns, \
	  1000 * 3600 * SECOND, NULL, 0 }
#define FLAG(n, l, member, h) \
	{ n, l, VS_OPT_FLAG, NULL, h, offsetof(struct latency_options, member), 0, 0, NULL, 0 }

static const struct vs_opt latency_opts[] = {
	{ .name = "work", .letter = 'w', .kind = VS_OPT_LIST, .metavar = "SYMBOL", .add = add_work,
	  .help = "follow this work function instead; repeatable" },
	FLAG("all", 'a', all, "follow every work of the host, by function"),
	{ "top", 't', VS_OPT_NUMBER, "N", "functions and slowest works to show (10)",
	  offsetof(struct latency_options, top), 1, VS_LAT_WORST, NULL, 0 },
	TIME(duration, 'd', "TIME", "stop after this time: 10s, 5m", MS),
	TIME(interval, 'i', "TIME", "a line for each such time: 1s", 10 * MS),
	TIME(overdue, 0, "TIME", "a finding when a work takes longer: 100ms", MS),
	TIME(lost, 0, "TIME", "... when it is not even started (10s)", MS),
	FLAG("events", 'e', events, "a line for each work as well"),
	FLAG("blame", 'b', blame, "with --all: find out what delayed the slowest, too"),
	FLAG("no-blame", 0, no_blame, "do not find out what delayed the slowest"),
	FLAG("json", 'j', json, "NDJSON, one object a line (docs/latency.md)"),
	FLAG("cost", 0, cost, "measure what this costs, and say it at the end"),
	{ "functions", 0, VS_OPT_NUMBER, "N", "rows of histograms, x pools without --all (256)",
	  offsetof(struct latency_options, functions), 1, 4096, NULL, 0 },
	{ "ring-size", 0, VS_OPT_SIZE, "SIZE", "buffers for records, together (1M)",
	  offsetof(struct latency_options, ring_size), 4096, 256 << 20, NULL, 0 },
	FLAG("debug", 0, debug, "let libbpf and the verifier speak on stderr"),
	{ .name = NULL },
};

static int check_options(const struct latency_options *opts)
{
	if (opts->all && opts->targets.nr_names)
		return fail(VS_EXIT_USAGE, "--all and --work exclude each other", NULL);
	if (opts->blame && opts->no_blame)
		return fail(VS_EXIT_USAGE, "--blame and --no-blame exclude each other", NULL);
	if (opts->ring_size & (opts->ring_size - 1))
		return fail(VS_EXIT_USAGE, "--ring-size must be a power of two, such as 512K, 4M",
			    NULL);
	return 0;
}

static int parse(struct latency_options *opts, int argc, char **argv)
{
	int first;

	opts->top = DEFAULT_TOP;
	opts->lost = DEFAULT_LOST_NS;
	first = vs_opts__parse(&vs_cmd_latency, argc, argv, opts);
	if (first < 0)
		return first == -VS_OPTS_HELP ? -1 : VS_EXIT_USAGE;
	if (first < argc)
		return fail(VS_EXIT_USAGE, "takes no operands; see vfioscope latency --help", NULL);
	return check_options(opts);
}

static int cmd_latency(int argc, char **argv)
{
	struct latency *l = calloc(1, sizeof(*l));
	int status;

	if (!l)
		return fail(VS_EXIT_FAILURE, "cannot start", strerror(ENOMEM));
	status = parse(&l->opts, argc, argv);
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
	.opts = latency_opts,
	.epilogue =
		"examples\n"
		"  vfioscope latency                         deferred puts, until Ctrl-C\n"
		"  vfioscope latency --overdue 100ms -i 1s   with alarm, a line each second\n"
		"  vfioscope latency -w drm_fb_helper_damage_work -d 60s\n"
		"  vfioscope latency --all --top 20 -d 60s   every work function of the host\n\n"
		"The clock starts when a work is queued, not when it is activated: waiting for\n"
		"max_active counts. Percentiles are the upper ends of buckets a quarter wide.\n",
	.run = cmd_latency,
};

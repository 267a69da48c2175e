// SPDX-License-Identifier: GPL-2.0
#include "run/live.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/exit_codes.h"
#include "base/host.h"
#include "base/plural.h"
#include "base/stop.h"
#include "base/version.h"
#include "doctor/blocker.h"
#include "run/live_pulse.h"
#include "run/live_vfio.h"
#include "vfio/module_text.h"

/*
 * Ordinary records do not wake us: we fetch them this often while events come, and less often when none
 * do. Alarms wake us at once.
 */
#define BUSY_POLL_MS 20
#define IDLE_POLL_MS 100
#define LOSS_CHECK_NS 900000000ull	/* every loss is reported within a second */

static int fail(const struct vs_live *l, int status, const char *words, const char *what)
{
	return vs_command__fail(l->command, status, words, what);
}

/* -- what the session asks -- */

static bool resolve_ip(void *ctx, uint64_t ip, char *buf, size_t size)
{
	struct vs_live *l = ctx;

	return (l->engine && vs_engine__resolve(l->engine, ip, buf, size)) ||
	       (l->symbolizer && vs_symbolizer__lookup(l->symbolizer, ip, buf, size));
}

static int group_devices(void *ctx, int iommu_group, char *buf, size_t size)
{
	(void)ctx;
	return vs_host__group_devices(iommu_group, buf, size);
}

int vs_live__kernel_stack(struct vs_live *l, uint32_t tid, char *buf, size_t size)
{
	return vs_keeper__stack(l->keeper, tid, buf, size);
}

static int kernel_stack(void *ctx, uint32_t tid, char *buf, size_t size)
{
	return vs_live__kernel_stack(ctx, tid, buf, size);
}

static uint64_t now_ns(void *ctx)
{
	(void)ctx;
	return vs_host__mono_ns();
}

static bool is_blind(void *ctx)
{
	struct vs_live *l = ctx;

	return l->engine && vs_live__is_blind(l);
}

static bool was_lost(void *ctx)
{
	struct vs_live *l = ctx;

	for (unsigned int cause = 0; l->engine && cause < VS_LOSS_KERNEL_END; cause++)
		if (vs_engine__loss(l->engine, cause))
			return true;
	return false;
}

/*
 * Returns true if the kernel skipped programs that see a task enter and leave; skipped kprobes leave no
 * chain open.
 */
static bool was_skipped(void *ctx)
{
	struct vs_live *l = ctx;
	uint64_t missed;

	if (!l->engine)
		return false;
	return vs_engine__loss(l->engine, VS_LOSS_STALE_FRAME) ||
	       (!vs_engine__missed_programs(l->engine, &missed) && missed);
}

static bool task_alive(void *ctx, uint32_t tgid)
{
	(void)ctx;
	return !kill((pid_t)tgid, 0) || errno != ESRCH;
}

static void take_record(void *ctx, const void *data, size_t len)
{
	const struct vs_event *e = data;
	struct vs_live *l = ctx;

	vs_session__feed(l->session, data, len);
	if (len < sizeof(*e))
		return;
	if (l->seen)
		l->seen(l->ctx, e);
	vs_live__vfio_event(l, e);
}

/* -- setting up -- */

int vs_live__begin(struct vs_live *l)
{
	l->session_opts.calls = (struct vs_session_calls){
		resolve_ip, group_devices, kernel_stack, now_ns, task_alive, was_lost,
		was_skipped, is_blind,
	};
	l->session_opts.ctx = l;
	if (l->hooks)
		l->hooks->begins(l->hooks->ctx, &l->session_opts);
	l->session = vs_session__new(&l->session_opts);
	return l->session ? VS_EXIT_OK : fail(l, VS_EXIT_FAILURE, "cannot start", strerror(errno));
}

int vs_live__open(struct vs_live *l)
{
	char error[200];

	l->started_ns = vs_host__mono_ns();
	l->engine_opts.record = take_record;
	l->engine_opts.ctx = l;
	l->engine = vs_engine__new(&l->engine_opts, error, sizeof(error));
	if (l->engine)
		return VS_EXIT_OK;
	return vs_blocker__fail(l->command, vs_blocker__work(l->command), errno == EPERM ?
				VS_EXIT_PERMISSION : errno == ENOTSUP ? VS_EXIT_UNAVAILABLE :
				VS_EXIT_FAILURE, error);
}

static const char *armed_name(enum vs_hook_status status)
{
	return status == VS_HOOK_READY ? "armed" : vs_hook_status__name(status);
}

int vs_live__fill_rows(struct vs_live *l)
{
	const struct vs_plan *plan = vs_engine__plan(l->engine);
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
	free(l->rows);
	l->rows = rows;
	return 0;
}

static bool has_same_reason(const struct vs_plan_row *a, const struct vs_plan_row *b)
{
	return a->status == b->status && !strcmp(a->how, b->how);
}

/* Says one line for each reason, with all the hooks that it concerns. */
static void say_reason(struct vs_live *l, const struct vs_plan *plan, size_t first, uint64_t now)
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
	vs_session__notice(l->session, now, words);
}

static void say_missing(struct vs_live *l, const struct vs_plan *plan, uint64_t now)
{
	for (size_t i = 0; i < plan->nr_rows; i++)
		if (plan->rows[i].status == VS_HOOK_MISSING)
			say_reason(l, plan, i, now);
}

/* Says what a user must know before the first event. */
static void say_state(struct vs_live *l)
{
	const struct vs_plan *plan = vs_engine__plan(l->engine);
	uint64_t now = vs_host__mono_ns();
	char words[400];

	snprintf(words, sizeof(words), "%zu probe%s armed in %.2f s", vs_engine__nr_armed(l->engine),
		 vs_plural(vs_engine__nr_armed(l->engine)),
		 (l->armed_ns - l->started_ns) / 1e9);
	vs_session__notice(l->session, l->armed_ns, words);
	snprintf(words, sizeof(words), "the fix for the notifier deadlock is %s",
		 vs_fix__words(plan->fix));
	vs_session__notice(l->session, now, words);
	if (vs_plan__waits(plan))
		vs_session__notice(l->session, now, "vfio.ko is not loaded: its probes will be "
				   "armed when it is; any notifier chain is watched already");
	if (l->session_opts.filter &&
	    vs_filter__absent(l->session_opts.filter, "", words, sizeof(words)))
		vs_session__notice(l->session, now, words);
	say_missing(l, plan, now);
	vs_live__pulse_notice(l, now);
	vs_live__check_patches(l, now);
	vs_live__tell_text(l, now, now);
}

int vs_live__arm(struct vs_live *l)
{
	struct vs_start start = {
		.version = VS_VERSION,
		.kernel = vs_engine__facts(l->engine)->release,
	};
	int err, status;

	/*
	 * Load before arming: a deadlock that follows at once must not wait for this. A failure is
	 * reported once the program is needed.
	 */
	if (l->sandbox)
		vs_engine__load_for_other_builds(l->engine);
	err = vs_engine__attach(l->engine);
	l->armed_ns = start.mono_ns = vs_host__mono_ns();
	start.wall_ns = vs_host__wall_ns();
	if (err)
		return vs_blocker__fail(l->command, vs_blocker__work(l->command), VS_EXIT_UNAVAILABLE,
					"no probe can be armed; see vfioscope doctor");
	status = vs_live__pulse_begins(l);
	if (status)
		return status;
	l->saw_all = vs_live__sees_all(l);
	if (vs_live__fill_rows(l))
		return fail(l, VS_EXIT_FAILURE, "cannot start", strerror(ENOMEM));
	start.probes = l->rows;
	start.nr_probes = vs_engine__plan(l->engine)->nr_rows;
	vs_session__start(l->session, &start);
	say_state(l);
	vs_session__flush(l->session);
	return 0;
}

/* -- running -- */

static void tell_missed(struct vs_live *l, unsigned int cause, int err, uint64_t missed)
{
	if (err)
		vs_session__loss_not_reported(l->session, cause);
	else
		vs_session__loss(l->session, cause, missed);
}

static void check_losses(struct vs_live *l)
{
	struct vs_exact_stats stats;
	uint64_t missed;
	int err;

	for (unsigned int cause = 0; cause < VS_LOSS_KERNEL_END; cause++)
		vs_session__loss(l->session, cause, vs_engine__loss(l->engine, cause));
	err = vs_engine__missed_kprobes(l->engine, &missed);
	tell_missed(l, VS_LOSS_PROBE_MISSED, err, missed);
	err = vs_engine__missed_programs(l->engine, &missed);
	tell_missed(l, VS_LOSS_RECURSION, err, missed);
	vs_session__loss(l->session, VS_LOSS_LATE, vs_engine__late(l->engine));
	stats = vs_engine__watch_stats(l->engine);
	vs_session__loss(l->session, VS_LOSS_WATCH_MISSED, stats.missed);
	vs_session__loss(l->session, VS_LOSS_WATCH_UNDECODED, stats.unknown);
	vs_session__loss(l->session, VS_LOSS_CPU_UNWATCHED, stats.cpus_missing);
}

static bool is_over(const struct vs_live *l, uint64_t now)
{
	struct vs_session_result result;

	if (vs_stop__asked() || (l->duration && now - l->armed_ns >= l->duration))
		return true;
	vs_session__result(l->session, &result);
	return result.write_error;
}

static int wait_ms(const struct vs_live *l, uint64_t now, bool busy)
{
	uint64_t deadline = vs_session__deadline(l->session);
	uint64_t wait = (busy ? BUSY_POLL_MS : IDLE_POLL_MS) * 1000000ull;

	if (deadline)
		wait = deadline <= now ? 0 : deadline - now < wait ? deadline - now : wait;
	if (l->duration && l->armed_ns + l->duration - now < wait)
		wait = l->armed_ns + l->duration - now;
	return (wait + 999999) / 1000000;
}

/* The awaited record may be in the rings already: look once more before giving up. */
static void tick(struct vs_live *l, uint64_t now)
{
	uint64_t deadline = vs_session__deadline(l->session);

	if (deadline && deadline <= now)
		vs_engine__settle(l->engine);
	vs_session__tick(l->session, now);
}

/* If the host does not support the sandbox, it is still worth tracing. */
static void enter_sandbox(struct vs_live *l)
{
	char error[100];
	int err;

	if (!l->sandbox)
		return;
	l->keeper = vs_keeper__start(&vs_module_text__for_keeper);
	if (!l->keeper)
		return;
	vs_engine__use_keeper(l->engine, l->keeper);
	err = vs_sandbox__enter(l->sandbox, error, sizeof(error));
	if (err && err != -EOPNOTSUPP)
		vs_session__notice(l->session, vs_host__mono_ns(), error);
}

static int begin_run(struct vs_live *l)
{
	enter_sandbox(l);
	/*
	 * Start it no earlier: arming comes first, its trampolines have symbols, and a thread would
	 * keep privileges.
	 */
	l->symbolizer = vs_symbolizer__new();
	if (l->symbolizer && l->hooks)
		errno = -l->hooks->runs(l->hooks->ctx);
	return l->symbolizer && !(l->hooks && errno) ? VS_EXIT_OK : fail(l, VS_EXIT_FAILURE, "cannot start", strerror(errno));
}

int vs_live__run(struct vs_live *l)
{
	int nr, status = begin_run(l);
	uint64_t now = vs_host__mono_ns();
	bool busy = true;

	if (status)
		return status;
	while (!is_over(l, now)) {
		nr = vs_engine__poll(l->engine, wait_ms(l, now, busy));
		if (nr < 0 && nr != -EINTR)
			return fail(l, VS_EXIT_FAILURE, "cannot read events", strerror(-nr));
		busy = nr > 0;
		now = vs_host__mono_ns();
		vs_live__pulse(l, now, busy);
		vs_live__follow_vfio(l);
		tick(l, now);
		if (now - l->checked_ns >= LOSS_CHECK_NS) {
			check_losses(l);
			vs_live__check_vfio(l, now);
			vs_symbolizer__refresh(l->symbolizer);
			l->checked_ns = now;
		}
		vs_session__flush(l->session);
		if (l->hooks)
			l->hooks->polled(l->hooks->ctx, now);
		if (l->each && l->each(l->ctx, now))
			break;
	}
	return VS_EXIT_OK;
}

int vs_live__look(struct vs_live *l, struct vs_snapper *snapper, struct vs_snapshot *s, char *error,
		  size_t size)
{
	uint64_t start = vs_engine__begun(l->engine);
	int err = vs_snapper__take(snapper, s, error, size);

	s->start_seq = start;
	s->end_seq = vs_engine__begun(l->engine);
	return err;
}

bool vs_live__caught_up(struct vs_live *l, uint64_t seq, uint64_t patience_ns)
{
	uint64_t until = vs_host__mono_ns() + patience_ns;

	do {
		if (vs_engine__settle(l->engine) > seq)
			return true;
	} while (vs_host__mono_ns() < until && !usleep(1000));
	return false;
}

void vs_live__drain(struct vs_live *l)
{
	vs_engine__drain(l->engine);
	check_losses(l);
}

void vs_live__close(struct vs_live *l)
{
	vs_session__free(l->session);
	vs_symbolizer__free(l->symbolizer);
	vs_engine__free(l->engine);
	vs_keeper__free(l->keeper);
	free(l->rows);
}

// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "base/host.h"
#include "latency/session_priv.h"

#define TOLD_NS (10 * SECOND)	/* at most MAX_TOLD hazards are reported in this time */
#define MAX_TOLD 10

/* A host in trouble has thousands of late works: we count all and report few. */
static bool may_tell(struct vs_lat_session *s, const struct vs_late *late)
{
	if (late->bug)
		return true;
	if (late->time_ns - s->told_since_ns > TOLD_NS) {
		s->told_since_ns = late->time_ns;
		s->nr_told = 0;
	}
	if (++s->nr_told == MAX_TOLD + 1)
		lat_notice(s, "more works are overdue: for 10 s they are counted only");
	return s->nr_told <= MAX_TOLD;
}

static void tell_late(struct vs_lat_session *s, const struct vs_late *late)
{
	/* If probes do not fire, an end that we missed would look like a bug of the host. */
	if (late->bug && !vs_lat__is_well(s->lat))
		return;
	s->report.bugs += late->bug;
	if (!may_tell(s, late))
		return;
	s->sink.ops->late(&s->sink, late);
	vs_latency_sink__flush(&s->sink);
}

static void take_slow(struct vs_lat_session *s, const struct vs_lat_event *e)
{
	struct vs_worst_row row = { .work = *e };

	if (!vs_worst__wants(&s->report.worst, e->start_ns - e->q.queue_ns))
		return;
	vs_lat__explain(s->lat, e, &row.blame);
	vs_worst__offer(&s->report.worst, &row);
}

void lat_take_record(void *ctx, const struct vs_lat_event *e)
{
	struct vs_lat_session *s = ctx;
	struct vs_late late;

	if (e->type == VS_LAT_SLOW)
		take_slow(s, e);
	if (e->type == VS_LAT_WAITS)
		vs_duty__woken(&s->duty, vs_host__mono_ns());
	if (e->type == VS_LAT_DONE && s->opts.events)
		s->sink.ops->work(&s->sink, e);
	if (vs_watch__record(&s->watch, e, &late))
		tell_late(s, &late);
	if (e->type != VS_LAT_MODULE_LOAD && e->type != VS_LAT_MODULE_FREE)
		return;
	s->modules_changed = true;
	s->vfio_changed |= !strcmp(e->name, "vfio");
	if (e->type == VS_LAT_MODULE_LOAD && (!s->deferred || !strcmp(e->name, "vfio"))) {
		s->loaded_ns = s->loaded_ns ? s->loaded_ns : e->time_ns;
		snprintf(s->loaded, sizeof(s->loaded), "%s", e->name);
	}
}

static void look_queued(void *ctx, const struct vs_lat_work *work, const struct vs_lat_queued *q)
{
	struct vs_lat_session *s = ctx;
	struct vs_late late;

	if (vs_watch__queued(&s->watch, work, q, s->watched_ns, &late))
		tell_late(s, &late);
}

static void look_running(void *ctx, const struct vs_lat_run *run)
{
	struct vs_lat_session *s = ctx;
	struct vs_late late;

	s->report.running++;
	if (vs_watch__running(&s->watch, run, s->watched_ns, &late))
		tell_late(s, &late);
}

void lat_look_for_late(struct vs_lat_session *s, uint64_t now)
{
	struct vs_lat_totals totals;

	s->watched_ns = now;
	/* A work that has ended unseen would seem to be late. */
	if (s->blind)
		return;
	s->report.running = 0;
	vs_lat__totals(s->lat, &totals);
	/* Walking the tables takes longer than asking if there is anything in them. */
	if (totals.queued != totals.ended || vs_lat__waiting(s->lat))
		vs_lat__works(s->lat, now, look_queued, look_running, s);
}

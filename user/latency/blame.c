// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "latency/blame.h"

const char *vs_blame__name(enum vs_blame_why why)
{
	static const char *const names[] = {
		[VS_BLAME_WORK] = "work",
		[VS_BLAME_HELD] = "max-active",
		[VS_BLAME_OTHER_POOL] = "work-of-other-pool",
		[VS_BLAME_TASK] = "task",
		[VS_BLAME_WORKER] = "worker-wakeup",
		[VS_BLAME_NO_WORKER] = "no-idle-worker",
		[VS_BLAME_UNWATCHED] = "not-watched",
		[VS_BLAME_UNKNOWN] = "unknown",
	};

	return names[why];
}

/* -- parts -- */

static const struct vs_blame_part unknown = { .why = VS_BLAME_UNKNOWN, .pool = -1 };
static const struct vs_blame_part unwatched = { .why = VS_BLAME_UNWATCHED, .pool = -1 };
static const struct vs_blame_part worker = { .why = VS_BLAME_WORKER, .pool = -1 };
static const struct vs_blame_part no_worker = { .why = VS_BLAME_NO_WORKER, .pool = -1 };

static bool same_culprit(const struct vs_blame_part *a, const struct vs_blame_part *b)
{
	return a->why == b->why && a->func == b->func && a->pool == b->pool && a->tid == b->tid;
}

/* The place of the part that is charged with more, or a new one; NULL: all are taken. */
static struct vs_blame_part *find_part(struct vs_blame *blame, const struct vs_blame_part *like)
{
	for (size_t i = 0; i < blame->nr; i++)
		if (same_culprit(&blame->parts[i], like))
			return &blame->parts[i];
	/* The last one is kept free for VS_BLAME_UNKNOWN. */
	if (blame->nr >= VS_BLAME_PARTS - (like->why == VS_BLAME_UNKNOWN ? 0 : 1))
		return NULL;
	blame->parts[blame->nr] = *like;
	blame->parts[blame->nr].ns = 0;
	return &blame->parts[blame->nr++];
}

static void charge(struct vs_blame *blame, const struct vs_blame_part *like, uint64_t ns)
{
	struct vs_blame_part *part;

	if (!ns)
		return;
	part = find_part(blame, like);
	if (!part)
		part = find_part(blame, &unknown);
	part->ns += ns;
}

static int longest_first(const void *a, const void *b)
{
	const struct vs_blame_part *x = a, *y = b;

	return x->ns < y->ns ? 1 : x->ns > y->ns ? -1 : 0;
}

/* -- who had the CPU -- */

/* Returns the culprit for the time before `entry`, which tells what the CPU did until then. */
static struct vs_blame_part culprit_before(const struct vs_lat_log *entry,
					   const struct vs_lat_event *work)
{
	bool same_pool = entry->pool == work->q.pool;
	struct vs_blame_part part = { .why = VS_BLAME_TASK, .pool = -1, .tid = entry->tid };

	memcpy(part.comm, entry->comm, sizeof(part.comm));
	if (entry->what != VS_LAT_START && entry->func)
		return (struct vs_blame_part){
			.why = same_pool ? VS_BLAME_WORK : VS_BLAME_OTHER_POOL,
			.func = entry->func, .pool = entry->pool,
		};
	if (!entry->tid && !work->q.nr_idle)
		return no_worker;
	/* The worker was between two works, or nothing ran at all. */
	return same_pool || !entry->tid ? worker : part;
}

static void charge_cpu(struct vs_blame *blame, const struct vs_lat_event *work,
		       const struct vs_cpu_log *log, uint64_t from, uint64_t to)
{
	uint64_t at = from;

	for (size_t i = 0; i < log->nr && at < to; i++) {
		const struct vs_lat_log *entry = &log->entries[i];
		uint64_t end = entry->time_ns < to ? entry->time_ns : to;
		struct vs_blame_part part = culprit_before(entry, work);

		if (end <= at)
			continue;
		charge(blame, i == 0 && log->cut ? &unknown : &part, end - at);
		at = end;
	}
	/* Nothing changed after its worker began: the little until the start was counted. */
	if (at < to)
		charge(blame, log->nr ? &worker : &unknown, to - at);
}

/* -- who held a place among max_active -- */

/* A holder comes or goes. */
struct change {
	uint64_t time_ns;
	uint64_t func;
	int by;
};

struct holders {
	struct change *changes;
	size_t nr;
	struct {
		uint64_t func;
		int nr;
		double ns;
	} funcs[VS_BLAME_PARTS];
	size_t nr_funcs;
	int total;
};

/* One wait that is being explained. */
struct wait {
	struct vs_blame *blame;
	const struct vs_lat_event *work;
	const struct vs_cpu_log *log;	/* of the CPU that the pool works on */
};

static bool started_in(const struct vs_cpu_log *log, size_t end)
{
	const struct vs_lat_log *entry = &log->entries[end];

	while (end--)
		if (log->entries[end].tid == entry->tid &&
		    log->entries[end].what == VS_LAT_START &&
		    log->entries[end].func == entry->func)
			return true;
	return false;
}

/* A worker of a bound pool starts and ends a work on one CPU: its log has both, or one. */
static void add_changes(struct holders *h, const struct vs_lat_event *work,
			const struct vs_cpu_log *log)
{
	uint64_t from = work->q.queue_ns, to = work->q.activate_ns;

	for (size_t i = 0; i < log->nr; i++) {
		const struct vs_lat_log *entry = &log->entries[i];

		if (entry->what == VS_LAT_SWITCH || entry->pwq != work->q.pwq)
			continue;
		if (entry->what == VS_LAT_START && entry->time_ns < to)
			h->changes[h->nr++] = (struct change){ entry->time_ns, entry->func, 1 };
		if (entry->what != VS_LAT_END)
			continue;
		if (!started_in(log, i))
			h->changes[h->nr++] = (struct change){ from, entry->func, 1 };
		if (entry->time_ns < to)
			h->changes[h->nr++] = (struct change){ entry->time_ns, entry->func, -1 };
	}
}

static int by_time(const void *a, const void *b)
{
	const struct change *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return y->by - x->by;
}

/* While no holder is known, the holders wait themselves: for whatever has the CPU. */
static void pass_time(struct holders *h, struct wait *w, uint64_t from, uint64_t to)
{
	if (h->total <= 0)
		charge_cpu(w->blame, w->work, w->log, from, to);
	for (size_t i = 0; i < h->nr_funcs && h->total > 0; i++)
		h->funcs[i].ns += (double)(to - from) * h->funcs[i].nr / h->total;
}

static void apply(struct holders *h, const struct change *change)
{
	size_t i = 0;

	while (i < h->nr_funcs && h->funcs[i].func != change->func)
		i++;
	if (i == VS_BLAME_PARTS)
		return;
	if (i == h->nr_funcs)
		h->nr_funcs++;
	h->funcs[i].func = change->func;
	h->funcs[i].nr += change->by;
	h->total += change->by;
}

static void sweep(struct holders *h, struct wait *w)
{
	uint64_t at = w->work->q.queue_ns;

	qsort(h->changes, h->nr, sizeof(*h->changes), by_time);
	for (size_t i = 0; i < h->nr; i++) {
		if (h->changes[i].time_ns > at) {
			pass_time(h, w, at, h->changes[i].time_ns);
			at = h->changes[i].time_ns;
		}
		apply(h, &h->changes[i]);
	}
	pass_time(h, w, at, w->work->q.activate_ns);
}

static void charge_holders(const struct holders *h, struct wait *w)
{
	for (size_t i = 0; i < h->nr_funcs; i++) {
		struct vs_blame_part part = { .why = VS_BLAME_HELD, .func = h->funcs[i].func,
					      .pool = w->work->q.pool };

		charge(w->blame, &part, h->funcs[i].ns);
	}
}

static void charge_held(struct wait *w, const struct vs_cpu_log *logs, size_t nr_cpus)
{
	struct holders h = {};
	size_t room = 1;

	for (size_t cpu = 0; cpu < nr_cpus; cpu++)
		room += 2 * logs[cpu].nr;
	h.changes = calloc(room, sizeof(*h.changes));
	if (!h.changes)
		return;
	for (size_t cpu = 0; cpu < nr_cpus; cpu++)
		add_changes(&h, w->work, &logs[cpu]);
	sweep(&h, w);
	charge_holders(&h, w);
	free(h.changes);
}

/* -- the whole -- */

/* If the kernel does not say (unbound, v6.9): activation within this time was at once. */
#define AT_ONCE_NS 50000

/* Both were read under the lock that decides: this is what the kernel did. */
static bool was_held(const struct vs_lat_queued *q)
{
	if (q->max_active > 0)
		return q->nr_active >= q->max_active;
	return q->activate_ns > q->queue_ns + AT_ONCE_NS;
}

/* Counts the works that this pool started before `work`, which is the last in the logs. */
static unsigned int count_ahead(const struct vs_lat_event *work, const struct vs_cpu_log *logs,
				size_t nr_cpus)
{
	unsigned int nr = 0;
	bool itself = false;

	for (size_t cpu = 0; cpu < nr_cpus; cpu++)
		for (size_t i = 0; i < logs[cpu].nr; i++) {
			const struct vs_lat_log *entry = &logs[cpu].entries[i];

			if (entry->what != VS_LAT_START || entry->pool != work->q.pool)
				continue;
			nr++;
			itself |= entry->tid == work->tid && entry->func == work->func;
		}
	return nr - itself;
}

/* A bound pool works on its own CPU only; for an unbound one, use the CPU that took the work. */
static const struct vs_cpu_log *log_of(const struct vs_lat_event *work,
				       const struct vs_cpu_log *logs, size_t nr_cpus)
{
	static const struct vs_cpu_log none;
	size_t cpu = work->q.pool_cpu >= 0 ? (size_t)work->q.pool_cpu : work->cpu;

	return cpu < nr_cpus ? &logs[cpu] : &none;
}

/* Shares are rounded down, and memory can be short: the rest is charged as unknown. */
static void charge_rest(struct vs_blame *blame)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < blame->nr; i++)
		sum += blame->parts[i].ns;
	if (sum < blame->delay_ns)
		charge(blame, &unknown, blame->delay_ns - sum);
}

/* Explains the times that the logs cover. An activation that was not seen was before that. */
static void explain_watched(struct vs_blame *blame, const struct vs_lat_event *work,
			    const struct vs_cpu_log *logs, size_t nr_cpus)
{
	struct wait w = { blame, work, log_of(work, logs, nr_cpus) };
	uint64_t from = work->q.queue_ns;

	if (blame->at_max_active && work->q.activate_ns > from) {
		charge_held(&w, logs, nr_cpus);
		from = work->q.activate_ns;
	}
	charge_cpu(blame, work, w.log, from, work->start_ns);
	blame->ahead = count_ahead(work, logs, nr_cpus);
}

void vs_blame__explain(struct vs_blame *blame, const struct vs_lat_event *work,
		       const struct vs_cpu_log *logs, size_t nr_cpus, uint64_t watched_ns)
{
	struct vs_lat_event seen = *work;

	*blame = (struct vs_blame){ .delay_ns = work->start_ns - work->q.queue_ns };
	blame->at_max_active = was_held(&work->q);
	if (watched_ns > seen.q.queue_ns)
		seen.q.queue_ns = watched_ns < work->start_ns ? watched_ns : work->start_ns;
	charge(blame, &unwatched, seen.q.queue_ns - work->q.queue_ns);
	explain_watched(blame, &seen, logs, nr_cpus);
	charge_rest(blame);
	qsort(blame->parts, blame->nr, sizeof(*blame->parts), longest_first);
}

/* -- reading a log that is being written -- */

/* The writer may be in the middle of this many entries before its position is seen. */
#define BEING_WRITTEN 2

static bool is_overwritten(const struct vs_lat_cpu_log *log, uint64_t i)
{
	uint64_t position = __atomic_load_n(&log->position, __ATOMIC_ACQUIRE) + BEING_WRITTEN;

	return position > VS_LAT_LOG && i < position - VS_LAT_LOG;
}

size_t vs_blame__slice(const struct vs_lat_cpu_log *log, uint64_t from_ns, uint64_t to_ns,
		       struct vs_lat_log *out, bool *cut)
{
	uint64_t end = __atomic_load_n(&log->position, __ATOMIC_ACQUIRE), i = end;
	struct vs_lat_log entry;
	size_t nr = 0;

	*cut = false;
	while (i > 0 && end - i < VS_LAT_LOG) {
		entry = log->entries[--i % VS_LAT_LOG];
		if (is_overwritten(log, i)) {
			*cut = true;
			break;
		}
		if (entry.time_ns < from_ns)
			break;
		if (entry.time_ns <= to_ns)
			out[VS_LAT_LOG - ++nr] = entry;
	}
	*cut |= nr && i && end - i == VS_LAT_LOG;
	memmove(out, out + VS_LAT_LOG - nr, nr * sizeof(*out));
	return nr;
}

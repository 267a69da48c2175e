// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "base/name.h"
#include "base/plural.h"
#include "base/words.h"
#include "latency/print.h"

/* The sentence names a part if it has at least a fiftieth of the delay. */
#define WORTH 50
#define MAX_TOLD 4

void vs_latency_sink__init(struct vs_latency_sink *s, const struct vs_latency_sink_opts *opts)
{
	*s = (struct vs_latency_sink){
		.opts = *opts,
		.ops = opts->json ? &vs_latency_json : &vs_latency_text,
	};
	vs_out__init(&s->out, opts->fd);
}

void vs_latency_sink__fini(struct vs_latency_sink *s)
{
	vs_out__fini(&s->out);
}

int vs_latency_sink__flush(struct vs_latency_sink *s)
{
	return vs_out__flush(&s->out);
}

void vs_latency_words__func(const struct vs_latency_sink *s, uint64_t func, char *buf, size_t size)
{
	if (!s->opts.resolve || !s->opts.resolve(s->opts.ctx, func, buf, size))
		snprintf(buf, size, "0x%llx", (unsigned long long)func);
}

static void append_pool(char *buf, size_t size, const struct vs_lat_event *work, int32_t pool)
{
	vs_words__append(buf, size, " on pool %d", pool);
	if (pool == work->q.pool && work->q.pool_cpu >= 0)
		vs_words__append(buf, size, " (cpu %d)", work->q.pool_cpu);
	else if (pool == work->q.pool)
		vs_words__append(buf, size, " (unbound)");
}

static void append_task(char *buf, size_t size, const struct vs_blame_part *part)
{
	char task[VS_TASK_LEN];

	vs_name__task(task, part->comm, part->tid, 0);
	vs_words__append(buf, size, "CPU taken by %s", task);
}

void vs_latency_words__part(const struct vs_latency_sink *s, const struct vs_lat_event *work,
			    const struct vs_blame_part *part, char *buf, size_t size)
{
	char func[128] = "";

	*buf = '\0';
	if (part->func)
		vs_latency_words__func(s, part->func, func, sizeof(func));
	switch (part->why) {
	case VS_BLAME_WORK:
		vs_words__append(buf, size, "behind %s", func);
		append_pool(buf, size, work, part->pool);
		break;
	case VS_BLAME_HELD:
		vs_words__append(buf, size, "behind max_active");
		if (work->q.max_active > 0)
			vs_words__append(buf, size, " %d", work->q.max_active);
		vs_words__append(buf, size, "%s%.32s, held by %s", work->name[0] ? " of " : "", work->name,
		       func);
		append_pool(buf, size, work, part->pool);
		break;
	case VS_BLAME_OTHER_POOL:
		vs_words__append(buf, size, "CPU taken by %s", func);
		append_pool(buf, size, work, part->pool);
		break;
	case VS_BLAME_TASK:
		append_task(buf, size, part);
		break;
	case VS_BLAME_WORKER:
		vs_words__append(buf, size, "worker wakeup");
		break;
	case VS_BLAME_NO_WORKER:
		vs_words__append(buf, size, "no idle worker, one was made");
		break;
	case VS_BLAME_UNWATCHED:
		vs_words__append(buf, size, "before it was watched (--blame full)");
		break;
	case VS_BLAME_UNKNOWN:
		vs_words__append(buf, size, "not explained");
		break;
	}
}

void vs_latency_words__blame(const struct vs_latency_sink *s, const struct vs_worst_row *row,
			     char *buf, size_t size)
{
	const struct vs_blame *blame = &row->blame;
	uint64_t left = blame->delay_ns;
	char time[32], what[200];
	size_t i;

	vs_words__duration(time, sizeof(time), blame->delay_ns);
	snprintf(buf, size, "delayed %s", time);
	for (i = 0; i < blame->nr && i < MAX_TOLD; i++) {
		if (i && blame->parts[i].ns < blame->delay_ns / WORTH)
			break;
		vs_words__duration(time, sizeof(time), blame->parts[i].ns);
		vs_latency_words__part(s, &row->work, &blame->parts[i], what, sizeof(what));
		vs_words__append(buf, size, "%s %s %s", i ? "," : ":", time, what);
		left -= blame->parts[i].ns;
	}
	vs_words__duration(time, sizeof(time), left);
	if (i < blame->nr)
		vs_words__append(buf, size, ", %s %zu other%s", time, blame->nr - i,
		       vs_plural(blame->nr - i));
	if (blame->ahead)
		vs_words__append(buf, size, "; %u work%s of its pool went first", blame->ahead,
		       vs_plural(blame->ahead));
}

static void append_state(char *buf, size_t size, const struct vs_late *late)
{
	char time[32];

	if (late->end_ns) {
		vs_words__duration(time, sizeof(time), late->end_ns - late->start_ns);
		vs_words__append(buf, size, " and ran for %s", time);
	} else if (late->start_ns) {
		vs_words__duration(time, sizeof(time), late->time_ns - late->start_ns);
		vs_words__append(buf, size, ", runs since %s in worker %u", time, late->tid);
	} else {
		vs_words__append(buf, size, ", not started");
	}
	vs_words__append(buf, size, " (pool %d", late->pool);
	if (late->pool_cpu >= 0)
		vs_words__append(buf, size, ", cpu %d", late->pool_cpu);
	vs_words__append(buf, size, ")");
	if (late->kind == VS_LATE_LOST && !late->bug)
		vs_words__append(buf, size, "; it is pending still");
}

void vs_latency_words__late(const struct vs_latency_sink *s, const struct vs_late *late,
			    char *buf, size_t size)
{
	char func[128], time[32], group[40] = "";

	vs_latency_words__func(s, late->func, func, sizeof(func));
	vs_words__duration(time, sizeof(time), late->age_ns);
	if (late->group && late->number >= 0)
		snprintf(group, sizeof(group), " of group %d", late->number);
	snprintf(buf, size, "%s: ", vs_late__name(late->kind));
	if (late->kind == VS_LATE_FREED) {
		vs_words__append(buf, size, "group %d is released by task %u while queued works still hold "
		       "references on it", late->number, late->tid);
		return;
	}
	vs_words__append(buf, size, late->end_ns ? "%s%s ended %s after it was queued"
				       : "%s%s was queued %s ago", func, group, time);
	append_state(buf, size, late);
}

// SPDX-License-Identifier: GPL-2.0
#include "run/session_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/frames.h"
#include "ledger/refs_report.h"

#define DEFAULT_GROUPS 4096
#define DEFAULT_HISTORY 64
#define DEFAULT_DEFERRED 4096
#define DEFAULT_TASKS 4096

/* Calls the sinks that want each event. */
#define EACH_EVENT_SINK(s, call, ...)						\
	do {									\
		for (size_t i_ = 0; i_ < (s)->opts.nr_sinks; i_++)		\
			if (!(s)->sinks[i_]->no_events)				\
				(s)->sinks[i_]->ops->call((s)->sinks[i_], ##__VA_ARGS__); \
	} while (0)

static size_t or_default(size_t value, size_t fallback)
{
	return value ? value : fallback;
}

static bool is_ready(struct vs_sink *sink)
{
	return !sink->ops->ready || sink->ops->ready(sink);
}

static void sync_sinks(struct vs_session *s)
{
	for (size_t i = 0; i < s->opts.nr_sinks; i++)
		if (s->sinks[i]->durable && s->sinks[i]->ops->sync)
			s->sinks[i]->ops->sync(s->sinks[i]);
}

/*
 * The finding goes first to sinks that can take it at once (sinks are sorted: durable ones lead), then
 * we wait for the disk, then for slow readers.
 */
static void say_to_sinks(struct vs_session *s, const struct vs_finding *f)
{
	uint64_t behind = 0;

	for (size_t i = 0; i < s->opts.nr_sinks; i++) {
		if (s->sinks[i]->durable || i >= 64 || is_ready(s->sinks[i]))
			s->sinks[i]->ops->finding(s->sinks[i], f);
		else
			behind |= 1ull << i;
	}
	if (f->grade == VS_GRADE_BUG)
		sync_sinks(s);
	for (size_t i = 0; i < 64 && behind >> i; i++)
		if (behind >> i & 1)
			s->sinks[i]->ops->finding(s->sinks[i], f);
}

static void mark_deadlocked(struct vs_session *s, const struct vs_finding *f)
{
	struct vs_group *group = vs_groups__at(s->groups, f->group.address);

	if (!group)
		group = vs_groups__numbered(s->groups, f->group.number);
	if (group)
		group->deadlocked = true;
}

static void say_finding(void *ctx, struct vs_finding *f)
{
	struct vs_session *s = ctx;

	if (f->kind == VS_NOTIFIER_DEADLOCK && f->group.known)
		mark_deadlocked(s, f);
	f->said_ns = s->opts.calls.now_ns ? s->opts.calls.now_ns(s->opts.ctx) : 0;
	if (s->opts.ear)
		s->opts.ear->said(s->opts.ear->ctx, f);
	say_to_sinks(s, f);
}

static int read_stack(void *ctx, uint32_t tid, char *buf, size_t size)
{
	struct vs_session *s = ctx;

	if (!s->opts.calls.kernel_stack)
		return -ENOTSUP;
	return s->opts.calls.kernel_stack(s->opts.ctx, tid, buf, size);
}

/* The ledger of references knows addresses and numbers, not devices. */
static void say_ref_finding(void *ctx, struct vs_finding *f)
{
	struct vs_session *s = ctx;

	f->group.devices = vs_session__devices(s, f->group.number);
	say_finding(ctx, f);
}

static bool task_alive(void *ctx, uint32_t tgid)
{
	struct vs_session *s = ctx;

	return !s->opts.calls.task_alive || s->opts.calls.task_alive(s->opts.ctx, tgid);
}

static bool was_lost(void *ctx)
{
	struct vs_session *s = ctx;

	return s->opts.calls.was_lost && s->opts.calls.was_lost(s->opts.ctx);
}

static bool is_blind(void *ctx)
{
	struct vs_session *s = ctx;

	return s->opts.calls.is_blind && s->opts.calls.is_blind(s->opts.ctx);
}

static bool was_skipped(void *ctx)
{
	struct vs_session *s = ctx;

	return s->opts.calls.was_skipped && s->opts.calls.was_skipped(s->opts.ctx);
}

static int make_refs(struct vs_session *s)
{
	struct vs_refs_opts opts = s->opts.refs;

	if (!s->opts.keep_refs)
		return 0;
	opts.ctx = s;
	opts.say = say_ref_finding;
	opts.task_alive = task_alive;
	opts.was_lost = was_lost;
	opts.is_blind = is_blind;
	opts.sites = s->sites;
	opts.max_groups = or_default(s->opts.max_groups, DEFAULT_GROUPS);
	s->refs = vs_refs__new(&opts);
	return s->refs ? 0 : -ENOMEM;
}

static void say_waited(void *ctx, const struct vs_registration_book *b)
{
	struct vs_session *s = ctx;
	struct vs_group_view view;

	vs_group__view(vs_groups__numbered(s->groups, b->number), &view);
	if (s->opts.no_waits || !vs_filter__match_group(s->opts.filter, &view))
		return;
	for (size_t i = 0; i < s->opts.nr_sinks; i++)
		if (s->sinks[i]->ops->waited)
			s->sinks[i]->ops->waited(s->sinks[i], b, &view, s->sites);
}

static int make_registrations(struct vs_session *s)
{
	s->registrations = vs_registrations__new(&(struct vs_registrations_opts){
		.max_refs = s->opts.refs.max_refs,
		.patience_ns = s->opts.refs.older_ns,
		.sites = s->sites,
		.ctx = s,
		.say = say_ref_finding,
		.waited = say_waited,
	});
	return s->registrations ? 0 : -ENOMEM;
}

static int copy_sinks(struct vs_session *s)
{
	size_t nr = 0;

	s->sinks = calloc(or_default(s->opts.nr_sinks, 1), sizeof(s->sinks[0]));
	if (!s->sinks)
		return -ENOMEM;
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < s->opts.nr_sinks; i++)
			if (s->opts.sinks[i]->durable == !pass)
				s->sinks[nr++] = s->opts.sinks[i];
	return 0;
}

static int make_ledger(struct vs_session *s)
{
	const struct vs_session_opts *o = &s->opts;

	s->groups = vs_groups__new(or_default(o->max_groups, DEFAULT_GROUPS),
				   or_default(o->history, DEFAULT_HISTORY));
	s->tasks = vs_tasks__new(or_default(o->max_tasks, DEFAULT_TASKS));
	s->deferreds = vs_deferreds__new(or_default(o->max_deferred, DEFAULT_DEFERRED));
	s->sites = vs_sites__new(o->calls.resolve_ip, o->ctx);
	if (!s->groups || !s->tasks || !s->deferreds || !s->sites)
		return -ENOMEM;
	s->detect = vs_detect__new(&(struct vs_detect_opts){
		.ctx = s,
		.say = say_finding,
		.kernel_stack = read_stack,
		.was_skipped = was_skipped,
		.sites = s->sites,
		.groups = s->groups,
		.tasks = s->tasks,
	});
	if (!s->detect || make_registrations(s))
		return -ENOMEM;
	return make_refs(s);
}

struct vs_session *vs_session__new(const struct vs_session_opts *opts)
{
	struct vs_session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->opts = *opts;
	if (!copy_sinks(s) && !make_ledger(s))
		return s;
	vs_session__free(s);
	errno = ENOMEM;
	return NULL;
}

void vs_session__free(struct vs_session *s)
{
	if (!s)
		return;
	vs_refs__free(s->refs);
	vs_registrations__free(s->registrations);
	vs_detect__free(s->detect);
	vs_sites__free(s->sites);
	vs_deferreds__free(s->deferreds);
	vs_tasks__free(s->tasks);
	vs_groups__free(s->groups);
	free(s->sinks);
	free(s);
}

static void set_probes(struct vs_session *s, const struct vs_probe_row *rows, size_t nr)
{
	s->probes = rows;
	s->nr_probes = nr;
}

static void start(struct vs_session *s, const struct vs_start *begin)
{
	s->first_ns = begin->mono_ns;
	set_probes(s, begin->probes, begin->nr_probes);
	EACH_SINK(s, start, begin);
}

static int skip(struct vs_session *s, int err)
{
	if (err == -ENOENT)
		s->losses[VS_LOSS_UNKNOWN_TYPE].total++;
	else if (err == -EOVERFLOW)
		s->losses[VS_LOSS_NEWER_RECORD].total++;
	else
		s->losses[VS_LOSS_BAD_RECORD].total++;
	return err;
}

static const void *align(struct vs_session *s, const void *record, size_t len)
{
	if (!((uintptr_t)record % _Alignof(struct vs_alarm_event)))
		return record;
	if (len > sizeof(s->aligned))
		len = sizeof(s->aligned);
	return memcpy(&s->aligned, record, len);
}

static uint64_t address_of(struct vs_session *s, const struct vs_event *e)
{
	uint64_t address = e->group ? e->group : e->ctx_group;

	if (!address && e->type == VS_END)
		address = vs_deferreds__group(s->deferreds, e->object);
	return address;
}

static void add_names(struct vs_group *group, char *names)
{
	char *rest = names, *one;

	while ((one = strsep(&rest, " \t\n")))
		vs_group__add_device(group, one);
}

/* We ask the system once per group, and add the devices that later events name. */
static void learn_devices(struct vs_session *s, struct vs_group *group, const char *device)
{
	char names[VS_DEVICES_LEN];

	if (!group->devices_asked && group->number >= 0) {
		group->devices_asked = true;
		if (s->opts.calls.group_devices &&
		    !s->opts.calls.group_devices(s->opts.ctx, group->number, names,
						 sizeof(names)))
			add_names(group, names);
	}
	vs_group__add_device(group, device);
}

static void seed(struct vs_session *s, const struct vs_snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->nr_groups; i++) {
		const struct vs_snap_group *g = &snapshot->groups[i];
		struct vs_group *group = vs_groups__know(s->groups, g->number, g->address);

		if (group)
			learn_devices(s, group, "");
	}
	if (s->refs)
		vs_refs__seed(s->refs, snapshot);
	vs_registrations__seed(s->registrations, snapshot);
}

static void check(struct vs_session *s, const struct vs_snapshot *snapshot)
{
	if (s->refs && !s->blind)
		vs_refs__check(s->refs, snapshot);
}

static void check_registrations(struct vs_session *s, const struct vs_snapshot *snapshot)
{
	if (!s->blind)
		vs_registrations__check(s->registrations, snapshot);
}

static void gets_seen(struct vs_session *s, unsigned int what)
{
	if (s->refs)
		vs_refs__gets_seen(s->refs, what & VS_GETS_OF_GROUPS);
	vs_registrations__gets_seen(s->registrations, what & VS_GETS_OF_DEVICES);
}

struct vs_registrations *vs_session__registrations(const struct vs_session *s)
{
	return s->registrations;
}

static bool is_wanted(void *ctx, const struct vs_group_view *view)
{
	return vs_filter__match_group(((struct vs_session *)ctx)->opts.filter, view);
}

static const char *devices_of(void *ctx, int number)
{
	return vs_session__devices(ctx, number);
}

static int say_ledger(struct vs_session *s, const struct vs_input *in)
{
	struct vs_refs_report *report;

	if (!s->refs || s->opts.no_ledger)
		return 0;
	report = vs_refs_report__new(&(struct vs_refs_report_opts){
		.refs = s->refs,
		.registrations = s->registrations,
		.snapshot = in->snapshot,
		.sites = s->sites,
		.now_ns = in->time_ns,
		.older_ns = s->opts.refs.older_ns,
		.traced = in->what & VS_LEDGER_TRACED,
		.last = in->what & VS_LEDGER_LAST,
		.stacks = in->what & VS_LEDGER_STACKS,
		.wanted = is_wanted,
		.devices = devices_of,
		.ctx = s,
	});

	if (!report)
		return -ENOMEM;
	for (size_t i = 0; i < s->opts.nr_sinks; i++)
		if (s->sinks[i]->ops->ledger)
			s->sinks[i]->ops->ledger(s->sinks[i], report);
	vs_refs_report__free(report);
	return 0;
}

struct vs_refs *vs_session__refs(const struct vs_session *s)
{
	return s->refs;
}

const char *vs_session__devices(const struct vs_session *s, int number)
{
	const struct vs_group *group = vs_groups__numbered(s->groups, number);

	return group && group->devices ? group->devices : "";
}

static void count_missed(struct vs_session *s, const struct vs_task *gone)
{
	struct vs_group *group = vs_groups__at(s->groups, gone->group);

	if (!group)
		group = vs_groups__numbered(s->groups, gone->iommu_group);
	if (group)
		group->counts.not_found++;
	s->not_found++;
}

/* Follows the notifier; returns the time when the task took its reference there, 0 if unknown. */
static uint64_t follow_notifier(struct vs_session *s, const struct vs_event *e,
				struct vs_group *group)
{
	const struct vs_task *task;
	struct vs_task gone;
	bool got;

	if (e->context != VS_CTX_NOTIFIER && e->type != VS_NOTIFIER_ENTER &&
	    e->type != VS_NOTIFIER_EXIT)
		return 0;
	task = vs_tasks__find(s->tasks, e->tid);
	got = task && task->got;
	if (vs_tasks__feed(s->tasks, e, &gone))
		count_missed(s, &gone);
	task = vs_tasks__find(s->tasks, e->tid);
	if (!task || !task->got)
		return 0;
	if (!got) {
		s->found++;
		if (group)
			group->counts.found++;
	}
	return task->get_ns;
}

static void make_view(struct vs_view *v, const struct vs_event *e, const struct vs_group *group)
{
	v->e = e;
	v->alarm = vs_record__alarm(e);
	v->device = vs_record__device(e);
	v->site = "";
	v->stack = NULL;
	v->nr_stack = 0;
	vs_group__view(group, &v->group);
}

static void name_frames(struct vs_session *s, struct vs_view *v)
{
	const struct vs_stack_event *stack = vs_record__stack(v->e);

	if (!stack || s->opts.no_stacks)
		return;
	v->nr_stack = vs_frames__names(s->sites, stack->stack, vs_stack__length(stack), s->frames);
	v->stack = (const char (*)[VS_SITE_LEN])s->frames;
}

/* Names the caller of the helper that made a change, not the helper. */
static void name_caller(struct vs_session *s, struct vs_view *v)
{
	const struct vs_stack_event *stack = vs_record__stack(v->e);
	size_t nr = stack ? vs_stack__length(stack) : 0;
	size_t caller = v->e->type == VS_CHANGE ? vs_sites__caller(s->sites, stack->stack, nr) : nr;

	v->site = vs_sites__name(s->sites, caller < nr ? stack->stack[caller] : v->e->ip);
}

static void name_site(struct vs_session *s, struct vs_view *v)
{
	if (vs_record__is_registration(v->e)) {
		v->site = vs_sites__name(s->sites,
					 vs_registrations__place(s->registrations, v->e));
		return;
	}
	name_caller(s, v);
}

static void show_event(struct vs_session *s, struct vs_view *v)
{
	if (s->opts.no_events || !s->opts.nr_sinks || !vs_filter__match(s->opts.filter, v))
		return;
	s->shown++;
	name_frames(s, v);
	name_site(s, v);
	EACH_EVENT_SINK(s, event, v);
}

/* The line of a deferred put passes the filter if the event that ended it does. */
static void show_deferred(struct vs_session *s, const struct vs_deferred *d,
			  const struct vs_view *v)
{
	if (d && !s->opts.no_deferred && vs_filter__match(s->opts.filter, v))
		EACH_EVENT_SINK(s, deferred, d, &v->group);
}

static void take_event(struct vs_session *s, const struct vs_event *e)
{
	struct vs_group *group = vs_groups__take(s->groups, e, address_of(s, e));
	const struct vs_deferred *done;
	struct vs_view view;
	uint64_t get_ns;

	if (group)
		learn_devices(s, group, vs_record__device(e));
	get_ns = follow_notifier(s, e, group);
	done = vs_deferreds__feed(s->deferreds, e, group ? group->number : e->iommu_group,
				  group ? group->generation : 0, get_ns);
	make_view(&view, e, group);
	show_event(s, &view);
	show_deferred(s, done, &view);
	vs_detect__feed(s->detect, e, group);
	if (s->blind)
		return;
	if (s->refs)
		vs_refs__feed(s->refs, e, group);
	vs_registrations__feed(s->registrations, e);
}

static void note_time(struct vs_session *s, const struct vs_event *e)
{
	if (!s->first_ns)
		s->first_ns = e->time_ns;
	if (e->time_ns > s->last_ns)
		s->last_ns = e->time_ns;
	s->events++;
	s->by_type[e->type]++;
	if (e->type == VS_MODULE_LOAD || e->type == VS_MODULE_FREE)
		vs_sites__forget(s->sites);
}

static bool tick_ledger(struct vs_session *s, uint64_t now_ns, unsigned int due)
{
	uint64_t waits = vs_registrations__said(s->registrations);
	uint64_t deadline = vs_detect__deadline(s->detect);
	bool changed;

	vs_detect__tick(s->detect, now_ns);
	changed = s->refs && vs_refs__settle(s->refs, now_ns, due);
	vs_registrations__tick(s->registrations, now_ns);
	return changed || vs_detect__deadline(s->detect) != deadline ||
	       vs_registrations__said(s->registrations) != waits;
}

static unsigned int due(struct vs_session *s, uint64_t now_ns)
{
	return s->refs ? vs_refs__due(s->refs, now_ns) : 0;
}

static int feed(struct vs_session *s, const void *record, size_t len)
{
	const struct vs_event *e;
	int err = vs_record__check(align(s, record, len), len, &e);

	if (err)
		return skip(s, err);
	note_time(s, e);
	take_event(s, e);
	if (!s->opts.calls.now_ns)
		tick_ledger(s, s->last_ns, due(s, s->last_ns));
	return 0;
}

static bool tick(struct vs_session *s, uint64_t now_ns, unsigned int what)
{
	bool changed = tick_ledger(s, now_ns, what);

	return session_say_losses(s) || changed;
}

uint64_t vs_session__deadline(const struct vs_session *s)
{
	return vs_detect__deadline(s->detect);
}

int vs_session__flush(struct vs_session *s)
{
	for (size_t i = 0; i < s->opts.nr_sinks; i++) {
		int err = vs_sink__flush(s->sinks[i]);

		if (!s->write_error)
			s->write_error = err;
	}
	return s->write_error;
}

static void finish(struct vs_session *s, uint64_t now_ns)
{
	if (!now_ns)
		now_ns = s->last_ns;
	tick(s, UINT64_MAX, VS_REFS_WALK);
	vs_registrations__finish(s->registrations, now_ns);
	for (size_t i = 0; i < s->opts.nr_sinks; i++)
		vs_session__summarize(s, now_ns, s->sinks[i]);
	vs_session__flush(s);
	sync_sinks(s);
}

int vs_session__finish(struct vs_session *s, uint64_t now_ns, struct vs_session_result *result)
{
	vs_session__take(s, &(struct vs_input){ .kind = VS_IN_FINISH, .time_ns = now_ns });
	if (result)
		vs_session__result(s, result);
	return s->write_error;
}

/* -- the door -- */

static int hand_on(struct vs_session *s, const struct vs_input *in, bool *changed)
{
	switch (in->kind) {
	case VS_IN_START:
		start(s, in->start);
		break;
	case VS_IN_PROBES:
		set_probes(s, in->rows, in->nr);
		break;
	case VS_IN_SEED:
		seed(s, in->snapshot);
		break;
	case VS_IN_RESEED:
		if (s->refs)
			vs_refs__seed(s->refs, in->snapshot);
		break;
	case VS_IN_GETS_SEEN:
		gets_seen(s, in->what);
		break;
	case VS_IN_WATCHED:
		if (s->refs)
			vs_refs__watched(s->refs, in->address, in->number, in->time_ns, in->seq);
		break;
	case VS_IN_EVENT:
		return feed(s, in->record, in->len);
	case VS_IN_TICK:
		*changed = tick(s, in->time_ns, in->what);
		break;
	case VS_IN_CHECK:
		check(s, in->snapshot);
		break;
	case VS_IN_CHECK_REGISTRATIONS:
		check_registrations(s, in->snapshot);
		break;
	case VS_IN_LEDGER:
		return say_ledger(s, in);
	case VS_IN_FINISH:
		finish(s, in->time_ns);
		break;
	default:
		return session_take_unseen(s, in);
	}
	return 0;
}

int vs_session__take(struct vs_session *s, const struct vs_input *in)
{
	const struct vs_input_ear *ear = s->opts.ear;
	bool changed = true;
	int err;

	if (ear)
		ear->begins(ear->ctx);
	err = hand_on(s, in, &changed);
	if (ear)
		ear->heard(ear->ctx, in, changed);
	return err;
}

void vs_session__start(struct vs_session *s, const struct vs_start *begin)
{
	vs_session__take(s, &(struct vs_input){ .kind = VS_IN_START, .start = begin });
}

void vs_session__set_probes(struct vs_session *s, const struct vs_probe_row *rows, size_t nr)
{
	vs_session__take(s, &(struct vs_input){ .kind = VS_IN_PROBES, .rows = rows, .nr = nr });
}

static void take_snapshot(struct vs_session *s, enum vs_input_kind kind, const struct vs_snapshot *snapshot)
{
	vs_session__take(s, &(struct vs_input){ .kind = kind, .snapshot = snapshot });
}

void vs_session__seed(struct vs_session *s, const struct vs_snapshot *snapshot)
{
	take_snapshot(s, VS_IN_SEED, snapshot);
}

void vs_session__reseed(struct vs_session *s, const struct vs_snapshot *snapshot)
{
	take_snapshot(s, VS_IN_RESEED, snapshot);
}

void vs_session__check(struct vs_session *s, const struct vs_snapshot *snapshot)
{
	take_snapshot(s, VS_IN_CHECK, snapshot);
}

void vs_session__check_registrations(struct vs_session *s, const struct vs_snapshot *snapshot)
{
	take_snapshot(s, VS_IN_CHECK_REGISTRATIONS, snapshot);
}

void vs_session__gets_seen(struct vs_session *s, bool groups, bool devices)
{
	vs_session__take(s, &(struct vs_input){
		.kind = VS_IN_GETS_SEEN,
		.what = (groups ? VS_GETS_OF_GROUPS : 0) | (devices ? VS_GETS_OF_DEVICES : 0),
	});
}

void vs_session__watched(struct vs_session *s, uint64_t address, int number, uint64_t since_ns,
			 uint64_t since_seq)
{
	vs_session__take(s, &(struct vs_input){
		.kind = VS_IN_WATCHED, .address = address, .number = number, .time_ns = since_ns,
		.seq = since_seq,
	});
}

int vs_session__say_ledger(struct vs_session *s, const struct vs_ledger_opts *opts)
{
	return vs_session__take(s, &(struct vs_input){
		.kind = VS_IN_LEDGER, .snapshot = opts->snapshot, .time_ns = opts->now_ns,
		.what = (opts->traced ? VS_LEDGER_TRACED : 0) | (opts->last ? VS_LEDGER_LAST : 0) |
			(opts->stacks ? VS_LEDGER_STACKS : 0),
	});
}

int vs_session__feed(struct vs_session *s, const void *record, size_t len)
{
	return vs_session__take(s, &(struct vs_input){ .kind = VS_IN_EVENT, .record = record, .len = len });
}

void vs_session__tick(struct vs_session *s, uint64_t now_ns)
{
	vs_session__take(s, &(struct vs_input){ .kind = VS_IN_TICK, .time_ns = now_ns, .what = due(s, now_ns) });
}

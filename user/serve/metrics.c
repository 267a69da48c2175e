// SPDX-License-Identifier: GPL-2.0
#include "serve/metrics.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/name.h"

enum kind { GAUGE, COUNTER, HISTOGRAM };

struct family {
	const char *name;	/* without _total, which counters get */
	enum kind kind;
	const char *help;
	size_t offset;		/* of the one number, where there is no `each` */
	bool seconds;		/* it is a time in ns */
	bool moment;		/* it is a moment of CLOCK_MONOTONIC */
	bool of_process;	/* the process' own: not in a file for node_exporter */
	void (*each)(struct vs_out *o, const struct family *f, const struct vs_page *p);
};

/* -- samples -- */

static void put_name(struct vs_out *o, const struct family *f, const char *suffix)
{
	if (!f->of_process)
		vs_out__puts(o, "vfioscope_");
	vs_out__text(o, f->name);
	vs_out__text(o, suffix);
}

/* Anybody may have chosen the value: what is left of it is printable ASCII. */
static void put_label(struct vs_out *o, bool first, const char *label, const char *value, size_t max)
{
	char plain[VS_NAME_BYTE * VS_PAGE_WORDS + 1];

	vs_name__escape(plain, sizeof(plain), value, max < VS_PAGE_WORDS ? max : VS_PAGE_WORDS);
	vs_out__printf(o, "%c%s=\"", first ? '{' : ',', label);
	for (const char *c = plain; *c; c++) {
		if (*c == '\\' || *c == '"')
			vs_out__puts(o, "\\");
		vs_out__raw(o, c, 1);
	}
	vs_out__puts(o, "\"");
}

static void put_seconds(struct vs_out *o, uint64_t ns)
{
	vs_out__printf(o, "%llu.%09llu", (unsigned long long)(ns / 1000000000),
		       (unsigned long long)(ns % 1000000000));
}

static void put_number(struct vs_out *o, const struct family *f, const struct vs_page *p, uint64_t value)
{
	vs_out__puts(o, " ");
	if (f->moment)
		value = vs_page__wall_ns(p, value);
	if (f->seconds || f->moment)
		put_seconds(o, value);
	else
		vs_out__printf(o, "%llu", (unsigned long long)value);
	vs_out__puts(o, "\n");
}

static const char *suffix_of(const struct family *f)
{
	return f->kind == COUNTER ? "_total" : "";
}

/* One sample with up to two labels; a NULL label is none. */
static void put_two(struct vs_out *o, const struct family *f, const struct vs_page *p, const char *label,
		    const char *value, const char *label2, const char *value2, uint64_t number)
{
	put_name(o, f, suffix_of(f));
	if (label)
		put_label(o, true, label, value, VS_PAGE_WORDS);
	if (label2)
		put_label(o, false, label2, value2, VS_PAGE_WORDS);
	if (label)
		vs_out__puts(o, "}");
	put_number(o, f, p, number);
}

static void put_one(struct vs_out *o, const struct family *f, const struct vs_page *p, const char *label,
		    const char *value, uint64_t number)
{
	put_two(o, f, p, label, value, NULL, NULL, number);
}

/* -- families with labels -- */

static void put_build(struct vs_out *o, const struct family *f, const struct vs_page *p)
{
	put_one(o, f, p, "version", p->version, 1);
}

static void put_fix(struct vs_out *o, const struct family *f, const struct vs_page *p)
{
	put_name(o, f, "");
	put_label(o, true, "verdict", vs_fix__name(p->fix), VS_PAGE_WORDS);
	put_label(o, false, "vfio", p->vfio, VS_PAGE_WORDS);
	put_label(o, false, "kernel", p->kernel, VS_PAGE_WORDS);
	vs_out__puts(o, "} 1\n");
}

static void put_down(struct vs_out *o, const struct family *f, const struct vs_page *p)
{
	if (!p->up)
		put_one(o, f, p, "why", p->down, 1);
}

static void put_groups(struct vs_out *o, const struct family *f, const struct vs_page *p)
{
	for (unsigned int i = 0; i < VS_PAGE_SUSPICIONS; i++)
		put_one(o, f, p, "suspicion", vs_suspicion__name(i), p->groups[i]);
}

static void put_references(struct vs_out *o, const struct family *f, const struct vs_page *p)
{
	for (unsigned int i = 0; i < VS_PAGE_CLASSES; i++)
		put_one(o, f, p, "class", vs_page_class__name(i), p->references[i]);
}

/* A finding of the ledger that rests on incomplete books is a hazard: refs_say.c. */
static bool can_be(enum vs_finding_kind kind, enum vs_grade grade)
{
	return grade == vs_finding__grade(kind) ||
	       (grade == VS_GRADE_HAZARD && vs_finding__grade(kind) == VS_GRADE_BUG &&
		!vs_finding__is_deadlock(kind));
}

static void put_findings(struct vs_out *o, const struct family *f, const struct vs_page *p)
{
	for (int kind = 0; kind < VS_FINDING_KINDS; kind++)
		for (int grade = 0; grade < VS_GRADES; grade++)
			if (can_be(kind, grade) || p->findings[kind][grade])
				put_two(o, f, p, "finding", vs_finding__name(kind), "grade",
					vs_grade__name(grade), p->findings[kind][grade]);
}

static void put_last_findings(struct vs_out *o, const struct family *f, const struct vs_page *p)
{
	for (int grade = 0; grade < VS_GRADES; grade++)
		put_one(o, f, p, "grade", vs_grade__name(grade), p->last_finding_ns[grade]);
}

static void put_deadlocked(struct vs_out *o, const struct family *f, const struct vs_page *p)
{
	put_one(o, f, p, "chain", "vfio", vs_page__deadlocked(p, VS_NOTIFIER_DEADLOCK));
	put_one(o, f, p, "chain", "other", vs_page__deadlocked(p, VS_CHAIN_DEADLOCK_FOUND));
}

static void put_place(struct vs_out *o, const struct family *f, const struct vs_page_wait *w)
{
	put_name(o, f, "");
	put_label(o, true, "device", w->device, sizeof(w->device));
	vs_out__printf(o, ",group=\"%d\"", w->group);
}

static void put_waits(struct vs_out *o, const struct family *f, const struct vs_page *p)
{
	for (size_t i = 0; i < p->nr_waits; i++) {
		put_place(o, f, &p->waits[i]);
		vs_out__puts(o, "}");
		put_number(o, f, p, p->waits[i].start_ns);
	}
}

static void put_holders(struct vs_out *o, const struct family *f, const struct vs_page *p)
{
	for (size_t i = 0; i < p->nr_waits; i++)
		for (size_t j = 0; j < p->waits[i].nr_holders; j++) {
			const struct vs_page_holder *h = &p->waits[i].holders[j];

			put_place(o, f, &p->waits[i]);
			put_label(o, false, "how", vs_page_how__name(h->how), VS_PAGE_WORDS);
			put_label(o, false, "comm", h->comm, sizeof(h->comm));
			vs_out__puts(o, "} 1\n");
		}
}

/* The shortest form with a dot: the bound of a bucket is a label, which must not change. */
static void put_bound(struct vs_out *o, uint64_t ns)
{
	char text[40];
	int len = snprintf(text, sizeof(text), "%llu.%09llu", (unsigned long long)(ns / 1000000000),
			   (unsigned long long)(ns % 1000000000));

	while (text[len - 1] == '0' && text[len - 2] != '.')
		text[--len] = '\0';
	vs_out__text(o, text);
}

static void put_bucket(struct vs_out *o, const struct family *f, const uint64_t *bound, uint64_t total)
{
	put_name(o, f, "_bucket");
	vs_out__puts(o, "{le=\"");
	if (bound)
		put_bound(o, *bound);
	else
		vs_out__puts(o, "+Inf");
	vs_out__printf(o, "\"} %llu\n", (unsigned long long)total);
}

static void put_times(struct vs_out *o, const struct family *f, const struct vs_page_times *t,
		      const uint64_t *bounds, size_t nr)
{
	uint64_t total = 0;

	for (size_t i = 0; i < nr; i++)
		put_bucket(o, f, &bounds[i], total += t->counts[i]);
	put_bucket(o, f, NULL, t->count);
	put_name(o, f, "_sum ");
	put_seconds(o, t->sum_ns);
	vs_out__puts(o, "\n");
	put_name(o, f, "_count ");
	vs_out__printf(o, "%llu\n", (unsigned long long)t->count);
}

static void put_waited(struct vs_out *o, const struct family *f, const struct vs_page *p)
{
	put_times(o, f, &p->waited, vs_page_wait_bounds, VS_PAGE_WAIT_BOUNDS);
}

static void put_put_times(struct vs_out *o, const struct family *f, const struct vs_page *p)
{
	uint64_t bounds[VS_PAGE_BOUNDS];

	for (size_t i = 0; i < VS_PAGE_BOUNDS; i++)
		bounds[i] = vs_page__put_bound(i);
	put_times(o, f, (const struct vs_page_times *)((const char *)p + f->offset), bounds, VS_PAGE_BOUNDS);
}

static void put_notifier(struct vs_out *o, const struct family *f, const struct vs_page *p)
{
	put_one(o, f, p, "group_found", "true", p->found);
	put_one(o, f, p, "group_found", "false", p->not_found);
}

static void put_events(struct vs_out *o, const struct family *f, const struct vs_page *p)
{
	for (unsigned int i = 0; i < VS_TYPE_END; i++)
		if (vs_type__name(i))
			put_one(o, f, p, "event", vs_type__name(i), p->by_type[i]);
}

static void put_losses(struct vs_out *o, const struct family *f, const struct vs_page *p)
{
	for (unsigned int i = 0; i < VS_LOSS_END; i++)
		if (p->losses[i].reported)
			put_one(o, f, p, "cause", vs_loss__name(i), p->losses[i].total);
}

static void put_unreported(struct vs_out *o, const struct family *f, const struct vs_page *p)
{
	uint64_t nr = 0;

	for (unsigned int i = 0; i < VS_LOSS_END; i++)
		nr += !p->losses[i].reported;
	put_one(o, f, p, NULL, NULL, nr);
}

static void put_hooks(struct vs_out *o, const struct family *f, const struct vs_page *p)
{
	for (unsigned int i = 0; i < VS_PAGE_STATUSES; i++)
		for (int required = 0; required < 2; required++)
			put_two(o, f, p, "status", vs_hook_status__name(i), "required",
				required ? "true" : "false", p->hooks[i][required]);
}

static void put_blind(struct vs_out *o, const struct family *f, const struct vs_page *p)
{
	for (unsigned int i = 0; i < VS_GAP_REASONS; i++)
		put_one(o, f, p, "why", vs_gap_why__name(i), p->blind[i]);
}

static void put_blind_time(struct vs_out *o, const struct family *f, const struct vs_page *p)
{
	for (unsigned int i = 0; i < VS_GAP_REASONS; i++)
		put_one(o, f, p, "why", vs_gap_why__name(i), p->blind_ns[i] +
			(p->blind[i] && p->mono_ns > p->blind_from_ns[i] ? p->mono_ns - p->blind_from_ns[i] : 0));
}

static void put_confined(struct vs_out *o, const struct family *f, const struct vs_page *p)
{
	static const char *const processes[VS_PAGE_PROCESSES] = { "tracer", "porch" };

	for (size_t i = 0; i < VS_PAGE_PROCESSES; i++)
		if (p->confined[i] >= 0)
			put_one(o, f, p, "process", processes[i], p->confined[i]);
}

static void put_requests(struct vs_out *o, const struct family *f, const struct vs_page *p)
{
	for (size_t i = 0; i < VS_PAGE_CODES; i++) {
		put_name(o, f, suffix_of(f));
		vs_out__printf(o, "{code=\"%u\"} %llu\n", vs_page_codes[i], (unsigned long long)p->requests[i]);
	}
}

static void put_up(struct vs_out *o, const struct family *f, const struct vs_page *p)
{
	put_one(o, f, p, NULL, NULL, p->up);
}

static void put_type(struct vs_out *o, const struct family *f, const struct vs_page *p)
{
	put_one(o, f, p, NULL, NULL, p->by_type[f->offset]);
}

/* -- the table -- */

#define AT(member) .offset = offsetof(struct vs_page, member)

static const struct family families[] = {
	{ "build_info", GAUGE, "The version of vfioscope.", .each = put_build },
	{ "kernel_fix_info", GAUGE, "If the running kernel has the fix of the notifier deadlock.", .each = put_fix },
	{ "up", GAUGE, "1 if the probes are armed and every required hook is there.", .each = put_up },
	{ "down_info", GAUGE, "The reason while vfioscope_up is 0.", .each = put_down },
	{ "groups", GAUGE, "VFIO groups, by the worst that is known of their references.", .each = put_groups },
	{ "group_creates", COUNTER, "VFIO groups created.", .offset = VS_CREATE, .each = put_type },
	{ "group_releases", COUNTER, "VFIO groups released.", .offset = VS_RELEASE, .each = put_type },
	{ "devices", GAUGE, "Devices registered with VFIO.", AT(devices) },
	{ "references", GAUGE, "References on groups, by the kind of holder.", .each = put_references },
	{ "reference_gets", COUNTER, "References taken.", AT(totals.gets) },
	{ "reference_puts", COUNTER, "References given back.", AT(totals.puts) },
	{ "reference_puts_unattributed", COUNTER, "Puts that fit no reference.", AT(totals.unattributed) },
	{ "reference_puts_guessed", COUNTER, "Puts that more than one holder could have made.", AT(totals.guessed) },
	{ "groups_differing", GAUGE, "Groups whose counter in the kernel is not that of the ledger.", AT(groups_differ) },
	{ "oldest_reference_time_seconds", GAUGE, "The time when the oldest reference was taken or found; 0: none.",
	  AT(oldest_ns), .moment = true },
	{ "findings", COUNTER, "Findings, by name and grade.", .each = put_findings },
	{ "last_finding_time_seconds", GAUGE, "The time of the last finding of a grade; 0: never.", .moment = true,
	  .each = put_last_findings },
	{ "deadlocked_tasks", GAUGE, "Tasks that wait for a lock that they hold themselves; they never return.",
	  .each = put_deadlocked },
	{ "unbinds_waiting", GAUGE, "Unbinds that wait for users of their device now.", AT(unbinds_waiting) },
	{ "unbind_oldest_wait_start_time_seconds", GAUGE, "The time when the longest of these waits began; 0: none.",
	  AT(oldest_wait_ns), .moment = true },
	{ "unbind_wait_seconds", HISTOGRAM, "How long unbinds had to wait that are over.", .each = put_waited },
	{ "unbind_wait_start_time_seconds", GAUGE, "The time when the unbind of a device began to wait.",
	  .moment = true, .each = put_waits },
	{ "unbind_wait_holder_info", GAUGE, "A holder that the unbind of a device waits for.", .each = put_holders },
	{ "notifier_events", COUNTER, "Notifier events, and if they found a group.", .each = put_notifier },
	{ "deferred_puts_queued", COUNTER, "Puts that the notifier handed to a worker.", AT(deferred.queued) },
	{ "deferred_puts_ended", COUNTER, "Deferred puts that have ended.", AT(deferred.ended) },
	{ "deferred_puts_last", COUNTER, "Deferred puts that released their group.", AT(deferred.released) },
	{ "deferred_puts_waiting", GAUGE, "Deferred puts that have not ended.", AT(outstanding) },
	{ "deferred_puts_lost", GAUGE, "Deferred puts that no worker has started for 10 s.", AT(overdue) },
	{ "deferred_put_start_seconds", HISTOGRAM, "From queueing a deferred put to its start.", AT(put_start),
	  .each = put_put_times },
	{ "deferred_put_seconds", HISTOGRAM, "From queueing a deferred put to its end.", AT(put_end),
	  .each = put_put_times },
	{ "events", COUNTER, "Events seen.", .each = put_events },
	{ "lost_events", COUNTER, "What was lost, by cause.", .each = put_losses },
	{ "loss_causes_unreported", GAUGE, "Causes of loss that this kernel does not report.", .each = put_unreported },
	{ "hooks", GAUGE, "Hooks by status, and if a run requires them.", .each = put_hooks },
	{ "probes_armed", GAUGE, "Probes in the kernel.", AT(probes_armed) },
	{ "blind", GAUGE, "1 while something may be missed for that reason.", .each = put_blind },
	{ "blind_seconds", COUNTER, "The time in which something may have been missed.", .seconds = true,
	  .each = put_blind_time },
	{ "failed_looks", COUNTER, "Comparisons with the kernel's memory that failed.", AT(failed_looks) },
	{ "confined", GAUGE, "1 if the process has its seccomp filter and no capability to spare.",
	  .each = put_confined },
	{ "render_seconds", GAUGE, "The time that the last page took.", AT(render_ns), .seconds = true },
	{ "page_time_seconds", GAUGE, "The time of this page.", AT(mono_ns), .moment = true },
	{ "http_requests", COUNTER, "Answers given, by status.", .each = put_requests },
	{ "http_connections_refused", COUNTER, "Connections that were ended: too slow.", AT(refused) },
	{ "series_dropped", GAUGE, "Waits and holders for which this page has no room.", AT(dropped) },
	{ "process_cpu_seconds", COUNTER, "CPU time of the tracing process.", AT(cpu_ns), .seconds = true,
	  .of_process = true },
	{ "process_resident_memory_bytes", GAUGE, "Memory of the tracing process.", AT(resident_bytes),
	  .of_process = true },
	{ "process_start_time_seconds", GAUGE, "The time when the run began.", AT(started_ns), .moment = true,
	  .of_process = true },
};

static void put_head(struct vs_out *o, const struct family *f, enum vs_metrics_form form)
{
	static const char *const kinds[] = { "gauge", "counter", "histogram" };
	const char *suffix = form == VS_METRICS_OPENMETRICS ? "" : suffix_of(f);

	vs_out__puts(o, "# HELP ");
	put_name(o, f, suffix);
	vs_out__printf(o, " %s\n# TYPE ", f->help);
	put_name(o, f, suffix);
	vs_out__printf(o, " %s\n", kinds[f->kind]);
}

void vs_metrics__write(struct vs_out *o, const struct vs_page *p, enum vs_metrics_form form)
{
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		const struct family *f = &families[i];

		if (f->of_process && form == VS_METRICS_TEXTFILE)
			continue;
		put_head(o, f, form);
		if (f->each)
			f->each(o, f, p);
		else
			put_one(o, f, p, NULL, NULL, *(const uint64_t *)((const char *)p + f->offset));
	}
	if (form == VS_METRICS_OPENMETRICS)
		vs_out__puts(o, "# EOF\n");
}

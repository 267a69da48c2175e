// SPDX-License-Identifier: GPL-2.0
#include "validate/rule.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/exit_codes.h"
#include "base/plural.h"
#include "vfio/functions.h"

static const struct {
	const char *name, *what;
} checks[VS_CHECKS] = {
	[VS_CHECK_CODE] = { "code", "the code of vfio defers the put of its notifier" },
	[VS_CHECK_PROBES] = { "probes", "every probe that applies was armed all the time" },
	[VS_CHECK_STRESS] = { "stress", "the load ran and put everything back" },
	[VS_CHECK_PATH] = { "path", "the worker made enough last puts" },
	[VS_CHECK_LOSSES] = { "losses", "no event was lost" },
	[VS_CHECK_DEADLOCK] = { "deadlock", "no task deadlocked in the notifier" },
	[VS_CHECK_NOTIFIER] = { "notifier", "no reference was put inside the notifier" },
	[VS_CHECK_ACCOUNTS] = { "accounts", "found = queued = started = ended" },
	[VS_CHECK_REFERENCES] = { "references", "no reference leaked or was put twice" },
	[VS_CHECK_KERNEL] = { "kernel", "no new taint, no warning in the kernel's log" },
};

const char *vs_check__name(enum vs_check_id id)
{
	return checks[id].name;
}

const char *vs_check__what(enum vs_check_id id)
{
	return checks[id].what;
}

const char *vs_check_status__name(enum vs_check_status status)
{
	static const char *const names[] = {
		[VS_CHECK_PASS] = "pass",
		[VS_CHECK_FAIL] = "fail",
		[VS_CHECK_UNKNOWN] = "unknown",
		[VS_CHECK_SKIP] = "skip",
	};

	return names[status];
}

__attribute__((format(printf, 3, 4)))
static void set(struct vs_check *c, enum vs_check_status status, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	c->status = status;
	vsnprintf(c->words, sizeof(c->words), fmt, args);
	va_end(args);
}

static enum vs_verdict code_verdict(const struct vs_validation *v)
{
	return v->inspection ? v->inspection->verdict : VS_VERDICT_INCONCLUSIVE;
}

static uint64_t found_kind(const struct vs_validation *v, enum vs_finding_kind kind)
{
	uint64_t nr = 0;

	for (int grade = 0; grade < VS_GRADES; grade++)
		nr += v->findings[kind][grade];
	return nr;
}

static bool not_applicable(const struct vs_validation *v)
{
	return code_verdict(v) == VS_VERDICT_NOT_APPLICABLE;
}

/* -- the checks -- */

static void check_code(const struct vs_validation *v, struct vs_check *c)
{
	static const enum vs_check_status statuses[] = {
		[VS_VERDICT_INCONCLUSIVE] = VS_CHECK_UNKNOWN,
		[VS_VERDICT_FIXED] = VS_CHECK_PASS,
		[VS_VERDICT_VULNERABLE] = VS_CHECK_FAIL,
		[VS_VERDICT_NOT_APPLICABLE] = VS_CHECK_SKIP,
	};

	if (!v->inspection)
		set(c, VS_CHECK_UNKNOWN, "the code of vfio could not be read: %s",
		    v->inspection_error);
	else if (v->identity.vfio_livepatch[0])
		set(c, VS_CHECK_UNKNOWN, "livepatch %s changes vfio: its file is not what runs",
		    v->identity.vfio_livepatch);
	else if (v->text_changed)
		set(c, VS_CHECK_UNKNOWN, "the text of vfio.ko in memory is not that of its file");
	else
		set(c, statuses[v->inspection->verdict], "%s: %s",
		    vs_verdict__name(v->inspection->verdict), v->inspection->reason);
}

static bool is_armed(const struct vs_plan_row *row)
{
	return row->status == VS_HOOK_READY || row->status == VS_HOOK_NOT_APPLICABLE;
}

static void check_probes(const struct vs_validation *v, struct vs_check *c)
{
	if (!v->plan) {
		set(c, VS_CHECK_UNKNOWN, "nothing was armed");
		return;
	}
	for (size_t i = 0; i < v->plan->nr_rows; i++) {
		const struct vs_plan_row *row = &v->plan->rows[i];

		if (is_armed(row))
			continue;
		if (row->status == VS_HOOK_WAITING)
			set(c, VS_CHECK_UNKNOWN, "hook %s waits for vfio.ko, which was not loaded: %s", row->hook->name,
			    row->hook->lost);
		else
			set(c, VS_CHECK_UNKNOWN, "hook %s is %s (%s): %s", row->hook->name,
			    vs_hook_status__name(row->status), row->how, row->hook->lost);
		return;
	}
	if (v->gaps)
		set(c, VS_CHECK_UNKNOWN, "%" PRIu64 " %s in what was seen: %s", v->gaps,
		    v->gaps == 1 ? "gap" : "gaps", v->gap);
	else
		set(c, VS_CHECK_PASS, "%zu probe%s, every hook that applies", v->probes,
		    vs_plural(v->probes));
}

static const char *said(const struct vs_stress_result *s)
{
	return s->said[0] ? s->said : "it said nothing";
}

static void check_driven(const struct vs_validation *v, struct vs_check *c)
{
	const struct vs_stress_result *s = &v->stress;

	switch (s->end) {
	case VS_STRESS_RUNNING:
		set(c, VS_CHECK_UNKNOWN, "not waited for: %s",
		    s->step[0] ? s->step : "no step yet");
		break;
	case VS_STRESS_DONE:
		set(c, v->interrupted ? VS_CHECK_UNKNOWN : VS_CHECK_PASS, "%s%s",
		    v->interrupted ? "interrupted: " : "", said(s));
		break;
	case VS_STRESS_STUCK:
		set(c, VS_CHECK_FAIL, "a task hangs in the kernel: %s",
		    s->step[0] ? s->step : said(s));
		break;
	case VS_STRESS_REFUSED:
		set(c, VS_CHECK_UNKNOWN, "refused: %s", said(s));
		break;
	default:
		set(c, VS_CHECK_UNKNOWN, "failed (status %d): %s", s->status, said(s));
	}
}

static void check_stress(const struct vs_validation *v, struct vs_check *c)
{
	if (v->stress.mode == VS_STRESS_DRIVEN)
		check_driven(v, c);
	else
		set(c, VS_CHECK_SKIP, v->stress.mode == VS_STRESS_OBSERVED ?
		    "observed only: the host's own load" : "nothing to provoke here");
}

static uint64_t entered(const struct vs_validation *v)
{
	uint64_t nr = 0;

	for (int i = 0; i < VS_ACTIONS; i++)
		nr += v->path.entered[i];
	return nr;
}

/* "" where a longer run would not help: no worker puts, nothing is armed, or the load had trouble. */
static const char *path_advice(const struct vs_validation *v)
{
	if (!v->plan || code_verdict(v) == VS_VERDICT_VULNERABLE)
		return "";
	if (v->stress.mode == VS_STRESS_OBSERVED)
		return "; let the host's own load run longer";
	if (v->stress.mode != VS_STRESS_DRIVEN || v->stress.end != VS_STRESS_DONE)
		return "";
	return "; give more --cycles, a longer --duration or other --devices";
}

static void check_path(const struct vs_validation *v, struct vs_check *c)
{
	const struct vs_path_counts *p = &v->path;

	if (p->last_puts >= v->min_last_puts && p->found)
		set(c, VS_CHECK_PASS, "%" PRIu64 " last put%s by the worker, %" PRIu64
		    " wanted; %" PRIu64 " notifier event%s, %" PRIu64 " found their group",
		    p->last_puts, vs_plural(p->last_puts), v->min_last_puts, entered(v),
		    vs_plural(entered(v)), p->found);
	else
		set(c, VS_CHECK_UNKNOWN, "the path did not run often enough: %" PRIu64
		    " last puts by the worker, %" PRIu64 " wanted; %" PRIu64
		    " notifier events, %" PRIu64 " found their group%s",
		    p->last_puts, v->min_last_puts, entered(v), p->found, path_advice(v));
}

/*
 * A loss that a kernel does not report may have happened. A verdict of "fixed" does not rest on it: it takes
 * counts of kprobes that equal those of tracepoints (accounts), and the kernel's own counters (references).
 */
static void say_none_lost(const struct vs_validation *v, struct vs_check *c)
{
	set(c, VS_CHECK_PASS, "none");
	for (unsigned int i = 0; i < VS_LOSS_END; i++)
		if (!v->losses[i].reported) {
			set(c, VS_CHECK_PASS, "none counted; this kernel does not report \"%s\": what was not "
			    "seen for that would show in accounts and references", vs_loss__words(i));
			return;
		}
}

static void check_losses(const struct vs_validation *v, struct vs_check *c)
{
	say_none_lost(v, c);
	for (unsigned int i = 0; i < VS_LOSS_END; i++)
		if (v->losses[i].total) {
			set(c, VS_CHECK_UNKNOWN, "%" PRIu64 " lost in all; %s: %" PRIu64 " (%s)",
			    v->lost, vs_loss__name(i), v->losses[i].total, vs_loss__words(i));
			return;
		}
	if (v->lost)
		set(c, VS_CHECK_UNKNOWN, "%" PRIu64 " lost", v->lost);
}

/*
 * If a probe or one of its hits is missing (the kernel skips a fexit that it is inside of, v5.12
 * ca06f55b9002), a task can seem to be inside the notifier still. Returns NULL if none is missing.
 */
static const char *why_unsure(const struct vs_validation *v)
{
	struct vs_check probes;

	check_probes(v, &probes);
	if (code_verdict(v) == VS_VERDICT_VULNERABLE)
		return NULL;	/* the code decides */
	if (probes.status != VS_CHECK_PASS)
		return "not every probe was armed";
	if (v->losses[VS_LOSS_STALE_FRAME].total || v->losses[VS_LOSS_RECURSION].total ||
	    v->losses[VS_LOSS_PROBE_MISSED].total)
		return "the kernel skipped probes";
	return NULL;
}

static bool is_sure(const struct vs_validation *v)
{
	return !why_unsure(v);
}

/* The kernel's own stack has the chain called and changed: no probe is needed for that. */
static bool is_seen_by_stack(const struct vs_validation *v)
{
	for (size_t i = 0; i < v->nr_said; i++)
		if (v->said[i].kind == VS_NOTIFIER_DEADLOCK &&
		    strstr(v->said[i].stack, "blocking_notifier_chain_unregister") &&
		    strstr(v->said[i].stack, VS_VFIO_NOTIFIER))
			return true;
	return false;
}

static void check_deadlock(const struct vs_validation *v, struct vs_check *c)
{
	uint64_t nr = found_kind(v, VS_NOTIFIER_DEADLOCK);

	if (nr && !is_sure(v) && !is_seen_by_stack(v))
		set(c, VS_CHECK_UNKNOWN, "%" PRIu64 " seemed so, but %s", nr, why_unsure(v));
	else if (nr)
		set(c, VS_CHECK_FAIL, "%" PRIu64 " seen: the last put was made inside the notifier",
		    nr);
	else
		set(c, VS_CHECK_PASS, "none seen");
}

static void check_notifier(const struct vs_validation *v, struct vs_check *c)
{
	uint64_t nr = found_kind(v, VS_PUT_IN_NOTIFIER);

	if (nr && !is_sure(v))
		set(c, VS_CHECK_UNKNOWN, "%" PRIu64 " seemed so, but %s", nr, why_unsure(v));
	else if (nr)
		set(c, VS_CHECK_FAIL,
		    "%" PRIu64 " put%s inside the notifier: each can be the last one", nr,
		    vs_plural(nr));
	else
		set(c, VS_CHECK_PASS, "none seen");
}

static void check_accounts(const struct vs_validation *v, struct vs_check *c)
{
	const struct vs_path_counts *p = &v->path;
	uint64_t direct = found_kind(v, VS_PUT_IN_NOTIFIER);
	bool even = p->found == p->queued + direct && p->queued == p->started &&
		    p->started == p->ended && !p->outstanding && !p->unpaired;

	set(c, even ? VS_CHECK_PASS : VS_CHECK_UNKNOWN,
	    "%sfound %" PRIu64 ", put directly %" PRIu64 ", queued %" PRIu64 ", started %" PRIu64
	    ", ended %" PRIu64,
	    even ? "" : "they differ: ", p->found, direct, p->queued, p->started, p->ended);
}

static const enum vs_finding_kind ref_kinds[] = {
	VS_REF_LEAK, VS_PUT_WITHOUT_GET, VS_RELEASED_WHILE_HELD, VS_USE_AFTER_RELEASE,
};

/* The first kind that was found, -1 if none was. */
static int ref_finding(const struct vs_validation *v, bool bugs)
{
	for (size_t i = 0; i < sizeof(ref_kinds) / sizeof(ref_kinds[0]); i++)
		if (bugs ? v->findings[ref_kinds[i]][VS_GRADE_BUG] : found_kind(v, ref_kinds[i]))
			return ref_kinds[i];
	return -1;
}

static void say_uncompared(const struct vs_refs_uncompared *u, struct vs_check *c)
{
	char group[24] = "of unknown number";

	if (u->number >= 0)
		snprintf(group, sizeof(group), "%d", u->number);
	set(c, VS_CHECK_UNKNOWN, "%zu live %s never compared with the kernel's counter: group %s, %s",
	    u->nr, u->nr == 1 ? "group was" : "groups were", group, u->why);
}

static void check_references(const struct vs_validation *v, struct vs_check *c)
{
	int bug = ref_finding(v, true), any = ref_finding(v, false);

	if (any >= 0 && !is_sure(v))
		set(c, VS_CHECK_UNKNOWN, "%s, but %s", vs_finding__name(any), why_unsure(v));
	else if (bug >= 0)
		set(c, VS_CHECK_FAIL,
		    "%s, %" PRIu64 " time%s: the references are broken, fix or not",
		    vs_finding__name(bug), v->findings[bug][VS_GRADE_BUG],
		    vs_plural(v->findings[bug][VS_GRADE_BUG]));
	else if (any >= 0)
		set(c, VS_CHECK_UNKNOWN, "%s, which may be wrong: the finding says why", vs_finding__name(any));
	else if (!v->refs_kept || !v->refs_checked)
		set(c, VS_CHECK_UNKNOWN, "no snapshot of the groups %s",
		    v->refs_kept ? "at the end" : "to begin with");
	else if (v->unattributed || v->refs_differ)
		set(c, VS_CHECK_UNKNOWN, "%" PRIu64 " put%s no holder%s", v->unattributed,
		    v->unattributed == 1 ? " fits" : "s fit",
		    v->refs_differ ? ", and the kernel's counter differs" : "");
	else if (v->refs_uncompared.nr)
		say_uncompared(&v->refs_uncompared, c);
	else
		set(c, VS_CHECK_PASS, "each put fits its get, and the kernel's counters agree");
}

/*
 * Loading a module or a livepatch sets these bits, a fault does not
 * (Documentation/admin-guide/tainted-kernels.rst): P, F, C, O, E, K.
 */
#define MODULE_TAINTS (1ull << 0 | 1ull << 1 | 1ull << 10 | 1ull << 12 | 1ull << 13 | 1ull << 15)

static void check_kernel(const struct vs_validation *v, struct vs_check *c)
{
	const struct vs_kernel_state *k = &v->kernel;
	uint64_t fresh = k->taint_after & ~k->taint_before;

	if (k->warnings)
		set(c, VS_CHECK_FAIL, "%" PRIu64 " warning%s: %s", k->warnings, vs_plural(k->warnings),
		    k->warning[0]);
	else if (fresh & ~MODULE_TAINTS)
		set(c, VS_CHECK_FAIL,
		    "new taint 0x%" PRIx64 ": before 0x%" PRIx64 ", after 0x%" PRIx64, fresh,
		    k->taint_before, k->taint_after);
	else if (found_kind(v, VS_CHAIN_DEADLOCK_FOUND))
		set(c, VS_CHECK_FAIL, "a notifier chain of another subsystem deadlocked");
	else if (fresh)
		set(c, VS_CHECK_UNKNOWN, "a module or livepatch was loaded meanwhile: new taint 0x%"
		    PRIx64, fresh);
	else if (!k->taint_known || !k->log_read)
		set(c, VS_CHECK_UNKNOWN, "%s cannot be read", k->taint_known ? "/dev/kmsg" :
		    "/proc/sys/kernel/tainted");
	else if (k->log_lost)
		set(c, VS_CHECK_UNKNOWN, "the kernel's log was overwritten before it was read");
	else
		set(c, VS_CHECK_PASS, "taint 0x%" PRIx64 " as before, no warning", k->taint_after);
}

/* -- the verdict -- */

static bool contradicts_none(const struct vs_validation *v)
{
	return !v->path.found && !v->path.queued && !found_kind(v, VS_PUT_IN_NOTIFIER);
}

/* A kernel without the code leaves nothing to judge. */
static void skip_rest(struct vs_ruling *r)
{
	for (int i = VS_CHECK_PROBES; i < VS_CHECKS; i++)
		if (r->checks[i].status != VS_CHECK_FAIL)
			set(&r->checks[i], VS_CHECK_SKIP, "has no meaning on this kernel");
}

static bool all_passed(const struct vs_ruling *r)
{
	for (int i = 0; i < VS_CHECKS; i++)
		if (r->checks[i].status != VS_CHECK_PASS &&
		    !(i == VS_CHECK_STRESS && r->checks[i].status == VS_CHECK_SKIP))
			return false;
	return true;
}

static int first(const struct vs_ruling *r, enum vs_check_status status)
{
	for (int i = 0; i < VS_CHECKS; i++)
		if (r->checks[i].status == status)
			return i;
	return -1;
}

static void conclude(struct vs_ruling *r, enum vs_verdict verdict, const char *why,
		     const char *more)
{
	r->verdict = verdict;
	snprintf(r->reason, sizeof(r->reason), "%s%s", why, more);
}

static void doubt(struct vs_ruling *r)
{
	int at = first(r, VS_CHECK_FAIL);

	if (at < 0)
		at = first(r, VS_CHECK_UNKNOWN);
	if (at < 0)
		at = VS_CHECK_CODE;
	r->verdict = VS_VERDICT_INCONCLUSIVE;
	snprintf(r->reason, sizeof(r->reason), "%s: %s", vs_check__name(at), r->checks[at].words);
}

static void decide(const struct vs_validation *v, struct vs_ruling *r)
{
	enum vs_verdict code = code_verdict(v);
	bool says_safe = code == VS_VERDICT_FIXED || code == VS_VERDICT_NOT_APPLICABLE;

	if (r->checks[VS_CHECK_DEADLOCK].status == VS_CHECK_FAIL)
		conclude(r, VS_VERDICT_VULNERABLE,
			 "it deadlocked: ", r->checks[VS_CHECK_DEADLOCK].words);
	else if (r->checks[VS_CHECK_NOTIFIER].status == VS_CHECK_FAIL && says_safe)
		conclude(r, VS_VERDICT_INCONCLUSIVE, "contradiction: the code says otherwise, but ",
			 r->checks[VS_CHECK_NOTIFIER].words);
	else if (r->checks[VS_CHECK_NOTIFIER].status == VS_CHECK_FAIL)
		conclude(r, VS_VERDICT_VULNERABLE, "", r->checks[VS_CHECK_NOTIFIER].words);
	else if (not_applicable(v) && !contradicts_none(v))
		conclude(r, VS_VERDICT_INCONCLUSIVE,
			 "contradiction: the code has no such path, but it ran", "");
	else if (not_applicable(v) && first(r, VS_CHECK_FAIL) < 0)
		conclude(r, VS_VERDICT_NOT_APPLICABLE, v->inspection->reason, "");
	else if (code == VS_VERDICT_VULNERABLE && v->path.queued)
		conclude(r, VS_VERDICT_INCONCLUSIVE,
			 "contradiction: the code puts in the notifier, but "
			 "deferred puts were seen and none there",
			 "");
	else if (all_passed(r))
		conclude(r, VS_VERDICT_FIXED,
			 "the notifier defers its put: ", r->checks[VS_CHECK_PATH].words);
	else
		doubt(r);
}

/* Nothing was armed, so nothing could be seen: that is no pass. */
static void doubt_all_seen(struct vs_ruling *r)
{
	for (int i = VS_CHECK_LOSSES; i <= VS_CHECK_REFERENCES; i++)
		if (r->checks[i].status == VS_CHECK_PASS)
			set(&r->checks[i], VS_CHECK_UNKNOWN, "nothing was armed");
}

void vs_rule(const struct vs_validation *v, struct vs_ruling *r)
{
	static void (*const run[VS_CHECKS])(const struct vs_validation *, struct vs_check *) = {
		check_code, check_probes, check_stress, check_path, check_losses, check_deadlock,
		check_notifier, check_accounts, check_references, check_kernel,
	};

	memset(r, 0, sizeof(*r));
	for (int i = 0; i < VS_CHECKS; i++)
		run[i](v, &r->checks[i]);
	if (!v->plan)
		doubt_all_seen(r);
	if (not_applicable(v) && contradicts_none(v))
		skip_rest(r);
	decide(v, r);
	r->failed = first(r, VS_CHECK_FAIL) >= 0;
}

/* -- exit status -- */

static const char *const styles[] = {
	[VS_STYLE_PLAIN] = "plain",
	[VS_STYLE_KSELFTEST] = "kselftest",
	[VS_STYLE_LTP] = "ltp",
};

int vs_exit_style__parse(const char *name)
{
	for (int i = 0; i < 3; i++)
		if (!strcmp(styles[i], name))
			return i;
	return -EINVAL;
}

enum outcome { PASS, FAIL, UNPROVEN, NOT_HERE };

static const int exits[][4] = {
	[VS_STYLE_PLAIN] = { VS_EXIT_OK, VS_EXIT_BUG, VS_EXIT_INCONCLUSIVE, VS_EXIT_OK },
	[VS_STYLE_KSELFTEST] = { 0, 1, 4, 4 },
	[VS_STYLE_LTP] = { 0, 1, 2, 32 },
};

int vs_ruling__exit(const struct vs_ruling *r, enum vs_exit_style style)
{
	if (r->failed || r->verdict == VS_VERDICT_VULNERABLE)
		return exits[style][FAIL];
	if (r->verdict == VS_VERDICT_INCONCLUSIVE)
		return exits[style][UNPROVEN];
	return exits[style][r->verdict == VS_VERDICT_FIXED ? PASS : NOT_HERE];
}

int vs_failure__exit(int status, enum vs_exit_style style)
{
	bool not_here = status == VS_EXIT_UNAVAILABLE || status == VS_EXIT_PERMISSION;

	if (style == VS_STYLE_PLAIN || !status)
		return status;
	if (style == VS_STYLE_KSELFTEST)
		return not_here ? 4 : 1;
	return not_here ? 32 : 2;
}

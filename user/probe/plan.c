// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probe/plan.h"

#define NOTIFIER "vfio_iommu_group_notifier"
#define DEFERRED "vfio_group_put_bg"
#define PUT_CALLEE "refcount_dec_and_mutex_lock"
#define VS_X86_RDI 7	/* the first argument */

/* What a plan is made from and into. */
struct planner {
	const struct vs_facts *facts;
	struct vs_plan *plan;
	bool out_of_memory;
};

const char *vs_hook_status__name(enum vs_hook_status status)
{
	static const char *const names[] = {
		[VS_HOOK_READY] = "ready",
		[VS_HOOK_PARTIAL] = "partial",
		[VS_HOOK_WAITING] = "waiting",
		[VS_HOOK_NOT_APPLICABLE] = "not-applicable",
		[VS_HOOK_MISSING] = "missing",
	};

	return names[status];
}

const char *vs_fix__words(enum vs_fix fix)
{
	static const char *const words[] = {
		[VS_FIX_UNKNOWN] = "not known: vfio.ko could not be read",
		[VS_FIX_PRESENT] = "present: the notifier queues its put for vfio_group_put_bg "
				   "(811642d8d8a8, v4.13)",
		[VS_FIX_ABSENT] = "ABSENT: vfio_iommu_group_notifier puts directly "
				  "(811642d8d8a8, v4.13, is missing)",
		[VS_FIX_NO_REFERENCE] = "not needed: the notifier takes no reference "
					"(63b150fde7a2, v5.16)",
		[VS_FIX_NO_NOTIFIER] = "not needed: IOMMU groups have no notifier any more "
				       "(3b86f317c9c7, a5f1bd1afacd, v5.19)",
	};

	return words[fix];
}

/* -- what the facts say about this kernel's era -- */

static bool vfio_known(const struct vs_facts *facts)
{
	return facts->vfio.nr_funcs;
}

static bool has_notifier(const struct vs_facts *facts)
{
	if (vs_kmod__func(&facts->vfio, NOTIFIER))
		return true;
	if (facts->vmlinux_btf)
		return vs_names__has(&facts->btf_funcs, "iommu_group_register_notifier");
	return !vfio_known(facts);
}

static bool is_site_in(const struct vs_kmod *kmod, const struct vs_kmod_site *site,
		       const char *func)
{
	return !strcmp(kmod->funcs[site->func].name, func);
}

static bool has_site(const struct vs_kmod *kmod, enum vs_site_kind kind, const char *func,
		     const char *callee)
{
	for (size_t i = 0; i < kmod->nr_sites; i++) {
		const struct vs_kmod_site *site = &kmod->sites[i];

		if (site->kind == kind && is_site_in(kmod, site, func) &&
		    (!callee || (site->callee && !strcmp(site->callee, callee))))
			return true;
	}
	return false;
}

static enum vs_fix find_fix(const struct vs_facts *facts)
{
	const struct vs_kmod *vfio = &facts->vfio;

	if (!has_notifier(facts))
		return VS_FIX_NO_NOTIFIER;
	if (!vfio_known(facts))
		return VS_FIX_UNKNOWN;
	if (vs_kmod__func(vfio, DEFERRED))
		return VS_FIX_PRESENT;
	if (has_site(vfio, VS_SITE_CALL, NOTIFIER, PUT_CALLEE))
		return VS_FIX_ABSENT;
	if (facts->vfio_file && !has_site(vfio, VS_SITE_LOCKED_ADD, NOTIFIER, NULL) &&
	    !vs_kmod__func(vfio, "vfio_group_put"))
		return VS_FIX_NO_REFERENCE;
	return VS_FIX_UNKNOWN;
}

/*
 * The offsets that matter are the same on every x86-64 build from 4.15 to 5.15
 * that was read; lock debugging moves them and changes these two sizes.
 */
static bool layout_is_classic(const struct vs_facts *facts, enum vs_fix fix)
{
	return (fix == VS_FIX_PRESENT || fix == VS_FIX_ABSENT) &&
	       !strcmp(facts->machine, "x86_64") &&
	       facts->mutex_size == 32 && facts->work_size == 32;
}

/* Where vfio_device_put(device) drops a reference, in its first argument: since 5.10.137. */
static int told_refcount(const struct vs_kmod *vfio)
{
	for (size_t i = 0; i < vfio->nr_sites; i++) {
		const struct vs_kmod_site *site = &vfio->sites[i];

		if (site->kind == VS_SITE_LOCKED_SUB && site->base_reg == VS_X86_RDI &&
		    is_site_in(vfio, site, "vfio_device_put"))
			return site->disp;
	}
	return VS_NO_OFFSET;
}

static void find_layout(struct planner *p)
{
	static const struct vs_layout classic = {
		.group_counter = 0, .group_iommu_group = 0x10, .group_nb = 0x58,
		.group_cdev = VS_NO_OFFSET, .device_dev = 0, .device_group = 0x10,
		.group_container_users = 0x8,
	};
	struct vs_plan *plan = p->plan;

	plan->layout = p->facts->btf_layout;
	if (p->facts->layout_source != VS_LAYOUT_NONE ||
	    !layout_is_classic(p->facts, plan->fix))
		return;
	plan->layout = classic;
	plan->layout.device_refcount = told_refcount(&p->facts->vfio);
	plan->layout_assumed = true;
	/* Before 5.13 (5.10.137) a kref comes first in struct vfio_device. */
	if (!vs_kmod__func(&p->facts->vfio, "vfio_register_group_dev"))
		plan->layout.device_dev = plan->layout.device_group = VS_NO_OFFSET;
}

/* -- one row -- */

__attribute__((format(printf, 2, 3)))
static void say_how(struct vs_plan_row *row, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(row->how, sizeof(row->how), fmt, args);
	va_end(args);
}

static void settle(struct vs_plan_row *row, enum vs_hook_status status, const char *how,
		   const char *advice)
{
	row->status = status;
	say_how(row, "%s", how);
	snprintf(row->advice, sizeof(row->advice), "%s", advice);
}

static bool same_place(const struct vs_probe *a, const struct vs_probe *b)
{
	return a->func == b->func && a->offset == b->offset && !strcmp(a->program, b->program) &&
	       !strcmp(a->rung->target, b->rung->target);
}

/* A place that another hook has taken already is shared, not armed twice. */
static void add_probe(struct planner *p, struct vs_plan_row *row, struct vs_probe probe)
{
	struct vs_plan *plan = p->plan;
	struct vs_probe *grown;

	probe.hook = row->hook;
	row->nr_probes++;
	for (size_t i = 0; i < plan->nr_probes; i++)
		if (probe.func && same_place(&plan->probes[i], &probe))
			return;
	grown = realloc(plan->probes, (plan->nr_probes + 1) * sizeof(*grown));
	if (!grown) {
		p->out_of_memory = true;
		return;
	}
	plan->probes = grown;
	grown[plan->nr_probes++] = probe;
}

/* -- rungs: each returns whether it holds; if not, row->how says why not -- */

static bool needs_met(const struct planner *p, const struct vs_rung *rung)
{
	const struct vs_layout *l = &p->plan->layout;

	/* A module's BTF can be read only once it is loaded. */
	if (p->facts->vfio_state == VS_KMOD_ON_DISK && p->plan->release_is_free)
		return true;
	return !((rung->needs & VS_NEEDS_COUNTER && l->group_counter == VS_NO_OFFSET) ||
		 (rung->needs & VS_NEEDS_NB && l->group_nb == VS_NO_OFFSET) ||
		 (rung->needs & VS_NEEDS_CDEV && l->group_cdev == VS_NO_OFFSET) ||
		 (rung->needs & VS_NEEDS_DEVICE_DEV && l->device_dev == VS_NO_OFFSET) ||
		 (rung->needs & VS_NEEDS_DEVICE_GROUP && l->device_group == VS_NO_OFFSET) ||
		 (rung->needs & VS_NEEDS_DEVICE_REFCOUNT && l->device_refcount == VS_NO_OFFSET) ||
		 (rung->needs & VS_NEEDS_CONTAINER_USERS &&
		  l->group_container_users == VS_NO_OFFSET));
}

/* "vfio_group_put" of "vfio_group_put.part.0"; a .cold part is no entry. */
static bool is_suffixed(const char *name, const char *base)
{
	size_t len = strlen(base);

	return !strncmp(name, base, len) && name[len] == '.' && !strstr(name + len, ".cold");
}

static const char *find_suffixed(const struct vs_kmod *kmod, const char *base)
{
	for (size_t i = 0; i < kmod->nr_funcs; i++)
		if (is_suffixed(kmod->funcs[i].name, base))
			return kmod->funcs[i].name;
	return NULL;
}

static bool plan_function(struct planner *p, struct vs_plan_row *row, const struct vs_rung *rung)
{
	const struct vs_kmod_func *func = vs_kmod__func(&p->facts->vfio, rung->target);
	const char *suffixed;

	if (func) {
		say_how(row, "function %s", rung->target);
		add_probe(p, row, (struct vs_probe){ .rung = rung, .program = rung->program,
						     .func = func });
		return true;
	}
	suffixed = find_suffixed(&p->facts->vfio, rung->target);
	if (suffixed)
		say_how(row, "only %s exists: the compiler changed its arguments", suffixed);
	else
		say_how(row, "%s is inlined or absent", rung->target);
	return false;
}

/* The instruction that a rung is about, and the counter that it changes. */
static enum vs_site_kind locked_kind(const struct vs_rung *rung)
{
	if (rung->kind == VS_RUNG_LOCKED_SUBS)
		return VS_SITE_LOCKED_SUB;
	return rung->kind == VS_RUNG_LOCKED_EXCHANGES ? VS_SITE_LOCKED_EXCHANGE : VS_SITE_LOCKED_ADD;
}

static int counter_offset(const struct vs_rung *rung, const struct vs_layout *layout)
{
	return rung->needs & VS_NEEDS_DEVICE_REFCOUNT ? layout->device_refcount :
							layout->group_counter;
}

/* An exchange is in a loop, before which the address of the counter may have been computed. */
static bool fits_counter(const struct vs_kmod_site *site, int counter)
{
	return counter == VS_NO_OFFSET || site->disp == counter ||
	       (site->kind == VS_SITE_LOCKED_EXCHANGE && !site->disp);
}

static bool is_wanted_add(const struct vs_kmod *kmod, const struct vs_kmod_site *site,
			  const struct vs_rung *rung, int counter)
{
	const char *func = kmod->funcs[site->func].name;

	/* Not known yet: the plan made when vfio.ko is loaded will choose. */
	if (site->kind != locked_kind(rung) || !fits_counter(site, counter))
		return false;
	for (const char *const *within = rung->within; *within; within++)
		if (!strcmp(func, *within) || is_suffixed(func, *within))
			return true;
	return false;
}

static bool is_wanted_call(const struct vs_kmod_site *site, const struct vs_rung *rung,
			   uint64_t lock)
{
	return site->kind == VS_SITE_CALL && !strcmp(site->callee, rung->target) &&
	       site->lock == lock;
}

/* The lock that most calls pass: vfio.group_lock. A call with another one is another object's. */
static uint64_t common_lock(const struct vs_kmod *kmod, const char *callee)
{
	uint64_t best = 0;
	size_t most = 0;

	for (size_t i = 0; i < kmod->nr_sites; i++) {
		size_t same = 0;

		if (kmod->sites[i].kind != VS_SITE_CALL || strcmp(kmod->sites[i].callee, callee))
			continue;
		for (size_t j = 0; j < kmod->nr_sites; j++)
			same += kmod->sites[j].kind == VS_SITE_CALL &&
				!strcmp(kmod->sites[j].callee, callee) &&
				kmod->sites[j].lock == kmod->sites[i].lock;
		if (same > most) {
			most = same;
			best = kmod->sites[i].lock;
		}
	}
	return best;
}

/* Sites come in the order of the file, so one function's are neighbours. */
static bool plan_sites(struct planner *p, struct vs_plan_row *row, const struct vs_rung *rung,
		       size_t *nr_funcs)
{
	const struct vs_kmod *kmod = &p->facts->vfio;
	uint64_t lock = rung->kind == VS_RUNG_CALL_SITES ? common_lock(kmod, rung->target) : 0;
	const struct vs_kmod_func *last = NULL;

	*nr_funcs = 0;
	for (size_t i = 0; i < kmod->nr_sites; i++) {
		const struct vs_kmod_site *site = &kmod->sites[i];
		const struct vs_kmod_func *func = &kmod->funcs[site->func];

		if (rung->kind == VS_RUNG_CALL_SITES
		    ? !is_wanted_call(site, rung, lock)
		    : !is_wanted_add(kmod, site, rung, counter_offset(rung, &p->plan->layout)))
			continue;
		add_probe(p, row, (struct vs_probe){ .rung = rung, .program = rung->program,
						     .func = func, .site = site,
						     .offset = site->func_off });
		*nr_funcs += func != last;
		last = func;
	}
	return row->nr_probes;
}

static bool has_file(const struct planner *p, struct vs_plan_row *row)
{
	const char *why = p->facts->vfio_error;

	if (p->facts->vfio_file)
		return true;
	if (p->facts->vfio_state != VS_KMOD_BUILTIN) {
		settle(row, VS_HOOK_MISSING, why,
		       "inlined code is found in the file of the loaded vfio.ko: install it");
		return false;
	}
	settle(row, VS_HOOK_MISSING, "", "inlined code is found in /proc/kcore: run as root or "
	       "with CAP_SYS_RAWIO and CAP_SYSLOG, without kernel lockdown");
	say_how(row, "VFIO is built in, and its code cannot be read%s%.90s", why[0] ? ": " : "", why);
	return false;
}

static const char *vfio_name(const struct planner *p)
{
	return p->facts->vfio_state == VS_KMOD_BUILTIN ? "VFIO" : "vfio.ko";
}

/* Where a scan found the sites, for the end of a sentence. */
static const char *found_in(const struct planner *p)
{
	if (p->facts->vfio_state != VS_KMOD_BUILTIN)
		return "";
	return p->facts->vfio_error[0] ? ", found in /proc/kcore around another tracer's probes"
				       : ", found in /proc/kcore";
}

static bool plan_call_sites(struct planner *p, struct vs_plan_row *row,
			    const struct vs_rung *rung)
{
	size_t nr_funcs;

	if (!has_file(p, row))
		return false;
	if (!plan_sites(p, row, rung, &nr_funcs)) {
		say_how(row, "%s has no call of %s", vfio_name(p), rung->target);
		return false;
	}
	say_how(row, "%u inlined %s, at %s of %s in %zu function%s%s", row->nr_probes,
		row->nr_probes == 1 ? "copy" : "copies",
		row->nr_probes == 1 ? "its call" : "their calls", rung->target, nr_funcs,
		nr_funcs == 1 ? "" : "s", found_in(p));
	return true;
}

static bool plan_locked_adds(struct planner *p, struct vs_plan_row *row,
			     const struct vs_rung *rung)
{
	size_t nr_funcs;

	if (!has_file(p, row))
		return false;
	if (strcmp(p->facts->machine, "x86_64")) {
		say_how(row, "inlined gets can be found on x86-64 only");
		return false;
	}
	if (!plan_sites(p, row, rung, &nr_funcs)) {
		say_how(row, "no inlined %s of %s was found", rung->target,
			rung->needs & VS_NEEDS_DEVICE_REFCOUNT ? "a device" : "a group");
		return false;
	}
	say_how(row, "%u inlined %s of %s in %zu function%s%s", row->nr_probes,
		row->nr_probes == 1 ? "copy" : "copies", rung->target, nr_funcs,
		nr_funcs == 1 ? "" : "s", found_in(p));
	return true;
}

static bool has_btf(const struct planner *p, struct vs_plan_row *row)
{
	if (!p->facts->vmlinux_btf)
		settle(row, VS_HOOK_MISSING, "this kernel has no BTF",
		       "needs a kernel with CONFIG_DEBUG_INFO_BTF=y");
	return p->facts->vmlinux_btf;
}

static bool plan_fentry(struct planner *p, struct vs_plan_row *row, const struct vs_rung *rung)
{
	if (!has_btf(p, row))
		return false;
	if (!vs_names__has(&p->facts->btf_funcs, rung->target)) {
		say_how(row, "no function %s in this kernel", rung->target);
		return false;
	}
	add_probe(p, row, (struct vs_probe){ .rung = rung, .program = rung->program });
	if (rung->exit_program)
		add_probe(p, row, (struct vs_probe){ .rung = rung,
						     .program = rung->exit_program });
	say_how(row, "%s %s", rung->exit_program ? "fentry and fexit of" : "fentry of",
		rung->target);
	return true;
}

static bool plan_tracepoint(struct planner *p, struct vs_plan_row *row,
			    const struct vs_rung *rung)
{
	if (!has_btf(p, row))
		return false;
	if (!vs_names__has(&p->facts->tracepoints, rung->target)) {
		say_how(row, "no tracepoint %s in this kernel's BTF", rung->target);
		return false;
	}
	add_probe(p, row, (struct vs_probe){ .rung = rung, .program = rung->program });
	say_how(row, "tracepoint %s", rung->target);
	return true;
}

/* Seen: a kprobe at a function's entry goes through ftrace too, and is silent without it. */
static bool is_at_entry(const struct vs_rung *rung)
{
	return rung->kind == VS_RUNG_FENTRY || rung->kind == VS_RUNG_FUNCTION;
}

static bool plan_rung(struct planner *p, struct vs_plan_row *row, const struct vs_rung *rung)
{
	if (is_at_entry(rung) && p->facts->ftrace_enabled == 0) {
		settle(row, VS_HOOK_MISSING, "kernel.ftrace_enabled is 0: the probe would never fire",
		       "sysctl kernel.ftrace_enabled=1");
		return false;
	}
	if (rung->built_in && p->facts->vfio_state != VS_KMOD_BUILTIN)
		return false;
	if (!needs_met(p, rung)) {
		say_how(row, "the layout of vfio's structures is not known");
		return false;
	}
	switch (rung->kind) {
	case VS_RUNG_FUNCTION:
		return plan_function(p, row, rung);
	case VS_RUNG_CALL_SITES:
		return plan_call_sites(p, row, rung);
	case VS_RUNG_LOCKED_ADDS:
	case VS_RUNG_LOCKED_SUBS:
	case VS_RUNG_LOCKED_EXCHANGES:
		return plan_locked_adds(p, row, rung);
	case VS_RUNG_FENTRY:
		return plan_fentry(p, row, rung);
	case VS_RUNG_TRACEPOINT:
		return plan_tracepoint(p, row, rung);
	case VS_RUNG_END:
		break;
	}
	return false;
}

static bool is_in_vfio(const struct vs_rung *rung)
{
	return rung->kind != VS_RUNG_FENTRY && rung->kind != VS_RUNG_TRACEPOINT;
}

/* Reasons why no kprobe in VFIO can work, whatever its symbols. */
static bool vfio_refused(const struct vs_facts *facts, struct vs_plan_row *row)
{
	if (!facts->kprobe_pmu)
		settle(row, VS_HOOK_MISSING, "this kernel offers no kprobes to perf",
		       "needs CONFIG_KPROBE_EVENTS=y and CONFIG_PERF_EVENTS=y");
	else if (facts->vfio_state == VS_KMOD_ABSENT)
		settle(row, VS_HOOK_MISSING, "this system has no vfio module",
		       "install the kernel's modules (vfio, vfio-pci)");
	else if (!vfio_known(facts))
		settle(row, VS_HOOK_MISSING, facts->vfio_error[0] ? facts->vfio_error
		       : "VFIO's symbols cannot be read", "run as root; install the kernel's modules");
	else if (facts->vfio_state != VS_KMOD_ON_DISK && !facts->addresses)
		settle(row, VS_HOOK_MISSING, "the kernel hides its addresses from this process",
		       facts->kptr_restrict == 2
		       ? "sysctl kernel.kptr_restrict=1, and run as root or with CAP_SYSLOG"
		       : "run as root or with CAP_SYSLOG");
	else
		return false;
	return true;
}

static bool kernel_refused(const struct vs_facts *facts, struct vs_plan_row *row,
			   const struct vs_rung *rung)
{
	if (!strcmp(facts->lockdown, "confidentiality")) {
		settle(row, VS_HOOK_MISSING, "kernel lockdown is \"confidentiality\"",
		       "BPF may not read kernel memory: boot with lockdown=integrity");
		return true;
	}
	return is_in_vfio(rung) && vfio_refused(facts, row);
}

static enum vs_hook_status status_of(const struct vs_facts *facts, const struct vs_rung *rung)
{
	if (is_in_vfio(rung) && facts->vfio_state == VS_KMOD_ON_DISK)
		return VS_HOOK_WAITING;
	return rung->remainder ? VS_HOOK_PARTIAL : VS_HOOK_READY;
}

static void plan_together(struct planner *p, struct vs_plan_row *row, const struct vs_rung *rung)
{
	char how[sizeof(row->how)];

	for (; rung->kind && rung->together; rung++) {
		memcpy(how, row->how, sizeof(how));
		if (plan_rung(p, row, rung))
			say_how(row, "%.80s, %.70s", how, rung->target);
		else
			memcpy(row->how, how, sizeof(how));
	}
}

static const char *not_applicable_words(const struct vs_plan *plan, enum vs_applies applies)
{
	if (applies == VS_APPLIES_MODULE)
		return "VFIO is built in";
	if (applies == VS_APPLIES_REGISTRATION)
		return "an open device keeps its group instead on this kernel (before v5.13)";
	if (applies == VS_APPLIES_CONTAINER_LOCKED)
		return "counted inline on this kernel (up to v6.0)";
	if (plan->fix == VS_FIX_NO_NOTIFIER)
		return "IOMMU groups of this kernel have no notifier (gone in v5.19)";
	if (plan->fix == VS_FIX_NO_REFERENCE)
		return "the notifier of this kernel takes no reference (v5.16)";
	return "this vfio.ko does not defer puts: it lacks the fix (811642d8d8a8)";
}

/* Without the file it cannot be told: what a put of a device does is then not known. */
static bool counts_registrations(const struct planner *p)
{
	return !p->facts->vfio_file || p->plan->layout.device_refcount != VS_NO_OFFSET ||
	       vs_kmod__func(&p->facts->vfio, "vfio_device_put_registration") ||
	       told_refcount(&p->facts->vfio) != VS_NO_OFFSET;
}

static bool applies(const struct planner *p, enum vs_applies which)
{
	switch (which) {
	case VS_APPLIES_ALWAYS:
		return true;
	case VS_APPLIES_NOTIFIER:
		return p->plan->fix != VS_FIX_NO_NOTIFIER;
	case VS_APPLIES_DEFERRED:
		return p->plan->fix == VS_FIX_PRESENT || p->plan->fix == VS_FIX_UNKNOWN;
	case VS_APPLIES_MODULE:
		return p->facts->vfio_state != VS_KMOD_BUILTIN;
	case VS_APPLIES_REGISTRATION:
		return counts_registrations(p);
	case VS_APPLIES_CONTAINER_LOCKED:
		return !vfio_known(p->facts) ||
		       vs_kmod__func(&p->facts->vfio, "vfio_container_attach_group");
	}
	return true;
}

static void note_remainder(struct vs_plan_row *row)
{
	char how[sizeof(row->how)];

	memcpy(how, row->how, sizeof(how));
	say_how(row, "%.90s only: %.60s", how, row->hook->lost);
}

static void plan_hook(struct planner *p, struct vs_plan_row *row)
{
	const struct vs_hook *hook = row->hook;

	if (!applies(p, hook->applies)) {
		settle(row, VS_HOOK_NOT_APPLICABLE, not_applicable_words(p->plan, hook->applies), "");
		return;
	}
	row->status = VS_HOOK_MISSING;
	for (const struct vs_rung *rung = hook->rungs; rung->kind; rung++) {
		if (rung->together)
			continue;	/* goes with the one before, which is not there */
		if (kernel_refused(p->facts, row, rung))
			return;
		if (!plan_rung(p, row, rung))
			continue;
		row->rung = rung;
		row->status = status_of(p->facts, rung);
		if (row->status == VS_HOOK_PARTIAL)
			note_remainder(row);
		else
			row->advice[0] = '\0';
		plan_together(p, row, rung + 1);
		return;
	}
}

int vs_plan__make(const struct vs_facts *facts, struct vs_plan *plan)
{
	struct planner p = { .facts = facts, .plan = plan };

	memset(plan, 0, sizeof(*plan));
	plan->fix = find_fix(facts);
	plan->deferred_func = vs_kmod__func(&facts->vfio, DEFERRED);
	/* vfio_group_release became the embedded device's callback: 9cef73918e15. */
	plan->release_is_free = plan->fix == VS_FIX_NO_REFERENCE || plan->fix == VS_FIX_NO_NOTIFIER;
	find_layout(&p);
	while (vs_hooks[plan->nr_rows].name)
		plan->nr_rows++;
	plan->rows = calloc(plan->nr_rows, sizeof(*plan->rows));
	if (!plan->rows)
		return -ENOMEM;
	for (size_t i = 0; i < plan->nr_rows; i++) {
		plan->rows[i].hook = &vs_hooks[i];
		plan_hook(&p, &plan->rows[i]);
	}
	if (p.out_of_memory)
		vs_plan__free(plan);
	return p.out_of_memory ? -ENOMEM : 0;
}

void vs_plan__free(struct vs_plan *plan)
{
	free(plan->rows);
	free(plan->probes);
	memset(plan, 0, sizeof(*plan));
}

static void drop_probes(struct vs_plan *plan, const struct vs_hook *hook)
{
	size_t kept = 0;

	for (size_t i = 0; i < plan->nr_probes; i++)
		if (plan->probes[i].hook != hook)
			plan->probes[kept++] = plan->probes[i];
	plan->nr_probes = kept;
}

int vs_plan__leave_out(struct vs_plan *plan, const char *hook)
{
	struct vs_plan_row *row = (struct vs_plan_row *)vs_plan__row(plan, hook);

	if (!row)
		return -ENOENT;
	if (row->status == VS_HOOK_NOT_APPLICABLE)
		return 0;
	drop_probes(plan, row->hook);
	row->status = VS_HOOK_MISSING;
	row->rung = NULL;
	row->nr_probes = 0;
	snprintf(row->how, sizeof(row->how), "left out, as was asked for");
	row->advice[0] = '\0';
	return 0;
}

const struct vs_plan_row *vs_plan__row(const struct vs_plan *plan, const char *hook)
{
	for (size_t i = 0; i < plan->nr_rows; i++)
		if (!strcmp(plan->rows[i].hook->name, hook))
			return &plan->rows[i];
	return NULL;
}

bool vs_plan__complete(const struct vs_plan *plan)
{
	for (size_t i = 0; i < plan->nr_rows; i++)
		if (plan->rows[i].hook->required && plan->rows[i].status == VS_HOOK_MISSING)
			return false;
	return true;
}

bool vs_plan__waits(const struct vs_plan *plan)
{
	for (size_t i = 0; i < plan->nr_rows; i++)
		if (plan->rows[i].status == VS_HOOK_WAITING)
			return true;
	return false;
}

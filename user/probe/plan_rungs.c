// SPDX-License-Identifier: GPL-2.0
/* Each rung returns true if it holds; if not, row->how says why not. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/plural.h"
#include "probe/plan_priv.h"

__attribute__((format(printf, 2, 3)))
void plan_say_how(struct vs_plan_row *row, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(row->how, sizeof(row->how), fmt, args);
	va_end(args);
}

void plan_settle(struct vs_plan_row *row, enum vs_hook_status status, const char *how,
		 const char *advice)
{
	row->status = status;
	plan_say_how(row, "%s", how);
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
		 (rung->needs & VS_NEEDS_DEVICE_GROUP && l->device_group == VS_NO_OFFSET &&
		  !p->plan->no_groups) ||
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
		plan_say_how(row, "function %s", rung->target);
		add_probe(p, row, (struct vs_probe){ .rung = rung, .program = rung->program,
						     .func = func });
		return true;
	}
	suffixed = find_suffixed(&p->facts->vfio, rung->target);
	if (suffixed)
		plan_say_how(row, "only %s exists: the compiler changed its arguments", suffixed);
	else
		plan_say_how(row, "%s is inlined or absent", rung->target);
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
		plan_settle(row, VS_HOOK_MISSING, why,
			    "inlined code is found in the file of the loaded vfio.ko: install it");
		return false;
	}
	plan_settle(row, VS_HOOK_MISSING, "", "inlined code is found in /proc/kcore: run as root or "
		    "with CAP_SYS_RAWIO and CAP_SYSLOG, without kernel lockdown");
	plan_say_how(row, "VFIO is built in, and its code cannot be read%s%.90s",
		     why[0] ? ": " : "", why);
	return false;
}

static const char *vfio_name(const struct planner *p)
{
	return p->facts->vfio_state == VS_KMOD_BUILTIN ? "VFIO" : "vfio.ko";
}

/* Returns words for where a scan found the sites, to end a sentence. */
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
		plan_say_how(row, "%s has no call of %s", vfio_name(p), rung->target);
		return false;
	}
	plan_say_how(row, "%u inlined %s, at %s of %s in %zu function%s%s", row->nr_probes,
		     row->nr_probes == 1 ? "copy" : "copies",
		     row->nr_probes == 1 ? "its call" : "their calls", rung->target, nr_funcs,
		     vs_plural(nr_funcs), found_in(p));
	return true;
}

static bool plan_locked_adds(struct planner *p, struct vs_plan_row *row,
			     const struct vs_rung *rung)
{
	size_t nr_funcs;

	if (!has_file(p, row))
		return false;
	if (strcmp(p->facts->machine, "x86_64")) {
		plan_say_how(row, "inlined gets can be found on x86-64 only");
		return false;
	}
	if (!plan_sites(p, row, rung, &nr_funcs)) {
		plan_say_how(row, "no inlined %s of %s was found", rung->target,
			     rung->needs & VS_NEEDS_DEVICE_REFCOUNT ? "a device" : "a group");
		return false;
	}
	plan_say_how(row, "%u inlined %s of %s in %zu function%s%s", row->nr_probes,
		     row->nr_probes == 1 ? "copy" : "copies", rung->target, nr_funcs,
		     vs_plural(nr_funcs), found_in(p));
	return true;
}

static bool has_btf(const struct planner *p, struct vs_plan_row *row)
{
	if (!p->facts->vmlinux_btf)
		plan_settle(row, VS_HOOK_MISSING, "this kernel has no BTF",
			    "needs a kernel with CONFIG_DEBUG_INFO_BTF=y");
	return p->facts->vmlinux_btf;
}

/*
 * A fexit's trampoline is on the stack of every task in the function. Before e21aa341785c it was
 * freed after a grace period of RCU-tasks, which does not wait for a task that sleeps there: the
 * task returned into freed memory. All functions with a fexit here sleep: chains call anything.
 */
static bool may_exit(const struct planner *p, struct vs_plan_row *row, const struct vs_rung *rung)
{
	if (!rung->exit_program || p->facts->tramp_image)
		return true;
	plan_settle(row, VS_HOOK_MISSING, "fexit could crash this kernel when it is detached while a "
		    "task sleeps in the function", "needs a kernel with \"bpf: Fix fexit trampoline.\" "
		    "(e21aa341785c, v5.12, in stable kernels too): a newer one of the same series");
	return false;
}

static bool plan_fentry(struct planner *p, struct vs_plan_row *row, const struct vs_rung *rung)
{
	if (!has_btf(p, row))
		return false;
	if (!vs_names__has(&p->facts->btf_funcs, rung->target)) {
		plan_say_how(row, "no function %s in this kernel", rung->target);
		return false;
	}
	if (!may_exit(p, row, rung))
		return false;
	if (rung->program)
		add_probe(p, row, (struct vs_probe){ .rung = rung, .program = rung->program });
	if (rung->exit_program)
		add_probe(p, row, (struct vs_probe){ .rung = rung,
						     .program = rung->exit_program });
	plan_say_how(row, "%s of %s", !rung->exit_program ? "fentry" : rung->program ?
		     "fentry and fexit" : "fexit", rung->target);
	return true;
}

static bool plan_tracepoint(struct planner *p, struct vs_plan_row *row,
			    const struct vs_rung *rung)
{
	if (!has_btf(p, row))
		return false;
	if (!vs_names__has(&p->facts->tracepoints, rung->target)) {
		plan_say_how(row, "no tracepoint %s in this kernel's BTF", rung->target);
		return false;
	}
	add_probe(p, row, (struct vs_probe){ .rung = rung, .program = rung->program });
	plan_say_how(row, "tracepoint %s", rung->target);
	return true;
}

/* We have seen that a kprobe at a function's entry goes through ftrace too, and is silent without it. */
static bool is_at_entry(const struct vs_rung *rung)
{
	return rung->kind == VS_RUNG_FENTRY || rung->kind == VS_RUNG_FUNCTION;
}

bool plan_rung(struct planner *p, struct vs_plan_row *row, const struct vs_rung *rung)
{
	if (is_at_entry(rung) && p->facts->ftrace_enabled == 0) {
		plan_settle(row, VS_HOOK_MISSING,
			    "kernel.ftrace_enabled is 0: the probe would never fire",
			    "sysctl kernel.ftrace_enabled=1");
		return false;
	}
	if (rung->built_in && p->facts->vfio_state != VS_KMOD_BUILTIN)
		return false;
	if (!needs_met(p, rung)) {
		plan_say_how(row, "the layout of vfio's structures is not known");
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

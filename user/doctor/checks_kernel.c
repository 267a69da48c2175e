// SPDX-License-Identifier: GPL-2.0
/* These checks look at how the kernel was built, booted and set. */
#include <errno.h>
#include <string.h>

#include "base/plural.h"
#include "bpf/exact.h"
#include "doctor/judge.h"
#include "probe/attach.h"

static void judge_kptr(const struct vs_host_state *h, struct vs_diag_result *r)
{
	vs_judge__number(r, h->facts->kptr_restrict);
	if (h->facts->kptr_restrict < 2)
		return;
	vs_judge__bad(r, VS_DIAG_BLOCKS, BPF_USERS | WORK(INSPECT), VS_EXIT_UNAVAILABLE);
	vs_judge__what(r, "kernel.kptr_restrict is 2: the kernel hides its addresses from "
		       "everybody, root too.");
	vs_judge__cost(r, "groups are not followed in trace, refs, validate; latency and why do "
		       "not start, inspect --running reads files only");
	vs_judge__remedy(r, "With 1 only CAP_SYSLOG sees them, which is all that is needed:");
	vs_judge__command(r, "sudo sysctl kernel.kptr_restrict=1");
}

/* -- lockdown -- */

/* /sys/kernel/security need not be mounted; a program that may not read memory shows it as well. */
static bool reading_forbidden(const struct vs_env *env)
{
	return !env->tracing_program && (env->reading_program == -EINVAL ||
					 env->reading_program == -EPERM);
}

static void judge_lockdown(const struct vs_host_state *h, struct vs_diag_result *r)
{
	const char *mode = h->facts->lockdown;

	if (!mode[0] && reading_forbidden(h->env))
		mode = "confidentiality";
	vs_judge__value(r, "%s", mode[0] ? mode : "none, or not readable");
	if (!strcmp(mode, "integrity")) {
		vs_judge__bad(r, VS_DIAG_NOTE, 0, VS_EXIT_OK);
		vs_judge__what(r, "The kernel is in lockdown (integrity).");
		vs_judge__cost(r, "nothing of vfioscope: tracing and reading are allowed in this mode");
	}
	if (strcmp(mode, "confidentiality"))
		return;
	vs_judge__bad(r, VS_DIAG_BLOCKS, BPF_USERS | WORK(INSPECT), VS_EXIT_UNAVAILABLE);
	vs_judge__what(r, "The kernel is in lockdown (confidentiality): nobody may read its memory "
		       "or set kprobes.");
	vs_judge__cost(r, "trace, refs, validate: groups are not followed; latency does not start; "
		       "why has stacks only; inspect works on files");
	vs_judge__remedy(r, "It cannot be taken back while the kernel runs. Boot with "
			 "lockdown=integrity, where nothing is lost; find where it is set:");
	vs_judge__command(r, "grep -rs lockdown /proc/cmdline /etc/default/grub*");
}

/* -- tracing -- */

static void judge_ftrace(const struct vs_host_state *h, struct vs_diag_result *r)
{
	vs_judge__number(r, h->facts->ftrace_enabled);
	if (h->facts->ftrace_enabled)
		return;
	vs_judge__bad(r, VS_DIAG_BLOCKS, BPF_USERS & ~WORK(WHY), VS_EXIT_UNAVAILABLE);
	r->starts = true;
	vs_judge__what(r, "kernel.ftrace_enabled is 0: probes at the entry of a function are armed "
		       "without an error, and never fire.");
	vs_judge__cost(r, "trace, refs, validate do not see chains, releases, opens and closes; "
		       "inlined gets and puts are still seen");
	vs_judge__command(r, "sudo sysctl kernel.ftrace_enabled=1");
}

static void judge_kprobes(const struct vs_host_state *h, struct vs_diag_result *r)
{
	vs_judge__value(r, h->facts->kprobe_pmu ? "yes" : "no");
	if (h->facts->kprobe_pmu && h->env->kprobes_enabled != 0)
		return;
	vs_judge__bad(r, VS_DIAG_BLOCKS, LIVE, VS_EXIT_UNAVAILABLE);
	r->starts = true;
	vs_judge__cost(r, "groups are not followed in trace, refs, validate: VFIO's own functions "
		       "cannot be probed");
	if (!h->facts->kprobe_pmu) {
		vs_judge__what(r, "This kernel offers no kprobes to perf.");
		vs_judge__remedy(r, "It takes a kernel with CONFIG_KPROBE_EVENTS=y and "
				 "CONFIG_PERF_EVENTS=y. What this one has:");
		vs_judge__command(r, "grep -E 'KPROBE|PERF_EVENTS' /boot/config-$(uname -r)");
		return;
	}
	vs_judge__value(r, "switched off");
	vs_judge__what(r, "All kprobes are switched off in /sys/kernel/debug/kprobes/enabled: they "
		       "are armed without an error, and never fire.");
	vs_judge__command(r, "echo 1 | sudo tee /sys/kernel/debug/kprobes/enabled");
}

static void judge_btf(const struct vs_host_state *h, struct vs_diag_result *r)
{
	bool given = h->env->btf_file[0];

	vs_judge__value(r, h->facts->vmlinux_btf ? "yes" : given ? "a file" : "no");
	if (h->facts->vmlinux_btf)
		return;
	vs_judge__bad(r, given ? VS_DIAG_WEAKER : VS_DIAG_BLOCKS, BPF_USERS, VS_EXIT_UNAVAILABLE);
	vs_judge__what(r, "This kernel offers no BTF (its types) in /sys/kernel/btf%s.",
		       given ? "; the file of --btf stands in for it" : "");
	if (given) {
		vs_judge__cost(r, "trace and refs see VFIO's own functions only: no chains, no "
			       "deferred puts, no proof of the deadlock; latency does not start");
		vs_judge__remedy(r, "A kernel with CONFIG_DEBUG_INFO_BTF=y gives all.");
		return;
	}
	vs_judge__cost(r, "trace, refs, latency, validate do not start; why has stacks only");
	vs_judge__remedy(r, "Use a kernel with CONFIG_DEBUG_INFO_BTF=y. Part of it works with a "
			 "BTF file made for exactly this kernel:");
	vs_judge__command(r, "vfioscope --btf FILE trace");
}

/* Uses the result of a try, because a kernel may take the program and have no way to run it. */
static void judge_fentry(const struct vs_host_state *h, struct vs_diag_result *r)
{
	int err = h->env->fentry;

	if (err == VS_NOT_TRIED) {
		vs_judge__unknown(r, "not tried");
		return;
	}
	vs_judge__value(r, "%s", err ? vs_attach_error__words(err) : "can be armed");
	if (!err)
		return;
	vs_judge__bad(r, VS_DIAG_BLOCKS, LIVE, VS_EXIT_UNAVAILABLE);
	r->starts = true;
	vs_judge__what(r, "No function of the kernel itself can be followed (fentry): %s.",
		       vs_attach_error__words(err));
	vs_judge__cost(r, "trace, refs, validate do not see which notifier chains a task is inside: "
		       "no deadlock can be recognised; VFIO's own functions are followed");
	if (err == -EPERM || err == -EACCES) {
		vs_judge__remedy(r, "It is not missing but refused, to a user who may load programs: by a security "
				 "module, or by a kernel whose code is not to be changed. What was logged:");
		vs_judge__command(r, "sudo dmesg | grep -iE 'avc|apparmor|lockdown|bpf|ftrace' | tail");
		return;
	}
	vs_judge__remedy(r, "It takes a kernel with CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS=y and "
			 "CONFIG_BPF_JIT=y (arm64: v6.0 or later). What this one has:");
	vs_judge__command(r, "grep -E 'WITH_DIRECT_CALLS|BPF_JIT' /boot/config-$(uname -r)");
}

/* Without BTF we know nothing of it, and arm no fexit. */
static void judge_fexit(const struct vs_host_state *h, struct vs_diag_result *r)
{
	if (!h->facts->vmlinux_btf) {
		vs_judge__unknown(r, "not known without BTF");
		return;
	}
	vs_judge__value(r, h->facts->tramp_image ? "safe" : "not safe");
	if (h->facts->tramp_image)
		return;
	vs_judge__bad(r, VS_DIAG_BLOCKS, LIVE, VS_EXIT_UNAVAILABLE);
	r->starts = true;
	vs_judge__what(r, "This kernel frees the trampoline of a fexit probe while tasks may still "
		       "sleep in the function: detaching it could crash the host. It is not armed.");
	vs_judge__cost(r, "trace, refs, validate do not see which notifier chains a task is inside: "
		       "no deadlock can be recognised");
	vs_judge__remedy(r, "It takes a kernel with \"bpf: Fix fexit trampoline.\" (e21aa341785c, "
			 "v5.12; stable series have it too): a newer one of the same series, say.");
}

static void judge_ring_lock(const struct vs_host_state *h, struct vs_diag_result *r)
{
	vs_judge__value(r, "%s", h->facts->realtime != 1 ? "not a realtime kernel" :
			h->facts->ring_lock_spins ? "spins" : "sleeps");
	if (h->facts->realtime == 1 && h->facts->ring_lock_spins == VS_UNKNOWN)
		vs_judge__unknown(r, "not known without BTF");
	if (!vs_facts__ring_may_sleep(h->facts))
		return;
	vs_judge__bad(r, VS_DIAG_BLOCKS, LIVE | WORK(LATENCY), VS_EXIT_UNAVAILABLE);
	vs_judge__what(r, "This is a realtime kernel (PREEMPT_RT), and the lock of BPF's ring buffer "
		       "is one that sleeps: probes write there where nobody may sleep.");
	vs_judge__cost(r, "trace, refs, latency, validate do not start: rarely, but possibly, the host "
		       "would stop (\"scheduling while atomic\"); refs --once, why, inspect work");
	vs_judge__remedy(r, "It takes a kernel with \"bpf: Use raw_spinlock_t in ringbuf\" "
			 "(8b62645b09f8, v6.12; stable series have it too), or one without "
			 "PREEMPT_RT.");
}

/* -- debug registers -- */

static void judge_debug_registers(const struct vs_host_state *h, struct vs_diag_result *r)
{
	int room = h->env->debug_registers;

	if (room < 0) {
		vs_judge__unknown(r, room == -EPERM ? "cannot be tried without CAP_SYS_ADMIN" :
				  room == -EOPNOTSUPP ? "this machine has none" : "not known");
		return;
	}
	vs_judge__value(r, "%d of %d free", room, VS_WATCHES);
	if (room == VS_WATCHES)
		return;
	vs_judge__bad(r, room ? VS_DIAG_NOTE : VS_DIAG_WEAKER, WORK(REFS_EXACT),
		      VS_EXIT_UNAVAILABLE);
	vs_judge__what(r, "%s of the CPU's %d hardware breakpoints are taken by others (gdb, perf "
		       "record -e mem:, kgdb).", room ? "Some" : "All", VS_WATCHES);
	if (room)
		vs_judge__cost(r, "refs --exact watches at most %d group%s at a time", room,
			       vs_plural(room));
	else
		vs_judge__cost(r, "refs --exact cannot watch any group; all else works");
	vs_judge__remedy(r, "End who has them; processes with perf events:");
	vs_judge__command(r, "sudo find /proc/[0-9]*/fd -lname '*perf_event*'");
}

static void judge_livepatch(const struct vs_host_state *h, struct vs_diag_result *r)
{
	const struct vs_names *patches = &h->facts->livepatches;

	vs_judge__value(r, patches->nr ? "%s" : "none", patches->nr ? patches->names[0] : "");
	if (!patches->nr)
		return;
	vs_judge__bad(r, VS_DIAG_NOTE, 0, VS_EXIT_OK);
	vs_judge__what(r, "A livepatch is loaded: %s.", patches->names[0]);
	vs_judge__cost(r, "nothing, unless it patches VFIO: then what runs differs from the file");
	vs_judge__command(r, "ls /sys/kernel/livepatch/*/");
}

const struct vs_diag vs_diags_kernel[] = {
	{ "ring-lock", "/sys/kernel/realtime", judge_ring_lock },
	{ "lockdown", "lockdown", judge_lockdown },
	{ "kptr-restrict", "kernel.kptr_restrict", judge_kptr },
	{ "btf", "/sys/kernel/btf", judge_btf },
	{ "kprobes", "kprobes", judge_kprobes },
	{ "ftrace-enabled", "kernel.ftrace_enabled", judge_ftrace },
	{ "fentry", "fentry", judge_fentry },
	{ "fexit", "fexit trampolines", judge_fexit },
	{ "debug-registers", "debug registers", judge_debug_registers },
	{ "livepatch", "livepatch", judge_livepatch },
	{ .id = NULL },
};

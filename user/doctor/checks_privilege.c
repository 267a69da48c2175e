// SPDX-License-Identifier: GPL-2.0
/* These checks look at our own process: the user, namespaces, seccomp, capabilities, limits. */
#include <errno.h>
#include <linux/capability.h>
#include <string.h>

#include "doctor/judge.h"

#define TRACING_CAPS "CAP_BPF CAP_PERFMON CAP_SYSLOG"

static bool has_cap_bpf(const struct vs_host_state *h)
{
	return h->env->cap_last == VS_UNKNOWN || h->env->cap_last >= CAP_BPF;
}

/* -- namespaces -- */

static void judge_user_namespace(const struct vs_host_state *h, struct vs_diag_result *r)
{
	if (h->env->user_ns_initial == VS_UNKNOWN) {
		vs_judge__unknown(r, "not readable");
		return;
	}
	vs_judge__value(r, h->env->user_ns_initial ? "the host's" : "one of its own");
	if (h->env->user_ns_initial)
		return;
	vs_judge__bad(r, VS_DIAG_BLOCKS, BPF_USERS | WORK(INSPECT), VS_EXIT_PERMISSION);
	vs_judge__what(r, "This process is in a user namespace (rootless container, unshare -r): "
		       "its root is an ordinary user to the kernel.");
	vs_judge__cost(r, "everything live: no program can be loaded, no address can be seen");
	vs_judge__remedy(r, "Run it on the host, or in a container that root started with "
			 "--privileged.");
	vs_judge__command(r, VS_DIAG_AS_ROOT);
}

static void judge_pid_namespace(const struct vs_host_state *h, struct vs_diag_result *r)
{
	if (h->env->pid_ns_initial == VS_UNKNOWN) {
		vs_judge__unknown(r, "not readable");
		return;
	}
	vs_judge__value(r, h->env->pid_ns_initial ? "the host's" : "one of its own");
	if (h->env->pid_ns_initial)
		return;
	vs_judge__bad(r, VS_DIAG_WEAKER, WORK(TRACE) | WORK(REFS) | WORK(WHY) | WORK(VALIDATE),
		      VS_EXIT_OK);
	vs_judge__what(r, "This process sees a container's processes only, not the host's.");
	vs_judge__cost(r, "process numbers are the host's and cannot be looked up here: no stack "
		       "with a finding, no names of open files in why");
	vs_judge__remedy(r, "Run it on the host, or start the container with the host's processes.");
	vs_judge__command(r, "docker run --privileged --pid=host ...");
}

/* -- seccomp -- */

/* A counter of one's own needs no capability; EACCES would be perf_event_paranoid. */
static bool perf_filtered(const struct vs_env *env)
{
	return env->perf_call == -EPERM || env->perf_call == -ENOSYS;
}

static bool bpf_filtered(const struct vs_host_state *h)
{
	return h->env->bpf_call == -ENOSYS ||
	       (h->env->bpf_call == -EPERM && vs_judge__has(h, CAP_BPF));
}

static void judge_seccomp(const struct vs_host_state *h, struct vs_diag_result *r)
{
	const char *call = bpf_filtered(h) ? "bpf" : "perf_event_open";

	if (h->env->seccomp == VS_UNKNOWN) {
		vs_judge__unknown(r, "not readable");
		return;
	}
	vs_judge__value(r, h->env->seccomp ? "a filter" : "no filter");
	if (!h->env->seccomp || !(bpf_filtered(h) || perf_filtered(h->env)))
		return;
	vs_judge__bad(r, VS_DIAG_BLOCKS, BPF_USERS, VS_EXIT_PERMISSION);
	vs_judge__what(r, "A seccomp filter forbids %s(2) to this process, as a container or a "
		       "service has it.", call);
	vs_judge__cost(r, "everything live: nothing can be loaded or armed");
	vs_judge__remedy(r, "Run it on the host, or start the container without the filter; in a "
			 "systemd service, allow it in SystemCallFilter=.");
	vs_judge__command(r, "docker run --privileged --security-opt seccomp=unconfined ...");
}

/* -- user and capabilities -- */

static void judge_user(const struct vs_host_state *h, struct vs_diag_result *r)
{
	uint64_t needed = vs_caps__needed(VS_WORK_TRACE, h->env->cap_last);

	if (h->env->uid == VS_UNKNOWN) {
		vs_judge__unknown(r, "not recorded");
		return;
	}
	vs_judge__value(r, h->env->uid ? "user %d" : "root", h->env->uid);
	if (!h->env->uid || vs_caps__missing(needed, h->caps) != needed)
		return;
	vs_judge__bad(r, VS_DIAG_BLOCKS, BPF_USERS | WORK(INSPECT), VS_EXIT_PERMISSION);
	vs_judge__what(r, "This is an ordinary user (number %d), without any capability that "
		       "tracing needs.", h->env->uid);
	vs_judge__cost(r, "everything live: trace, refs, latency, validate do not start, why sees "
		       "nothing of others");
	vs_judge__remedy(r, has_cap_bpf(h) ? "Run as root; or as a systemd service with "
			 "AmbientCapabilities=" TRACING_CAPS "." : "Run as root.");
	vs_judge__command(r, VS_DIAG_AS_ROOT);
}

/* Says how a process gets a capability. */
static void say_how_to_get(const struct vs_host_state *h, struct vs_diag_result *r, int cap)
{
	char name[16];
	const char *full = vs_cap__name(cap, name);

	if (h->env->uid) {
		vs_judge__remedy(r, "Run as root; or, in a systemd service, add %s to "
				 "AmbientCapabilities=.", full);
		vs_judge__command(r, VS_DIAG_AS_ROOT);
		return;
	}
	vs_judge__remedy(r, "This is root without it: whoever started it took it away. In a "
			 "systemd service, add it to CapabilityBoundingSet=; a container:");
	vs_judge__command(r, "docker run --cap-add %s ...", full + strlen("CAP_"));
}

/* Returns false when there is nothing to complain of. */
static bool lacks(const struct vs_host_state *h, struct vs_diag_result *r, int cap)
{
	char name[16];

	if (h->env->cap_last != VS_UNKNOWN && cap > h->env->cap_last) {
		vs_judge__unknown(r, "not in this kernel: CAP_SYS_ADMIN counts");
		return false;
	}
	if (vs_judge__has(h, cap)) {
		vs_judge__value(r, h->caps & VS_CAP_BIT(cap) ? "held" : "covered by CAP_SYS_ADMIN");
		return false;
	}
	/* Older files of facts have three capabilities only. */
	if (h->env->uid == VS_UNKNOWN && (cap == CAP_SYS_ADMIN || cap == CAP_SYS_PTRACE)) {
		vs_judge__unknown(r, "not recorded");
		return false;
	}
	vs_judge__value(r, "missing");
	vs_judge__what(r, "This process does not have the capability %s.",
		       vs_cap__name(cap, name));
	say_how_to_get(h, r, cap);
	return true;
}

static void judge_cap_bpf(const struct vs_host_state *h, struct vs_diag_result *r)
{
	if (!lacks(h, r, CAP_BPF))
		return;
	vs_judge__bad(r, VS_DIAG_BLOCKS, BPF_USERS, VS_EXIT_PERMISSION);
	vs_judge__cost(r, "trace, refs, latency, validate do not start; why sees less: no program "
		       "can be loaded");
}

static void judge_cap_perfmon(const struct vs_host_state *h, struct vs_diag_result *r)
{
	if (!lacks(h, r, CAP_PERFMON))
		return;
	vs_judge__bad(r, VS_DIAG_BLOCKS, BPF_USERS, VS_EXIT_PERMISSION);
	vs_judge__cost(r, "trace, refs, latency, validate do not start; why sees less: programs "
		       "may not read kernel memory, no probe can be armed");
}

/* kallsyms_for_perf(): with kptr_restrict 0 and little paranoia everybody sees addresses. */
static bool anybody_sees_addresses(const struct vs_facts *f)
{
	return f->kptr_restrict == 0 && f->perf_event_paranoid != VS_UNKNOWN &&
	       f->perf_event_paranoid <= 1;
}

static void judge_cap_syslog(const struct vs_host_state *h, struct vs_diag_result *r)
{
	if (!lacks(h, r, CAP_SYSLOG))
		return;
	if (anybody_sees_addresses(h->facts)) {
		vs_judge__value(r, "missing, not needed with these settings");
		return;
	}
	vs_judge__bad(r, VS_DIAG_BLOCKS, BPF_USERS | WORK(INSPECT), VS_EXIT_PERMISSION);
	vs_judge__cost(r, "groups are not followed in trace, refs, validate; latency and why do "
		       "not start: addresses of kernel functions are hidden");
}

static void judge_cap_sys_ptrace(const struct vs_host_state *h, struct vs_diag_result *r)
{
	if (!lacks(h, r, CAP_SYS_PTRACE))
		return;
	vs_judge__bad(r, VS_DIAG_WEAKER, WORK(WHY), VS_EXIT_OK);
	vs_judge__cost(r, "why cannot name what other users' processes have open");
}

/* Before v5.8 everything needs it; since then only a few features do. */
static void judge_cap_sys_admin(const struct vs_host_state *h, struct vs_diag_result *r)
{
	if (!lacks(h, r, CAP_SYS_ADMIN))
		return;
	if (!has_cap_bpf(h)) {
		vs_judge__bad(r, VS_DIAG_BLOCKS, BPF_USERS, VS_EXIT_PERMISSION);
		vs_judge__cost(r, "trace, refs, latency, validate do not start: this kernel has no "
			       "CAP_BPF and CAP_PERFMON yet");
		return;
	}
	vs_judge__bad(r, VS_DIAG_WEAKER, WORK(TRACE) | WORK(REFS) | WORK(REFS_EXACT) | WORK(WHY) |
		      WORK(VALIDATE), VS_EXIT_PERMISSION);
	vs_judge__cost(r, "refs --exact has no watchpoints; a finding comes without the kernel "
		       "stack of the stuck task");
}

/* Debian, Ubuntu and Android refuse perf_event_open(2) above 2 to all but CAP_SYS_ADMIN. */
static void judge_paranoid(const struct vs_host_state *h, struct vs_diag_result *r)
{
	int level = h->facts->perf_event_paranoid;

	vs_judge__number(r, level);
	if (level == VS_UNKNOWN || level <= 2)
		return;
	if (h->env->perf_call != -EACCES) {
		vs_judge__value(r, "%d, which does not bind this process", level);
		return;
	}
	vs_judge__bad(r, VS_DIAG_BLOCKS, LIVE, VS_EXIT_PERMISSION);
	r->starts = true;
	vs_judge__what(r, "kernel.perf_event_paranoid is %d: CAP_PERFMON is not enough, probes may "
		       "be armed with CAP_SYS_ADMIN only.", level);
	vs_judge__cost(r, "groups are not followed in trace, refs, validate: no probe in VFIO can "
		       "be armed");
	vs_judge__remedy(r, "Lower it (2 is the kernel's own default), or run as root.");
	vs_judge__command(r, "sudo sysctl kernel.perf_event_paranoid=2");
}

/* -- memory -- */

/* If the limit is so low that not even the question gets through, a refusal shows it. */
static bool is_charged(const struct vs_host_state *h)
{
	const struct vs_env *env = h->env;

	return env->memlock_charged == 1 ||
	       (env->memlock_charged == VS_UNKNOWN && env->tracing_program == -EPERM &&
		env->bpf_call == -EINVAL && vs_judge__has(h, CAP_BPF) &&
		vs_judge__has(h, CAP_PERFMON));
}

static void judge_memlock(const struct vs_host_state *h, struct vs_diag_result *r)
{
	const struct vs_env *env = h->env;

	if (!is_charged(h)) {
		if (env->memlock_charged == VS_UNKNOWN)
			vs_judge__unknown(r, "cannot be tried");
		else
			vs_judge__value(r, "this kernel counts BPF memory elsewhere");
		return;
	}
	if (env->memlock_hard == VS_UNKNOWN || env->memlock_raised == 1 ||
	    env->memlock_hard >= env->ring_bytes) {
		vs_judge__value(r, env->memlock_raised == 1 ? "can be lifted" : "high enough");
		return;
	}
	vs_judge__value(r, "%lld KiB", (long long)env->memlock_hard >> 10);
	vs_judge__bad(r, VS_DIAG_BLOCKS, BPF_USERS, VS_EXIT_PERMISSION);
	vs_judge__what(r, "RLIMIT_MEMLOCK allows %lld KiB; this kernel counts the memory of BPF "
		       "programs for it, and trace and refs need up to %d KiB.",
		       (long long)env->memlock_hard >> 10, env->ring_bytes >> 10);
	vs_judge__cost(r, "trace, refs, latency, validate do not start; why sees less");
	vs_judge__remedy(r, "Lift it for this shell; in a systemd service: LimitMEMLOCK=infinity.");
	vs_judge__command(r, "sudo prlimit --memlock=unlimited:unlimited --pid $$");
}

/* Complains when the kernel refuses it although everything that we know allows it. */
static void judge_bpf_program(const struct vs_host_state *h, struct vs_diag_result *r)
{
	const struct vs_env *env = h->env;

	if (!vs_judge__has(h, CAP_BPF) || !vs_judge__has(h, CAP_PERFMON)) {
		vs_judge__unknown(r, "cannot be tried");
		return;
	}
	vs_judge__value(r, "%s", env->tracing_program ? strerror(-env->tracing_program) : "taken");
	if (!env->tracing_program)
		return;
	vs_judge__bad(r, VS_DIAG_BLOCKS, BPF_USERS, VS_EXIT_UNAVAILABLE);
	vs_judge__what(r, "The kernel refuses a tracing program of two instructions, although the "
		       "capabilities are there: %s.", strerror(-env->tracing_program));
	vs_judge__cost(r, "everything live: nothing can be loaded");
	vs_judge__remedy(r, "A security module (SELinux, AppArmor) or a kernel without "
			 "CONFIG_BPF_SYSCALL: the kernel's log may tell.");
	vs_judge__command(r, "sudo dmesg | grep -iE 'avc|apparmor|bpf' | tail");
}

const struct vs_diag vs_diags_privilege[] = {
	{ "user-namespace", "user namespace", judge_user_namespace },
	{ "user", "user", judge_user },
	{ "cap-bpf", "CAP_BPF", judge_cap_bpf },
	{ "cap-perfmon", "CAP_PERFMON", judge_cap_perfmon },
	{ "cap-syslog", "CAP_SYSLOG", judge_cap_syslog },
	{ "cap-sys-admin", "CAP_SYS_ADMIN", judge_cap_sys_admin },
	{ "cap-sys-ptrace", "CAP_SYS_PTRACE", judge_cap_sys_ptrace },
	{ "perf-event-paranoid", "kernel.perf_event_paranoid", judge_paranoid },
	{ "seccomp", "seccomp", judge_seccomp },
	{ "memlock", "RLIMIT_MEMLOCK", judge_memlock },
	{ "bpf-program", "bpf(2)", judge_bpf_program },
	{ "pid-namespace", "pid namespace", judge_pid_namespace },
	{ .id = NULL },
};

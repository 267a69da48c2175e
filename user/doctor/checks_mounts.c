// SPDX-License-Identifier: GPL-2.0
/* These checks find missing mounts, which a container often lacks. */
#include "doctor/judge.h"

/* Returns true when it is missing. */
static bool lacks(struct vs_diag_result *r, int mounted)
{
	if (mounted == VS_UNKNOWN)
		vs_judge__unknown(r, "not recorded");
	else
		vs_judge__value(r, mounted ? "mounted" : "not mounted");
	return mounted == 0;
}

static void judge_proc(const struct vs_host_state *h, struct vs_diag_result *r)
{
	if (!lacks(r, h->env->proc_mounted))
		return;
	vs_judge__bad(r, VS_DIAG_BLOCKS, WORK(LATENCY) | WORK(WHY) | WORK(INSPECT),
		      VS_EXIT_UNAVAILABLE);
	vs_judge__what(r, "The proc filesystem is not at /proc.");
	vs_judge__cost(r, "latency and why do not start; trace and refs have no symbols, no stacks "
		       "and no names of processes; settings cannot be checked");
	vs_judge__command(r, "sudo mount -t proc proc /proc");
}

static void judge_sysfs(const struct vs_host_state *h, struct vs_diag_result *r)
{
	if (!lacks(r, h->env->sys_mounted))
		return;
	vs_judge__bad(r, VS_DIAG_BLOCKS, BPF_USERS | WORK(INSPECT), VS_EXIT_UNAVAILABLE);
	vs_judge__what(r, "The sysfs filesystem is not at /sys (a container without it?).");
	vs_judge__cost(r, "everything live: the kernel's types (BTF), kprobes, modules and IOMMU "
		       "groups are found there");
	vs_judge__remedy(r, "In a container: start it with -v /sys:/sys. Else:");
	vs_judge__command(r, "sudo mount -t sysfs sysfs /sys");
}

static void judge_debugfs(const struct vs_host_state *h, struct vs_diag_result *r)
{
	if (!lacks(r, h->env->debugfs_mounted))
		return;
	vs_judge__bad(r, VS_DIAG_NOTE, 0, VS_EXIT_OK);
	vs_judge__what(r, "The debugfs filesystem is not at /sys/kernel/debug.");
	vs_judge__cost(r, "nothing of vfioscope; doctor cannot see whether kprobes were switched "
		       "off there");
	vs_judge__command(r, "sudo mount -t debugfs debugfs /sys/kernel/debug");
}

static void judge_tracefs(const struct vs_host_state *h, struct vs_diag_result *r)
{
	if (!lacks(r, h->env->tracefs_mounted))
		return;
	vs_judge__bad(r, VS_DIAG_NOTE, 0, VS_EXIT_OK);
	vs_judge__what(r, "The tracefs filesystem is not at /sys/kernel/tracing.");
	vs_judge__cost(r, "nothing of vfioscope: its probes go through perf and bpf(2). Other "
		       "tools (trace-cmd, perf probe) need it");
	vs_judge__command(r, "sudo mount -t tracefs tracefs /sys/kernel/tracing");
}

const struct vs_diag vs_diags_mounts[] = {
	{ "proc", "/proc", judge_proc },
	{ "sysfs", "/sys", judge_sysfs },
	{ "debugfs", "/sys/kernel/debug", judge_debugfs },
	{ "tracefs", "/sys/kernel/tracing", judge_tracefs },
	{ .id = NULL },
};

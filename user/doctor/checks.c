// SPDX-License-Identifier: GPL-2.0
#include "doctor/checks.h"

#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "doctor/judge.h"

const char *vs_diag_status__name(enum vs_diag_status status)
{
	static const char *const names[] = {
		[VS_DIAG_OK] = "ok",
		[VS_DIAG_NOTE] = "note",
		[VS_DIAG_WEAKER] = "weaker",
		[VS_DIAG_BLOCKS] = "blocks",
		[VS_DIAG_UNKNOWN] = "unknown",
	};

	return names[status];
}

/* -- what the judges share -- */

bool vs_judge__has(const struct vs_host_state *h, int cap)
{
	return !vs_caps__missing(VS_CAP_BIT(cap), h->caps);
}

#define FORMATTED(function, member) \
	void function(struct vs_diag_result *r, const char *fmt, ...) \
	{ \
		va_list args; \
		va_start(args, fmt); \
		vsnprintf(r->member, sizeof(r->member), fmt, args); \
		va_end(args); \
	}

FORMATTED(vs_judge__value, value)
FORMATTED(vs_judge__what, what)
FORMATTED(vs_judge__cost, cost)
FORMATTED(vs_judge__remedy, remedy)
FORMATTED(vs_judge__command, command)

void vs_judge__number(struct vs_diag_result *r, int value)
{
	if (value == VS_UNKNOWN)
		vs_judge__unknown(r, "not readable");
	else
		vs_judge__value(r, "%d", value);
}

void vs_judge__unknown(struct vs_diag_result *r, const char *value)
{
	r->status = VS_DIAG_UNKNOWN;
	vs_judge__value(r, "%s", value);
}

void vs_judge__bad(struct vs_diag_result *r, enum vs_diag_status status, unsigned int works,
		   int exit_status)
{
	r->status = status;
	r->works = works;
	r->exit_status = exit_status;
}

/* -- all -- */

static const struct vs_diag *const tables[] = {
	vs_diags_privilege, vs_diags_mounts, vs_diags_kernel, vs_diags_vfio,
};

/* Root types commands without sudo, except one that has to be typed outside of a container. */
static void without_sudo(char *command)
{
	char *sudo;

	while ((sudo = strstr(command, "sudo ")))
		memmove(sudo, sudo + strlen("sudo "), strlen(sudo + strlen("sudo ")) + 1);
}

static void run_table(const struct vs_diag *table, const struct vs_host_state *h,
		      struct vs_diags *checks)
{
	for (; table->id && checks->nr < VS_MAX_DIAGS; table++) {
		struct vs_diag_result *r = &checks->results[checks->nr++];

		r->id = table->id;
		r->knob = table->knob;
		table->judge(h, r);
		if (h->env->uid == 0 && h->env->user_ns_initial != 0)
			without_sudo(r->command);
	}
}

static bool is_bad(const struct vs_diag_result *r)
{
	return r && (r->status == VS_DIAG_BLOCKS || r->status == VS_DIAG_WEAKER ||
		     r->status == VS_DIAG_NOTE);
}

/* If another check's failure causes this one, there is one thing to do, not two. */
static const struct {
	const char *id, *by;
} covers[] = {
	{ "cap-bpf", "user-namespace" }, { "cap-perfmon", "user-namespace" },
	{ "cap-syslog", "user-namespace" }, { "cap-sys-ptrace", "user-namespace" },
	{ "cap-sys-admin", "user-namespace" }, { "perf-event-paranoid", "user-namespace" },
	{ "user", "user-namespace" },
	{ "cap-bpf", "user" }, { "cap-perfmon", "user" }, { "cap-syslog", "user" },
	{ "cap-sys-ptrace", "user" }, { "cap-sys-admin", "user" },
	{ "perf-event-paranoid", "user" }, { "memlock", "user" },
	{ "btf", "sysfs" }, { "kprobes", "sysfs" }, { "vfio-module", "sysfs" },
	{ "iommu", "sysfs" }, { "debugfs", "sysfs" }, { "tracefs", "sysfs" },
	{ "tracefs", "lockdown" }, { "debugfs", "lockdown" },
	{ "bpf-program", "seccomp" }, { "bpf-program", "memlock" }, { "memlock", "seccomp" },
	{ "bpf-program", "user-namespace" }, { "kptr-restrict", "proc" },
};

static void cover(struct vs_diags *checks)
{
	for (size_t i = 0; i < sizeof(covers) / sizeof(covers[0]); i++)
		for (size_t c = 0; c < checks->nr; c++) {
			struct vs_diag_result *r = &checks->results[c];

			if (!strcmp(r->id, covers[i].id) && !r->covered_by && is_bad(r) &&
			    is_bad(vs_diags__get(checks, covers[i].by)))
				r->covered_by = covers[i].by;
		}
}

/* Capabilities in a user namespace of one's own open nothing of the kernel. */
static uint64_t caps_that_count(const struct vs_env *env)
{
	return env->user_ns_initial == 0 ? 0 : env->caps;
}

void vs_diags__run(const struct vs_facts *facts, const struct vs_env *env,
		    struct vs_diags *checks)
{
	struct vs_host_state h = { facts, env, caps_that_count(env) };

	memset(checks, 0, sizeof(*checks));
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		run_table(tables[i], &h, checks);
	cover(checks);
}

const struct vs_diag_result *vs_diags__get(const struct vs_diags *checks, const char *id)
{
	for (size_t i = 0; i < checks->nr; i++)
		if (!strcmp(checks->results[i].id, id))
			return &checks->results[i];
	return NULL;
}

const struct vs_diag_result *vs_diags__blocker(const struct vs_diags *checks,
						 enum vs_work work)
{
	for (size_t i = 0; i < checks->nr; i++) {
		const struct vs_diag_result *r = &checks->results[i];

		if (r->status == VS_DIAG_BLOCKS && !r->covered_by && r->works & (1u << work))
			return r;
	}
	return NULL;
}

int vs_diags__exit_status(const struct vs_diags *checks)
{
	int status = VS_EXIT_OK;

	for (size_t i = 0; i < checks->nr; i++) {
		const struct vs_diag_result *r = &checks->results[i];

		if (r->status == VS_DIAG_BLOCKS && (!status || r->exit_status == VS_EXIT_PERMISSION))
			status = r->exit_status;
	}
	return status;
}

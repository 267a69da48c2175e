// SPDX-License-Identifier: GPL-2.0
#include "privilege/caps.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>

#define LAST_POSSIBLE 63

#define LOADS { CAP_BPF, true, false, "to load its programs and make their maps" }
#define ARMS { CAP_PERFMON, true, false, "to load tracing programs and open perf events" }
#define FINDS { CAP_SYSLOG, true, false, "to see addresses of kernel functions" }
#define ARMS_AGAIN { CAP_PERFMON, true, true, \
	"to load tracing programs and open perf events, again when vfio.ko is loaded again" }
#define FINDS_AGAIN { CAP_SYSLOG, true, true, \
	"to see addresses of kernel functions, again when a module is loaded" }
/* proc_pid_stack(), since v4.19 (f8a00cef1720) */
#define READS_STACKS { CAP_SYS_ADMIN, false, true, \
	"to show the kernel stack of a stuck task (/proc/PID/stack)" }
#define END { .cap = -1 }

static const struct vs_cap_use traces[] = {
	LOADS, ARMS_AGAIN, FINDS_AGAIN, READS_STACKS, END
};

static const struct vs_cap_use counts_exactly[] = {
	LOADS, ARMS_AGAIN, FINDS_AGAIN,
	/* hw_breakpoint_parse(): kernel addresses are not for CAP_PERFMON */
	{ CAP_SYS_ADMIN, true, true, "to set watchpoints on kernel memory" },
	END
};

static const struct vs_cap_use measures[] = { LOADS, ARMS_AGAIN, FINDS_AGAIN, END };

static const struct vs_cap_use explains[] = {
	LOADS, ARMS, FINDS,
	{ CAP_SYS_PTRACE, false, false, "to say what other users' processes have open" },
	{ CAP_DAC_READ_SEARCH, false, false,
	  "to list the open files of other users' processes (/proc/PID/fd), when not root" },
	{ CAP_SYS_ADMIN, false, false,
	  "to read /proc/PID/stack where BPF may not read the kernel's memory" },
	END
};

static const struct vs_cap_use inspects[] = {
	FINDS,
	{ CAP_SYS_RAWIO, true, false, "to read /proc/kcore" },	/* open_kcore() */
	{ CAP_DAC_READ_SEARCH, false, false, "to open /proc/kcore (mode 0400), when not root" },
	END
};

struct work {
	const char *name;
	const struct vs_cap_use *uses;
};

static const struct work works[VS_WORK_END] = {
	[VS_WORK_TRACE] = { "trace", traces },
	[VS_WORK_REFS] = { "refs", traces },
	[VS_WORK_REFS_EXACT] = { "refs --exact", counts_exactly },
	[VS_WORK_LATENCY] = { "latency", measures },
	[VS_WORK_WHY] = { "why", explains },
	[VS_WORK_INSPECT] = { "inspect --running", inspects },
	[VS_WORK_VALIDATE] = { "validate", traces },
};

const char *vs_work__name(enum vs_work work)
{
	return works[work].name;
}

const struct vs_cap_use *vs_caps__uses(enum vs_work work)
{
	return works[work].uses;
}

/* -- sets -- */

static uint64_t bit_on(int cap, int last)
{
	if (cap > last && (cap == CAP_BPF || cap == CAP_PERFMON))
		cap = CAP_SYS_ADMIN;
	return cap > last ? 0 : VS_CAP_BIT(cap);
}

uint64_t vs_caps__needed(enum vs_work work, int last)
{
	uint64_t caps = 0;

	for (const struct vs_cap_use *use = works[work].uses; use->cap >= 0; use++)
		if (use->required)
			caps |= bit_on(use->cap, last);
	return caps;
}

uint64_t vs_caps__useful(enum vs_work work, int last)
{
	uint64_t caps = 0;

	for (const struct vs_cap_use *use = works[work].uses; use->cap >= 0; use++)
		caps |= bit_on(use->cap, last);
	return caps & ~vs_caps__needed(work, last);
}

uint64_t vs_caps__later(enum vs_work work, int last)
{
	uint64_t caps = 0;

	for (const struct vs_cap_use *use = works[work].uses; use->cap >= 0; use++)
		if (use->later)
			caps |= bit_on(use->cap, last);
	return caps;
}

uint64_t vs_caps__missing(uint64_t needed, uint64_t have)
{
	if (have & VS_CAP_BIT(CAP_SYS_ADMIN))
		have |= VS_CAP_BIT(CAP_BPF) | VS_CAP_BIT(CAP_PERFMON);
	return needed & ~have;
}

/* -- the running kernel -- */

/* PR_CAPBSET_READ refuses what the kernel does not know. */
static int last_by_asking(void)
{
	int cap = 0;

	while (cap < LAST_POSSIBLE && prctl(PR_CAPBSET_READ, cap + 1, 0, 0, 0) >= 0)
		cap++;
	return cap;
}

int vs_caps__last(const char *root)
{
	char path[PATH_MAX];
	int last = -1;
	FILE *file;

	snprintf(path, sizeof(path), "%s/proc/sys/kernel/cap_last_cap", root);
	file = fopen(path, "re");
	if (file && fscanf(file, "%d", &last) != 1)
		last = -1;
	if (file)
		fclose(file);
	return last >= 0 && last <= LAST_POSSIBLE ? last : last_by_asking();
}

static uint64_t own_set(cap_flag_t set)
{
	cap_t caps = cap_get_proc();
	cap_flag_value_t value;
	uint64_t mask = 0;

	if (!caps)
		return 0;
	/* The library refuses those that the running kernel does not have. */
	for (int cap = 0; cap <= LAST_POSSIBLE; cap++)
		if (!cap_get_flag(caps, cap, set, &value) && value == CAP_SET)
			mask |= VS_CAP_BIT(cap);
	cap_free(caps);
	return mask;
}

uint64_t vs_caps__effective(void)
{
	return own_set(CAP_EFFECTIVE);
}

uint64_t vs_caps__permitted(void)
{
	return own_set(CAP_PERMITTED);
}

/* -- words -- */

const char *vs_cap__name(int cap, char buf[16])
{
	static const char *const names[] = {
		[CAP_DAC_OVERRIDE] = "CAP_DAC_OVERRIDE",
		[CAP_DAC_READ_SEARCH] = "CAP_DAC_READ_SEARCH",
		[CAP_SYS_RAWIO] = "CAP_SYS_RAWIO",
		[CAP_SYS_PTRACE] = "CAP_SYS_PTRACE",
		[CAP_SYS_ADMIN] = "CAP_SYS_ADMIN",
		[CAP_SYS_RESOURCE] = "CAP_SYS_RESOURCE",
		[CAP_SYSLOG] = "CAP_SYSLOG",
		[CAP_PERFMON] = "CAP_PERFMON",
		[CAP_BPF] = "CAP_BPF",
	};

	if (cap >= 0 && (size_t)cap < sizeof(names) / sizeof(names[0]) && names[cap])
		return names[cap];
	snprintf(buf, 16, "CAP_%d", cap);
	return buf;
}

static size_t add_text(char *buf, size_t size, size_t len, const char *text)
{
	if (len < size)
		len += snprintf(buf + len, size - len, "%s", text);
	return len;
}

/* Goes from the newest down: CAP_BPF comes before CAP_SYSLOG. */
void vs_caps__words(uint64_t caps, char *buf, size_t size)
{
	size_t len = 0;
	char name[16];

	buf[0] = '\0';
	for (int cap = LAST_POSSIBLE; cap >= 0; cap--) {
		if (!(caps & VS_CAP_BIT(cap)))
			continue;
		caps &= ~VS_CAP_BIT(cap);
		if (len)
			len = add_text(buf, size, len, caps ? ", " : " and ");
		len = add_text(buf, size, len, vs_cap__name(cap, name));
	}
}

void vs_caps__list(uint64_t caps, const char *before, char *buf, size_t size)
{
	size_t len = 0;
	char name[16], *at;

	buf[0] = '\0';
	for (int cap = LAST_POSSIBLE; cap >= 0; cap--) {
		if (!(caps & VS_CAP_BIT(cap)))
			continue;
		if (len)
			len = add_text(buf, size, len, ",");
		len = add_text(buf, size, len, before);
		at = buf + (len < size ? len : size - 1);
		len = add_text(buf, size, len, vs_cap__name(cap, name) + strlen("CAP_"));
		for (; *at; at++)
			*at = tolower((unsigned char)*at);
	}
}

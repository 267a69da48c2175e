// SPDX-License-Identifier: GPL-2.0
/*
 * Runs a command with something taken away, as it may find itself on a host.
 * usage: under caps UID CAP,CAP... COMMAND...	  as that user, with these capabilities only
 *	  under seccomp CALL COMMAND...		  the system call bpf or perf fails with EPERM
 *	  under breakpoints COMMAND...		  all debug registers of all CPUs are taken
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MOST_CPUS 64

static void die(const char *what)
{
	fprintf(stderr, "under: %s: %s\n", what, strerror(errno));
	exit(125);
}

static void run(char **command)
{
	execvp(command[0], command);
	die(command[0]);
}

/* -- capabilities -- */

static cap_t only(char *list)
{
	cap_t caps = cap_init();
	cap_value_t cap;

	for (char *name = strtok(list, ","); name; name = strtok(NULL, ",")) {
		if (!strcmp(name, "none"))
			continue;
		if (cap_from_name(name, &cap))
			die(name);
		cap_set_flag(caps, CAP_PERMITTED, 1, &cap, CAP_SET);
		cap_set_flag(caps, CAP_EFFECTIVE, 1, &cap, CAP_SET);
		cap_set_flag(caps, CAP_INHERITABLE, 1, &cap, CAP_SET);
	}
	return caps;
}

/* Root's come from exec(2), unless this is forbidden; then ambient ones count for root, too. */
static void under_caps(uid_t uid, char *list, char **command)
{
	cap_t caps = only(list);
	cap_flag_value_t set;

	if (prctl(PR_SET_SECUREBITS, 1 << 0 | 1 << 2 | 1 << 4))	/* NOROOT, NO_SETUID_FIXUP, KEEP_CAPS */
		die("securebits");
	if (setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
		die("setresuid");
	if (cap_set_proc(caps))
		die("cap_set_proc");
	for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (!cap_get_flag(caps, cap, CAP_PERMITTED, &set) && set == CAP_SET &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0))
			die("ambient");
	run(command);
}

/* -- seccomp -- */

static void under_seccomp(const char *call, char **command)
{
	unsigned int nr = strcmp(call, "bpf") ? SYS_perf_event_open : SYS_bpf;
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(filter) / sizeof(filter[0]), filter };

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		die("seccomp");
	run(command);
}

/* -- debug registers -- */

static long watch(int cpu, void *at)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT,
		.size = sizeof(attr),
		.bp_type = HW_BREAKPOINT_W,
		.bp_addr = (unsigned long)at,
		.bp_len = HW_BREAKPOINT_LEN_4,
	};

	return syscall(SYS_perf_event_open, &attr, -1, cpu, -1, 0);
}

/* The descriptors stay open over exec. */
static void under_breakpoints(char **command)
{
	static int somewhere[4];
	long nr = sysconf(_SC_NPROCESSORS_ONLN);

	for (int cpu = 0; cpu < nr && cpu < MOST_CPUS; cpu++)
		for (int i = 0; i < 4; i++)
			if (watch(cpu, &somewhere[i]) < 0)
				die("perf_event_open");
	run(command);
}

int main(int argc, char **argv)
{
	if (argc > 4 && !strcmp(argv[1], "caps"))
		under_caps(atoi(argv[2]), argv[3], argv + 4);
	if (argc > 3 && !strcmp(argv[1], "seccomp"))
		under_seccomp(argv[2], argv + 3);
	if (argc > 2 && !strcmp(argv[1], "breakpoints"))
		under_breakpoints(argv + 2);
	fprintf(stderr, "usage: under caps UID LIST | seccomp CALL | breakpoints COMMAND...\n");
	return 125;
}

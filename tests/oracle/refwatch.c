// SPDX-License-Identifier: GPL-2.0
/*
 * The oracle: counts the writes to one word of kernel memory with hardware
 * watchpoints, a counter on each CPU. Sees every get and put of a group, inlined
 * or not, whatever vfioscope believes.
 *
 * usage: refwatch ADDRESS          counts until SIGINT, then prints the sum
 */
#include <errno.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_CPUS 64

static void nothing(int sig)
{
	(void)sig;
}

static int watch(uint64_t addr, int cpu)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT,
		.size = sizeof(attr),
		.bp_type = HW_BREAKPOINT_W,
		.bp_addr = addr,
		.bp_len = HW_BREAKPOINT_LEN_4,
	};

	return syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

static int wait_for_interrupt(void)
{
	struct sigaction act = { .sa_handler = nothing };
	sigset_t block, old;

	sigemptyset(&block);
	sigaddset(&block, SIGINT);
	sigprocmask(SIG_BLOCK, &block, &old);
	sigaction(SIGINT, &act, NULL);
	puts("armed");
	fflush(stdout);
	return sigsuspend(&old);
}

int main(int argc, char **argv)
{
	int fds[MAX_CPUS], nr = sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t addr = argc > 1 ? strtoull(argv[1], NULL, 16) : 0, sum = 0, one;

	if (!addr || nr > MAX_CPUS)
		return 2;
	for (int cpu = 0; cpu < nr; cpu++) {
		fds[cpu] = watch(addr, cpu);
		if (fds[cpu] < 0) {
			fprintf(stderr, "refwatch: cpu %d: %s\n", cpu, strerror(errno));
			return 1;
		}
	}
	wait_for_interrupt();
	for (int cpu = 0; cpu < nr; cpu++)
		if (read(fds[cpu], &one, sizeof(one)) == sizeof(one))
			sum += one;
	printf("%llu\n", (unsigned long long)sum);
	return 0;
}

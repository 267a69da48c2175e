// SPDX-License-Identifier: GPL-2.0
/*
 * The oracle: counts the changes of one word of kernel memory with hardware
 * watchpoints on every CPU. Sees every get and put of a group, inlined or not,
 * whatever vfioscope believes.
 *
 * A compare-and-exchange that fails writes, too (the old value): in
 * refcount_dec_not_one() only those count that left the zero flag set.
 *
 * usage: refwatch ADDRESS          counts until SIGINT, then prints changes and retries
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <linux/types.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "refwatch.h"
#include "refwatch.skel.h"

struct range {
	__u64 start, end;
};

static void nothing(int sig)
{
	(void)sig;
}

static int watch(__u64 addr, int cpu)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT,
		.size = sizeof(attr),
		.sample_period = 1,
		.bp_type = HW_BREAKPOINT_W,
		.bp_addr = addr,
		.bp_len = HW_BREAKPOINT_LEN_4,
	};

	return syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

static int watch_all(struct bpf_program *prog, __u64 addr)
{
	for (int cpu = 0; cpu < sysconf(_SC_NPROCESSORS_ONLN); cpu++) {
		int fd = watch(addr, cpu);

		if (fd < 0 || !bpf_program__attach_perf_event(prog, fd)) {
			fprintf(stderr, "refwatch: cpu %d: %s\n", cpu, strerror(errno));
			return -1;
		}
	}
	return 0;
}

/* kallsyms lists vmlinux in order of address, so the next symbol ends this one. */
static struct range function(const char *wanted)
{
	FILE *file = fopen("/proc/kallsyms", "re");
	struct range found = { 0, 0 };
	char line[512], name[256], type;
	unsigned long long addr;

	while (file && !found.end && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%llx %c %255s", &addr, &type, name) != 3)
			continue;
		if (found.start && addr > found.start)
			found.end = addr;
		else if (!strcmp(name, wanted))
			found.start = addr;
	}
	if (file)
		fclose(file);
	return found;
}

static void report(int map)
{
	struct range retried = function("refcount_dec_not_one");
	struct write_place place, *last = NULL;
	__u64 changes = 0, retries = 0, count;

	while (!bpf_map_get_next_key(map, last, &place)) {
		bool in_loop = place.ip >= retried.start && place.ip <= retried.end;

		bpf_map_lookup_elem(map, &place, &count);
		if (in_loop && !place.zero)
			retries += count;
		else
			changes += count;
		last = &place;
	}
	printf("changes %llu retries %llu\n", changes, retries);
}

static void wait_for_interrupt(void)
{
	struct sigaction act = { .sa_handler = nothing };
	sigset_t block, old;

	sigemptyset(&block);
	sigaddset(&block, SIGINT);
	sigprocmask(SIG_BLOCK, &block, &old);
	sigaction(SIGINT, &act, NULL);
	puts("armed");
	fflush(stdout);
	sigdelset(&old, SIGINT);
	sigsuspend(&old);
}

int main(int argc, char **argv)
{
	__u64 addr = argc > 1 ? strtoull(argv[1], NULL, 16) : 0;
	struct refwatch_bpf *skel = addr ? refwatch_bpf__open_and_load() : NULL;

	if (!skel || watch_all(skel->progs.on_write, addr))
		return 1;
	wait_for_interrupt();
	report(bpf_map__fd(skel->maps.writes));
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The oracle: logs the changes of one word of kernel memory with hardware
 * watchpoints on every CPU. Sees every get and put of a group, inlined or not,
 * whatever vfioscope believes; shares no code with it.
 *
 * A compare-and-exchange that fails writes, too (the old value): no change.
 *
 * usage: refwatch [--beside] ADDRESS [LOG]
 *	until SIGINT; then prints changes and retries. LOG gets a line for each
 *	change: time tid cpu +|-|? value memory ip
 *	--beside: sets no watchpoint, listens to the hits of the one that somebody else
 *	has set on ADDRESS. QEMU reports one watchpoint only where two lie on one address;
 *	processors report both.
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

/* -- what it wrote: the kernel's counters are changed by xadd and cmpxchg only -- */

enum { EXCHANGE = 0xb1, ADD = 0xc1 };

struct operation {
	int opcode;	/* 0: another instruction */
	int reg;
};

/* LOCK (DS where it was patched out), perhaps a REX prefix, 0x0f, the opcode, the operands. */
static struct operation operation_of(const struct write_seen *w)
{
	for (int i = CODE_BYTES - 3; i > 1; i--) {
		bool rex = (w->code[i - 1] & 0xf0) == 0x40;
		__u8 first = w->code[rex ? i - 2 : i - 1];

		if (w->code[i] != 0x0f || (first != 0xf0 && first != 0x3e))
			continue;
		if (w->code[i + 1] == EXCHANGE || w->code[i + 1] == ADD)
			return (struct operation){ w->code[i + 1], (w->code[i + 2] >> 3 & 7) +
							   (rex && w->code[i - 1] & 4 ? 8 : 0) };
	}
	return (struct operation){ 0, 0 };
}

static int reg_of(const struct write_seen *w, int reg)
{
	const __u64 low[8] = { w->ax, w->cx, w->dx, w->bx, 0, w->bp, w->si, w->di };

	return reg < 8 ? low[reg] : w->r[reg - 8];
}

static bool flag(const struct write_seen *w, int bit)
{
	return w->flags >> bit & 1;
}

static bool is_retry(const struct write_seen *w)
{
	return operation_of(w).opcode == EXCHANGE && !flag(w, ZERO_BIT);
}

/* Adding -1 carries, but to 0; the register has the value from before. */
static void tell(FILE *log, const struct write_seen *w)
{
	struct operation op = operation_of(w);
	int reg = reg_of(w, op.reg);
	char sign = '?', value[16] = "?";

	if (op.opcode == EXCHANGE) {
		sign = reg > (int)w->ax ? '+' : '-';
		snprintf(value, sizeof(value), "%d", reg);
	} else if (op.opcode == ADD) {
		sign = flag(w, CARRY_BIT) || !reg ? '-' : '+';
		snprintf(value, sizeof(value), "%d", sign == '-' ? reg - 1 : reg + 1);
	}
	fprintf(log, "%llu %u %u %c %s %d %llx\n", w->time_ns, w->tid, w->cpu, sign, value,
		w->memory, w->ip);
}

struct totals {
	__u64 changes, retries, not_kept;
};

static void report_cpu(struct totals *t, int map, __u32 cpu, __u64 nr, FILE *log)
{
	struct write_seen w;

	t->not_kept += nr > MAX_WRITES ? nr - MAX_WRITES : 0;
	for (__u32 i = 0; i < nr && i < MAX_WRITES; i++) {
		__u32 key = cpu * MAX_WRITES + i;

		bpf_map_lookup_elem(map, &key, &w);
		if (is_retry(&w)) {
			t->retries++;
			continue;
		}
		t->changes++;
		if (log)
			tell(log, &w);
	}
}

static void report(struct refwatch_bpf *skel, FILE *log)
{
	struct totals t = { 0, 0, 0 };

	for (__u32 cpu = 0; cpu < MAX_CPUS; cpu++)
		report_cpu(&t, bpf_map__fd(skel->maps.writes), cpu, skel->bss->nr_writes[cpu], log);
	if (t.not_kept)
		printf("not kept %llu\n", t.not_kept);
	printf("changes %llu retries %llu\n", t.changes, t.retries);
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

static struct refwatch_bpf *load(bool beside, __u64 addr)
{
	struct refwatch_bpf *skel = refwatch_bpf__open();

	if (!skel)
		return NULL;
	bpf_program__set_autoload(skel->progs.on_write, !beside);
	bpf_program__set_autoload(skel->progs.on_hit, beside);
	skel->bss->wanted = addr;
	return refwatch_bpf__load(skel) ? NULL : skel;
}

static int arm(struct refwatch_bpf *skel, bool beside, __u64 addr)
{
	if (!beside)
		return watch_all(skel->progs.on_write, addr);
	return bpf_program__attach(skel->progs.on_hit) ? 0 : -1;
}

int main(int argc, char **argv)
{
	bool beside = argc > 1 && !strcmp(argv[1], "--beside");
	char **args = argv + 1 + beside;
	__u64 addr = args[0] ? strtoull(args[0], NULL, 16) : 0;
	FILE *log = addr && args[1] ? fopen(args[1], "we") : NULL;
	struct refwatch_bpf *skel = addr ? load(beside, addr) : NULL;

	if (!skel || (argc - beside > 2 && !log) || arm(skel, beside, addr))
		return 1;
	wait_for_interrupt();
	report(skel, log);
	return log && fclose(log) ? 1 : 0;
}

// SPDX-License-Identifier: GPL-2.0
/* Tries what only the kernel itself can answer, and undoes it at once. */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "doctor/env.h"
#include "kernel/libbpf_setup.h"
#include "probe/exact.h"
#include "probe/pulse.h"

#define NO_SUCH_COMMAND 0x7fff

static int closed(int fd)
{
	int err = fd < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return err;
}

/*
 * A process that may use bpf(2) gets EINVAL here. EPERM comes from missing privileges or from a
 * seccomp filter; ENOSYS from a filter or a kernel without CONFIG_BPF_SYSCALL.
 */
static int try_bpf_call(void)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	return syscall(SYS_bpf, NO_SUCH_COMMAND, &attr, sizeof(attr)) < 0 ? -errno : 0;
}

/*
 * Opens a counter of this process, outside the kernel, which anybody may do unless
 * kernel.perf_event_paranoid is 3 (Debian, Ubuntu, Android) or seccomp forbids it.
 */
static int try_perf_call(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_DUMMY,
		.size = sizeof(attr),
		.disabled = 1,
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};

	return closed(syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC));
}

#define SET(reg, value) { .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = (reg), .imm = (value) }
#define COPY(to, from) { .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = (to), .src_reg = (from) }
#define EXIT { .code = BPF_JMP | BPF_EXIT }

static int try_program(const struct bpf_insn *insns, size_t nr)
{
	return closed(bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "try", "GPL", insns, nr, NULL));
}

static int try_tracing(void)
{
	static const struct bpf_insn insns[] = { SET(BPF_REG_0, 0), EXIT };

	return try_program(insns, sizeof(insns) / sizeof(insns[0]));
}

/* bpf_probe_read_kernel(stack - 8, 8, 0): nothing is read, the program never runs. */
static int try_reading(void)
{
	static const struct bpf_insn insns[] = {
		COPY(BPF_REG_1, BPF_REG_10),
		{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = BPF_REG_1, .imm = -8 },
		SET(BPF_REG_2, 8),
		SET(BPF_REG_3, 0),
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_probe_read_kernel },
		SET(BPF_REG_0, 0),
		EXIT,
	};

	return try_program(insns, sizeof(insns) / sizeof(insns[0]));
}

/*
 * Tries if this kernel lets us follow one of its functions: it may take the program, and have no
 * trampolines for it (ENOTSUPP; arm64 before v6.0). A fentry that is armed while ftrace is off
 * makes ftrace give up (seen on 5.10).
 */
static int try_fentry(const struct vs_facts *facts)
{
	static const struct bpf_insn insns[] = { SET(BPF_REG_0, 0), EXIT };
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_FENTRY);
	int id, prog, err;

	if (!facts->vmlinux_btf || facts->ftrace_enabled == 0 ||
	    !vs_names__has(&facts->btf_funcs, VS_PULSE_FUNCTION))
		return VS_NOT_TRIED;
	id = libbpf_find_vmlinux_btf_id(VS_PULSE_FUNCTION, BPF_TRACE_FENTRY);
	if (id <= 0)
		return VS_NOT_TRIED;
	opts.attach_btf_id = id;
	prog = bpf_prog_load(BPF_PROG_TYPE_TRACING, "try", "GPL", insns,
			     sizeof(insns) / sizeof(insns[0]), &opts);
	if (prog < 0)
		return -errno;
	err = closed(bpf_raw_tracepoint_open(NULL, prog));
	close(prog);
	return err;
}

static int try_map(void)
{
	return closed(bpf_map_create(BPF_MAP_TYPE_ARRAY, "try", 4, 4, 1, NULL));
}

static void set_soft(const struct rlimit *limit, rlim_t soft)
{
	struct rlimit lower = { .rlim_cur = soft, .rlim_max = limit->rlim_max };

	setrlimit(RLIMIT_MEMLOCK, &lower);
}

/*
 * Since v5.11 (80ee81e0403c and its series) maps count for the memory cgroup and not for
 * RLIMIT_MEMLOCK. A limit of nothing shows which kernel this is. Only EPERM comes from the limit.
 */
static int try_charging(const struct rlimit *limit)
{
	int with, without;

	set_soft(limit, limit->rlim_max);
	with = try_map();
	set_soft(limit, 0);
	without = try_map();
	set_soft(limit, limit->rlim_cur);
	if (without == -EPERM && !with)
		return 1;
	/* The hard limit itself may be too low for a single page. */
	if (without == -EPERM && limit->rlim_max < (rlim_t)sysconf(_SC_PAGESIZE))
		return VS_UNKNOWN;
	return without ? VS_UNKNOWN : 0;
}

static int try_raising(const struct rlimit *limit)
{
	struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };
	int err = setrlimit(RLIMIT_MEMLOCK, &none);

	setrlimit(RLIMIT_MEMLOCK, limit);
	return !err;
}

static void try_memlock(struct vs_env *env)
{
	struct rlimit limit;

	env->memlock_charged = env->memlock_raised = VS_UNKNOWN;
	env->memlock_hard = VS_UNKNOWN;
	if (getrlimit(RLIMIT_MEMLOCK, &limit))
		return;
	if (limit.rlim_max != RLIM_INFINITY)
		env->memlock_hard = limit.rlim_max;
	env->memlock_raised = try_raising(&limit);
	env->memlock_charged = try_charging(&limit);
}

void vs_env__try(const struct vs_facts *facts, struct vs_env *env)
{
	libbpf_print_fn_t before = vs_libbpf__quiet(false);
	struct rlimit limit, most;

	env->bpf_call = try_bpf_call();
	env->perf_call = try_perf_call();
	try_memlock(env);
	/* Try with the highest limit that we can get, as the verbs do. */
	if (!getrlimit(RLIMIT_MEMLOCK, &limit)) {
		most = limit;
		most.rlim_cur = most.rlim_max;
		setrlimit(RLIMIT_MEMLOCK, &most);
		env->tracing_program = try_tracing();
		env->reading_program = try_reading();
		env->fentry = env->tracing_program ? VS_NOT_TRIED : try_fentry(facts);
		setrlimit(RLIMIT_MEMLOCK, &limit);
	}
	env->debug_registers = vs_exact__room();
	libbpf_set_print(before);
}

// SPDX-License-Identifier: GPL-2.0
#include "privilege/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "privilege/caps.h"

#define NR(array) (sizeof(array) / sizeof((array)[0]))

/* -- capabilities -- */

static int set(cap_t caps, cap_flag_t flag, uint64_t mask)
{
	int err = 0;

	for (cap_value_t cap = 0; cap < 64 && !err; cap++)
		if (mask & VS_CAP_BIT(cap))
			err = cap_set_flag(caps, flag, 1, &cap, CAP_SET);
	return err;
}

/* A capability that is neither permitted nor inheritable is not ambient either. */
static int keep(uint64_t permitted, uint64_t effective)
{
	cap_t caps = cap_init();
	int err = caps ? 0 : -ENOMEM;

	if (!err && (set(caps, CAP_PERMITTED, permitted) || set(caps, CAP_EFFECTIVE, effective) ||
		     cap_set_proc(caps)))
		err = -errno;
	if (caps)
		cap_free(caps);
	return err;
}

/* The kernel looks at the invalid descriptor only if the caller may use bpf(2) at all. */
static bool bpf_is_forbidden(void)
{
	union bpf_attr attr = { .map_fd = -1 };

	return syscall(SYS_bpf, BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)) && errno == EPERM;
}

static int drop_capabilities(const struct vs_sandbox_opts *opts)
{
	uint64_t has = vs_caps__permitted(), later = VS_CAP_BIT(CAP_SYSLOG) & has;
	uint64_t bpf = VS_CAP_BIT(CAP_BPF) & has;
	int err;

	/* CAP_SYS_ADMIN takes its place if we were not given it, or the kernel does not have it yet. */
	if (!bpf)
		bpf = VS_CAP_BIT(CAP_SYS_ADMIN) & has;
	if (opts->writes_files)
		later |= VS_CAP_BIT(CAP_DAC_OVERRIDE) & has;
	err = keep(later | bpf, later);
	if (!err && bpf_is_forbidden())
		return keep(later | bpf, later | bpf);
	return err ? err : keep(later, later);
}

/* -- system calls -- */

static const int harmless[] = {
	/* descriptors that are open */
	SCMP_SYS(read), SCMP_SYS(pread64), SCMP_SYS(readv), SCMP_SYS(write), SCMP_SYS(writev),
	SCMP_SYS(pwrite64),
	SCMP_SYS(close), SCMP_SYS(lseek), SCMP_SYS(fsync), SCMP_SYS(fdatasync), SCMP_SYS(fcntl),
	SCMP_SYS(getdents64), SCMP_SYS(fstat), SCMP_SYS(ftruncate), SCMP_SYS(recvmsg),
	SCMP_SYS(sendto),
	/* names: to look, not to change */
	SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(access),
	SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(readlink), SCMP_SYS(readlinkat),
	SCMP_SYS(getcwd), SCMP_SYS(uname),
	/* waiting */
	SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_ctl), SCMP_SYS(poll),
	SCMP_SYS(ppoll), SCMP_SYS(nanosleep), SCMP_SYS(clock_nanosleep), SCMP_SYS(futex),
	SCMP_SYS(sched_yield), SCMP_SYS(restart_syscall),
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(gettimeofday), SCMP_SYS(time),
	/* memory; nothing may become code: see mmap and mprotect below */
	SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(brk), SCMP_SYS(madvise),
	/* threads and the end */
	SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(getpid),
	SCMP_SYS(gettid), SCMP_SYS(getppid), SCMP_SYS(getuid), SCMP_SYS(geteuid),
	SCMP_SYS(sched_getaffinity), SCMP_SYS(getcpu), SCMP_SYS(sysinfo), SCMP_SYS(getrusage),
	SCMP_SYS(getrandom), SCMP_SYS(membarrier), SCMP_SYS(capget),
};

static const int writing[] = {
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(rename), SCMP_SYS(renameat),
	SCMP_SYS(renameat2), SCMP_SYS(unlink), SCMP_SYS(unlinkat),
};

static const int answering[] = {
	SCMP_SYS(read), SCMP_SYS(pread64), SCMP_SYS(sendmsg), SCMP_SYS(close),
	SCMP_SYS(exit_group), SCMP_SYS(perf_event_open), SCMP_SYS(rt_sigreturn), SCMP_SYS(restart_syscall),
};

/* accept(2) and what libmicrohttpd does with a connection; the last two lines are the C library's. */
static const int serving[] = {
	SCMP_SYS(accept4), SCMP_SYS(accept), SCMP_SYS(recvfrom), SCMP_SYS(sendto), SCMP_SYS(sendmsg),
	SCMP_SYS(shutdown), SCMP_SYS(setsockopt), SCMP_SYS(close), SCMP_SYS(fcntl), SCMP_SYS(write),
	SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_ctl), SCMP_SYS(poll), SCMP_SYS(ppoll),
	SCMP_SYS(clock_gettime), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(brk), SCMP_SYS(madvise),
	SCMP_SYS(futex), SCMP_SYS(exit_group), SCMP_SYS(rt_sigreturn), SCMP_SYS(restart_syscall),
};

/* Nobody calls these by mistake. */
static const int hostile[] = {
	SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(ptrace), SCMP_SYS(init_module),
	SCMP_SYS(finit_module), SCMP_SYS(delete_module), SCMP_SYS(kexec_load),
	SCMP_SYS(process_vm_writev), SCMP_SYS(mount), SCMP_SYS(reboot),
};

static const unsigned int bpf_commands[] = {
	BPF_MAP_LOOKUP_ELEM, BPF_MAP_UPDATE_ELEM, BPF_MAP_DELETE_ELEM, BPF_MAP_GET_NEXT_KEY,
	BPF_PROG_TEST_RUN, BPF_OBJ_GET_INFO_BY_FD, BPF_LINK_CREATE, BPF_ITER_CREATE,
	BPF_RAW_TRACEPOINT_OPEN,	/* for loaded programs: latency attaches late */
};

static const unsigned int ioctls[] = {
	TCGETS, TIOCGWINSZ, PERF_EVENT_IOC_ENABLE, PERF_EVENT_IOC_DISABLE, PERF_EVENT_IOC_SET_BPF,
};

/* System calls that this architecture does not have need no rule. */
static int allow_all(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t nr)
{
	int err = 0;

	for (size_t i = 0; i < nr && !err; i++) {
		err = seccomp_rule_add(filter, action, calls[i], 0);
		err = err == -EDOM ? 0 : err;
	}
	return err;
}

static int allow_if(scmp_filter_ctx filter, int call, struct scmp_arg_cmp condition)
{
	int err = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &condition);

	return err == -EDOM ? 0 : err;
}

static int allow_values(scmp_filter_ctx filter, int call, unsigned int arg,
			const unsigned int *values, size_t nr)
{
	int err = 0;

	for (size_t i = 0; i < nr && !err; i++)
		err = allow_if(filter, call, SCMP_CMP32(arg, SCMP_CMP_EQ, values[i]));
	return err;
}

static int allow_reading(scmp_filter_ctx filter)
{
	uint32_t writes = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND;
	int err = allow_if(filter, SCMP_SYS(openat), SCMP_A2_32(SCMP_CMP_MASKED_EQ, writes, O_RDONLY));

	return err ? err : allow_if(filter, SCMP_SYS(open),
				    SCMP_A1_32(SCMP_CMP_MASKED_EQ, writes, O_RDONLY));
}

/* glibc tries clone3 first, whose flags no filter can see, and falls back to clone. */
static int allow_threads(scmp_filter_ctx filter)
{
	struct scmp_arg_cmp same_process = SCMP_A0_32(SCMP_CMP_EQ, (uint32_t)getpid());
	int err = allow_if(filter, SCMP_SYS(clone),
			   SCMP_A0_32(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));

	return err ? err : allow_if(filter, SCMP_SYS(tgkill), same_process);
}

/*
 * Signal 0 asks if a process is still there; limits are read, not set. Giving a thread its name
 * asks if probes fire.
 */
static int allow_questions(scmp_filter_ctx filter)
{
	int err = allow_if(filter, SCMP_SYS(kill), SCMP_A1_32(SCMP_CMP_EQ, 0));

	err = err ? err : allow_if(filter, SCMP_SYS(prctl), SCMP_A0_32(SCMP_CMP_EQ, PR_SET_NAME));
	return err ? err : allow_if(filter, SCMP_SYS(prlimit64), SCMP_A2_64(SCMP_CMP_EQ, 0));
}

static int allow_memory(scmp_filter_ctx filter)
{
	int err = allow_if(filter, SCMP_SYS(mmap), SCMP_A2_32(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

	return err ? err : allow_if(filter, SCMP_SYS(mprotect),
				    SCMP_A2_32(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
}

static int allow_running(scmp_filter_ctx filter, bool writes_files)
{
	int err = allow_all(filter, SCMP_ACT_ALLOW, harmless, NR(harmless));

	err = err ? err : allow_values(filter, SCMP_SYS(bpf), 0, bpf_commands, NR(bpf_commands));
	err = err ? err : allow_values(filter, SCMP_SYS(ioctl), 1, ioctls, NR(ioctls));
	err = err ? err : allow_threads(filter);
	err = err ? err : allow_questions(filter);
	err = err ? err : allow_memory(filter);
	if (writes_files)
		return err ? err : allow_all(filter, SCMP_ACT_ALLOW, writing, NR(writing));
	return err ? err : allow_reading(filter);
}

static int allow_answering(scmp_filter_ctx filter, bool unused)
{
	int err = allow_all(filter, SCMP_ACT_ALLOW, answering, NR(answering));

	(void)unused;
	return err ? err : allow_reading(filter);
}

static int allow_serving(scmp_filter_ctx filter, bool unused)
{
	int err = allow_all(filter, SCMP_ACT_ALLOW, serving, NR(serving));

	(void)unused;
	return err ? err : allow_memory(filter);
}

static int filter_calls(int (*allow)(scmp_filter_ctx filter, bool writes_files), bool writes_files)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int err;

	if (!filter)
		return -ENOMEM;
	/* The filter is for this one process and all its threads. */
	err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	err = err ? err : allow_all(filter, SCMP_ACT_KILL_PROCESS, hostile, NR(hostile));
	err = err ? err : allow(filter, writes_files);
	err = err ? err : seccomp_load(filter);
	seccomp_release(filter);
	return err;
}

/* -- both -- */

/* Sanitizers look at the process from outside, and map memory freely. */
#ifdef __SANITIZE_ADDRESS__
static const bool can_filter = false;
#else
static const bool can_filter = true;
#endif

static int say(char *error, size_t size, int err, const char *words)
{
	if (err)
		snprintf(error, size, "%s: %s", words, strerror(-err));
	return err;
}

static int enter(int err, int (*allow)(scmp_filter_ctx filter, bool writes_files),
		 bool writes_files, char *error, size_t size)
{
	if (err)
		say(error, size, err, "cannot drop capabilities");
	if (!can_filter)
		return -EOPNOTSUPP;
	if (!err)
		err = say(error, size, filter_calls(allow, writes_files),
			  "cannot limit its own system calls");
	return err == -EINVAL ? -EOPNOTSUPP : err;
}

int vs_sandbox__enter(const struct vs_sandbox_opts *opts, char *error, size_t size)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return enter(drop_capabilities(opts), allow_running, opts->writes_files, error, size);
}

int vs_sandbox__enter_keeper(uint64_t caps, char *error, size_t size)
{
	caps &= vs_caps__permitted();
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return enter(keep(caps, caps), allow_answering, false, error, size);
}

int vs_sandbox__enter_porch(char *error, size_t size)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return enter(keep(0, 0), allow_serving, false, error, size);
}

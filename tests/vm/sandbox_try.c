// SPDX-License-Identifier: GPL-2.0
/*
 * What a run can still do once it has given its privileges away: one line for each thing
 * that is tried.
 * usage: sandbox_try [files]	files: as with reports to write
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "privilege/caps.h"
#include "privilege/keeper.h"
#include "privilege/sandbox.h"
#include "vfio/module_text.h"

static void tell(const char *what, long result)
{
	printf("%s: %s\n", what, result >= 0 ? "ok" : strerror(errno));
}

static void *nothing(void *arg)
{
	return arg;
}

static void try_bpf(void)
{
	struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr load = {
		.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
		.insns = (unsigned long)code,
		.insn_cnt = 2,
		.license = (unsigned long)"GPL",
	};
	union bpf_attr map = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4,
			       .max_entries = 1 };
	union bpf_attr lookup = { .map_fd = -1 };

	tell("load a program", syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof(load)));
	tell("make a map", syscall(SYS_bpf, BPF_MAP_CREATE, &map, sizeof(map)));
	tell("look into no map", syscall(SYS_bpf, BPF_MAP_LOOKUP_ELEM, &lookup, sizeof(lookup)));
}

static void try_files(const char *path)
{
	tell("read a file", open("/proc/kallsyms", O_RDONLY));
	tell("write a file", open(path, O_WRONLY | O_CREAT, 0644));
	tell("remove a file", unlink(path));
	tell("connect", socket(AF_UNIX, SOCK_STREAM, 0));
}

static void try_processes(void)
{
	struct perf_event_attr attr = { .size = sizeof(attr), .type = PERF_TYPE_SOFTWARE };
	pthread_t thread;
	pid_t pid;

	errno = pthread_create(&thread, NULL, nothing, NULL);
	tell("start a thread", errno ? -1 : 0);
	pid = fork();
	if (!pid)
		_exit(0);
	tell("start a process", pid);
	tell("ask for a process", kill(getppid(), 0));
	tell("signal a process", kill(getppid(), SIGCONT));
	tell("open a perf event", syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0));
	tell("make code", mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
			  MAP_FAILED ? -1 : 0);
	tell("become somebody else", setuid(65534));
	tell("change limits", setpriority(0, 0, 5));
}

static void try_keeper(struct vs_keeper *k)
{
	char text[8192] = "";
	int err = vs_keeper__stack(k, getpid(), text, sizeof(text));

	errno = -err;
	tell("ask for a stack", err);
	errno = -vs_keeper__kprobe(k, PERF_TYPE_SOFTWARE, 0);
	tell("ask for another event", -1);
}

int main(int argc, char **argv)
{
	struct vs_sandbox_opts opts = { .writes_files = argc > 1 && !strcmp(argv[1], "files") };
	struct vs_keeper *k = vs_keeper__start(&vs_module_text__for_keeper);
	char error[100] = "", left[100];
	int err = vs_sandbox__enter(&opts, error, sizeof(error));

	setlinebuf(stdout);
	vs_caps__words(vs_caps__permitted(), left, sizeof(left));
	printf("entered: %s\nkeeper: %s\ncapabilities: %s\n", err ? error : "ok", k ? "ok" : "none", left);
	try_bpf();
	try_files("/tmp/vfioscope-sandbox-try");
	try_processes();
	try_keeper(k);
	vs_keeper__free(k);
	printf("execute: soon\n");
	execl("/bin/true", "true", NULL);
	printf("execute: still here\n");
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Queues works as fast as user space can: each byte written to a pseudo terminal is one
 * work, flush_to_ldisc, and is read before the next is written.
 */
#ifndef VFIOSCOPE_BENCH_LOAD_H
#define VFIOSCOPE_BENCH_LOAD_H

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <termios.h>
#include <unistd.h>

#include "median.h"

static void spin_on(int cpu, pid_t parent)
{
	struct sched_param param = {};
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	/* It may have ended before we asked to end with it. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(1);
	if (sched_setaffinity(0, sizeof(set), &set) || sched_setscheduler(0, SCHED_IDLE, &param))
		_exit(1);
	for (;;)
		__asm__ volatile("");
}

/*
 * No CPU goes idle until we end: each has a task that anything else displaces at once. In a virtual
 * machine to be woken from idle costs 30 us, six times what a work costs, and it happens or not.
 */
static int keep_awake(void)
{
	long nr = sysconf(_SC_NPROCESSORS_ONLN);
	pid_t parent = getpid();

	for (int cpu = 0; cpu < nr; cpu++) {
		pid_t pid = fork();

		if (pid < 0)
			return -1;
		if (!pid)
			spin_on(cpu, parent);
	}
	return 0;
}

static int open_pty(int *master)
{
	struct termios raw;
	int slave;

	*master = posix_openpt(O_RDWR | O_NOCTTY);
	if (*master < 0 || grantpt(*master) || unlockpt(*master))
		return -1;
	slave = open(ptsname(*master), O_RDWR | O_NOCTTY);
	if (slave < 0 || tcgetattr(slave, &raw))
		return -1;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
	raw.c_oflag = 0;
	return tcsetattr(slave, TCSANOW, &raw) ? -1 : slave;
}

static int queue_works(int master, int slave, int nr)
{
	char byte = 'x';

	while (nr--)
		if (write(master, &byte, 1) != 1 || read(slave, &byte, 1) != 1)
			return -1;
	return 0;
}

/* ns on a CPU, of one worker; 0 for other tasks. */
static double worker_ns(const char *pid)
{
	char path[300], comm[32] = "";
	double ns = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
	file = fopen(path, "r");
	if (!file || !fgets(comm, sizeof(comm), file) || strncmp(comm, "kworker", 7))
		comm[0] = 0;
	if (file)
		fclose(file);
	snprintf(path, sizeof(path), "/proc/%.20s/schedstat", pid);
	file = comm[0] ? fopen(path, "r") : NULL;
	if (file && fscanf(file, "%lf", &ns) != 1)
		ns = 0;
	if (file)
		fclose(file);
	return ns;
}

static double workers_ns(void)
{
	double sum = 0;
	DIR *dir = opendir("/proc");
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (isdigit(entry->d_name[0]))
			sum += worker_ns(entry->d_name);
	if (dir)
		closedir(dir);
	return sum;
}

/* ns per work: of time, and of CPU time that this task and all workers took. */
static int batch(int master, int slave, int works, double *wall, double *cpu)
{
	double workers = workers_ns(), start, mine;
	int err;

	mine = now_ns(CLOCK_THREAD_CPUTIME_ID);
	start = now_ns(CLOCK_MONOTONIC);
	err = queue_works(master, slave, works);
	*wall = (now_ns(CLOCK_MONOTONIC) - start) / works;
	mine = now_ns(CLOCK_THREAD_CPUTIME_ID) - mine;
	*cpu = (workers_ns() - workers + mine) / works;
	return err;
}

#endif

// SPDX-License-Identifier: GPL-2.0
/*
 * disable_events PID: takes a copy of each perf event of another process, switches it off
 * (PERF_EVENT_IOC_DISABLE), and prints how many there were.
 */
#include <dirent.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int is_event(int pid, const char *fd)
{
	char path[300], to[64] = "";

	snprintf(path, sizeof(path), "/proc/%d/fd/%s", pid, fd);
	return readlink(path, to, sizeof(to) - 1) > 0 && strstr(to, "perf_event");
}

static int disable(int pidfd, int fd)
{
	int copy = syscall(SYS_pidfd_getfd, pidfd, fd, 0), done;

	if (copy < 0)
		return 0;
	done = !ioctl(copy, PERF_EVENT_IOC_DISABLE, 0);
	close(copy);
	return done;
}

int main(int argc, char **argv)
{
	int pid = argc == 2 ? atoi(argv[1]) : 0, pidfd = syscall(SYS_pidfd_open, pid, 0), nr = 0;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	if (!dir || pidfd < 0)
		return 1;
	for (struct dirent *d; (d = readdir(dir));)
		if (is_event(pid, d->d_name))
			nr += disable(pidfd, atoi(d->d_name));
	printf("%d events disabled\n", nr);
	return !nr;
}

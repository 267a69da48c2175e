// SPDX-License-Identifier: GPL-2.0
/* few_files PID NR: leaves a running process NR descriptors to open; NR "all": its hard limit. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* The number at which that many below are unused. */
static rlim_t limit_for(int pid, long unused)
{
	char path[64], to[8];
	rlim_t fd = 0;

	for (; unused; fd++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%lu", pid, (unsigned long)fd);
		unused -= readlink(path, to, sizeof(to)) < 0;
	}
	return fd;
}

int main(int argc, char **argv)
{
	struct rlimit limit;
	int pid = argc == 3 ? atoi(argv[1]) : 0;

	if (!pid || prlimit(pid, RLIMIT_NOFILE, NULL, &limit))
		return 1;
	limit.rlim_cur = strcmp(argv[2], "all") ? limit_for(pid, atol(argv[2])) : limit.rlim_max;
	return !!prlimit(pid, RLIMIT_NOFILE, &limit, NULL);
}

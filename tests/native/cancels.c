// SPDX-License-Identifier: GPL-2.0
/*
 * Works that are queued and cancelled: a pseudo terminal that is closed right after something was written
 * to it cancels its flush_to_ldisc, and the memory of that is freed. The release of each terminal is a work
 * of its own: on a busy machine these would pile up beyond any table, so they are waited for now and then.
 * usage: cancels N
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* A work on each CPU, waited for: what was queued before has begun then. */
static void let_works_run(void)
{
	int fd = open("/proc/sys/vm/stat_refresh", O_WRONLY);

	if (fd < 0 || write(fd, "1", 1) != 1)
		usleep(20000);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	int nr = argc > 1 ? atoi(argv[1]) : 10000;

	while (nr--) {
		int master = posix_openpt(O_RDWR | O_NOCTTY);
		int slave = grantpt(master) || unlockpt(master) ? -1 :
			    open(ptsname(master), O_RDWR | O_NOCTTY);

		if (slave < 0 || write(master, "x", 1) != 1)
			return 1;
		close(master);
		close(slave);
		if (nr % 1024 == 0)
			let_works_run();
	}
	return 0;
}

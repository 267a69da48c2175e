// SPDX-License-Identifier: GPL-2.0
/*
 * Works that are queued and cancelled: a pseudo terminal that is closed right after something was written
 * to it cancels its flush_to_ldisc, and the memory of that is freed.
 * usage: cancels N
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

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
	}
	return 0;
}

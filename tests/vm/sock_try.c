// SPDX-License-Identifier: GPL-2.0
/*
 * Sockets as strangers and service managers use them, for tests of serve and status.
 * usage: sock_try slow|silent PORT	a client that sends a byte a second, or nothing; prints how long it was borne
 *	  sock_try crowd PORT NR	that many silent connections, until stdin ends; prints how many there were
 *	  sock_try deaf PATH		accepts, and never answers
 *	  sock_try manager PATH		prints each datagram
 *	  sock_try pass PATH COMMAND...	starts it with a listening socket as descriptor 3 (LISTEN_FDS)
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/host.h"

#define PATIENCE_S 60

static int connect_to(const char *port)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(atoi(port)),
	};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd >= 0 && !connect(fd, (struct sockaddr *)&a, sizeof(a)) ? fd : -1;
}

static int bind_to(int type, const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) || (type == SOCK_STREAM && listen(fd, 8)))
		return -1;
	return fd;
}

/* Returns true once the other side has closed, after a second at most. */
static bool is_over(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char byte;

	return poll(&p, 1, 1000) > 0 && recv(fd, &byte, 1, 0) <= 0;
}

static int be_borne(const char *port, bool sends)
{
	uint64_t start = vs_host__mono_ns(), now = start;
	int fd = connect_to(port);

	while (fd >= 0 && now < start + PATIENCE_S * 1000000000ull) {
		if (sends && send(fd, "G", 1, MSG_NOSIGNAL) < 0)
			break;
		if (is_over(fd))
			break;
		now = vs_host__mono_ns();
	}
	return printf("%.1f\n", (vs_host__mono_ns() - start) / 1e9) < 0 || fd < 0;
}

static int crowd(const char *port, int nr)
{
	int made = 0;
	char byte;

	for (int i = 0; i < nr; i++)
		made += connect_to(port) >= 0;
	printf("%d\n", made);
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return 0;
}

static int deaf(const char *path)
{
	return bind_to(SOCK_STREAM, path) < 0 || pause();
}

static int manager(const char *path)
{
	int fd = bind_to(SOCK_DGRAM, path);
	char buf[4096];
	ssize_t nr;

	while (fd >= 0 && (nr = recv(fd, buf, sizeof(buf), 0)) > 0) {
		printf("%.*s\n", (int)nr, buf);
		fflush(stdout);
	}
	return 1;
}

static int pass(const char *path, char **command)
{
	int fd = bind_to(SOCK_STREAM, path);
	char pid[20];

	if (fd < 0 || (fd != 3 && dup2(fd, 3) < 0))
		return 1;
	snprintf(pid, sizeof(pid), "%d", getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "1", 1);
	execv(command[0], command);
	return 1;
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";

	if (!strcmp(what, "slow") || !strcmp(what, "silent"))
		return be_borne(argv[2], !strcmp(what, "slow"));
	if (!strcmp(what, "crowd") && argc == 4)
		return crowd(argv[2], atoi(argv[3]));
	if (!strcmp(what, "deaf"))
		return deaf(argv[2]);
	if (!strcmp(what, "manager"))
		return manager(argv[2]);
	return !strcmp(what, "pass") && argc > 3 ? pass(argv[2], argv + 3) : 2;
}

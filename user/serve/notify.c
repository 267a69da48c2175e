// SPDX-License-Identifier: GPL-2.0
#include "serve/notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/opts.h"

static int connect_to(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t len = strlen(path);
	int fd;

	if ((path[0] != '/' && path[0] != '@') || len >= sizeof(a.sun_path))
		return -1;
	memcpy(a.sun_path, path, len);
	if (path[0] == '@')
		a.sun_path[0] = '\0';	/* a name without a file */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&a, offsetof(struct sockaddr_un, sun_path) + len)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* A watchdog for another process is not ours to feed. */
static uint64_t watchdog_ns(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	uint64_t number;

	if (pid && (vs_opts__number(pid, &number) || number != (uint64_t)getpid()))
		return 0;
	return usec && !vs_opts__number(usec, &number) ? number * 1000 / 2 : 0;
}

void vs_notify__open(struct vs_notify *n)
{
	const char *path = getenv("NOTIFY_SOCKET");

	n->fd = path ? connect_to(path) : -1;
	n->every_ns = n->fd >= 0 ? watchdog_ns() : 0;
}

void vs_notify__say(const struct vs_notify *n, const char *lines)
{
	if (n->fd >= 0)
		send(n->fd, lines, strlen(lines), MSG_NOSIGNAL);
}

void vs_notify__close(struct vs_notify *n)
{
	if (n->fd >= 0)
		close(n->fd);
	n->fd = -1;
}

// SPDX-License-Identifier: GPL-2.0
#include "serve/ask.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/host.h"

#define MOST (1u << 20)

static int connect_to(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd, err;

	if (strlen(path) >= sizeof(a.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(a.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || !connect(fd, (struct sockaddr *)&a, sizeof(a)))
		return fd;
	err = errno == EAGAIN ? ETIMEDOUT : errno;	/* its backlog is full */
	close(fd);
	errno = err;
	return -1;
}

/* Returns 0, or -1 with errno. */
static int wait_for(int fd, short events, uint64_t until_ns)
{
	struct pollfd p = { .fd = fd, .events = events };
	uint64_t now = vs_host__mono_ns();
	int nr = now < until_ns ? poll(&p, 1, (int)((until_ns - now + 999999) / 1000000)) : 0;

	if (!nr)
		errno = ETIMEDOUT;
	return nr > 0 ? 0 : -1;
}

static int send_request(int fd, const char *path, uint64_t until_ns)
{
	char request[200];
	int len = snprintf(request, sizeof(request), "GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n", path);

	if (wait_for(fd, POLLOUT, until_ns))
		return -1;
	return send(fd, request, (size_t)len, MSG_NOSIGNAL) == len ? 0 : -1;
}

/* Returns the whole answer, up to the end of the connection. */
static char *receive(int fd, uint64_t until_ns)
{
	char *buf = malloc(MOST + 1);
	size_t len = 0;
	ssize_t nr = 1;

	while (buf && nr > 0 && len < MOST) {
		nr = wait_for(fd, POLLIN, until_ns) ? -1 : recv(fd, buf + len, MOST - len, 0);
		if (nr > 0)
			len += (size_t)nr;
	}
	if (!buf || nr < 0) {
		free(buf);
		return NULL;
	}
	buf[len] = '\0';
	return buf;
}

static char *body_of(char *answer)
{
	char *body = strstr(answer, "\r\n\r\n");

	if (strncmp(answer, "HTTP/1.", 7) || strncmp(answer + 8, " 200 ", 5) || !body) {
		free(answer);
		errno = EPROTO;
		return NULL;
	}
	memmove(answer, body + 4, strlen(body + 4) + 1);
	return answer;
}

char *vs_ask__get(const char *socket_path, const char *path, uint64_t patience_ns)
{
	uint64_t until = vs_host__mono_ns() + patience_ns;
	int fd = connect_to(socket_path), err;
	char *answer;

	if (fd < 0)
		return NULL;
	answer = send_request(fd, path, until) ? NULL : receive(fd, until);
	err = errno;
	close(fd);
	errno = err;
	return answer ? body_of(answer) : NULL;
}

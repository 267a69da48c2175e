// SPDX-License-Identifier: GPL-2.0
#include "serve/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/opts.h"

#define UNIX "unix:"
#define FIRST_PASSED 3	/* SD_LISTEN_FDS_START */
#define BACKLOG 16

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un local;
};

static int say(char *error, size_t size, int err, const char *words)
{
	snprintf(error, size, "%s", words);
	return err;
}

static int add(struct vs_listeners *l, int fd, bool local, bool loopback)
{
	if (l->nr == VS_LISTEN_MOST)
		return -E2BIG;
	l->rows[l->nr++] = (struct vs_listener){ fd, local, loopback };
	return 0;
}

static bool is_loopback(const union address *a)
{
	if (a->any.sa_family == AF_INET)
		return ntohl(a->v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr);
}

/* -- addresses -- */

static bool parse_port(const char *text, in_port_t *port)
{
	uint64_t number;

	if (vs_opts__number(text, &number) || number > 65535)
		return false;
	*port = htons((uint16_t)number);
	return true;
}

static socklen_t parse_inet(const char *where, union address *a)
{
	const char *colon = strrchr(where, ':');
	char host[INET6_ADDRSTRLEN + 2];
	size_t len = colon ? (size_t)(colon - where) : 0;

	memset(a, 0, sizeof(*a));
	if (!len || len >= sizeof(host))
		return 0;
	memcpy(host, where, len);
	host[len] = '\0';
	if (host[0] == '[' && host[len - 1] == ']') {
		host[len - 1] = '\0';
		a->v6.sin6_family = AF_INET6;
		return inet_pton(AF_INET6, host + 1, &a->v6.sin6_addr) == 1 &&
		       parse_port(colon + 1, &a->v6.sin6_port) ? sizeof(a->v6) : 0;
	}
	a->v4.sin_family = AF_INET;
	return inet_pton(AF_INET, host, &a->v4.sin_addr) == 1 && parse_port(colon + 1, &a->v4.sin_port) ?
	       sizeof(a->v4) : 0;
}

static int listen_at(int fd, const union address *a, socklen_t len)
{
	int one = 1;

	if (a->any.sa_family != AF_UNIX)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (a->any.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	return bind(fd, &a->any, len) || listen(fd, BACKLOG) ? -errno : 0;
}

static int open_at(const union address *a, socklen_t len)
{
	int fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int err = fd < 0 ? -errno : listen_at(fd, a, len);

	if (err && fd >= 0)
		close(fd);
	return err ? err : fd;
}

/* -- unix sockets -- */

/* Who may write to the folder could put a socket of his own in the place of ours. */
static int check_folder(const char *path)
{
	char copy[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct stat st;
	const char *folder;

	snprintf(copy, sizeof(copy), "%s", path);
	folder = dirname(copy);
	if (!strcmp(path, VS_LISTEN_UNIX) && mkdir(folder, 0755) && errno != EEXIST)
		return -errno;
	if (stat(folder, &st))
		return -errno;
	return st.st_mode & S_IWOTH ? -EPERM : 0;
}

/* Nobody answers on a socket whose process has ended. */
static bool is_dead(const union address *a)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool dead = fd >= 0 && connect(fd, &a->any, sizeof(a->local)) && errno == ECONNREFUSED;

	if (fd >= 0)
		close(fd);
	return dead;
}

static int open_unix(const char *path)
{
	union address a = { .local = { .sun_family = AF_UNIX } };
	int fd, err = check_folder(path);

	if (err)
		return err;
	strcpy(a.local.sun_path, path);
	if (is_dead(&a))
		unlink(path);
	fd = open_at(&a, sizeof(a.local));
	if (fd >= 0 && chmod(path, 0660))
		err = -errno;
	if (err)
		close(fd);
	return err ? err : fd;
}

/* -- both -- */

int vs_listen__check(const char *where, char *error, size_t size)
{
	const char *path = where + strlen(UNIX);
	union address a;

	if (strncmp(where, UNIX, strlen(UNIX)))
		return parse_inet(where, &a) ? 0 :
		       say(error, size, -EINVAL, "wanted is ADDRESS:PORT in numbers, [::1]:PORT or unix:PATH");
	return *path == '/' && strlen(path) < sizeof(a.local.sun_path) ? 0 :
	       say(error, size, -EINVAL, "the path must be absolute, and shorter than 108 characters");
}

int vs_listen__open(struct vs_listeners *l, const char *where, char *error, size_t size)
{
	bool local = !strncmp(where, UNIX, strlen(UNIX));
	union address a;
	socklen_t len;
	int fd, err = vs_listen__check(where, error, size);

	if (err)
		return err;
	len = local ? 0 : parse_inet(where, &a);
	fd = local ? open_unix(where + strlen(UNIX)) : open_at(&a, len);
	if (fd < 0)
		return say(error, size, fd, fd == -EPERM && local ? "others may write to that folder" :
			   fd == -EACCES && local ? "permission denied; try --listen unix:PATH in a folder of yours" :
					    strerror(-fd));
	err = add(l, fd, local, local || is_loopback(&a));
	if (err)
		close(fd);
	return err ? say(error, size, err, "too many addresses") : 0;
}

static int take_one(struct vs_listeners *l, int fd)
{
	union address a;
	socklen_t len = sizeof(a);
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || getsockname(fd, &a.any, &len))
		return -errno;
	if (a.any.sa_family != AF_UNIX && a.any.sa_family != AF_INET && a.any.sa_family != AF_INET6)
		return -EAFNOSUPPORT;
	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	return add(l, fd, a.any.sa_family == AF_UNIX, a.any.sa_family == AF_UNIX || is_loopback(&a));
}

int vs_listen__take_passed(struct vs_listeners *l, char *error, size_t size)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
	uint64_t number, nr;
	int err = 0;

	if (!pid || !count || vs_opts__number(pid, &number) || number != (uint64_t)getpid() ||
	    vs_opts__number(count, &nr))
		return 0;
	for (uint64_t i = 0; i < nr && !err; i++)
		err = take_one(l, FIRST_PASSED + (int)i);
	return err ? say(error, size, err, strerror(-err)) : (int)nr;
}

void vs_listen__close(struct vs_listeners *l)
{
	for (size_t i = 0; i < l->nr; i++)
		close(l->rows[i].fd);
	l->nr = 0;
}

/* SPDX-License-Identifier: GPL-2.0 */
/* The sockets on which the porch is asked. Addresses are numbers: no name is resolved. */
#ifndef VFIOSCOPE_SERVE_LISTEN_H
#define VFIOSCOPE_SERVE_LISTEN_H

#include <stdbool.h>
#include <stddef.h>

#define VS_LISTEN_MOST 8
#define VS_LISTEN_TCP "127.0.0.1:9836"
#define VS_LISTEN_UNIX "/run/vfioscope/status.sock"

struct vs_listener {
	int fd;
	bool local;	/* a unix socket */
	bool loopback;	/* its address is one of this host alone; true for unix sockets */
};

struct vs_listeners {
	struct vs_listener rows[VS_LISTEN_MOST];
	size_t nr;
};

/* Returns 0, or -EINVAL with words in @error: not an address as vs_listen__open() takes it. */
int vs_listen__check(const char *where, char *error, size_t size);

/*
 * Opens "127.0.0.1:9836", "[::1]:9836" or "unix:/run/vfioscope/status.sock", the socket of nobody else:
 * a path where nobody answers any more is taken over. Returns 0, or negative errno with words in @error.
 */
int vs_listen__open(struct vs_listeners *l, const char *where, char *error, size_t size);

/*
 * Takes the sockets that the service manager passed (LISTEN_FDS, sd_listen_fds(3)). Returns how many, 0 when
 * it passed none, or negative errno with words in @error.
 */
int vs_listen__take_passed(struct vs_listeners *l, char *error, size_t size);

/* Closes all. A unix socket stays in its folder: who is armed may remove no file. */
void vs_listen__close(struct vs_listeners *l);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a service tells its manager, sd_notify(3): one datagram to the socket in $NOTIFY_SOCKET. Without that
 * variable all of this does nothing.
 */
#ifndef VFIOSCOPE_SERVE_NOTIFY_H
#define VFIOSCOPE_SERVE_NOTIFY_H

#include <stdint.h>

struct vs_notify {
	int fd;			/* -1: nobody wants to know */
	uint64_t every_ns;	/* tell this often that the run goes on; 0: never */
};

/* Connects, while that is still allowed; a socket that is not there is no error. */
void vs_notify__open(struct vs_notify *n);

/* Sends lines such as "READY=1\nSTATUS=...". It does not wait for the manager. */
void vs_notify__say(const struct vs_notify *n, const char *lines);

void vs_notify__close(struct vs_notify *n);

#endif

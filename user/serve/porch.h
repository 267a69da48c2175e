/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The process that answers strangers: it has listening sockets and the shared page, which it can only read, no
 * capability, no file and no BPF. Fork it before anything privileged is opened. It ends with its parent.
 *
 * It answers GET and HEAD of /metrics, /healthz, /readyz and /, on unix sockets also of /status.json, copies
 * them out of memory and looks nothing up: a host that hangs does not keep it. A request has 10 s in all.
 */
#ifndef VFIOSCOPE_SERVE_PORCH_H
#define VFIOSCOPE_SERVE_PORCH_H

#include <stdbool.h>

#include "serve/listen.h"
#include "serve/share.h"

#define VS_PORCH_STALE_NS 5000000000ull	/* an older page is that of a run that hangs */

struct vs_porch_opts {
	const struct vs_listeners *listeners;
	struct vs_share *share;
	const char *host;	/* accepted as Host on loopback besides localhost; NULL: none */
};

struct vs_porch;

/* Starts it, and returns once it can answer. NULL with errno. */
struct vs_porch *vs_porch__start(const struct vs_porch_opts *opts);

/* Returns false once it has ended. Does not wait. */
bool vs_porch__is_alive(const struct vs_porch *p);

/* Ends it. NULL is fine. */
void vs_porch__free(struct vs_porch *p);

#endif

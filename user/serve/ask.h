/* SPDX-License-Identifier: GPL-2.0 */
/* Asks a running `serve` on its unix socket. It reads nothing else, so it cannot hang with the host. */
#ifndef VFIOSCOPE_SERVE_ASK_H
#define VFIOSCOPE_SERVE_ASK_H

#include <stddef.h>
#include <stdint.h>

/*
 * Returns the body of @path ("/status.json"), malloc'ed and terminated, within @patience_ns; NULL with errno:
 * ENOENT or ECONNREFUSED when nobody serves there, ETIMEDOUT, EPROTO for an answer that is none.
 */
char *vs_ask__get(const char *socket_path, const char *path, uint64_t patience_ns);

#endif

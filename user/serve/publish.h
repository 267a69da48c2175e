/* SPDX-License-Identifier: GPL-2.0 */
/* Renders the page: into the memory that the porch reads, and into a file for node_exporter. */
#ifndef VFIOSCOPE_SERVE_PUBLISH_H
#define VFIOSCOPE_SERVE_PUBLISH_H

#include "serve/page.h"
#include "serve/share.h"

/*
 * Fills in what this process knows of itself (time, CPU, memory, confinement, the porch's counts), renders all
 * texts and publishes them. Returns 0, or -ENOMEM, -E2BIG: then the last page stays, and ages.
 */
int vs_publish__page(struct vs_page *p, struct vs_share *share);

/*
 * Replaces @path, at once: a reader sees the old page or the new one. Returns 0 or negative errno; -ELOOP where
 * @path is a symbolic link.
 */
int vs_publish__file(const struct vs_page *p, const char *path);

#endif

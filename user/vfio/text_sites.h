/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sites in x86-64 text that has neither relocations nor .smp_locks: VFIO built in, and
 * modules of kernels that keep no list of locked instructions (7.x). Found by decoding
 * one function from its start, so instruction boundaries are exact.
 */
#ifndef VFIOSCOPE_TEXT_SITES_H
#define VFIOSCOPE_TEXT_SITES_H

#include <stddef.h>
#include <stdint.h>

#include "vfio/kmod.h"

/* A site of the function; func and callee are not filled in. */
struct vs_text_site {
	struct vs_kmod_site site;
	uint64_t target;	/* VS_SITE_CALL: the address that is called */
};

struct vs_text_sweep {
	const uint8_t *bytes;	/* of one function */
	size_t len;
	uint64_t pc;		/* address of the first byte */
	/*
	 * Called for each direct call, each locked add (of -1: VS_SITE_LOCKED_SUB) and each locked
	 * exchange. The lock of a call is the constant in rsi, an address. Returns 1 if the site is
	 * wanted, 0 if not, or a negative errno, which ends the sweep.
	 */
	int (*site)(void *ctx, const struct vs_text_site *site);
	void *ctx;
	/*
	 * Bytes that are not what was compiled, or that could not be decoded: another tracer's
	 * breakpoints. Sites right after one may be missing.
	 */
	size_t unread;
};

/* 0, or what `site` returned. */
int vs_text_sweep__run(struct vs_text_sweep *sweep);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* The frames of a kernel stack, innermost first, and what they say about a chain. */
#ifndef VFIOSCOPE_LEDGER_FRAMES_H
#define VFIOSCOPE_LEDGER_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/events.h"
#include "event/view.h"
#include "ledger/sites.h"

struct vs_frames {
	size_t nr;
	char name[VS_STACK_LEN][VS_SITE_LEN];
};

/*
 * Resolves addresses. The tracer's own frames on top are left out. Returns false, and leaves no frames,
 * when the addresses have no names.
 */
bool vs_frames__resolve(struct vs_frames *f, struct vs_sites *sites, const uint64_t *ips,
			size_t nr);

/*
 * Does the same for a short stack into @names, which has room for @nr, but keeps an address without a
 * name as a number: it may get one later. Returns how many names there are.
 */
size_t vs_frames__names(struct vs_sites *sites, const __u64 *ips, size_t nr,
			char (*names)[VS_SITE_LEN]);

/* Reads the format of /proc/TID/stack: "[<0>] symbol+0x1/0x2 [module]" lines. */
void vs_frames__parse(struct vs_frames *f, const char *text);

/* Returns true if the stack has both places: the call of a chain, and the change made inside it. */
bool vs_frames__tell(const struct vs_frames *f);

/* Returns the index of the first frame from @from on that is in function @name; f->nr if there is none. */
size_t vs_frames__find(const struct vs_frames *f, size_t from, const char *name);

/*
 * Fills in the function that changes a chain from inside, the one that called the chain, and the one
 * that the chain was calling (@callback is read first: "" if not known, then filled). A place that
 * cannot be found becomes "". Each buffer has VS_SITE_LEN bytes.
 */
void vs_frames__places(const struct vs_frames *f, char *change, char *call, char *callback);

/* Prints one frame per line. */
void vs_frames__print(const struct vs_frames *f, char *buf, size_t size);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Decides when the programs for blame are attached, in late mode: only while a followed work waits
 * longer than works normally do. Pure.
 */
#ifndef VFIOSCOPE_LATENCY_LAZY_H
#define VFIOSCOPE_LATENCY_LAZY_H

#include <stdbool.h>
#include <stdint.h>

#define VS_LAZY_LATE_NS 2000000ull	/* waits of this length are watched */
#define VS_LAZY_AWAKE_NS 30000000ull	/* looks for that long after the last that waited:
					 * longer than VS_LAT_WAKE_EVERY_NS */
#define VS_LAZY_KEEP_NS 2000000000ull	/* attached for that long after it */
#define VS_LAZY_LOOK_NS 1000000ull
#define VS_LAZY_SELDOM_NS 100000000ull	/* how often it looks once they are attached */

struct vs_lazy {
	bool attached;		/* what the last step asked for */
	uint64_t since_ns;	/* works have waited since, 0: none does */
	uint64_t last_ns;	/* when one waited last, 0: never */
};

enum vs_lazy_step { VS_LAZY_NOTHING, VS_LAZY_ATTACH, VS_LAZY_DETACH };

/* A work was queued just now: looking begins. */
void vs_lazy__woken(struct vs_lazy *lazy, uint64_t now_ns);

/* A look: some followed work waits, or none does. */
enum vs_lazy_step vs_lazy__look(struct vs_lazy *lazy, uint64_t now_ns, bool waits);

/* ns until the next look; UINT64_MAX: not before it is woken. */
uint64_t vs_lazy__next(const struct vs_lazy *lazy, uint64_t now_ns);

#endif

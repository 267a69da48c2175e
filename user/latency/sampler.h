/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Decides when works are followed, with --sample N: works that are queued in one of N windows, each
 * from its beginning to its end. Nothing is attached outside of the windows. Pure.
 */
#ifndef VFIOSCOPE_LATENCY_SAMPLER_H
#define VFIOSCOPE_LATENCY_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>

#define VS_SAMPLER_WINDOW_NS 250000000ull
#define VS_SAMPLER_REST_NS 250000000ull	/* a window's works have to end within this */
#define VS_SAMPLER_LOOK_NS 5000000ull

enum vs_sampler_state { VS_SAMPLER_SHUT, VS_SAMPLER_IN_WINDOW, VS_SAMPLER_REST };

struct vs_sampler {
	uint64_t n;
	enum vs_sampler_state state;
	uint64_t opened_ns;	/* the last window; 0: none yet */
	uint64_t shut_ns;	/* when it took no more works */
	uint64_t windows;	/* opened so far */
	uint64_t open_ns;	/* of all earlier windows together */
	uint64_t cut;		/* windows whose works had not all ended */
};

enum vs_sampler_step {
	VS_SAMPLER_NOTHING,
	VS_SAMPLER_OPEN,	/* attach all */
	VS_SAMPLER_NO_MORE,	/* works that are queued from now on do not count */
	VS_SAMPLER_CLOSE,	/* detach all */
};

/* A look: `ended` when no work that counts is queued or runs. */
enum vs_sampler_step vs_sampler__look(struct vs_sampler *s, uint64_t now_ns, bool ended);

uint64_t vs_sampler__next(const struct vs_sampler *s, uint64_t now_ns);	/* ns until the next */
uint64_t vs_sampler__open_ns(const struct vs_sampler *s, uint64_t now_ns); /* with this window */
bool vs_sampler__attached(const struct vs_sampler *s);

#endif

// SPDX-License-Identifier: GPL-2.0
#include "latency/lazy.h"

void vs_lazy__woken(struct vs_lazy *lazy, uint64_t now_ns)
{
	lazy->last_ns = now_ns;
}

static bool was_quiet(const struct vs_lazy *lazy, uint64_t now_ns, uint64_t for_ns)
{
	return now_ns > lazy->last_ns && now_ns - lazy->last_ns > for_ns;
}

enum vs_lazy_step vs_lazy__look(struct vs_lazy *lazy, uint64_t now_ns, bool waits)
{
	if (!waits)
		lazy->since_ns = 0;
	else if (!lazy->since_ns)
		lazy->since_ns = now_ns;
	if (waits)
		lazy->last_ns = now_ns;
	if (!lazy->attached && waits && now_ns - lazy->since_ns >= VS_LAZY_LATE_NS) {
		lazy->attached = true;
		return VS_LAZY_ATTACH;
	}
	if (lazy->attached && was_quiet(lazy, now_ns, VS_LAZY_KEEP_NS)) {
		lazy->attached = false;
		return VS_LAZY_DETACH;
	}
	return VS_LAZY_NOTHING;
}

uint64_t vs_lazy__next(const struct vs_lazy *lazy, uint64_t now_ns)
{
	if (lazy->attached)
		return VS_LAZY_SELDOM_NS;
	if (!lazy->last_ns || was_quiet(lazy, now_ns, VS_LAZY_AWAKE_NS))
		return UINT64_MAX;
	return VS_LAZY_LOOK_NS;
}

// SPDX-License-Identifier: GPL-2.0
#include "probe/watch_life.h"

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

void vs_releases__add(struct vs_releases *r, uint64_t group, uint64_t time_ns)
{
	size_t at = r->next % VS_RELEASES;

	for (size_t i = 0; i < VS_RELEASES; i++)
		if (r->last[i].group == group) {
			r->last[i].time_ns = later(r->last[i].time_ns, time_ns);
			return;
		}
	r->forgotten_ns = later(r->forgotten_ns, r->last[at].time_ns);
	r->last[at].group = group;
	r->last[at].time_ns = time_ns;
	r->next++;
}

bool vs_releases__since(const struct vs_releases *r, uint64_t group, uint64_t seen_ns)
{
	for (size_t i = 0; i < VS_RELEASES; i++)
		if (r->last[i].group == group)
			return r->last[i].time_ns > seen_ns;
	return r->forgotten_ns > seen_ns;
}

static bool has(const uint64_t *groups, size_t nr, uint64_t group)
{
	for (size_t i = 0; i < nr; i++)
		if (groups[i] == group)
			return true;
	return false;
}

bool vs_watch_life__is_over(struct vs_watch_life *life, const uint64_t *groups, size_t nr,
			    uint64_t taken_ns)
{
	if (has(groups, nr, life->group)) {
		life->absent_ns = 0;
		return false;
	}
	if (taken_ns <= life->seen_ns)	/* the look is older than what is known */
		return false;
	if (!life->absent_ns)
		life->absent_ns = taken_ns;
	return taken_ns - life->absent_ns >= VS_ABSENT_NS;
}

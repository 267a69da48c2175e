// SPDX-License-Identifier: GPL-2.0
#include "probe/watch_life.h"

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

void vs_releases__add(struct vs_releases *r, uint64_t group, uint64_t seq)
{
	size_t at = r->next % VS_RELEASES;

	for (size_t i = 0; i < VS_RELEASES; i++)
		if (r->last[i].group == group) {
			r->last[i].seq = later(r->last[i].seq, seq);
			return;
		}
	r->forgotten_seq = later(r->forgotten_seq, r->last[at].seq);
	r->last[at].group = group;
	r->last[at].seq = seq;
	r->next++;
}

bool vs_releases__since(const struct vs_releases *r, uint64_t group, uint64_t seen_seq)
{
	for (size_t i = 0; i < VS_RELEASES; i++)
		if (r->last[i].group == group)
			return r->last[i].seq > seen_seq;
	return r->forgotten_seq > seen_seq;
}

static bool has(const uint64_t *groups, size_t nr, uint64_t group)
{
	for (size_t i = 0; i < nr; i++)
		if (groups[i] == group)
			return true;
	return false;
}

bool vs_watch_life__is_over(struct vs_watch_life *life, const uint64_t *groups, size_t nr,
			    uint64_t taken_seq, uint64_t taken_ns)
{
	if (has(groups, nr, life->group)) {
		life->absent_ns = 0;
		return false;
	}
	if (taken_seq < life->seen_seq)	/* the look is older than what is known */
		return false;
	if (!life->absent_ns)
		life->absent_ns = taken_ns;
	return taken_ns - life->absent_ns >= VS_ABSENT_NS;
}

// SPDX-License-Identifier: GPL-2.0
#include "latency/sampler.h"

static enum vs_sampler_step open_window(struct vs_sampler *s, uint64_t now_ns)
{
	if (s->opened_ns && now_ns - s->opened_ns < s->n * VS_SAMPLER_WINDOW_NS)
		return VS_SAMPLER_NOTHING;
	s->state = VS_SAMPLER_IN_WINDOW;
	s->opened_ns = now_ns;
	s->windows++;
	return VS_SAMPLER_OPEN;
}

static enum vs_sampler_step shut_window(struct vs_sampler *s, uint64_t now_ns)
{
	if (now_ns - s->opened_ns < VS_SAMPLER_WINDOW_NS)
		return VS_SAMPLER_NOTHING;
	s->state = VS_SAMPLER_REST;
	s->shut_ns = now_ns;
	s->open_ns += now_ns - s->opened_ns;
	return VS_SAMPLER_NO_MORE;
}

static enum vs_sampler_step end_rest(struct vs_sampler *s, uint64_t now_ns, bool ended)
{
	if (!ended && now_ns - s->shut_ns < VS_SAMPLER_REST_NS)
		return VS_SAMPLER_NOTHING;
	s->state = VS_SAMPLER_SHUT;
	s->cut += !ended;
	return VS_SAMPLER_CLOSE;
}

enum vs_sampler_step vs_sampler__look(struct vs_sampler *s, uint64_t now_ns, bool ended)
{
	if (s->state == VS_SAMPLER_IN_WINDOW)
		return shut_window(s, now_ns);
	if (s->state == VS_SAMPLER_REST)
		return end_rest(s, now_ns, ended);
	return open_window(s, now_ns);
}

static uint64_t until(uint64_t due_ns, uint64_t now_ns)
{
	return due_ns > now_ns ? due_ns - now_ns : 1;
}

uint64_t vs_sampler__next(const struct vs_sampler *s, uint64_t now_ns)
{
	if (s->state == VS_SAMPLER_REST)
		return VS_SAMPLER_LOOK_NS;
	if (s->state == VS_SAMPLER_IN_WINDOW)
		return until(s->opened_ns + VS_SAMPLER_WINDOW_NS, now_ns);
	return until(s->opened_ns + s->n * VS_SAMPLER_WINDOW_NS, now_ns);
}

uint64_t vs_sampler__open_ns(const struct vs_sampler *s, uint64_t now_ns)
{
	return s->open_ns + (s->state == VS_SAMPLER_IN_WINDOW ? now_ns - s->opened_ns : 0);
}

bool vs_sampler__attached(const struct vs_sampler *s)
{
	return s->state != VS_SAMPLER_SHUT;
}

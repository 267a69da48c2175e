// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>

#include "latency/duty.h"

void vs_duty__woken(struct vs_duty *d, uint64_t now_ns)
{
	vs_lazy__woken(&d->lazy, now_ns);
}

static int watch_late(struct vs_duty *d, struct vs_lat *lat, uint64_t now_ns)
{
	switch (vs_lazy__look(&d->lazy, now_ns, vs_lat__waiting(lat) > 0)) {
	case VS_LAZY_ATTACH:
		d->times++;
		d->attached_ns = now_ns;
		return vs_lat__watch(lat, true);
	case VS_LAZY_DETACH:
		d->ns += now_ns - d->attached_ns;
		return vs_lat__watch(lat, false);
	case VS_LAZY_NOTHING:
		break;
	}
	return 0;
}

static int take_sample(struct vs_duty *d, struct vs_lat *lat, uint64_t now_ns)
{
	switch (vs_sampler__look(&d->sampler, now_ns, vs_lat__ended(lat))) {
	case VS_SAMPLER_OPEN:
		return vs_lat__window(lat, VS_LAT_WINDOW_OPEN);
	case VS_SAMPLER_NO_MORE:
		return vs_lat__window(lat, VS_LAT_WINDOW_NO_MORE);
	case VS_SAMPLER_CLOSE:
		return vs_lat__window(lat, VS_LAT_WINDOW_CLOSE);
	case VS_SAMPLER_NOTHING:
		break;
	}
	return 0;
}

int vs_duty__look(struct vs_duty *d, struct vs_lat *lat, uint64_t now_ns)
{
	if (d->sampler.n)
		return take_sample(d, lat, now_ns);
	return d->blame == VS_LAT_BLAME_LATE ? watch_late(d, lat, now_ns) : 0;
}

uint64_t vs_duty__next(const struct vs_duty *d, uint64_t now_ns)
{
	return d->sampler.n ? vs_sampler__next(&d->sampler, now_ns)
			    : vs_lazy__next(&d->lazy, now_ns);
}

void vs_duty__fill(const struct vs_duty *d, struct vs_report *r)
{
	r->sampler = d->sampler;
	r->blame = (struct vs_report_blame){
		.when = vs_lat_blame__name(d->blame),
		.times = d->times,
		.ns = d->ns + (d->lazy.attached ? r->time_ns - d->attached_ns : 0),
	};
}

void vs_duty__words(const struct vs_duty *d, char *words, size_t size)
{
	words[0] = '\0';
	if (d->sampler.n)
		snprintf(words, size, "sampling: attached in some windows only; works are followed "
			 "that are queued in them, and lost works cannot be told");
	else if (d->blame == VS_LAT_BLAME_LATE)
		snprintf(words, size, "what delays a work is watched once it has waited for 2 ms; "
			 "all of it: --blame full");
}

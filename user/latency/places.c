// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "latency/places.h"
#include "vfio/functions.h"

#define CALL_LEN 5	/* of x86: e8 and four bytes */
#define MAX_PLACES 16

static const struct vs_hook hook = { .name = "deferred-put", .what = "the life of a deferred put" };
static const struct vs_rung call_rung = { .kind = VS_RUNG_CALL_SITES, .target = "queue_work_on" };
static const struct vs_rung start_rung = { .kind = VS_RUNG_FUNCTION,
					   .target = VS_VFIO_DEFERRED };
static const struct vs_rung end_rung = { .kind = VS_RUNG_CALL_SITES, .target = "kfree" };

static bool is_in(const char *func, const char *const *names)
{
	for (; *names; names++)
		if (!strcmp(func, *names))
			return true;
	return false;
}

static void add(struct vs_plan *places, const struct vs_rung *rung, const char *program,
		const struct vs_kmod_func *func, uint32_t offset)
{
	if (places->nr_probes == MAX_PLACES)
		return;
	places->probes[places->nr_probes++] = (struct vs_probe){
		.hook = &hook, .rung = rung, .program = program, .func = func, .offset = offset,
	};
}

/* Returns how many calls it added. */
static size_t add_calls(struct vs_plan *places, const struct vs_kmod *vfio,
			const struct vs_rung *rung, const char *program,
			const char *const *within, uint32_t behind)
{
	size_t nr = 0;

	for (size_t i = 0; i < vfio->nr_sites; i++) {
		const struct vs_kmod_site *site = &vfio->sites[i];
		const struct vs_kmod_func *func = &vfio->funcs[site->func];

		if (site->kind != VS_SITE_CALL || strcmp(site->callee, rung->target) ||
		    !is_in(func->name, within) || site->func_off + behind >= func->size)
			continue;
		add(places, rung, program, func, site->func_off + behind);
		nr++;
	}
	return nr;
}

static bool find(const struct vs_facts *facts, struct vs_plan *places)
{
	static const char *const queuers[] = { VS_VFIO_NOTIFIER,
					       "vfio_group_schedule_put", NULL };
	static const char *const putters[] = { VS_VFIO_DEFERRED, NULL };
	const struct vs_kmod *vfio = &facts->vfio;
	const struct vs_kmod_func *start = vs_kmod__func(vfio, start_rung.target);

	if (!facts->vfio_file || !facts->kprobe_pmu || facts->ftrace_enabled == 0 || !start)
		return false;
	add(places, &start_rung, "put_start", start, 0);
	if (!add_calls(places, vfio, &call_rung, "put_queue", queuers, 0) ||
	    !add_calls(places, vfio, &end_rung, "put_end", putters, 0))
		return false;
	/* This finds none where the call is a jump, at the end of vfio_group_schedule_put(). */
	if (!strcmp(facts->machine, "x86_64"))
		add_calls(places, vfio, &call_rung, "put_queued", queuers, CALL_LEN);
	return places->nr_probes < MAX_PLACES;
}

bool vs_places__find(const struct vs_facts *facts, struct vs_plan *places)
{
	*places = (struct vs_plan){ .probes = calloc(MAX_PLACES, sizeof(*places->probes)) };
	if (places->probes && find(facts, places))
		return true;
	vs_plan__free(places);
	return false;
}

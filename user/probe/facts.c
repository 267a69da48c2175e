// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "probe/facts.h"

int vs_names__add(struct vs_names *set, const char *name)
{
	char **grown = realloc(set->names, (set->nr + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	set->names = grown;
	grown[set->nr] = strdup(name);
	if (!grown[set->nr])
		return -ENOMEM;
	set->nr++;
	return 0;
}

bool vs_names__has(const struct vs_names *set, const char *name)
{
	for (size_t i = 0; i < set->nr; i++)
		if (!strcmp(set->names[i], name))
			return true;
	return false;
}

void vs_names__free(struct vs_names *set)
{
	for (size_t i = 0; i < set->nr; i++)
		free(set->names[i]);
	free(set->names);
	memset(set, 0, sizeof(*set));
}

void vs_facts__free(struct vs_facts *facts)
{
	vs_names__free(&facts->livepatches);
	vs_names__free(&facts->btf_funcs);
	vs_names__free(&facts->tracepoints);
	vs_kmod__free(&facts->vfio);
	memset(facts, 0, sizeof(*facts));
}

bool vs_facts__ring_may_sleep(const struct vs_facts *facts)
{
	return facts->realtime == 1 && facts->ring_lock_spins == 0;
}

bool vs_facts__build_id_matches(const struct vs_facts *facts)
{
	if (!facts->running_build_id[0] || !facts->vfio.build_id[0])
		return true;
	return !strcmp(facts->running_build_id, facts->vfio.build_id);
}

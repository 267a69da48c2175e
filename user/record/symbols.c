// SPDX-License-Identifier: GPL-2.0
#include "record/symbols.h"

#include <stdlib.h>

#define SLOTS 8192
#define MOST (SLOTS / 2)	/* a kernel's VFIO has some hundred places and frames */

struct vs_rec_names {
	size_t nr;
	struct vs_rec_name slots[SLOTS];
};

struct vs_rec_names *vs_rec_names__new(void)
{
	return calloc(1, sizeof(struct vs_rec_names));
}

void vs_rec_names__free(struct vs_rec_names *n)
{
	free(n);
}

struct vs_rec_name *vs_rec_names__at(struct vs_rec_names *n, uint64_t address)
{
	size_t at = (address * 0x9e3779b97f4a7c15ull >> 40) % SLOTS;

	if (!address)
		return NULL;
	while (n->slots[at].address && n->slots[at].address != address)
		at = (at + 1) % SLOTS;
	if (n->slots[at].address)
		return &n->slots[at];
	if (n->nr == MOST)
		return NULL;
	n->nr++;
	n->slots[at].address = address;
	return &n->slots[at];
}

struct vs_rec_name *vs_rec_names__next(struct vs_rec_names *n, struct vs_rec_name *name)
{
	for (name = name ? name + 1 : n->slots; name < n->slots + SLOTS; name++)
		if (name->address)
			return name;
	return NULL;
}

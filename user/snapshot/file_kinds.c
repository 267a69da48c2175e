// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "snapshot/walk.h"

/* A host has some hundred kinds of files; more than fit are read each time. */
#define SLOTS 4096

struct kind {
	uint64_t operations;
	int kind;
};

struct vs_file_kinds {
	const struct vs_walk *walk;
	size_t nr;
	struct kind slots[SLOTS];	/* open addressing, by address */
};

struct vs_file_kinds *vs_file_kinds__new(const struct vs_walk *walk)
{
	struct vs_file_kinds *kinds = calloc(1, sizeof(*kinds));

	if (kinds)
		kinds->walk = walk;
	return kinds;
}

void vs_file_kinds__free(struct vs_file_kinds *kinds)
{
	free(kinds);
}

static int read_kind(const struct vs_walk *walk, uint64_t operations)
{
	uint64_t release = vs_mem__pointer(walk->mem, operations + walk->layout->op_release);

	for (int kind = 0; release && kind < VS_FILE_KINDS; kind++)
		if (walk->symbols->release[kind] == release)
			return kind;
	return -1;
}

static struct kind *slot_of(struct vs_file_kinds *kinds, uint64_t operations)
{
	size_t i = (operations >> 5) * 0x9e3779b97f4a7c15ull >> 52;

	while (kinds->slots[i].operations && kinds->slots[i].operations != operations)
		i = (i + 1) % SLOTS;
	return &kinds->slots[i];
}

int vs_file_kinds__of(struct vs_file_kinds *kinds, uint64_t operations)
{
	struct kind *slot;

	if (!operations)
		return -1;
	slot = slot_of(kinds, operations);
	if (slot->operations)
		return slot->kind;
	if (kinds->nr == SLOTS - 1)
		return read_kind(kinds->walk, operations);
	kinds->nr++;
	*slot = (struct kind){ operations, read_kind(kinds->walk, operations) };
	return slot->kind;
}

uint64_t vs_walk__file_iommufd(const struct vs_walk *walk, uint64_t file)
{
	const struct vs_snap_layout *l = walk->layout;
	uint64_t private = vs_mem__pointer(walk->mem, file + l->file_private);

	return private && l->device_file_iommufd != VS_ABSENT ?
		vs_mem__pointer(walk->mem, private + l->device_file_iommufd) : 0;
}

uint64_t vs_walk__file_device(const struct vs_walk *walk, uint64_t file)
{
	const struct vs_snap_layout *l = walk->layout;
	uint64_t private = vs_mem__pointer(walk->mem, file + l->file_private);

	if (!private || l->device_file_device == VS_ABSENT)
		return private;
	return vs_mem__pointer(walk->mem, private + l->device_file_device);
}

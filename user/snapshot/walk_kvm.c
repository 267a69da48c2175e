// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include "snapshot/walk_kvm.h"

static bool is_known(const struct vs_snapshot *snapshot, uint64_t group)
{
	for (size_t i = 0; i < snapshot->nr_groups; i++)
		if (snapshot->groups[i].address == group)
			return true;
	return false;
}

/* struct kvm_device_ops begins with its name in all versions. */
static bool is_kvm_vfio(const struct vs_walk *walk, uint64_t device)
{
	uint64_t ops = vs_mem__pointer(walk->mem, device + walk->layout->kvm_device_ops);
	uint64_t text = ops ? vs_mem__pointer(walk->mem, ops) : 0;
	char name[16] = "";

	if (text)
		vs_walk__string(walk->mem, text, name, sizeof(name));
	return !strcmp(name, "kvm-vfio");
}

static struct vs_kvm_use use_of_device(const struct vs_walk *walk, uint64_t file)
{
	uint64_t device = vs_walk__file_device(walk, file);
	int at = walk->layout->device_group;	/* absent without CONFIG_VFIO_GROUP */

	return (struct vs_kvm_use){
		.group = device && at != VS_ABSENT ? vs_mem__pointer(walk->mem, device + at) : 0,
		.device = device,
	};
}

static struct vs_kvm_use use_of_group(uint64_t group)
{
	return (struct vs_kvm_use){ .group = group };
}

static struct vs_kvm_use use_of_file(const struct vs_walk *walk, struct vs_file_kinds *kinds,
				     uint64_t file)
{
	const struct vs_snap_layout *l = walk->layout;

	switch (vs_file_kinds__of(kinds, vs_mem__pointer(walk->mem, file + l->file_op))) {
	case VS_SNAP_GROUP_FILE:
		return use_of_group(vs_mem__pointer(walk->mem, file + l->file_private));
	case VS_SNAP_DEVICE_FILE:
		return use_of_device(walk, file);
	}
	return use_of_group(0);
}

/* v6.6 names all of it after files; v6.0 keeps files; before it is the group itself. */
static struct vs_kvm_use use_of_node(const struct vs_walk *walk, struct vs_file_kinds *kinds,
				     uint64_t node)
{
	const struct vs_snap_layout *l = walk->layout;
	bool by_file = l->kvm_file_file != VS_ABSENT;
	int at = by_file ? l->kvm_file_file : l->kvm_group_file;

	node -= by_file ? l->kvm_file_node : l->kvm_group_node;
	if (at != VS_ABSENT)
		return use_of_file(walk, kinds, vs_mem__pointer(walk->mem, node + at));
	return use_of_group(vs_mem__pointer(walk->mem, node + l->kvm_group_group));
}

int vs_walk__kvm_uses(const struct vs_walk *walk, struct vs_file_kinds *kinds, uint64_t file,
		      const struct vs_snapshot *snapshot, struct vs_kvm_use *uses)
{
	const struct vs_snap_layout *l = walk->layout;
	uint64_t device = vs_mem__pointer(walk->mem, file + l->file_private);
	int head = l->kvm_vfio_files != VS_ABSENT ? l->kvm_vfio_files : l->kvm_vfio_groups;
	uint64_t vfio, nodes[VS_KVM_MAX_GROUPS];
	int nr, found = 0;

	if (!device || !is_kvm_vfio(walk, device))
		return -ENOENT;
	vfio = vs_mem__pointer(walk->mem, device + l->kvm_device_private);
	if (!vfio)
		return 0;
	nr = vs_walk__list(walk->mem, vfio + head, nodes, VS_KVM_MAX_GROUPS);
	for (int i = 0; i < nr; i++) {
		uses[found] = use_of_node(walk, kinds, nodes[i]);
		if (!is_known(snapshot, uses[found].group))
			uses[found].group = 0;
		found += uses[found].group || uses[found].device;
	}
	return found;
}

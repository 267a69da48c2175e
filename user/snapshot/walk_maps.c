// SPDX-License-Identifier: GPL-2.0
/*
 * Mappings of device memory, found from the file's side: each address_space has a tree
 * of the VMAs that map it. So those of an mm are found whose owner has closed every
 * descriptor, or has exited.
 *
 * Up to v6.9 all anonymous inodes share one address_space, and a device's file is
 * one of them; from v6.10 each device has its own. A device opened by cdev in v6.6
 * to v6.9 has that of the device node, which only an open descriptor leads to.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/rows.h"
#include "snapshot/walk.h"

#define BATCH 16	/* nodes, of four words each */
#define COLOR 3ull	/* low bits of __rb_parent_color */

struct node {
	uint64_t address, parent;
};

struct tree {
	const struct vs_walk *walk;
	struct vs_file_kinds *kinds;
	struct node *nodes;	/* breadth first: found, the first `done` looked at */
	size_t nr, done;
	struct vs_snap_map *maps;
	size_t nr_maps;
};

static int add_node(struct tree *tree, uint64_t address, uint64_t parent)
{
	struct node *node;

	if (!address)
		return 0;
	if (tree->nr == VS_WALK_MAX_TREE)
		return -ELOOP;
	node = vs_rows__add(&tree->nodes, &tree->nr, sizeof(*node));
	if (!node)
		return -ENOMEM;
	*node = (struct node){ address, parent };
	return 0;
}

static int add_map(struct tree *tree, uint64_t vma, uint64_t file)
{
	const struct vs_mem *mem = tree->walk->mem;
	const struct vs_snap_layout *l = tree->walk->layout;
	struct vs_snap_map *map = vs_rows__add(&tree->maps, &tree->nr_maps, sizeof(*map));

	if (!map)
		return -ENOMEM;
	map->file = file;
	map->device = vs_walk__file_device(tree->walk, file);
	map->mm = vs_mem__pointer(mem, vma + l->vma_mm);
	map->start = vs_mem__pointer(mem, vma + l->vma_start);
	map->end = vs_mem__pointer(mem, vma + l->vma_end);
	return 0;
}

/* A parent that is not the one we come from: the tree was turned while we walked. */
static int take_node(struct tree *tree, const struct node *node, const uint64_t *words)
{
	const struct vs_snap_layout *l = tree->walk->layout;
	uint64_t vma = node->address - l->vma_node, operations;
	int err;

	if ((words[0] & ~COLOR) != node->parent)
		return -EFAULT;
	operations = vs_mem__pointer(tree->walk->mem, words[3] + l->file_op);
	if (vs_file_kinds__of(tree->kinds, operations) == VS_SNAP_DEVICE_FILE) {
		err = add_map(tree, vma, words[3]);
		if (err)
			return err;
	}
	err = add_node(tree, words[1], node->address);
	return err ?: add_node(tree, words[2], node->address);
}

static int take_batch(struct tree *tree)
{
	const struct vs_snap_layout *l = tree->walk->layout;
	size_t nr = tree->nr - tree->done < BATCH ? tree->nr - tree->done : BATCH;
	uint64_t addresses[4 * BATCH] = {}, words[4 * BATCH];
	struct node nodes[BATCH];
	bool ok[4 * BATCH];
	int err = 0;

	memcpy(nodes, tree->nodes + tree->done, nr * sizeof(*nodes));
	for (size_t i = 0; i < nr; i++) {
		addresses[4 * i] = nodes[i].address + l->node_parent;
		addresses[4 * i + 1] = nodes[i].address + l->node_left;
		addresses[4 * i + 2] = nodes[i].address + l->node_right;
		addresses[4 * i + 3] = nodes[i].address - l->vma_node + l->vma_file;
	}
	vs_mem__words(tree->walk->mem, addresses, words, ok, 4 * nr);
	for (size_t i = 0; i < nr && !err; i++)
		err = ok[4 * i] && ok[4 * i + 1] && ok[4 * i + 2] && ok[4 * i + 3] ?
			take_node(tree, &nodes[i], &words[4 * i]) : -EFAULT;
	tree->done += nr;
	return err;
}

static void forget(struct tree *tree)
{
	free(tree->nodes);
	free(tree->maps);
	*tree = (struct tree){ .walk = tree->walk, .kinds = tree->kinds };
}

static int walk_tree(struct tree *tree, uint64_t root)
{
	uint64_t top;
	int err;

	forget(tree);
	if (vs_mem__read(tree->walk->mem, root, &top, sizeof(top)))
		return -EFAULT;
	err = add_node(tree, top, 0);
	while (!err && tree->done < tree->nr)
		err = take_batch(tree);
	return err;
}

/* A process before a kernel thread that has borrowed its mm. */
static const struct vs_task_row *owner_of(const struct vs_task_row *tasks, size_t nr, uint64_t mm)
{
	const struct vs_task_row *borrower = NULL;

	for (size_t i = 0; i < nr; i++) {
		if (!mm || tasks[i].mm != mm)
			continue;
		if (!tasks[i].kernel_thread)
			return &tasks[i];
		borrower = &tasks[i];
	}
	return borrower;
}

static int add_rows(const struct tree *tree, const struct vs_task_row *tasks, size_t nr_tasks,
		    struct vs_snapshot *s)
{
	for (size_t i = 0; i < tree->nr_maps; i++) {
		struct vs_snap_map *row = vs_rows__add(&s->maps, &s->nr_maps, sizeof(*row));
		const struct vs_task_row *owner;

		if (!row)
			return -ENOMEM;
		*row = tree->maps[i];
		owner = owner_of(tasks, nr_tasks, row->mm);
		if (!owner)
			continue;
		row->tgid = owner->kernel_thread ? 0 : owner->tgid;
		memcpy(row->comm, owner->comm, sizeof(row->comm) - 1);
	}
	return 0;
}

/* The mappings of the last try count, even if some are missing. */
static int one_mapping(struct tree *tree, uint64_t mapping, const struct vs_task_row *tasks,
		       size_t nr_tasks, struct vs_snapshot *s)
{
	const struct vs_snap_layout *l = tree->walk->layout;
	int err = -EFAULT;

	for (int i = 0; i < VS_WALK_TRIES && err == -EFAULT; i++)
		err = walk_tree(tree, mapping + l->mapping_tree + l->root_node);
	if (err == -ENOMEM || add_rows(tree, tasks, nr_tasks, s))
		return -ENOMEM;
	return !!err;
}

struct mappings {
	uint64_t *addresses;
	size_t nr;
	int error;
};

static void add_mapping(struct mappings *mappings, uint64_t mapping)
{
	uint64_t *row;

	for (size_t i = 0; i < mappings->nr; i++)
		if (mappings->addresses[i] == mapping)
			return;
	if (!mapping)
		return;
	row = vs_rows__add(&mappings->addresses, &mappings->nr, sizeof(*row));
	if (row)
		*row = mapping;
	else
		mappings->error = -ENOMEM;
}

static void add_inode(const struct vs_walk *walk, struct mappings *mappings, uint64_t inode)
{
	if (inode)
		add_mapping(mappings, vs_mem__pointer(walk->mem,
						      inode + walk->layout->inode_mapping));
}

static void find_mappings(const struct vs_walk *walk, const struct vs_snapshot *s,
			  struct mappings *mappings)
{
	const struct vs_snap_layout *l = walk->layout;

	if (walk->anonymous_file)
		add_mapping(mappings, vs_mem__pointer(walk->mem,
			    walk->anonymous_file + l->file_mapping));
	add_inode(walk, mappings, walk->anonymous_inode);
	for (size_t i = 0; i < s->nr_devices && l->device_inode != VS_ABSENT; i++)
		if (s->devices[i].address)
			add_inode(walk, mappings, vs_mem__pointer(walk->mem,
				  s->devices[i].address + l->device_inode));
	for (size_t i = 0; i < s->nr_fds; i++)
		if (s->fds[i].kind == VS_SNAP_DEVICE_FILE || s->fds[i].kind == VS_SNAP_CDEV_FILE)
			add_mapping(mappings, vs_mem__pointer(walk->mem,
				    s->fds[i].file + l->file_mapping));
}

int vs_walk__maps(const struct vs_walk *walk, struct vs_file_kinds *kinds,
		  const struct vs_task_row *tasks, size_t nr_tasks, struct vs_snapshot *snapshot)
{
	struct tree tree = { .walk = walk, .kinds = kinds };
	struct mappings mappings = {};
	int unread = 0, ret;

	find_mappings(walk, snapshot, &mappings);
	ret = mappings.error ?: mappings.nr ? 0 : -ENOENT;
	for (size_t i = 0; i < mappings.nr && ret >= 0; i++) {
		ret = one_mapping(&tree, mappings.addresses[i], tasks, nr_tasks, snapshot);
		unread += ret > 0;
	}
	forget(&tree);
	free(mappings.addresses);
	return ret < 0 ? ret : unread;
}

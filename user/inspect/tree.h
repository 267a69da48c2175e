/* SPDX-License-Identifier: GPL-2.0 */
/* Inspects a folder with any number of kernels: each vfio.ko, each image that has VFIO built in. */
#ifndef VFIOSCOPE_TREE_H
#define VFIOSCOPE_TREE_H

#include <stdbool.h>

#include "inspect/inspect.h"

struct vs_tree_row {
	char *path;		/* below the folder */
	char kernel[128];	/* release, "?" when not known */
	char machine[16];
	enum vs_verdict verdict;
	char reason[200];	/* or what went wrong */
	bool failed;		/* could not be read */
};

struct vs_tree {
	char *top;
	struct vs_tree_row *rows; /* by kernel, path */
	size_t nr;
	size_t images_without;	/* kernel images without VFIO: it is in a module, or nowhere */
	size_t unreadable;	/* folders that could not be entered */
	bool cut;		/* the walk hit a limit of tree.c: there is more */
	char error[200];
};

/*
 * The walk does not follow symbolic links, and does enter other file systems. 0 or a negative errno
 * with words in `error`. Free in both cases.
 */
int vs_tree__inspect(const char *top, struct vs_tree *tree);
void vs_tree__free(struct vs_tree *tree);

#endif

// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/tree.h"

#define MAX_ENTRIES	4000000	/* files and folders looked at */
#define MAX_DEPTH	64
#define MAX_ROWS	4096

static bool starts_with(const char *name, const char *start)
{
	return !strncmp(name, start, strlen(start));
}

static bool is_module(const char *name)
{
	static const char *const names[] = { "vfio.ko", "vfio.ko.xz", "vfio.ko.zst", "vfio.ko.gz" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

static bool is_kernel(const char *name)
{
	return starts_with(name, "vmlinuz") || starts_with(name, "vmlinux") ||
	       !strcmp(name, "bzImage") || !strcmp(name, "Image") || !strcmp(name, "Image.gz");
}

static struct vs_tree_row *add_row(struct vs_tree *tree, const char *path)
{
	struct vs_tree_row *rows;
	const char *below = path + strlen(tree->top);

	rows = reallocarray(tree->rows, tree->nr + 1, sizeof(*rows));
	if (!rows)
		return NULL;
	tree->rows = rows;
	rows += tree->nr;
	memset(rows, 0, sizeof(*rows));
	rows->path = strdup(below + strspn(below, "/"));
	if (!rows->path)
		return NULL;
	tree->nr++;
	return rows;
}

static int keep(struct vs_tree *tree, const char *path, const struct vs_inspection *in, int failed)
{
	struct vs_tree_row *row = add_row(tree, path);

	if (!row)
		return -ENOMEM;
	row->failed = failed;
	row->verdict = in->verdict;
	snprintf(row->kernel, sizeof(row->kernel), "%s", in->release[0] ? in->release : "?");
	snprintf(row->machine, sizeof(row->machine), "%s", in->machine);
	snprintf(row->reason, sizeof(row->reason), "%s", failed ? in->error : in->reason);
	return 0;
}

static int inspect_entry(struct vs_tree *tree, const FTSENT *entry)
{
	struct vs_inspection in;
	bool module = is_module(entry->fts_name);
	int failed, err = 0;

	if (!module && !is_kernel(entry->fts_name))
		return 0;
	failed = vs_inspect__file(entry->fts_path, &in);
	/* scripts and folders of links are named like kernels, too */
	if (!module && failed == -ENOEXEC)
		err = 0;
	else if (!module && !failed && !in.has_vfio)
		tree->images_without++;
	else
		err = keep(tree, entry->fts_path, &in, failed);
	vs_inspection__free(&in);
	return err;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int by_kernel(const void *va, const void *vb)
{
	const struct vs_tree_row *a = va, *b = vb;
	int order = strverscmp(a->kernel, b->kernel);

	return order ? order : strcmp(a->path, b->path);
}

static int visit(struct vs_tree *tree, FTS *fts, FTSENT *entry)
{
	switch (entry->fts_info) {
	case FTS_D:
		if (entry->fts_level >= MAX_DEPTH) {
			tree->cut = true;
			fts_set(fts, entry, FTS_SKIP);
		}
		return 0;
	case FTS_F:
		return inspect_entry(tree, entry);
	case FTS_DNR:
	case FTS_ERR:
		if (!entry->fts_level)
			return -entry->fts_errno;
		tree->unreadable++;
		return 0;
	case FTS_NS:
		return entry->fts_level ? 0 : -entry->fts_errno;
	default:
		return 0;
	}
}

static int walk(struct vs_tree *tree)
{
	char *const tops[] = { tree->top, NULL };
	FTS *fts = fts_open(tops, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name);
	unsigned int entries = 0;
	FTSENT *entry;
	int err = 0;

	if (!fts)
		return -errno;
	while (!err && (entry = fts_read(fts))) {
		if (++entries > MAX_ENTRIES || tree->nr >= MAX_ROWS) {
			tree->cut = true;
			break;
		}
		err = visit(tree, fts, entry);
	}
	fts_close(fts);
	return err;
}

int vs_tree__inspect(const char *top, struct vs_tree *tree)
{
	int err;

	memset(tree, 0, sizeof(*tree));
	tree->top = strdup(top);
	err = tree->top ? walk(tree) : -ENOMEM;
	if (err)
		snprintf(tree->error, sizeof(tree->error), "cannot walk: %s", strerror(-err));
	if (tree->nr)
		qsort(tree->rows, tree->nr, sizeof(*tree->rows), by_kernel);
	return err;
}

void vs_tree__free(struct vs_tree *tree)
{
	for (size_t i = 0; i < tree->nr; i++)
		free(tree->rows[i].path);
	free(tree->rows);
	free(tree->top);
	memset(tree, 0, sizeof(*tree));
}

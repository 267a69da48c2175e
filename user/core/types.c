// SPDX-License-Identifier: GPL-2.0
/* Types of a dump: the BTF of the kernel and of its modules is in their memory. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rows.h"
#include "core/dump_priv.h"
#include "core/given.h"
#include "kernel/btf.h"
#include "snapshot/walk.h"

#define LARGEST_BTF (64u << 20)
#define MAX_MODULES 4096

struct types {
	struct vs_btf **btfs;	/* that of vmlinux first */
	size_t nr;
};

static struct vs_btf *read_btf(struct vs_dump *d, uint64_t address, uint64_t len, const struct vs_btf *base)
{
	void *bytes = address && len && len <= LARGEST_BTF ? malloc(len) : NULL;

	if (!bytes)
		return NULL;
	if (!vs_mem__read(&d->mem, address, bytes, len))
		return vs_btf__of(bytes, len, base);
	free(bytes);
	return NULL;
}

static int add_btf(struct types *t, struct vs_btf *btf)
{
	struct vs_btf **row;

	if (!btf)
		return 0;
	row = vs_rows__add(&t->btfs, &t->nr, sizeof(*row));
	if (row)
		*row = btf;
	else
		vs_btf__free(btf);
	return row ? 0 : -ENOMEM;
}

static bool is_wanted(const char *name)
{
	return !strcmp(name, "vfio") || !strcmp(name, "kvm") || !strcmp(name, "iommufd");
}

/* The section of the module itself may be gone: the kernel keeps a copy. */
static int add_module(struct vs_dump *d, struct types *t, uint64_t entry)
{
	const struct vs_core_layout *l = &d->more;
	uint64_t module = vs_mem__pointer(&d->mem, entry + (uint64_t)l->btf_module_of);
	uint64_t btf = vs_mem__pointer(&d->mem, entry + (uint64_t)l->btf_module_btf);
	uint32_t len = 0;
	char name[16];

	vs_walk__string(&d->mem, module + (uint64_t)l->module_name, name, sizeof(name));
	if (!is_wanted(name) || vs_mem__read(&d->mem, btf + (uint64_t)l->btf_len, &len, sizeof(len)))
		return 0;
	return add_btf(t, read_btf(d, vs_mem__pointer(&d->mem, btf + (uint64_t)l->btf_data), len, t->btfs[0]));
}

static bool modules_have_btf(const struct vs_core_layout *l)
{
	return l->btf_module_list >= 0 && l->btf_module_of >= 0 && l->btf_module_btf >= 0 && l->btf_data >= 0 &&
	       l->btf_len >= 0 && l->module_name >= 0;
}

static int add_modules(struct vs_dump *d, struct types *t)
{
	uint64_t head = vs_core_image__symbol(&d->image, "btf_modules");
	uint64_t *nodes = malloc(MAX_MODULES * sizeof(*nodes));
	int nr, err = nodes ? 0 : -ENOMEM;

	nr = !err && head && modules_have_btf(&d->more) ?
		vs_walk__list(&d->mem, head, nodes, MAX_MODULES) : 0;
	for (int i = 0; i < nr && !err; i++)
		err = add_module(d, t, nodes[i] - (uint64_t)d->more.btf_module_list);
	free(nodes);
	return err;
}

static struct vs_btf *read_vmlinux(struct vs_dump *d, const char *file)
{
	uint64_t start = vs_core_image__symbol(&d->image, "__start_BTF");
	uint64_t stop = vs_core_image__symbol(&d->image, "__stop_BTF");
	struct vs_btf *btf = stop > start ? read_btf(d, start, stop - start, NULL) : NULL;

	return btf ?: file ? vs_core_given__types(file) : NULL;
}

static int take(struct vs_dump *d, struct types *t, const char *file, char *error, size_t size)
{
	int err = add_btf(t, read_vmlinux(d, file));

	if (!err && !t->nr) {
		snprintf(error, size, "the types of kernel %s are not in it (no BTF): %s", d->release, file ?
			 "nor are they in the file that was given" :
			 "give its vmlinux, or the /sys/kernel/btf/vmlinux of that kernel, with --vmlinux");
		return -ENOENT;
	}
	if (!err) {
		vs_core_layout__of(t->btfs[0], &d->more);
		err = add_modules(d, t);
	}
	if (!err)
		err = vs_snap_layout__of((const struct vs_btf *const *)t->btfs, t->nr, &d->layout);
	if (err)
		snprintf(error, size, "%s", err == -ENOTSUP ?
			 "no BTF describes VFIO, and this kernel's locks have another size" : strerror(-err));
	return err;
}

int core_dump__types(struct vs_dump *d, const char *vmlinux, char *error, size_t size)
{
	struct types t = {};
	int err = take(d, &t, vmlinux, error, size);

	for (size_t i = t.nr; i-- > 0;)
		vs_btf__free(t.btfs[i]);
	free(t.btfs);
	return err;
}

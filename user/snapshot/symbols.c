// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include "probe/kallsyms.h"
#include "snapshot/symbols.h"

/* Device files opened by cdev have the operations of other device files. */
static const char *const release_names[VS_SNAP_FILE_KINDS] = {
	[VS_SNAP_GROUP_FILE] = "vfio_group_fops_release",
	[VS_SNAP_DEVICE_FILE] = "vfio_device_fops_release",
	[VS_SNAP_CONTAINER_FILE] = "vfio_fops_release",
	[VS_SNAP_IOMMUFD_FILE] = "iommufd_fops_release",
	[VS_SNAP_KVM_FILE] = "kvm_device_release",
};

struct reading {
	struct vs_snap_symbols *symbols;
	bool any_address;
};

/* Clang's link-time optimisation appends ".llvm.NUMBER" to local functions. */
static bool is_called(const char *name, const char *wanted)
{
	size_t len = strlen(wanted);

	return !strncmp(name, wanted, len) &&
	       (!name[len] || !strncmp(name + len, ".llvm.", 6));
}

static void note_function(struct vs_snap_symbols *symbols, const struct vs_symbol *symbol)
{
	for (int kind = 0; kind < VS_SNAP_FILE_KINDS; kind++)
		if (release_names[kind] && is_called(symbol->name, release_names[kind]))
			symbols->release[kind] = symbol->addr;
}

static void note_object(struct vs_snap_symbols *symbols, const struct vs_symbol *symbol)
{
	if (!strcmp(symbol->name, "anon_inode_inode") && !*symbol->module)
		symbols->anon_inode_inode = symbol->addr;
	if (!strcmp(symbol->name, "vfio") && symbols->nr_vfio < VS_SNAP_MAX_VFIO &&
	    (!*symbol->module || !strcmp(symbol->module, "vfio")))
		symbols->vfio[symbols->nr_vfio++] = symbol->addr;
}

/* What is wanted begins with one of four letters: most of 150,000 lines end here. */
static int note(void *ctx, const struct vs_symbol *symbol)
{
	struct reading *reading = ctx;

	if (!symbol->addr)
		return 0;
	reading->any_address = true;
	if (!strchr("vaik", symbol->name[0]))
		return 0;
	if (strchr("tT", symbol->type))
		note_function(reading->symbols, symbol);
	else
		note_object(reading->symbols, symbol);
	return 0;
}

int vs_snap_symbols__read(FILE *kallsyms, struct vs_snap_symbols *symbols)
{
	struct reading reading = { .symbols = symbols };

	memset(symbols, 0, sizeof(*symbols));
	vs_kallsyms__each(kallsyms, note, &reading);
	return reading.any_address ? 0 : -EPERM;
}

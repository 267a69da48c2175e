// SPDX-License-Identifier: GPL-2.0
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kallsyms.h"
#include "snapshot/symbols.h"
#include "vfio/functions.h"

#define MAX_SYMBOLS (1 << 18)	/* of one module */
#define MAX_NAMES (16 << 20)	/* bytes */
#define PAGE 4096

/* Device files opened by cdev have the operations of other device files. */
static const char *const release_names[VS_SNAP_FILE_KINDS] = {
	[VS_SNAP_GROUP_FILE] = VS_VFIO_GROUP_CLOSE,
	[VS_SNAP_DEVICE_FILE] = VS_VFIO_DEVICE_CLOSE,
	[VS_SNAP_CONTAINER_FILE] = "vfio_fops_release",
	[VS_SNAP_IOMMUFD_FILE] = "iommufd_fops_release",
	[VS_SNAP_KVM_FILE] = "kvm_device_release",
};

/* Clang's link-time optimisation appends ".llvm.NUMBER" to local functions. */
static bool is_called(const char *name, const char *wanted)
{
	size_t len = strlen(wanted);

	return !strncmp(name, wanted, len) &&
	       (!name[len] || !strncmp(name + len, ".llvm.", 6));
}

static void note(struct vs_snap_symbols *symbols, const char *name, uint64_t address)
{
	for (int kind = 0; kind < VS_SNAP_FILE_KINDS; kind++)
		if (release_names[kind] && is_called(name, release_names[kind]))
			symbols->release[kind] = address;
	if (!strcmp(name, "vfio") && symbols->nr_vfio < VS_SNAP_MAX_VFIO)
		symbols->vfio[symbols->nr_vfio++] = address;
	if (!strcmp(name, "iommu_group_kset"))
		symbols->iommu_groups = address;
}

/* Every wanted name begins with one of three letters: this rejects most lines. */
static bool may_be_wanted(const char *name)
{
	return *name == 'v' || *name == 'k' || *name == 'i';
}

static bool is_release_of_vfio(const char *name)
{
	return is_called(name, release_names[VS_SNAP_GROUP_FILE]) ||
	       is_called(name, release_names[VS_SNAP_DEVICE_FILE]);
}

struct reading {
	struct vs_snap_symbols *symbols;
	bool any_address;
};

static int note_line(void *ctx, const struct vs_symbol *symbol)
{
	struct reading *reading = ctx;

	if (!symbol->addr)
		return 0;
	reading->any_address = true;
	if (!may_be_wanted(symbol->name))
		return 0;
	note(reading->symbols, symbol->name, symbol->addr);
	if (!*symbol->module && is_release_of_vfio(symbol->name))
		reading->symbols->built_in = true;
	return 0;
}

int vs_snap_symbols__read(FILE *kallsyms, struct vs_snap_symbols *symbols)
{
	struct reading reading = { .symbols = symbols };

	vs_kallsyms__each(kallsyms, note_line, &reading);
	return reading.any_address ? 0 : -EPERM;
}

/* As the kernel keeps it for kallsyms: addresses are final. */
struct table {
	uint64_t symtab, strtab;
	uint32_t nr;
	Elf64_Sym *symbols;
	char *names;
	size_t names_len;
};

static int find_table(const struct vs_mem *mem, const struct vs_snap_layout *l, uint64_t module,
		      struct table *table)
{
	uint64_t kallsyms;

	if (l->module_kallsyms == VS_ABSENT || l->kallsyms_symtab == VS_ABSENT ||
	    l->kallsyms_nr == VS_ABSENT || l->kallsyms_strtab == VS_ABSENT)
		return -ENOTSUP;
	kallsyms = vs_mem__pointer(mem, module + l->module_kallsyms);
	if (!kallsyms)
		return -EFAULT;
	table->symtab = vs_mem__pointer(mem, kallsyms + l->kallsyms_symtab);
	table->strtab = vs_mem__pointer(mem, kallsyms + l->kallsyms_strtab);
	if (vs_mem__read(mem, kallsyms + l->kallsyms_nr, &table->nr, sizeof(table->nr)))
		return -EFAULT;
	return table->symtab && table->strtab && table->nr && table->nr <= MAX_SYMBOLS ?
		0 : -EFAULT;
}

static int read_symbols(const struct vs_mem *mem, struct table *table)
{
	table->symbols = calloc(table->nr, sizeof(*table->symbols));
	if (!table->symbols)
		return -ENOMEM;
	return vs_mem__read(mem, table->symtab, table->symbols,
			    table->nr * sizeof(*table->symbols));
}

/* The length of the names is not known: it reads to the end of the page in which the last one starts. */
static int read_names(const struct vs_mem *mem, struct table *table)
{
	uint32_t last = 0;

	for (uint32_t i = 0; i < table->nr; i++)
		if (table->symbols[i].st_name > last)
			last = table->symbols[i].st_name;
	if (last > MAX_NAMES)
		return -EFAULT;
	table->names_len = ((table->strtab + last) | (PAGE - 1)) + 1 - table->strtab;
	table->names = calloc(1, table->names_len + PAGE + 1);
	if (!table->names)
		return -ENOMEM;
	/* The last name may continue in the next page, if there is one. */
	vs_mem__read(mem, table->strtab + table->names_len, table->names + table->names_len,
		     PAGE);
	return vs_mem__read(mem, table->strtab, table->names, table->names_len);
}

static int read_table(const struct vs_mem *mem, const struct vs_snap_layout *layout,
		      uint64_t module, struct table *table)
{
	int err = find_table(mem, layout, module, table);

	if (!err)
		err = read_symbols(mem, table);
	return err ?: read_names(mem, table);
}

int vs_snap_symbols__of_module(const struct vs_mem *mem, const struct vs_snap_layout *layout,
			       uint64_t module, struct vs_snap_symbols *symbols)
{
	struct table table = {};
	int err = read_table(mem, layout, module, &table);

	for (uint32_t i = 0; !err && i < table.nr; i++)
		note(symbols, table.names + table.symbols[i].st_name, table.symbols[i].st_value);
	free(table.symbols);
	free(table.names);
	return err;
}

int vs_snap_symbols__each_of_module(const struct vs_mem *mem, const struct vs_snap_layout *layout, uint64_t module,
				    int (*each)(void *ctx, const struct vs_symbol *symbol), void *ctx)
{
	struct table table = {};
	int err = read_table(mem, layout, module, &table);

	for (uint32_t i = 0; !err && i < table.nr; i++) {
		const Elf64_Sym *s = &table.symbols[i];
		const struct vs_symbol symbol = {
			.addr = s->st_value,
			.type = ELF64_ST_TYPE(s->st_info) == STT_FUNC ? 't' : 'd',
			.name = table.names + s->st_name,
			.module = "",
		};

		if (symbol.name[0] && symbol.addr && s->st_shndx != SHN_UNDEF)
			err = each(ctx, &symbol);
	}
	free(table.symbols);
	free(table.names);
	return err;
}

bool vs_snap_symbols__have_vfio(const struct vs_snap_symbols *symbols)
{
	return symbols->release[VS_SNAP_GROUP_FILE] || symbols->release[VS_SNAP_DEVICE_FILE];
}

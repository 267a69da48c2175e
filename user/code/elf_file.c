// SPDX-License-Identifier: GPL-2.0
/* Sections, symbols and functions of an ELF image that is not trusted. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "code/elf_file.h"
#include "code/elf_priv.h"

#define MAX_FUNCS	(1u << 19)	/* an allyesconfig has some 200 thousand */
#define NEST_LOOKBACK	64		/* functions */

int vs_elf__fail(struct vs_elf *elf, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(elf->error, sizeof(elf->error), fmt, args);
	va_end(args);
	return err;
}

int vs_elf__no_memory(struct vs_elf *elf)
{
	return vs_elf__fail(elf, -ENOMEM, "out of memory");
}

int vs_elf__damaged_at(struct vs_elf *elf, const char *what, size_t index)
{
	return vs_elf__fail(elf, -ENOEXEC, "damaged ELF file: %s (%zu)", what, index);
}

static int damaged(struct vs_elf *elf)
{
	int error = elf_errno();

	/* libelf refuses some files without setting an error: its words would be "no error". */
	return vs_elf__fail(elf, -ENOEXEC, "damaged ELF file: %s",
			    error ? elf_errmsg(error) : "its tables make no sense");
}

void *vs_elf__grow(void *array, size_t nr, size_t size)
{
	if (nr & (nr - 1))
		return array;
	return reallocarray(array, nr ? nr * 2 : 1, size);
}

static const char *string_at(const char *strings, size_t len, uint64_t off)
{
	return off < len ? strings + off : NULL;
}

static int load_strings(struct vs_elf *elf, size_t index, const char **strings, size_t *len)
{
	const struct vs_elf_section *sect = &elf->sections[index];

	if (!index || index >= elf->nr_sections || sect->hdr.sh_type != SHT_STRTAB ||
	    !sect->len || sect->bytes[sect->len - 1])
		return vs_elf__fail(elf, -ENOEXEC, "damaged ELF file: bad string table");
	*strings = (const char *)sect->bytes;
	*len = sect->len;
	return 0;
}

bool vs_elf__is_code(const struct vs_elf_section *sect)
{
	return sect->bytes && (sect->hdr.sh_flags & SHF_EXECINSTR);
}

static int check_type(struct vs_elf *elf, const struct vs_elf_opts *opts)
{
	uint16_t type = elf->ehdr.e_type;

	if (type == ET_REL || (opts->linked && (type == ET_EXEC || type == ET_DYN)))
		return 0;
	if (opts->linked)
		return vs_elf__fail(elf, -ENOEXEC,
				    "an ELF file, but neither a module nor a kernel");
	return vs_elf__fail(elf, -ENOEXEC,
			    "an ELF file, but not a kernel module (not relocatable)");
}

static bool has_whole_header(const struct vs_elf *elf)
{
	const unsigned char *ident = elf->data;

	return elf->len >= sizeof(Elf64_Ehdr) ||
	       (elf->len >= sizeof(Elf32_Ehdr) && ident[EI_CLASS] == ELFCLASS32);
}

static int open_image(struct vs_elf *elf, const struct vs_elf_opts *opts)
{
	if (elf->len < SELFMAG || memcmp(elf->data, ELFMAG, SELFMAG))
		return vs_elf__fail(elf, -ENOEXEC, "not an ELF file");
	if (!has_whole_header(elf))
		return vs_elf__fail(elf, -ENOEXEC, "damaged ELF file: it ends within its header");
	if (elf_version(EV_CURRENT) == EV_NONE)
		return vs_elf__fail(elf, -ENOEXEC, "libelf: %s", elf_errmsg(-1));
	elf->elf = elf_memory((char *)(uintptr_t)elf->data, elf->len);
	if (!elf->elf || elf_kind(elf->elf) != ELF_K_ELF || !gelf_getehdr(elf->elf, &elf->ehdr))
		return damaged(elf);
	elf->arch = vs_elf__arch_of(&elf->ehdr);
	return check_type(elf, opts);
}

/* Counts the bytes used so far, so that no two sections can claim the same ones. */
static bool claim(const struct vs_elf *elf, struct vs_elf_section *sect, uint64_t *used)
{
	if (sect->hdr.sh_type == SHT_NOBITS || sect->hdr.sh_type == SHT_NULL)
		return true;
	if (sect->hdr.sh_offset > elf->len || sect->hdr.sh_size > elf->len - sect->hdr.sh_offset)
		return false;
	sect->bytes = elf->data + sect->hdr.sh_offset;
	sect->len = sect->hdr.sh_size;
	*used += sect->len;
	return *used <= elf->len;
}

static int name_sections(struct vs_elf *elf)
{
	const char *names;
	size_t index, len;
	int err;

	if (elf_getshdrstrndx(elf->elf, &index))
		return damaged(elf);
	err = load_strings(elf, index, &names, &len);
	if (err)
		return err;
	for (size_t i = 0; i < elf->nr_sections; i++) {
		struct vs_elf_section *sect = &elf->sections[i];

		sect->name = string_at(names, len, sect->hdr.sh_name);
		if (!sect->name || strnlen(sect->name, VS_ELF_MAX_NAME + 1) > VS_ELF_MAX_NAME)
			return vs_elf__damaged_at(elf, "a section that has no name", i);
	}
	return 0;
}

static int load_sections(struct vs_elf *elf)
{
	uint64_t used = 0;

	if (elf_getshdrnum(elf->elf, &elf->nr_sections))
		return damaged(elf);
	/* the kernel's loader takes 16 bits as well */
	if (!elf->nr_sections || elf->nr_sections >= SHN_LORESERVE)
		return vs_elf__fail(elf, -ENOEXEC, "damaged ELF file: no usable section table");
	elf->sections = calloc(elf->nr_sections, sizeof(*elf->sections));
	if (!elf->sections)
		return vs_elf__no_memory(elf);
	for (size_t i = 0; i < elf->nr_sections; i++) {
		struct vs_elf_section *sect = &elf->sections[i];

		if (!gelf_getshdr(elf_getscn(elf->elf, i), &sect->hdr) || !claim(elf, sect, &used))
			return vs_elf__damaged_at(elf, "a section that is not inside the file", i);
	}
	return name_sections(elf);
}

int vs_elf__table(struct vs_elf *elf, size_t index, Elf_Type type, Elf_Data **data)
{
	const struct vs_elf_section *sect = &elf->sections[index];
	size_t size = gelf_fsize(elf->elf, type, 1, EV_CURRENT);

	if (size && sect->hdr.sh_entsize == size && sect->len % size == 0) {
		*data = elf_getdata(elf_getscn(elf->elf, index), NULL);
		if (*data && (*data)->d_type == type && (*data)->d_size == sect->len)
			return 0;
	}
	return vs_elf__damaged_at(elf, "bad table in section", index);
}

size_t vs_elf__nr(const struct vs_elf *elf, const Elf_Data *data)
{
	return data->d_size / gelf_fsize(elf->elf, data->d_type, 1, EV_CURRENT);
}

static int load_symbols(struct vs_elf *elf, const struct vs_elf_opts *opts)
{
	size_t i = 1;
	int err;

	while (i < elf->nr_sections && elf->sections[i].hdr.sh_type != SHT_SYMTAB)
		i++;
	if (i >= elf->nr_sections)
		return opts->stripped ? 0 : vs_elf__fail(elf, -ENOEXEC,
							 "the ELF file has no symbol table");
	elf->symtab = i;
	err = vs_elf__table(elf, i, ELF_T_SYM, &elf->symbols);
	return err ? err : load_strings(elf, elf->sections[i].hdr.sh_link, &elf->names,
					&elf->names_len);
}

bool vs_elf__symbol(const struct vs_elf *elf, uint32_t index, GElf_Sym *sym)
{
	return elf->symbols && index <= INT32_MAX && gelf_getsym(elf->symbols, (int)index, sym);
}

const char *vs_elf__symbol_name(const struct vs_elf *elf, const GElf_Sym *sym)
{
	const char *name = string_at(elf->names, elf->names_len, sym->st_name);

	return name ? name : "";
}

struct vs_elf_section *vs_elf__section_of(const struct vs_elf *elf, const GElf_Sym *sym)
{
	if (sym->st_shndx == SHN_UNDEF || sym->st_shndx >= elf->nr_sections)
		return NULL;
	return &elf->sections[sym->st_shndx];
}

const struct vs_elf_section *vs_elf__section(const struct vs_elf *elf, const char *name)
{
	for (size_t i = 1; i < elf->nr_sections; i++)
		if (!strcmp(elf->sections[i].name, name))
			return &elf->sections[i];
	return NULL;
}

/* Returns the offset in its section; in a linked file a symbol's value is an address. */
static uint64_t symbol_off(const struct vs_elf *elf, const GElf_Sym *sym,
			   const struct vs_elf_section *sect)
{
	return elf->ehdr.e_type == ET_REL ? sym->st_value : sym->st_value - sect->hdr.sh_addr;
}

static const char *func_name(const struct vs_elf *elf, const GElf_Sym *sym)
{
	const struct vs_elf_section *sect = vs_elf__section_of(elf, sym);
	const char *name = vs_elf__symbol_name(elf, sym);
	uint64_t off;

	if (GELF_ST_TYPE(sym->st_info) != STT_FUNC || !sect || !vs_elf__is_code(sect))
		return NULL;
	off = symbol_off(elf, sym, sect);
	if (!sym->st_size || off > sect->len || sym->st_size > sect->len - off)
		return NULL;
	/* __pfx_: the padding before a function, named since v6.1 for kCFI and call depth */
	if (!*name || !strncmp(name, "__pfx_", 6) ||
	    strnlen(name, VS_ELF_MAX_NAME + 1) > VS_ELF_MAX_NAME)
		return NULL;
	return name;
}

static uint8_t func_rank(const GElf_Sym *sym)
{
	switch (GELF_ST_BIND(sym->st_info)) {
	case STB_GLOBAL:
		return 0;
	case STB_WEAK:
		return 1;
	default:
		return 2;
	}
}

static int add_func(struct vs_elf *elf, const GElf_Sym *sym, const char *name)
{
	struct vs_elf_func *funcs;

	if (elf->nr_funcs >= MAX_FUNCS)
		return vs_elf__fail(elf, -ENOEXEC, "more than %u functions", MAX_FUNCS);
	funcs = vs_elf__grow(elf->funcs, elf->nr_funcs, sizeof(*funcs));
	if (!funcs)
		return vs_elf__no_memory(elf);
	elf->funcs = funcs;
	funcs[elf->nr_funcs++] = (struct vs_elf_func){
		.name = name,
		.section = sym->st_shndx,
		.rank = func_rank(sym),
		.off = symbol_off(elf, sym, &elf->sections[sym->st_shndx]),
		.size = sym->st_size,
	};
	return 0;
}

static int compare_funcs(const void *va, const void *vb)
{
	const struct vs_elf_func *a = va, *b = vb;

	if (a->section != b->section)
		return a->section < b->section ? -1 : 1;
	if (a->off != b->off)
		return a->off < b->off ? -1 : 1;
	if (a->rank != b->rank)
		return a->rank - b->rank;
	return strcmp(a->name, b->name);
}

static int load_funcs(struct vs_elf *elf)
{
	size_t nr = elf->symbols ? vs_elf__nr(elf, elf->symbols) : 0;
	int err = 0;

	for (size_t i = 1; i < nr && !err; i++) {
		const char *name;
		GElf_Sym sym;

		if (!vs_elf__symbol(elf, i, &sym))
			return vs_elf__damaged_at(elf, "bad symbol", i);
		name = func_name(elf, &sym);
		if (name)
			err = add_func(elf, &sym, name);
	}
	if (!err && elf->nr_funcs)
		qsort(elf->funcs, elf->nr_funcs, sizeof(*elf->funcs), compare_funcs);
	return err;
}

static bool contains(const struct vs_elf_func *func, uint32_t section, uint64_t off)
{
	return func->section == section && off >= func->off && off - func->off < func->size;
}

/* Returns how many functions start at or before that place. */
static size_t funcs_upto(const struct vs_elf *elf, uint32_t section, uint64_t off)
{
	size_t lo = 0, hi = elf->nr_funcs;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct vs_elf_func *func = &elf->funcs[mid];

		if (func->section < section || (func->section == section && func->off <= off))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct vs_elf_func *vs_elf__func_at(const struct vs_elf *elf, uint32_t section, uint64_t off)
{
	size_t end = funcs_upto(elf, section, off);
	const struct vs_elf_func *best = NULL;

	for (size_t i = end; i > 0 && end - i < NEST_LOOKBACK; i--) {
		const struct vs_elf_func *func = &elf->funcs[i - 1];

		if (best && func->off != best->off)
			break;
		if (contains(func, section, off))
			best = func;
	}
	return best;
}

static int read_image(struct vs_elf *elf, const struct vs_elf_opts *opts)
{
	int err = open_image(elf, opts);

	if (!err)
		err = load_sections(elf);
	if (!err)
		err = load_symbols(elf, opts);
	if (!err)
		err = load_funcs(elf);
	/* relocations of a linked file are for its loader */
	if (!err && opts->relocs_of && elf->ehdr.e_type == ET_REL)
		err = vs_elf__load_relocs(elf, opts->relocs_of);
	return err;
}

int vs_elf__open(const void *data, size_t len, const struct vs_elf_opts *opts, struct vs_elf *elf)
{
	char error[sizeof(elf->error)];
	int err;

	memset(elf, 0, sizeof(*elf));
	elf->data = data;
	elf->len = len;
	err = read_image(elf, opts);
	if (!err)
		return 0;
	memcpy(error, elf->error, sizeof(error));
	vs_elf__close(elf);
	memcpy(elf->error, error, sizeof(error));
	return err;
}

void vs_elf__close(struct vs_elf *elf)
{
	for (size_t i = 0; elf->sections && i < elf->nr_sections; i++)
		free(elf->sections[i].relocs);
	free(elf->sections);
	free(elf->funcs);
	if (elf->elf)
		elf_end(elf->elf);
	memset(elf, 0, sizeof(*elf));
}

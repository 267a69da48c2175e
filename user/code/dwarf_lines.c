// SPDX-License-Identifier: GPL-2.0
/*
 * libdw alone, without libdwfl: that one asks servers for debug information, and cannot be linked
 * statically for its use of dlopen(3). For a relocatable file we do its work here: we apply
 * relocations to .debug_*, with each code section at an address of its own.
 */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "code/dwarf_lines.h"

struct vs_dwarf {
	uint8_t *copy;		/* of a relocatable file, with relocations applied */
	Elf *elf;		/* of the copy; NULL when the file is used as it is */
	Dwarf *dwarf;
	bool relocatable;
};

/* ---- relocations ---- */

/* Bytes that a plain address of 64 or 32 bits takes, 0 for other relocations. */
static size_t width_of(uint16_t machine, uint32_t type)
{
	static const struct {
		uint16_t machine;
		uint32_t type;
		size_t width;
	} types[] = {
		{ EM_X86_64, R_X86_64_64, 8 }, { EM_X86_64, R_X86_64_32, 4 },
		{ EM_AARCH64, R_AARCH64_ABS64, 8 }, { EM_AARCH64, R_AARCH64_ABS32, 4 },
		{ EM_PPC64, R_PPC64_ADDR64, 8 }, { EM_PPC64, R_PPC64_ADDR32, 4 },
		{ EM_S390, R_390_64, 8 }, { EM_S390, R_390_32, 4 },
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].machine == machine && types[i].type == type)
			return types[i].width;
	return 0;
}

static uint64_t section_base(const struct vs_elf *elf, uint32_t section)
{
	return elf->sections[section].hdr.sh_flags & SHF_ALLOC ? (uint64_t)section << 32 : 0;
}

static void store(uint8_t *at, uint64_t value, size_t width, bool big_endian)
{
	for (size_t i = 0; i < width; i++)
		at[big_endian ? width - 1 - i : i] = (uint8_t)(value >> 8 * i);
}

static void apply(const struct vs_elf *elf, uint8_t *copy, const struct vs_elf_section *target,
		  const GElf_Rela *rela)
{
	size_t width = width_of(elf->ehdr.e_machine, GELF_R_TYPE(rela->r_info));
	uint64_t value;
	GElf_Sym sym;

	if (!width || rela->r_offset > target->len || width > target->len - rela->r_offset ||
	    !vs_elf__symbol(elf, GELF_R_SYM(rela->r_info), &sym) ||
	    !vs_elf__section_of(elf, &sym))
		return;
	value = section_base(elf, sym.st_shndx) + sym.st_value + (uint64_t)rela->r_addend;
	store(copy + target->hdr.sh_offset + rela->r_offset, value, width,
	      elf->ehdr.e_ident[EI_DATA] == ELFDATA2MSB);
}

static bool apply_section(const struct vs_elf *elf, uint8_t *copy, size_t index)
{
	const struct vs_elf_section *sect = &elf->sections[index], *target;
	Elf_Data *data;
	GElf_Rela rela;

	if (sect->hdr.sh_type != SHT_RELA || sect->hdr.sh_info >= elf->nr_sections)
		return true;
	target = &elf->sections[sect->hdr.sh_info];
	if (strncmp(target->name, ".debug_", 7) || !target->bytes)
		return true;
	if (target->hdr.sh_flags & SHF_COMPRESSED)
		return false;
	data = elf_getdata(elf_getscn(elf->elf, index), NULL);
	for (int i = 0; data && gelf_getrela(data, i, &rela); i++)
		apply(elf, copy, target, &rela);
	return true;
}

static int relocate(struct vs_dwarf *d, const struct vs_elf *elf)
{
	d->copy = malloc(elf->len);
	if (!d->copy)
		return ENOMEM;
	memcpy(d->copy, elf->data, elf->len);
	for (size_t i = 1; i < elf->nr_sections; i++)
		if (!apply_section(elf, d->copy, i))
			return ENOENT;
	d->elf = elf_memory((char *)d->copy, elf->len);
	return d->elf ? 0 : ENOENT;
}

struct vs_dwarf *vs_dwarf__open(const struct vs_elf *elf)
{
	struct vs_dwarf *d;
	int err = 0;

	if (!vs_elf__section(elf, ".debug_info")) {
		errno = ENOENT;
		return NULL;
	}
	d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	d->relocatable = elf->ehdr.e_type == ET_REL;
	if (d->relocatable)
		err = relocate(d, elf);
	if (!err)
		d->dwarf = dwarf_begin_elf(d->elf ? d->elf : elf->elf, DWARF_C_READ, NULL);
	if (d->dwarf)
		return d;
	vs_dwarf__close(d);
	errno = err ? err : ENOENT;
	return NULL;
}

void vs_dwarf__close(struct vs_dwarf *d)
{
	if (d->dwarf)
		dwarf_end(d->dwarf);
	if (d->elf)
		elf_end(d->elf);
	free(d->copy);
	free(d);
}

/* ---- places ---- */

static bool find_unit(Dwarf *dwarf, uint64_t addr, Dwarf_Die *unit)
{
	Dwarf_CU *cu = NULL;
	uint8_t type;

	if (dwarf_addrdie(dwarf, addr, unit))
		return true;
	/* clang writes no .debug_aranges */
	while (dwarf_get_units(dwarf, cu, &cu, NULL, &type, unit, NULL) == 0)
		if (type == DW_UT_compile && dwarf_haspc(unit, addr) == 1)
			return true;
	return false;
}

/* Shortens a path to start at the top of the kernel's source. */
static const char *shorten(const char *path)
{
	static const char *const tops[] = { "/drivers/", "/include/", "/arch/", "/virt/" };
	const char *base = strrchr(path, '/');

	for (size_t i = 0; i < sizeof(tops) / sizeof(tops[0]); i++) {
		const char *at = strstr(path, tops[i]);

		if (at)
			return at + 1;
	}
	if (!strncmp(path, "./", 2))
		return path + 2;
	return path[0] == '/' && base ? base + 1 : path;
}

static void set_source(struct vs_dwarf_place *place, const char *path, uint64_t line)
{
	if (path)
		snprintf(place->source, sizeof(place->source), "%s:%llu", shorten(path),
			 (unsigned long long)line);
}

/* Sets the line in the function that called the outermost inlined one. */
static void set_call_site(Dwarf_Die *unit, Dwarf_Die *inlined, struct vs_dwarf_place *place)
{
	Dwarf_Attribute attr;
	Dwarf_Word file, line;
	Dwarf_Files *files;
	size_t nr;

	if (!dwarf_formudata(dwarf_attr(inlined, DW_AT_call_file, &attr), &file) &&
	    !dwarf_formudata(dwarf_attr(inlined, DW_AT_call_line, &attr), &line) &&
	    !dwarf_getsrcfiles(unit, &files, &nr) && file < nr)
		set_source(place, dwarf_filesrc(files, file, NULL, NULL), line);
}

static void set_line(Dwarf_Die *unit, uint64_t addr, struct vs_dwarf_place *place)
{
	Dwarf_Line *line = dwarf_getsrc_die(unit, addr);
	int number = 0;

	if (line && !dwarf_lineno(line, &number))
		set_source(place, dwarf_linesrc(line, NULL, NULL), (uint64_t)number);
}

static void add_inlined(struct vs_dwarf_place *place, const char *name)
{
	size_t used = strlen(place->inlined);

	snprintf(place->inlined + used, sizeof(place->inlined) - used, "%s%s", used ? " < " : "",
		 name ? name : "?");
}

/* Walks from the innermost scope outwards. (dwarf_getscopes() would continue where that one is defined.) */
static void walk_scopes(Dwarf_Die *unit, Dwarf_Die *innermost, struct vs_dwarf_place *place)
{
	Dwarf_Die *scopes = NULL;
	int nr = dwarf_getscopes_die(innermost, &scopes);

	for (int i = 0; i < nr; i++) {
		int tag = dwarf_tag(&scopes[i]);

		if (tag == DW_TAG_subprogram)
			break;
		if (tag != DW_TAG_inlined_subroutine)
			continue;
		add_inlined(place, dwarf_diename(&scopes[i]));
		set_call_site(unit, &scopes[i], place);
	}
	free(scopes);
}

void vs_dwarf__look_up(struct vs_dwarf *d, uint32_t section, uint64_t addr,
		       struct vs_dwarf_place *place)
{
	Dwarf_Die unit, *scopes = NULL;

	memset(place, 0, sizeof(*place));
	if (d->relocatable)
		addr += (uint64_t)section << 32;
	if (!find_unit(d->dwarf, addr, &unit))
		return;
	set_line(&unit, addr, place);
	if (dwarf_getscopes(&unit, addr, &scopes) > 0)
		walk_scopes(&unit, &scopes[0], place);
	free(scopes);
}

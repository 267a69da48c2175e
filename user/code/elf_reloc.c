// SPDX-License-Identifier: GPL-2.0
/* Relocations, notes, and what differs between architectures. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "code/elf_file.h"
#include "code/elf_priv.h"

#ifndef R_PPC64_REL24_NOTOC
#define R_PPC64_REL24_NOTOC 116
#endif

/* call rel32, jmp rel32 */
static bool x86_is_call(const uint8_t *insn)
{
	return insn[0] == 0xe8 || insn[0] == 0xe9;
}

/* brasl or brcl; the same relocations serve larl */
static bool s390_is_call(const uint8_t *insn)
{
	return insn[0] == 0xc0 && ((insn[1] & 0xf) == 5 || insn[1] == 0xf4);
}

static const struct vs_elf_arch archs[] = {
	{ EM_X86_64, "x86_64", { R_X86_64_PLT32, R_X86_64_PC32 }, 1, x86_is_call },
	{ EM_AARCH64, "aarch64", { R_AARCH64_CALL26, R_AARCH64_JUMP26 }, 0, NULL },
	{ EM_S390, "s390x", { R_390_PLT32DBL, R_390_PC32DBL }, 2, s390_is_call },
	{ EM_PPC64, "ppc64", { R_PPC64_REL24, R_PPC64_REL24_NOTOC }, 0, NULL },
};

const struct vs_elf_arch *vs_elf__arch_of(const GElf_Ehdr *ehdr)
{
	for (size_t i = 0; i < sizeof(archs) / sizeof(archs[0]); i++)
		if (archs[i].machine == ehdr->e_machine && ehdr->e_ident[EI_CLASS] == ELFCLASS64)
			return &archs[i];
	return NULL;
}

static bool read_reloc(Elf_Data *data, size_t i, struct vs_elf_reloc *reloc)
{
	GElf_Rela rela = { 0 };
	GElf_Rel rel;

	if (data->d_type == ELF_T_RELA) {
		if (!gelf_getrela(data, i, &rela))
			return false;
	} else {
		if (!gelf_getrel(data, i, &rel))
			return false;
		rela.r_offset = rel.r_offset;
		rela.r_info = rel.r_info;
	}
	reloc->off = rela.r_offset;
	reloc->addend = rela.r_addend;
	reloc->type = GELF_R_TYPE(rela.r_info);
	reloc->sym = GELF_R_SYM(rela.r_info);
	return true;
}

static int compare_relocs(const void *va, const void *vb)
{
	const struct vs_elf_reloc *a = va, *b = vb;

	if (a->off != b->off)
		return a->off < b->off ? -1 : 1;
	return 0;
}

static int add_relocs(struct vs_elf *elf, struct vs_elf_section *target, Elf_Data *data)
{
	size_t nr = vs_elf__nr(elf, data);
	struct vs_elf_reloc *relocs;

	relocs = reallocarray(target->relocs, target->nr_relocs + nr, sizeof(*relocs));
	if (!relocs)
		return vs_elf__no_memory(elf);
	target->relocs = relocs;
	for (size_t i = 0; i < nr; i++) {
		if (!read_reloc(data, i, &relocs[target->nr_relocs]))
			return vs_elf__damaged_at(elf, "bad relocation", i);
		if (relocs[target->nr_relocs].off < target->len)
			target->nr_relocs++;
	}
	return 0;
}

static int load_reloc_section(struct vs_elf *elf, size_t index,
			      bool (*relocs_of)(const struct vs_elf_section *section))
{
	const GElf_Shdr *hdr = &elf->sections[index].hdr;
	struct vs_elf_section *target;
	Elf_Data *data;
	int err;

	if (hdr->sh_info >= elf->nr_sections || hdr->sh_link != elf->symtab)
		return vs_elf__damaged_at(elf, "relocations of nothing in section", index);
	target = &elf->sections[hdr->sh_info];
	if (!elf->sections[index].len || !target->bytes || !relocs_of(target))
		return 0;
	err = vs_elf__table(elf, index, hdr->sh_type == SHT_RELA ? ELF_T_RELA : ELF_T_REL, &data);
	return err ? err : add_relocs(elf, target, data);
}

int vs_elf__load_relocs(struct vs_elf *elf,
			bool (*relocs_of)(const struct vs_elf_section *section))
{
	for (size_t i = 1; i < elf->nr_sections; i++) {
		uint32_t type = elf->sections[i].hdr.sh_type;
		int err;

		if (type != SHT_RELA && type != SHT_REL)
			continue;
		err = load_reloc_section(elf, i, relocs_of);
		if (err)
			return err;
	}
	for (size_t i = 1; i < elf->nr_sections; i++) {
		struct vs_elf_section *sect = &elf->sections[i];

		if (sect->nr_relocs)
			qsort(sect->relocs, sect->nr_relocs, sizeof(*sect->relocs),
			      compare_relocs);
	}
	return 0;
}

bool vs_elf__target(const struct vs_elf *elf, const struct vs_elf_reloc *reloc, uint32_t *section,
		    uint64_t *off)
{
	GElf_Sym sym;

	if (!vs_elf__symbol(elf, reloc->sym, &sym) || !vs_elf__section_of(elf, &sym))
		return false;
	*section = sym.st_shndx;
	*off = sym.st_value + (uint64_t)reloc->addend;
	return true;
}

size_t vs_elf__relocs_before(const struct vs_elf_section *sect, uint64_t off)
{
	size_t lo = 0, hi = sect->nr_relocs;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (sect->relocs[mid].off < off)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool vs_elf__is_call(const struct vs_elf *elf, const struct vs_elf_section *sect,
		     const struct vs_elf_reloc *reloc)
{
	const struct vs_elf_arch *arch = elf->arch;

	if (!arch || (reloc->type != arch->call_relocs[0] && reloc->type != arch->call_relocs[1]))
		return false;
	if (reloc->off < arch->reloc_at || sect->len - reloc->off < 4)
		return false;
	return !arch->is_call || arch->is_call(sect->bytes + reloc->off - arch->reloc_at);
}

static bool notes_of(Elf_Data *data, bool (*each)(void *ctx, const GElf_Nhdr *note,
						  const char *name, const uint8_t *desc),
		     void *ctx)
{
	size_t off = 0, name, desc;
	GElf_Nhdr note;

	while (off < data->d_size) {
		off = gelf_getnote(data, off, &note, &name, &desc);
		if (!off)
			return false;
		if (each(ctx, &note, (char *)data->d_buf + name, (uint8_t *)data->d_buf + desc))
			return true;
	}
	return false;
}

void vs_elf__notes(const struct vs_elf *elf,
		   bool (*each)(void *ctx, const GElf_Nhdr *note, const char *name,
				const uint8_t *desc),
		   void *ctx)
{
	for (size_t i = 1; i < elf->nr_sections; i++) {
		Elf_Data *data;

		if (elf->sections[i].hdr.sh_type != SHT_NOTE || !elf->sections[i].len)
			continue;
		data = elf_getdata(elf_getscn(elf->elf, i), NULL);
		if (data && notes_of(data, each, ctx))
			return;
	}
}

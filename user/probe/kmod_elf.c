// SPDX-License-Identifier: GPL-2.0
/*
 * Functions, call sites, locked adds and build-id out of the ELF image of a
 * module. The image is not trusted: sections are checked once, in
 * image__load_sections(), to lie in the file and not to overlap, so everything
 * after that is bounded by the size of the file.
 */
#include <errno.h>
#include <gelf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kmod.h"
#include "kmod_priv.h"
#include "kmod_x86.h"

#define MAX_FUNCS	(1u << 18)	/* amdgpu, the largest module, has some 30 thousand */
#define MAX_SITES	(1u << 16)
#define MAX_NAME	511		/* KSYM_NAME_LEN - 1 since v6.1, 127 before */
#define LOCK_LOOKBACK	32		/* bytes before a call */
#define CONST_LOOKBACK	24		/* bytes before a locked add */
#define NEST_LOOKBACK	64		/* functions */

#ifndef R_PPC64_REL24_NOTOC
#define R_PPC64_REL24_NOTOC 116
#endif

struct reloc {
	uint64_t off;
	int64_t addend;
	uint32_t type;
	uint32_t sym;
};

struct section {
	GElf_Shdr hdr;
	const char *name;
	const uint8_t *bytes;
	size_t len;		/* of bytes: 0 for .bss */
	struct reloc *relocs;	/* by offset; of executable sections and .smp_locks */
	size_t nr_relocs;
};

struct func {
	struct vs_kmod_func pub;
	uint32_t section;
	uint8_t rank;		/* among aliases, the lowest is shown */
};

struct strings {
	const char *chars;
	size_t len;
};

struct image {
	Elf *elf;
	const uint8_t *data;
	size_t len;
	const struct arch *arch;
	struct section *sections;
	size_t nr_sections;
	size_t symtab;
	Elf_Data *symbols;
	struct strings names;
	struct func *funcs;	/* by section, offset, rank, name: the order of kmod->funcs */
	const char *const *callees;
	struct vs_kmod *kmod;
};

/* How a call is relocated. */
struct arch {
	uint16_t machine;
	const char *name;
	uint32_t reloc_types[2];
	uint8_t reloc_at;	/* bytes from the start of the instruction */
	bool (*is_call)(const uint8_t *insn);
};

static bool x86__is_call(const uint8_t *insn)
{
	return insn[0] == VS_X86_CALL || insn[0] == VS_X86_JMP;
}

/* brasl or brcl; the same relocations serve larl */
static bool s390__is_call(const uint8_t *insn)
{
	return insn[0] == 0xc0 && ((insn[1] & 0xf) == 5 || insn[1] == 0xf4);
}

static const struct arch archs[] = {
	{ EM_X86_64, "x86_64", { R_X86_64_PLT32, R_X86_64_PC32 }, 1, x86__is_call },
	{ EM_AARCH64, "aarch64", { R_AARCH64_CALL26, R_AARCH64_JUMP26 }, 0, NULL },
	{ EM_S390, "s390x", { R_390_PLT32DBL, R_390_PC32DBL }, 2, s390__is_call },
	{ EM_PPC64, "ppc64", { R_PPC64_REL24, R_PPC64_REL24_NOTOC }, 0, NULL },
};

int vs_kmod__fail(struct vs_kmod *kmod, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(kmod->error, sizeof(kmod->error), fmt, args);
	va_end(args);
	return err;
}

void vs_kmod__hex(const uint8_t *bytes, size_t len, char hex[VS_BUILD_ID_HEX])
{
	hex[0] = '\0';
	if (len > (VS_BUILD_ID_HEX - 1) / 2)
		return;
	for (size_t i = 0; i < len; i++)
		snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
}

static int no_memory(struct image *img)
{
	return vs_kmod__fail(img->kmod, -ENOMEM, "out of memory");
}

static int damaged_at(struct image *img, const char *what, size_t index)
{
	return vs_kmod__fail(img->kmod, -ENOEXEC, "damaged ELF file: %s (%zu)", what, index);
}

/* Room for one more; arrays double whenever their length is a power of two. */
static void *array__grow(void *array, size_t nr, size_t size)
{
	if (nr & (nr - 1))
		return array;
	return reallocarray(array, nr ? nr * 2 : 1, size);
}

static const char *strings__at(const struct strings *strings, uint64_t off)
{
	return off < strings->len ? strings->chars + off : NULL;
}

static int image__strings(struct image *img, size_t index, struct strings *strings)
{
	const struct section *sect = &img->sections[index];

	if (!index || index >= img->nr_sections || sect->hdr.sh_type != SHT_STRTAB ||
	    !sect->len || sect->bytes[sect->len - 1])
		return vs_kmod__fail(img->kmod, -ENOEXEC, "damaged ELF file: bad string table");
	strings->chars = (const char *)sect->bytes;
	strings->len = sect->len;
	return 0;
}

static bool section__is_code(const struct section *sect)
{
	return sect->bytes && (sect->hdr.sh_flags & SHF_EXECINSTR);
}

static bool section__is_data(const struct section *sect)
{
	const uint64_t mask = SHF_ALLOC | SHF_WRITE | SHF_EXECINSTR;

	return (sect->hdr.sh_flags & mask) == (SHF_ALLOC | SHF_WRITE);
}

static bool section__is_smp_locks(const struct section *sect)
{
	return !strcmp(sect->name, ".smp_locks");
}

static const struct arch *arch__of(const GElf_Ehdr *ehdr)
{
	for (size_t i = 0; i < sizeof(archs) / sizeof(archs[0]); i++)
		if (archs[i].machine == ehdr->e_machine && ehdr->e_ident[EI_CLASS] == ELFCLASS64)
			return &archs[i];
	return NULL;
}

static int image__open(struct image *img)
{
	struct vs_kmod *kmod = img->kmod;
	GElf_Ehdr ehdr;

	if (img->len < SELFMAG || memcmp(img->data, ELFMAG, SELFMAG))
		return vs_kmod__fail(kmod, -ENOEXEC, "not an ELF file");
	if (elf_version(EV_CURRENT) == EV_NONE)
		return vs_kmod__fail(kmod, -ENOEXEC, "libelf: %s", elf_errmsg(-1));
	img->elf = elf_memory((char *)(uintptr_t)img->data, img->len);
	if (!img->elf || elf_kind(img->elf) != ELF_K_ELF || !gelf_getehdr(img->elf, &ehdr))
		return vs_kmod__fail(kmod, -ENOEXEC, "damaged ELF file: %s", elf_errmsg(-1));
	if (ehdr.e_type != ET_REL)
		return vs_kmod__fail(kmod, -ENOEXEC,
				     "an ELF file, but not a kernel module (not relocatable)");
	img->arch = arch__of(&ehdr);
	kmod->machine = strdup(img->arch ? img->arch->name : "other");
	return kmod->machine ? 0 : no_memory(img);
}

/* Counts the bytes used so far, so that no two sections can claim the same ones. */
static bool image__claim(const struct image *img, struct section *sect, uint64_t *used)
{
	if (sect->hdr.sh_type == SHT_NOBITS || sect->hdr.sh_type == SHT_NULL)
		return true;
	if (sect->hdr.sh_offset > img->len || sect->hdr.sh_size > img->len - sect->hdr.sh_offset)
		return false;
	sect->bytes = img->data + sect->hdr.sh_offset;
	sect->len = sect->hdr.sh_size;
	*used += sect->len;
	return *used <= img->len;
}

static int image__name_sections(struct image *img)
{
	struct strings names;
	size_t index;
	int err;

	if (elf_getshdrstrndx(img->elf, &index))
		return vs_kmod__fail(img->kmod, -ENOEXEC, "damaged ELF file: %s", elf_errmsg(-1));
	err = image__strings(img, index, &names);
	if (err)
		return err;
	for (size_t i = 0; i < img->nr_sections; i++) {
		struct section *sect = &img->sections[i];

		sect->name = strings__at(&names, sect->hdr.sh_name);
		if (!sect->name || strnlen(sect->name, MAX_NAME + 1) > MAX_NAME)
			return damaged_at(img, "a section that has no name", i);
	}
	return 0;
}

static int image__load_sections(struct image *img)
{
	struct vs_kmod *kmod = img->kmod;
	uint64_t used = 0;

	if (elf_getshdrnum(img->elf, &img->nr_sections))
		return vs_kmod__fail(kmod, -ENOEXEC, "damaged ELF file: %s", elf_errmsg(-1));
	/* the kernel's loader takes 16 bits as well */
	if (!img->nr_sections || img->nr_sections >= SHN_LORESERVE)
		return vs_kmod__fail(kmod, -ENOEXEC, "damaged ELF file: no usable section table");
	img->sections = calloc(img->nr_sections, sizeof(*img->sections));
	if (!img->sections)
		return no_memory(img);
	for (size_t i = 0; i < img->nr_sections; i++) {
		struct section *sect = &img->sections[i];

		if (!gelf_getshdr(elf_getscn(img->elf, i), &sect->hdr) ||
		    !image__claim(img, sect, &used))
			return damaged_at(img, "a section that is not inside the file", i);
	}
	return image__name_sections(img);
}

/* The entries of a symbol or relocation table, in host byte order. */
static int image__table(struct image *img, size_t index, Elf_Type type, Elf_Data **data)
{
	const struct section *sect = &img->sections[index];
	size_t size = gelf_fsize(img->elf, type, 1, EV_CURRENT);

	if (size && sect->hdr.sh_entsize == size && sect->len % size == 0) {
		*data = elf_getdata(elf_getscn(img->elf, index), NULL);
		if (*data && (*data)->d_type == type && (*data)->d_size == sect->len)
			return 0;
	}
	return damaged_at(img, "bad table in section", index);
}

static size_t image__nr(const struct image *img, const Elf_Data *data)
{
	return data->d_size / gelf_fsize(img->elf, data->d_type, 1, EV_CURRENT);
}

static int image__load_symbols(struct image *img)
{
	size_t i = 1;
	int err;

	while (i < img->nr_sections && img->sections[i].hdr.sh_type != SHT_SYMTAB)
		i++;
	if (i >= img->nr_sections)
		return vs_kmod__fail(img->kmod, -ENOEXEC, "the ELF file has no symbol table");
	img->symtab = i;
	err = image__table(img, i, ELF_T_SYM, &img->symbols);
	return err ? err : image__strings(img, img->sections[i].hdr.sh_link, &img->names);
}

/* The section a symbol is defined in; NULL for undefined, absolute and common ones. */
static struct section *image__section_of(const struct image *img, const GElf_Sym *sym)
{
	if (sym->st_shndx == SHN_UNDEF || sym->st_shndx >= img->nr_sections)
		return NULL;
	return &img->sections[sym->st_shndx];
}

static const char *image__func_name(const struct image *img, const GElf_Sym *sym)
{
	const struct section *sect = image__section_of(img, sym);
	const char *name = strings__at(&img->names, sym->st_name);

	if (GELF_ST_TYPE(sym->st_info) != STT_FUNC || !sect || !section__is_code(sect))
		return NULL;
	if (!sym->st_size || sym->st_value > sect->len ||
	    sym->st_size > sect->len - sym->st_value)
		return NULL;
	/* __pfx_: the padding before a function, named since v6.1 for kCFI and call depth */
	if (!name || !*name || !strncmp(name, "__pfx_", 6) ||
	    strnlen(name, MAX_NAME + 1) > MAX_NAME)
		return NULL;
	return name;
}

static uint8_t func__rank(const GElf_Sym *sym)
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

static int image__add_func(struct image *img, const GElf_Sym *sym, const char *name)
{
	struct vs_kmod *kmod = img->kmod;
	struct func *func;

	if (kmod->nr_funcs >= MAX_FUNCS)
		return vs_kmod__fail(kmod, -ENOEXEC, "more than %u functions", MAX_FUNCS);
	func = array__grow(img->funcs, kmod->nr_funcs, sizeof(*func));
	if (!func)
		return no_memory(img);
	img->funcs = func;
	func += kmod->nr_funcs++;
	func->section = sym->st_shndx;
	func->rank = func__rank(sym);
	func->pub = (struct vs_kmod_func){
		.name = strdup(name),
		.section = strdup(img->sections[sym->st_shndx].name),
		.section_off = sym->st_value,
		.size = sym->st_size,
	};
	return func->pub.name && func->pub.section ? 0 : no_memory(img);
}

static int func__compare(const void *va, const void *vb)
{
	const struct func *a = va, *b = vb;

	if (a->section != b->section)
		return a->section < b->section ? -1 : 1;
	if (a->pub.section_off != b->pub.section_off)
		return a->pub.section_off < b->pub.section_off ? -1 : 1;
	if (a->rank != b->rank)
		return a->rank - b->rank;
	return strcmp(a->pub.name, b->pub.name);
}

static int image__load_funcs(struct image *img)
{
	size_t nr = image__nr(img, img->symbols);
	int err = 0;

	for (size_t i = 1; i < nr && !err; i++) {
		const char *name;
		GElf_Sym sym;

		if (!gelf_getsym(img->symbols, i, &sym))
			return damaged_at(img, "bad symbol", i);
		name = image__func_name(img, &sym);
		if (name)
			err = image__add_func(img, &sym, name);
	}
	if (!err && img->kmod->nr_funcs)
		qsort(img->funcs, img->kmod->nr_funcs, sizeof(*img->funcs), func__compare);
	return err;
}

static bool func__contains(const struct func *func, uint32_t section, uint64_t off)
{
	return func->section == section && off >= func->pub.section_off &&
	       off - func->pub.section_off < func->pub.size;
}

/* How many functions start at or before that place. */
static size_t image__funcs_upto(const struct image *img, uint32_t section, uint64_t off)
{
	size_t lo = 0, hi = img->kmod->nr_funcs;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct func *func = &img->funcs[mid];

		if (func->section < section ||
		    (func->section == section && func->pub.section_off <= off))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The innermost function there, and of its aliases the first; NULL for none. */
static const struct func *image__func_at(const struct image *img, uint32_t section, uint64_t off)
{
	size_t end = image__funcs_upto(img, section, off);
	const struct func *best = NULL;

	for (size_t i = end; i > 0 && end - i < NEST_LOOKBACK; i--) {
		const struct func *func = &img->funcs[i - 1];

		if (best && func->pub.section_off != best->pub.section_off)
			break;
		if (func__contains(func, section, off))
			best = func;
	}
	return best;
}

static bool reloc__read(Elf_Data *data, size_t i, struct reloc *reloc)
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

static int reloc__compare(const void *va, const void *vb)
{
	const struct reloc *a = va, *b = vb;

	if (a->off != b->off)
		return a->off < b->off ? -1 : 1;
	return 0;
}

static int image__add_relocs(struct image *img, struct section *target, Elf_Data *data)
{
	size_t nr = image__nr(img, data);
	struct reloc *relocs;

	relocs = reallocarray(target->relocs, target->nr_relocs + nr, sizeof(*relocs));
	if (!relocs)
		return no_memory(img);
	target->relocs = relocs;
	for (size_t i = 0; i < nr; i++) {
		if (!reloc__read(data, i, &relocs[target->nr_relocs]))
			return damaged_at(img, "bad relocation", i);
		if (relocs[target->nr_relocs].off < target->len)
			target->nr_relocs++;
	}
	return 0;
}

static int image__load_reloc_section(struct image *img, size_t index)
{
	const GElf_Shdr *hdr = &img->sections[index].hdr;
	struct section *target;
	Elf_Data *data;
	int err;

	if (hdr->sh_info >= img->nr_sections || hdr->sh_link != img->symtab)
		return damaged_at(img, "relocations of nothing in section", index);
	target = &img->sections[hdr->sh_info];
	if (!img->sections[index].len ||
	    (!section__is_code(target) && !section__is_smp_locks(target)))
		return 0;
	err = image__table(img, index, hdr->sh_type == SHT_RELA ? ELF_T_RELA : ELF_T_REL, &data);
	return err ? err : image__add_relocs(img, target, data);
}

static int image__load_relocs(struct image *img)
{
	for (size_t i = 1; i < img->nr_sections; i++) {
		uint32_t type = img->sections[i].hdr.sh_type;
		int err;

		if (type != SHT_RELA && type != SHT_REL)
			continue;
		err = image__load_reloc_section(img, i);
		if (err)
			return err;
	}
	for (size_t i = 1; i < img->nr_sections; i++) {
		struct section *sect = &img->sections[i];

		if (sect->nr_relocs)
			qsort(sect->relocs, sect->nr_relocs, sizeof(*sect->relocs), reloc__compare);
	}
	return 0;
}

/* How many relocations are before `off`. */
static size_t section__relocs_before(const struct section *sect, uint64_t off)
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

static bool reloc__is_x86_branch(const struct section *sect, const struct reloc *reloc)
{
	return (reloc->type == R_X86_64_PLT32 || reloc->type == R_X86_64_PC32) && reloc->off &&
	       x86__is_call(sect->bytes + reloc->off - 1);
}

/* Identity of the data a relocation points at: section and offset. 0 for anything else. */
static uint64_t image__data_identity(const struct image *img, const struct reloc *reloc)
{
	const struct section *sect;
	uint64_t off;
	GElf_Sym sym;

	if (!gelf_getsym(img->symbols, (int)reloc->sym, &sym))
		return 0;
	sect = image__section_of(img, &sym);
	off = sym.st_value + (uint64_t)reloc->addend;
	if (reloc->type != R_X86_64_32S)
		off += 4;	/* counted from the end of the field, which ends the lea */
	if (!sect || !section__is_data(sect) || off >= sect->hdr.sh_size || off > UINT32_MAX)
		return 0;
	return (uint64_t)sym.st_shndx << 32 | off;
}

/* A relocation that loads rsi, found before the call at `call`: is it still there at the call? */
static uint64_t image__rsi_at(const struct image *img, const struct section *sect,
			      const struct reloc *load, uint64_t call)
{
	if (vs_x86__writes_rsi(sect->bytes + load->off + 4, sect->bytes + call))
		return 0;
	return image__data_identity(img, load);
}

/* Second argument of the call at `call` in a function that starts at `start`. */
static uint64_t image__lock_argument(const struct image *img, const struct section *sect,
				     uint64_t start, uint64_t call)
{
	size_t i = section__relocs_before(sect, call);

	for (size_t n = 0; i-- > 0 && n < LOCK_LOOKBACK; n++) {
		const struct reloc *reloc = &sect->relocs[i];

		if (reloc->off < start + 3 || call - reloc->off > LOCK_LOOKBACK)
			break;
		if (call - reloc->off < 4)
			continue;
		if (reloc__is_x86_branch(sect, reloc))
			break;
		if ((reloc->type == R_X86_64_32S || reloc->type == R_X86_64_PC32) &&
		    vs_x86__loads_rsi(sect->bytes + reloc->off, reloc->type == R_X86_64_PC32))
			return image__rsi_at(img, sect, reloc, call);
	}
	return 0;
}

static int image__add_site(struct image *img, const struct vs_kmod_site *site)
{
	struct vs_kmod *kmod = img->kmod;
	struct vs_kmod_site *sites;

	if (kmod->nr_sites >= MAX_SITES)
		return vs_kmod__fail(kmod, -ENOEXEC, "more than %u sites", MAX_SITES);
	sites = array__grow(kmod->sites, kmod->nr_sites, sizeof(*sites));
	if (!sites)
		return no_memory(img);
	kmod->sites = sites;
	sites += kmod->nr_sites;
	*sites = *site;
	if (site->callee) {
		sites->callee = strdup(site->callee);
		if (!sites->callee)
			return no_memory(img);
	}
	kmod->nr_sites++;
	return 0;
}

/* The callee a relocation names, out of those asked for. */
static char *image__callee(const struct image *img, const struct reloc *reloc)
{
	const char *name;
	GElf_Sym sym;

	if (!gelf_getsym(img->symbols, (int)reloc->sym, &sym))
		return NULL;
	name = strings__at(&img->names, sym.st_name);	/* empty for a section */
	for (size_t i = 0; name && *name && img->callees && img->callees[i]; i++)
		if (!strcmp(name, img->callees[i]))
			return (char *)(uintptr_t)img->callees[i];
	return NULL;
}

static bool image__is_call(const struct image *img, const struct section *sect,
			   const struct reloc *reloc)
{
	const struct arch *arch = img->arch;

	if (reloc->type != arch->reloc_types[0] && reloc->type != arch->reloc_types[1])
		return false;
	if (reloc->off < arch->reloc_at || sect->len - reloc->off < 4)
		return false;
	return !arch->is_call || arch->is_call(sect->bytes + reloc->off - arch->reloc_at);
}

static int image__call_site(struct image *img, uint32_t index, const struct reloc *reloc)
{
	const struct section *sect = &img->sections[index];
	struct vs_kmod_site site = { .kind = VS_SITE_CALL };
	const struct func *func;
	uint64_t off;

	if (!image__is_call(img, sect, reloc))
		return 0;
	site.callee = image__callee(img, reloc);
	off = reloc->off - img->arch->reloc_at;
	func = site.callee ? image__func_at(img, index, off) : NULL;
	if (!func)
		return 0;
	site.func = (uint32_t)(func - img->funcs);
	site.func_off = (uint32_t)(off - func->pub.section_off);
	if (img->arch->machine == EM_X86_64)
		site.lock = image__lock_argument(img, sect, func->pub.section_off, off);
	return image__add_site(img, &site);
}

static int image__find_calls(struct image *img)
{
	for (uint32_t i = 1; i < img->nr_sections; i++) {
		const struct section *sect = &img->sections[i];

		for (size_t r = 0; section__is_code(sect) && r < sect->nr_relocs; r++) {
			int err = image__call_site(img, i, &sect->relocs[r]);

			if (err)
				return err;
		}
	}
	return 0;
}

/*
 * From where on a constant in `reg` is still there at `off`: not from before a
 * call that may change it, and not from before a jump away, which would be the
 * end of another path (`return -1` in front of the block of the add).
 */
static uint64_t section__reg_alive_from(const struct section *sect, uint64_t start, uint64_t off,
					uint8_t reg)
{
	uint64_t from = off - start > CONST_LOOKBACK ? off - CONST_LOOKBACK : start;
	size_t i = section__relocs_before(sect, off);

	for (size_t n = 0; i-- > 0 && n < CONST_LOOKBACK; n++) {
		const struct reloc *reloc = &sect->relocs[i];

		if (reloc->off <= from)
			break;
		if (!reloc__is_x86_branch(sect, reloc) || off - reloc->off < 4)
			continue;
		if (sect->bytes[reloc->off - 1] == VS_X86_JMP || (VS_X86_CALLER_SAVED >> reg & 1))
			return reloc->off + 4;
	}
	return from;
}

/* refcount_dec and its kind are locked adds of -1; a variable or unseen addend is kept. */
static bool section__is_decrement(const struct section *sect, uint64_t start, uint64_t off,
				  uint8_t reg)
{
	uint64_t from = section__reg_alive_from(sect, start, off, reg);

	return vs_x86__last_constant(sect->bytes + from, sect->bytes + off, reg) < 0;
}

/* Where an entry of .smp_locks points. */
static bool image__lock_prefix(const struct image *img, const struct reloc *reloc,
			       uint32_t *section, uint64_t *off)
{
	const struct section *sect;
	GElf_Sym sym;

	if (reloc->type != R_X86_64_PC32 || !gelf_getsym(img->symbols, (int)reloc->sym, &sym))
		return false;
	sect = image__section_of(img, &sym);
	*section = sym.st_shndx;
	*off = sym.st_value + (uint64_t)reloc->addend;
	return sect && section__is_code(sect) && *off < sect->len;
}

static int image__locked_add(struct image *img, const struct reloc *reloc)
{
	struct vs_kmod_site site = { .kind = VS_SITE_LOCKED_ADD };
	const struct section *sect;
	const struct func *func;
	struct vs_x86_xadd xadd;
	uint32_t index;
	uint64_t off;

	if (!image__lock_prefix(img, reloc, &index, &off))
		return 0;
	sect = &img->sections[index];
	func = image__func_at(img, index, off);
	if (!func || !vs_x86__locked_xadd(sect->bytes + off, sect->len - off, &xadd))
		return 0;
	if (image__func_at(img, index, off + xadd.len) != func ||
	    section__is_decrement(sect, func->pub.section_off, off, xadd.value_reg))
		return 0;
	site.func = (uint32_t)(func - img->funcs);
	site.func_off = (uint32_t)(off + xadd.len - func->pub.section_off);
	site.base_reg = xadd.base_reg;
	site.value_reg = xadd.value_reg;
	site.disp = xadd.disp;
	return image__add_site(img, &site);
}

/*
 * .smp_locks lists the address of every LOCK prefix, for patching them out on a
 * single CPU: no scan of the text, no mistaken instruction boundary.
 */
static int image__find_locked_adds(struct image *img)
{
	for (size_t i = 1; i < img->nr_sections; i++) {
		const struct section *sect = &img->sections[i];

		for (size_t r = 0; section__is_smp_locks(sect) && r < sect->nr_relocs; r++) {
			int err = image__locked_add(img, &sect->relocs[r]);

			if (err)
				return err;
		}
	}
	return 0;
}

static int site__compare(const void *va, const void *vb)
{
	const struct vs_kmod_site *a = va, *b = vb;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->func != b->func)
		return a->func < b->func ? -1 : 1;
	if (a->func_off != b->func_off)
		return a->func_off < b->func_off ? -1 : 1;
	return 0;
}

static int image__find_sites(struct image *img)
{
	struct vs_kmod *kmod = img->kmod;
	int err;

	if (!img->arch)
		return 0;
	err = image__find_calls(img);
	if (!err && img->arch->machine == EM_X86_64)
		err = image__find_locked_adds(img);
	if (!err && kmod->nr_sites)
		qsort(kmod->sites, kmod->nr_sites, sizeof(*kmod->sites), site__compare);
	return err;
}

static bool image__note_build_id(struct image *img, Elf_Data *data)
{
	size_t off = 0, name, desc;
	GElf_Nhdr note;

	while (off < data->d_size) {
		off = gelf_getnote(data, off, &note, &name, &desc);
		if (!off)
			return false;
		if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != 4 ||
		    memcmp((char *)data->d_buf + name, "GNU", 4))
			continue;
		vs_kmod__hex((uint8_t *)data->d_buf + desc, note.n_descsz, img->kmod->build_id);
		return true;
	}
	return false;
}

static int image__load_build_id(struct image *img)
{
	for (size_t i = 1; i < img->nr_sections; i++) {
		Elf_Data *data;

		if (img->sections[i].hdr.sh_type != SHT_NOTE || !img->sections[i].len)
			continue;
		data = elf_getdata(elf_getscn(img->elf, i), NULL);
		if (data && image__note_build_id(img, data))
			break;
	}
	return 0;
}

/* Hands the functions over to kmod, also on failure: vs_kmod__free() then frees the names. */
static int image__publish_funcs(struct image *img)
{
	struct vs_kmod *kmod = img->kmod;

	kmod->funcs = calloc(kmod->nr_funcs ? kmod->nr_funcs : 1, sizeof(*kmod->funcs));
	for (size_t i = 0; i < kmod->nr_funcs; i++) {
		if (kmod->funcs) {
			kmod->funcs[i] = img->funcs[i].pub;
		} else {
			free(img->funcs[i].pub.name);
			free(img->funcs[i].pub.section);
		}
	}
	if (kmod->funcs)
		return 0;
	kmod->nr_funcs = 0;
	return no_memory(img);
}

static void image__close(struct image *img)
{
	for (size_t i = 0; img->sections && i < img->nr_sections; i++)
		free(img->sections[i].relocs);
	free(img->sections);
	free(img->funcs);
	if (img->elf)
		elf_end(img->elf);
}

static int image__read(struct image *img)
{
	static int (*const steps[])(struct image *img) = {
		image__open, image__load_sections, image__load_symbols, image__load_funcs,
		image__load_relocs, image__find_sites, image__load_build_id,
	};
	int err = 0;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && !err; i++)
		err = steps[i](img);
	return err;
}

int vs_kmod__parse_elf(const void *data, size_t len, const char *const *callees,
		       struct vs_kmod *kmod)
{
	struct image img = { .data = data, .len = len, .callees = callees, .kmod = kmod };
	int err = image__read(&img);
	int publish_err = image__publish_funcs(&img);

	image__close(&img);
	return err ? err : publish_err;
}

void vs_kmod__free(struct vs_kmod *kmod)
{
	for (size_t i = 0; i < kmod->nr_funcs; i++) {
		free(kmod->funcs[i].name);
		free(kmod->funcs[i].section);
	}
	for (size_t i = 0; i < kmod->nr_sites; i++)
		free(kmod->sites[i].callee);
	free(kmod->funcs);
	free(kmod->sites);
	free(kmod->path);
	free(kmod->machine);
	memset(kmod, 0, sizeof(*kmod));
}

const struct vs_kmod_func *vs_kmod__func(const struct vs_kmod *kmod, const char *name)
{
	for (size_t i = 0; i < kmod->nr_funcs; i++)
		if (!strcmp(kmod->funcs[i].name, name))
			return &kmod->funcs[i];
	errno = ENOENT;
	return NULL;
}

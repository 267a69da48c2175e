// SPDX-License-Identifier: GPL-2.0
/* Functions, call sites, locked adds and build-id out of the ELF image of a module. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "code/elf_file.h"
#include "code/text_image.h"
#include "vfio/kmod.h"
#include "vfio/kmod_priv.h"
#include "vfio/kmod_x86.h"
#include "vfio/text_sites.h"
#include "vfio/verdict.h"

#define MAX_SITES	(1u << 16)
#define LOCK_LOOKBACK	32		/* bytes before a call */
#define CONST_LOOKBACK	24		/* bytes before a locked add */
#define COUNTER_BYTES	256		/* of a function that changes a counter, at most */

struct image {
	struct vs_elf elf;	/* its functions are in the order of kmod->funcs */
	const char *const *callees;
	struct vs_kmod *kmod;
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

static bool is_data(const struct vs_elf_section *sect)
{
	const uint64_t mask = SHF_ALLOC | SHF_WRITE | SHF_EXECINSTR;

	return (sect->hdr.sh_flags & mask) == (SHF_ALLOC | SHF_WRITE);
}

static bool is_smp_locks(const struct vs_elf_section *sect)
{
	return !strcmp(sect->name, ".smp_locks");
}

static bool wants_relocs(const struct vs_elf_section *sect)
{
	return vs_elf__is_code(sect) || is_smp_locks(sect) || vs_text_image__wants_relocs(sect);
}

static bool x86__is_branch(uint8_t opcode)
{
	return opcode == VS_X86_CALL || opcode == VS_X86_JMP;
}

static bool reloc__is_x86_branch(const struct vs_elf_section *sect, const struct vs_elf_reloc *reloc)
{
	return (reloc->type == R_X86_64_PLT32 || reloc->type == R_X86_64_PC32) && reloc->off &&
	       x86__is_branch(sect->bytes[reloc->off - 1]);
}

/* Identity of the data a relocation points at: section and offset. 0 for anything else. */
static uint64_t image__data_identity(const struct image *img, const struct vs_elf_reloc *reloc)
{
	const struct vs_elf_section *sect;
	uint64_t off;
	GElf_Sym sym;

	if (!vs_elf__symbol(&img->elf, reloc->sym, &sym))
		return 0;
	sect = vs_elf__section_of(&img->elf, &sym);
	off = sym.st_value + (uint64_t)reloc->addend;
	if (reloc->type != R_X86_64_32S)
		off += 4;	/* counted from the end of the field, which ends the lea */
	if (!sect || !is_data(sect) || off >= sect->hdr.sh_size || off > UINT32_MAX)
		return 0;
	return (uint64_t)sym.st_shndx << 32 | off;
}

/* A relocation that loads rsi, found before the call at `call`: is it still there at the call? */
static uint64_t image__rsi_at(const struct image *img, const struct vs_elf_section *sect,
			      const struct vs_elf_reloc *load, uint64_t call)
{
	if (vs_x86__writes_rsi(sect->bytes + load->off + 4, sect->bytes + call))
		return 0;
	return image__data_identity(img, load);
}

/* Second argument of the call at `call` in a function that starts at `start`. */
static uint64_t image__lock_argument(const struct image *img, const struct vs_elf_section *sect,
				     uint64_t start, uint64_t call)
{
	size_t i = vs_elf__relocs_before(sect, call);

	for (size_t n = 0; i-- > 0 && n < LOCK_LOOKBACK; n++) {
		const struct vs_elf_reloc *reloc = &sect->relocs[i];

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

int vs_kmod__add_site(struct vs_kmod *kmod, const struct vs_kmod_site *site)
{
	struct vs_kmod_site *sites;

	if (kmod->nr_sites >= MAX_SITES)
		return vs_kmod__fail(kmod, -ENOEXEC, "more than %u sites", MAX_SITES);
	sites = vs_elf__grow(kmod->sites, kmod->nr_sites, sizeof(*sites));
	if (!sites)
		return vs_kmod__fail(kmod, -ENOMEM, "out of memory");
	kmod->sites = sites;
	sites += kmod->nr_sites;
	*sites = *site;
	if (site->callee) {
		sites->callee = strdup(site->callee);
		if (!sites->callee)
			return vs_kmod__fail(kmod, -ENOMEM, "out of memory");
	}
	kmod->nr_sites++;
	return 0;
}

/* Returns the callee that a relocation names, if it is one of those asked for. */
static char *image__callee(const struct image *img, const struct vs_elf_reloc *reloc)
{
	const char *name;
	GElf_Sym sym;

	if (!vs_elf__symbol(&img->elf, reloc->sym, &sym))
		return NULL;
	name = vs_elf__symbol_name(&img->elf, &sym);	/* empty for a section */
	for (size_t i = 0; *name && img->callees && img->callees[i]; i++)
		if (!strcmp(name, img->callees[i]))
			return (char *)(uintptr_t)img->callees[i];
	return NULL;
}

static int image__call_site(struct image *img, uint32_t index, const struct vs_elf_reloc *reloc)
{
	const struct vs_elf_section *sect = &img->elf.sections[index];
	struct vs_kmod_site site = { .kind = VS_SITE_CALL };
	const struct vs_elf_func *func;
	uint64_t off;

	if (!vs_elf__is_call(&img->elf, sect, reloc))
		return 0;
	site.callee = image__callee(img, reloc);
	off = reloc->off - img->elf.arch->reloc_at;
	func = site.callee ? vs_elf__func_at(&img->elf, index, off) : NULL;
	if (!func)
		return 0;
	site.func = (uint32_t)(func - img->elf.funcs);
	site.func_off = (uint32_t)(off - func->off);
	if (img->elf.arch->machine == EM_X86_64)
		site.lock = image__lock_argument(img, sect, func->off, off);
	return vs_kmod__add_site(img->kmod, &site);
}

static int image__find_calls(struct image *img)
{
	for (uint32_t i = 1; i < img->elf.nr_sections; i++) {
		const struct vs_elf_section *sect = &img->elf.sections[i];

		for (size_t r = 0; vs_elf__is_code(sect) && r < sect->nr_relocs; r++) {
			int err = image__call_site(img, i, &sect->relocs[r]);

			if (err)
				return err;
		}
	}
	return 0;
}

/*
 * Returns the place from which on a constant loaded into `reg` is still there at `off`: after a
 * call that may change it, and after a jump away, which would end another path (`return -1` in
 * front of the block of the add).
 */
static uint64_t section__reg_alive_from(const struct vs_elf_section *sect, uint64_t start, uint64_t off,
					uint8_t reg)
{
	uint64_t from = off - start > CONST_LOOKBACK ? off - CONST_LOOKBACK : start;
	size_t i = vs_elf__relocs_before(sect, off);

	for (size_t n = 0; i-- > 0 && n < CONST_LOOKBACK; n++) {
		const struct vs_elf_reloc *reloc = &sect->relocs[i];

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
static bool section__is_decrement(const struct vs_elf_section *sect, uint64_t start, uint64_t off,
				  uint8_t reg)
{
	uint64_t from = section__reg_alive_from(sect, start, off, reg);

	return vs_x86__last_constant(sect->bytes + from, sect->bytes + off, reg) < 0;
}

/* Finds the place that an entry of .smp_locks points to. */
static bool image__lock_prefix(const struct image *img, const struct vs_elf_reloc *reloc,
			       uint32_t *section, uint64_t *off)
{
	const struct vs_elf_section *sect;

	if (reloc->type != R_X86_64_PC32 || !vs_elf__target(&img->elf, reloc, section, off))
		return false;
	sect = &img->elf.sections[*section];
	return vs_elf__is_code(sect) && *off < sect->len;
}

/*
 * Returns the kind of site for what the instruction at a LOCK prefix does to a counter; 0: none
 * that matters.
 */
static int section__locked_kind(const struct vs_elf_section *sect, const struct vs_elf_func *func,
				uint64_t off, struct vs_x86_xadd *x)
{
	if (vs_x86__locked_cmpxchg(sect->bytes + off, sect->len - off, x))
		return VS_SITE_LOCKED_EXCHANGE;
	if (!vs_x86__locked_xadd(sect->bytes + off, sect->len - off, x))
		return 0;
	return section__is_decrement(sect, func->off, off, x->value_reg) ? VS_SITE_LOCKED_SUB :
									     VS_SITE_LOCKED_ADD;
}

/* Finds the place after the locked instruction at `off`, if it has one in its function. */
static bool image__locked_site(const struct image *img, uint32_t index, uint64_t off,
			       struct vs_kmod_site *site)
{
	const struct vs_elf_section *sect = &img->elf.sections[index];
	const struct vs_elf_func *func = vs_elf__func_at(&img->elf, index, off);
	struct vs_x86_xadd x;
	int kind = func && off < sect->len ? section__locked_kind(sect, func, off, &x) : 0;

	if (!kind || vs_elf__func_at(&img->elf, index, off + x.len) != func)
		return false;
	*site = (struct vs_kmod_site){
		.kind = kind,
		.func = (uint32_t)(func - img->elf.funcs),
		.func_off = (uint32_t)(off + x.len - func->off),
		.base_reg = x.base_reg,
		.value_reg = x.value_reg,
		.disp = x.disp,
	};
	return true;
}

static int image__locked_add(struct image *img, const struct vs_elf_reloc *reloc)
{
	struct vs_kmod_site site;
	uint32_t index;
	uint64_t off;

	if (!image__lock_prefix(img, reloc, &index, &off) ||
	    !image__locked_site(img, index, off, &site))
		return 0;
	return vs_kmod__add_site(img->kmod, &site);
}

/*
 * Functions that do little but change one counter. Where .smp_locks does not list
 * their instruction (7.x), it is the one place in their text that has its bytes. Were
 * that the tail of another instruction, the kernel would refuse the probe: it decodes
 * from the start of the function.
 */
static const char *const counter_functions[] = {
	"vfio_device_try_get_registration",
	"vfio_device_put_registration",
};

static bool is_counter_function(const struct vs_elf_func *func)
{
	if (func->size > COUNTER_BYTES)
		return false;
	for (size_t i = 0; i < sizeof(counter_functions) / sizeof(counter_functions[0]); i++)
		if (!strcmp(func->name, counter_functions[i]))
			return true;
	return false;
}

static bool image__has_locked(const struct image *img, uint32_t func)
{
	for (size_t i = 0; i < img->kmod->nr_sites; i++)
		if (img->kmod->sites[i].func == func && img->kmod->sites[i].kind != VS_SITE_CALL)
			return true;
	return false;
}

static int image__find_unlisted(struct image *img)
{
	for (uint32_t i = 0; i < img->elf.nr_funcs; i++) {
		const struct vs_elf_func *func = &img->elf.funcs[i];
		struct vs_kmod_site site, found;
		size_t nr = 0;

		if (!is_counter_function(func) || image__has_locked(img, i))
			continue;
		for (uint64_t off = func->off; off < func->off + func->size; off++)
			if (image__locked_site(img, func->section, off, &site) && !nr++)
				found = site;
		if (nr == 1 && vs_kmod__add_site(img->kmod, &found))
			return -ENOMEM;
	}
	return 0;
}

/*
 * .smp_locks lists the address of every LOCK prefix, for patching them out on a
 * single CPU: no scan of the text, no mistaken instruction boundary.
 */
static int image__listed_adds(struct image *img)
{
	for (size_t i = 1; i < img->elf.nr_sections; i++) {
		const struct vs_elf_section *sect = &img->elf.sections[i];

		for (size_t r = 0; is_smp_locks(sect) && r < sect->nr_relocs; r++) {
			int err = image__locked_add(img, &sect->relocs[r]);

			if (err)
				return err;
		}
	}
	return 0;
}

/* The function that a sweep belongs to. */
struct swept {
	struct vs_kmod *kmod;
	uint32_t func;
};

static int swept__site(void *ctx, const struct vs_text_site *found)
{
	const struct swept *swept = ctx;
	struct vs_kmod_site site = found->site;

	/* Calls are known from relocations. */
	if (site.kind == VS_SITE_CALL)
		return 0;
	site.func = swept->func;
	return vs_kmod__add_site(swept->kmod, &site);
}

static bool func__is_alias(const struct vs_elf *elf, size_t i)
{
	return i && elf->funcs[i - 1].section == elf->funcs[i].section &&
	       elf->funcs[i - 1].off == elf->funcs[i].off;
}

/* 7.x keeps no list (.smp_locks): each function is decoded from its start. */
static int image__decoded_adds(struct image *img)
{
	const struct vs_elf *elf = &img->elf;
	int err = 0;

	for (size_t i = 0; i < elf->nr_funcs && !err; i++) {
		const struct vs_elf_func *func = &elf->funcs[i];
		const struct vs_elf_section *sect = &elf->sections[func->section];
		struct swept swept = { img->kmod, (uint32_t)i };
		struct vs_text_sweep sweep = { .site = swept__site, .ctx = &swept };

		if (!vs_elf__is_code(sect) || func__is_alias(elf, i) || func->off >= sect->len)
			continue;
		sweep.bytes = sect->bytes + func->off;
		sweep.len = sect->len - func->off < func->size ? sect->len - func->off : func->size;
		err = vs_text_sweep__run(&sweep);
	}
	return err;
}

static int image__find_locked_adds(struct image *img)
{
	return vs_elf__section(&img->elf, ".smp_locks") ? image__listed_adds(img)
							: image__decoded_adds(img);
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

void vs_kmod__sort_sites(struct vs_kmod *kmod)
{
	if (kmod->nr_sites)
		qsort(kmod->sites, kmod->nr_sites, sizeof(*kmod->sites), site__compare);
}

static int image__find_sites(struct image *img)
{
	struct vs_kmod *kmod = img->kmod;
	int err;

	if (!img->elf.arch)
		return 0;
	err = image__find_calls(img);
	if (!err && img->elf.arch->machine == EM_X86_64)
		err = image__find_locked_adds(img);
	if (!err && img->elf.arch->machine == EM_X86_64)
		err = image__find_unlisted(img);
	vs_kmod__sort_sites(kmod);
	return err;
}

static bool note_build_id(void *ctx, const GElf_Nhdr *note, const char *name, const uint8_t *desc)
{
	struct vs_kmod *kmod = ctx;

	if (note->n_type != NT_GNU_BUILD_ID || note->n_namesz != 4 || memcmp(name, "GNU", 4))
		return false;
	vs_kmod__hex(desc, note->n_descsz, kmod->build_id);
	return true;
}

static int image__copy_funcs(struct image *img)
{
	const struct vs_elf *elf = &img->elf;
	struct vs_kmod *kmod = img->kmod;

	kmod->funcs = calloc(elf->nr_funcs ? elf->nr_funcs : 1, sizeof(*kmod->funcs));
	if (!kmod->funcs)
		return no_memory(img);
	for (; kmod->nr_funcs < elf->nr_funcs; kmod->nr_funcs++) {
		const struct vs_elf_func *from = &elf->funcs[kmod->nr_funcs];
		struct vs_kmod_func *func = &kmod->funcs[kmod->nr_funcs];

		func->name = strdup(from->name);
		func->section = strdup(elf->sections[from->section].name);
		func->section_off = from->off;
		func->size = from->size;
		if (!func->name || !func->section) {
			kmod->nr_funcs++;
			return no_memory(img);
		}
	}
	return 0;
}

/* Copies the text for text_check.h. Other architectures have none. */
static int image__copy_text(struct image *img)
{
	img->kmod->text = vs_text_image__new(&img->elf);
	return !img->kmod->text && errno == ENOMEM ? no_memory(img) : 0;
}

static int image__read(struct image *img)
{
	struct vs_kmod *kmod = img->kmod;
	int err;

	kmod->machine = strdup(img->elf.arch ? img->elf.arch->name : "other");
	err = kmod->machine ? image__copy_funcs(img) : no_memory(img);
	if (!err)
		err = image__find_sites(img);
	if (!err)
		err = image__copy_text(img);
	if (!err)
		vs_elf__notes(&img->elf, note_build_id, kmod);
	return err;
}

int vs_kmod__parse_elf(const void *data, size_t len, const char *const *callees,
		       struct vs_kmod *kmod)
{
	static const struct vs_elf_opts opts = { .relocs_of = wants_relocs };
	struct image img = { .callees = callees, .kmod = kmod };
	int err = vs_elf__open(data, len, &opts, &img.elf);

	if (err)
		return vs_kmod__fail(kmod, err, "%s", img.elf.error);
	err = image__read(&img);
	vs_elf__close(&img.elf);
	if (!err)
		kmod->followed = vs_judge__module(data, len, &kmod->code);
	return err;
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
	vs_text_image__free(kmod->text);
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

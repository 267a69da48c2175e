// SPDX-License-Identifier: GPL-2.0
/* Modules, kernels with a symbol table, kernels with nothing but kallsyms. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "code/kallsyms_tables.h"
#include "inspect/inspect_priv.h"
#include "vfio/functions.h"

/* ---- identity ---- */

static bool take_build_id(void *ctx, const GElf_Nhdr *note, const char *name, const uint8_t *desc)
{
	struct vs_inspection *in = ctx;

	if (note->n_type != NT_GNU_BUILD_ID || note->n_namesz != 4 || memcmp(name, "GNU", 4) ||
	    note->n_descsz > (sizeof(in->build_id) - 1) / 2)
		return false;
	for (size_t i = 0; i < note->n_descsz; i++)
		snprintf(in->build_id + 2 * i, 3, "%02x", desc[i]);
	return true;
}

/* Words of the file may go to a terminal, so replace other bytes than printable ASCII. */
static void copy_word(char *to, size_t size, const char *from, size_t len, const char *stop)
{
	size_t nr = 0;

	while (nr < len && nr < size - 1 && from[nr] && !strchr(stop, from[nr])) {
		to[nr] = from[nr] > ' ' && from[nr] < 0x7f ? from[nr] : '?';
		nr++;
	}
	to[nr] = '\0';
}

/* .modinfo: "key=value" strings */
static void take_modinfo(struct vs_inspection *in, const char *entry, size_t len)
{
	if (len > 9 && !memcmp(entry, "vermagic=", 9))
		copy_word(in->release, sizeof(in->release), entry + 9, len - 9, " ");
	else if (len > 11 && !memcmp(entry, "srcversion=", 11))
		copy_word(in->srcversion, sizeof(in->srcversion), entry + 11, len - 11, "");
}

static void read_modinfo(const struct vs_elf *elf, struct vs_inspection *in)
{
	const struct vs_elf_section *sect = vs_elf__section(elf, ".modinfo");
	size_t pos = 0;

	while (sect && sect->bytes && pos < sect->len) {
		const char *entry = (const char *)sect->bytes + pos;
		size_t len = strnlen(entry, sect->len - pos);

		take_modinfo(in, entry, len);
		pos += len + 1;
	}
}

/* ---- modules ---- */

static bool exports(const struct vs_elf *elf, const char *name)
{
	const struct vs_elf_section *sect = vs_elf__section(elf, "__ksymtab_strings");

	return sect && sect->bytes && memmem(sect->bytes, sect->len, name, strlen(name) + 1);
}

static int inspect_stripped_module(const struct vs_elf *elf, struct vs_inspection *in)
{
	in->has_vfio = exports(elf, VS_VFIO_REGISTER) ||
		       exports(elf, "vfio_add_group_dev");
	if (in->has_vfio)
		vs_inspect__note(in, "__ksymtab_strings says that this is the core of VFIO");
	vs_inspect__inconclusive(in, "no symbol table: calls have no names here");
	return 0;
}

static int inspect_module(const struct vs_elf *elf, struct vs_inspection *in)
{
	struct vs_code code;
	int err;

	in->kind = VS_BINARY_MODULE;
	read_modinfo(elf, in);
	if (!elf->symtab)
		return inspect_stripped_module(elf, in);
	err = vs_scan__module(elf, &code);
	if (err)
		return vs_inspect__fail(in, err, err == -ENOMEM ? "out of memory" :
					"more functions or calls than a module can have");
	err = vs_inspect__code(&code, in);
	vs_code__free(&code);
	return err;
}

/* ---- linked kernels ---- */

static int read_sections(void *ctx, uint64_t addr, void *buf, size_t len)
{
	const struct vs_elf *elf = ctx;

	for (size_t i = 1; i < elf->nr_sections; i++) {
		const struct vs_elf_section *sect = &elf->sections[i];
		uint64_t off = addr - sect->hdr.sh_addr;

		if (!vs_elf__is_code(sect) || addr < sect->hdr.sh_addr || off > sect->len ||
		    len > sect->len - off)
			continue;
		memcpy(buf, sect->bytes + off, len);
		return 0;
	}
	return -EFAULT;
}

static int scan_kernel(struct vs_kernel_text *text, struct vs_inspection *in)
{
	struct vs_code code;
	int err = vs_scan__kernel(text, &code);

	if (err == -EFAULT)
		return vs_inspect__fail(in, -ENOEXEC,
					"damaged: a function of VFIO is not in the image");
	if (err)
		return vs_inspect__fail(in, err, "cannot read the code: %s", strerror(-err));
	err = vs_inspect__code(&code, in);
	vs_code__free(&code);
	return err;
}

static int inspect_symtab(const struct vs_elf *elf, struct vs_inspection *in)
{
	struct vs_kernel_text text = { .machine = in->machine, .read = read_sections,
				       .ctx = (void *)(uintptr_t)elf };
	int err;

	in->kind = VS_BINARY_VMLINUX;
	text.syms = calloc(elf->nr_funcs + 1, sizeof(*text.syms));
	if (!text.syms)
		return vs_inspect__fail(in, -ENOMEM, "out of memory");
	for (size_t i = 0; i < elf->nr_funcs; i++) {
		const struct vs_elf_func *func = &elf->funcs[i];
		uint64_t addr = elf->sections[func->section].hdr.sh_addr + func->off;

		text.syms[text.nr_syms++] = (struct vs_ksym){ addr, func->rank ? 't' : 'T',
							      func->name };
	}
	err = scan_kernel(&text, in);
	free(text.syms);
	return err;
}

static int scan_image(struct vs_kernel_text *text, struct vs_image_syms *syms,
		      struct vs_inspection *in)
{
	int err;

	text->syms = syms->syms;
	text->nr_syms = syms->nr;
	vs_inspect__note(in, "no symbol table: %zu names from the tables of kallsyms", syms->nr);
	err = scan_kernel(text, in);
	vs_image_syms__free(syms);
	return err;
}

static int no_names(struct vs_inspection *in)
{
	vs_inspect__inconclusive(in, "no symbol table, and no kallsyms tables that can be read");
	return 0;
}

/* Returns the address of the first code section, which kallsyms calls _text. */
static uint64_t text_address(const struct vs_elf *elf)
{
	const struct vs_elf_section *sect = vs_elf__section(elf, ".text");

	return sect ? sect->hdr.sh_addr : 0;
}

static int inspect_kallsyms(const struct vs_elf *elf, struct vs_inspection *in)
{
	struct vs_kernel_text text = { .machine = in->machine, .read = read_sections,
				       .ctx = (void *)(uintptr_t)elf };
	struct vs_image_syms syms;
	int err = vs_image_syms__read(elf->data, elf->len, text_address(elf), &syms);

	in->kind = VS_BINARY_VMLINUZ;
	if (err == -ENOENT)
		return no_names(in);
	return err ? vs_inspect__fail(in, err, "out of memory") : scan_image(&text, &syms, in);
}

static int inspect_kernel(const struct vs_elf *elf, struct vs_inspection *in)
{
	vs_inspect__find_release(elf->data, elf->len, in->release, sizeof(in->release));
	return elf->symtab && elf->nr_funcs ? inspect_symtab(elf, in) : inspect_kallsyms(elf, in);
}

/* On these kernels the symbols of functions are in .opd, and instructions are not little-endian. */
static bool is_big_endian_ppc64(const struct vs_elf *elf)
{
	return elf->ehdr.e_machine == EM_PPC64 && elf->ehdr.e_ident[EI_DATA] == ELFDATA2MSB;
}

static int inspect_any(const struct vs_elf *elf, struct vs_inspection *in)
{
	bool is_module = elf->ehdr.e_type == ET_REL;

	if (!is_big_endian_ppc64(elf))
		return is_module ? inspect_module(elf, in) : inspect_kernel(elf, in);
	in->kind = is_module ? VS_BINARY_MODULE : VS_BINARY_VMLINUX;
	if (is_module)
		read_modinfo(elf, in);
	else
		vs_inspect__find_release(elf->data, elf->len, in->release, sizeof(in->release));
	vs_inspect__inconclusive(in, "big-endian ppc64 (ELFv1) is not read");
	return 0;
}

int vs_inspect__elf(const void *data, size_t len, bool lines, struct vs_inspection *in)
{
	struct vs_elf elf;
	int err = vs_elf__open(data, len, &vs_scan__module_opts, &elf);

	if (err)
		return vs_inspect__fail(in, err, "%s", elf.error);
	snprintf(in->machine, sizeof(in->machine), "%s", elf.arch ? elf.arch->name : "other");
	vs_elf__notes(&elf, take_build_id, in);
	err = inspect_any(&elf, in);
	if (!err && lines)
		vs_inspect__add_lines(&elf, in);
	vs_elf__close(&elf);
	return err;
}

/* ---- aarch64's Image ---- */

#define SAMPLE 4096	/* calls */

struct raw {
	const uint8_t *data;
	size_t len;
	uint64_t base;		/* address of the first byte */
};

static int read_raw(void *ctx, uint64_t addr, void *buf, size_t len)
{
	const struct raw *raw = ctx;
	uint64_t off = addr - raw->base;

	if (off > raw->len || len > raw->len - off)
		return -EFAULT;
	memcpy(buf, raw->data + off, len);
	return 0;
}

static int compare_addr(const void *va, const void *vb)
{
	const struct vs_ksym *a = va, *b = vb;

	return a->addr < b->addr ? -1 : a->addr > b->addr;
}

/* Counts how many of the first calls in the image lead to the start of a function. */
static size_t count_hits(const struct raw *raw, const struct vs_image_syms *syms)
{
	size_t hits = 0, calls = 0;

	for (size_t off = 0; off + 4 <= raw->len && calls < SAMPLE; off += 4) {
		struct vs_insn insn;
		struct vs_ksym key;

		vs_decode__aarch64(raw->data + off, 4, raw->base + off, &insn);
		if (insn.kind != VS_INSN_CALL)
			continue;
		calls++;
		key.addr = insn.target;
		hits += bsearch(&key, syms->syms, syms->nr, sizeof(key), compare_addr) != NULL;
	}
	return hits;
}

/*
 * Finds the address of the first byte: the lowest symbol can be _text itself, or _stext, which is
 * up to 64 KiB after it (until v6.0 or so). The calls in the code decide.
 */
static bool find_base(const struct vs_image_syms *syms, struct raw *raw)
{
	static const uint64_t gaps[] = { 0, 0x1000, 0x4000, 0x10000 };
	uint64_t best = 0;
	size_t most = 0;

	for (size_t i = 0; i < sizeof(gaps) / sizeof(gaps[0]); i++) {
		size_t hits;

		raw->base = syms->syms[0].addr - gaps[i];
		hits = count_hits(raw, syms);
		if (hits > most) {
			most = hits;
			best = raw->base;
		}
	}
	raw->base = best;
	return most > SAMPLE / 2;
}

int vs_inspect__raw(const void *data, size_t len, struct vs_inspection *in)
{
	struct raw raw = { .data = data, .len = len };
	struct vs_kernel_text text = { .machine = "aarch64", .read = read_raw, .ctx = &raw };
	struct vs_image_syms syms;
	int err = vs_image_syms__read(data, len, 0xffff800008000000ull, &syms);

	in->kind = VS_BINARY_VMLINUZ;
	snprintf(in->machine, sizeof(in->machine), "aarch64");
	vs_inspect__find_release(data, len, in->release, sizeof(in->release));
	if (err == -ENOENT)
		return no_names(in);
	if (err)
		return vs_inspect__fail(in, err, "out of memory");
	if (find_base(&syms, &raw))
		return scan_image(&text, &syms, in);
	vs_image_syms__free(&syms);
	return no_names(in);
}
